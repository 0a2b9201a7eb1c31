//! How kernels lie over a plane.

use crate::error::{Error, Result};
use crate::memory::product;
use crate::network::{AvgPool2d, Conv2d, ConvSizes, Geometry, Place, Shape, Window};

/// Says how kernels slide over the neurons of one population, and so which of another they reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sliding {
    /// Presynaptic shape.
    pub(super) pre: Shape,
    /// Postsynaptic shape.
    pub(super) post: Shape,
    /// How they slide along the height.
    pub(super) rows: Window,
    /// How they slide along the width.
    pub(super) columns: Window,
    /// Parts of the channels, each of which receives from its part of those below only.
    pub(super) groups: usize,
    /// Whether all synapses have one weight, as in a pool.
    pub(super) tied: bool,
}

impl From<&Conv2d> for Sliding {
    fn from(conv: &Conv2d) -> Self {
        let (rows, columns) = (conv.rows(), conv.columns());
        Self { pre: conv.pre(), post: conv.post(), rows, columns, groups: conv.groups(), tied: false }
    }
}

impl From<&AvgPool2d> for Sliding {
    fn from(pool: &AvgPool2d) -> Self {
        let (pre, rows, columns) = (pool.pre(), pool.rows(), pool.columns());
        Self { pre, post: pool.post(), rows, columns, groups: pre.channels, tied: true }
    }
}

impl Sliding {
    /// Whether all synapses have one weight, as in a pool.
    pub fn is_tied(&self) -> bool {
        self.tied
    }

    /// Returns the postsynaptic shape.
    pub fn post(&self) -> Shape {
        self.post
    }

    /// Returns the channels of a group, presynaptic and postsynaptic.
    pub(super) fn channels_of_group(&self) -> [usize; 2] {
        [self.pre.channels / self.groups, self.post.channels / self.groups]
    }

    /// Returns the number of columns of the matrix of weights, and of all its entries; `None` if that cannot be counted.
    pub(super) fn matrix(&self) -> Option<[usize; 2]> {
        if self.tied {
            return Some([1, 1]);
        }
        let columns = product(&[self.channels_of_group()[0], self.rows.kernel, self.columns.kernel])?;
        Some([columns, columns.checked_mul(self.post.channels)?])
    }

    /// Returns where in the matrix of weights, row-major, a place is.
    pub(super) fn entry(&self, Place { row, column }: Place) -> usize {
        let columns = self.channels_of_group()[0] * self.rows.kernel * self.columns.kernel;
        row as usize * columns + column as usize
    }

    /// Returns all that it follows from, in numbers.
    pub fn words(&self) -> [u64; 14] {
        let Self { pre, post, rows, columns, groups, tied } = *self;
        let sizes = [usize::from(tied), pre.channels, pre.height, pre.width, post.channels, groups];
        let windows = [rows.kernel, columns.kernel, rows.stride, columns.stride];
        let windows = windows.into_iter().chain([rows.padding, columns.padding, rows.dilation, columns.dilation]);
        let mut words = [0; 14];
        words.iter_mut().zip(sizes.into_iter().chain(windows)).for_each(|(word, size)| *word = size as u64);
        words
    }

    /// Makes what [`words`](Self::words) told, from numbers that may come from anywhere.
    ///
    /// # Errors
    /// [`Error::Value`] if they tell of none, or of more neurons than a population has.
    pub fn from_words(words: &[u64]) -> Result<Self> {
        let refused = || Error::value("synapses", "kernels that slide over a plane", "others");
        let sizes = words.iter().map(|&word| usize::try_from(word).ok().filter(|&size| size < 1 << 31));
        let sizes: Option<Vec<usize>> = sizes.collect();
        let sizes = sizes.ok_or_else(refused)?;
        let &[tied, channels_below, height, width, channels, groups, kh, kw, sh, sw, ph, pw, dh, dw] = &sizes[..]
        else {
            return Err(refused());
        };
        let is_population = |shape: Shape| {
            product(&[shape.channels, shape.height, shape.width]).is_some_and(|n| (1..1 << 31).contains(&n))
        };
        let pre = Shape { channels: channels_below, height, width };
        if tied > 1 || !is_population(pre) {
            return Err(refused());
        }
        let (kernel, stride, padding, dilation) = ([kh, kw], [sh, sw], [ph, pw], [dh, dw]);
        let sliding = match tied {
            0 => Self::from(&Conv2d::new(
                "synapses",
                pre,
                ConvSizes { channels, kernel, stride, padding, dilation, groups },
            )?),
            _ => Self::from(&AvgPool2d::new("synapses", pre, kernel, stride, padding)?),
        };
        if is_population(sliding.post) && sliding.words() == *words { Ok(sliding) } else { Err(refused()) }
    }
}
