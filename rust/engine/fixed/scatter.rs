//! Kernels that spikes add onto the positions they reach.

use crate::network::{Reach, Shape, Window};
use crate::simd::{LANES, multiversion};

/// Says which positions of a plane spikes reach, and where weights onto them are held.
#[derive(Clone, Debug)]
pub struct Scatter {
    rows: Reach,
    columns: Reach,
    plane_below: usize,
    width_below: usize,
    width: usize,
    kernel_width: usize,
    /// Taps of a kernel.
    n_taps: usize,
    /// Blocks of channels of a position.
    n_blocks: usize,
    /// Blocks that a channel below reaches.
    reached: usize,
    /// The first of them, of each channel below.
    first: Vec<u32>,
}

impl Scatter {
    /// Makes one of windows, along the height and the width, that slide over `pre`; `reached` has the first block that each
    /// channel below reaches, and how many.
    pub fn new(
        pre: Shape,
        post: Shape,
        [rows, columns]: [Window; 2],
        n_blocks: usize,
        reached: (Vec<u32>, usize),
    ) -> Self {
        let reach = |window: Window| {
            let mut reach = Reach::default();
            reach.set(window);
            reach
        };
        Self {
            rows: reach(rows),
            columns: reach(columns),
            plane_below: pre.plane(),
            width_below: pre.width,
            width: post.width,
            kernel_width: columns.kernel,
            n_taps: rows.kernel * columns.kernel,
            n_blocks,
            reached: reached.1,
            first: reached.0,
        }
    }

    /// Returns the number of blocks of all kernels.
    pub fn size(&self) -> usize {
        self.first.len() * self.n_taps * self.reached
    }

    /// Returns which block of the kernels holds those of channel `channel` below and tap `tap` onto block `block` of channels.
    pub fn block(&self, channel: usize, tap: usize, block: usize) -> usize {
        (channel * self.n_taps + tap) * self.reached + block - self.first[channel] as usize
    }
}

/// A sum takes weights.
pub trait Sum<T>: Copy {
    /// Returns the sum, which wraps.
    fn plus(self, weight: T) -> Self;
}

impl Sum<i16> for i16 {
    #[inline(always)]
    fn plus(self, weight: i16) -> Self {
        self.wrapping_add(weight)
    }
}

impl Sum<i16> for i32 {
    #[inline(always)]
    fn plus(self, weight: i16) -> Self {
        self.wrapping_add(weight.into())
    }
}

impl Sum<i32> for i32 {
    #[inline(always)]
    fn plus(self, weight: i32) -> Self {
        self.wrapping_add(weight)
    }
}

/// Calls `$add` for every spike and position it reaches, with the channel, the tap and the first block reached.
macro_rules! for_each_position {
    ($scatter:expr, $spikes:expr, |$channel:ident, $tap:ident, $block:ident| $add:expr) => {{
        let scatter: &Scatter = $scatter;
        for &j in $spikes {
            let ($channel, at) = (j as usize / scatter.plane_below, j as usize % scatter.plane_below);
            let first = scatter.first[$channel] as usize;
            let held_by_columns = scatter.columns.of(at % scatter.width_below);
            for &[y, tap_y] in scatter.rows.of(at / scatter.width_below) {
                for &[x, tap_x] in held_by_columns {
                    let $tap = tap_y as usize * scatter.kernel_width + tap_x as usize;
                    let $block = (y as usize * scatter.width + x as usize) * scatter.n_blocks + first;
                    $add
                }
            }
        }
    }};
}

/// Adds the kernels of all spikes; a spike reaches N blocks of a position, or `scatter.reached` if N is 0.
#[inline(always)]
fn add_kernels<T: Copy, S: Sum<T>, const N: usize>(
    scatter: &Scatter,
    kernels: &[[T; LANES]],
    spikes: &[u32],
    sums: &mut [[S; LANES]],
) {
    let reached = if N > 0 { N } else { scatter.reached };
    for_each_position!(scatter, spikes, |channel, tap, block| {
        let weights = &kernels[(channel * scatter.n_taps + tap) * reached..][..reached];
        for (sums, weights) in sums[block..][..reached].iter_mut().zip(weights) {
            for l in 0..LANES {
                sums[l] = sums[l].plus(weights[l]);
            }
        }
    });
}

#[inline(always)]
fn scatter_body<T: Copy, S: Sum<T>>(
    scatter: &Scatter,
    kernels: &[[T; LANES]],
    spikes: &[u32],
    sums: &mut [[S; LANES]],
) {
    match scatter.reached {
        1 => add_kernels::<T, S, 1>(scatter, kernels, spikes, sums),
        2 => add_kernels::<T, S, 2>(scatter, kernels, spikes, sums),
        3 => add_kernels::<T, S, 3>(scatter, kernels, spikes, sums),
        4 => add_kernels::<T, S, 4>(scatter, kernels, spikes, sums),
        _ => add_kernels::<T, S, 0>(scatter, kernels, spikes, sums),
    }
}

multiversion! {
    /// Adds kernels of words onto sums of words, which wrap.
    pub fn scatter_to_words(scatter: &Scatter, kernels: &[[i16; LANES]], spikes: &[u32], sums: &mut [[i16; LANES]]) =
        scatter_body
}

multiversion! {
    /// Adds kernels of words onto sums of 32 bits.
    pub fn scatter_to_sums(scatter: &Scatter, kernels: &[[i16; LANES]], spikes: &[u32], sums: &mut [[i32; LANES]]) =
        scatter_body
}

multiversion! {
    /// Adds kernels of 32 bits.
    pub fn scatter_wide(scatter: &Scatter, kernels: &[[i32; LANES]], spikes: &[u32], sums: &mut [[i32; LANES]]) =
        scatter_body
}

/// Adds the one weight of a pool onto the windows that hold each spike.
pub fn scatter_windows<T: Copy, S: Sum<T>>(scatter: &Scatter, weight: T, spikes: &[u32], sums: &mut [[S; LANES]]) {
    for_each_position!(scatter, spikes, |channel, _tap, block| {
        let sum = &mut sums[block][channel % LANES];
        *sum = sum.plus(weight);
    });
}
