//! Connectivity of one projection, by presynaptic neuron.

use std::ops::Range;

use super::delays::{Delays, SYNAPSES, UNASKED, distinct_delays, take_pairs};
use crate::error::{Error, Result};
use crate::memory::{catch, collected, filled};
use crate::stop::{check, looking};

/// Holds synapses from the neurons of one population onto those of another, in compressed rows: one a presynaptic neuron.
///
/// Four bytes of target and four of `f32` weight a synapse, and another one where delays differ from synapse to synapse.
/// Where every neuron receives from every other one, targets are not stored at all.
#[derive(Clone, Debug)]
pub struct Connectivity<W> {
    n_pre: usize,
    n_post: usize,
    targets: Targets,
    weight: Vec<W>,
    delays: Delays,
}

#[derive(Clone, Debug)]
enum Targets {
    /// Row j holds the weights onto neurons 0..n_post.
    All,
    Rows {
        start: Vec<usize>,
        target: Vec<u32>,
    },
}

/// Holds the synapses of one presynaptic neuron.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, W> {
    /// Postsynaptic neurons, or `None`: neuron i is at place i.
    pub target: Option<&'a [u32]>,
    /// Weights.
    pub weight: &'a [W],
}

impl<W: Copy> Row<'_, W> {
    /// Hands out postsynaptic neurons and weights, one after the other.
    #[inline(always)]
    pub fn for_each(&self, mut visit: impl FnMut(u32, W)) {
        match self.target {
            Some(target) => target.iter().zip(self.weight).for_each(|(&i, &w)| visit(i, w)),
            None => (0..).zip(self.weight).for_each(|(i, &w)| visit(i, w)),
        }
    }
}

impl<W: Copy> Connectivity<W> {
    /// Makes synapses from every neuron onto every other one; `weight` is (n_pre, n_post), row-major.
    pub(crate) fn all(n_pre: usize, n_post: usize, weight: Vec<W>, delay: f64) -> Self {
        assert_eq!(weight.len(), n_pre * n_post);
        Self { n_pre, n_post, targets: Targets::All, weight, delays: Delays::same(delay) }
    }

    /// Makes synapses in compressed rows, each sorted by delay where they differ.
    pub(crate) fn rows(
        n_pre: usize,
        n_post: usize,
        start: Vec<usize>,
        target: Vec<u32>,
        weight: Vec<W>,
        delays: Delays,
    ) -> Self {
        assert_eq!((start.len(), start[n_pre], target.len()), (n_pre + 1, weight.len(), weight.len()));
        debug_assert!(target.iter().all(|&i| (i as usize) < n_post));
        Self { n_pre, n_post, targets: Targets::Rows { start, target }, weight, delays }
    }

    /// Makes rows of lists of synapses in any order: `delay` holds one delay for all, or one for each [ms].
    ///
    /// # Errors
    /// [`Error::Value`] naming the first synapse with a neuron that does not exist or a delay outside its domain;
    /// [`Error::Memory`] if there is no room for the rows.
    pub fn from_lists(
        n_pre: usize,
        n_post: usize,
        pre: &[u32],
        post: &[u32],
        weight: &[W],
        delay: &[f64],
    ) -> Result<Self> {
        for (name, index, n) in [("pre", pre, n_pre), ("post", post, n_post)] {
            if let Some(at) = index.iter().position(|&i| i as usize >= n) {
                return Err(Error::value(format!("{name}[{at}]"), format!("a neuron in [0, {n})"), index[at]));
            }
        }
        for (name, len) in [("post", post.len()), ("weight", weight.len())] {
            if len != pre.len() {
                return Err(Error::shape(name, &[len], format!("({},) as pre", pre.len())));
            }
        }
        if delay.len() != 1 && delay.len() != pre.len() {
            return Err(Error::shape("delay", &[delay.len()], format!("one number, or ({},) as pre", pre.len())));
        }
        // Sorting unwinds if the work is to stop.
        catch(|| Self::sorted(n_pre, n_post, [pre, post], weight, distinct_delays(delay)?))
    }

    /// Makes rows of lists that fit each other, by delay, then target; synapses of the same two neurons stay in the order they came.
    fn sorted(
        n_pre: usize,
        n_post: usize,
        [pre, post]: [&[u32]; 2],
        weight: &[W],
        (distinct, index): (Vec<f64>, Vec<u32>),
    ) -> Result<Self> {
        let n = pre.len();
        let mut start = filled("n_pre", n_pre.checked_add(1), 0)?;
        pre.iter().for_each(|&j| start[j as usize + 1] += 1);
        for j in 0..n_pre {
            start[j + 1] += start[j];
        }
        let mut next = collected("n_pre", start.iter().copied())?;
        let mut order = filled(SYNAPSES, Some(n), 0)?;
        for (at, &j) in pre.iter().enumerate() {
            if at.is_multiple_of(UNASKED) {
                check()?;
            }
            order[next[j as usize]] = at;
            next[j as usize] += 1;
        }
        let key = |at: usize| (if index.len() == 1 { 0 } else { index[at] }, post[at]);
        for (j, row) in start.windows(2).enumerate() {
            if j.is_multiple_of(UNASKED) {
                check()?;
            }
            order[row[0]..row[1]].sort_by(looking(|&a: &usize, &b: &usize| key(a).cmp(&key(b))));
        }
        let target = collected(SYNAPSES, order.iter().map(|&at| post[at]))?;
        check()?;
        let weight = collected(SYNAPSES, order.iter().map(|&at| weight[at]))?;
        check()?;
        let index = if index.len() == 1 { Vec::new() } else { collected(SYNAPSES, order.iter().map(|&at| index[at]))? };
        Ok(Self::rows(n_pre, n_post, start, target, weight, Delays::each(distinct, index)))
    }

    /// Returns the same synapses with other weights, or the first weight that has none.
    pub fn try_map<V: Copy>(self, weight: impl Fn(W) -> Option<V>) -> std::result::Result<Connectivity<V>, W> {
        let Self { n_pre, n_post, targets, weight: weights, delays } = self;
        let weight = weights.into_iter().map(|w| weight(w).ok_or(w)).collect::<std::result::Result<_, _>>()?;
        Ok(Connectivity { n_pre, n_post, targets, weight, delays })
    }

    /// Returns the number of presynaptic neurons.
    pub fn n_pre(&self) -> usize {
        self.n_pre
    }

    /// Returns the number of postsynaptic neurons.
    pub fn n_post(&self) -> usize {
        self.n_post
    }

    /// Returns the number of synapses.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }

    /// Returns the transmission delays.
    pub fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Returns the weights, row after row.
    pub fn weight(&self) -> &[W] {
        &self.weight
    }

    /// Returns the row starts and targets, unless every neuron receives from every other one.
    pub(super) fn compressed_rows(&self) -> Option<(&[usize], &[u32])> {
        match &self.targets {
            Targets::All => None,
            Targets::Rows { start, target } => Some((start, target)),
        }
    }

    /// Says whether every neuron receives from every other one.
    pub fn is_all(&self) -> bool {
        matches!(self.targets, Targets::All)
    }

    /// Returns where the synapses of neuron `pre` are.
    #[inline(always)]
    pub fn range(&self, pre: usize) -> Range<usize> {
        match &self.targets {
            Targets::All => pre * self.n_post..(pre + 1) * self.n_post,
            Targets::Rows { start, .. } => start[pre]..start[pre + 1],
        }
    }

    /// Returns where those with delay number `group` are.
    #[inline(always)]
    pub fn group_range(&self, pre: usize, group: usize) -> Range<usize> {
        self.delays.within(self.range(pre), group)
    }

    /// Returns the synapses at places of [`range`](Self::range).
    #[inline(always)]
    pub fn at(&self, range: Range<usize>) -> Row<'_, W> {
        let target = match &self.targets {
            Targets::All => None,
            Targets::Rows { target, .. } => Some(&target[range.clone()]),
        };
        Row { target, weight: &self.weight[range] }
    }

    /// Returns the postsynaptic neuron of the synapse at `place` of the row of `pre`.
    pub fn target(&self, pre: usize, place: usize) -> usize {
        match &self.targets {
            Targets::All => place - pre * self.n_post,
            Targets::Rows { target, .. } => target[place] as usize,
        }
    }

    /// Tells, in numbers, which neurons are connected.
    pub(crate) fn shape(&self, mut take: impl FnMut(u64)) {
        [self.n_pre, self.n_post, self.len()].into_iter().for_each(|n| take(n as u64));
        if let Targets::Rows { start, target } = &self.targets {
            start.iter().for_each(|&at| take(at as u64));
            take_pairs(target, take);
        }
    }

    /// Returns, for each postsynaptic neuron, the number of its synapses and the sum of `size` of their weights.
    pub fn input_sizes(&self, size: impl Fn(W) -> f64) -> Vec<(u64, f64)> {
        let mut sizes = vec![(0, 0.0); self.n_post];
        for pre in 0..self.n_pre {
            for place in self.range(pre) {
                let (n, sum) = &mut sizes[self.target(pre, place)];
                *n += 1;
                *sum += size(self.weight[place]);
            }
        }
        sizes
    }
}

#[cfg(test)]
mod tests;
