//! Firing counts of many samples.

use super::activity::SharedActivity;
use super::{Activity, Data, Worker};
use crate::engine::graph::Counts;
use crate::engine::layered::Lists;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::memory::{filled, product};
use crate::network::{Layer, Network};
use crate::sim::{SampleSimulation, operations};
use crate::simd::Real;

/// Says how many samples are simulated between two looks at the clock in inference.
const INFERENCE_CHUNK: usize = 256;

/// Holds what the samples of a data set leave behind.
#[derive(Clone, Debug)]
pub struct CountedSpikes {
    /// Output counts, (n_samples, n_out) row-major.
    pub counts: Vec<u32>,
    /// Spikes of every layer.
    pub n_spikes: Vec<u64>,
    /// Steps of all samples.
    pub n_steps: u64,
    /// Neurons that fired in any sample.
    pub activity: Activity,
    /// What was done, where that is counted.
    pub done: Option<Counts>,
}

/// Runs a network on all samples and counts.
///
/// What was done is counted by the engines of graphs, and for the clocked one if `graph`, the network's, is given. The
/// data must have passed [`check_inputs`](super::check_inputs).
///
/// # Errors
/// [`Error::Interrupted`] if `keep_going` says no.
pub fn count_spikes<F: Real>(
    worker: &Worker<F>,
    net: &Network<F>,
    simulation: &SampleSimulation<F>,
    data: Data<'_>,
    seed: u64,
    graph: Option<&Graph<F>>,
    keep_going: &mut dyn FnMut(usize) -> bool,
) -> Result<CountedSpikes> {
    let (n_samples, n_out, n_layers) = (data.n_samples(), net.n_out(), net.layers().len());
    let mut counts = filled("n_samples * n_out", product(&[n_samples, n_out]), 0)?;
    let mut n_spikes = vec![0; n_layers];
    let mut done = Some(Counts::default());
    let mut activity = SharedActivity::new(net.layers().iter().map(Layer::n_out));
    let mut part = vec![(Vec::new(), Vec::new(), None); INFERENCE_CHUNK.min(n_samples)];
    for first in (0..n_samples).step_by(INFERENCE_CHUNK) {
        if !keep_going(first) {
            return Err(Error::Interrupted);
        }
        let end = n_samples.min(first + INFERENCE_CHUNK);
        let part = &mut part[..end - first];
        worker.simulate(
            net,
            simulation,
            data,
            seed,
            first..end,
            Lists::Counts,
            part,
            &mut || keep_going(first),
            |spikes, done, (counts, n_spikes, of_sample)| {
                *of_sample = graph.map(|graph| operations(graph, spikes.n_steps(), spikes)).or(done);
                activity.add_firing(spikes);
                counts.clear();
                counts.extend_from_slice(spikes.layers[n_layers - 1].counts());
                n_spikes.clear();
                n_spikes.extend(spikes.layers.iter().map(|layer| layer.by_time.total() as u64));
            },
        )?;
        activity.close();
        for (s, (sample_counts, sample_spikes, of_sample)) in part.iter().enumerate() {
            match (&mut done, of_sample) {
                (Some(done), Some(of_sample)) => *done += *of_sample,
                _ => done = None,
            }
            counts[(first + s) * n_out..(first + s + 1) * n_out].copy_from_slice(sample_counts);
            n_spikes.iter_mut().zip(sample_spikes).for_each(|(sum, n)| *sum += n);
        }
    }
    Ok(CountedSpikes { counts, n_spikes, n_steps: data.total_steps(), activity: activity.into_activity(), done })
}
