//! Connectivity as plain arrays, to be kept outside and taken back as it was.

use super::connectivity::Connectivity;
use super::delays::Delays;
use crate::error::{Error, Result};
use crate::memory::{collected, with_room};
use crate::stop::check;

/// Holds all that a [`Connectivity`] is, but for its sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<W> {
    /// Row starts and targets; `None` where every neuron receives from every other one.
    pub rows: Option<(Vec<usize>, Vec<u32>)>,
    /// Weights, row after row.
    pub weight: Vec<W>,
    /// Delays that occur, or were drawn from [ms], ascending.
    pub distinct: Vec<f64>,
    /// Which of them each synapse has; `None` if all have the one.
    pub index: Option<Vec<u32>>,
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
    /// Returns the synapses, in the order they are kept in.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop.
    pub fn to_lists(&self) -> Result<Lists<W>> {
        let (n, name) = (Some(self.len()), "n_synapses");
        let (mut pre, mut post, mut delay) = (with_room(name, n)?, with_room(name, n)?, with_room(name, n)?);
        let delays = self.delays();
        for j in 0..self.n_pre() {
            check()?;
            pre.extend(self.range(j).map(|_| j as u32));
            post.extend(self.range(j).map(|place| self.target(j, place) as u32));
            delay.extend(self.range(j).map(|place| delays.distinct()[delays.group(place)]));
        }
        Ok(Lists { pre, post, weight: collected(name, self.weight().iter().copied())?, delay })
    }

    /// Returns copies of its arrays.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn to_parts(&self) -> Result<Parts<W>> {
        let (name, delays) = ("n_synapses", self.delays());
        let index = delays
            .is_indexed()
            .then(|| collected(name, (0..self.len()).map(|place| delays.group(place) as u32)))
            .transpose()?;
        let rows = self.compressed_rows().map(|(start, target)| -> Result<_> {
            Ok((collected("n_pre", start.iter().copied())?, collected(name, target.iter().copied())?))
        });
        let weight = collected(name, self.weight().iter().copied())?;
        let distinct = collected("delays", delays.distinct().iter().copied())?;
        Ok(Parts { rows: rows.transpose()?, weight, distinct, index })
    }

    /// Makes what [`to_parts`](Self::to_parts) took apart, from arrays that may come from anywhere.
    ///
    /// # Errors
    /// [`Error::Value`] if they are none of a connectivity of these sizes.
    pub fn from_parts(n_pre: usize, n_post: usize, parts: Parts<W>) -> Result<Self> {
        let Parts { rows, weight, distinct, index } = parts;
        let refuse = |what: &str| Err(Error::value("synapses", format!("rows with {what}"), "others"));
        let n = weight.len();
        let ascends = distinct.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascends || distinct.iter().any(|d| !(d.is_finite() && *d >= 0.0)) || (distinct.is_empty() && n > 0) {
            return refuse("ascending delays, finite and >= 0 ms");
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
