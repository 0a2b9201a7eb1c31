//! Connectivity as plain arrays, to be kept outside and taken back as it was.

use super::connectivity::Connectivity;
use super::delays::Delays;
use super::sliding::Sliding;
use crate::error::{Error, Result};
use crate::memory::{catch, collected, filled, with_room};
use crate::stop::check;

/// Holds all that a [`Connectivity`] is, but for its sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<W> {
    /// Row starts and targets; `None` where every neuron receives from every other one, and of kernels.
    pub rows: Option<(Vec<usize>, Vec<u32>)>,
    /// Weights, row after row; of kernels the matrix of them, row-major, 0 where there is none.
    pub weight: Vec<W>,
    /// Delays that occur, or were drawn from [ms], ascending.
    pub distinct: Vec<f64>,
    /// Which of them each weight has; `None` if all have the one.
    pub index: Option<Vec<u32>>,
    /// How kernels slide, if there are any.
    pub sliding: Option<Sliding>,
}

/// Holds the synapses of a [`Connectivity`], one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists<W> {
    /// Presynaptic neurons.
    pub pre: Vec<u32>,
    /// Postsynaptic neurons.
    pub post: Vec<u32>,
    /// Weights.
    pub weight: Vec<W>,
    /// Delays [ms].
    pub delay: Vec<f64>,
}

impl<W: Copy> Connectivity<W> {
    /// Returns the synapses: those of each neuron by delay, then target.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop.
    pub fn to_lists(&self) -> Result<Lists<W>> {
        let (n, name) = (Some(self.len()), "n_synapses");
        let (mut pre, mut post, mut delay) = (with_room(name, n)?, with_room(name, n)?, with_room(name, n)?);
        let mut weight = with_room(name, n)?;
        let mut row = Vec::new();
        for j in 0..self.n_pre() {
            check()?;
            if self.of_kernels().is_some() {
                for place in self.range(j) {
                    row.clear();
                    self.at(place..place + 1).for_each(|i, w| row.push((i, w)));
                    row.sort_unstable_by_key(|&(i, _)| i);
                    post.extend(row.iter().map(|&(i, _)| i));
                    weight.extend(row.iter().map(|&(_, w)| w));
                    delay.extend(row.iter().map(|_| self.delay(place)));
                }
            } else {
                self.for_each(j, |i, w| {
                    post.push(i as u32);
                    weight.push(w);
                });
                delay.extend(self.range(j).map(|place| self.delay(place)));
            }
            pre.resize(post.len(), j as u32);
        }
        Ok(Lists { pre, post, weight, delay })
    }

    /// Returns copies of its arrays.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn to_parts(&self) -> Result<Parts<W>>
    where
        W: Default,
    {
        let (name, delays) = ("n_synapses", self.delays());
        let distinct = collected("delays", delays.distinct().iter().copied())?;
        if let Some(kernels) = self.of_kernels() {
            let sliding = *kernels.sliding();
            let n = sliding.matrix().map(|[_, n]| n);
            let mut weight = filled(name, n, W::default())?;
            let mut index = if distinct.len() > 1 { Some(filled(name, n, 0)?) } else { None };
            kernels.for_each_weight(|place, delay, at| {
                let entry = sliding.entry(place);
                weight[entry] = self.weight()[at];
                if let Some(index) = &mut index {
                    index[entry] = delay as u32;
                }
            });
            return Ok(Parts { rows: None, weight, distinct, index, sliding: Some(sliding) });
        }
        let index = delays
            .is_indexed()
            .then(|| collected(name, (0..self.len()).map(|place| delays.group(place) as u32)))
            .transpose()?;
        let rows = self.compressed_rows().map(|(start, target)| -> Result<_> {
            Ok((collected("n_pre", start.iter().copied())?, collected(name, target.iter().copied())?))
        });
        let weight = collected(name, self.weight().iter().copied())?;
        Ok(Parts { rows: rows.transpose()?, weight, distinct, index, sliding: None })
    }

    /// Makes what [`to_parts`](Self::to_parts) took apart, from arrays that may come from anywhere.
    ///
    /// # Errors
    /// [`Error::Value`] if they are none of a connectivity of these sizes.
    pub fn from_parts(n_pre: usize, n_post: usize, parts: Parts<W>) -> Result<Self>
    where
        W: PartialEq + Default,
    {
        let Parts { rows, weight, distinct, index, sliding } = parts;
        let refuse = |what: &str| Err(Error::value("synapses", format!("rows with {what}"), "others"));
        let n = weight.len();
        let ascends = distinct.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascends || distinct.iter().any(|d| !(d.is_finite() && *d >= 0.0)) || (distinct.is_empty() && n > 0) {
            return refuse("ascending delays, finite and >= 0 ms");
        }
        if let Some(sliding) = sliding {
            let fits = rows.is_none() && [sliding.pre.n(), sliding.post.n()] == [n_pre, n_post];
            if !fits || sliding.matrix().is_none_or(|[_, entries]| entries != n) {
                return refuse("a weight for every tap of the kernels");
            }
            let of_each = |index: &Vec<u32>| index.len() == n && index.iter().all(|&i| (i as usize) < distinct.len());
            if (distinct.len() > 1) != index.is_some() || !index.as_ref().is_none_or(of_each) || distinct.is_empty() {
                return refuse("a delay that exists for every tap of the kernels");
            }
            let weight = |place, delay| {
                let entry = sliding.entry(place);
                if index.as_ref().is_none_or(|index| index[entry] as usize == delay) {
                    weight[entry]
                } else {
                    W::default()
                }
            };
            return catch(|| Ok(Self::kernels(sliding, distinct, weight)));
        }
        let Some((start, target)) = rows else {
            if n_pre.checked_mul(n_post) != Some(n) || distinct.len() != 1 || index.is_some() {
                return refuse("a weight for every pair, and one delay");
            }
            return Ok(Self::all(n_pre, n_post, weight, distinct[0]));
        };
        let whole = start.len() == n_pre + 1 && start[0] == 0 && start[n_pre] == n && target.len() == n;
        if !whole || start.windows(2).any(|pair| pair[0] > pair[1]) {
            return refuse("starts from 0 to the number of synapses, ascending");
        }
        if target.iter().any(|&i| i as usize >= n_post) {
            return refuse("targets that exist");
        }
        if let Some(index) = &index {
            let sorted = |pair: &[usize]| index[pair[0]..pair[1]].is_sorted();
            let exist = index.len() == n && index.iter().all(|&i| (i as usize) < distinct.len());
            if !exist || !start.windows(2).all(sorted) {
                return refuse("delays that exist, in order within a row");
            }
        }
        let one = distinct.len() <= 1;
        if one != index.is_none() {
            return refuse("the number of a delay for each synapse where there are several");
        }
        let delays = Delays::each(distinct, index.unwrap_or_default());
        Ok(Self::rows(n_pre, n_post, start, target, weight, delays))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Connectivity<f32> {
        Connectivity::from_lists(2, 3, &[1, 0, 1], &[2, 1, 0], &[1.0, 2.0, 3.0], &[4.0, 0.0, 0.0]).unwrap()
    }

    #[test]
    fn parts_make_the_same_again() {
        for of in [small(), Connectivity::all(2, 2, vec![1.0; 4], 3.0)] {
            let again = Connectivity::from_parts(of.n_pre(), of.n_post(), of.to_parts().unwrap()).unwrap();
            assert_eq!(again.to_parts().unwrap(), of.to_parts().unwrap());
            assert_eq!(again.is_all(), of.is_all());
        }
    }

    #[test]
    fn what_is_no_connectivity_is_refused() {
        let change = |change: fn(&mut Parts<f32>)| {
            let mut parts = small().to_parts().unwrap();
            change(&mut parts);
            Connectivity::from_parts(2, 3, parts).unwrap_err().to_string()
        };
        assert!(change(|parts| parts.weight.push(1.0)).contains("starts from 0"));
        assert!(change(|parts| parts.rows.as_mut().unwrap().0[1] = 9).contains("starts from 0"));
        assert!(change(|parts| parts.rows.as_mut().unwrap().1[0] = 3).contains("targets that exist"));
        assert!(change(|parts| parts.rows = None).contains("a weight for every pair"));
        assert!(change(|parts| parts.distinct.reverse()).contains("ascending delays"));
        assert!(change(|parts| parts.distinct[0] = f64::NAN).contains("ascending delays"));
        assert!(change(|parts| parts.index.as_mut().unwrap()[0] = 2).contains("delays that exist"));
        assert!(change(|parts| parts.index.as_mut().unwrap().swap(1, 2)).contains("delays that exist"));
        assert!(change(|parts| parts.index = None).contains("the number of a delay"));
    }
}
