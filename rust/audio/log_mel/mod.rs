//! Log-mel frames: the power of sound in bands that are evenly spaced in mel, in decibels.
//!
//! mel(f) = 2595 log10(1 + f / 700), as of HTK: S. Young et al., The HTK Book, 2006. Bands are triangles over the power spectrum of a window, of
//! height 1 and straight in frequency, each from the centre of the one below to that of the one above. Unlike Lyon's ear it remembers nothing
//! but its window, adapts to nothing, and has next to no cost.

mod bands;
mod spectrum;

use serde::{Deserialize, Serialize};

pub use self::bands::center_frequencies;
use self::bands::{Band, bands};
use self::spectrum::Spectrum;
use super::Hear;
use crate::error::{Error, Result, check_non_negative, check_positive};
use crate::stop::is_stopped;

/// Most samples of a window, and most points of its transform.
const MOST_POINTS: usize = 1 << 18;

/// Says what log-mel frames are meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogMelConfig {
    /// Samples a second.
    pub sample_rate: f64,
    /// Samples from a frame to the next.
    pub decimation: usize,
    /// Samples that a frame is made of: the last ones before its end.
    pub window: usize,
    /// Number of bands.
    pub n_channels: usize,
    /// Lower end of the lowest band [Hz].
    pub f_min: f64,
    /// Upper end of the highest band [Hz].
    pub f_max: f64,
    /// Level below which nothing is told apart [dB]; a sine of amplitude 1 has -3 dB.
    pub floor_db: f64,
    /// Level above which nothing is told apart [dB].
    pub top_db: f64,
    /// Whether frames are in [0, 1], from the floor to the top; else in dB.
    pub normalize: bool,
}

impl LogMelConfig {
    /// Checks all fields.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("sample_rate", "", self.sample_rate)?;
        if self.decimation == 0 {
            return Err(Error::value("decimation", ">= 1", self.decimation));
        }
        if !(2..=MOST_POINTS).contains(&self.window) {
            return Err(Error::value("window", format!("in [2, {MOST_POINTS}]"), self.window));
        }
        if !(1..=4096).contains(&self.n_channels) {
            return Err(Error::value("n_channels", "in [1, 4096]", self.n_channels));
        }
        check_non_negative("f_min", "Hz", self.f_min)?;
        if !(self.f_max > self.f_min && self.f_max <= self.sample_rate / 2.0) {
            let expected = format!("above f_min = {} Hz and at most half the sample rate", self.f_min);
            return Err(Error::value("f_max", expected, self.f_max));
        }
        if !self.floor_db.is_finite() {
            return Err(Error::value("floor_db", "finite", self.floor_db));
        }
        if !(self.top_db > self.floor_db && self.top_db.is_finite()) {
            let expected = format!("finite and above floor_db = {} dB", self.floor_db);
            return Err(Error::value("top_db", expected, self.top_db));
        }
        if self.n_points().is_none() {
            let expected = "few enough for bands of more than a few thousandths of the sample rate";
            return Err(Error::value("n_channels", expected, self.n_channels));
        }
        Ok(())
    }

    /// Returns what stands for a power in frames.
    fn level(&self, power: f64) -> f64 {
        let level = (10.0 * power.log10()).clamp(self.floor_db, self.top_db);
        if self.normalize { (level - self.floor_db) / (self.top_db - self.floor_db) } else { level }
    }

    /// Returns the number of points of the transform: the least power of two that holds the window and has a point in every band.
    fn n_points(&self) -> Option<usize> {
        let least = self.window.next_power_of_two();
        let lengths = std::iter::successors(Some(least), |n| Some(2 * n)).take_while(|&n| n <= MOST_POINTS);
        lengths.into_iter().find(|&n| bands(self, n).iter().all(|band| !band.weights.is_empty()))
    }
}

/// Hears log-mel frames.
#[derive(Clone, Debug)]
pub struct LogMel {
    config: LogMelConfig,
    bands: Vec<Band>,
    spectrum: Spectrum,
    /// The last samples, as many as a window has, and silence before the first.
    recent: Vec<f64>,
    /// Samples of the frame that has begun.
    in_frame: usize,
}

impl LogMel {
    /// Makes one that has heard nothing.
    ///
    /// # Errors
    /// Those of [`LogMelConfig::validate`].
    pub fn new(config: LogMelConfig) -> Result<Self> {
        config.validate()?;
        let n_points = config.n_points().expect("has been checked");
        Ok(Self {
            config,
            bands: bands(&config, n_points),
            spectrum: Spectrum::new(config.window, n_points),
            recent: vec![0.0; config.window],
            in_frame: 0,
        })
    }

    fn remember(&mut self, samples: &[f64]) {
        let n = self.recent.len();
        let samples = &samples[samples.len().saturating_sub(n)..];
        self.recent.copy_within(samples.len().., 0);
        self.recent[n - samples.len()..].copy_from_slice(samples);
    }
}

impl Hear for LogMel {
    fn n_channels(&self) -> usize {
        self.bands.len()
    }

    fn hear(&mut self, samples: &[f64], frames: &mut Vec<f64>) {
        let mut rest = samples;
        while !rest.is_empty() && !is_stopped() {
            let (now, later) = rest.split_at(rest.len().min(self.config.decimation - self.in_frame));
            self.remember(now);
            self.in_frame += now.len();
            if self.in_frame == self.config.decimation {
                self.in_frame = 0;
                let powers = self.spectrum.of(&self.recent);
                frames.extend(self.bands.iter().map(|band| self.config.level(band.of(powers))));
            }
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests;
