//! Front ends: sound as analog values, frame by frame, a channel each.
//!
//! A new kind is a file or folder with its configuration and a [`Hear`], and a variant of [`FrontEndConfig`] and of [`FrontEnd`].

mod heidelberg;
mod log_mel;
mod lyon;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::heidelberg::{HeidelbergConfig, Spikes, hear_spikes};
pub use self::log_mel::{LogMel, LogMelConfig};
pub use self::lyon::{LyonConfig, LyonEar};
use crate::error::Result;
use crate::stop::{Stop, check};

/// Hears a stream of sound: what it gives does not depend on how samples are cut into calls.
pub trait Hear {
    /// Returns the number of channels.
    fn n_channels(&self) -> usize;

    /// Hears `samples`, and appends the frames that they end, a row of channels each, to `frames`. Work that is to stop ends early.
    fn hear(&mut self, samples: &[f64], frames: &mut Vec<f64>);
}

/// Says which front end is meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FrontEndConfig {
    /// A [`LyonEar`].
    Lyon(LyonConfig),
    /// A [`LogMel`].
    LogMel(LogMelConfig),
}

/// Any of the front ends there are.
#[derive(Clone, Debug)]
pub enum FrontEnd {
    /// Lyon's passive ear.
    Lyon(LyonEar),
    /// Log-mel frames.
    LogMel(LogMel),
}

impl FrontEndConfig {
    /// Makes the front end, at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn build(&self) -> Result<FrontEnd> {
        match *self {
            Self::Lyon(config) => LyonEar::new(config).map(FrontEnd::Lyon),
            Self::LogMel(config) => LogMel::new(config).map(FrontEnd::LogMel),
        }
    }

    /// Returns the centre frequencies of its channels [Hz].
    pub fn center_frequencies(&self) -> Vec<f64> {
        match self {
            Self::Lyon(config) => lyon::center_frequencies(config),
            Self::LogMel(config) => log_mel::center_frequencies(config),
        }
    }
}

impl Hear for FrontEnd {
    fn n_channels(&self) -> usize {
        match self {
            Self::Lyon(ear) => ear.n_channels(),
            Self::LogMel(ear) => ear.n_channels(),
        }
    }

    fn hear(&mut self, samples: &[f64], frames: &mut Vec<f64>) {
        match self {
            Self::Lyon(ear) => ear.hear(samples, frames),
            Self::LogMel(ear) => ear.hear(samples, frames),
        }
    }
}

/// Returns the frames of each recording, every one heard from rest; `done` counts those that are.
///
/// # Errors
/// Those of [`FrontEndConfig::build`], and [`Error::Interrupted`](crate::Error::Interrupted) if the work is to stop.
pub fn hear_all(config: &FrontEndConfig, recordings: &[&[f64]], done: &AtomicUsize) -> Result<Vec<Vec<f64>>> {
    let at_rest = config.build()?;
    let stop = Stop::current();
    let heard = recordings.par_iter().map(|samples| {
        stop.during(|| {
            let mut frames = Vec::new();
            at_rest.clone().hear(samples, &mut frames);
            check()?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(frames)
        })
    });
    heard.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_heard_one_by_one_from_rest() {
        let text = r#"{"kind":"lyon","sample_rate":8000.0,"decimation":100,"ear_q":8.0,"step_factor":0.25,"difference":true,
            "gain_control":true,"tau_factor":3.0}"#;
        let config: FrontEndConfig = serde_json::from_str(text).unwrap();
        assert!(serde_json::from_str::<FrontEndConfig>(&text.replace("ear_q", "q")).is_err());
        let recordings: Vec<Vec<f64>> =
            (1..5).map(|k| (0..k * 333).map(|t| (f64::from(t * k) / 9.0).sin()).collect()).collect();
        let slices: Vec<&[f64]> = recordings.iter().map(Vec::as_slice).collect();
        let done = AtomicUsize::new(0);
        let all = hear_all(&config, &slices, &done).unwrap();
        assert_eq!(done.into_inner(), 4);
        for (got, samples) in all.iter().zip(slices) {
            let (mut ear, mut alone) = (config.build().unwrap(), Vec::new());
            ear.hear(samples, &mut alone);
            assert_eq!(ear.n_channels(), config.center_frequencies().len());
            assert_eq!(alone.len(), samples.len() / 100 * ear.n_channels());
            assert_eq!(*got, alone);
        }
    }
}
