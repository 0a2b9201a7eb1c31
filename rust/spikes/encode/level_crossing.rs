//! Time series to the levels they cross.

use serde::{Deserialize, Serialize};

use super::timing::{MOST_STEPS, check_hold, check_length, check_series};
use super::{AnalogSample, Domain, Encode, EncoderScratch};
use crate::error::{Error, Result, check_non_negative, check_positive};
use crate::rng::StreamKey;
use crate::spikes::PaddedRows;

/// Says how a [`LevelCrossingEncoder`] makes spikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelCrossingConfig {
    /// Distance from a level to the next.
    pub threshold: f64,
    /// How much further a value must go that turns back.
    pub hysteresis: f64,
    /// Steps that a frame takes.
    pub hold: usize,
    /// Number of time steps; without one, those that the frames of a sample take.
    pub n_steps: Option<usize>,
}

/// Fires one input where a value rises by a threshold, another where it falls by one: delta modulation, send on delta.
///
/// A feature starts at the level of its first frame. In each step, if the value is at least `threshold` above the level, the feature's
/// input for rises fires and the level rises by `threshold`; likewise for falls. Where the last one went the other way,
/// `threshold + hysteresis` are asked for. There is at most one spike a step: what a frame's steps leave is left to the next frame.
/// Inputs for rises come first, then those for falls: two polarities of as many channels.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelCrossingEncoder {
    config: LevelCrossingConfig,
}

/// Holds where a feature is.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    level: f64,
    /// Of a spike that goes up, and of one that goes down.
    asked: [f64; 2],
}

impl LevelCrossingEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn new(config: LevelCrossingConfig) -> Result<Self> {
        let LevelCrossingConfig { threshold, hysteresis, hold, n_steps } = config;
        check_positive("threshold", "", threshold)?;
        check_non_negative("hysteresis", "", hysteresis)?;
        check_hold(hold)?;
        if let Some(n) = n_steps.filter(|n| !(1..=MOST_STEPS).contains(n)) {
            return Err(Error::value("n_steps", "in [1, 2^24]", n));
        }
        Ok(Self { config })
    }

    /// Returns the steps that a frame takes.
    pub(super) fn hold(&self) -> usize {
        self.config.hold
    }

    /// Returns the level of a feature whose first value this is.
    fn start(&self, first: f64) -> Level {
        Level { level: first, asked: [self.config.threshold; 2] }
    }

    /// Goes on by a frame that starts at `step`, and gives the steps at which an input fires, with whether it is that for falls.
    #[inline(always)]
    fn go_on(&self, at: &mut Level, value: f64, step: usize, mut fires: impl FnMut(usize, usize)) {
        let LevelCrossingConfig { threshold, hysteresis, hold, .. } = self.config;
        for t in step..step + hold {
            let by = value - at.level;
            if by >= at.asked[0] {
                at.level += threshold;
                at.asked = [threshold, threshold + hysteresis];
                fires(t, 0);
            } else if -by >= at.asked[1] {
                at.level -= threshold;
                at.asked = [threshold + hysteresis, threshold];
                fires(t, 1);
            } else {
                return;
            }
        }
    }

    /// Goes on by frames, of which the first starts at step 0, and lists the steps below `n_steps` at which each input fires.
    ///
    /// `levels` are those of the features; none before the first frame of a series.
    pub(super) fn cross(
        &self,
        levels: &mut Vec<Level>,
        frames: &[f64],
        n_features: usize,
        n_steps: usize,
        by_neuron: &mut PaddedRows,
    ) {
        by_neuron.clear(n_steps);
        if levels.is_empty() {
            levels.extend(frames.iter().take(n_features).map(|&first| self.start(first)));
        }
        for falls in [0, 1] {
            for j in 0..n_features {
                // There are none if no frame has come yet. Rises and falls are found in two passes, of which the second is kept.
                if let Some(level) = levels.get_mut(j) {
                    let mut at = *level;
                    for (f, frame) in frames.chunks_exact(n_features).enumerate() {
                        self.go_on(&mut at, frame[j], f * self.config.hold, |t, which| {
                            if which == falls && t < n_steps {
                                by_neuron.push(t as u32);
                            }
                        });
                    }
                    if falls == 1 {
                        *level = at;
                    }
                }
                by_neuron.end_row();
            }
        }
    }
}

impl Encode for LevelCrossingEncoder {
    fn n_inputs(&self, n_features: usize) -> usize {
        2 * n_features
    }

    fn n_steps(&self, n_frames: Option<usize>) -> usize {
        self.config.n_steps.unwrap_or_else(|| n_frames.unwrap_or(0) * self.config.hold)
    }

    fn check_frames(&self, n_frames: Option<usize>) -> Result<()> {
        check_length(check_series("level crossing", n_frames)?, self.config.hold)
    }

    fn domain(&self) -> Domain {
        Domain::Finite
    }

    fn encode(&self, sample: AnalogSample<'_>, _: StreamKey, scratch: &mut EncoderScratch, by_neuron: &mut PaddedRows) {
        let EncoderScratch { values, levels, .. } = scratch;
        sample.values.copy_to(values);
        levels.clear();
        self.cross(levels, values, sample.n_features, self.n_steps(sample.n_frames()), by_neuron);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;
    use super::*;
    use crate::spikes::Analog;

    const USUAL: LevelCrossingConfig = LevelCrossingConfig { threshold: 0.25, hysteresis: 0.0, hold: 1, n_steps: None };

    fn of(config: LevelCrossingConfig, values: &[f64], n_features: usize) -> Vec<Vec<u32>> {
        let encoder = LevelCrossingEncoder::new(config).unwrap();
        rows(&encoder, AnalogSample::series(Analog::F64(values), n_features))
    }

    #[test]
    fn rises_and_falls_are_told_apart() {
        assert_eq!(of(USUAL, &[0.0, 0.25, 0.5, 0.5, 0.25, -0.25], 1), [vec![1, 2], vec![4, 5]]);
        // The level is still a threshold above: the next frame, were there one, would fall once more.
        assert_eq!(of(USUAL, &[0.0, 0.25, 0.5, 0.5, 0.25, -0.25, -0.25], 1), [vec![1, 2], vec![4, 5, 6]]);
        // Two features: rises of both, then falls of both.
        assert_eq!(of(USUAL, &[0.0, 1.0, 0.3, 0.7, 0.3, 0.7], 2), [vec![1], vec![], vec![], vec![1]]);
    }

    #[test]
    fn a_frame_that_is_held_has_a_step_for_every_level() {
        let held = LevelCrossingConfig { hold: 4, ..USUAL };
        assert_eq!(of(held, &[0.0, 0.75, 0.75], 1), [vec![4, 5, 6], vec![]]);
        assert_eq!(of(held, &[0.0, 1.5, 1.5], 1), [vec![4, 5, 6, 7, 8, 9], vec![]]);
        let cut = LevelCrossingConfig { n_steps: Some(6), ..held };
        assert_eq!(of(cut, &[0.0, 1.5, 1.5], 1), [vec![4, 5], vec![]]);
    }

    #[test]
    fn hysteresis_keeps_noise_from_firing() {
        let noisy: Vec<f64> = (0..40).map(|t| if t % 2 == 0 { 0.0 } else { 0.3 }).collect();
        let spikes = |config| of(config, &noisy, 1).concat().len();
        assert_eq!(spikes(USUAL), 39);
        assert_eq!(spikes(LevelCrossingConfig { hysteresis: 0.1, ..USUAL }), 1);
    }

    #[test]
    fn levels_follow_the_value_within_a_threshold() {
        let wave: Vec<f64> = (0..300).map(|t| (f64::from(t) / 20.0).sin()).collect();
        let [up, down] = of(LevelCrossingConfig { threshold: 0.06, ..USUAL }, &wave, 1).try_into().unwrap();
        let mut level = 0.0;
        for (t, value) in wave.iter().enumerate() {
            level += 0.06 * (f64::from(u8::from(up.contains(&(t as u32)))));
            level -= 0.06 * (f64::from(u8::from(down.contains(&(t as u32)))));
            assert!((level - value).abs() < 0.06 + 1e-9, "step {t}: {level} for {value}");
        }
    }

    #[test]
    fn errors_name_the_argument() {
        let message = |config| LevelCrossingEncoder::new(config).unwrap_err().to_string();
        assert_eq!(message(LevelCrossingConfig { threshold: 0.0, ..USUAL }), "threshold must be finite and > 0, got 0");
        assert_eq!(
            message(LevelCrossingConfig { hysteresis: -1.0, ..USUAL }),
            "hysteresis must be finite and >= 0, got -1"
        );
        assert_eq!(message(LevelCrossingConfig { hold: 0, ..USUAL }), "hold must be in [1, 4096], got 0");
        assert_eq!(message(LevelCrossingConfig { n_steps: Some(0), ..USUAL }), "n_steps must be in [1, 2^24], got 0");
        let still = LevelCrossingEncoder::new(USUAL).unwrap().check_frames(None).unwrap_err().to_string();
        assert!(still.starts_with("x must be a time series, (n_samples, n_frames, n_features), for level crossing"));
    }
}
