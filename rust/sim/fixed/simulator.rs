//! One face for both engines of fixed-point neurons.

use std::sync::Arc;

use crate::engine::graph::clocked::window_of;
use crate::engine::graph::fixed::{FixedNeurons, LazyFixed, SumLimits};
use crate::engine::graph::{
    Clocked, Counts, EventEngine, LazyPopulation, NeuronState, Snapshot, Traffic, check_events,
};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::memory::{catch, with_room};
use crate::neuron::NeuronParams;
use crate::neuron::fixed::{Anchor, At, Decay, FiresAt, FixedLif, FixedParams, FixedState, FixedWeight, Overflows};
use crate::sim::auto::{CostModel, Window};
use crate::sim::fingerprint::Fingerprint;
use crate::sim::simulator::room_for_events;
use crate::sim::types::AnySnapshot;
use crate::sim::{EngineKind, Events, State, Time};

/// Steps after which the choice of an engine is thought over.
const WINDOW: u64 = 256;

#[derive(Clone, Debug)]
enum Running<W: FixedWeight> {
    Clocked(Clocked<FixedNeurons<W>>),
    Event(EventEngine<W, Anchor>),
}

/// Evaluates `$body` with `$engine` bound to whichever engine.
macro_rules! with_engine {
    ($running:expr, $engine:ident => $body:expr) => {
        match $running {
            Running::Clocked($engine) => $body,
            Running::Event($engine) => $body,
        }
    };
}

impl<W: FixedWeight> Running<W> {
    fn new(graph: &Arc<Graph<W>>, limits: &SumLimits, is_event: bool) -> Result<Self> {
        let traffic = Traffic::new(Arc::clone(graph))?;
        let window = window_of(&traffic) as usize;
        let lif = |at: usize| {
            let population = &graph.populations()[at];
            let lif =
                |params: &NeuronParams| FixedLif::new(params.fixed()?, population.n, at).map(|lif| (lif, population.n));
            population.params.as_ref().map(lif).transpose()
        };
        let numbers = 0..graph.populations().len();
        Ok(if is_event {
            let boxed = |(lif, n)| -> Box<dyn LazyPopulation<W, Anchor>> { Box::new(LazyFixed::new(lif, n)) };
            let populations = numbers.map(|at| Ok(lif(at)?.map(boxed))).collect::<Result<_>>()?;
            Self::Event(EventEngine::from_populations(traffic, populations, true))
        } else {
            let neurons = |at| Ok(lif(at)?.map(|(lif, n)| FixedNeurons::new(lif, n, limits.most[at], window)));
            Self::Clocked(Clocked::from_populations(traffic, numbers.map(neurons).collect::<Result<_>>()?))
        })
    }

    fn overflows(&mut self) -> Vec<Overflows> {
        match self {
            Self::Clocked(engine) => {
                let of = |neurons: &Option<FixedNeurons<W>>| neurons.as_ref().map(FixedNeurons::overflows);
                engine.populations().iter().map(|neurons| of(neurons).unwrap_or_default()).collect()
            }
            Self::Event(engine) => engine.overflows(),
        }
    }

    fn restore(&mut self, snapshot: &Snapshot<Anchor>) -> Result<()> {
        match self {
            Self::Clocked(engine) => engine.restore(snapshot),
            Self::Event(engine) => {
                engine.restore(snapshot);
                Ok(())
            }
        }
    }
}

/// What the choice of an engine rests on.
#[derive(Clone, Copy, Debug)]
struct Auto {
    costs: CostModel,
    since: u64,
    before: Counts,
}

/// A simulation of a graph of fixed-point neurons that events are pushed into and read from as time goes on.
///
/// A neuron that fires several times in a step is in the events as often. Both engines give the same bits.
#[derive(Clone, Debug)]
pub struct FixedSimulator<W: FixedWeight> {
    running: Running<W>,
    limits: SumLimits,
    auto: Option<Auto>,
    /// For each population, what is added to its neurons in the events, if it is recorded.
    offsets: Vec<Option<u32>>,
    events: (Vec<u64>, Vec<u32>),
    /// What engines that were left behind have counted.
    before: Counts,
    overflows_before: Vec<Overflows>,
}

impl<W: FixedWeight> FixedSimulator<W> {
    /// A simulation at rest that records the populations `record`; neurons are numbered through these in their order.
    ///
    /// # Errors
    /// [`Error::Value`] if a recorded population does not exist or is an input, a delay is not whole steps, the engine is that of
    /// continuous time, or the weights onto a neuron add up to more than 32 bits.
    pub fn new(graph: Arc<Graph<W>>, kind: EngineKind, record: &[usize]) -> Result<Self> {
        if kind == EngineKind::Continuous {
            let expected = "'clocked', 'event' or 'auto' for fixed-point neurons, which have steps";
            return Err(Error::value("engine", expected, "'continuous'"));
        }
        let offsets = crate::sim::simulator::record_offsets(&graph, record)?;
        let limits = SumLimits::new(&graph)?;
        let costs = CostModel::new(&graph);
        let n_populations = graph.populations().len();
        Ok(Self {
            running: Running::new(&graph, &limits, kind == EngineKind::Event)?,
            limits,
            auto: (kind == EngineKind::Auto).then(|| Auto { costs, since: 0, before: Counts::default() }),
            offsets,
            events: Default::default(),
            before: Counts::default(),
            overflows_before: vec![Overflows::default(); n_populations],
        })
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph<W>> {
        with_engine!(&self.running, engine => engine.traffic().graph())
    }

    /// The engine that runs at present.
    pub fn engine(&self) -> EngineKind {
        match self.running {
            Running::Clocked(_) => EngineKind::Clocked,
            Running::Event(_) => EngineKind::Event,
        }
    }

    /// Time reached.
    pub fn now(&self) -> Time {
        Time::Steps(self.steps())
    }

    fn steps(&self) -> u64 {
        with_engine!(&self.running, engine => engine.now())
    }

    /// `None`: no near ties are counted, as there are none.
    pub fn ties_are_proven(&self) -> Option<bool> {
        None
    }

    /// What was done since the start or the last reset.
    pub fn counts(&self) -> Counts {
        let mut counts = self.before;
        counts += with_engine!(&self.running, engine => engine.counts());
        counts
    }

    /// What has not fitted the number format of each population, inputs among them, since the start or the last reset.
    pub fn overflows(&mut self) -> Vec<Overflows> {
        let mut overflows = self.running.overflows();
        overflows.iter_mut().zip(&self.overflows_before).for_each(|(own, &before)| *own += before);
        overflows
    }

    /// Appends inputs at whole steps; of none if one is refused.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first event that is out of order, in the past, of an input that does not exist, or one more
    /// of an input in a step than sums have room for.
    pub fn push_steps(&mut self, name: &str, t: &[i64], x: &[i64]) -> Result<()> {
        let n_inputs = self.graph().size(true);
        let (now, most) = (self.steps(), self.limits.input_spikes as usize);
        let traffic = with_engine!(&mut self.running, engine => engine.traffic_mut());
        let from = traffic.last_pending().unwrap_or(0).max(now);
        check_events(name, t, x, from as i64, " steps", n_inputs)?;
        let Some(&first) = t.first() else { return Ok(()) };
        let mut events = with_room(name, traffic.pending_from(first as u64).count().checked_add(t.len()))?;
        events.extend(traffic.pending_from(first as u64));
        events.extend(t.iter().zip(x).map(|(&t, &x)| (t as u64, x as u32)));
        // In ascending order within a step: where the current saturates at each spike, it matters.
        events.sort_unstable();
        if let Some(run) = events.chunk_by(|a, b| a == b).find(|run| run.len() > most) {
            let (step, input) = run[0];
            let expected = format!("at most {most} spikes of input {input} at step {step}");
            return Err(Error::value(name, expected, run.len()));
        }
        traffic.set_pending_from(first as u64, events)
    }

    /// Refuses inputs at times in ms.
    ///
    /// # Errors
    /// [`Error::Type`].
    pub fn push_times(&mut self, name: &str, _t: &[f64], _x: &[i64]) -> Result<()> {
        Err(Error::dtype(format!("{name}['t']"), "integers, time steps", "float64"))
    }

    /// Runs on: up to, and without, step `until`. Nothing happens if that is in the past.
    ///
    /// `keep_going` is asked now and then; where it says no, the run ends there.
    ///
    /// # Errors
    /// [`Error::Value`] if `until` is a time in ms. [`Error::Interrupted`] if `keep_going` says no. [`Error::Memory`] if there is no
    /// room for spikes under way or events: a step then is half done, and the simulation of no use.
    pub fn advance(&mut self, until: Time, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        catch(|| self.run_until(until, keep_going))
    }

    fn run_until(&mut self, until: Time, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        crate::sim::simulator::check_until(until)?;
        let until = match until {
            Time::Steps(until) => until,
            Time::Ms(until) => return Err(Error::value("until", "a whole number of steps", until)),
        };
        let mut going = true;
        let mut ask = || {
            going = going && keep_going();
            going
        };
        while self.steps() < until {
            let end = match self.auto {
                Some(Auto { since, .. }) => until.min(since + WINDOW).max(self.steps() + 1),
                None => until,
            };
            self.run(end, &mut ask);
            if !ask() {
                return Err(Error::Interrupted);
            }
            self.reconsider()?;
        }
        Ok(())
    }

    fn run(&mut self, until: u64, keep_going: &mut dyn FnMut() -> bool) {
        let (offsets, (t, x)) = (&self.offsets, &mut self.events);
        let mut record = |step: u64, population: usize, neurons: &[u32]| {
            if let Some(offset) = offsets[population] {
                room_for_events(t, x, neurons.len());
                t.extend(std::iter::repeat_n(step, neurons.len()));
                x.extend(neurons.iter().map(|&i| offset + i));
            }
        };
        with_engine!(&mut self.running, engine => engine.advance(until, &mut record, keep_going));
    }

    /// Changes the engine where what happened since the last decision says so.
    fn reconsider(&mut self) -> Result<()> {
        let (now, counts) = (self.steps(), self.counts());
        let Some(Auto { costs, since, before }) = self.auto else { return Ok(()) };
        let window = Window { steps: now - since, counts: counts - before };
        if window.steps < WINDOW {
            return Ok(());
        }
        self.auto = Some(Auto { costs, since: now, before: counts });
        let is_event = self.engine() == EngineKind::Event;
        if costs.should_change(is_event, window) {
            self.overflows_before = self.overflows();
            self.before = counts;
            let snapshot = self.snapshot();
            self.running = Running::new(&Arc::clone(self.graph()), &self.limits, !is_event)?;
            self.running.restore(&snapshot)?;
        }
        Ok(())
    }

    /// Spikes since the last call, which are then forgotten: steps and neurons.
    pub fn take_events(&mut self) -> Events {
        let (t, x) = std::mem::take(&mut self.events);
        Events::Grid(t, x)
    }

    /// Back to rest at step 0, nothing under way, nothing counted.
    pub fn reset(&mut self) {
        self.events = Default::default();
        if let Some(auto) = &mut self.auto {
            (auto.since, auto.before) = (0, Counts::default());
        }
        self.before = Counts::default();
        self.overflows_before.fill(Overflows::default());
        with_engine!(&mut self.running, engine => engine.reset());
    }

    /// Currents and membranes of a population at the end of the last step done.
    ///
    /// # Errors
    /// [`Error::Value`] if it does not exist or is an input.
    pub fn states(&mut self, population: usize) -> Result<Vec<NeuronState<Anchor>>> {
        find(self.graph(), population)?;
        self.running.overflows();
        Ok(self.snapshot().neurons.swap_remove(population))
    }

    /// Currents and membranes of a population at the end of the last step done, as floating-point numbers.
    ///
    /// # Errors
    /// As for [`states`](Self::states).
    pub fn currents_and_potentials(&mut self, population: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let states = self.states(population)?;
        let (n, params) = find(self.graph(), population)?;
        let lif = FixedLif::new(params, n, population)?;
        let values = |(neuron, state): (usize, NeuronState<Anchor>)| {
            let at = At { neuron, step: state.last };
            let (u, v) = lif.values(at, FixedState { u: state.p, v: state.u });
            (u as f64, v as f64)
        };
        Ok(states.into_iter().enumerate().map(values).unzip())
    }

    fn snapshot(&self) -> Snapshot<Anchor> {
        with_engine!(&self.running, engine => engine.snapshot())
    }

    /// Everything that a later run depends on, all neurons brought to the present.
    pub fn state(&mut self) -> State<Anchor> {
        self.running.overflows();
        State { graph: Fingerprint::new(self.graph()), snapshot: AnySnapshot::Grid(self.snapshot()) }
    }

    /// Sets the membranes that the neurons of a population start from, as step 0 leaves them.
    ///
    /// # Errors
    /// [`Error::Value`] if the simulation has begun, the population does not exist or is an input, or a potential is not a
    /// whole number of the format at which the neuron does not fire; [`Error::Shape`] if there are not as many as neurons.
    pub fn set_potentials(&mut self, population: usize, potentials: &[f64]) -> Result<()> {
        if self.steps() > 0 {
            return Err(Error::value("potentials", "set at the start, at time 0", format!("{:?}", self.now())));
        }
        let graph = Arc::clone(self.graph());
        let (n, params) = find(&graph, population)?;
        if potentials.len() != n {
            return Err(Error::shape("potentials", &[potentials.len()], format!("(n={n},)")));
        }
        let lowest = params.membrane_overflow.range(params.membrane_bits).0;
        let fits = |i: usize, v: f64| v.fract() == 0.0 && v >= lowest as f64 && !params.fires(v as i64, i);
        if let Some(i) = (0..n).find(|&i| !fits(i, potentials[i])) {
            let highest = params.v_th.get(i) - i32::from(params.fires_at == FiresAt::Threshold);
            let expected = format!("a whole number in [{lowest}, {highest}], at which no neuron fires");
            return Err(Error::value(format!("potentials[{i}]"), expected, potentials[i]));
        }
        let mut snapshot = self.snapshot();
        for (neuron, &v) in snapshot.neurons[population].iter_mut().zip(potentials) {
            neuron.u = Anchor::new(v as i64);
        }
        self.running.restore(&snapshot)
    }

    /// Goes on from a state of a simulation of the same graph; spikes not yet read are forgotten.
    ///
    /// # Errors
    /// [`Error::Value`] if the state does not fit the graph; nothing is changed then.
    pub fn set_state(&mut self, state: &State<Anchor>) -> Result<()> {
        Fingerprint::new(self.graph()).check(state.graph)?;
        let AnySnapshot::Grid(state) = &state.snapshot else {
            return Err(Error::value("state", "one of a simulation on the time grid", "one in continuous time"));
        };
        let graph = Arc::clone(self.graph());
        state.check(&graph)?;
        for (at, (neurons, population)) in state.neurons.iter().zip(graph.populations()).enumerate() {
            let Some(params) = &population.params else { continue };
            let params = params.fixed()?;
            let current = (params.current_overflow.range(params.current_bits), oldest(&params.current_decay));
            let membrane = (params.membrane_overflow.range(params.membrane_bits), oldest(&params.membrane_decay));
            let within = |state: Anchor, ((low, high), oldest): ((i64, i64), usize)| {
                (low..=high).contains(&state.x.into()) && usize::from(state.age) <= oldest
            };
            if let Some(i) = neurons.iter().position(|n| !within(n.p, current) || !within(n.u, membrane)) {
                return Err(Error::value(format!("state.neurons[{at}][{i}]"), "within its number format", "another"));
            }
        }
        self.running.restore(state)?;
        if let Some(auto) = self.auto {
            self.auto = Some(Auto { since: self.steps(), before: self.counts(), ..auto });
        }
        self.events = Default::default();
        Ok(())
    }
}

/// Size and number format of a population of neurons.
fn find<W: FixedWeight>(graph: &Graph<W>, population: usize) -> Result<(usize, &FixedParams)> {
    let found = graph.populations().get(population).and_then(|found| Some((found.n, found.params.as_ref()?)));
    let (n, params) = found.ok_or_else(|| Error::value("population", "one of neurons", population))?;
    Ok((n, params.fixed()?))
}

/// The largest age of a state.
fn oldest(decay: &Decay) -> usize {
    if let Decay::Table { factors, .. } = decay { factors.len() - 1 } else { 0 }
}
