//! Membrane potential and synaptic current of chosen neurons.

use super::spikes::SampleSpikes;
use crate::memory::{OrUnwind, filled};
use crate::network::{Network, Panels};
use crate::simd::Real;
use crate::spikes::PaddedRows;

/// What one neuron went through, length n_steps each.
#[derive(Clone, Debug, PartialEq)]
pub struct MembraneTrace<F> {
    /// Synaptic current p.
    pub current: Vec<F>,
    /// Membrane potential u before a reset, relative to rest; 0 while the neuron is held.
    pub potential: Vec<F>,
}

/// Integrates neuron `neuron` of layer `layer` once more, from the spikes of a simulation.
///
/// One neuron costs little, so the simulation itself records no potentials. Resets follow the recorded spikes.
pub fn membrane_trace<F: Real>(
    net: &Network<F>,
    spikes: &SampleSpikes,
    n_steps: usize,
    layer: usize,
    neuron: usize,
) -> MembraneTrace<F> {
    let Some(params) = net.layers().get(layer) else { panic!("layer {layer} of {}", net.layers().len()) };
    let lif = params.lif();
    let (below, own) = (spikes.below(layer), &spikes.layers[layer]);
    let (mut p, mut u, mut held_until) = (F::zero(), F::zero(), 0);
    let zeros = || filled("n_steps", Some(n_steps), F::zero()).or_unwind();
    let mut trace = MembraneTrace { current: zeros(), potential: zeros() };
    for t in 1..n_steps {
        p = lif.syn_decay * p;
        add_heard(&mut p, params.weight(), params.taps(), &below.by_time, t, neuron);
        if let Some(recurrent) = params.recurrent() {
            add_heard(&mut p, recurrent.weight(), recurrent.taps(), &own.by_time, t, neuron);
        }
        u = if t > held_until { lif.mem_decay * u + lif.mem_gain * p } else { F::zero() };
        trace.current[t] = p;
        trace.potential[t] = u;
        if own.by_time.row(t).contains(&(neuron as u32)) {
            u = F::zero();
            held_until = t + lif.t_ref_steps as usize;
        }
    }
    trace
}

/// Adds the weights of what `neuron` hears at step `t` through synapses with these delays.
fn add_heard<F: Real>(p: &mut F, weight: &Panels<F>, delays: &[u32], by_time: &PaddedRows, t: usize, neuron: usize) {
    for (first, row) in by_time.delayed(t - 1, delays) {
        row.iter().for_each(|&j| *p += weight.get(neuron, (first + j) as usize));
    }
}
