//! The threads of a worker, and the buffers of each.

use std::sync::{Mutex, MutexGuard};

use rayon::ThreadPool;

use super::data::LoadScratch;
use crate::engine::layered::SampleSpikes;
use crate::error::Result;
use crate::learn::rule::scratch::BackwardScratch;
use crate::sim::SampleScratch;
use crate::simd::Real;
use crate::spikes::{PaddedRows, SpikeAugmentScratch};
use crate::threads::{PerProcess, start};

/// Holds threads, and the buffers of each.
#[derive(Debug)]
pub(super) struct Crew<F: Real> {
    pub(super) pool: ThreadPool,
    pub(super) scratch: Vec<Mutex<ThreadScratch<F>>>,
}

#[derive(Debug, Default)]
pub(super) struct ThreadScratch<F: Real> {
    pub(super) load: LoadScratch,
    pub(super) augment: SpikeAugmentScratch,
    pub(super) forward: SampleScratch<F>,
    pub(super) backward: BackwardScratch<F>,
    /// Spikes of the sample being simulated, in inference.
    pub(super) spikes: SampleSpikes,
    /// Lists by time of the sample being simulated, in training.
    pub(super) by_time: Vec<PaddedRows>,
}

impl<F: Real> Crew<F> {
    /// Returns the crew of this process.
    pub(super) fn of(crew: &PerProcess<Self>, n_threads: usize) -> Result<&Self> {
        crew.get_or_try_make(|| {
            let scratch = (0..n_threads).map(|_| Mutex::default()).collect();
            Ok(Self { pool: start(n_threads)?, scratch })
        })
    }
}

pub(super) fn scratch<F: Real>(threads: &[Mutex<ThreadScratch<F>>]) -> MutexGuard<'_, ThreadScratch<F>> {
    let thread = rayon::current_thread_index().expect("called on a thread of the pool");
    threads[thread].lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
