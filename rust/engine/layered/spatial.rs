//! Layers that lie in a plane: every spike scatters its kernel over the positions that it reaches.
//!
//! Channels are the lanes: the state of a position is its channels in blocks of 16, one position after the other. A column of the
//! matrix of weights is what one tap of one channel below sends to all channels of a position, so a spike adds a column a position,
//! and kernels are read where they stand. Neurons have the numbers of their [`Shape`](crate::network::Shape), channel by channel, but
//! those of a step are listed position by position.
//!
//! So the spikes that reach some rows of the plane stand together, and a tile of rows, whose state fits the first-level cache, runs over
//! many steps before the next one does.

mod scatter;

pub(super) use scatter::{Tile, count_in_windows};
use scatter::{scatter_kernels_of, scatter_windows};

use crate::memory::resize;
use crate::network::{AvgPool2d, Connection, Conv2d, Geometry, Reach, Shape, Window};
use crate::neuron::LifPropagator;
use crate::neuron::lif::thresholds::{Thresholds, by_thresholds};
use crate::neuron::lif::vectors::{FLUSH_EVERY, LifLanes, LifVectors};
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, multiversion};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Steps that a tile runs before the next one does.
const STEPS_AHEAD: usize = 128;

/// Bytes of the state of a tile: half of a first-level cache.
const TILE: usize = 16 << 10;

/// A pattern in a plane.
#[derive(Clone, Copy, Debug)]
pub enum Spatial<'a> {
    /// Kernels.
    Conv(&'a Conv2d),
    /// Windows of each channel.
    Pool(&'a AvgPool2d),
}

impl Spatial<'_> {
    /// Returns the shapes below and of the layer, and the windows over rows and columns.
    fn geometry(&self) -> ([Shape; 2], [Window; 2]) {
        match self {
            Self::Conv(conv) => ([conv.pre(), conv.post()], [conv.rows(), conv.columns()]),
            Self::Pool(pool) => ([pool.pre(), pool.post()], [pool.rows(), pool.columns()]),
        }
    }
}

/// Buffers of the simulation of a layer in a plane.
#[derive(Clone, Debug, Default)]
pub struct SpatialScratch<F> {
    rows: Reach,
    columns: Reach,
    /// Of a pool with disjoint windows, the first block of the window of each place.
    window: Vec<u32>,
    state: Vec<LifLanes<F>>,
    /// Of each block of each position, step by step.
    fired: Vec<LaneMask>,
    /// Of each step below, the first spike that reaches the tile.
    begin: Vec<u32>,
}

/// Runs a layer in a plane over all steps; `below` lists the spikes from below without their delays, position by position if `is_ordered`.
pub fn spatial_layer<F: Real>(
    connection: &Connection<F>,
    spatial: Spatial<'_>,
    lif: &LifPropagator<F>,
    thresholds: Option<&[Lanes<F>]>,
    n_steps: usize,
    below: &PaddedRows,
    is_ordered: bool,
    by_time: &mut PaddedRows,
    scratch: &mut SpatialScratch<F>,
) {
    let SpatialScratch { rows, columns, window, state, fired, begin } = scratch;
    let ([pre, post], [over_rows, over_columns]) = spatial.geometry();
    rows.set(over_rows);
    columns.set(over_columns);
    let n_blocks = post.channels.div_ceil(LANES);
    window.clear();
    if let Spatial::Pool(pool) = spatial {
        list_windows(pool, rows, columns, n_blocks, window);
    }
    let (width, n) = (post.width * n_blocks, post.plane() * n_blocks);
    let height = if is_ordered { (TILE / (width * size_of::<LifLanes<F>>())).max(1) } else { post.height };
    state.clear();
    resize(state, n, LifLanes::rest());
    resize(fired, n * STEPS_AHEAD.min(n_steps), 0);
    resize(begin, below.n_rows(), 0);
    by_time.end_row();
    let longest = connection.taps().last().map_or(0, |&delay| delay as usize);
    for start in (1..n_steps).step_by(STEPS_AHEAD) {
        if is_stopped() {
            (start..n_steps).for_each(|_| by_time.end_row());
            return;
        }
        let steps = start..n_steps.min(start + STEPS_AHEAD);
        begin[(start - 1).saturating_sub(longest)..steps.end - 1].fill(0);
        for first in (0..post.height).step_by(height) {
            let of_tile = first..post.height.min(first + height);
            let mut tile = Tile::new(rows, columns, n_blocks, of_tile.clone());
            if is_ordered {
                tile.bound(over_rows, pre.width);
            }
            let blocks = of_tile.start * width..of_tile.end * width;
            let state = &mut state[blocks.clone()];
            for t in steps.clone() {
                for (tap, &delay) in connection.taps().iter().enumerate() {
                    let Some(from) = (t - 1).checked_sub(delay as usize) else { break };
                    let spikes = tile.skip(below.row(from), pre, &mut begin[from]);
                    match spatial {
                        Spatial::Conv(conv) => {
                            let kernels = &connection.rows()[tap * conv.matrix()[1] * n_blocks..];
                            scatter_kernels_of(conv, kernels, &tile, spikes, state);
                        }
                        Spatial::Pool(pool) => {
                            scatter_windows(pool, connection.weight().get(0, 0), window, &tile, spikes, state);
                        }
                    }
                }
                let fired = &mut fired[(t - start) * n..][blocks.clone()];
                let flush = (t as u64).is_multiple_of(FLUSH_EVERY);
                by_thresholds!(thresholds, |thresholds| step_plane(lif, thresholds, flush, state, fired));
            }
        }
        for fired in fired.chunks_exact(n).take(steps.len()) {
            list_plane::<F>(fired, n_blocks, post.plane(), by_time);
        }
    }
}

/// Lists the first block of the one window that holds each place; nothing if windows overlap.
fn list_windows(pool: &AvgPool2d, rows: &Reach, columns: &Reach, n_blocks: usize, window: &mut Vec<u32>) {
    if [pool.rows(), pool.columns()].iter().any(|window| window.stride < window.kernel) {
        return;
    }
    resize(window, pool.pre().plane(), u32::MAX);
    for (at, window) in window.iter_mut().enumerate() {
        let (y, x) = (at / pool.pre().width, at % pool.pre().width);
        if let (&[[y, _]], &[[x, _]]) = (rows.of(y), columns.of(x)) {
            *window = ((y as usize * pool.post().width + x as usize) * n_blocks) as u32;
        }
    }
}

#[inline(always)]
fn step_plane_body<F: Real, I: Isa<F>, T: Thresholds<F>>(
    isa: I,
    lif: &LifPropagator<F>,
    thresholds: T,
    flush: bool,
    state: &mut [LifLanes<F>],
    fired: &mut [LaneMask],
) {
    let mut block = 0;
    for (state, fired) in state.iter_mut().zip(fired) {
        let mut lanes = LifVectors::load(isa, state);
        *fired = lanes.step_received(isa, lif, thresholds.block(isa, lif, block));
        block = thresholds.next(block);
        if flush {
            lanes.flush(isa, lif);
        }
        lanes.store(isa, state);
    }
}

multiversion! {
    /// Advances all positions a step, with the thresholds of one. A spike has been added onto currents that had decayed.
    fn step_plane<F: Real, T: Thresholds>(
        lif: &LifPropagator<F>,
        thresholds: T,
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
mod tests;
