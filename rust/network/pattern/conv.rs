//! Convolutions.

use super::{Geometry, Place, Shape, Window};
use crate::error::{Error, Result};

/// Every channel a set of kernels that slide over the channels below: cross-correlation, as in all libraries of the field.
///
/// The matrix is (channels, fan-in): row c holds the kernels of channel c, column (i * kernel height + y) * kernel width + x being tap
/// (y, x) of the i-th channel below of its group. In one dimension the height is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    pre: Shape,
    post: Shape,
    rows: Window,
    columns: Window,
    groups: usize,
}

/// Sizes of a convolution, (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSizes {
    /// Number of channels.
    pub channels: usize,
    /// Taps of a kernel.
    pub kernel: [usize; 2],
    /// Places from one position of the kernel to the next.
    pub stride: [usize; 2],
    /// Places without a neuron before the first and after the last one.
    pub padding: [usize; 2],
    /// Places from one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Parts of the channels, each of which receives from its part of the channels below only.
    pub groups: usize,
}

impl Conv2d {
    /// Lays a convolution over `pre`; `name` is that of the layer, for the message.
    ///
    /// # Errors
    /// [`Error::Value`] naming the size that is impossible.
    pub fn new(name: &str, pre: Shape, sizes: ConvSizes) -> Result<Self> {
        let ConvSizes { channels, kernel, stride, padding, dilation, groups } = sizes;
        if channels == 0 || channels >= 1 << 24 {
            return Err(Error::value(format!("{name}.channels"), "in [1, 2^24)", channels));
        }
        if groups == 0 || !channels.is_multiple_of(groups) || !pre.channels.is_multiple_of(groups) {
            let expected = format!("a divisor of the {} channels below and of the layer's {channels}", pre.channels);
            return Err(Error::value(format!("{name}.groups"), expected, groups));
        }
        let window = |axis, pre, a: usize| {
            let sizes = [kernel[a], stride[a], padding[a], dilation[a]];
            Window::new(name, axis, pre, sizes)
        };
        let (rows, columns) = (window("height", pre.height, 0)?, window("width", pre.width, 1)?);
        let post = Shape { channels, height: rows.post, width: columns.post };
        Ok(Self { pre, post, rows, columns, groups })
    }

    /// Returns how the kernels slide along the height.
    pub fn rows(&self) -> Window {
        self.rows
    }

    /// Returns how the kernels slide along the width.
    pub fn columns(&self) -> Window {
        self.columns
    }

    /// Returns the number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Returns the number of channels below that a channel receives from.
    pub fn channels_in(&self) -> usize {
        self.pre.channels / self.groups
    }

    /// Returns the number of channels of a group.
    pub fn channels_out(&self) -> usize {
        self.post.channels / self.groups
    }

    /// Returns the number of taps of a kernel.
    pub fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }
}

impl Geometry for Conv2d {
    fn pre(&self) -> Shape {
        self.pre
    }

    fn post(&self) -> Shape {
        self.post
    }

    fn matrix(&self) -> [usize; 2] {
        [self.post.channels, self.channels_in() * self.taps()]
    }

    fn axes(&self) -> Vec<usize> {
        vec![self.post.channels, self.channels_in(), self.rows.kernel, self.columns.kernel]
    }

    fn row(&self, post: usize) -> usize {
        post / self.post.plane()
    }

    fn constant(&self) -> Option<f64> {
        None
    }

    fn most_onto(&self) -> usize {
        self.channels_in() * self.rows.most_held() * self.columns.most_held()
    }

    fn place(&self, pre: usize, post: usize) -> Option<Place> {
        let ((channel, y, x), (row, post_y, post_x)) = (self.pre.place(pre), self.post.place(post));
        let (tap_y, tap_x) = (self.rows.tap(post_y, y)?, self.columns.tap(post_x, x)?);
        let inner = channel.checked_sub(row / self.channels_out() * self.channels_in())?;
        let column = (inner * self.rows.kernel + tap_y) * self.columns.kernel + tap_x;
        (inner < self.channels_in()).then_some(Place { row: row as u32, column: column as u32 })
    }

    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)> {
        let Self { post, rows, columns, .. } = *self;
        let (channel, y, x) = self.pre.place(pre);
        let (group, inner) = (channel / self.channels_in(), channel % self.channels_in());
        let channels = group * self.channels_out()..(group + 1) * self.channels_out();
        channels.flat_map(move |row| {
            rows.holding(y).flat_map(move |(post_y, tap_y)| {
                columns.holding(x).map(move |(post_x, tap_x)| {
                    let column = (inner * rows.kernel + tap_y) * columns.kernel + tap_x;
                    (post.neuron(row, post_y, post_x) as u32, Place { row: row as u32, column: column as u32 })
                })
            })
        })
    }
}
