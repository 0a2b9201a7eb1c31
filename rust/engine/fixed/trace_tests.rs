use proptest::prelude::*;

use super::*;
use crate::engine::fixed::{Compiled, FixedScratch};
use crate::engine::layered::Lists;
use crate::fixed::strategies::{formats, layer, xylo};
use crate::network::Taps;
use crate::neuron::fixed::FixedParams;

const N_STEPS: usize = 25;
const N: usize = 4;
const N_IN: usize = 3;

fn weights(n: usize, reach: i32) -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(-reach..=reach, n)
}

/// Delays of one to three steps, if there are any.
fn taps(n_in: usize, has_delays: bool) -> impl Strategy<Value = Taps> {
    let most = if has_delays { 3u32 } else { 0 };
    let delays = prop::collection::vec(0..=most, N * n_in);
    delays.prop_map(move |delays| Taps::new("delays", &delays, [N, n_in], None).unwrap())
}

/// A recurrent layer, and how often each input fires at each step.
fn cases(
    formats: BoxedStrategy<FixedParams>,
    (most, has_delays): (usize, bool),
) -> impl Strategy<Value = (FixedNetwork, Vec<Vec<usize>>)> {
    let below = (weights(N * N_IN, 900), taps(N_IN, has_delays));
    let own = (weights(N * N, 300), taps(N, has_delays));
    let counts = prop::collection::vec(prop::collection::vec(0..=most, N_IN), N_STEPS);
    (formats, below, own, counts).prop_map(|(params, below, own, counts)| {
        (FixedNetwork::new(vec![layer(&params, [N, N_IN], below, Some(own))]).unwrap(), counts)
    })
}

/// Runs the layer, and compares the traces of its neurons with its spikes.
fn check(network: &FixedNetwork, counts: &[Vec<usize>]) -> Result<(), TestCaseError> {
    let mut spikes = SampleSpikes::new(1);
    spikes.input.by_time.clear(N_IN);
    for counts in counts {
        let row = counts.iter().enumerate().flat_map(|(j, &n)| std::iter::repeat_n(j as u32, n));
        spikes.input.by_time.push_row(&row.collect::<Vec<_>>());
    }
    let compiled = Compiled::new(network).unwrap();
    compiled.forward(N_STEPS, &mut spikes, Lists::All, &mut FixedScratch::default());
    let params = &network.layers()[0].params;
    for neuron in 0..N {
        let trace = fixed_trace(network, &spikes, N_STEPS, 0, neuron);
        let mut free = 1;
        for t in 1..N_STEPS {
            let fired = spikes.layers[0].by_time.row(t).contains(&(neuron as u32));
            // Only a potential that is computed anew may fire, and then it does.
            let fires = t >= free && params.fires(trace.potential[t].into(), neuron);
            prop_assert_eq!(fired, fires, "neuron {} at step {}", neuron, t);
            if fired {
                free = t + 1 + params.t_ref_steps as usize;
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn potentials_reach_thresholds_where_neurons_fire(
        (network, counts) in cases(formats(N).prop_map(|of| FixedParams { max_spikes: 1, ..of }).boxed(), (1, true)),
    ) {
        check(&network, &counts)?;
    }

    #[test]
    fn currents_of_xylo_take_spike_after_spike((network, counts) in cases(xylo(N).boxed(), (3, false))) {
        check(&network, &counts)?;
    }
}
