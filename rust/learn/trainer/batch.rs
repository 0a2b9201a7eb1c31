//! The samples of a batch, and where their spikes come from.

use super::{Data, Targets};
use crate::spikes::{SpikeAugment, SpikeTrains};

/// Says which samples a batch has, and what they are to lead to.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Where the spikes come from.
    pub source: Source<'a>,
    /// Which samples of the source.
    pub samples: &'a [u32],
    /// What all samples of the source are to lead to.
    pub targets: Targets<'a>,
    /// Weight of every sample of the source; 1 without.
    pub weights: Option<&'a [f64]>,
}

/// Says where the spikes of a batch come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The network is simulated on data, encoded with (seed, epoch).
    Simulate {
        /// The data.
        data: Data<'a>,
        /// Seed of the encoder.
        seed: u64,
        /// Epoch the encoder draws for.
        epoch: u32,
    },
    /// The same, on spikes that are changed at random once they are made.
    Augmented {
        /// The data.
        data: Data<'a>,
        /// Seed of the encoder and of the changes.
        seed: u64,
        /// Epoch they draw for.
        epoch: u32,
        /// The changes.
        augment: &'a SpikeAugment,
        /// Number of time steps of each changed sample; `None` if all have as many, as they had.
        lengths: Option<&'a [u32]>,
    },
    /// They were recorded: of the input, then of every layer.
    Recorded(&'a [&'a SpikeTrains]),
}

impl Source<'_> {
    /// Returns the number of time steps of a sample.
    pub fn n_steps_of(&self, sample: usize) -> usize {
        match self {
            Self::Simulate { data, .. } => data.n_steps_of(sample),
            Self::Augmented { data, lengths, .. } => lengths.map_or(data.n_steps(), |lengths| lengths[sample] as usize),
            Self::Recorded(trains) => trains[0].n_steps_of(sample),
        }
    }

    /// Returns the number of time steps of each sample; `None` if all have as many.
    pub fn lengths(&self) -> Option<&[u32]> {
        match self {
            Self::Simulate { data, .. } => data.lengths(),
            Self::Augmented { lengths, .. } => *lengths,
            Self::Recorded(trains) => trains[0].lengths(),
        }
    }

    /// Returns the number of time steps, of the longest sample if they differ.
    pub fn n_steps(&self) -> usize {
        match self {
            Self::Simulate { data, .. } | Self::Augmented { data, .. } => data.n_steps(),
            Self::Recorded(trains) => trains[0].n_steps(),
        }
    }

    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        match self {
            Self::Simulate { data, .. } | Self::Augmented { data, .. } => data.n_samples(),
            Self::Recorded(trains) => trains[0].n_samples(),
        }
    }
}
