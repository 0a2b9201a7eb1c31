//! Currents and membranes of chosen neurons in fixed point.

use crate::engine::layered::{MembraneTrace, SampleSpikes};
use crate::fixed::{FixedConnection, FixedNetwork};
use crate::memory::{OrUnwind, filled};
use crate::network::Origin;
use crate::neuron::fixed::{At, FixedNeuron, FixedPopulation, Overflows};
use crate::spikes::PaddedRows;

/// Steps neuron `neuron` of layer `layer` once more, from the spikes of a simulation, by the definition of its model.
///
/// Potentials are those before a reset, as of [`membrane_trace`](crate::engine::layered::membrane_trace); while a neuron is
/// refractory, its membrane is what the reset has left. Step 0 has the state at rest.
///
/// # Panics
/// If there is no such layer or neuron.
pub fn fixed_trace(
    network: &FixedNetwork,
    spikes: &SampleSpikes,
    n_steps: usize,
    layer: usize,
    neuron: usize,
) -> MembraneTrace<i32> {
    let of = &network.layers()[layer];
    let lif = FixedPopulation::new(&of.params, of.n_out(), layer + 1).expect("checked when the network was made");
    let silent = lif.silent();
    let takes_each = of.params.model.abilities().takes_each_spike;
    let zeros = || filled("n_steps", Some(n_steps), 0i32).or_unwind();
    let mut trace = MembraneTrace { current: zeros(), potential: zeros() };
    let mut now = FixedNeuron { state: lif.rest(neuron), refractory: 0 };
    let mut overflows = Overflows::default();
    for t in 0..n_steps {
        let at = At { neuron, step: t as u64 };
        let mut before_reset = now.state;
        if t > 0 {
            let mut input = 0i32;
            for connection in &of.connections {
                let from = match connection.origin {
                    Origin::Below => spikes.below(layer),
                    Origin::Itself => &spikes.layers[layer],
                };
                receive(connection, &from.by_time, t, neuron, |weight| match takes_each {
                    true => lif.add(&mut now.state.current, weight, &mut overflows),
                    false => input += weight,
                });
            }
            before_reset = silent.step(at, now.state, now.refractory > 0, input.into()).state;
            lif.advance(at, &mut now, input, &mut overflows);
        }
        let (current, potential) = lif.values(at, before_reset);
        (trace.current[t], trace.potential[t]) = (current as i32, potential as i32);
    }
    trace
}

/// Calls `take` with the weight of each spike that `neuron` receives at step `t` through a connection.
fn receive(connection: &FixedConnection, by_time: &PaddedRows, t: usize, neuron: usize, mut take: impl FnMut(i32)) {
    let n_pre = by_time.n_columns() as u32;
    let FixedConnection { pattern, weight, taps, .. } = connection;
    for (first, row) in by_time.delayed(t - 1, taps.steps()) {
        for &pre in row {
            let Some(place) = pattern.place(pre as usize, neuron) else { continue };
            let at = place.row as usize * connection.fan_in() + place.column as usize;
            if taps.tap(at) as u32 == first / n_pre {
                take(weight[at]);
            }
        }
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
