//! Layers that lie in a plane: every spike scatters its kernel over the positions that it reaches.
//!
//! Channels are the lanes: the state of a position is its channels in blocks of 16, one position after the other. A column of the
//! matrix of weights is what one tap of one channel below sends to all channels of a position, so a spike adds a column a position,
//! and kernels are read where they stand. Neurons have the numbers of their [`Shape`](crate::network::Shape), channel by channel, but
//! those of a step are listed position by position.

use crate::memory::resize;
use crate::network::{AvgPool2d, Connection, Conv2d, Geometry, Reach};
use crate::neuron::LifPropagator;
use crate::neuron::lif::vectors::{FLUSH_EVERY, LifLanes, LifVectors};
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, multiversion};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Steps between two looks at whether to stop.
const STEPS_UNASKED: usize = 64;

/// In place of a window, for places that none holds.
const NO_WINDOW: u32 = u32::MAX;

/// A pattern in a plane.
#[derive(Clone, Copy, Debug)]
pub enum Spatial<'a> {
    /// Kernels.
    Conv(&'a Conv2d),
    /// Windows of each channel.
    Pool(&'a AvgPool2d),
}

/// Buffers of the simulation of a layer in a plane.
#[derive(Clone, Debug, Default)]
pub struct SpatialScratch<F> {
    rows: Reach,
    columns: Reach,
    /// Of a pool with disjoint windows, the first block of the window of each place.
    window: Vec<u32>,
    state: Vec<LifLanes<F>>,
    /// Of each block of each position.
    fired: Vec<LaneMask>,
}

/// Runs a layer in a plane over all steps; `below` lists the spikes from below without their delays.
pub fn spatial_layer<F: Real>(
    connection: &Connection<F>,
    spatial: Spatial<'_>,
    lif: &LifPropagator<F>,
    n_steps: usize,
    below: &PaddedRows,
    by_time: &mut PaddedRows,
    scratch: &mut SpatialScratch<F>,
) {
    let SpatialScratch { rows, columns, window, state, fired } = scratch;
    let (over_rows, over_columns, shape) = match spatial {
        Spatial::Conv(conv) => (conv.rows(), conv.columns(), conv.post()),
        Spatial::Pool(pool) => (pool.rows(), pool.columns(), pool.post()),
    };
    rows.set(over_rows);
    columns.set(over_columns);
    let n_blocks = shape.channels.div_ceil(LANES);
    window.clear();
    if let Spatial::Pool(pool) = spatial {
        list_windows(pool, rows, columns, n_blocks, window);
    }
    let n = shape.plane() * n_blocks;
    state.clear();
    resize(state, n, LifLanes::rest());
    resize(fired, n, 0);
    by_time.end_row();
    for t in 1..n_steps {
        if t.is_multiple_of(STEPS_UNASKED) && is_stopped() {
            (t..n_steps).for_each(|_| by_time.end_row());
            return;
        }
        for (tap, &delay) in connection.taps().iter().enumerate() {
            let Some(from) = (t - 1).checked_sub(delay as usize) else { break };
            let spikes = below.row(from);
            match spatial {
                Spatial::Conv(conv) => {
                    let kernels = &connection.rows()[tap * conv.matrix()[1] * n_blocks..];
                    scatter(conv, kernels, rows, columns, n_blocks, spikes, state);
                }
                Spatial::Pool(pool) => {
                    let weight = connection.weight().get(0, 0);
                    scatter_windows(pool, weight, window, rows, columns, n_blocks, spikes, state);
                }
            }
        }
        step_plane(lif, (t as u64).is_multiple_of(FLUSH_EVERY), state, fired);
        list_plane::<F>(fired, n_blocks, shape.plane(), by_time);
    }
}

/// Lists the first block of the one window that holds each place; nothing if windows overlap.
fn list_windows(pool: &AvgPool2d, rows: &Reach, columns: &Reach, n_blocks: usize, window: &mut Vec<u32>) {
    if [pool.rows(), pool.columns()].iter().any(|window| window.stride < window.kernel) {
        return;
    }
    resize(window, pool.pre().plane(), NO_WINDOW);
    for (at, window) in window.iter_mut().enumerate() {
        let (y, x) = (at / pool.pre().width, at % pool.pre().width);
        if let (&[[y, _]], &[[x, _]]) = (rows.of(y), columns.of(x)) {
            *window = ((y as usize * pool.post().width + x as usize) * n_blocks) as u32;
        }
    }
}

/// Adds the kernels of all spikes of a step.
fn scatter<F: Real>(
    conv: &Conv2d,
    kernels: &[Lanes<F>],
    rows: &Reach,
    columns: &Reach,
    n_blocks: usize,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let scatter = match (conv.groups(), n_blocks) {
        (1, 1) => scatter_kernels::<F, 1>,
        (1, 2) => scatter_kernels::<F, 2>,
        (1, 3) => scatter_kernels::<F, 3>,
        (1, 4) => scatter_kernels::<F, 4>,
        (1, _) => scatter_kernels::<F, 0>,
        _ => scatter_grouped::<F>,
    };
    scatter(conv, kernels, rows, columns, n_blocks, spikes, state);
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
macro_rules! for_each_position {
    ($pattern:expr, $rows:expr, $columns:expr, $n_blocks:expr, $spikes:expr, |$channel:ident, $tap:ident, $position:ident| $add:expr) => {{
        let (plane, width) = (Divisor::new($pattern.pre().plane()), Divisor::new($pattern.pre().width));
        let (kernel_width, width_post) = ($pattern.columns().kernel, $pattern.post().width);
        for &j in $spikes {
            let ($channel, at) = plane.divide(j);
            let (at_y, at_x) = width.divide(at as u32);
            let held_by_columns = $columns.of(at_x);
            for &[y, tap_y] in $rows.of(at_y) {
                for &[x, tap_x] in held_by_columns {
                    let $tap = tap_y as usize * kernel_width + tap_x as usize;
                    let $position = (y as usize * width_post + x as usize) * $n_blocks;
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
    rows: &Reach,
    columns: &Reach,
    n_blocks: usize,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let n_blocks = if B > 0 { B } else { n_blocks };
    let taps = conv.taps();
    if conv.columns().stride == 1 && conv.columns().dilation == 1 {
        // The positions of a row that a spike reaches are neighbours, and so are the taps, the other way round.
        let (plane, width) = (Divisor::new(conv.pre().plane()), Divisor::new(conv.pre().width));
        let (kernel_width, width_post) = (conv.columns().kernel, conv.post().width);
        for &j in spikes {
            let (channel, at) = plane.divide(j);
            let (at_y, at_x) = width.divide(at as u32);
            let &[[x, last], ..] = columns.of(at_x) else { continue };
            let n = columns.of(at_x).len();
            let tap = last as usize + 1 - n;
            for &[y, tap_y] in rows.of(at_y) {
                let position = (y as usize * width_post + x as usize) * n_blocks;
                let column = (channel * taps + tap_y as usize * kernel_width + tap) * n_blocks;
                let kernel = kernels[column..][..n * n_blocks].rchunks_exact(n_blocks);
                for (state, weights) in state[position..][..n * n_blocks].chunks_exact_mut(n_blocks).zip(kernel) {
                    for (state, weight) in state.iter_mut().zip(weights) {
                        isa.add_to(state.current_mut(), isa.load(weight));
                    }
                }
            }
        }
        return;
    }
    for_each_position!(conv, rows, columns, n_blocks, spikes, |channel, tap, position| {
        let column = &kernels[(channel * taps + tap) * n_blocks..][..n_blocks];
        for (state, weight) in state[position..][..n_blocks].iter_mut().zip(column) {
            isa.add_to(state.current_mut(), isa.load(weight));
        }
    });
}

multiversion! {
    /// Adds the column of each spike's tap onto every position that the spike reaches; a position has B blocks, or `n_blocks` if B is 0.
    fn scatter_kernels<F: Real, const B: usize>(
        conv: &Conv2d,
        kernels: &[Lanes<F>],
        rows: &Reach,
        columns: &Reach,
        n_blocks: usize,
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
    rows: &Reach,
    columns: &Reach,
    n_blocks: usize,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    let (taps, channels_in, channels_out) = (conv.taps(), conv.channels_in(), conv.channels_out());
    for_each_position!(conv, rows, columns, n_blocks, spikes, |channel, tap, position| {
        let column = &kernels[(channel % channels_in * taps + tap) * n_blocks..][..n_blocks];
        let state = &mut state[position..][..n_blocks];
        for_each_block_of_group!(channel / channels_in, channels_out, |b, lanes| {
            let weight = isa.select(isa.mask(lanes), isa.load(&column[b]), isa.zero());
            isa.add_to(state[b].current_mut(), weight);
        });
    });
}

multiversion! {
    /// [`scatter_kernels`] where a spike reaches the channels of its group only.
    fn scatter_grouped<F: Real>(
        conv: &Conv2d,
        kernels: &[Lanes<F>],
        rows: &Reach,
        columns: &Reach,
        n_blocks: usize,
        spikes: &[u32],
        state: &mut [LifLanes<F>],
    ) = scatter_grouped_body
}

/// Adds the weight of a pool for each spike onto the windows that hold it; of disjoint windows, `window` has the one of each place.
fn scatter_windows<F: Real>(
    pool: &AvgPool2d,
    weight: F,
    window: &[u32],
    rows: &Reach,
    columns: &Reach,
    n_blocks: usize,
    spikes: &[u32],
    state: &mut [LifLanes<F>],
) {
    if !window.is_empty() {
        let plane = Divisor::new(pool.pre().plane());
        for &j in spikes {
            let (channel, at) = plane.divide(j);
            if window[at] != NO_WINDOW {
                state[window[at] as usize + channel / LANES].current_mut()[channel % LANES] += weight;
            }
        }
        return;
    }
    for_each_position!(pool, rows, columns, n_blocks, spikes, |channel, _tap, position| {
        state[position + channel / LANES].current_mut()[channel % LANES] += weight;
    });
}

#[inline(always)]
fn step_plane_body<F: Real, I: Isa<F>>(
    isa: I,
    lif: &LifPropagator<F>,
    flush: bool,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    for (state, fired) in state.iter_mut().zip(fired) {
        let mut lanes = LifVectors::load(isa, state);
        *fired = lanes.step_received(isa, lif);
        if flush {
            lanes.flush(isa, lif);
        }
        lanes.store(isa, state);
    }
}

multiversion! {
    /// Advances all positions a step. A spike has been added onto currents that had decayed.
    fn step_plane<F: Real>(
        lif: &LifPropagator<F>,
        flush: bool,
        state: &mut [LifLanes<F>],
        fired: &mut [LaneMask],
    ) = step_plane_body
}

#[inline(always)]
fn list_plane_body<F: Real, I: Isa<F>>(
    isa: I,
    fired: &[LaneMask],
    n_blocks: usize,
    plane: usize,
    by_time: &mut PaddedRows,
) {
    by_time.push_masks_of_plane(isa, fired, n_blocks, plane);
}

multiversion! {
    /// Lists the neurons that fire, position by position.
    pub fn list_plane<F: Real>(
        fired: &[LaneMask],
        n_blocks: usize,
        plane: usize,
        by_time: &mut PaddedRows,
    ) = list_plane_body
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
