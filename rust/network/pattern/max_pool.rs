//! Max pooling.

use super::{AvgPool2d, Geometry, Place, Shape};
use crate::error::Result;

/// Every neuron to those of the same channel whose window it lies in, as in [`AvgPool2d`]; but the neurons above do not integrate: one
/// fires when an input has sent more spikes than any of its inputs had before.
///
/// So at any time its spikes are as many as those of the input that has sent most. Synapses have the weight 1, which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool2d(AvgPool2d);

impl MaxPool2d {
    /// Lays windows over `pre`, (height, width) each; `name` is that of the layer, for the message.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the size that is impossible.
    pub fn new(name: &str, pre: Shape, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self> {
        AvgPool2d::new(name, pre, kernel, stride, padding).map(Self)
    }

    /// Returns the windows.
    pub fn windows(&self) -> &AvgPool2d {
        &self.0
    }
}

impl Geometry for MaxPool2d {
    fn pre(&self) -> Shape {
        self.0.pre()
    }

    fn post(&self) -> Shape {
        self.0.post()
    }

    fn matrix(&self) -> [usize; 2] {
        self.0.matrix()
    }

    fn row(&self, post: usize) -> usize {
        self.0.row(post)
    }

    fn constant(&self) -> Option<f64> {
        Some(1.0)
    }

    fn most_onto(&self) -> usize {
        self.0.most_onto()
    }

    fn place(&self, pre: usize, post: usize) -> Option<Place> {
        self.0.place(pre, post)
    }

    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)> {
        self.0.synapses(pre)
    }
}
