//! What a network is trained on, and how a sample becomes spikes.

use super::augment::{AugmentScratch, ImageAugment};
use crate::engine::layered::SampleSpikes;
use crate::error::{Error, Result};
use crate::rng::StreamKey;
use crate::spikes::{Analog, AnalogSample, Domain, Encode, Encoder, EncoderScratch, SpikeTrains};

/// Holds the samples that a network is run on.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Analog values and their encoder.
    Analog(AnalogData<'a>),
    /// Spike trains.
    Spikes(&'a SpikeTrains),
}

/// Holds analog values, with the encoder that makes spikes of them.
///
/// Those that do not change are (n_samples, n_features), row-major; time series are (n_frames, n_features), those of all samples.
#[derive(Clone, Copy, Debug)]
pub struct AnalogData<'a> {
    values: Analog<'a>,
    n_features: usize,
    series: Option<&'a Series>,
    encoder: &'a Encoder,
    augment: Option<&'a ImageAugment>,
}

/// Says which frames are whose, and how many steps an encoder makes of them.
#[derive(Clone, Debug)]
pub struct Series {
    /// First frame of every sample, and the number of all.
    starts: Vec<usize>,
    /// Steps of every sample.
    lengths: Vec<u32>,
    longest: usize,
    is_even: bool,
}

/// Holds the buffers in which a sample becomes spikes.
#[derive(Clone, Debug, Default)]
pub struct LoadScratch {
    encoder: EncoderScratch,
    augment: AugmentScratch,
    bytes: Vec<u8>,
    singles: Vec<f32>,
    doubles: Vec<f64>,
}

impl Series {
    /// Takes the first frame of every sample, and the number of all.
    ///
    /// # Errors
    /// [`Error::Value`] if there are no samples, they do not ascend, or the encoder makes no spikes of one.
    pub fn new(starts: Vec<usize>, encoder: &Encoder) -> Result<Self> {
        if starts.len() < 2 || starts[0] != 0 || !starts.is_sorted_by(|a, b| a < b) {
            return Err(Error::value("x", "at least one series, of at least one frame each", "another"));
        }
        let mut lengths = Vec::with_capacity(starts.len() - 1);
        for pair in starts.windows(2) {
            let n_frames = Some(pair[1] - pair[0]);
            encoder.check_frames(n_frames)?;
            lengths.push(encoder.n_steps(n_frames) as u32);
        }
        let longest = lengths.iter().copied().max().unwrap_or(0) as usize;
        let is_even = lengths.iter().all(|&length| length as usize == longest);
        Ok(Self { starts, lengths, longest, is_even })
    }
}

impl<'a> AnalogData<'a> {
    /// Checks and takes the values; each must be one that the encoder takes (bytes always are).
    ///
    /// # Errors
    /// [`Error::Value`] naming the first value outside, or if the encoder takes none without time; [`Error::Shape`] if the values are
    /// not those of whole samples, or images are not of the augmentation's shape.
    pub fn new(
        values: Analog<'a>,
        n_features: usize,
        series: Option<&'a Series>,
        encoder: &'a Encoder,
        augment: Option<&'a ImageAugment>,
    ) -> Result<Self> {
        let n_rows = series.map_or(values.len() / n_features, |series| series.starts[series.lengths.len()]);
        if n_rows * n_features != values.len() {
            let expected = format!("(n_frames={n_rows}, n_features={n_features})");
            return Err(Error::shape("x", &[values.len() / n_features, n_features], expected));
        }
        match (encoder.domain().first_outside(values), series) {
            (None, _) => {}
            (Some((at, value)), None) => return Err(outside(encoder.domain(), at, n_features, value)),
            (Some((at, value)), Some(series)) => {
                let sample = series.starts.partition_point(|&start| start <= at / n_features) - 1;
                let frame = at / n_features - series.starts[sample];
                let name = format!("x[{sample}][{frame}, {}]", at % n_features);
                return Err(Error::value(name, encoder.domain().expected(), value));
            }
        }
        if series.is_none() {
            encoder.check_frames(None)?;
        }
        if let Some(augment) = augment {
            if series.is_some() {
                return Err(Error::value("augment", "None where x holds time series: it changes images", "given"));
            }
            augment.validate(n_features)?;
        }
        Ok(Self { values, n_features, series, encoder, augment })
    }

    fn sample(&self, sample: usize) -> AnalogSample<'a> {
        let rows = self.series.map_or(sample..sample + 1, |series| series.starts[sample]..series.starts[sample + 1]);
        AnalogSample {
            values: self.values.part(rows.start * self.n_features..rows.end * self.n_features),
            n_features: self.n_features,
            is_series: self.series.is_some(),
        }
    }

    fn n_samples(&self) -> usize {
        self.series.map_or(self.values.len() / self.n_features, |series| series.lengths.len())
    }
}

/// Refuses values outside [0, 1], of images of `n_in` (bytes never are).
///
/// # Errors
/// [`Error::Value`] naming the first.
pub fn check_images(values: Analog<'_>, n_in: usize) -> Result<()> {
    match Domain::Unit.first_outside(values) {
        None => Ok(()),
        Some((at, value)) => Err(outside(Domain::Unit, at, n_in, value)),
    }
}

fn outside(domain: Domain, at: usize, n_features: usize, value: f64) -> Error {
    Error::value(format!("x[{}, {}]", at / n_features, at % n_features), domain.expected(), value)
}

impl Data<'_> {
    /// Returns the number of time steps of a sample.
    pub fn n_steps_of(&self, sample: usize) -> usize {
        match self {
            Self::Analog(analog) => match analog.series {
                Some(series) => series.lengths[sample] as usize,
                None => analog.encoder.n_steps(None),
            },
            Self::Spikes(trains) => trains.n_steps_of(sample),
        }
    }

    /// Returns the number of time steps of all samples together.
    pub fn total_steps(&self) -> u64 {
        match self.lengths() {
            Some(lengths) => lengths.iter().map(|&length| u64::from(length)).sum(),
            None => self.n_samples() as u64 * self.n_steps() as u64,
        }
    }

    /// Returns the number of time steps of each sample; `None` if all have as many.
    pub fn lengths(&self) -> Option<&[u32]> {
        match self {
            Self::Analog(analog) => {
                analog.series.filter(|series| !series.is_even).map(|series| series.lengths.as_slice())
            }
            Self::Spikes(trains) => trains.lengths(),
        }
    }

    /// Returns the number of time steps of every sample, of the longest if they differ.
    pub fn n_steps(&self) -> usize {
        match self {
            Self::Analog(analog) => analog.series.map_or_else(|| analog.encoder.n_steps(None), |series| series.longest),
            Self::Spikes(trains) => trains.n_steps(),
        }
    }

    /// Returns the number of samples.
    pub fn n_samples(&self) -> usize {
        match self {
            Self::Analog(analog) => analog.n_samples(),
            Self::Spikes(trains) => trains.n_samples(),
        }
    }

    /// Returns the number of inputs.
    pub fn n_in(&self) -> usize {
        match self {
            Self::Analog(analog) => analog.encoder.n_inputs(analog.n_features),
            Self::Spikes(trains) => trains.n_neurons(),
        }
    }

    /// Refuses inputs that fire more than `most` times in a step.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    pub fn check_spikes(&self, most: u32) -> Result<()> {
        let Self::Spikes(trains) = self else { return Ok(()) };
        match trains.more_often_than(most) {
            None => Ok(()),
            Some([sample, t, input]) => {
                let expected = format!("an input that fires at most {most} times in a step, in these formats");
                Err(Error::value(format!("x[{sample}, {t}, {input}]"), expected, "one that does more often"))
            }
        }
    }

    /// Makes `spikes.input` of sample `key.sample`, listed by time (and by neuron if `by_neuron`).
    pub(crate) fn load(&self, key: StreamKey, by_neuron: bool, spikes: &mut SampleSpikes, scratch: &mut LoadScratch) {
        let sample = key.sample as usize;
        let input = &mut spikes.input;
        match self {
            Self::Analog(analog) => {
                let LoadScratch { encoder, augment: changing, bytes, singles, doubles } = scratch;
                let augment = analog.augment.filter(|augment| key.epoch >= augment.first_epoch);
                let mut of = analog.sample(sample);
                of.values = match (of.values, augment) {
                    (values, None) => values,
                    (Analog::U8(v), Some(augment)) => Analog::U8(augment.apply(v, key, changing, bytes)),
                    (Analog::F32(v), Some(augment)) => Analog::F32(augment.apply(v, key, changing, singles)),
                    (Analog::F64(v), Some(augment)) => Analog::F64(augment.apply(v, key, changing, doubles)),
                };
                analog.encoder.encode(of, key, encoder, &mut input.by_neuron);
                input.list_by_time();
            }
            Self::Spikes(trains) => {
                input.set_by_time(trains.sample(sample), trains.n_neurons());
                if by_neuron {
                    input.list_by_neuron();
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
