//! Lateral inhibition.

use super::{Geometry, Place, Shape};

/// Every neuron of a layer to every other one, with one weight that nothing changes; the matrix is (n, n), 0 on its diagonal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lateral {
    /// Shape of the layer.
    pub shape: Shape,
    /// What a spike takes from the synaptic current of every other neuron.
    pub strength: f64,
}

impl Geometry for Lateral {
    fn pre(&self) -> Shape {
        self.shape
    }

    fn post(&self) -> Shape {
        self.shape
    }

    fn matrix(&self) -> [usize; 2] {
        [self.shape.n(); 2]
    }

    fn row(&self, post: usize) -> usize {
        post
    }

    fn constant(&self) -> Option<f64> {
        Some(-self.strength)
    }

    fn place(&self, pre: usize, post: usize) -> Option<Place> {
        (pre != post).then_some(Place { row: post as u32, column: pre as u32 })
    }

    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)> {
        let others = (0..self.shape.n() as u32).filter(move |&post| post as usize != pre);
        others.map(move |post| (post, Place { row: post, column: pre as u32 }))
    }
}
