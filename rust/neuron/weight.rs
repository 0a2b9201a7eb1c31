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

    /// Hands out words that tell neurons apart.
    fn params_words(params: &Self::Params, add: impl FnMut(u64));

    /// Refuses weights that such neurons do not hold.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first.
    fn check_weights(_params: &Self::Params, _weights: &[Self]) -> Result<()> {
        Ok(())
    }
}

fn lif_words(params: &LifParams, mut add: impl FnMut(u64)) {
    let numbers = [params.tau_m, params.tau_s, params.v_th, params.t_ref, params.dt];
    numbers.into_iter().for_each(|number| add(number.to_bits()));
    add(params.discretisation as u64);
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

    fn params_words(params: &LifParams, add: impl FnMut(u64)) {
        lif_words(params, add);
    }
}

impl Weight for f64 {
    type Params = LifParams;

    fn check_params(params: &LifParams, _n: usize, dt: f64) -> Result<()> {
        check_lif(params, dt)
    }

    fn params_words(params: &LifParams, add: impl FnMut(u64)) {
        lif_words(params, add);
    }
}
