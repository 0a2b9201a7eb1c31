//! Connectivity of one projection, by presynaptic neuron.

use std::ops::Range;

use super::delays::{Delays, SYNAPSES, UNASKED, distinct_delays, take_pairs};
use super::kernels::{KernelRow, Kernels};
use super::sliding::Sliding;
use crate::error::{Error, Result};
use crate::memory::{catch, collected, filled};
use crate::network::Place;
use crate::stop::{check, looking};

/// Holds synapses from the neurons of one population onto those of another, in compressed rows: one a presynaptic neuron.
///
/// Four bytes of target and four of `f32` weight a synapse, and another one where delays differ from synapse to synapse.
/// Where every neuron receives from every other one, targets are not stored at all. Of kernels that slide over a plane there are no
/// rows either: their weights are stored once, and the synapses of a neuron follow from where it lies.
///
/// Synapses are asked for by place. Of kernels, one place stands for all synapses of a neuron that have one delay.
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
    Kernels(Box<Kernels>),
}

/// Holds synapses of one presynaptic neuron.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a, W> {
    /// Weights onto all neurons.
    All(&'a [W]),
    /// Postsynaptic neurons and weights.
    Listed(&'a [u32], &'a [W]),
    /// Kernels that lie over the neuron.
    Kernels(KernelRow<'a, W>),
}

impl<'a, W: Copy> Row<'a, W> {
    /// Hands out postsynaptic neurons and weights, one after the other.
    #[inline(always)]
    pub fn for_each(&self, mut visit: impl FnMut(u32, W)) {
        match self {
            Self::Listed(target, weight) => target.iter().zip(*weight).for_each(|(&i, &w)| visit(i, w)),
            Self::All(weight) => (0..).zip(*weight).for_each(|(i, &w)| visit(i, w)),
            Self::Kernels(row) => row.for_each(visit),
        }
    }

    /// Returns the postsynaptic neurons, if they are listed.
    #[inline(always)]
    pub fn listed(&self) -> Option<&'a [u32]> {
        if let Self::Listed(target, _) = self { Some(target) } else { None }
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

    /// Makes synapses of kernels, `weight(place, delay)` of which is that at a place of their matrix if it has delay number `delay`,
    /// and otherwise 0; there is no synapse of weight 0. Unwinds if there is no room.
    pub(crate) fn kernels(sliding: Sliding, delays: Vec<f64>, weight: impl Fn(Place, usize) -> W) -> Self
    where
        W: PartialEq + Default,
    {
        let (kernels, weight) = Kernels::new(sliding, delays.len(), weight);
        let (n_pre, n_post) = (sliding.pre.n(), sliding.post.n());
        Self { n_pre, n_post, targets: Targets::Kernels(Box::new(kernels)), weight, delays: Delays::elsewhere(delays) }
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
        match &self.targets {
            Targets::Kernels(kernels) => kernels.n_synapses(),
            Targets::All | Targets::Rows { .. } => self.weight.len(),
        }
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the transmission delays.
    pub fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Returns the weights, row after row; those of kernels, each once.
    pub fn weight(&self) -> &[W] {
        &self.weight
    }

    /// Returns the row starts and targets, if synapses are listed.
    pub(super) fn compressed_rows(&self) -> Option<(&[usize], &[u32])> {
        match &self.targets {
            Targets::All | Targets::Kernels(_) => None,
            Targets::Rows { start, target } => Some((start, target)),
        }
    }

    /// Returns how kernels slide, if synapses are made of them.
    pub fn sliding(&self) -> Option<&Sliding> {
        self.of_kernels().map(Kernels::sliding)
    }

    /// Returns the kernels that synapses are made of.
    pub(super) fn of_kernels(&self) -> Option<&Kernels> {
        if let Targets::Kernels(kernels) = &self.targets { Some(kernels) } else { None }
    }

    /// Says whether every neuron receives from every other one.
    pub fn is_all(&self) -> bool {
        matches!(self.targets, Targets::All)
    }

    /// Says whether the synapses of each neuron are listed.
    pub fn is_listed(&self) -> bool {
        matches!(self.targets, Targets::Rows { .. })
    }

    /// Says whether synapses are made of kernels, which all neurons share.
    pub fn has_kernels(&self) -> bool {
        self.of_kernels().is_some()
    }

    /// Returns the places of the synapses of neuron `pre`.
    #[inline(always)]
    pub fn range(&self, pre: usize) -> Range<usize> {
        match &self.targets {
            Targets::All => pre * self.n_post..(pre + 1) * self.n_post,
            Targets::Rows { start, .. } => start[pre]..start[pre + 1],
            Targets::Kernels(kernels) => pre * kernels.n_delays()..(pre + 1) * kernels.n_delays(),
        }
    }

    /// Returns the places of those with delay number `group`, of kernels also where there is none.
    #[inline(always)]
    pub fn group_range(&self, pre: usize, group: usize) -> Range<usize> {
        match &self.targets {
            Targets::Kernels(kernels) => {
                let place = pre * kernels.n_delays() + group;
                place..place + 1
            }
            Targets::All | Targets::Rows { .. } => self.delays.within(self.range(pre), group),
        }
    }

    /// Returns the first place at or after `place` at which neuron `pre` has synapses.
    #[inline(always)]
    pub fn next_place(&self, pre: usize, place: usize) -> Option<usize> {
        let mut places = place..self.range(pre).end;
        match &self.targets {
            Targets::Kernels(_) => places.find(|&place| self.count(place..place + 1) > 0),
            Targets::All | Targets::Rows { .. } => places.next(),
        }
    }

    /// Returns the places of the synapses of neuron `pre` that have the delay of those at `place`.
    #[inline(always)]
    pub fn group_at(&self, pre: usize, place: usize) -> Range<usize> {
        match &self.targets {
            Targets::Kernels(_) => place..place + 1,
            Targets::All | Targets::Rows { .. } => self.group_range(pre, self.delays.group(place)),
        }
    }

    /// Returns the delay of the synapses at `place` [ms].
    #[inline(always)]
    pub fn delay(&self, place: usize) -> f64 {
        let group = match &self.targets {
            Targets::Kernels(kernels) => place % kernels.n_delays(),
            Targets::All | Targets::Rows { .. } => self.delays.group(place),
        };
        self.delays.distinct()[group]
    }

    /// Returns the number of synapses at places of [`range`](Self::range).
    #[inline(always)]
    pub fn count(&self, range: Range<usize>) -> usize {
        match &self.targets {
            Targets::Kernels(kernels) => {
                let n_delays = kernels.n_delays();
                range.map(|place| kernels.count_of(place / n_delays, place % n_delays)).sum()
            }
            Targets::All | Targets::Rows { .. } => range.len(),
        }
    }

    /// Returns the synapses at places of [`group_range`](Self::group_range).
    #[inline(always)]
    pub fn at(&self, range: Range<usize>) -> Row<'_, W> {
        match &self.targets {
            Targets::All => Row::All(&self.weight[range]),
            Targets::Rows { target, .. } => Row::Listed(&target[range.clone()], &self.weight[range]),
            Targets::Kernels(kernels) => {
                debug_assert_eq!(range.len(), 1);
                let (pre, group) = (range.start / kernels.n_delays(), range.start % kernels.n_delays());
                Row::Kernels(kernels.row(&self.weight, pre, group))
            }
        }
    }

    /// Returns the postsynaptic neuron of the synapse at `place` of the row of `pre`.
    #[cfg(test)]
    pub fn target(&self, pre: usize, place: usize) -> usize {
        self.compressed_rows().map_or_else(|| place - pre * self.n_post, |(_, target)| target[place] as usize)
    }

    /// Hands out the postsynaptic neurons and weights of all synapses of neuron `pre`, delay after delay.
    pub fn for_each(&self, pre: usize, mut visit: impl FnMut(usize, W)) {
        let range = self.range(pre);
        match &self.targets {
            Targets::Kernels(_) => {
                range.for_each(|place| self.at(place..place + 1).for_each(|i, w| visit(i as usize, w)))
            }
            Targets::All | Targets::Rows { .. } => self.at(range).for_each(|i, w| visit(i as usize, w)),
        }
    }

    /// Tells, in numbers, which neurons are connected.
    pub(crate) fn shape(&self, mut take: impl FnMut(u64)) {
        [self.n_pre, self.n_post, self.len()].into_iter().for_each(|n| take(n as u64));
        match &self.targets {
            Targets::All => {}
            Targets::Rows { start, target } => {
                start.iter().for_each(|&at| take(at as u64));
                take_pairs(target, take);
            }
            Targets::Kernels(kernels) => {
                kernels.sliding().words().into_iter().for_each(&mut take);
                kernels.for_each_weight(|Place { row, column }, _, _| take(u64::from(row) << 32 | u64::from(column)));
            }
        }
    }

    /// Tells, in numbers, the delay of every synapse.
    pub(crate) fn delay_words(&self, mut take: impl FnMut(u64)) {
        self.delays.words(&mut take);
        if let Targets::Kernels(kernels) = &self.targets {
            kernels.for_each_weight(|_, delay, _| take(delay as u64));
        }
    }

    /// Returns, for each postsynaptic neuron, the number of its synapses and the sum of `size` of their weights.
    pub fn input_sizes(&self, size: impl Fn(W) -> f64) -> Vec<(u64, f64)> {
        let mut sizes = vec![(0, 0.0); self.n_post];
        for pre in 0..self.n_pre {
            self.for_each(pre, |post, weight| {
                let (n, sum) = &mut sizes[post];
                *n += 1;
                *sum += size(weight);
            });
        }
        sizes
    }
}

#[cfg(test)]
mod tests;
