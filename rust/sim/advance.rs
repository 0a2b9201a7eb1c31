//! Time that goes on, and the change of engines.

use std::sync::Arc;

use super::auto::{Auto, WINDOW, Window};
use super::model::Model;
use super::running::Running;
use super::simulator::Simulator;
use super::types::{EngineKind, Events, Time};
use crate::engine::graph::{LAST_STEP, Polling};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, catch, reserve};
use crate::neuron::fixed::Overflows;

/// What grows until it is read, for messages.
const EVENTS: &str = "events that are not read";

impl<M: Model> Simulator<M> {
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
        match until {
            Time::Steps(until) if until > LAST_STEP => return Err(Error::value("until", "at most 2^62 steps", until)),
            Time::Ms(until) if !until.is_finite() => return Err(Error::value("until", "a finite time", until)),
            Time::Ms(until) => self.run_continuous(until, &mut ask)?,
            Time::Steps(until) => match (&self.running, self.auto) {
                (Running::Continuous(_), _) => self.run_continuous(until as f64 * self.graph().dt(), &mut ask)?,
                (_, None) => self.run_grid(until, &mut ask),
                (_, Some(_)) => self.run_auto(until, &mut ask)?,
            },
        }
        if going { Ok(()) } else { Err(Error::Interrupted) }
    }

    fn run_continuous(&mut self, until: f64, keep_going: &mut dyn FnMut() -> bool) -> Result<()> {
        let Running::Continuous(engine) = &mut self.running else {
            return Err(Error::value("until", "a whole number of steps", until));
        };
        let Events::Continuous(t, x) = &mut self.events else { unreachable!("set with the engine") };
        let offsets = &self.offsets;
        let mut record = |time: f64, population: usize, neuron: u32| {
            if let Some(offset) = offsets[population] {
                room_for_events(t, x, 1);
                t.push(time);
                x.push(offset + neuron);
            }
        };
        engine.advance(until, &mut record, keep_going);
        Ok(())
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
        let mut polling = Polling::default();
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
            if !worked && polling.is_due(&self.counts()) {
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
        // Neurons that have a number format are brought to the present by it: what does not fit on the way is counted once.
        let (counts, overflows) = (self.counts(), self.overflows());
        let other = match self.engine() {
            EngineKind::Clocked => EngineKind::Event,
            _ => EngineKind::Clocked,
        };
        let mut other = match self.idle.take() {
            Some(other) => other,
            None => Running::new(&Arc::clone(self.graph()), other, self.limits())?,
        };
        other.restore(&self.running.snapshot())?;
        self.before = counts - other.counts();
        let less = |(all, own): (Overflows, Overflows)| Overflows {
            current: all.current - own.current,
            membrane: all.membrane - own.membrane,
        };
        self.overflows_before = overflows.into_iter().zip(other.overflows()).map(less).collect();
        self.changed = true;
        self.idle = Some(std::mem::replace(&mut self.running, other));
        Ok(())
    }

    /// Begins a new window of decision, after a state was set.
    pub(super) fn reconsider_later(&mut self) {
        if let Some(Auto { costs, .. }) = self.auto {
            self.auto = Some(Auto { costs, since: self.steps(), before: self.counts() });
        }
    }
}

/// Makes room for events of so many spikes more; unwinds if there is none.
#[inline]
fn room_for_events<T>(t: &mut Vec<T>, x: &mut Vec<u32>, more: usize) {
    reserve(EVENTS, t, more).and_then(|()| reserve(EVENTS, x, more)).or_unwind();
}
