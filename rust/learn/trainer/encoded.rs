//! Samples as the spikes that an encoder makes of them, without a network.

use rayon::prelude::*;

use super::data::{Data, LoadScratch};
use crate::engine::layered::SampleSpikes;
use crate::error::Result;
use crate::memory::collected;
use crate::rng::StreamKey;
use crate::spikes::{PaddedRows, SpikeTrains};
use crate::stop::{Stop, check};

/// Says how many samples are encoded before they are appended to the others.
const CHUNK: usize = 256;

/// Returns the input spikes of all samples, those that inference has with this seed.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted) if the work is to stop; [`Error::Memory`](crate::Error::Memory).
pub fn encoded(data: Data<'_>, seed: u64) -> Result<SpikeTrains> {
    let (n_samples, n_steps) = (data.n_samples(), data.n_steps());
    let mut trains = SpikeTrains::empty(n_steps, data.n_in())?;
    trains.reserve_samples(n_samples)?;
    let stop = Stop::current();
    for first in (0..n_samples).step_by(CHUNK) {
        let samples = (first..n_samples.min(first + CHUNK)).into_par_iter();
        let rows = samples.map_init(
            || (SampleSpikes::new(0), LoadScratch::default()),
            |(spikes, scratch), sample| {
                stop.during(|| {
                    let key = StreamKey { seed, epoch: 0, sample: sample as u32 };
                    data.load(key, false, spikes, scratch);
                    check()?;
                    Ok(spikes.input.by_time.clone())
                })
            },
        );
        for rows in rows.collect::<Result<Vec<PaddedRows>>>()? {
            let silent = std::iter::repeat_n(&[][..], n_steps - rows.n_rows());
            trains.push_sample((0..rows.n_rows()).map(|t| rows.row(t)).chain(silent))?;
        }
    }
    if let Some(lengths) = data.lengths() {
        trains.set_lengths(collected("n_samples", lengths.iter().copied())?);
    }
    Ok(trains)
}
