//! LIF neurons of a population, whose thresholds may differ.

use serde::{Deserialize, Serialize};

use super::{Discretisation, LifParams, thresholds};
use crate::error::Result;
use crate::neuron::PerNeuron;
use crate::simd::{Lanes, Real};

/// LIF neurons that have everything in common but, where they differ, their thresholds. Fields as those of [`LifParams`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifGroup {
    tau_m: f64,
    tau_s: f64,
    v_th: PerNeuron<f64>,
    t_ref: f64,
    dt: f64,
    #[serde(default)]
    discretisation: Discretisation,
}

impl From<LifParams> for LifGroup {
    fn from(params: LifParams) -> Self {
        Self::new(params, params.v_th.into())
    }
}

impl LifGroup {
    /// Makes neurons of the constants of one, with these thresholds in place of its own.
    pub fn new(params: LifParams, v_th: PerNeuron<f64>) -> Self {
        let LifParams { tau_m, tau_s, t_ref, dt, discretisation, .. } = params;
        Self { tau_m, tau_s, v_th, t_ref, dt, discretisation }
    }

    /// Returns the constants, with the lowest threshold: enough for all that does not compare a potential with it.
    pub fn lowest(&self) -> LifParams {
        self.with(thresholds::lowest(&self.v_th))
    }

    /// Returns the constants of a neuron.
    pub fn neuron(&self, neuron: usize) -> LifParams {
        self.with(self.v_th.get(neuron))
    }

    fn with(&self, v_th: f64) -> LifParams {
        let Self { tau_m, tau_s, t_ref, dt, discretisation, .. } = *self;
        LifParams { tau_m, tau_s, v_th, t_ref, dt, discretisation }
    }

    /// Returns the thresholds, of all neurons or of each.
    pub fn v_th(&self) -> &PerNeuron<f64> {
        &self.v_th
    }

    /// Returns the thresholds of neurons that have one each, in blocks.
    ///
    /// # Errors
    /// Those of [`thresholds::blocks`].
    pub fn thresholds<F: Real>(&self) -> Result<Option<Vec<Lanes<F>>>> {
        thresholds::blocks(&self.v_th)
    }

    /// Returns the time step [ms].
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// Hands out words that tell neurons apart.
    pub(in crate::neuron) fn words(&self, mut add: impl FnMut(u64)) {
        let before = [self.tau_m, self.tau_s];
        let numbers = before.iter().chain(self.v_th.values()).chain([&self.t_ref, &self.dt]);
        numbers.for_each(|number| add(number.to_bits()));
        add(self.discretisation as u64);
    }

    /// Checks every field, of `n` neurons.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the first field outside its domain.
    pub fn validate(&self, n: usize) -> Result<()> {
        if let PerNeuron::Each(_) = self.v_th {
            thresholds::check(&self.v_th, n, "neurons")?;
        }
        self.lowest().validate()
    }
}
