//! Number formats of fixed-point neurons, validated.

use serde::{Deserialize, Serialize};

use super::decay::Decay;
use super::limits::Limits;
use super::model::FixedModel;

use super::PerNeuron;
use super::overflow::Overflow;
use super::rounding::Rounding;

/// Says at which potentials a neuron fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FiresAt {
    /// Those above the threshold.
    #[default]
    #[serde(rename = ">")]
    Above,
    /// The threshold as well.
    #[serde(rename = ">=")]
    Threshold,
}

/// Says what a spike makes of the membrane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// 0.
    #[default]
    Zero,
    /// The threshold less.
    Subtract,
}

fn one() -> u32 {
    1
}

/// A number format, and what it makes of the neurons of a population.
///
/// A step, from current u and membrane v of 0 at the step before the first, with A the sum of the weights that arrive and R the
/// rounding ([`FixedModel::Lif`]):
///
/// ```text
/// u = fit(decay_u(u) + (A << input_shift))
/// v = fit(decay_v(v) + bias + R(u / 2^gain_shift))     unless refractory
/// spike if v > v_th (or >=);  v = 0 (or v - v_th);  refractory for t_ref_steps, in which v stays as it is
/// ```
///
/// [`Decay`] says what `decay_u` and `decay_v` are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedParams {
    /// Width of a weight as it is added, sign included; in [2, 32], or 1 for weights of -1 and 0.
    pub weight_bits: u32,
    /// Width of the synaptic current, sign included, in [2, 32].
    pub current_bits: u32,
    /// Width of the membrane, sign included, in [2, 32].
    pub membrane_bits: u32,
    /// What a step leaves of the current.
    pub current_decay: Decay,
    /// What a step leaves of the membrane.
    pub membrane_decay: Decay,
    /// Threshold, of the membrane's scale.
    pub v_th: PerNeuron<i32>,
    /// Bits by which summed weights are shifted up to the current's scale, in [0, 31].
    #[serde(default)]
    pub input_shift: u32,
    /// Bits by which the current is shifted down to the membrane's scale, in [0, 31].
    #[serde(default)]
    pub gain_shift: u32,
    /// Added to the membrane at every step, of its scale.
    #[serde(default = "no_bias")]
    pub bias: PerNeuron<i32>,
    /// Of every product and shift down.
    #[serde(default)]
    pub rounding: Rounding,
    /// What draws of stochastic rounding come from.
    #[serde(default)]
    pub rounding_seed: u64,
    /// Of the current.
    #[serde(default)]
    pub current_overflow: Overflow,
    /// Of the membrane.
    #[serde(default)]
    pub membrane_overflow: Overflow,
    /// Potentials at which a neuron fires.
    #[serde(default)]
    pub fires_at: FiresAt,
    /// What a spike makes of the membrane.
    #[serde(default)]
    pub reset: Reset,
    /// Steps after a spike in which only the current changes, at most 2^24.
    #[serde(default)]
    pub t_ref_steps: u32,
    /// Most spikes of a neuron in one step, in [1, 255]; each subtracts the threshold.
    #[serde(default = "one")]
    pub max_spikes: u32,
    /// The neuron model.
    #[serde(default, rename = "rules")]
    pub model: FixedModel,
    /// What the hardware has room for.
    #[serde(default)]
    pub limits: Limits,
}

fn no_bias() -> PerNeuron<i32> {
    PerNeuron::Same(0)
}

impl FixedParams {
    /// Makes a LIF neuron with these widths, decays and threshold, and everything else as plain as can be.
    pub fn new(
        weight_bits: u32,
        current_bits: u32,
        membrane_bits: u32,
        current_decay: Decay,
        membrane_decay: Decay,
        v_th: i32,
    ) -> Self {
        Self {
            weight_bits,
            current_bits,
            membrane_bits,
            current_decay,
            membrane_decay,
            v_th: v_th.into(),
            input_shift: 0,
            gain_shift: 0,
            bias: no_bias(),
            rounding: Rounding::default(),
            rounding_seed: 0,
            current_overflow: Overflow::default(),
            membrane_overflow: Overflow::default(),
            fires_at: FiresAt::default(),
            reset: Reset::default(),
            t_ref_steps: 0,
            max_spikes: 1,
            model: FixedModel::default(),
            limits: Limits::default(),
        }
    }

    /// Makes the format of neurons that count spikes and integrate nothing: weights of 1 fit, and all else counts for nothing.
    pub fn of_max_pool() -> Self {
        let decay = Decay::Multiply { factor: 1.into(), bits: 1 };
        Self::new(2, 2, 2, decay.clone(), decay, 0)
    }

    /// Whether a neuron fires at membrane `v`.
    #[inline(always)]
    pub fn fires(&self, v: i64, neuron: usize) -> bool {
        let v_th = i64::from(self.v_th.get(neuron));
        v > v_th || v == v_th && self.fires_at == FiresAt::Threshold
    }

    /// Hands out words that tell formats apart.
    pub fn words(&self, add: impl FnMut(u64)) {
        // Formats of before did not limit inputs, and states of them are to be restored.
        let limits = Limits { inputs: None, ..self.limits };
        let text = serde_json::to_string(&Self { limits, ..self.clone() }).unwrap_or_default();
        text.bytes().map(u64::from).for_each(add);
    }

    /// Returns the most spikes of a presynaptic neuron in a step that layers of these neurons count.
    pub fn most_received(&self) -> u32 {
        self.model.abilities().most_received
    }

    /// Returns the most spikes of an input in a step that they count.
    pub fn input_spikes(&self) -> u32 {
        self.most_received().min(self.limits.input_spikes.unwrap_or(u32::MAX))
    }

    /// Returns the smallest and the largest weight.
    pub fn weight_range(&self) -> (i64, i64) {
        Overflow::Wrap.range(self.weight_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> FixedParams {
        let decay = |factor| Decay::Multiply { factor: PerNeuron::Same(factor), bits: 12 };
        FixedParams::new(8, 24, 24, decay(3500), decay(4000), 1000)
    }

    #[test]
    fn comes_back_from_its_file() {
        let mut format = format();
        format.v_th = PerNeuron::Each(vec![1, 2, 3]);
        format.rounding = Rounding::NearestEven;
        format.current_decay = Decay::Table { factors: vec![3, 1, 0], bits: 2 };
        let text = serde_json::to_string(&format).unwrap();
        assert_eq!(serde_json::from_str::<FixedParams>(&text).unwrap(), format);
    }
}
