//! Domains of configurations, checked when Python makes them: what does not depend on a network or a time step.

use serde::Deserialize;

use crate::audio::{FrontEndConfig, HeidelbergConfig};
use crate::error::{Result, check_non_negative};
use crate::fixed::Quantization;
use crate::graph::ConnectionRule;
use crate::learn::{ExponentialPenalty, ImageAugment, Loss, OptimizerConfig, Schedule, StRsbp};
use crate::network::{Delay, DelayDistribution, Init, RecurrentMask};
use crate::neuron::lif::thresholds;
use crate::neuron::{Discretisation, LifParams, PerNeuron};
use crate::spikes::{EncoderConfig, SpikeAugment};

/// A configuration, by what it is for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Configuration {
    Augment(ImageAugment),
    Cochlea(HeidelbergConfig),
    Connection(ConnectionRule),
    Delay(DelayDistribution),
    Encoder(EncoderConfig),
    FrontEnd(FrontEndConfig),
    Hardware(Quantization),
    Init(Init),
    Loss(Loss),
    Mask(RecurrentMask),
    Neuron(Neuron),
    Optimizer(OptimizerConfig),
    Penalty(ExponentialPenalty),
    Rule(StRsbp),
    Schedule(Schedule),
    SpikeAugment(SpikeAugment),
}

/// What layers and populations say of their neurons; what else they have is not read.
#[derive(Deserialize)]
pub struct Neuron {
    tau_m: f64,
    tau_s: f64,
    v_th: PerNeuron<f64>,
    t_ref: f64,
    discretisation: Discretisation,
    #[serde(default)]
    lateral_inhibition: f64,
    #[serde(default)]
    delay: Delay,
    #[serde(default)]
    recurrent_delay: Delay,
}

impl Configuration {
    /// Checks what the configuration says by itself.
    ///
    /// # Errors
    /// [`Error::Value`](crate::error::Error::Value) naming the first field outside its domain.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Augment(augment) => {
                let [height, width] = augment.image_shape;
                augment.validate(height.saturating_mul(width).saturating_mul(augment.channels))
            }
            Self::Cochlea(cochlea) => cochlea.validate(),
            Self::Connection(rule) => rule.check_alone(),
            Self::Delay(distribution) => distribution.check_alone(),
            Self::Encoder(encoder) => encoder.build().map(drop),
            Self::FrontEnd(front_end) => front_end.build().map(drop),
            Self::Hardware(quantization) => quantization.validate(),
            Self::Init(init) => init.validate(),
            Self::Loss(loss) => loss.validate(),
            Self::Mask(mask) => mask.check_alone(),
            Self::Neuron(neuron) => neuron.validate(),
            Self::Optimizer(optimizer) => optimizer.validate(),
            Self::Penalty(penalty) => penalty.validate(),
            Self::Rule(rule) => rule.validate(),
            Self::Schedule(schedule) => schedule.validate(),
            // How many inputs there are is not known yet.
            Self::SpikeAugment(augment) => augment.validate(usize::MAX),
        }
    }
}

impl Neuron {
    fn validate(&self) -> Result<()> {
        if let each @ PerNeuron::Each(_) = &self.v_th {
            thresholds::check_alone(each)?;
        }
        let Self { tau_m, tau_s, ref v_th, t_ref, discretisation, .. } = *self;
        let v_th = thresholds::lowest(v_th);
        LifParams { tau_m, tau_s, v_th, t_ref, dt: f64::NAN, discretisation }.check_alone()?;
        check_non_negative("lateral_inhibition", "", self.lateral_inhibition)?;
        self.delay.check_alone("delay")?;
        self.recurrent_delay.check_alone("recurrent_delay")
    }
}
