//! The cochlea of the Heidelberg spiking data sets: from sound to spikes of bushy cells.
//!
//! B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke, "The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural
//! Networks", IEEE Trans. Neural Netw. Learn. Syst. 33, 2744 (2022); written from its equations and those it cites. The membrane is a filter
//! over the whole of a sound, so there is no stream. What it does at a place is at half the rate of the sound, of which the upper half of
//! the spectrum folds back; and phases have the sign of the program the data sets were made with: low channels respond early, not late.

mod cells;
mod hankel;
mod membrane;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use self::cells::{bushy_spikes, fibre_spikes, firing_probability, slowest_rate};
use self::membrane::{Wave, fall, places, resonance};
use crate::error::{Error, Result, check_positive};
use crate::files::Fnv;
use crate::rng::generator;
use crate::stop::{Stop, check};

/// What a sound's samples are brought to: their root mean square.
const LOUDNESS: f64 = 0.3;

/// Samples a second beyond which nobody records, and numbers might not be finite.
const HIGHEST_RATE: f64 = 1e7;

/// Says what cochlea is meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeidelbergConfig {
    /// Samples a second.
    pub sample_rate: f64,
    /// Number of places on the membrane, a bushy cell each.
    pub n_channels: usize,
    /// Of the fibres' random numbers, together with the sound.
    pub seed: u64,
}

/// Holds the spikes of a sound, in the order of samples at half its rate, and then of channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spikes {
    /// The sample of each.
    pub t: Vec<u32>,
    /// The channel of each.
    pub channel: Vec<u32>,
}

impl HeidelbergConfig {
    /// Checks all fields.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("sample_rate", "", self.sample_rate)?;
        let least = 2.0 * slowest_rate();
        if self.sample_rate < least {
            let expected = format!(">= {least} Hz, below which its hair cells are not stable (resample the sound)");
            return Err(Error::value("sample_rate", expected, self.sample_rate));
        }
        if self.sample_rate > HIGHEST_RATE {
            return Err(Error::value("sample_rate", format!("<= {HIGHEST_RATE} Hz"), self.sample_rate));
        }
        if !(1..=1 << 16).contains(&self.n_channels) {
            return Err(Error::value("n_channels", "in [1, 65536]", self.n_channels));
        }
        Ok(())
    }

    /// Returns the resonances of the channels, descending [Hz].
    pub fn center_frequencies(&self) -> Vec<f64> {
        places(self.n_channels).into_iter().map(resonance).collect()
    }

    /// Returns the spikes that a sound makes; the same ones on any number of threads.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the work is to stop.
    fn hear(&self, samples: &[f64]) -> Result<Spikes> {
        let rate = self.sample_rate / 2.0;
        let (stop, sound) = (Stop::current(), hash(samples));
        let Some(heard) = Heard::new(samples, rate)? else { return Ok(Spikes::default()) };
        let of_channel = |(channel, place): (usize, f64)| {
            stop.during(|| {
                check()?;
                let mut values = heard.velocity(place);
                check()?;
                firing_probability(&mut values, rate);
                check()?;
                let mut rng = generator(self.seed ^ sound, channel as u64);
                Ok(bushy_spikes(&fibre_spikes(&values, rate, &mut rng), rate))
            })
        };
        let by_channel: Result<Vec<Vec<u32>>> =
            places(self.n_channels).into_par_iter().enumerate().map(of_channel).collect();
        let mut spikes: Vec<(u32, u32)> = Vec::new();
        for (channel, times) in by_channel?.into_iter().enumerate() {
            spikes.extend(times.into_iter().map(|t| (t, channel as u32)));
        }
        spikes.sort_unstable();
        let (t, channel) = spikes.into_iter().unzip();
        Ok(Spikes { t, channel })
    }
}

/// Returns the spikes of each recording; `done` counts those that are heard.
///
/// # Errors
/// Those of [`HeidelbergConfig::validate`], and [`Error::Interrupted`] if the work is to stop.
pub fn hear_spikes(config: &HeidelbergConfig, recordings: &[&[f64]], done: &AtomicUsize) -> Result<Vec<Spikes>> {
    config.validate()?;
    let stop = Stop::current();
    let heard = recordings.par_iter().map(|samples| {
        stop.during(|| {
            let spikes = config.hear(samples)?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(spikes)
        })
    });
    heard.collect()
}

/// A sound as the membrane hears it.
struct Heard {
    /// The lower half of its spectrum, from 0 to half the rate, and the wave of each frequency.
    spectrum: Vec<Complex<f64>>,
    waves: Vec<Wave>,
    inverse: std::sync::Arc<dyn rustfft::Fft<f64>>,
}

impl Heard {
    /// Brings a sound to the usual loudness, fades it in and out by Hann's window, and makes its spectrum. Nothing is heard of silence.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the work is to stop.
    fn new(samples: &[f64], rate: f64) -> Result<Option<Self>> {
        let n = samples.len();
        let loudness = (samples.iter().map(|x| x * x).sum::<f64>() / n.max(1) as f64).sqrt();
        // Of less than a few samples nothing is left.
        if n < 4 || !(loudness > 0.0 && loudness < f64::INFINITY) {
            return Ok(None);
        }
        let hann = |t: usize| 0.5 - 0.5 * (std::f64::consts::TAU * t as f64 / (n - 1) as f64).cos();
        let mut spectrum: Vec<Complex<f64>> =
            samples.iter().enumerate().map(|(t, x)| Complex::from(x / loudness * LOUDNESS * hann(t))).collect();
        let mut planner = FftPlannerScalar::new();
        planner.plan_fft_forward(n).process(&mut spectrum);
        spectrum.truncate(n / 2 + 1);
        let last = (spectrum.len() - 1) as f64;
        // From 1 Hz on, as there is no wave of frequency 0.
        let frequency = |k: usize| 1.0 + (rate - 1.0) * k as f64 / last;
        let stop = Stop::current();
        let wave = |k| if stop.is_set() { Err(Error::Interrupted) } else { Ok(Wave::new(frequency(k))) };
        let waves: Result<Vec<Wave>> = (0..spectrum.len()).into_par_iter().map(wave).collect();
        Ok(Some(Self { inverse: planner.plan_fft_inverse(spectrum.len()), spectrum, waves: waves? }))
    }

    /// Returns the velocity of the membrane at a place, sample by sample at half the rate.
    fn velocity(&self, place: f64) -> Vec<f64> {
        let mut values = vec![Complex::ZERO; self.spectrum.len()];
        let felt = self.waves.iter().map_while(|wave| wave.velocity(fall(place)));
        for ((value, part), velocity) in values.iter_mut().zip(&self.spectrum).zip(felt) {
            *value = part * velocity;
        }
        self.inverse.process(&mut values);
        let n = values.len() as f64;
        values.into_iter().map(|value| value.re / n).collect()
    }
}

/// Returns what tells sounds apart, so that random numbers do not repeat from one to the next.
fn hash(samples: &[f64]) -> u64 {
    let mut hash = Fnv::new();
    samples.iter().for_each(|x| hash.add_word(x.to_bits()));
    hash.value()
}

#[cfg(test)]
mod tests;
