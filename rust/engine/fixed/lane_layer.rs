//! Layers of neurons whose states have up to 32 bits, over many steps.

use super::rows::IntegerRows;
use crate::engine::layered::kernels::list_spikes;
#[cfg(test)]
use crate::neuron::fixed::FixedState;
use crate::neuron::fixed::{At, FixedBlock, FixedLanes, FixedNeuron, FixedPopulation, Overflows};
use crate::simd::{LANES, LaneMask, Lanes};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Steps whose feed-forward input is summed up ahead: it then stays in the second-level cache.
const STEPS_AHEAD: usize = 128;

/// A layer of any format.
#[derive(Clone, Debug)]
pub struct LaneLayer {
    lanes: FixedLanes,
    weight: IntegerRows,
    /// And their delays.
    recurrent: Option<(IntegerRows, Vec<u32>)>,
    rest: Vec<FixedBlock>,
    /// Of neurons that are stepped one by one, instead.
    rest_single: Vec<FixedNeuron>,
}

/// Buffers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct LaneScratch {
    /// What a layer with delays receives of itself at one step.
    received: Vec<u32>,
    /// (n_steps, n_blocks); zero between windows.
    sums: Vec<Lanes<i32>>,
    blocks: Vec<FixedBlock>,
    single: Vec<FixedNeuron>,
    fired: Vec<LaneMask>,
}

#[cfg(test)]
impl LaneScratch {
    /// Returns the states after a simulation, and the steps for which each is still refractory.
    pub fn neurons(&self, n: usize) -> Vec<(FixedState, u64)> {
        match self.single.is_empty() {
            true => (0..n).map(|i| self.blocks[i / LANES].neuron(i % LANES)).collect(),
            false => self.single.iter().map(|neuron| (neuron.state, neuron.refractory.into())).collect(),
        }
    }
}

impl LaneLayer {
    /// Takes neurons onto each of which at most `most` arrives at a step, and the delays of recurrent synapses.
    pub fn new(
        population: FixedPopulation,
        n: usize,
        most: i64,
        weight: IntegerRows,
        recurrent: Option<(IntegerRows, Vec<u32>)>,
    ) -> Self {
        let mut rest = vec![FixedBlock::zero(); n.div_ceil(LANES)];
        (0..n).for_each(|i| rest[i / LANES].set_neuron(i % LANES, population.rest(i), 0));
        let lanes = FixedLanes::new(population, n, most);
        let single = |i| FixedNeuron { state: lanes.population().rest(i), refractory: 0 };
        let rest_single = if lanes.one_by_one() { (0..n).map(single).collect() } else { Vec::new() };
        Self { lanes, weight, recurrent, rest, rest_single }
    }

    /// Runs the steps from 1 on; the spikes are appended to `own`. Returns what did not fit.
    pub fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut LaneScratch,
    ) -> Overflows {
        let LaneScratch { received, sums, blocks, single, fired } = scratch;
        blocks.clone_from(&self.rest);
        single.clone_from(&self.rest_single);
        let (n_blocks, mut overflows) = (blocks.len(), Overflows::default());
        let ahead = n_blocks * STEPS_AHEAD.min(n_steps);
        sums.clear();
        sums.resize(ahead, Lanes([0; LANES]));
        fired.resize(ahead, 0);
        let mut first = 1;
        while first < n_steps {
            if is_stopped() {
                (first..n_steps).for_each(|_| own.end_row());
                break;
            }
            let end = n_steps.min(first + STEPS_AHEAD);
            let size = n_blocks * (end - first);
            let (sums, fired) = (&mut sums[..size], &mut fired[..size]);
            self.weight.add_steps(below, first, n_blocks, sums);
            if let Some((rows, delays)) = &self.recurrent {
                let fired = &mut fired[..n_blocks];
                for (t, sums) in (first..end).zip(sums.chunks_exact_mut(n_blocks)) {
                    let (index, n) = own.arriving(t - 1, delays, received);
                    rows.add(index, n, sums);
                    overflows += self.steps(t, blocks, single, sums, fired);
                    list_spikes::<f32>(fired, n_blocks, own);
                }
            } else {
                overflows += self.steps(first, blocks, single, sums, fired);
                list_spikes::<f32>(fired, n_blocks, own);
            }
            first = end;
        }
        overflows
    }

    /// Steps all neurons from step `first` on, with the sums that arrive, which are then zero.
    fn steps(
        &self,
        first: usize,
        blocks: &mut [FixedBlock],
        single: &mut [FixedNeuron],
        sums: &mut [Lanes<i32>],
        fired: &mut [LaneMask],
    ) -> Overflows {
        if !self.lanes.one_by_one() {
            return self.lanes.run(blocks, sums, fired);
        }
        let (n_blocks, mut overflows) = (blocks.len(), Overflows::default());
        fired.fill(0);
        let steps = sums.chunks_exact(n_blocks).zip(fired.chunks_exact_mut(n_blocks));
        for (t, (sums, fired)) in (first..).zip(steps) {
            for (neuron, state) in single.iter_mut().enumerate() {
                let (b, l) = (neuron / LANES, neuron % LANES);
                let at = At { neuron, step: t as u64 };
                let spikes = self.lanes.population().advance(at, state, sums[b][l], &mut overflows);
                fired[b] |= LaneMask::from(spikes > 0) << l;
            }
        }
        sums.fill(Lanes([0; LANES]));
        overflows
    }
}
