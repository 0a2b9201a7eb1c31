//! Layers that fire as often as the neuron of their window that fires most.
//!
//! A spike is counted with its neuron, the same for all windows that hold it; a window in which no neuron has sent as many fires a step
//! later. So the cost is that of the spikes: nothing is integrated.

use super::spatial::{Tile, count_in_windows, list_plane};
use crate::memory::resize;
use crate::network::{AvgPool2d, Geometry, Reach};
use crate::simd::{LANES, LaneMask, Real};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Buffers of the simulation of a max pool.
#[derive(Clone, Debug, Default)]
pub struct MaxScratch {
    rows: Reach,
    columns: Reach,
    /// Spikes that each neuron below has sent.
    counts: Vec<u32>,
    /// Of each lane of each position, the most that a neuron of its window has sent.
    most: Vec<u32>,
    /// Of each block of channels of each position, who fires at a step.
    fired: Vec<LaneMask>,
}

/// Runs a max pool over all steps but the first, of which `by_time` has the row; its neurons are listed position by position.
///
/// `F` is what vectors are of that list spikes, and nothing else.
pub fn max_layer<F: Real>(
    windows: &AvgPool2d,
    n_steps: usize,
    below: &PaddedRows,
    by_time: &mut PaddedRows,
    scratch: &mut MaxScratch,
) {
    let MaxScratch { rows, columns, counts, most, fired } = scratch;
    let (pre, post) = (windows.pre(), windows.post());
    rows.set(windows.rows());
    columns.set(windows.columns());
    let n_blocks = post.channels.div_ceil(LANES);
    let tile = Tile::new(rows, columns, n_blocks, 0..post.height);
    counts.clear();
    resize(counts, pre.n(), 0);
    most.clear();
    resize(most, post.plane() * n_blocks * LANES, 0);
    fired.clear();
    resize(fired, post.plane() * n_blocks, 0);
    for t in 1..n_steps {
        if is_stopped() {
            (t..n_steps).for_each(|_| by_time.end_row());
            return;
        }
        count_in_windows(windows, &tile, below.row(t - 1), counts, most, fired);
        list_plane::<F>(fired, n_blocks, post.plane(), by_time);
        fired.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::network::Shape;

    proptest! {
        /// At any time a neuron has fired as often as the neuron of its window that had fired most a step before.
        #[test]
        fn counts_are_the_largest_of_each_window(
            (channels, height, width) in prop_oneof![(1..4usize, 1..6usize, 1..7usize), (14..40usize, 1..4usize, 1..4usize)],
            kernel in [1..4usize, 1..4],
            stride in [1..5usize, 1..5],
            padding in [0..5usize, 0..5],
            spikes in prop::collection::vec(prop::collection::btree_set(0..1000u32, 0..40), 1..60),
        ) {
            let pre = Shape { channels, height, width };
            let Ok(windows) = AvgPool2d::new("pool", pre, kernel, stride, padding) else { return Ok(()) };
            let (mut below, mut by_time) = (PaddedRows::default(), PaddedRows::default());
            below.clear(pre.n());
            for row in &spikes {
                let mut row: Vec<u32> = row.iter().map(|i| i % pre.n() as u32).collect();
                row.sort_unstable();
                row.dedup();
                below.push_row(&row);
            }
            let mut scratch = MaxScratch::default();
            for _ in 0..2 {
                // The second time nothing of the first may be left.
                by_time.clear(windows.post().n());
                by_time.end_row();
                max_layer::<f32>(&windows, spikes.len(), &below, &mut by_time, &mut scratch);
            }
            prop_assert_eq!(by_time.n_rows(), spikes.len());
            let sent = |t: usize, j: usize| (0..t).filter(|&t| below.row(t).contains(&(j as u32))).count();
            for (i, t) in (0..windows.post().n()).flat_map(|i| (0..spikes.len()).map(move |t| (i, t))) {
                let held = (0..pre.n()).filter(|&j| windows.place(j, i).is_some());
                let most = held.map(|j| sent(t, j)).max().unwrap_or(0);
                let fired = (0..=t).filter(|&t| by_time.row(t).contains(&(i as u32))).count();
                prop_assert_eq!(fired, most, "neuron {} by step {}", i, t);
            }
            let place = |i: &u32| (*i as usize % windows.post().plane(), *i);
            prop_assert!((0..spikes.len()).all(|t| by_time.row(t).is_sorted_by_key(place)), "place by place");
        }
    }
}
