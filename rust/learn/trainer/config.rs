//! How a network is trained.

use serde::{Deserialize, Serialize};

use super::ImageAugment;
use crate::error::{Error, Result, check_positive};
use crate::fixed::Quantization;
use crate::learn::optim::step::StepOptions;
use crate::learn::{ExponentialPenalty, Loss, OptimizerConfig, Schedule, StRsbp};
use crate::sim::EngineKind;
use crate::spikes::SpikeAugment;

/// Says how a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// Loss on the output counts; `None` if it is of the user's own, and comes with the targets.
    #[serde(deserialize_with = "Option::deserialize")]
    pub loss: Option<Loss>,
    /// Optimizer.
    pub optimizer: OptimizerConfig,
    /// Factor on the learning rate over the epochs.
    pub schedule: Schedule,
    /// Options of the backward pass.
    pub rule: StRsbp,
    /// Samples whose gradients are averaged before a step.
    pub batch_size: usize,
    /// Random changes of training images.
    pub augment: Option<ImageAugment>,
    /// Random changes of the spikes that come in, encoded or given; files from before there were any do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike_augment: Option<SpikeAugment>,
    /// Penalty on large weights.
    pub weight_penalty: Option<ExponentialPenalty>,
    /// Weights are kept within +- this.
    pub weight_limit: Option<f64>,
    /// The gradient of all weights together is scaled down to at most this Euclidean norm.
    pub clip_norm: Option<f64>,
    /// Seed of the order of the samples, of the encoder and of the augmentation.
    pub seed: u64,
    /// How the network is simulated; checkpoints from before there was a choice do not say.
    #[serde(default)]
    pub engine: EngineKind,
    /// The fixed-point arithmetic that computes the spikes, if one does.
    #[serde(default)]
    pub hardware: Option<Quantization>,
}

impl TrainerConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        self.loss.map_or(Ok(()), |loss| loss.validate())?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.rule.validate()?;
        if self.batch_size == 0 {
            return Err(Error::value("batch_size", ">= 1", 0));
        }
        if let Some(penalty) = &self.weight_penalty {
            penalty.validate()?;
        }
        if let Some(hardware) = &self.hardware {
            hardware.validate()?;
            self.check_engine(self.engine)?;
        }
        self.weight_limit.map_or(Ok(()), |limit| check_positive("weight_limit", "", limit))?;
        self.clip_norm.map_or(Ok(()), |norm| check_positive("clip_norm", "", norm))
    }

    /// Returns what a step of the optimizer does.
    pub fn step_options(&self) -> StepOptions<'_> {
        StepOptions {
            optimizer: &self.optimizer,
            weight_penalty: self.weight_penalty.as_ref(),
            weight_limit: self.weight_limit,
            clip_norm: self.clip_norm,
        }
    }

    /// Refuses another engine than that of fixed point where hardware computes the spikes.
    pub(super) fn check_engine(&self, engine: EngineKind) -> Result<()> {
        match self.hardware.is_some() && engine != EngineKind::Clocked {
            true => Err(Error::value("engine", "\"clocked\" with hardware", engine.name())),
            false => Ok(()),
        }
    }
}
