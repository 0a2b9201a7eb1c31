//! The engine that runs at present.

use std::sync::Arc;

use super::model::Model;
use super::types::{AnySnapshot, EngineKind, Time};
use crate::engine::graph::{Clocked, ContinuousEngine, Counts, EventEngine};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::neuron::fixed::Overflows;

/// Holds one of the engines.
#[derive(Clone, Debug)]
pub enum Running<M: Model> {
    /// All neurons at every step.
    Clocked(Clocked<M::Neurons>),
    /// On the same time grid, neurons that something reaches.
    Event(EventEngine<M::Weight, M::Value>),
    /// In continuous time.
    Continuous(ContinuousEngine<M::Weight>),
}

impl<M: Model> Running<M> {
    /// Makes an engine at rest; of [`EngineKind::Auto`] the one that it begins with.
    ///
    /// # Errors
    /// Those of the engines.
    pub fn new(graph: &Arc<Graph<M::Weight>>, kind: EngineKind, limits: &M::Limits) -> Result<Self> {
        let kind = if kind == EngineKind::Auto { M::FIRST } else { kind };
        Ok(match kind {
            EngineKind::Clocked => Self::Clocked(M::clocked(Arc::clone(graph), limits)?),
            EngineKind::Event | EngineKind::Auto => Self::Event(M::event(Arc::clone(graph))?),
            EngineKind::Continuous => Self::Continuous(ContinuousEngine::new(Arc::clone(graph))?),
        })
    }

    /// Returns which it is.
    pub fn kind(&self) -> EngineKind {
        match self {
            Self::Clocked(_) => EngineKind::Clocked,
            Self::Event(_) => EngineKind::Event,
            Self::Continuous(_) => EngineKind::Continuous,
        }
    }

    /// Returns the graph it runs.
    pub fn graph(&self) -> &Arc<Graph<M::Weight>> {
        match self {
            Self::Clocked(engine) => engine.transit().graph(),
            Self::Event(engine) => engine.transit().graph(),
            Self::Continuous(engine) => engine.graph(),
        }
    }

    /// Returns the time reached.
    pub fn now(&self) -> Time {
        match self {
            Self::Clocked(engine) => Time::Steps(engine.now()),
            Self::Event(engine) => Time::Steps(engine.now()),
            Self::Continuous(engine) => Time::Ms(engine.now()),
        }
    }

    /// Returns what it has done so far.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Clocked(engine) => engine.counts(),
            Self::Event(engine) => engine.counts(),
            Self::Continuous(engine) => engine.counts(),
        }
    }

    /// Brings all neurons to the present where they have a number format, and returns what has not fitted that of each population.
    pub fn overflows(&mut self) -> Vec<Overflows> {
        match self {
            Self::Clocked(engine) => engine.overflows(),
            Self::Event(engine) => engine.overflows(),
            Self::Continuous(engine) => vec![Overflows::default(); engine.graph().populations().len()],
        }
    }

    /// Says whether the engine's count of near ties is proven; `None` if it counts none.
    pub fn ties_are_proven(&self) -> Option<bool> {
        match self {
            Self::Event(engine) => M::HAS_TIES.then(|| engine.ties_are_proven()),
            Self::Clocked(_) | Self::Continuous(_) => None,
        }
    }

    /// Goes back to rest at time 0.
    pub fn reset(&mut self) {
        match self {
            Self::Clocked(engine) => engine.reset(),
            Self::Event(engine) => engine.reset(),
            Self::Continuous(engine) => engine.reset(),
        }
    }

    /// Returns everything that a later run depends on.
    pub fn snapshot(&self) -> AnySnapshot<M::Value> {
        match self {
            Self::Clocked(engine) => AnySnapshot::Grid(engine.snapshot()),
            Self::Event(engine) => AnySnapshot::Grid(engine.snapshot()),
            Self::Continuous(engine) => AnySnapshot::Continuous(engine.snapshot()),
        }
    }

    /// Goes on from a snapshot.
    ///
    /// # Errors
    /// [`Error::Value`] if it does not fit the graph or the kind of time; nothing is changed then.
    pub fn restore(&mut self, snapshot: &AnySnapshot<M::Value>) -> Result<()> {
        match (&mut *self, snapshot) {
            (Self::Continuous(engine), AnySnapshot::Continuous(snapshot)) => {
                snapshot.check(engine.graph())?;
                return engine.restore(snapshot);
            }
            (Self::Continuous(_), _) => {
                return Err(Error::value("state", "one of a simulation in continuous time", "one on the time grid"));
            }
            (_, AnySnapshot::Continuous(_)) => {
                return Err(Error::value("state", "one of a simulation on the time grid", "one in continuous time"));
            }
            _ => {}
        }
        let AnySnapshot::Grid(snapshot) = snapshot else { unreachable!("refused above") };
        let graph = Arc::clone(self.graph());
        snapshot.check(&graph)?;
        for (at, (neurons, population)) in snapshot.neurons.iter().zip(graph.populations()).enumerate() {
            let Some(params) = population.integrating() else { continue };
            if let Some(i) = M::misfit(params, neurons)? {
                return Err(Error::value(format!("state.neurons[{at}][{i}]"), "within its number format", "another"));
            }
        }
        match self {
            Self::Clocked(engine) => engine.restore(snapshot)?,
            Self::Event(engine) => engine.restore(snapshot),
            Self::Continuous(_) => unreachable!("done above"),
        }
        Ok(())
    }
}
