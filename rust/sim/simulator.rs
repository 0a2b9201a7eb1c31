//! One simulation for all engines, and for neurons in floating and in fixed point.

use std::sync::{Arc, OnceLock};

use super::auto::Auto;
use super::fingerprint::Fingerprint;
use super::model::{Floats, Integers, Model};
use super::running::Running;
use super::types::{AnySnapshot, EngineKind, Events, State, Time};
use crate::engine::graph::{Counts, LONGEST_WINDOW, Transit, check_events};
use crate::error::{Error, Result};
use crate::graph::{Graph, Population};
use crate::memory::check_room;
use crate::neuron::NeuronParams;
use crate::neuron::fixed::Overflows;
use crate::simd::Weight;

/// Is a simulation of floating-point neurons.
pub type FloatSimulator<F> = Simulator<Floats<F>>;

/// Is a simulation of fixed-point neurons.
pub type FixedSimulator<W> = Simulator<Integers<W>>;

/// Simulates a graph that events are pushed into and read from as time goes on.
///
/// Its memory holds the graph, the neurons, and the spikes under way, whatever the length of the stream. Nothing is
/// allocated once as many spikes as ever will be under way have been, and none of the spikes read have been more. A neuron that
/// fires several times in a step is in the events as often.
#[derive(Clone, Debug)]
pub struct Simulator<M: Model> {
    pub(super) running: Running<M>,
    limits: M::Limits,
    /// Where the engine may change.
    pub(super) auto: Option<Auto>,
    /// The engine that does not run at present, once there were both.
    pub(super) idle: Option<Running<M>>,
    /// For each population, what is added to its neurons in the events, if it is recorded.
    pub(super) offsets: Vec<Option<u32>>,
    pub(super) events: Events,
    /// What engines that were left behind have counted,
    pub(super) before: Counts,
    /// and what has not fitted the number format of each population in them.
    pub(super) overflows_before: Vec<Overflows>,
    /// Whether the engine has been changed.
    pub(super) changed: bool,
    /// Computed when a state is first asked for.
    fingerprint: OnceLock<Fingerprint>,
}

impl<M: Model> Simulator<M> {
    /// Makes a simulation at rest that records the populations `record`; neurons are numbered through these in their order.
    ///
    /// # Errors
    /// [`Error::Value`] if a recorded population does not exist or is an input, a delay is not whole steps where it must be, a
    /// neuron is outside the domain of the engine or has none such, or weights might add up to more than its numbers hold;
    /// [`Error::Memory`] if there is no room for the neurons.
    pub fn new(graph: Arc<Graph<M::Weight>>, kind: EngineKind, record: &[usize]) -> Result<Self> {
        let offsets = record_offsets(&graph, record)?;
        check_room("n_neurons", Some(graph.size(false)), bytes_a_neuron::<M>(&graph, kind))?;
        let limits = M::limits(&graph, kind)?;
        let events = match kind {
            EngineKind::Continuous => Events::Continuous(Vec::new(), Vec::new()),
            _ => Events::Grid(Vec::new(), Vec::new()),
        };
        Ok(Self {
            running: Running::new(&graph, kind, &limits)?,
            limits,
            auto: (kind == EngineKind::Auto).then(|| Auto::new(&graph)),
            idle: None,
            offsets,
            events,
            before: Counts::default(),
            overflows_before: vec![Overflows::default(); graph.populations().len()],
            changed: false,
            fingerprint: OnceLock::new(),
        })
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Arc<Graph<M::Weight>> {
        self.running.graph()
    }

    pub(super) fn limits(&self) -> &M::Limits {
        &self.limits
    }

    /// Returns the engine that runs at present.
    pub fn engine(&self) -> EngineKind {
        self.running.kind()
    }

    /// Returns the time reached.
    pub fn now(&self) -> Time {
        self.running.now()
    }

    /// Returns what was done since the start or the last reset.
    pub fn counts(&self) -> Counts {
        let mut counts = self.before;
        counts += self.running.counts();
        counts
    }

    /// Returns what has not fitted the number format of each population, inputs among them, since the start or the last reset;
    /// floating-point numbers fit.
    pub fn overflows(&mut self) -> Vec<Overflows> {
        let mut overflows = self.running.overflows();
        overflows.iter_mut().zip(&self.overflows_before).for_each(|(own, &before)| *own += before);
        overflows
    }

    /// Says whether the count of near ties is proven to hold all spikes on which rounding may have decided; `None` if none are
    /// counted. With [`EngineKind::Auto`] it is not from when the clocked engine, which counts none, has run.
    pub fn ties_are_proven(&self) -> Option<bool> {
        if self.changed && M::HAS_TIES { Some(false) } else { self.running.ties_are_proven() }
    }

    /// Appends inputs at whole steps; of none if one is refused.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first event that is out of order, in the past, of an input that does not exist, or one more
    /// of an input in a step than sums have room for.
    pub fn push_steps(&mut self, name: &str, t: &[i64], x: &[i64]) -> Result<()> {
        let (n_inputs, dt, limits) = (self.graph().size(true), self.graph().dt(), &self.limits);
        let grid = |now: u64, transit: &mut Transit<M::Weight>| {
            let from = transit.last_pending().unwrap_or(0).max(now);
            check_events(name, t, x, from as i64, " steps", n_inputs)?;
            M::push(limits, transit, name, t, x)
        };
        match &mut self.running {
            Running::Clocked(engine) => grid(engine.now(), engine.transit_mut()),
            Running::Event(engine) => grid(engine.now(), engine.transit_mut()),
            Running::Continuous(_) => {
                let t: Vec<f64> = t.iter().map(|&t| t as f64 * dt).collect();
                self.push_times(name, &t, x)
            }
        }
    }

    /// Appends inputs at times in ms, to a simulation in continuous time; of none if one is refused.
    ///
    /// # Errors
    /// As for [`push_steps`](Self::push_steps); [`Error::Type`] on the time grid.
    pub fn push_times(&mut self, name: &str, t: &[f64], x: &[i64]) -> Result<()> {
        let n_inputs = self.graph().size(true);
        let Running::Continuous(engine) = &mut self.running else {
            return Err(Error::dtype(format!("{name}['t']"), "integers, time steps", "float64"));
        };
        let from = engine.last_pending().unwrap_or(0.0).max(engine.now());
        check_events(name, t, x, from, " ms", n_inputs)?;
        engine.push(t.iter().zip(x).map(|(&t, &x)| (t, x as u32)))
    }

    /// Returns the spikes since the last call, which are then forgotten.
    pub fn take_events(&mut self) -> Events {
        match &mut self.events {
            Events::Grid(t, x) => Events::Grid(std::mem::take(t), std::mem::take(x)),
            Events::Continuous(t, x) => Events::Continuous(std::mem::take(t), std::mem::take(x)),
        }
    }

    /// Returns the spikes since [`clear_events`](Self::clear_events) or [`take_events`](Self::take_events).
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Forgets the spikes, and keeps their memory.
    pub fn clear_events(&mut self) {
        match &mut self.events {
            Events::Grid(t, x) => (t.clear(), x.clear()),
            Events::Continuous(t, x) => (t.clear(), x.clear()),
        };
    }

    /// Goes back to rest at time 0, nothing under way, nothing counted.
    pub fn reset(&mut self) {
        self.clear_events();
        if let Some(auto) = &mut self.auto {
            auto.restart();
            // A run begins as the first one did.
            if let Some(idle) = self.idle.take().filter(|idle| idle.kind() == M::FIRST) {
                self.running = idle;
            }
        }
        self.before = Counts::default();
        self.overflows_before.fill(Overflows::default());
        self.running.reset();
        self.changed = false;
    }

    /// Sets the membrane potentials that the neurons of a population start from; on the grid, as step 0 leaves them.
    ///
    /// # Errors
    /// [`Error::Value`] if the simulation has begun, the population does not exist or is an input, or a potential is one at which
    /// the neuron fires, or not a number of the neurons' type or format; [`Error::Shape`] if there are not as many as neurons.
    pub fn set_potentials(&mut self, population: usize, potentials: &[f64]) -> Result<()> {
        if !matches!(self.now(), Time::Steps(0) | Time::Ms(0.0)) {
            return Err(Error::value("potentials", "set at the start, at time 0", self.now()));
        }
        let graph = Arc::clone(self.graph());
        let (Population { n, .. }, params) = find(&graph, population)?;
        if potentials.len() != *n {
            return Err(Error::shape("potentials", &[potentials.len()], format!("(n={n},)")));
        }
        let start = M::start(params, potentials, self.engine())?;
        let mut snapshot = self.running.snapshot();
        match &mut snapshot {
            AnySnapshot::Grid(snapshot) => {
                snapshot.neurons[population].iter_mut().zip(start).for_each(|(neuron, u)| neuron.potential = u);
            }
            AnySnapshot::Continuous(snapshot) => {
                let before = graph.populations()[..population].iter();
                let first: usize = before.filter(|p| p.integrating().is_some()).map(|p| p.n).sum();
                snapshot.neurons[first..].iter_mut().zip(potentials).for_each(|(neuron, &u)| neuron.potential = u);
            }
        }
        self.restore(&snapshot)
    }

    /// Returns synaptic currents and membrane potentials of a population at the present: on the grid as the last step left them.
    ///
    /// # Errors
    /// [`Error::Value`] if the population does not exist or is an input.
    pub fn currents_and_potentials(&self, population: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let (found, _) = find(self.graph(), population)?;
        let snapshot = match &self.running {
            Running::Clocked(engine) => engine.snapshot(),
            Running::Event(engine) => engine.snapshot(),
            Running::Continuous(engine) => return Ok(engine.currents_and_potentials(population)),
        };
        M::present(found, population, &snapshot.neurons[population], snapshot.now.saturating_sub(1))
    }

    /// Returns everything that a later run depends on. Neurons with a number format are brought to the present.
    pub fn state(&mut self) -> State<M::Value> {
        self.running.overflows();
        State { graph: self.fingerprint(), snapshot: self.running.snapshot() }
    }

    fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| Fingerprint::new(self.graph()))
    }

    /// Goes on from a state of a simulation of the same graph; spikes not yet read are forgotten.
    ///
    /// # Errors
    /// [`Error::Value`] if the state does not fit the graph or the engine; nothing is changed then.
    pub fn set_state(&mut self, state: &State<M::Value>) -> Result<()> {
        self.fingerprint().check(state.graph)?;
        self.restore(&state.snapshot)
    }

    fn restore(&mut self, snapshot: &AnySnapshot<M::Value>) -> Result<()> {
        self.running.restore(snapshot)?;
        self.reconsider_later();
        self.clear_events();
        Ok(())
    }
}

/// Returns about as many bytes as a neuron takes in an engine.
fn bytes_a_neuron<M: Model>(graph: &Graph<M::Weight>, kind: EngineKind) -> usize {
    if kind != EngineKind::Clocked {
        return 64;
    }
    // As many inputs as a window has steps, see the engine.
    let of_neurons = graph.projections().iter().filter(|p| graph.populations()[p.pre].params.is_some());
    let delays = of_neurons.filter_map(|p| p.synapses.delays().distinct().first());
    let window = 1.0 + delays.copied().fold(f64::INFINITY, f64::min) / graph.dt();
    (window.min(LONGEST_WINDOW as f64) as usize + 3) * size_of::<M::Value>()
}

/// Returns for each population what is added to its neurons in the events, if it is recorded.
fn record_offsets<W: Weight>(graph: &Graph<W>, record: &[usize]) -> Result<Vec<Option<u32>>> {
    let mut offsets = vec![None; graph.populations().len()];
    let mut offset = 0;
    for &population in record {
        match graph.populations().get(population) {
            Some(found) if found.params.is_some() && offsets[population].is_none() => {
                offsets[population] = Some(offset);
                offset += found.n as u32;
            }
            _ => return Err(Error::value("record", "different populations of neurons", population)),
        }
    }
    Ok(offsets)
}

/// Returns a population of neurons and their constants.
fn find<W: Weight>(graph: &Graph<W>, population: usize) -> Result<(&Population, &NeuronParams)> {
    let found = graph.populations().get(population).and_then(|found| Some((found, found.integrating()?)));
    found.ok_or_else(|| Error::value("population", "one of neurons", population))
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "state_tests.rs"]
mod state_tests;

#[cfg(test)]
#[path = "kernels_tests.rs"]
mod kernels_tests;

#[cfg(test)]
#[path = "fixed_tests.rs"]
mod fixed_tests;
