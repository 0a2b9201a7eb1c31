//! Thresholds that neurons share, or have each, as kernels read them.

use super::LifPropagator;
use crate::error::{Error, Result, check_positive};
use crate::neuron::PerNeuron;
use crate::simd::{Isa, LANES, Lanes, Real};

/// Says where a kernel finds the thresholds of a block of neurons: which of the two is known when it is compiled, so that neurons with
/// one threshold cost what they did.
pub trait Thresholds<F: Real>: Copy + Send + Sync {
    /// Returns the thresholds of a block.
    fn block<I: Isa<F>>(self, isa: I, lif: &LifPropagator<F>, block: usize) -> I::Vector;

    /// Returns the thresholds but those of the first blocks.
    fn skip(self, n_blocks: usize) -> Self;

    /// Returns the block after one; after the last the first.
    fn next(self, block: usize) -> usize;
}

/// Stands for the one threshold of all neurons, [`LifPropagator::v_th`].
#[derive(Clone, Copy, Debug)]
pub struct One;

impl<F: Real> Thresholds<F> for One {
    #[inline(always)]
    fn block<I: Isa<F>>(self, isa: I, lif: &LifPropagator<F>, _block: usize) -> I::Vector {
        isa.splat(lif.v_th)
    }

    #[inline(always)]
    fn skip(self, _n_blocks: usize) -> Self {
        self
    }

    #[inline(always)]
    fn next(self, block: usize) -> usize {
        block
    }
}

impl<F: Real> Thresholds<F> for &[Lanes<F>] {
    #[inline(always)]
    fn block<I: Isa<F>>(self, isa: I, _lif: &LifPropagator<F>, block: usize) -> I::Vector {
        isa.load(&self[block])
    }

    #[inline(always)]
    fn skip(self, n_blocks: usize) -> Self {
        &self[n_blocks..]
    }

    #[inline(always)]
    fn next(self, block: usize) -> usize {
        if block + 1 < self.len() { block + 1 } else { 0 }
    }
}

/// `$call` with `$thresholds`: [`One`] where an `Option` of blocks is `None`, or its blocks.
macro_rules! by_thresholds {
    ($each:expr, |$thresholds:ident| $call:expr) => {
        match $each {
            None => {
                let $thresholds = $crate::neuron::lif::thresholds::One;
                $call
            }
            Some($thresholds) => $call,
        }
    };
}

pub(crate) use by_thresholds;

/// Returns thresholds in blocks of lanes, those without a neuron being out of reach; `None` of a threshold that all share.
///
/// # Errors
/// [`Error::Value`] naming one that is 0 or infinite in type `F`.
pub fn blocks<F: Real>(v_th: &PerNeuron<f64>) -> Result<Option<Vec<Lanes<F>>>> {
    let PerNeuron::Each(values) = v_th else { return Ok(None) };
    let mut blocks = vec![Lanes([F::max_value(); LANES]); values.len().div_ceil(LANES)];
    for (i, &value) in values.iter().enumerate() {
        let v_th = F::from_f64(value);
        if !v_th.is_normal() {
            return Err(Error::value(format!("v_th[{i}]"), format!("a normal {} number", F::DTYPE), value));
        }
        blocks[i / LANES][i % LANES] = v_th;
    }
    Ok(Some(blocks))
}

/// Returns the lowest threshold.
pub fn lowest(v_th: &PerNeuron<f64>) -> f64 {
    // One that is no number stays what it is, for messages.
    v_th.values().iter().copied().reduce(|least, v_th| if v_th < least { v_th } else { least }).unwrap_or(f64::INFINITY)
}

/// Refuses a threshold that is not finite and > 0.
///
/// # Errors
/// [`Error::Value`] naming it.
pub fn check_alone(v_th: &PerNeuron<f64>) -> Result<()> {
    match v_th {
        PerNeuron::Same(v_th) => check_positive("v_th", "", *v_th),
        PerNeuron::Each(values) if values.is_empty() => {
            Err(Error::value("v_th", "a number, or one for each neuron or channel", "none"))
        }
        PerNeuron::Each(values) => {
            let mut all = values.iter().enumerate();
            all.try_for_each(|(i, &v_th)| check_positive(&format!("v_th[{i}]"), "", v_th))
        }
    }
}

/// Refuses what [`check_alone`] does, and a list that has not one threshold for each of `n` neurons or channels, which `of` says.
///
/// # Errors
/// [`Error::Value`].
pub fn check(v_th: &PerNeuron<f64>, n: usize, of: &str) -> Result<()> {
    if let PerNeuron::Each(values) = v_th
        && values.len() != n
    {
        let expected = format!("one number, or one for each of the {n} {of}");
        return Err(Error::value("v_th", expected, format!("{} numbers", values.len())));
    }
    check_alone(v_th)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_without_a_neuron_never_fire() {
        let blocks = blocks::<f32>(&PerNeuron::Each(vec![0.5; 17])).unwrap().unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[1][0], 0.5);
        assert!(blocks[1][1..].iter().all(|&v_th| v_th == f32::MAX));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |values: &[f64]| check(&PerNeuron::Each(values.to_vec()), 2, "channels").unwrap_err().to_string();
        assert_eq!(message(&[1.0]), "v_th must be one number, or one for each of the 2 channels, got 1 numbers");
        assert_eq!(message(&[1.0, 0.0]), "v_th[1] must be finite and > 0, got 0");
        assert_eq!(message(&[f64::NAN, 1.0]), "v_th[0] must be finite and > 0, got NaN");
        assert!(check_alone(&PerNeuron::Each(vec![])).unwrap_err().to_string().ends_with("got none"));
        let tiny = blocks::<f32>(&PerNeuron::Each(vec![1.0, 1e-60])).unwrap_err().to_string();
        assert_eq!(
            tiny,
            "v_th[1] must be a normal float32 number, got 0.000000000000000000000000000000000000000000000000000000000001"
        );
    }
}
