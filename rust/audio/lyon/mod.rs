//! Lyon's passive ear: a cascade of filters, half-wave rectification, automatic gain control.
//!
//! R. F. Lyon, "A computational model of filtering, detection, and compression in the cochlea", ICASSP 1982; constants and stages as in M.
//! Slaney, "Lyon's Cochlear Model", Apple Technical Report 13, 1988, and his Auditory Toolbox. One departure of that program is kept, so that
//! results can be compared: at the first sample of every frame what leaves the two stages before the cochlea is 0.

mod cascade;
mod design;
mod kernels;

use serde::{Deserialize, Serialize};

use self::cascade::Cascade;
pub use self::design::center_frequencies;
use self::design::{FRONT, stages};
use self::kernels::{Gain, LowPass, hold_back, subtract};
use super::Hear;
use crate::error::{Error, Result, check_positive};
use crate::simd::{LANES, Lanes, flat, flat_mut};
use crate::stop::is_stopped;

/// Says how many samples pass the cascade at once.
const BLOCK: usize = 128;

/// What the stages of the gain control aim at, and their time constants [s].
const GAINS: [(f64, f64); 4] = [(0.0032, 0.64), (0.0016, 0.16), (0.0008, 0.04), (0.0004, 0.01)];

/// Says what ear is meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LyonConfig {
    /// Samples a second.
    pub sample_rate: f64,
    /// Samples of a frame.
    pub decimation: usize,
    /// How sharp filters are: centre frequency over bandwidth.
    pub ear_q: f64,
    /// By what part of a bandwidth neighbours are apart.
    pub step_factor: f64,
    /// Whether each channel is the difference to the one above it.
    pub difference: bool,
    /// Whether gain is controlled.
    pub gain_control: bool,
    /// Time constant of the smoothing before decimation, in frames.
    pub tau_factor: f64,
}

impl LyonConfig {
    /// Checks all fields.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        check_positive("sample_rate", "", self.sample_rate)?;
        if self.decimation == 0 {
            return Err(Error::value("decimation", ">= 1", self.decimation));
        }
        if !(self.ear_q >= 1.0 && self.ear_q < f64::INFINITY) {
            return Err(Error::value("ear_q", "finite and >= 1", self.ear_q));
        }
        check_positive("step_factor", "", self.step_factor)?;
        check_positive("tau_factor", "", self.tau_factor)?;
        // As many as a long recording has samples would be a mistake, and would not fit into memory.
        let most = 1 << 16;
        let steps = self.ear_q / self.step_factor * (self.sample_rate + 1.0).ln().max(1.0);
        if steps > f64::from(most) {
            return Err(Error::value("step_factor", "large enough for at most 65,536 channels", self.step_factor));
        }
        if center_frequencies(self).is_empty() {
            let expected = "high enough for a channel (12,500 Hz have 78 with the usual constants)";
            return Err(Error::value("sample_rate", expected, self.sample_rate));
        }
        Ok(())
    }
}

/// An ear.
#[derive(Clone, Debug)]
pub struct LyonEar {
    config: LyonConfig,
    cascade: Cascade,
    gains: Vec<Gain>,
    low_pass: Option<LowPass<f64>>,
    /// Samples of the frame that has begun.
    in_frame: usize,
    rows: Vec<Lanes<f64>>,
}

impl LyonEar {
    /// Makes an ear at rest.
    ///
    /// # Errors
    /// Those of [`LyonConfig::validate`].
    pub fn new(config: LyonConfig) -> Result<Self> {
        config.validate()?;
        let stages = stages(&config);
        let cascade = Cascade::new(&stages, BLOCK);
        let n_groups = cascade.n_groups();
        let per_sample = |tau: f64| 1.0 - (-1.0 / (tau * config.sample_rate)).exp();
        let gains = GAINS.iter().filter(|_| config.gain_control);
        let tau = config.decimation as f64 / config.sample_rate * config.tau_factor;
        Ok(Self {
            config,
            gains: gains.map(|&(target, tau)| Gain::new(target, per_sample(tau), n_groups)).collect(),
            low_pass: (config.decimation > 1).then(|| LowPass::new(per_sample(tau), n_groups)),
            rows: vec![Lanes::zero(); BLOCK * n_groups],
            cascade,
            in_frame: 0,
        })
    }
}

impl Hear for LyonEar {
    fn n_channels(&self) -> usize {
        self.cascade.n_stages() - FRONT
    }

    fn hear(&mut self, samples: &[f64], frames: &mut Vec<f64>) {
        let (n, n_groups) = (self.cascade.n_stages(), self.cascade.n_groups());
        let width = n_groups * LANES;
        // Differences stand in the place of the channel above.
        let first = FRONT - usize::from(self.config.difference);
        for block in samples.chunks(BLOCK) {
            if is_stopped() {
                return;
            }
            let rows = &mut self.rows[..block.len() * n_groups];
            self.cascade.run(block, rows);
            let values = flat_mut(rows);
            let new_frame = (self.config.decimation - self.in_frame) % self.config.decimation;
            for row in values.chunks_exact_mut(width).skip(new_frame).step_by(self.config.decimation) {
                row[..FRONT].fill(0.0);
            }
            hold_back(&mut self.gains, values, width, n);
            if self.config.difference {
                subtract(values, width);
            }
            let mut rest: &[Lanes<f64>] = rows;
            while !rest.is_empty() {
                let left = self.config.decimation - self.in_frame;
                let (now, later) = rest.split_at(left.saturating_mul(n_groups).min(rest.len()));
                self.in_frame += now.len() / n_groups;
                let last = match &mut self.low_pass {
                    Some(low_pass) => low_pass.run(now),
                    None => flat(now),
                };
                if self.in_frame == self.config.decimation {
                    self.in_frame = 0;
                    frames.extend_from_slice(&last[first..][..n - FRONT]);
                }
                rest = later;
            }
        }
    }
}

#[cfg(test)]
mod tests;
