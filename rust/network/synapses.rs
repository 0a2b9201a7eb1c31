//! A connection group: the synapses from one set of neurons onto a layer.

use std::ops::{Deref, DerefMut};

use super::{Panels, Taps};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, collected, filled, product};
use crate::simd::{Lanes, Real, flat, flat_mut};
use crate::stop::check;

/// Weights between two looks at whether to stop.
const UNASKED: usize = 1 << 16;

/// Weights, existence and delays of the synapses of `n_in` presynaptic neurons onto a layer.
///
/// Matrices are in the layout of [`Taps`]; rows and whatever else comes in or goes out are (n_out, n_in).
#[derive(Clone, Debug)]
pub struct Synapses<F> {
    n_in: usize,
    taps: Taps,
    weight: Panels<F>,
    /// 1 where a synapse exists, 0 elsewhere; `None` where all do.
    mask: Option<Panels<F>>,
}

impl<F: Real> Synapses<F> {
    /// Makes one from weights and existence, (n_out, n_in) row-major; weights of synapses that do not exist are dropped.
    pub(super) fn new(shape: [usize; 2], weights: &[F], exists: Option<&[bool]>, taps: Taps) -> Self {
        let mut weight = taps.spread(shape, weights);
        let mask = mask(shape, exists, &taps);
        if let Some(mask) = &mask {
            for (w, m) in flat_mut(weight.data_mut()).iter_mut().zip(flat(mask.data())) {
                *w *= *m;
            }
        }
        Self { n_in: shape[1], taps, weight, mask }
    }

    /// Returns the number of presynaptic neurons.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Returns the number of postsynaptic neurons.
    pub fn n_out(&self) -> usize {
        self.weight.n_out()
    }

    /// Returns the delays.
    pub fn taps(&self) -> &Taps {
        &self.taps
    }

    /// Weights, (n_out, n_taps * n_in).
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        &self.weight
    }

    /// Returns 1 where a synapse exists, 0 elsewhere, (n_out, n_taps * n_in); `None` where all do, with one delay.
    pub fn mask(&self) -> Option<&Panels<F>> {
        self.mask.as_ref()
    }

    /// Returns which synapses exist, (n_out, n_in) row-major; `None` if all do.
    pub fn exists(&self) -> Option<Vec<bool>> {
        let exists = self.taps.collect(self.n_in, self.mask.as_ref()?);
        let exists = collected("n_out * n_in", exists.iter().map(|&m| m != F::zero())).or_unwind();
        exists.contains(&false).then_some(exists)
    }

    /// Returns the number of synapses that exist.
    pub fn n_existing(&self) -> usize {
        // With several delays, the mask tells synapses of other delays apart too.
        let all = self.n_out() * self.n_in;
        self.mask.as_ref().map_or(all, |mask| flat(mask.data()).iter().filter(|&&m| m != F::zero()).count())
    }

    /// Returns the delay of every synapse, (n_out, n_in) row-major, 0 where none exists [steps].
    pub fn delays(&self) -> Vec<u32> {
        self.taps.of_synapses([self.n_out(), self.n_in], self.exists().as_deref())
    }

    /// Weights, (n_out, n_in) row-major.
    pub fn rows(&self) -> Vec<F> {
        self.rows_of(&self.weight)
    }

    /// Returns what a matrix in the layout of the weights says of each synapse, (n_out, n_in) row-major; 0 where none exists.
    pub fn rows_of<D: Deref<Target = [Lanes<F>]>>(&self, panels: &Panels<F, D>) -> Vec<F> {
        let mut rows = self.taps.collect(self.n_in, panels);
        if let Some(exists) = self.exists() {
            rows.iter_mut().zip(exists).filter(|(_, exists)| !exists).for_each(|(value, _)| *value = F::zero());
        }
        rows
    }

    /// Writes (n_out, n_in) row-major values into a matrix in the layout of the weights.
    pub fn spread_into<D: DerefMut<Target = [Lanes<F>]>>(&self, rows: &[F], panels: &mut Panels<F, D>) {
        self.taps.spread_into(self.n_in, rows, panels);
    }

    /// Returns a matrix in the layout of the weights, from (n_out, n_in) row-major.
    pub fn panels_of(&self, rows: &[F]) -> Panels<F> {
        self.taps.spread([self.n_out(), self.n_in], rows)
    }

    /// Takes weights, (n_out, n_in) row-major, that [`check`](Self::check) has passed.
    pub fn set_rows(&mut self, rows: &[F]) {
        self.weight = self.panels_of(rows);
    }

    /// Changes weights; those where no synapse exists must stay 0.
    pub fn update_weight(&mut self, update: impl FnOnce(&mut Panels<F>, Option<&Panels<F>>)) {
        update(&mut self.weight, self.mask.as_ref());
    }

    /// Gives the synapses other delays and leaves their weights.
    pub(super) fn set_taps(&mut self, taps: Taps) {
        let shape = [self.n_out(), self.n_in];
        *self = Self::new(shape, &self.rows(), self.exists().as_deref(), taps);
    }

    /// Refuses weights that are not finite, or that stand where no synapse exists; `axes` are those of the array for the message.
    ///
    /// # Errors
    /// [`Error::Value`] naming the weight; [`Error::Interrupted`] if the work is to stop.
    pub fn check(&self, name: &str, rows: &[F], axes: &[usize]) -> Result<()> {
        let exists = self.exists();
        for (at, &value) in rows.iter().enumerate() {
            if at.is_multiple_of(UNASKED) {
                check()?;
            }
            let name = || entry(name, axes, at);
            if !value.is_finite() {
                return Err(Error::value(name(), "finite", value.widen()));
            }
            if value != F::zero() && exists.as_ref().is_some_and(|exists| !exists[at]) {
                return Err(Error::value(name(), "0, as no synapse exists there", value.widen()));
            }
        }
        Ok(())
    }
}

/// Names entry `at`, in C order, of an array.
pub(super) fn entry(name: &str, axes: &[usize], mut at: usize) -> String {
    let mut index = Vec::new();
    for &n in axes.iter().rev() {
        index.push((at % n).to_string());
        at /= n;
    }
    index.reverse();
    format!("{name}[{}]", index.join(", "))
}

fn mask<F: Real>([n_out, n_in]: [usize; 2], exists: Option<&[bool]>, taps: &Taps) -> Option<Panels<F>> {
    let number = |&exists: &bool| if exists { F::one() } else { F::zero() };
    match exists {
        None if taps.steps().len() == 1 => None,
        None => {
            let all = filled("n_out * n_in", product(&[n_out, n_in]), F::one()).or_unwind();
            Some(taps.spread([n_out, n_in], &all))
        }
        Some(exists) => {
            let some = collected("n_out * n_in", exists.iter().map(number)).or_unwind();
            Some(taps.spread([n_out, n_in], &some))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    const EXISTS: [bool; 6] = [true, true, false, true, true, true];

    fn synapses(delays: &[u32], exists: Option<&[bool]>) -> Synapses<f64> {
        Synapses::new([2, 3], &WEIGHTS, exists, Taps::new("delay", delays, [2, 3], exists).unwrap())
    }

    #[test]
    fn weights_and_existence_survive_any_delays() {
        let mut group = synapses(&[0; 6], Some(&EXISTS));
        let rows = [1.0, 2.0, 0.0, 4.0, 5.0, 6.0];
        for delays in [[3; 6], [1, 2, 3, 4, 5, 6], [0, 7, 0, 0, 7, 0]] {
            group.set_taps(Taps::new("delay", &delays, [2, 3], Some(&EXISTS)).unwrap());
            assert_eq!(group.rows(), rows);
            assert_eq!(group.exists().as_deref(), Some(&EXISTS[..]));
            let kept: Vec<u32> = (0..6).map(|at| if EXISTS[at] { delays[at] } else { 0 }).collect();
            assert_eq!(group.delays(), kept);
            let n = group.mask().unwrap().to_rows().iter().filter(|&&m| m == 1.0).count();
            assert_eq!(n, 5);
        }
    }

    #[test]
    fn a_mask_is_there_where_it_is_needed() {
        assert!(synapses(&[4; 6], None).mask().is_none());
        let delayed = synapses(&[0, 1, 0, 1, 0, 1], None);
        assert_eq!(delayed.mask().unwrap().to_rows().iter().sum::<f64>(), 6.0);
        assert_eq!(delayed.exists(), None);
    }

    #[test]
    fn errors_name_the_weight() {
        let group = synapses(&[0, 1, 0, 1, 0, 1], Some(&EXISTS));
        group.check("w", &group.rows(), &[2, 3]).unwrap();
        let message = |rows: [f64; 6]| group.check("w", &rows, &[2, 3]).unwrap_err().to_string();
        assert_eq!(message(WEIGHTS), "w[0, 2] must be 0, as no synapse exists there, got 3");
        assert_eq!(message([1.0, 1.0, 0.0, 1.0, f64::NAN, 1.0]), "w[1, 1] must be finite, got NaN");
    }
}
