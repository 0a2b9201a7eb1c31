//! What a user sets of neurons, whatever their model.

use serde::{Deserialize, Serialize};

use super::fixed::FixedParams;
use super::{LifGroup, LifParams};
use crate::error::{Error, Result};
use crate::simd::Weight;

/// The model of a population's neurons, and its constants.
///
/// An engine takes the models it has, and refuses the others by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum NeuronParams {
    /// Leaky integrate-and-fire neurons in floating point.
    Lif(LifGroup),
    /// Neurons in fixed point, by the rules of their format.
    Fixed(Box<FixedParams>),
    /// Neurons that do not integrate: one fires when an input has sent more spikes than any of its inputs had before.
    MaxPool,
}

impl From<LifParams> for NeuronParams {
    fn from(params: LifParams) -> Self {
        Self::Lif(params.into())
    }
}

impl From<LifGroup> for NeuronParams {
    fn from(neurons: LifGroup) -> Self {
        Self::Lif(neurons)
    }
}

impl From<FixedParams> for NeuronParams {
    fn from(params: FixedParams) -> Self {
        Self::Fixed(Box::new(params))
    }
}

impl NeuronParams {
    /// Returns the model's name, as Python has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lif(_) => "LIF",
            Self::Fixed(_) => "fixed.Format",
            Self::MaxPool => "max pooling",
        }
    }

    /// Returns the constants of LIF neurons in floating point.
    ///
    /// # Errors
    /// [`Error::Value`] naming another model.
    pub fn lif(&self) -> Result<&LifGroup> {
        match self {
            Self::Lif(params) => Ok(params),
            other => Err(Error::value("neuron", "LIF, in floating point", other.name())),
        }
    }

    /// Returns the format of neurons in fixed point.
    ///
    /// # Errors
    /// [`Error::Value`] naming another model.
    pub fn fixed(&self) -> Result<&FixedParams> {
        match self {
            Self::Fixed(params) => Ok(params),
            other => Err(Error::value("neuron", "fixed.Format, in fixed point", other.name())),
        }
    }

    /// Refuses constants outside their domain, of `n` neurons behind weights of type `W` in a graph of time step `dt` [ms].
    ///
    /// # Errors
    /// [`Error::Value`] naming the field, or the model if its neurons have weights of another type.
    pub fn check<W: Weight>(&self, n: usize, dt: f64) -> Result<()> {
        match self {
            Self::Lif(_) if W::IS_WHOLE => Err(self.misfit::<W>("a fixed.Format")),
            Self::Fixed(_) if !W::IS_WHOLE => Err(self.misfit::<W>("LIF")),
            Self::Lif(params) => {
                params.validate(n)?;
                match params.dt() == dt {
                    true => Ok(()),
                    false => Err(Error::value("dt", format!("that of the graph, {dt} ms"), params.dt())),
                }
            }
            Self::Fixed(params) => params.validate(n),
            Self::MaxPool => Ok(()),
        }
    }

    fn misfit<W: Weight>(&self, expected: &str) -> Error {
        Error::value("neuron", format!("{expected} in a graph of {}", W::DTYPE), self.name())
    }

    /// Refuses weights that such neurons do not hold.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    pub fn check_weights<W: Weight>(&self, weights: &[W]) -> Result<()> {
        let Self::Fixed(params) = self else { return Ok(()) };
        let (low, high) = params.weight_range();
        let fits = low as f64..=high as f64;
        match weights.iter().position(|w| !fits.contains(&w.widen())) {
            None => Ok(()),
            Some(at) => {
                let expected = format!("in [{low}, {high}], of weight_bits = {}", params.weight_bits);
                Err(Error::value(format!("weight[{at}]"), expected, weights[at]))
            }
        }
    }

    /// Hands out words that tell neurons apart.
    pub fn words(&self, mut add: impl FnMut(u64)) {
        match self {
            Self::Lif(params) => params.words(add),
            Self::Fixed(params) => params.words(add),
            Self::MaxPool => add(u64::from_le_bytes(*b"max pool")),
        }
    }
}
