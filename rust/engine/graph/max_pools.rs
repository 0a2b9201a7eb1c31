//! Neurons that count the spikes of each input and fire as often as the one that has fired most, for all engines.

use crate::graph::{Graph, Row};
use crate::simd::Weight;

/// Holds the max pools of a graph.
///
/// What they remember are the spikes that have arrived of each neuron below; the most of a window follows from them.
#[derive(Clone, Debug)]
pub struct MaxPools {
    /// Of every population; `None` where its neurons are others.
    pools: Vec<Option<MaxPool>>,
}

/// Holds the neurons of a max pool.
#[derive(Clone, Debug)]
struct MaxPool {
    /// The projection onto it.
    projection: Option<usize>,
    /// Spikes of each presynaptic neuron that have arrived.
    arrived: Vec<u64>,
    /// The most that have arrived at each neuron of one.
    most: Vec<u64>,
    /// Who fires at each step of a window, some of them perhaps more than once.
    fired: Vec<Vec<u32>>,
}

impl MaxPools {
    /// Makes the max pools of a graph, at rest, for windows of so many steps.
    pub fn new<W: Weight>(graph: &Graph<W>, window: usize) -> Self {
        let pool = |at: usize| {
            let population = &graph.populations()[at];
            let projection = graph.projections().iter().position(|projection| projection.post == at);
            let n_pre = projection.map_or(0, |at| graph.projections()[at].synapses.n_pre());
            population.is_max_pool().then(|| MaxPool {
                projection,
                arrived: vec![0; n_pre],
                most: vec![0; population.n],
                fired: vec![Vec::new(); window],
            })
        };
        Self { pools: (0..graph.populations().len()).map(pool).collect() }
    }

    /// Whether a population is a max pool.
    #[inline(always)]
    pub fn has(&self, population: usize) -> bool {
        self.pools[population].is_some()
    }

    /// Takes a spike of presynaptic neuron `pre` that arrives at a step of the window through synapses `row`, if the population is a max
    /// pool.
    #[inline(always)]
    pub fn receive<'a, W: Copy + 'a>(
        &mut self,
        population: usize,
        step: usize,
        pre: u32,
        row: impl FnOnce() -> Row<'a, W>,
    ) -> bool {
        let Some(pool) = &mut self.pools[population] else { return false };
        let count = &mut pool.arrived[pre as usize];
        *count += 1;
        let (count, fired) = (*count, &mut pool.fired[step]);
        row().for_each(|i, _| {
            let most = &mut pool.most[i as usize];
            if *most < count {
                *most = count;
                fired.push(i);
            }
        });
        true
    }

    /// Lists who fires at a step of the window, ascending, and forgets it.
    pub fn list(&mut self, population: usize, step: usize, fired: &mut Vec<u32>) {
        if let Some(pool) = &mut self.pools[population] {
            let own = &mut pool.fired[step];
            own.sort_unstable();
            own.dedup();
            fired.append(own);
        }
    }

    /// Goes back to rest.
    pub fn reset(&mut self) {
        for pool in self.pools.iter_mut().flatten() {
            pool.arrived.fill(0);
            pool.most.fill(0);
            pool.fired.iter_mut().for_each(Vec::clear);
        }
    }

    /// Returns what the pools remember: the spikes that have arrived of each neuron below, pool after pool.
    pub fn state(&self) -> Vec<u64> {
        self.pools.iter().flatten().flat_map(|pool| pool.arrived.iter().copied()).collect()
    }

    /// Takes what [`state`](Self::state) gave, of the same graph.
    pub fn set_state<W: Weight>(&mut self, graph: &Graph<W>, state: &[u64]) {
        self.reset();
        let mut rest = state;
        for pool in self.pools.iter_mut().flatten() {
            let (own, other) = rest.split_at(pool.arrived.len());
            rest = other;
            pool.arrived.copy_from_slice(own);
            let Some(projection) = pool.projection else { continue };
            for (pre, &count) in own.iter().enumerate() {
                graph.projections()[projection].synapses.for_each(pre, |i, _| pool.most[i] = pool.most[i].max(count));
            }
        }
    }

    /// Returns the length of the [`state`](Self::state) of a graph.
    pub fn state_len<W: Weight>(graph: &Graph<W>) -> usize {
        let onto = graph.projections().iter().filter(|projection| graph.populations()[projection.post].is_max_pool());
        onto.map(|projection| projection.synapses.n_pre()).sum()
    }
}
