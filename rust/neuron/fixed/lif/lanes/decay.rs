//! Decays of 16 neurons at a time.

use super::block::PerBlock;
use crate::neuron::fixed::{Decay, PerNeuron};

/// Says what a step leaves of a state.
#[derive(Clone, Debug)]
pub(super) struct LaneDecay {
    pub(super) kind: Kind,
    /// Factors or shifts.
    pub(super) by: PerBlock,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Multiply { bits: u32 },
    Shift { least_one: bool },
}

impl LaneDecay {
    pub(super) fn new(decay: &Decay, n: usize) -> Self {
        match decay {
            Decay::Multiply { factor, bits } => {
                Self { kind: Kind::Multiply { bits: *bits }, by: PerBlock::new(factor, n, 0, |factor| factor as i32) }
            }
            Decay::Shift { shift, least_one } => Self {
                kind: Kind::Shift { least_one: *least_one },
                by: PerBlock::new(shift, n, 0, |shift| shift as i32),
            },
            // Neurons with tables are stepped one by one.
            Decay::Table { .. } => Self {
                kind: Kind::Shift { least_one: false },
                by: PerBlock::new(&PerNeuron::Same(0), n, 0, |shift| shift),
            },
        }
    }
}
