//! Number formats of one's own, and how a network is brought to one.

use serde::{Deserialize, Serialize};

use super::neurons::{Neurons, WeightGrid, shifts};
use super::{Chip, check};
use crate::error::Result;
use crate::neuron::fixed::{Decay, FixedParams, Rounding};

/// Brings a network to a number format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QFormat {
    /// Width of weights, in [2, 16].
    pub weight_bits: u32,
    /// Width of currents and membranes, in [8, 32].
    pub state_bits: u32,
    /// Bits of the decays' factors, in [1, 31].
    pub decay_bits: u32,
    /// Rounding of products and shifts.
    pub rounding: Rounding,
}

impl Chip for QFormat {
    fn name(&self) -> &'static str {
        "QFormat"
    }

    fn validate(&self) -> Result<()> {
        check("weight_bits", 2, 16, &[self.weight_bits])?;
        check("state_bits", 8, 32, &[self.state_bits])?;
        check("decay_bits", 1, 31, &[self.decay_bits])
    }

    fn weight_grid(&self) -> WeightGrid {
        WeightGrid::symmetric(self.weight_bits)
    }

    /// Makes a level a unit.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        _most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let Self { weight_bits, state_bits, decay_bits, rounding } = *self;
        let (input_shift, gain_shift, v_th) = shifts(neurons, levels, state_bits)?;
        let decay = |name: &str, decay| -> Result<_> {
            Ok(Decay::Multiply { factor: neurons.factor(name, decay, decay_bits)?.into(), bits: decay_bits })
        };
        let current_decay = decay("current", neurons.lif.syn_decay)?;
        let membrane_decay = decay("membrane", neurons.lif.mem_decay)?;
        let format = FixedParams {
            v_th,
            input_shift,
            gain_shift,
            rounding,
            t_ref_steps: neurons.lif.t_ref_steps,
            ..FixedParams::new(weight_bits, state_bits, state_bits, current_decay, membrane_decay, 1)
        };
        Ok((format, self.weight_grid(), levels.to_vec()))
    }
}
