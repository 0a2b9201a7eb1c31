//! All-to-all connections.

use super::{Geometry, Place, Shape};

/// Every presynaptic neuron to every postsynaptic one; the matrix is (n_out, n_in).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Presynaptic shape.
    pub pre: Shape,
    /// Postsynaptic shape.
    pub post: Shape,
}

impl Geometry for Dense {
    fn pre(&self) -> Shape {
        self.pre
    }

    fn post(&self) -> Shape {
        self.post
    }

    fn matrix(&self) -> [usize; 2] {
        [self.post.n(), self.pre.n()]
    }

    fn row(&self, post: usize) -> usize {
        post
    }

    fn constant(&self) -> Option<f64> {
        None
    }

    fn place(&self, pre: usize, post: usize) -> Option<Place> {
        Some(Place { row: post as u32, column: pre as u32 })
    }

    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)> {
        (0..self.post.n() as u32).map(move |post| (post, Place { row: post, column: pre as u32 }))
    }
}
