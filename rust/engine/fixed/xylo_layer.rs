//! Layers by the rules of Xylo: currents that saturate at every spike, neurons that fire several times in a step.

use crate::neuron::fixed::{Decay, FixedModel, FixedParams, Overflows, PerNeuron, XyloVersion};
use crate::simd::multiversion;
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Neurons worked on at once.
const CHUNK: usize = 32;

/// Steps between two looks at whether to stop.
const STEPS_UNASKED: usize = 256;

/// A number for each neuron of a chunk.
type Chunk = [i16; CHUNK];

/// Holds neurons and the synapses onto them.
#[derive(Clone, Debug)]
pub struct XyloLayer {
    is_v1: bool,
    max_spikes: i32,
    neurons: Vec<Neurons>,
    weight: Rows,
    recurrent: Option<Rows>,
}

/// Holds the constants of the neurons of a chunk, those beyond the layer's such that they stay at rest.
#[derive(Clone, Debug)]
struct Neurons {
    dash_syn: Chunk,
    dash_mem: Chunk,
    bias: Chunk,
    v_th: Chunk,
}

/// Holds weights of presynaptic neurons, each onto all chunks.
#[derive(Clone, Debug)]
struct Rows {
    n_chunks: usize,
    chunks: Vec<Chunk>,
}

/// Holds currents and potentials.
#[derive(Clone, Debug, Default)]
pub struct XyloScratch {
    current: Vec<Chunk>,
    potential: Vec<Chunk>,
}

impl XyloLayer {
    /// Lays out `n` neurons of a validated format by these rules, and weights, (n, n_in) and (n, n) row-major, that fit it.
    ///
    /// # Panics
    /// If the format is by other rules.
    pub fn new(params: &FixedParams, n: usize, weight: &[i32], recurrent: Option<&[i32]>) -> Self {
        let chunks = |value: &dyn Fn(usize) -> i16, rest: i16| -> Vec<Chunk> {
            let chunk = |c: usize| std::array::from_fn(|l| if c * CHUNK + l < n { value(c * CHUNK + l) } else { rest });
            (0..n.div_ceil(CHUNK)).map(chunk).collect()
        };
        let dashes = |decay: &Decay| match decay {
            Decay::Shift { shift, least_one: true } => chunks(&|i| shift.get(i) as i16, 0),
            decay => unreachable!("refused by the format: {decay:?}"),
        };
        let numbers = |values: &PerNeuron<i32>, rest| chunks(&|i| values.get(i) as i16, rest);
        let neurons = dashes(&params.current_decay)
            .into_iter()
            .zip(dashes(&params.membrane_decay))
            .zip(numbers(&params.bias, 0))
            .zip(numbers(&params.v_th, i16::MAX))
            .map(|(((dash_syn, dash_mem), bias), v_th)| Neurons { dash_syn, dash_mem, bias, v_th });
        let rows = |weight: &[i32]| Rows {
            n_chunks: n.div_ceil(CHUNK),
            chunks: {
                let n_in = weight.len() / n;
                (0..n_in).flat_map(|j| chunks(&|i| weight[i * n_in + j] as i16, 0)).collect()
            },
        };
        Self {
            is_v1: params.model == FixedModel::Xylo(XyloVersion::V1),
            max_spikes: params.max_spikes as i32,
            neurons: neurons.collect(),
            weight: rows(weight),
            recurrent: recurrent.map(rows),
        }
    }

    /// Simulates the layer: `own`, of which step 0 is there, gets the spikes of all others. Returns what did not fit.
    pub fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut XyloScratch,
    ) -> Overflows {
        let XyloScratch { current, potential } = scratch;
        for state in [&mut *current, &mut *potential] {
            state.clear();
            state.resize(self.neurons.len(), [0; CHUNK]);
        }
        let step = if self.is_v1 { step_v1 } else { step_v2 };
        let mut overflows = Overflows::default();
        for t in 1..n_steps {
            if t.is_multiple_of(STEPS_UNASKED) && is_stopped() {
                (t..n_steps).for_each(|_| own.end_row());
                break;
            }
            overflows.current += self.weight.add_to(current, below.row(t - 1));
            if let Some(recurrent) = &self.recurrent {
                overflows.current += recurrent.add_to(current, own.row(t - 1));
            }
            overflows.membrane += step(&self.neurons, current, potential);
            self.fire(potential, own);
        }
        overflows
    }

    /// Lists the neurons that fire, each as often as it does, and takes their thresholds off.
    fn fire(&self, v: &mut [Chunk], own: &mut PaddedRows) {
        for (c, (v, Neurons { v_th, .. })) in v.iter_mut().zip(&self.neurons).enumerate() {
            if v.iter().zip(v_th).fold(true, |silent, (v, v_th)| silent & (v < v_th)) {
                continue;
            }
            let reached = v.iter_mut().zip(v_th).enumerate().filter(|(_, (v, v_th))| **v >= **v_th);
            for (l, (v, &v_th)) in reached {
                let spikes = (i32::from(*v) / i32::from(v_th)).min(self.max_spikes);
                *v -= spikes as i16 * v_th;
                (0..spikes).for_each(|_| own.push((c * CHUNK + l) as u32));
            }
        }
        own.end_row();
    }
}

impl Rows {
    /// Adds the rows of one spike after the other, saturating at each; returns how often that changed a current.
    fn add_to(&self, u: &mut [Chunk], spikes: &[u32]) -> u64 {
        // Changes of a neuron are counted in 16 bits.
        spikes.chunks(u16::MAX.into()).map(|spikes| add_saturating(&self.chunks, self.n_chunks, spikes, u)).sum()
    }
}

#[inline(always)]
fn add_saturating_body(rows: &[Chunk], n_chunks: usize, spikes: &[u32], u: &mut [Chunk]) -> u64 {
    let mut n_changed = 0;
    for (c, u) in u.iter_mut().enumerate() {
        let (mut sum, mut changed) = (*u, [0u16; CHUNK]);
        for &j in spikes {
            let row = &rows[j as usize * n_chunks + c];
            for l in 0..CHUNK {
                let exact = sum[l].wrapping_add(row[l]);
                sum[l] = sum[l].saturating_add(row[l]);
                changed[l] += u16::from(sum[l] != exact);
            }
        }
        *u = sum;
        n_changed += changed.iter().map(|&n| u64::from(n)).sum::<u64>();
    }
    n_changed
}

/// Returns what a decay takes: at least 1 where there is something.
#[inline(always)]
fn lost(x: i32, dash: i16) -> i32 {
    let shifted = x >> dash;
    shifted + i32::from(x > 0 && shifted == 0)
}

/// Steps all neurons up to their spikes; returns how many membranes did not fit.
#[inline(always)]
fn step_body<const V1: bool>(neurons: &[Neurons], u: &mut [Chunk], v: &mut [Chunk]) -> u64 {
    let mut n_changed = 0;
    for ((neurons, u), v) in neurons.iter().zip(u).zip(v) {
        let mut changed = 0i32;
        let mut saturated = |x: i32| {
            let kept = x.clamp(i16::MIN.into(), i16::MAX.into());
            changed += i32::from(kept != x);
            kept
        };
        for l in 0..CHUNK {
            let current = i32::from(u[l]) - lost(u[l].into(), neurons.dash_syn[l]);
            let membrane = i32::from(v[l]);
            let leak = lost(membrane, neurons.dash_mem[l]);
            u[l] = current as i16;
            v[l] = if V1 {
                saturated(membrane - leak + current)
            } else {
                // A membrane of -2^15 that loses all of it: the loss wraps.
                let driven = saturated(i32::from((-leak) as i16) + current);
                let change = saturated(driven + i32::from(neurons.bias[l]));
                saturated(membrane + change)
            } as i16;
        }
        n_changed += changed as u64;
    }
    n_changed
}

#[inline(always)]
fn step_v1_body(neurons: &[Neurons], u: &mut [Chunk], v: &mut [Chunk]) -> u64 {
    step_body::<true>(neurons, u, v)
}

#[inline(always)]
fn step_v2_body(neurons: &[Neurons], u: &mut [Chunk], v: &mut [Chunk]) -> u64 {
    step_body::<false>(neurons, u, v)
}

multiversion! {
    fn add_saturating(rows: &[Chunk], n_chunks: usize, spikes: &[u32], u: &mut [Chunk]) -> u64 = add_saturating_body
}
multiversion! {
    /// Steps neurons by the rules of the first version.
    fn step_v1(neurons: &[Neurons], u: &mut [Chunk], v: &mut [Chunk]) -> u64 = step_v1_body
}
multiversion! {
    /// Steps neurons by the rules of the second version.
    fn step_v2(neurons: &[Neurons], u: &mut [Chunk], v: &mut [Chunk]) -> u64 = step_v2_body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixed::strategies::xylo;
    use crate::neuron::fixed::{At, FixedPopulation, FixedState};

    /// Runs the definition spike after spike and step after step; returns spikes of each step, and what did not fit.
    fn by_definition(
        params: &FixedParams,
        n: usize,
        below: &PaddedRows,
        weight: &[i32],
        recurrent: &[i32],
    ) -> (Vec<Vec<u32>>, Overflows) {
        let lif = FixedPopulation::new(params, n, 1).unwrap();
        let n_in = weight.len() / n;
        let (mut states, mut overflows) = (vec![FixedState::default(); n], Overflows::default());
        let mut fired = vec![Vec::new()];
        for t in 1..below.n_rows() {
            let mut now = Vec::new();
            for (i, state) in states.iter_mut().enumerate() {
                for &j in below.row(t - 1) {
                    lif.add(&mut state.current, weight[i * n_in + j as usize], &mut overflows);
                }
                for &k in &fired[t - 1] {
                    lif.add(&mut state.current, recurrent[i * n + k as usize], &mut overflows);
                }
                let step = lif.step(At { neuron: i, step: t as u64 }, *state, false, 0);
                *state = step.state;
                overflows += step.overflows;
                now.extend(std::iter::repeat_n(i as u32, step.spikes as usize));
            }
            fired.push(now);
        }
        (fired, overflows)
    }

    prop_compose! {
        /// Neurons, weights from below and from themselves, and how often each input fires at each step.
        fn layer()(
            (n, n_in) in (1usize..70, 1usize..6),
            reach in prop::sample::select(vec![20i32, 700, 32767]),
        )(
            params in xylo(n),
            weight in prop::collection::vec(-reach..=reach, n * n_in),
            recurrent in prop::collection::vec(-reach..=reach, n * n),
            counts in prop::collection::vec(prop::collection::vec(prop_oneof![2 => Just(0), 1 => 1usize..16], n_in), 20),
            n in Just(n),
        ) -> (usize, FixedParams, Vec<i32>, Vec<i32>, Vec<Vec<usize>>) {
            (n, params, weight, recurrent, counts)
        }
    }

    proptest! {
        #[test]
        fn is_the_definition((n, params, weight, recurrent, counts) in layer()) {
            let mut below = PaddedRows::default();
            below.clear(weight.len() / n);
            for counts in &counts {
                let spikes = counts.iter().enumerate().flat_map(|(j, &count)| std::iter::repeat_n(j as u32, count));
                below.push_row(&spikes.collect::<Vec<_>>());
            }
            let mut own = PaddedRows::default();
            own.clear(n);
            own.end_row();
            let layer = XyloLayer::new(&params, n, &weight, Some(&recurrent));
            let overflows = layer.forward(counts.len(), &below, &mut own, &mut XyloScratch::default());
            let (fired, expected) = by_definition(&params, n, &below, &weight, &recurrent);
            prop_assert_eq!(overflows, expected);
            for (t, fired) in fired.iter().enumerate() {
                prop_assert_eq!(own.row(t), fired);
            }
        }
    }
}
