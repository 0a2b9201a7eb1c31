//! The delays of a connection group, as the kernels see them.

use std::ops::{Deref, DerefMut};

use super::Panels;
use super::panels::look;
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, collected, copied, with_room};
use crate::simd::{Lanes, Real};

/// Most entries of the matrix of a group with several delays: 1 GiB in single precision.
const MAX_ENTRIES: u128 = 1 << 28;

/// The distinct delays of a connection group, and which of them each synapse has.
///
/// The kernels know no delays. Where a group has D of them, its matrices have D * n_in columns: entry (i, k * n_in + j)
/// belongs to the synapse of j onto i if its delay is the k-th, and is 0 if it has another. Column k * n_in + j receives the
/// spikes of j that much later.
#[derive(Debug, PartialEq, Eq)]
pub struct Taps {
    /// The distinct delays, ascending, at least one [steps].
    steps: Vec<u32>,
    /// Index of each synapse's delay among them, (n_out, n_in) row-major; empty where there is only one.
    index: Vec<u32>,
}

impl Clone for Taps {
    fn clone(&self) -> Self {
        let copy = |values| copied("delays of n_out * n_in synapses", values);
        Self { steps: copy(&self.steps), index: copy(&self.index) }
    }
}

impl Taps {
    /// Makes one delay for all synapses.
    pub fn all(steps: u32) -> Self {
        Self { steps: vec![steps], index: Vec::new() }
    }

    /// Makes one from the delay of every synapse in steps, (n_out, n_in) row-major; those of synapses that do not exist count for
    /// nothing. `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`] if there are so many distinct delays that the matrix would have more than 2^28 entries;
    /// [`Error::Memory`].
    ///
    /// # Panics
    /// Unless there are `n_out * n_in` delays.
    pub fn new(name: &str, delays: &[u32], [n_out, n_in]: [usize; 2], exists: Option<&[bool]>) -> Result<Self> {
        assert_eq!(delays.len(), n_out * n_in);
        let exists = |at: usize| exists.is_none_or(|exists| exists[at]);
        let mut steps = with_room(name, Some(delays.len()))?;
        steps.extend((0..delays.len()).filter(|&at| exists(at)).map(|at| delays[at]));
        steps.sort_unstable();
        steps.dedup();
        steps.shrink_to_fit();
        if steps.len() <= 1 {
            return Ok(Self::all(steps.first().copied().unwrap_or(0)));
        }
        if steps.len() as u128 * delays.len() as u128 > MAX_ENTRIES {
            let most = MAX_ENTRIES / delays.len() as u128;
            let expected = format!("of at most {most} different values for {n_out} x {n_in} synapses");
            return Err(Error::value(name, expected, format!("{} of them", steps.len())));
        }
        let place = |at: usize| if exists(at) { steps.partition_point(|&tap| tap < delays[at]) as u32 } else { 0 };
        let index = collected(name, (0..delays.len()).map(place))?;
        Ok(Self { steps, index })
    }

    /// Returns the distinct delays, ascending [steps].
    #[inline(always)]
    pub fn steps(&self) -> &[u32] {
        &self.steps
    }

    /// Returns the delay of every synapse, (n_out, n_in) row-major, 0 where none exists [steps].
    pub fn of_synapses(&self, [n_out, n_in]: [usize; 2], exists: Option<&[bool]>) -> Vec<u32> {
        let exists = |at: usize| exists.is_none_or(|exists| exists[at]);
        let delay = |at| if exists(at) { self.steps[self.tap(at)] } else { 0 };
        collected("delays of n_out * n_in synapses", (0..n_out * n_in).map(delay)).or_unwind()
    }

    /// Returns the entries of a matrix of D * n_in columns that belong to synapses: (n_out, n_in) row-major.
    pub fn collect<F: Real, D: Deref<Target = [Lanes<F>]>>(&self, n_in: usize, panels: &Panels<F, D>) -> Vec<F> {
        if self.index.is_empty() {
            return panels.to_rows();
        }
        let value = |at| panels.get(at / n_in, self.tap(at) * n_in + at % n_in);
        let mut values = with_room("n_out * n_in", Some(self.index.len())).or_unwind();
        for i in 0..self.index.len() / n_in {
            look(i);
            values.extend((i * n_in..(i + 1) * n_in).map(value));
        }
        values
    }

    /// Makes the inverse of [`collect`](Self::collect): a matrix of D * n_in columns, 0 where it belongs to no synapse.
    pub fn spread<F: Real>(&self, [n_out, n_in]: [usize; 2], rows: &[F]) -> Panels<F> {
        let mut panels = Panels::zeros(n_out, self.steps.len() * n_in);
        self.spread_into(n_in, rows, &mut panels);
        panels
    }

    /// Writes what [`spread`](Self::spread) makes into a matrix that is 0 where it belongs to no synapse.
    pub fn spread_into<F: Real, D: DerefMut<Target = [Lanes<F>]>>(
        &self,
        n_in: usize,
        rows: &[F],
        panels: &mut Panels<F, D>,
    ) {
        if self.index.is_empty() {
            return panels.copy_from_rows(rows);
        }
        for (i, row) in rows.chunks_exact(n_in).enumerate() {
            look(i);
            for (j, &value) in row.iter().enumerate() {
                panels.set(i, self.tap(i * n_in + j) * n_in + j, value);
            }
        }
    }

    /// Returns the number of the delay of synapse `at`.
    pub fn tap(&self, at: usize) -> usize {
        self.index.get(at).map_or(0, |&tap| tap as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_of_synapses_that_do_not_exist_count_for_nothing() {
        let delays = [4, 9, 0, 2, 4, 2];
        let exists = [true, false, true, true, true, true];
        let taps = Taps::new("delay", &delays, [2, 3], Some(&exists)).unwrap();
        assert_eq!(taps.steps(), [0, 2, 4]);
        assert_eq!(taps.of_synapses([2, 3], Some(&exists)), [4, 0, 0, 2, 4, 2]);
        assert_eq!(Taps::new("delay", &delays, [2, 3], Some(&[false; 6])).unwrap(), Taps::all(0));
        assert_eq!(Taps::new("delay", &[5; 6], [2, 3], None).unwrap(), Taps::all(5));
    }

    #[test]
    fn spreads_and_collects() {
        let taps = Taps::new("delay", &[4, 9, 0, 9, 4, 0], [2, 3], None).unwrap();
        let rows = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let panels = taps.spread([2, 3], &rows);
        #[rustfmt::skip]
        assert_eq!(panels.to_rows(), [
            0.0, 0.0, 3.0,  1.0, 0.0, 0.0,  0.0, 2.0, 0.0,
            0.0, 0.0, 6.0,  0.0, 5.0, 0.0,  4.0, 0.0, 0.0,
        ]);
        assert_eq!(taps.collect(3, &panels), rows);
        assert_eq!(Taps::all(7).spread([2, 3], &rows).to_rows(), rows);
    }

    #[test]
    fn refuses_a_matrix_that_no_memory_holds() {
        let delays: Vec<u32> = (0..400 * 400).map(|at| at % 2000).collect();
        let error = Taps::new("delay", &delays, [400, 400], None).unwrap_err().to_string();
        assert_eq!(error, "delay must be of at most 1677 different values for 400 x 400 synapses, got 2000 of them");
    }
}
