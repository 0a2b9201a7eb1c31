//! What a synapse's weight says about the neurons behind it.

use super::LifParams;
use crate::error::{Error, Result};

/// Weight of a synapse. Its type says which neurons it reaches: floating-point or fixed-point ones.
pub trait Weight: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// What a population of neurons is made of.
    type Params: Clone + Send + Sync + std::fmt::Debug;

    /// Refuses neurons outside their domain: `n` of them, in a graph of time step `dt` [ms].
    ///
    /// # Errors
    /// [`Error::Value`] naming the field.
    fn check_params(params: &Self::Params, n: usize, dt: f64) -> Result<()>;

    /// Refuses weights that such neurons do not hold.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    fn check_weights(_params: &Self::Params, _weights: &[Self]) -> Result<()> {
        Ok(())
    }
}

fn check_lif(params: &LifParams, dt: f64) -> Result<()> {
    params.validate()?;
    match params.dt == dt {
        true => Ok(()),
        false => Err(Error::value("dt", format!("that of the graph, {dt} ms"), params.dt)),
    }
}

impl Weight for f32 {
    type Params = LifParams;

    fn check_params(params: &LifParams, _n: usize, dt: f64) -> Result<()> {
        check_lif(params, dt)
    }
}

impl Weight for f64 {
    type Params = LifParams;

    fn check_params(params: &LifParams, _n: usize, dt: f64) -> Result<()> {
        check_lif(params, dt)
    }
}
