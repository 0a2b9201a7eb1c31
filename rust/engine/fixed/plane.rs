//! What reaches a layer in a plane: every spike scatters its kernel, in integers.
//!
//! Channels are the lanes, as in [floating point](crate::engine::layered): the sums of a position are its channels in blocks of 16, one
//! position after the other. A spike adds the weights that it has onto the channels of a position, so that kernels are read where
//! they stand; of a channel below there are those onto the blocks of its group, 0 in the lanes of others.

use super::scatter::{Scatter, scatter_to_sums, scatter_to_words, scatter_wide, scatter_windows};
use crate::fixed::FixedConnection;
use crate::memory::{OrUnwind, filled, product};
use crate::network::{AvgPool2d, Conv2d, Geometry, Shape};
use crate::simd::{LANES, Lanes, flat_mut};
use crate::spikes::PaddedRows;

/// Holds the weights onto a layer in a plane, and how they reach it.
#[derive(Clone, Debug)]
pub struct Plane {
    shape: Shape,
    n_blocks: usize,
    scatter: Scatter,
    /// Delays.
    taps: Vec<u32>,
    weights: Weights,
}

/// How weights are held.
#[derive(Clone, Debug)]
enum Weights {
    /// In words; (n_taps, channels below, taps of a kernel, blocks of a group).
    Words(Vec<[i16; LANES]>),
    /// In 32 bits, likewise.
    Wide(Vec<[i32; LANES]>),
    /// As one number for all synapses.
    One(i32),
}

impl Plane {
    /// Lays out the kernels of a connection, whose pattern is `conv`.
    pub fn of_kernels(conv: &Conv2d, connection: &FixedConnection) -> Self {
        let (groups, post) = (conv.groups(), conv.post());
        let n_blocks = post.channels.div_ceil(LANES);
        let blocks_of = |group: usize| {
            let channels = group * conv.channels_out()..(group + 1) * conv.channels_out();
            (channels.start / LANES, channels.end.div_ceil(LANES))
        };
        let width = (0..groups).map(blocks_of).map(|(first, end)| end - first).max().unwrap_or(0);
        // As many of each group, where they are.
        let first_block = |channel: usize| blocks_of(channel / conv.channels_in()).0.min(n_blocks - width);
        let first = (0..conv.pre().channels).map(|channel| first_block(channel) as u32).collect();
        let windows = [conv.rows(), conv.columns()];
        let scatter = Scatter::new(conv.pre(), post, windows, n_blocks, (first, width));
        let is_word = connection.weight.iter().all(|&w| i16::try_from(w).is_ok());
        let weights = match is_word {
            true => Weights::Words(kernels(conv, &scatter, connection, |w| w as i16)),
            false => Weights::Wide(kernels(conv, &scatter, connection, |w| w)),
        };
        Self { shape: post, n_blocks, scatter, taps: connection.taps.steps().to_vec(), weights }
    }

    /// Lays out the windows of a connection, whose pattern is `pool`.
    pub fn of_windows(pool: &AvgPool2d, connection: &FixedConnection) -> Self {
        let post = pool.post();
        let n_blocks = post.channels.div_ceil(LANES);
        let first = (0..post.channels).map(|channel| (channel / LANES) as u32).collect();
        let scatter = Scatter::new(pool.pre(), post, [pool.rows(), pool.columns()], n_blocks, (first, 1));
        let weights = Weights::One(connection.weight[0]);
        Self { shape: post, n_blocks, scatter, taps: connection.taps.steps().to_vec(), weights }
    }

    /// Returns channels, height and width.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns the blocks of channels of a position.
    pub fn n_blocks(&self) -> usize {
        self.n_blocks
    }

    /// Returns the largest magnitude of a weight that words hold; `None` if there are others.
    pub fn largest_word(&self) -> Option<i64> {
        match &self.weights {
            Weights::Words(kernels) => {
                Some(kernels.as_flattened().iter().map(|&w| i64::from(w).abs()).max().unwrap_or(0))
            }
            Weights::Wide(_) => None,
            Weights::One(weight) => i16::try_from(*weight).is_ok().then_some(i64::from(*weight).abs()),
        }
    }

    /// Lists the spikes that arrive at step `t`, those of each delay with its number.
    fn arriving<'a>(&self, below: &'a PaddedRows, t: usize) -> impl Iterator<Item = (usize, &'a [u32])> {
        let from = move |(tap, &delay): (usize, &u32)| Some((tap, below.row((t - 1).checked_sub(delay as usize)?)));
        self.taps.iter().enumerate().filter_map(from)
    }

    /// Returns the number of spikes that arrive at step `t`.
    pub fn n_arriving(&self, below: &PaddedRows, t: usize) -> usize {
        self.arriving(below, t).map(|(_, spikes)| spikes.len()).sum()
    }

    /// Adds what arrives at step `t` onto the sums of all blocks.
    pub fn add_to_sums(&self, below: &PaddedRows, t: usize, sums: &mut [Lanes<i32>]) {
        let (size, sums) = (self.scatter.size(), flat_mut(sums).as_chunks_mut().0);
        for (tap, spikes) in self.arriving(below, t) {
            match &self.weights {
                Weights::Words(kernels) => scatter_to_sums(&self.scatter, &kernels[tap * size..], spikes, sums),
                Weights::Wide(kernels) => scatter_wide(&self.scatter, &kernels[tap * size..], spikes, sums),
                Weights::One(weight) => scatter_windows(&self.scatter, *weight, spikes, sums),
            }
        }
    }

    /// Adds what arrives at step `t` onto sums of words, which wrap.
    ///
    /// # Panics
    /// If weights are no words.
    pub fn add_to_words(&self, below: &PaddedRows, t: usize, sums: &mut [[i16; LANES]]) {
        let size = self.scatter.size();
        for (tap, spikes) in self.arriving(below, t) {
            match &self.weights {
                Weights::Words(kernels) => scatter_to_words(&self.scatter, &kernels[tap * size..], spikes, sums),
                Weights::Wide(_) => unreachable!("words are chosen where weights are"),
                Weights::One(weight) => scatter_windows(&self.scatter, *weight as i16, spikes, sums),
            }
        }
    }
}

/// Lays kernels out, those of the first delay first, 0 where they belong to another one or to no synapse.
fn kernels<T: Copy + Default>(
    conv: &Conv2d,
    scatter: &Scatter,
    FixedConnection { weight, taps, .. }: &FixedConnection,
    narrow: fn(i32) -> T,
) -> Vec<[T; LANES]> {
    let (n_taps, [rows, columns]) = (taps.steps().len(), conv.matrix());
    let size = scatter.size();
    let mut blocks = filled("kernels", product(&[n_taps, size]), [T::default(); LANES]).or_unwind();
    for at in 0..rows * columns {
        let (row, column) = (at / columns, at % columns);
        let (inner, tap) = (column / conv.taps(), column % conv.taps());
        let channel = row / conv.channels_out() * conv.channels_in() + inner;
        let block = taps.tap(at) * size + scatter.block(channel, tap, row / LANES);
        blocks[block][row % LANES] = narrow(weight[at]);
    }
    blocks
}
