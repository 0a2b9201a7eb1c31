//! Membrane potential and synaptic current of chosen neurons.

use super::spikes::SampleSpikes;
use crate::memory::{OrUnwind, filled};
use crate::network::{Connection, Network, Origin, Pattern};
use crate::simd::Real;
use crate::spikes::PaddedRows;

/// What one neuron went through, length n_steps each.
#[derive(Clone, Debug, PartialEq)]
pub struct MembraneTrace<F> {
    /// Synaptic current p.
    pub current: Vec<F>,
    /// Membrane potential u before a reset, relative to rest; 0 while it is refractory.
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
    let (mut p, mut u, mut refractory_until) = (F::zero(), F::zero(), 0);
    let zeros = || filled("n_steps", Some(n_steps), F::zero()).or_unwind();
    let mut trace = MembraneTrace { current: zeros(), potential: zeros() };
    for t in 1..n_steps {
        p = lif.syn_decay * p;
        for connection in params.connections() {
            let from = match connection.origin() {
                Origin::Below => below,
                Origin::Itself => own,
            };
            receive(&mut p, connection, &from.by_time, t, neuron);
        }
        u = if t > refractory_until { lif.mem_decay * u + lif.mem_gain * p } else { F::zero() };
        trace.current[t] = p;
        trace.potential[t] = u;
        if own.by_time.row(t).contains(&(neuron as u32)) {
            u = F::zero();
            refractory_until = t + lif.t_ref_steps as usize;
        }
    }
    trace
}

/// Adds the weights of the spikes that `neuron` receives at step `t` through a connection, whose origin fired `by_time`.
fn receive<F: Real>(p: &mut F, connection: &Connection<F>, by_time: &PaddedRows, t: usize, neuron: usize) {
    let (weight, pattern) = (connection.weight(), connection.pattern());
    for (first, row) in by_time.delayed(t - 1, connection.taps()) {
        match pattern {
            Pattern::Dense(_) | Pattern::Lateral(_) => {
                row.iter().for_each(|&j| *p += weight.get(neuron, (first + j) as usize));
            }
            Pattern::Conv2d(_) | Pattern::AvgPool2d(_) | Pattern::MaxPool2d(_) => {
                let tap = first as usize / by_time.n_columns();
                for &j in row {
                    pattern.for_each_synapse(j as usize, |post, place| {
                        if post as usize == neuron {
                            *p += weight.get(place.row as usize, tap * pattern.matrix()[1] + place.column as usize);
                        }
                    });
                }
            }
        }
    }
}
