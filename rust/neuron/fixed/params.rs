//! Number formats of fixed-point neurons, validated.

use serde::{Deserialize, Serialize};

use super::decay::Decay;
use super::limits::Limits;
use super::model::FixedModel;

use super::overflow::Overflow;
use super::per_neuron::PerNeuron;
use super::rounding::Rounding;
use super::xylo;
use crate::error::{Error, Result};
use crate::neuron::LOG2_MAX_T_REF_STEPS;

/// Potentials at which a neuron fires.
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

/// What a spike makes of the membrane.
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

/// A number format, and the LIF neurons of a population that it holds.
///
/// A step, from current u and membrane v of 0 at the step before the first, with A the sum of the weights that arrive and R the
/// rounding ([`FixedModel::Lif`]):
///
/// ```text
/// u = fit(decay_u(u) + (A << input_shift))
/// v = fit(decay_v(v) + bias + R(u / 2^gain_shift))     unless held
/// spike if v > v_th (or >=);  v = 0 (or v - v_th);  held for t_ref_steps, in which v stays as it is
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
    /// A LIF neuron with these widths, decays and threshold, and everything else as plain as can be.
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

    /// Checks the format for a population of `n` neurons.
    ///
    /// # Errors
    /// [`Error::Value`] or [`Error::Shape`] naming the field outside its domain, and why.
    pub fn validate(&self, n: usize) -> Result<()> {
        if let Some(most) = self.limits.n.filter(|&most| n > most) {
            return Err(Error::value("n", format!("<= {most}, the neurons that the hardware has"), n));
        }
        check_width("weight_bits", 1, 32, self.weight_bits)?;
        // 2^31 does not fit 32 bits.
        let widest = |overflow| if overflow == Overflow::WrapUpper { 31 } else { 32 };
        check_width("current_bits", 2, widest(self.current_overflow), self.current_bits)?;
        check_width("membrane_bits", 2, widest(self.membrane_overflow), self.membrane_bits)?;
        let [current_may_clear, membrane_may_clear] = self.model.abilities().may_clear;
        self.current_decay.validate("current_decay", n, current_may_clear)?;
        self.membrane_decay.validate("membrane_decay", n, membrane_may_clear)?;
        check_width("input_shift", 0, 31, self.input_shift)?;
        check_width("gain_shift", 0, 31, self.gain_shift)?;
        check_width("max_spikes", 1, 255, self.max_spikes)?;
        if self.t_ref_steps > 1 << LOG2_MAX_T_REF_STEPS {
            let expected = format!("<= 2^{LOG2_MAX_T_REF_STEPS}");
            return Err(Error::value("t_ref_steps", expected, self.t_ref_steps));
        }
        if self.max_spikes > 1 && (self.reset == Reset::Zero || self.t_ref_steps > 0) {
            let expected = "1 unless spikes subtract the threshold and hold no neuron";
            return Err(Error::value("max_spikes", expected, self.max_spikes));
        }
        self.check_threshold(n)?;
        self.check_bias(n)?;
        match self.model {
            FixedModel::Lif => Ok(()),
            FixedModel::Xylo(version) => xylo::check(self, version),
        }
    }

    /// At rest no neuron fires, and every one can.
    fn check_threshold(&self, n: usize) -> Result<()> {
        let highest = self.membrane_overflow.range(self.membrane_bits).1;
        let (least, most) = match self.fires_at {
            FiresAt::Above => (0, highest - 1),
            FiresAt::Threshold => (1, highest),
        };
        let bits = self.membrane_bits;
        let expected = format!("in [{least}, {most}], which a membrane of {bits} bits passes and rest does not");
        self.v_th.check("v_th", n, &expected, |v_th| (least..=most).contains(&v_th.into()))
    }

    fn check_bias(&self, n: usize) -> Result<()> {
        let (low, high) = self.membrane_overflow.range(self.membrane_bits);
        let expected = format!("in [{low}, {high}], of {} bits", self.membrane_bits);
        self.bias.check("bias", n, &expected, |bias| (low..=high).contains(&bias.into()))?;
        if !self.model.abilities().acts_at_step_0 {
            return Ok(());
        }
        let at_once = |i: &usize| self.fires(self.bias.get(*i).into(), *i);
        // One stands for all where all are the same.
        let different = self.bias.values().len().max(self.v_th.values().len());
        match (0..n.min(different)).find(at_once) {
            None => Ok(()),
            Some(i) => {
                let expected = format!("no more than passes v_th = {} in the first step", self.v_th.get(i));
                Err(Error::value("bias", expected, self.bias.get(i)))
            }
        }
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

    /// Smallest and largest weight.
    pub fn weight_range(&self) -> (i64, i64) {
        Overflow::Wrap.range(self.weight_bits)
    }
}

fn check_width(name: &str, least: u32, most: u32, got: u32) -> Result<()> {
    match (least..=most).contains(&got) {
        true => Ok(()),
        false => Err(Error::value(name, format!("in [{least}, {most}]"), got)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::fixed::XyloVersion;

    fn format() -> FixedParams {
        let decay = |factor| Decay::Multiply { factor: PerNeuron::Same(factor), bits: 12 };
        FixedParams::new(8, 24, 24, decay(3500), decay(4000), 1000)
    }

    fn refused(change: impl FnOnce(&mut FixedParams)) -> String {
        let mut format = format();
        change(&mut format);
        format.validate(3).unwrap_err().to_string()
    }

    #[test]
    fn bad_formats_are_refused_with_the_reason() {
        format().validate(3).unwrap();
        assert_eq!(refused(|f| f.weight_bits = 0), "weight_bits must be in [1, 32], got 0");
        assert_eq!(refused(|f| f.membrane_bits = 65), "membrane_bits must be in [2, 32], got 65");
        assert_eq!(
            refused(|f| f.v_th = ((1 << 23) - 1).into()),
            "v_th must be in [0, 8388606], which a membrane of 24 bits passes and rest does not, got 8388607"
        );
        assert_eq!(refused(|f| f.v_th = PerNeuron::Each(vec![1])), "v_th has shape (1,), expected one number, or (3,)");
        let nothing = Decay::Multiply { factor: PerNeuron::Each(vec![9, 0, 9]), bits: 12 };
        assert_eq!(
            refused(|f| f.membrane_decay = nothing),
            "membrane_decay.factor[1] must be in [1, 2^bits = 4096] (0 keeps nothing of it), got 0"
        );
        let table = |factors: &[u32], bits| Decay::Table { factors: factors.to_vec(), bits };
        assert_eq!(
            refused(|f| f.membrane_decay = table(&[], 12)),
            "membrane_decay.factors has shape (0,), expected 1 to 4096 numbers"
        );
        assert_eq!(
            refused(|f| f.current_decay = table(&[1; 4097], 12)),
            "current_decay.factors has shape (4097,), expected 1 to 4096 numbers"
        );
        assert_eq!(
            refused(|f| f.membrane_decay = table(&[0, 0], 12)),
            "membrane_decay.factors[0] must be in [1, 2^bits = 4096] (0 keeps nothing of it), got 0"
        );
        assert_eq!(
            refused(|f| f.current_decay = table(&[9, 4], 3)),
            "current_decay.factors[0] must be in [0, 2^bits = 8], got 9"
        );
        assert_eq!(
            refused(|f| f.current_decay = table(&[7, 4, 5], 3)),
            "current_decay.factors[2] must be <= current_decay.factors[1] = 4, got 5"
        );
        assert_eq!(refused(|f| f.current_decay = table(&[7], 33)), "current_decay.bits must be in [0, 32], got 33");
        let long = Decay::Shift { shift: 32.into(), least_one: false };
        assert_eq!(refused(|f| f.current_decay = long), "current_decay.shift must be in [0, 31], got 32");
        assert_eq!(
            refused(|f| f.bias = 1001.into()),
            "bias must be no more than passes v_th = 1000 in the first step, got 1001"
        );
        assert_eq!(
            refused(|f| f.max_spikes = 2),
            "max_spikes must be 1 unless spikes subtract the threshold and hold no neuron, got 2"
        );
        assert!(
            refused(|f| f.model = FixedModel::Xylo(XyloVersion::V2))
                .starts_with("the format must be that of the xylo rules")
        );
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
