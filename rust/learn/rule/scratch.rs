//! Buffers of the backward pass.

use super::solve::SolverScratch;
use super::traces::{AdjointTrace, GroupLayout};
use crate::simd::Lanes;

/// Buffers of a thread for the backward pass.
#[derive(Clone, Debug, Default)]
pub struct BackwardScratch<F> {
    pub(super) trace: AdjointTrace<F>,
    pub(super) layout: GroupLayout,
    pub(super) solver: SolverScratch<F>,
    pub(super) diagonal: Vec<F>,
    pub(super) delta: Vec<Lanes<F>>,
    pub(super) z: Vec<Lanes<F>>,
    pub(super) all: Vec<u32>,
    pub(super) group: Vec<u32>,
    pub(super) plane: PlaneScratch,
}

/// Buffers of a thread for layers in a plane.
#[derive(Clone, Debug, Default)]
pub struct PlaneScratch {
    /// Channels of a position that fire, and the neurons they are.
    pub(super) channels: Vec<u32>,
    pub(super) neurons: Vec<u32>,
    /// The neurons under a window that fire, and the column of each in the matrix of weights.
    pub(super) window: Vec<[u32; 2]>,
}

/// Returns the last of ascending delays.
pub(super) fn longest(taps: &[u32]) -> u32 {
    taps.last().copied().unwrap_or(0)
}
