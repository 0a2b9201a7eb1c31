//! One face for all engines.

use std::sync::{Arc, OnceLock};

use super::auto::{CostModel, Window};
use super::fingerprint::Fingerprint;
use super::types::{AnySnapshot, EngineKind, Events, State, Time};
use crate::engine::graph::{
    ClockedEngine, ContinuousEngine, Counts, EventEngine, LAST_STEP, LONGEST_WINDOW, Patience, Traffic, catch_up,
    check_events, check_range,
};
use crate::error::{Error, Result};
use crate::graph::{Graph, Population};
use crate::memory::{OrUnwind, catch, check_room, reserve};
use crate::neuron::lif::lazy::{Bounds, LazyLif};
use crate::neuron::{LARGEST_CONTINUOUS, LifParams};
use crate::simd::{Real, Weight};

/// What grows until it is read, for messages.
const EVENTS: &str = "events that are not read";

/// Steps after which the choice of an engine is thought over.
const WINDOW: u64 = 256;

#[derive(Clone, Debug)]
enum Running<F: Real> {
    Clocked(ClockedEngine<F>),
    Event(EventEngine<F, F>),
    Continuous(ContinuousEngine<F>),
}

impl<F: Real> Running<F> {
    fn counts(&self) -> Counts {
        match self {
            Self::Clocked(engine) => engine.counts(),
            Self::Event(engine) => engine.counts(),
            Self::Continuous(engine) => engine.counts(),
        }
    }

    /// Whether the engine's count of near ties is proven; `None` if it counts none.
    fn ties_are_proven(&self) -> Option<bool> {
        match self {
            Self::Event(engine) => Some(engine.ties_are_proven()),
            Self::Clocked(_) | Self::Continuous(_) => None,
        }
    }
}

/// About as many bytes as a neuron takes in an engine.
fn bytes_a_neuron<F: Real>(graph: &Graph<F>, kind: EngineKind) -> usize {
    if kind != EngineKind::Clocked {
        return 64;
    }
    // As many inputs as a window has steps, see the engine.
    let of_neurons = graph.projections().iter().filter(|p| graph.populations()[p.pre].params.is_some());
    let delays = of_neurons.filter_map(|p| p.synapses.delays().distinct().first());
    let window = 1.0 + delays.copied().fold(f64::INFINITY, f64::min) / graph.dt();
    (window.min(LONGEST_WINDOW as f64) as usize + 3) * size_of::<F>()
}

/// The largest current or potential that an engine computes with.
fn largest<F: Real>(kind: EngineKind) -> f64 {
    if kind == EngineKind::Continuous { LARGEST_CONTINUOUS } else { F::max_value().widen() }
}

/// A simulation of a graph that events are pushed into and read from as time goes on.
///
/// Its memory holds the graph, the neurons, and the spikes under way, whatever the length of the stream. Nothing is
/// allocated once as many spikes as ever will be under way have been, and none of the spikes read have been more.
#[derive(Clone, Debug)]
pub struct Simulator<F: Real> {
    running: Running<F>,
    /// Where the engine may change.
    auto: Option<Auto>,
    /// The engine that does not run at present, once there were both.
    idle: Option<Running<F>>,
    /// For each population, what is added to its neurons in the events, if it is recorded.
    offsets: Vec<Option<u32>>,
    events: Events,
    /// What engines that were left behind have counted.
    before: Counts,
    /// Whether the engine has been changed.
    changed: bool,
    /// Computed when a state is first asked for.
    fingerprint: OnceLock<Fingerprint>,
}

/// What the choice of an engine rests on.
#[derive(Clone, Copy, Debug)]
struct Auto {
    costs: CostModel,
    /// Step of the last decision.
    since: u64,
    /// What had been done by then.
    before: Counts,
}

impl<F: Real> Simulator<F> {
    /// A simulation at rest that records the populations `record`; neurons are numbered through these in their order.
    ///
    /// # Errors
    /// [`Error::Value`] if a recorded population does not exist or is an input, a delay is not whole steps where it must be, a
    /// neuron is outside the domain of the engine, or weights might add up to more than its numbers hold; [`Error::Memory`]
    /// if there is no room for the neurons.
    pub fn new(graph: Arc<Graph<F>>, kind: EngineKind, record: &[usize]) -> Result<Self> {
        let offsets = record_offsets(&graph, record)?;
        check_room("n_neurons", Some(graph.size(false)), bytes_a_neuron(&graph, kind))?;
        check_range(&graph, largest::<F>(kind))?;
        let auto = (kind == EngineKind::Auto).then(|| Auto {
            costs: CostModel::new(&graph),
            since: 0,
            before: Counts::default(),
        });
        let running = match kind {
            EngineKind::Clocked => Running::Clocked(ClockedEngine::new(graph)?),
            EngineKind::Event | EngineKind::Auto => Running::Event(EventEngine::new(graph)?),
            EngineKind::Continuous => Running::Continuous(ContinuousEngine::new(graph)?),
        };
        let events = match kind {
            EngineKind::Continuous => Events::Continuous(Vec::new(), Vec::new()),
            _ => Events::Grid(Vec::new(), Vec::new()),
        };
        let (before, fingerprint) = (Counts::default(), OnceLock::new());
        Ok(Self { running, auto, idle: None, offsets, events, before, changed: false, fingerprint })
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph<F>> {
        match &self.running {
            Running::Clocked(engine) => engine.traffic().graph(),
            Running::Event(engine) => engine.traffic().graph(),
            Running::Continuous(engine) => engine.graph(),
        }
    }

    /// The engine that runs at present.
    pub fn engine(&self) -> EngineKind {
        match self.running {
            Running::Clocked(_) => EngineKind::Clocked,
            Running::Event(_) => EngineKind::Event,
            Running::Continuous(_) => EngineKind::Continuous,
        }
    }

    /// Time reached.
    pub fn now(&self) -> Time {
        match &self.running {
            Running::Clocked(engine) => Time::Steps(engine.now()),
            Running::Event(engine) => Time::Steps(engine.now()),
            Running::Continuous(engine) => Time::Ms(engine.now()),
        }
    }

    /// What was done since the start or the last reset.
    pub fn counts(&self) -> Counts {
        let mut counts = self.before;
        counts += self.running.counts();
        counts
    }

    /// Whether the count of near ties is proven to hold all spikes on which rounding may have decided; `None` if none are
    /// counted. With [`EngineKind::Auto`] it is not from when the clocked engine, which counts none, has run.
    pub fn ties_are_proven(&self) -> Option<bool> {
        if self.changed { Some(false) } else { self.running.ties_are_proven() }
    }

    /// Appends inputs at whole steps; of none if one is refused.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first event that is out of order, in the past, or of an input that does not exist.
    pub fn push_steps(&mut self, name: &str, t: &[i64], x: &[i64]) -> Result<()> {
        let n_inputs = self.graph().size(true);
        let dt = self.graph().dt();
        match &mut self.running {
            Running::Continuous(engine) => {
                let t: Vec<f64> = t.iter().map(|&t| t as f64 * dt).collect();
                push_times(engine, name, &t, x, n_inputs)
            }
            Running::Clocked(engine) => push_steps(engine.now(), engine.traffic_mut(), name, t, x, n_inputs),
            Running::Event(engine) => push_steps(engine.now(), engine.traffic_mut(), name, t, x, n_inputs),
        }
    }

    /// Appends inputs at times in ms, to a simulation in continuous time; of none if one is refused.
    ///
    /// # Errors
    /// As for [`push_steps`](Self::push_steps); [`Error::Type`] on the time grid.
    pub fn push_times(&mut self, name: &str, t: &[f64], x: &[i64]) -> Result<()> {
        let n_inputs = self.graph().size(true);
        match &mut self.running {
            Running::Continuous(engine) => push_times(engine, name, t, x, n_inputs),
            _ => Err(Error::dtype(format!("{name}['t']"), "integers, time steps", "float64")),
        }
    }

    /// Runs on: up to, and without, step or time `until`. Nothing happens if that is in the past.
    ///
    /// `keep_going` is asked now and then; where it says no, the run ends there.
    ///
    /// # Errors
    /// [`Error::Value`] if `until` is not a time. [`Error::Interrupted`] if `keep_going` says no. [`Error::Memory`] if there is no
    /// room for spikes under way or events: a step then is half done, and the simulation of no use.
    pub fn advance(&mut self, until: Time, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        catch(|| self.run_until(until, keep_going))
    }

    fn run_until(&mut self, until: Time, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        let mut going = true;
        let mut ask = || {
            going = going && keep_going();
            going
        };
        check_until(until)?;
        match until {
            Time::Ms(until) if !until.is_finite() => return Err(Error::value("until", "a finite time", until)),
            Time::Ms(until) => match &mut self.running {
                Running::Continuous(engine) => {
                    let Events::Continuous(t, x) = &mut self.events else { unreachable!("set with the engine") };
                    let offsets = &self.offsets;
                    let mut record = |time: f64, population: usize, neuron: u32| {
                        if let Some(offset) = offsets[population] {
                            room_for_events(t, x, 1);
                            t.push(time);
                            x.push(offset + neuron);
                        }
                    };
                    engine.advance(until, &mut record, &mut ask);
                }
                _ => return Err(Error::value("until", "a whole number of steps", until)),
            },
            Time::Steps(until) => match (&self.running, self.auto) {
                (Running::Continuous(_), _) => {
                    let until = until as f64 * self.graph().dt();
                    return self.run_until(Time::Ms(until), keep_going);
                }
                (_, None) => self.run_grid(until, &mut ask),
                (_, Some(_)) => self.run_auto(until, &mut ask)?,
            },
        }
        if going { Ok(()) } else { Err(Error::Interrupted) }
    }

    fn run_grid(&mut self, until: u64, keep_going: &mut dyn FnMut() -> bool) {
        let Events::Grid(t, x) = &mut self.events else { unreachable!("set with the engine") };
        let offsets = &self.offsets;
        let mut record = |step: u64, population: usize, neurons: &[u32]| {
            if let Some(offset) = offsets[population] {
                room_for_events(t, x, neurons.len());
                t.extend(std::iter::repeat_n(step, neurons.len()));
                x.extend(neurons.iter().map(|&i| offset + i));
            }
        };
        match &mut self.running {
            Running::Clocked(engine) => engine.advance(until, &mut record, keep_going),
            Running::Event(engine) => engine.advance(until, &mut record, keep_going),
            Running::Continuous(_) => unreachable!("not on the grid"),
        }
    }

    fn steps(&self) -> u64 {
        match self.now() {
            Time::Steps(now) => now,
            Time::Ms(_) => unreachable!("not on the grid"),
        }
    }

    /// Changes the engine where what happened since the last decision says so.
    ///
    /// The clocked engine is looked at after every window; the event engine, whose steps may pass by the million, after
    /// some work or at the end.
    fn run_auto(&mut self, until: u64, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        let mut patience = Patience::default();
        let mut going = true;
        while going && self.steps() < until {
            let is_event = self.engine() == EngineKind::Event;
            let Some(Auto { since, .. }) = self.auto else { unreachable!("asked by the caller") };
            let end = if is_event { until } else { until.min(since + WINDOW).max(self.steps() + 1) };
            let mut worked = false;
            let mut ask = || {
                worked = true;
                going = keep_going();
                // The event engine stops in any case, to be looked at.
                going && !is_event
            };
            self.run_grid(end, &mut ask);
            if !worked && patience.ends(&self.counts()) {
                going = keep_going();
            }
            let counts = self.counts();
            let Some(Auto { costs, since, before }) = self.auto else { unreachable!("asked by the caller") };
            let window = Window { steps: self.steps() - since, counts: counts - before };
            if window.steps >= WINDOW || worked && is_event {
                self.auto = Some(Auto { costs, since: self.steps(), before: counts });
                if costs.should_change(is_event, window) {
                    self.change_engine()?;
                }
            }
        }
        Ok(())
    }

    fn change_engine(&mut self) -> Result<()> {
        let total = self.counts();
        let graph = Arc::clone(self.graph());
        let mut other = match (self.idle.take(), &self.running) {
            (Some(other), _) => other,
            (None, Running::Clocked(_)) => Running::Event(EventEngine::new(graph)?),
            (None, _) => Running::Clocked(ClockedEngine::new(graph)?),
        };
        match (&self.running, &mut other) {
            (Running::Clocked(engine), Running::Event(other)) => other.restore(&engine.snapshot()),
            (Running::Event(engine), Running::Clocked(other)) => other.restore(&engine.snapshot())?,
            _ => unreachable!("one of each"),
        }
        self.before = total - other.counts();
        self.changed = true;
        self.idle = Some(std::mem::replace(&mut self.running, other));
        Ok(())
    }

    /// Spikes since the last call, which are then forgotten.
    pub fn take_events(&mut self) -> Events {
        match &mut self.events {
            Events::Grid(t, x) => Events::Grid(std::mem::take(t), std::mem::take(x)),
            Events::Continuous(t, x) => Events::Continuous(std::mem::take(t), std::mem::take(x)),
        }
    }

    /// Spikes since [`clear_events`](Self::clear_events) or [`take_events`](Self::take_events).
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

    /// Back to rest at time 0, nothing under way, nothing counted.
    pub fn reset(&mut self) {
        self.clear_events();
        if let Some(auto) = &mut self.auto {
            (auto.since, auto.before) = (0, Counts::default());
            // A run begins as the first one did.
            if let (Running::Clocked(_), Some(event)) = (&self.running, self.idle.take()) {
                self.running = event;
            }
            self.idle = None;
        }
        self.before = Counts::default();
        match &mut self.running {
            Running::Clocked(engine) => engine.reset(),
            Running::Event(engine) => engine.reset(),
            Running::Continuous(engine) => engine.reset(),
        }
        self.changed = false;
    }

    /// Sets the membrane potentials that the neurons of a population start from.
    ///
    /// # Errors
    /// [`Error::Value`] if the simulation has begun, the population does not exist or is an input, or a potential is not
    /// finite (in type `F`, on the grid) or is above the threshold; [`Error::Shape`] if there are not as many as neurons.
    pub fn set_potentials(&mut self, population: usize, potentials: &[f64]) -> Result<()> {
        if !matches!(self.now(), Time::Steps(0) | Time::Ms(0.0)) {
            return Err(Error::value("potentials", "set at the start, at time 0", format!("{:?}", self.now())));
        }
        let graph = Arc::clone(self.graph());
        let (Population { n, .. }, params) = find(&graph, population)?;
        if potentials.len() != *n {
            return Err(Error::shape("potentials", &[potentials.len()], format!("(n={n},)")));
        }
        let (v_th, largest) = (F::from_f64(params.v_th), largest::<F>(self.engine()));
        let fits = |&u: &f64| u.abs() <= largest && F::from_f64(u) <= v_th;
        if let Some(i) = potentials.iter().position(|u| !fits(u)) {
            let expected = format!("between {:.1e} and v_th = {}", -largest, params.v_th);
            return Err(Error::value(format!("potentials[{i}]"), expected, potentials[i]));
        }
        let mut snapshot = self.snapshot();
        match &mut snapshot {
            AnySnapshot::Grid(snapshot) => {
                for (neuron, &u) in snapshot.neurons[population].iter_mut().zip(potentials) {
                    neuron.u = F::from_f64(u);
                }
            }
            AnySnapshot::Continuous(snapshot) => {
                let before = graph.populations()[..population].iter();
                let first: usize = before.filter(|p| p.params.is_some()).map(|p| p.n).sum();
                for (neuron, &u) in snapshot.neurons[first..].iter_mut().zip(potentials) {
                    neuron.u = u;
                }
            }
        }
        self.restore(&snapshot)
    }

    /// Synaptic currents and membrane potentials of a population at the present: on the grid as the last step left them.
    ///
    /// # Errors
    /// [`Error::Value`] if the population does not exist or is an input.
    pub fn currents_and_potentials(&self, population: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let (_, params) = find(self.graph(), population)?;
        let snapshot = match &self.running {
            Running::Clocked(engine) => engine.snapshot(),
            Running::Event(engine) => engine.snapshot(),
            Running::Continuous(engine) => return Ok(engine.currents_and_potentials(population)),
        };
        let (lif, last) = (LazyLif::new(params, Bounds::none(0.0))?, snapshot.now.saturating_sub(1));
        let present = snapshot.neurons[population].iter().map(|neuron| catch_up(&lif, neuron, last));
        Ok(present.map(|(p, u)| (p.widen(), u.widen())).unzip())
    }

    /// Everything that a later run depends on.
    pub fn state(&self) -> State<F> {
        State { graph: self.fingerprint(), snapshot: self.snapshot() }
    }

    fn fingerprint(&self) -> Fingerprint {
        *self.fingerprint.get_or_init(|| Fingerprint::new(self.graph()))
    }

    fn snapshot(&self) -> AnySnapshot<F> {
        match &self.running {
            Running::Clocked(engine) => AnySnapshot::Grid(engine.snapshot()),
            Running::Event(engine) => AnySnapshot::Grid(engine.snapshot()),
            Running::Continuous(engine) => AnySnapshot::Continuous(engine.snapshot()),
        }
    }

    /// Goes on from a state of a simulation of the same graph; spikes not yet read are forgotten.
    ///
    /// # Errors
    /// [`Error::Value`] if the state does not fit the graph or the engine; nothing is changed then.
    pub fn set_state(&mut self, state: &State<F>) -> Result<()> {
        self.fingerprint().check(state.graph)?;
        self.restore(&state.snapshot)
    }

    fn restore(&mut self, snapshot: &AnySnapshot<F>) -> Result<()> {
        match (&mut self.running, snapshot) {
            (Running::Clocked(engine), AnySnapshot::Grid(snapshot)) => {
                snapshot.check(engine.traffic().graph())?;
                engine.restore(snapshot)?;
            }
            (Running::Event(engine), AnySnapshot::Grid(snapshot)) => {
                snapshot.check(engine.traffic().graph())?;
                engine.restore(snapshot);
            }
            (Running::Continuous(engine), AnySnapshot::Continuous(snapshot)) => {
                snapshot.check(engine.graph())?;
                engine.restore(snapshot)?;
            }
            (Running::Continuous(_), _) => {
                return Err(Error::value("state", "one of a simulation in continuous time", "one on the time grid"));
            }
            _ => return Err(Error::value("state", "one of a simulation on the time grid", "one in continuous time")),
        }
        if let Some(auto) = self.auto {
            self.auto = Some(Auto { since: self.steps(), before: self.counts(), ..auto });
        }
        self.clear_events();
        Ok(())
    }
}

/// Makes room for events of so many spikes more; unwinds if there is none.
#[inline]
pub fn room_for_events<T>(t: &mut Vec<T>, x: &mut Vec<u32>, more: usize) {
    reserve(EVENTS, t, more).and_then(|()| reserve(EVENTS, x, more)).or_unwind();
}

/// Refuses steps so far ahead that numbers of them may end.
pub fn check_until(until: Time) -> Result<()> {
    match until {
        Time::Steps(until) if until > LAST_STEP => Err(Error::value("until", "at most 2^62 steps", until)),
        _ => Ok(()),
    }
}

/// For each population, what is added to its neurons in the events, if it is recorded.
pub fn record_offsets<W: Weight>(graph: &Graph<W>, record: &[usize]) -> Result<Vec<Option<u32>>> {
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

/// A population of neurons and their constants.
fn find<F: Real>(graph: &Graph<F>, population: usize) -> Result<(&Population, &LifParams)> {
    let found = graph.populations().get(population).and_then(|found| Some((found, found.params.as_ref()?)));
    let (found, params) = found.ok_or_else(|| Error::value("population", "one of neurons", population))?;
    Ok((found, params.lif()?))
}

fn push_steps<F: Real>(
    now: u64,
    traffic: &mut Traffic<F>,
    name: &str,
    t: &[i64],
    x: &[i64],
    n_inputs: usize,
) -> Result<()> {
    let from = traffic.last_pending().unwrap_or(0).max(now);
    check_events(name, t, x, from as i64, " steps", n_inputs)?;
    traffic.push(t.iter().zip(x).map(|(&t, &x)| (t as u64, x as u32)))
}

fn push_times<F: Real>(
    engine: &mut ContinuousEngine<F>,
    name: &str,
    t: &[f64],
    x: &[i64],
    n_inputs: usize,
) -> Result<()> {
    let from = engine.last_pending().unwrap_or(0.0).max(engine.now());
    check_events(name, t, x, from, " ms", n_inputs)?;
    engine.push(t.iter().zip(x).map(|(&t, &x)| (t, x as u32)))
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "state_tests.rs"]
mod state_tests;
