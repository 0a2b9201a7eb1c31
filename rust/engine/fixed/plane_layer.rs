//! Layers that lie in a plane, over many steps.

use super::plane::Plane;
use super::slots::Slots;
use super::word_plane::{WordPlane, WordPlaneScratch};
use crate::engine::layered::list_plane;
use crate::error::Result;
use crate::fixed::FixedLayer;
#[cfg(test)]
use crate::neuron::fixed::FixedState;
use crate::neuron::fixed::{At, FixedBlock, FixedLanes, FixedNeuron, FixedPopulation, Overflows};
use crate::simd::{LANES, LaneMask, Lanes, flat_mut};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Cache lines of sums that are made ahead: they then stay in the second-level cache.
const LINES_AHEAD: usize = 1 << 12;

/// A layer in a plane, of any LIF format.
#[derive(Clone, Debug)]
pub struct PlaneLayer {
    plane: Plane,
    neurons: Neurons,
}

/// How the neurons are stepped.
#[derive(Clone, Debug)]
enum Neurons {
    Words(WordPlane),
    /// And their states at rest.
    Lanes(Box<FixedLanes>, Vec<FixedBlock>),
    /// One by one, in the order of their numbers.
    Single(Box<FixedPopulation>, Vec<FixedNeuron>),
}

/// Buffers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct PlaneScratch {
    words: WordPlaneScratch,
    /// (n_steps, n_blocks); zero between windows.
    sums: Vec<Lanes<i32>>,
    blocks: Vec<FixedBlock>,
    single: Vec<FixedNeuron>,
    fired: Vec<LaneMask>,
}

impl PlaneLayer {
    /// Takes the neurons of a layer, population number `number` of their network, and what reaches them.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn new(plane: Plane, layer: &FixedLayer, population: FixedPopulation, number: usize) -> Result<Self> {
        let params = &layer.params;
        let sum = layer.sums()?.into_iter().max().unwrap_or(0);
        if let Some(words) = WordPlane::new(params, &population, &plane, sum) {
            return Ok(Self { plane, neurons: Neurons::Words(words) });
        }
        let slots = Slots::all(plane.shape());
        let lanes = FixedPopulation::new(&slots.format(params), slots.n(), number)?;
        let lanes = FixedLanes::new(lanes, slots.n(), sum);
        if lanes.one_by_one() {
            let rest = |neuron| FixedNeuron { state: population.rest(neuron), refractory: 0 };
            let rest = (0..layer.n_out()).map(rest).collect();
            return Ok(Self { plane, neurons: Neurons::Single(Box::new(population), rest) });
        }
        let mut rest = vec![FixedBlock::zero(); slots.n() / LANES];
        for (lane, neuron) in (0..slots.n()).filter_map(|lane| Some((lane, slots.neuron(lane)?))) {
            rest[lane / LANES].set_neuron(lane % LANES, population.rest(neuron), 0);
        }
        Ok(Self { plane, neurons: Neurons::Lanes(Box::new(lanes), rest) })
    }

    /// Runs the steps from 1 on; `below` lists the spikes from below without their delays, and those of the layer are appended to
    /// `own`. Returns what did not fit.
    pub fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut PlaneScratch,
    ) -> Overflows {
        match &self.neurons {
            Neurons::Words(words) => words.forward(&self.plane, n_steps, LINES_AHEAD, below, own, &mut scratch.words),
            Neurons::Lanes(lanes, rest) => {
                scratch.blocks.clone_from(rest);
                self.run_lanes(lanes, n_steps, below, own, scratch)
            }
            Neurons::Single(population, rest) => {
                scratch.single.clone_from(rest);
                self.run_single(population, n_steps, below, own, scratch)
            }
        }
    }

    fn run_lanes(
        &self,
        lanes: &FixedLanes,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        PlaneScratch { sums, blocks, fired, .. }: &mut PlaneScratch,
    ) -> Overflows {
        let (n_blocks, shape, mut overflows) = (blocks.len(), self.plane.shape(), Overflows::default());
        let ahead = (LINES_AHEAD / n_blocks).clamp(1, n_steps);
        sums.clear();
        sums.resize(ahead * n_blocks, Lanes([0; LANES]));
        fired.resize(ahead * n_blocks, 0);
        let mut first = 1;
        while first < n_steps {
            if is_stopped() {
                (first..n_steps).for_each(|_| own.end_row());
                break;
            }
            let end = n_steps.min(first + ahead);
            let size = n_blocks * (end - first);
            let (sums, fired) = (&mut sums[..size], &mut fired[..size]);
            for (t, sums) in (first..end).zip(sums.chunks_exact_mut(n_blocks)) {
                self.plane.add_to_sums(below, t, sums);
            }
            overflows += lanes.run(blocks, sums, fired);
            for fired in fired.chunks_exact(n_blocks) {
                list_plane::<f32>(fired, self.plane.n_blocks(), shape.plane(), own);
            }
            first = end;
        }
        overflows
    }

    fn run_single(
        &self,
        population: &FixedPopulation,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        PlaneScratch { sums, single, .. }: &mut PlaneScratch,
    ) -> Overflows {
        let (n_blocks, plane, mut overflows) =
            (self.plane.n_blocks(), self.plane.shape().plane(), Overflows::default());
        sums.clear();
        sums.resize(plane * n_blocks, Lanes([0; LANES]));
        for t in 1..n_steps {
            if is_stopped() {
                (t..n_steps).for_each(|_| own.end_row());
                break;
            }
            self.plane.add_to_sums(below, t, sums);
            for (i, neuron) in single.iter_mut().enumerate() {
                let (channel, position) = (i / plane, i % plane);
                let sum = sums[position * n_blocks + channel / LANES][channel % LANES];
                let at = At { neuron: i, step: t as u64 };
                if population.advance(at, neuron, sum, &mut overflows) > 0 {
                    own.push(i as u32);
                }
            }
            own.end_row();
            flat_mut(sums).fill(0);
        }
        overflows
    }
}

#[cfg(test)]
impl PlaneLayer {
    /// Returns the states after a simulation, and the steps for which each is still refractory; and how neurons were stepped.
    pub fn neurons(&self, scratch: &PlaneScratch) -> (Vec<(FixedState, u64)>, &'static str) {
        let slots = Slots::all(self.plane.shape());
        let mut states = vec![Default::default(); self.plane.shape().n()];
        for (lane, neuron) in (0..slots.n()).filter_map(|lane| Some((lane, slots.neuron(lane)?))) {
            states[neuron] = match &self.neurons {
                Neurons::Words(_) => scratch.words.neuron(lane),
                Neurons::Lanes(..) => scratch.blocks[lane / LANES].neuron(lane % LANES),
                Neurons::Single(..) => {
                    let FixedNeuron { state, refractory } = scratch.single[neuron];
                    (state, refractory.into())
                }
            };
        }
        let how = match &self.neurons {
            Neurons::Words(_) => "words",
            Neurons::Lanes(..) => "lanes",
            Neurons::Single(..) => "single",
        };
        (states, how)
    }
}
