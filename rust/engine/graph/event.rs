//! Simulation by events on the time grid: steps at which nothing happens cost nothing, nor do neurons nothing reaches.

use std::ops::Range;
use std::sync::Arc;

use super::Counts;
use super::block::BlockNeurons;
use super::counts::Polling;
use super::max_pools::MaxPools;
use super::population::{LazyPopulation, Rows};
use super::single::SingleNeurons;
use super::snapshot::Snapshot;
use super::transit::Transit;
use super::wheel::NEVER;
use crate::error::Result;
use crate::graph::Graph;
use crate::neuron::LifPropagator;
use crate::neuron::fixed::Overflows;
use crate::neuron::lif::lazy::{Bounds, EachLevel, LazyLif, Levels};
use crate::simd::{Real, Weight, flat};

/// Largest share of the threshold within which a potential counts as a tie, whatever rounding might do.
const WIDEST_TIE: f64 = 1.0 / 1024.0;

/// Runs the same neurons as the clocked engine, each touched only when something reaches it.
#[derive(Debug)]
pub struct EventEngine<W: Weight, V> {
    transit: Transit<W>,
    /// Of every population; `None` for inputs and max pools.
    populations: Vec<Option<Box<dyn LazyPopulation<W, V>>>>,
    max_pools: MaxPools,
    /// What arrives at each population at the step to be run; as [`Rows`] has it.
    arriving: Vec<Vec<(usize, Range<usize>)>>,
    /// Steps done.
    now: u64,
    counts: Counts,
    /// Whether ties are proven for what the engine itself leads to,
    proven: bool,
    /// and whether it goes on from a state that it does not.
    strange: bool,
}

impl<F: Real> EventEngine<F, F> {
    /// Makes an engine at rest.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a delay is not a whole number of steps.
    pub fn new(graph: Arc<Graph<F>>) -> Result<Self> {
        let mut populations: Vec<Option<Box<dyn LazyPopulation<F, F>>>> = Vec::new();
        let mut proven = true;
        for (at, population) in graph.populations().iter().enumerate() {
            let Some(params) = population.integrating() else {
                populations.push(None);
                continue;
            };
            let neurons = params.lif()?;
            let params = &neurons.lowest();
            let (lif, sizes) = (LifPropagator::<F>::new(params)?, input_sizes(&graph, at));
            let (mut whole, mut single) = (0, 0);
            for projection in graph.projections().iter().filter(|projection| projection.post == at) {
                let sum = if projection.synapses.is_all() { &mut whole } else { &mut single };
                *sum += projection.synapses.len();
            }
            let (n, in_blocks) = (population.n, whole > single);
            populations.push(Some(match neurons.thresholds()? {
                None => {
                    let widest = WIDEST_TIE * lif.v_th.widen();
                    let bounds = sizes.map(|sizes| bounds(sizes, &lif)).filter(|bounds| bounds.margin <= widest);
                    proven &= bounds.is_some();
                    lazy(LazyLif::new(params, bounds.unwrap_or(Bounds::none(widest)))?, n, in_blocks)
                }
                Some(v_th) => {
                    let bounds = bounds_of_each(sizes, &lif, &flat(&v_th)[..n]);
                    proven &= bounds.iter().all(|bounds| bounds.current.is_finite());
                    lazy(LazyLif::with(params, EachLevel::new(v_th, &bounds))?, n, in_blocks)
                }
            }));
        }
        Ok(Self::from_populations(Transit::new(graph)?, populations, proven))
    }
}

/// Makes a population at rest.
fn lazy<F: Real, L: Levels<F>>(lif: LazyLif<F, L>, n: usize, in_blocks: bool) -> Box<dyn LazyPopulation<F, F>> {
    if in_blocks { Box::new(BlockNeurons::new(lif, n)) } else { Box::new(SingleNeurons::new(lif, n)) }
}

/// Returns the number of synapses of each neuron of population `at` with the sum of their magnitudes; `None` where nothing useful can
/// be said.
fn input_sizes<F: Real>(graph: &Graph<F>, at: usize) -> Option<Vec<(u64, f64)>> {
    if F::epsilon().widen() > 1e-10 {
        // In f32 the bound is as large as the threshold.
        return None;
    }
    let n = graph.populations()[at].n;
    let mut sizes = vec![(0, 0.0); n];
    for projection in graph.projections().iter().filter(|projection| projection.post == at) {
        for (size, (n, sum)) in sizes.iter_mut().zip(projection.synapses.input_sizes(|w| w.abs().widen())) {
            size.0 += n;
            size.1 += sum;
        }
    }
    Some(sizes)
}

/// Returns what holds of all neurons.
fn bounds<F: Real>(sizes: Vec<(u64, f64)>, lif: &LifPropagator<F>) -> Bounds {
    sizes.into_iter().map(|(n, sum)| Bounds::new(lif, n, sum)).fold(Bounds::new(lif, 0, 0.0), Bounds::or)
}

/// Returns what holds of each neuron; where nothing useful can be said, infinite ones.
fn bounds_of_each<F: Real>(sizes: Option<Vec<(u64, f64)>>, lif: &LifPropagator<F>, v_th: &[F]) -> Vec<Bounds> {
    let of = |(i, &v_th): (usize, &F)| {
        let (widest, lif) = (WIDEST_TIE * v_th.widen(), LifPropagator { v_th, ..*lif });
        let found = sizes.as_ref().map(|sizes| Bounds::new(&lif, sizes[i].0, sizes[i].1));
        found.filter(|bounds| bounds.margin <= widest).unwrap_or(Bounds::none(widest))
    };
    v_th.iter().enumerate().map(of).collect()
}

impl<W: Weight, V: Copy + Default> EventEngine<W, V> {
    /// Makes an engine of populations of any arithmetic, in the order of the graph's.
    pub fn from_populations(
        transit: Transit<W>,
        populations: Vec<Option<Box<dyn LazyPopulation<W, V>>>>,
        proven: bool,
    ) -> Self {
        let (arriving, max_pools) = (vec![Vec::new(); populations.len()], MaxPools::new(transit.graph(), 1));
        Self { transit, populations, max_pools, arriving, now: 0, counts: Counts::default(), proven, strange: false }
    }

    /// Returns the steps done: the next one is `now`.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Returns what was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Says whether the count of near ties is proven to hold all spikes on which rounding may have decided.
    pub fn ties_are_proven(&self) -> bool {
        self.proven && !self.strange && !self.transit.repeats()
    }

    /// Returns the spikes in transit.
    pub fn transit(&self) -> &Transit<W> {
        &self.transit
    }

    /// Returns the spikes in transit.
    pub fn transit_mut(&mut self) -> &mut Transit<W> {
        &mut self.transit
    }

    /// Runs the steps up to, and without, `until`; `record` gets what each population fires, in order of time and population.
    ///
    /// `keep_going` is asked now and then; where it says no, the run ends there.
    pub fn advance(
        &mut self,
        until: u64,
        record: &mut dyn FnMut(u64, usize, &[u32]),
        keep_going: &mut dyn FnMut() -> bool,
    ) {
        let Self { transit, populations, max_pools, arriving, now, counts, .. } = self;
        let graph = Arc::clone(transit.graph());
        let mut polling = Polling::default();
        while *now < until {
            let due = populations.iter().flatten().filter_map(|p| p.next_due((*now).max(1))).min().unwrap_or(NEVER);
            let arrival = transit.next_arrival(*now).unwrap_or(NEVER);
            let step = due.min(arrival).min(transit.next_input().unwrap_or(NEVER));
            if step >= until {
                *now = until;
                break;
            }
            if arrival == step {
                transit.deliver(step, 1, counts, |spike| {
                    let projection = &graph.projections()[spike.projection];
                    let row = || projection.synapses.at(spike.range.clone());
                    if !max_pools.receive(projection.post, 0, spike.neuron, row) {
                        arriving[projection.post].push((spike.projection, spike.range));
                    }
                });
            }
            if arrival == step || due == step {
                for (at, population) in populations.iter_mut().enumerate() {
                    let rows = Rows { graph: &graph, places: &arriving[at] };
                    let fired = match population {
                        Some(population) if !rows.places.is_empty() || population.next_due(step) == Some(step) => {
                            transit.fire(at, step, |fired| population.run(step, rows, fired, counts))
                        }
                        None if max_pools.has(at) => transit.fire(at, step, |fired| max_pools.list(at, 0, fired)),
                        _ => continue,
                    };
                    arriving[at].clear();
                    if !fired.is_empty() {
                        counts.spikes += fired.len() as u64;
                        record(step, at, fired);
                    }
                }
            }
            transit.take_inputs(step + 1, counts);
            *now = step + 1;
            if polling.is_due(counts) && !keep_going() {
                break;
            }
        }
    }

    /// Goes back to rest at step 0, nothing under way.
    pub fn reset(&mut self) {
        self.populations.iter_mut().flatten().for_each(|population| population.reset());
        self.max_pools.reset();
        self.transit.clear();
        (self.now, self.counts, self.strange) = (0, Counts::default(), false);
    }

    /// Brings all neurons to the present; what has not fitted the number format of each population since it was at rest.
    pub fn overflows(&mut self) -> Vec<Overflows> {
        let last = self.now.saturating_sub(1);
        let of = |population: &mut Option<Box<dyn LazyPopulation<W, V>>>| {
            population.as_mut().map_or_else(Overflows::default, |population| population.overflows(last))
        };
        self.populations.iter_mut().map(of).collect()
    }

    /// Returns everything that later steps depend on.
    pub fn snapshot(&self) -> Snapshot<V> {
        let (spikes, pending) = self.transit.export(self.now);
        let state = |population: &Option<Box<dyn LazyPopulation<W, V>>>| {
            population.as_ref().map_or_else(Vec::new, |population| population.state())
        };
        let neurons = self.populations.iter().map(state).collect();
        Snapshot { now: self.now, neurons, spikes, pending, arrived: self.max_pools.state() }
    }

    /// Goes on from a snapshot, which fits the graph.
    pub fn restore(&mut self, snapshot: &Snapshot<V>) {
        for (population, state) in self.populations.iter_mut().zip(&snapshot.neurons) {
            if let Some(population) = population {
                self.strange |= !population.covers(state);
                population.set_state(state);
            }
        }
        self.max_pools.set_state(self.transit.graph(), &snapshot.arrived);
        self.transit.import(snapshot.now, &snapshot.spikes, &snapshot.pending);
        self.now = snapshot.now;
    }
}

impl<W: Weight, V> Clone for EventEngine<W, V> {
    fn clone(&self) -> Self {
        let populations = self.populations.iter().map(|p| p.as_ref().map(|p| p.boxed())).collect();
        let Self { transit, max_pools, arriving, now, counts, proven, strange, .. } = self;
        let (transit, max_pools, arriving) = (transit.clone(), max_pools.clone(), arriving.clone());
        Self {
            transit,
            populations,
            max_pools,
            arriving,
            now: *now,
            counts: *counts,
            proven: *proven,
            strange: *strange,
        }
    }
}
