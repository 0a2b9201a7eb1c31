//! One axis of a sliding window.

use crate::error::{Error, Result};

/// How a window of `kernel` taps slides along one axis of `pre` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Places it slides over.
    pub pre: usize,
    /// Places of the window.
    pub kernel: usize,
    /// Places from one position of the window to the next.
    pub stride: usize,
    /// Places without a neuron before the first and after the last one.
    pub padding: usize,
    /// Places from one tap of the window to the next.
    pub dilation: usize,
    /// Positions of the window.
    pub post: usize,
}

impl Window {
    /// Checks the sizes and counts the positions; `name` and `axis` are for the message.
    ///
    /// # Errors
    /// [`Error::Value`] if a size is 0, too large, or the window does not fit.
    pub fn new(name: &str, axis: &str, pre: usize, [kernel, stride, padding, dilation]: [usize; 4]) -> Result<Self> {
        const MOST: usize = 1 << 24;
        for (field, value) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
            if value == 0 || value > MOST {
                return Err(Error::value(format!("{name}.{field}"), "in [1, 2^24]", value));
            }
        }
        if padding > MOST {
            return Err(Error::value(format!("{name}.padding"), "in [0, 2^24]", padding));
        }
        let (reach, padded) = (dilation * (kernel - 1) + 1, pre + 2 * padding);
        if reach > padded {
            let expected = format!(
                "a window of at most the {padded} places of the {axis} ({pre} and padding {padding} on each side)"
            );
            let got = format!("{reach} places (kernel {kernel}, dilation {dilation})");
            return Err(Error::value(format!("{name}.kernel"), expected, got));
        }
        Ok(Self { pre, kernel, stride, padding, dilation, post: (padded - reach) / stride + 1 })
    }

    /// Lists the positions whose window holds place `at`, ascending, each with the tap that lies there.
    pub fn holding(self, at: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.kernel).rev().filter_map(move |tap| {
            let first = (at + self.padding).checked_sub(tap * self.dilation)?;
            let position = first / self.stride;
            (first.is_multiple_of(self.stride) && position < self.post).then_some((position, tap))
        })
    }

    /// Returns the tap of the window at `position` under which place `at` lies; `None` if it holds another one.
    pub fn tap(self, position: usize, at: usize) -> Option<usize> {
        let offset = (at + self.padding).checked_sub(position * self.stride)?;
        let tap = offset / self.dilation;
        (offset.is_multiple_of(self.dilation) && tap < self.kernel).then_some(tap)
    }

    /// Returns the most places that a position of the window holds, those of the padding not counted.
    pub fn most_held(self) -> usize {
        let held = |position: usize| {
            let taps_before = |place: usize| place.saturating_sub(position * self.stride).div_ceil(self.dilation);
            taps_before(self.pre + self.padding).min(self.kernel).saturating_sub(taps_before(self.padding))
        };
        (0..self.post).map(held).max().unwrap_or(0)
    }

    /// Returns the place under tap `tap` of the window at `position`; `None` in the padding.
    pub fn place(self, position: usize, tap: usize) -> Option<usize> {
        let at = (position * self.stride + tap * self.dilation).checked_sub(self.padding)?;
        (at < self.pre).then_some(at)
    }
}
