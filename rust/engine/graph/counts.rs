//! What a simulation has done.

use std::ops::{AddAssign, Sub};

/// Holds counts of a run: what its cost is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spikes of the inputs.
    pub input_events: u64,
    /// Spikes of the neurons.
    pub spikes: u64,
    /// Synapses that spikes arrived through; of kernels those of weights that are not 0.
    pub synaptic_events: u64,
    /// Times that the state of a neuron was computed anew.
    pub state_updates: u64,
    /// Times that a potential came so near the threshold that rounding may have decided whether the neuron fires.
    pub near_ties: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.input_events += other.input_events;
        self.spikes += other.spikes;
        self.synaptic_events += other.synaptic_events;
        self.state_updates += other.state_updates;
        self.near_ties += other.near_ties;
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            input_events: self.input_events - other.input_events,
            spikes: self.spikes - other.spikes,
            synaptic_events: self.synaptic_events - other.synaptic_events,
            state_updates: self.state_updates - other.state_updates,
            near_ties: self.near_ties - other.near_ties,
        }
    }
}

/// Work after which a run asks whether to go on: about a millisecond's.
const WORK: u64 = 1 << 18;

/// Turns after which it asks in any case.
const TURNS: u32 = 1 << 12;

/// Says when a run is to ask whether to go on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polling {
    work: Option<u64>,
    turns: u32,
}

impl Polling {
    /// Says whether it is time to ask; called once a turn.
    #[inline]
    pub fn is_due(&mut self, counts: &Counts) -> bool {
        let work = counts.state_updates + counts.synaptic_events;
        self.turns += 1;
        let is_due = self.turns >= TURNS || work - *self.work.get_or_insert(work) >= WORK;
        if is_due {
            *self = Self { work: Some(work), turns: 0 };
        }
        is_due
    }
}
