//! What a number format must be.

use super::{FiresAt, FixedModel, FixedParams, Overflow, Reset, xylo};
use crate::error::{Error, Result};
use crate::neuron::LOG2_MAX_T_REF_STEPS;

impl FixedParams {
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

    /// Refuses thresholds with which a neuron fires at rest, or never can.
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
    use crate::neuron::fixed::{Decay, PerNeuron, XyloVersion};

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
}
