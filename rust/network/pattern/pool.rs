//! Average pooling.

use super::{Geometry, Place, Shape, Window};
use crate::error::Result;

/// Every neuron to those of the same channel whose window it lies in, all with the weight 1 / (number of neurons of a
/// window), which nothing changes; the matrix is (1, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool2d {
    pre: Shape,
    post: Shape,
    rows: Window,
    columns: Window,
}

impl AvgPool2d {
    /// Lays windows over `pre`, (height, width) each; `name` is that of the layer, for the message.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the size that is impossible.
    pub fn new(name: &str, pre: Shape, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self> {
        let window = |axis, pre, a: usize| Window::new(name, axis, pre, [kernel[a], stride[a], padding[a], 1]);
        let (rows, columns) = (window("height", pre.height, 0)?, window("width", pre.width, 1)?);
        let post = Shape { channels: pre.channels, height: rows.post, width: columns.post };
        Ok(Self { pre, post, rows, columns })
    }

    /// Returns how the windows lie along the height.
    pub fn rows(&self) -> Window {
        self.rows
    }

    /// Returns how the windows lie along the width.
    pub fn columns(&self) -> Window {
        self.columns
    }
}

impl Geometry for AvgPool2d {
    fn pre(&self) -> Shape {
        self.pre
    }

    fn post(&self) -> Shape {
        self.post
    }

    fn matrix(&self) -> [usize; 2] {
        [1, 1]
    }

    fn row(&self, _post: usize) -> usize {
        0
    }

    fn constant(&self) -> Option<f64> {
        Some(1.0 / (self.rows.kernel * self.columns.kernel) as f64)
    }

    fn most_onto(&self) -> usize {
        self.rows.most_held() * self.columns.most_held()
    }

    fn place(&self, pre: usize, post: usize) -> Option<Place> {
        let ((channel, y, x), (post_channel, post_y, post_x)) = (self.pre.place(pre), self.post.place(post));
        let is_held = self.rows.tap(post_y, y).is_some() && self.columns.tap(post_x, x).is_some();
        (channel == post_channel && is_held).then_some(Place { row: 0, column: 0 })
    }

    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)> {
        let Self { post, rows, columns, .. } = *self;
        let (channel, y, x) = self.pre.place(pre);
        rows.holding(y).flat_map(move |(post_y, _)| {
            let at = move |(post_x, _)| (post.neuron(channel, post_y, post_x) as u32, Place { row: 0, column: 0 });
            columns.holding(x).map(at)
        })
    }
}
