//! What the spikes of a step add onto the currents of a tile.

use std::ops::Range;

use crate::network::{AvgPool2d, Conv2d, Geometry, Reach, Shape, Window};
use crate::neuron::lif::vectors::LifLanes;
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, multiversion};

/// Rows of a layer's plane that run together, and how spikes reach them.
#[derive(Clone, Debug)]
pub struct Tile<'a> {
    rows: &'a Reach,
    columns: &'a Reach,
    n_blocks: usize,
    of_layer: Range<usize>,
    /// Places below that reach the tile: all others stand before or behind them in a list.
    places: Range<usize>,
}

impl<'a> Tile<'a> {
    /// Makes a tile that any place below may reach.
    pub fn new(rows: &'a Reach, columns: &'a Reach, n_blocks: usize, of_layer: Range<usize>) -> Self {
        Self { rows, columns, n_blocks, of_layer, places: 0..usize::MAX }
    }

    /// Tells that lists are ordered by place, of rows of this width.
    pub fn bound(&mut self, rows: Window, width: usize) {
        let first = (self.of_layer.start * rows.stride).saturating_sub(rows.padding);
        let last = (self.of_layer.end - 1) * rows.stride + (rows.kernel - 1) * rows.dilation;
        self.places = first * width..(last + 1).saturating_sub(rows.padding) * width;
    }

    /// Returns the spikes from the first one on that reaches the tile, and moves `begin` there: it is where the tile above began.
    pub fn skip<'s>(&self, spikes: &'s [u32], pre: Shape, begin: &mut u32) -> &'s [u32] {
        if self.places.start > 0 {
            let plane = Divisor::new(pre.plane());
            let before = |&&j: &&u32| plane.divide(j).1 < self.places.start;
            *begin += spikes[*begin as usize..].iter().take_while(before).count() as u32;
        }
        &spikes[*begin as usize..]
    }
}

/// Adds the kernels of the spikes of a step.
pub fn scatter_kernels_of<F: Real>(
    conv: &Conv2d,
    kernels: &[Lanes<F>],
    tile: &Tile<'_>,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let scatter = match (conv.groups(), tile.n_blocks) {
        (1, 1) => scatter_kernels::<F, 1>,
        (1, 2) => scatter_kernels::<F, 2>,
        (1, 3) => scatter_kernels::<F, 3>,
        (1, 4) => scatter_kernels::<F, 4>,
        (1, _) => scatter_kernels::<F, 0>,
        _ => scatter_grouped::<F>,
    };
    scatter(conv, kernels, tile, spikes, state);
}

/// A number that others are often divided by.
#[derive(Clone, Copy, Debug)]
struct Divisor {
    value: u32,
    /// 2^64 / value, rounded up; a product with it has the quotient in its upper half. 0 stands for a value of 1.
    inverse: u64,
}

impl Divisor {
    fn new(value: usize) -> Self {
        Self { value: value as u32, inverse: (u64::MAX / value as u64).wrapping_add(1) }
    }

    /// Returns quotient and remainder.
    #[inline(always)]
    fn divide(self, number: u32) -> (usize, usize) {
        if self.inverse == 0 {
            return (number as usize, 0);
        }
        let quotient = ((u128::from(self.inverse) * u128::from(number)) >> 64) as u32;
        (quotient as usize, (number - quotient * self.value) as usize)
    }
}

/// Calls `$add` for every spike and position with the first block of the column of its tap and that of the position.
macro_rules! for_each_row {
    ($pattern:expr, $tile:expr, $spikes:expr, |$channel:ident, $held:ident, $y:ident, $tap_y:ident| $add:expr) => {
        for_each_spike_row!($pattern, $tile, $spikes, |_j, $channel, $held, $y, $tap_y| $add)
    };
}

/// [`for_each_row`] with the neuron that fired.
macro_rules! for_each_spike_row {
    ($pattern:expr, $tile:expr, $spikes:expr, |$j:ident, $channel:ident, $held:ident, $y:ident, $tap_y:ident| $add:expr) => {{
        let (plane, width) = (Divisor::new($pattern.pre().plane()), Divisor::new($pattern.pre().width));
        for &$j in $spikes {
            let ($channel, at) = plane.divide($j);
            if at >= $tile.places.end {
                break;
            }
            let (at_y, at_x) = width.divide(at as u32);
            let $held = $tile.columns.of(at_x);
            for &[y, $tap_y] in $tile.rows.of(at_y) {
                if $tile.of_layer.contains(&(y as usize)) {
                    let $y = y as usize - $tile.of_layer.start;
                    $add
                }
            }
        }
    }};
}

#[inline(always)]
fn scatter_kernels_body<F: Real, I: Isa<F>, const B: usize>(
    isa: I,
    conv: &Conv2d,
    kernels: &[Lanes<F>],
    tile: &Tile<'_>,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let n_blocks = if B > 0 { B } else { tile.n_blocks };
    let (taps, kernel_width, width) = (conv.taps(), conv.columns().kernel, conv.post().width);
    if conv.columns().stride == 1 && conv.columns().dilation == 1 {
        // The positions of a row that a spike reaches are neighbours, and so are the taps, the other way round.
        for_each_row!(conv, tile, spikes, |channel, held, y, tap_y| {
            let &[[x, last], ..] = held else { break };
            let n = held.len() * n_blocks;
            let tap = channel * taps + tap_y as usize * kernel_width + last as usize + 1 - held.len();
            let state = state[(y * width + x as usize) * n_blocks..][..n].chunks_exact_mut(n_blocks);
            for (state, weights) in state.zip(kernels[tap * n_blocks..][..n].rchunks_exact(n_blocks)) {
                for (state, weight) in state.iter_mut().zip(weights) {
                    isa.add_to(state.current_mut(), isa.load(weight));
                }
            }
        });
        return;
    }
    for_each_row!(conv, tile, spikes, |channel, held, y, tap_y| {
        for &[x, tap_x] in held {
            let tap = channel * taps + tap_y as usize * kernel_width + tap_x as usize;
            let state = &mut state[(y * width + x as usize) * n_blocks..][..n_blocks];
            for (state, weight) in state.iter_mut().zip(&kernels[tap * n_blocks..][..n_blocks]) {
                isa.add_to(state.current_mut(), isa.load(weight));
            }
        }
    });
}

multiversion! {
    /// Adds the column of each spike's tap onto every position that the spike reaches; a position has B blocks, or those of the tile if
    /// B is 0.
    fn scatter_kernels<F: Real, const B: usize>(
        conv: &Conv2d,
        kernels: &[Lanes<F>],
        tile: &Tile<'_>,
        spikes: &[u32],
        state: &mut [LifLanes<F>],
    ) = scatter_kernels_body
}

/// Calls `$add` with each block that holds channels of a group, and the lanes of them.
macro_rules! for_each_block_of_group {
    ($group:expr, $channels:expr, |$block:ident, $lanes:ident| $add:expr) => {{
        let (first, end) = ($group * $channels, ($group + 1) * $channels);
        for $block in first / LANES..end.div_ceil(LANES) {
            let from = first.saturating_sub($block * LANES);
            let to = (end - $block * LANES).min(LANES);
            let $lanes = (((1u32 << (to - from)) - 1) << from) as LaneMask;
            $add
        }
    }};
}

#[inline(always)]
fn scatter_grouped_body<F: Real, I: Isa<F>>(
    isa: I,
    conv: &Conv2d,
    kernels: &[Lanes<F>],
    tile: &Tile<'_>,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let (taps, kernel_width, width, n_blocks) = (conv.taps(), conv.columns().kernel, conv.post().width, tile.n_blocks);
    let (channels_in, channels_out) = (conv.channels_in(), conv.channels_out());
    for_each_row!(conv, tile, spikes, |channel, held, y, tap_y| {
        for &[x, tap_x] in held {
            let tap = channel % channels_in * taps + tap_y as usize * kernel_width + tap_x as usize;
            let column = &kernels[tap * n_blocks..][..n_blocks];
            let state = &mut state[(y * width + x as usize) * n_blocks..][..n_blocks];
            for_each_block_of_group!(channel / channels_in, channels_out, |b, lanes| {
                let weight = isa.select(isa.mask(lanes), isa.load(&column[b]), isa.zero());
                isa.add_to(state[b].current_mut(), weight);
            });
        }
    });
}

multiversion! {
    /// [`scatter_kernels`] where a spike reaches the channels of its group only.
    fn scatter_grouped<F: Real>(
        conv: &Conv2d,
        kernels: &[Lanes<F>],
        tile: &Tile<'_>,
        spikes: &[u32],
        state: &mut [LifLanes<F>],
    ) = scatter_grouped_body
}

/// Adds the weight of a pool for each spike onto the windows that hold it; of disjoint windows, `window` has the first block of the one
/// of each place, none being beyond all tiles.
pub fn scatter_windows<F: Real>(
    pool: &AvgPool2d,
    weight: F,
    window: &[u32],
    tile: &Tile<'_>,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let (width, n_blocks) = (pool.post().width, tile.n_blocks);
    if !window.is_empty() {
        let (plane, first) = (Divisor::new(pool.pre().plane()), (tile.of_layer.start * width * n_blocks) as u32);
        for &j in spikes {
            let (channel, at) = plane.divide(j);
            if at >= tile.places.end {
                break;
            }
            let block = window[at].wrapping_sub(first) as usize;
            if block < state.len() {
                state[block + channel / LANES].current_mut()[channel % LANES] += weight;
            }
        }
        return;
    }
    for_each_row!(pool, tile, spikes, |channel, held, y, _tap_y| {
        for &[x, _] in held {
            let position = (y * width + x as usize) * n_blocks;
            state[position + channel / LANES].current_mut()[channel % LANES] += weight;
        }
    });
}

/// Counts spikes with their neurons, and marks the lanes of `fired` in whose windows no neuron has sent as many: `most` of each lane.
pub fn count_in_windows(
    windows: &AvgPool2d,
    tile: &Tile<'_>,
    spikes: &[u32],
    counts: &mut [u32],
    most: &mut [u32],
    fired: &mut [LaneMask],
) {
    let (width, n_blocks) = (windows.post().width, tile.n_blocks);
    for &j in spikes {
        counts[j as usize] += 1;
    }
    for_each_spike_row!(windows, tile, spikes, |j, channel, held, y, _tap_y| {
        let (count, lane) = (counts[j as usize], channel % LANES);
        for &[x, _] in held {
            let at = (y * width + x as usize) * n_blocks + channel / LANES;
            let most = &mut most[at * LANES + lane];
            fired[at] |= LaneMask::from(count > *most) << lane;
            *most = count.max(*most);
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_product_divides(value in prop_oneof![1..40usize, 1..1usize << 31], number: u32) {
            let (quotient, remainder) = Divisor::new(value).divide(number);
            prop_assert_eq!((quotient, remainder), (number as usize / value, number as usize % value));
        }
    }
}
