//! What computes a network in fixed point: a file a chip, with all that is known of it.
//!
//! Each file has the neurons of a chip, by the constants of its own tools ([`Preset`]), and how a network is brought to it
//! ([`Target`], [`Chip`]).

mod cortex_m;
mod loihi;
mod neurons;
mod qformat;
mod spinnaker;
mod xylo;

pub use cortex_m::{CortexM, CortexMNeurons};
pub use loihi::{Loihi, LoihiNeurons, SignMode, loihi_weights};
pub use neurons::{Neurons, WeightGrid};
pub use qformat::QFormat;
pub use spinnaker::{Spinnaker, SpinnakerNeurons};
pub use xylo::{Xylo, XyloDevice, XyloNeurons, XyloRoom, xylo_weights};

use serde::{Deserialize, Serialize};

use super::network::FixedLayer;
use crate::error::{Error, Result};
use crate::neuron::fixed::FixedParams;

/// What helps where weights are small against the largest one.
const CURE_OF_WEIGHTS: &str = "use more weight_bits, scale='mse' or granularity='neuron'";

/// What helps where weights are small against a threshold that has a largest value.
const CURE_OF_THRESHOLDS: &str = "use a lower v_th or a larger dt, train with larger weights, or take a target whose thresholds \
                                  have more room (QFormat, CortexM)";

/// Holds the constants of a chip's neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preset {
    /// Neurons of Intel's Loihi.
    Loihi(LoihiNeurons),
    /// Neurons of SynSense's Xylo.
    Xylo(XyloNeurons),
    /// Neurons of SpiNNaker.
    Spinnaker(SpinnakerNeurons),
    /// Neurons of microcontrollers with Arm Cortex-M cores.
    CortexM(CortexMNeurons),
}

impl Preset {
    /// Returns the format of such neurons.
    ///
    /// # Errors
    /// [`Error::Value`] naming the constant that the hardware does not hold.
    pub fn format(&self) -> Result<FixedParams> {
        match self {
            Self::Loihi(neurons) => neurons.format(),
            Self::Xylo(neurons) => neurons.format(),
            Self::Spinnaker(neurons) => neurons.format(),
            Self::CortexM(neurons) => neurons.format(),
        }
    }
}

/// Says what a network is brought to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A number format of one's own.
    Qformat(QFormat),
    /// Intel's Loihi.
    Loihi(Loihi),
    /// SynSense's Xylo.
    Xylo(Xylo),
    /// SpiNNaker.
    Spinnaker(Spinnaker),
    /// Microcontrollers with Arm Cortex-M cores.
    CortexM(CortexM),
}

impl Target {
    /// Returns what the target is made of.
    pub fn chip(&self) -> &dyn Chip {
        match self {
            Self::Qformat(chip) => chip,
            Self::Loihi(chip) => chip,
            Self::Xylo(chip) => chip,
            Self::Spinnaker(chip) => chip,
            Self::CortexM(chip) => chip,
        }
    }
}

/// Holds what a target needs to know of a layer before weights are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerOutline {
    /// Number of neurons below.
    pub n_in: usize,
    /// Number of neurons.
    pub n_out: usize,
    /// Whether the layer is connected onto itself.
    pub is_recurrent: bool,
    /// Kind of the windows that slide over the layer below, if it has such.
    pub spatial_kind: Option<&'static str>,
    /// Whether neurons count the spikes of each input, and integrate nothing.
    pub is_max_pool: bool,
}

/// A chip, or a number format, says how a network is brought to it.
pub trait Chip {
    /// Returns what users know it as.
    fn name(&self) -> &'static str;

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Refuses a network that the hardware cannot be as a whole.
    ///
    /// # Errors
    /// [`Error::Value`] saying what it lacks.
    fn check_network(&self, _layers: &[LayerOutline]) -> Result<()> {
        Ok(())
    }

    /// Refuses integer weights for which the hardware as a whole has no room.
    ///
    /// # Errors
    /// [`Error::Value`].
    fn check_integers(&self, _layers: &[FixedLayer]) -> Result<()> {
        Ok(())
    }

    /// Returns the bits by which weights of layers may be shifted up, where the hardware has one shift for those of several layers.
    fn most_up(&self, layers: &[(Neurons, Vec<f64>)]) -> Vec<Option<i32>> {
        vec![None; layers.len()]
    }

    /// Whether weights may have any scale.
    fn has_free_scale(&self) -> bool {
        true
    }

    /// Returns the integers of weights, before anything is known of them.
    fn weight_grid(&self) -> WeightGrid;

    /// Chooses the format of a layer, the integers of its weights, and what a unit of them stands for, if a level is to stand for
    /// `levels`, of all neurons or of each; `most_up` is that of the layer.
    ///
    /// # Errors
    /// [`Error::Value`] if the hardware cannot hold the layer.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)>;

    /// Says what helps where weights become 0, as the largest one is large or, if `is_coarser`, as the hardware holds them more
    /// coarsely than its bits allow.
    fn cure(&self, _is_coarser: bool) -> &'static str {
        CURE_OF_WEIGHTS
    }

    /// Says why weights become 0.
    fn why_weights_vanish(&self, is_coarser: bool) -> &'static str {
        match is_coarser {
            true => "they are small against the threshold, which has a largest value there",
            false => "they are small against the largest one",
        }
    }

    /// Says what helps where time constants become others.
    fn cure_of_times(&self) -> &'static str {
        "use more decay_bits"
    }
}

/// Serves as a default that is true.
fn yes() -> bool {
    true
}

/// Refuses a value outside [`least`, `most`].
fn check<T: PartialOrd + Copy + std::fmt::Display>(name: &str, least: T, most: T, values: &[T]) -> Result<()> {
    match values.iter().find(|&&value| value < least || value > most) {
        None => Ok(()),
        Some(&value) => Err(Error::value(name, format!("in [{least}, {most}]"), value)),
    }
}

#[cfg(test)]
mod preset_tests;

#[cfg(test)]
mod tests;
