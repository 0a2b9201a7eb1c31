//! Spikes under way against a list of all arrivals, and events that are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Counts, Transit, check_events};
use crate::graph::{Connectivity, Graph};
use crate::neuron::{Discretisation, LifParams};

const N: usize = 5;

/// Inputs 0 and neurons 1; synapses of both onto the neurons: (population, neuron, target, delay), weights 1, 2, 3 ...
fn graph(synapses: &[(usize, u32, u32, u32)]) -> Arc<Graph<f64>> {
    let params =
        LifParams { tau_m: 9.0, tau_s: 9.0, v_th: 1.0, t_ref: 0.0, dt: 1.0, discretisation: Discretisation::Exact };
    let mut graph = Graph::new(1.0, 0).unwrap();
    graph.add_input("inputs", N).unwrap();
    graph.add_population("neurons", N, params).unwrap();
    for population in 0..2 {
        let own: Vec<_> = (1..).zip(synapses).filter(|(_, s)| s.0 == population).collect();
        let pre: Vec<u32> = own.iter().map(|(_, s)| s.1).collect();
        let post: Vec<u32> = own.iter().map(|(_, s)| s.2).collect();
        let weight: Vec<f64> = own.iter().map(|(number, _)| f64::from(*number)).collect();
        let delay: Vec<f64> = own.iter().map(|(_, s)| f64::from(s.3)).collect();
        let lists = Connectivity::from_lists(N, N, &pre, &post, &weight, &delay).unwrap();
        graph.add_projection(population, 1, lists).unwrap();
    }
    Arc::new(graph)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every spike comes once through each of its synapses, at its time; `next` passes over no arrival; and all goes on in
    /// another transit that takes over at any step.
    #[test]
    fn arrivals_are_all_there(
        synapses in proptest::collection::vec((0..2usize, 0..N as u32, 0..N as u32, prop_oneof![0..4u32, 0..70u32]), 0..12),
        spikes in proptest::collection::vec((0..2usize, 0..80u64, 0..N as u32), 0..40),
        cut in 0..160u64,
    ) {
        let graph = graph(&synapses);
        let mut fired: BTreeMap<(usize, u64), Vec<u32>> = BTreeMap::new();
        for &(population, step, neuron) in &spikes {
            let list = fired.entry((population, step)).or_default();
            // Inputs may come twice.
            if population == 0 || !list.contains(&neuron) {
                list.push(neuron);
                list.sort_unstable();
            }
        }
        let mut expected: BTreeMap<u64, Vec<(u32, f64)>> = BTreeMap::new();
        for (&(population, step), neurons) in &fired {
            for neuron in neurons {
                for (number, s) in (1..).zip(&synapses).filter(|(_, s)| (s.0, s.1) == (population, *neuron)) {
                    expected.entry(step + 1 + u64::from(s.3)).or_default().push((s.2, f64::from(number)));
                }
            }
        }
        let (mut transit, mut counts) = (Transit::new(Arc::clone(&graph)).unwrap(), Counts::default());
        let inputs = fired.iter().filter(|((population, _), _)| *population == 0);
        let inputs: Vec<_> = inputs.flat_map(|((_, step), list)| list.iter().map(|&x| (*step, x))).collect();
        transit.push(inputs.iter().copied()).unwrap();
        prop_assert_eq!(transit.last_pending(), inputs.last().map(|&(step, _)| step));
        for step in 0..160u64 {
            if step == cut {
                let (spikes, pending) = transit.export(step);
                transit = Transit::new(Arc::clone(&graph)).unwrap();
                transit.import(step, &spikes, &pending);
            }
            let next = transit.next_arrival(step).into_iter().chain(transit.next_input()).min().unwrap_or(u64::MAX);
            let first = expected.range(step..).next().map(|(&step, _)| step);
            let known = first.filter(|&first| fired.keys().all(|&(_, at)| at < step || at >= first));
            prop_assert!(next >= step && known.is_none_or(|known| next <= known), "next of {step} is {next}, not {known:?}");
            let mut arrived = Vec::new();
            if step > 0 {
                transit.deliver(step, 1, &mut counts, |spike| {
                    let projection = &graph.projections()[spike.projection];
                    assert_eq!((spike.step, projection.post), (0, 1));
                    projection.synapses.at(spike.range).for_each(|i, w| arrived.push((i, w)));
                });
            }
            let mut due = expected.get(&step).cloned().unwrap_or_default();
            arrived.sort_by(|a, b| a.partial_cmp(b).unwrap());
            due.sort_by(|a, b| a.partial_cmp(b).unwrap());
            prop_assert!(arrived.is_empty() || next == step);
            prop_assert_eq!(arrived, due, "at step {}", step);
            let own = fired.get(&(1, step)).cloned().unwrap_or_default();
            prop_assert_eq!(transit.fire(1, step, |list| list.extend(&own)), &own[..]);
            transit.take_inputs(step + 1, &mut counts);
        }
        prop_assert_eq!((transit.next_arrival(160), transit.next_input()), (None, None));
        prop_assert_eq!(counts.input_events, inputs.len() as u64);
        prop_assert_eq!(counts.synaptic_events, expected.values().map(|list| list.len() as u64).sum::<u64>());
    }
}

#[test]
fn the_first_bad_event_is_named() {
    let message = |t: &[f64], x: &[i64]| check_events("events", t, x, 2.0, " ms", 3).unwrap_err().to_string();
    check_events("events", &[2.0, 2.0, 5.0], &[2, 0, 1], 2.0, " ms", 3).unwrap();
    check_events("events", &[] as &[f64], &[], 2.0, " ms", 3).unwrap();
    assert!(message(&[1.5, 0.0], &[0, 9]).starts_with("events['t'][0] must be >= 2 ms"));
    assert!(message(&[3.0, 2.5], &[0, 9]).starts_with("events['t'][1] must be >= events['t'][0] = 3"));
    assert!(message(&[3.0, f64::NAN, 2.0], &[0, 0, 9]).starts_with("events['t'][1] must be"));
    assert!(message(&[f64::INFINITY, 2.5], &[0, 9]).starts_with("events['t'][0] must be a finite time, got inf"));
    assert!(message(&[3.0, 4.0], &[3, 0]).starts_with("events['x'][0] must be an input in [0, 3), got 3"));
    assert!(message(&[3.0, 4.0], &[0]).starts_with("events['x'] has shape (1,)"));
}
