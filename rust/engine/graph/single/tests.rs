//! Rows in any number against their sum in one row, over gaps of any length.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::graph::{Connectivity, Graph};
use crate::neuron::lif::lazy::{Bounds, LazyLif};
use crate::neuron::{Discretisation, LifParams};

const N: usize = 400;

fn params(tau_m: f64) -> LifParams {
    LifParams { tau_m, tau_s: 5.0, v_th: 1.0, t_ref: 3.0, dt: 1.0, discretisation: Discretisation::Exact }
}

fn neurons(tau_m: f64) -> SingleNeurons<LazyLif<f64>> {
    SingleNeurons::new(LazyLif::new(&params(tau_m), Bounds::none(1e-9)).unwrap(), N)
}

/// A graph with these rows: (target, weight).
fn graph(rows: &[Vec<(u32, f64)>]) -> Graph<f64> {
    let (mut graph, n_pre) = (Graph::new(1.0, 0).unwrap(), rows.len().max(1));
    graph.add_input("inputs", n_pre).unwrap();
    graph.add_population("neurons", N, params(20.0)).unwrap();
    let pre: Vec<u32> = (0..).zip(rows).flat_map(|(at, row)| row.iter().map(move |_| at)).collect();
    let (post, weight): (Vec<u32>, Vec<f64>) = rows.iter().flatten().copied().unzip();
    graph.add_projection(0, 1, Connectivity::from_lists(n_pre, N, &pre, &post, &weight, &[0.0]).unwrap()).unwrap();
    graph
}

/// Runs a step with all rows of a graph; who fires, and how many neurons are touched.
fn run(neurons: &mut SingleNeurons<LazyLif<f64>>, step: u64, graph: &Graph<f64>) -> (Vec<u32>, u64) {
    let synapses = &graph.projections()[0].synapses;
    let places: Vec<_> = (0..synapses.n_pre()).map(|pre| (0, synapses.range(pre))).collect();
    let (mut fired, mut counts) = (Vec::new(), Counts::default());
    neurons.run(step, Rows { graph, places: &places }, &mut fired, &mut counts);
    (fired, counts.state_updates)
}

/// Few or many synapses, some onto the same neurons; weights that add up exactly in any order.
fn rows() -> impl Strategy<Value = Vec<Vec<(u32, f64)>>> {
    let synapse = (prop_oneof![0..N as u32, 0..9u32], -8..40i32).prop_map(|(i, w)| (i, f64::from(w) / 16.0));
    proptest::collection::vec(proptest::collection::vec(synapse, 0..50), 0..6)
}

fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1..6u64, 3 => 1..3000u64, 1 => 1..1u64 << 31, 1 => 1..1u64 << 40]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_are_their_sum(steps in proptest::collection::vec((gap(), rows()), 1..12)) {
        let (mut apart, mut together, mut step) = (neurons(20.0), neurons(20.0), 0);
        for (gap, rows) in steps {
            let until = step + gap;
            // Steps that are due in between.
            while let Some(due) = apart.next_due(step + 1).into_iter().chain(together.next_due(step + 1)).min() {
                if due >= until {
                    break;
                }
                step = due;
                prop_assert_eq!(run(&mut apart, due, &graph(&[])), run(&mut together, due, &graph(&[])));
            }
            step = until;
            let mut sum = BTreeMap::new();
            rows.iter().flatten().for_each(|(i, w)| *sum.entry(*i).or_insert(0.0) += w);
            let sum = vec![sum.into_iter().collect()];
            prop_assert_eq!(run(&mut apart, step, &graph(&rows)), run(&mut together, step, &graph(&sum)));
            prop_assert_eq!(apart.state(), together.state());
        }
    }
}

/// A stamp counts fewer steps than a stream may have: a slow neuron goes on as if it counted them all.
#[test]
fn long_silence_is_not_taken_for_a_short_one() {
    let arrives = graph(&[vec![(0, 0.5)]]);
    let at = |p, last| NeuronState { current: p, potential: 0.0, last, refractory: last };
    for gap in [1, (1 << 28) - 1, 1 << 28, 1 << 29, (1 << 29) + 1, 1 << 32, (1 << 32) + 1, 1 << 50] {
        for between in [0, 1 << 27, 1 << 28, (1 << 28) + 3] {
            let lif = LazyLif::new(&params(1e9), Bounds::none(1e-9)).unwrap();
            let mut neurons = neurons(1e9);
            run(&mut neurons, 1, &arrives);
            let before = neurons.state()[0];
            // Others may be run meanwhile.
            if between > 0 && between < gap {
                run(&mut neurons, 1 + between, &graph(&[vec![(1, 0.5)]]));
            }
            run(&mut neurons, 1 + gap, &arrives);
            let (state, (p, u)) = (neurons.state()[0], catch_up(&lif, &before, gap));
            let expected = lif.step(0, p, u, 0.5);
            assert_eq!((state.last, state.refractory), (1 + gap, 1 + gap));
            assert!(
                (state.current - expected.current).abs() < 1e-12
                    && (state.potential - expected.potential).abs() < 1e-12,
                "{gap} {between}"
            );
            // So it does if a state says so.
            let mut states = vec![at(0.0, 0); N];
            (states[0], states[1]) = (before, at(0.0, gap));
            neurons.set_state(&states);
            run(&mut neurons, 1 + gap, &arrives);
            let state = neurons.state()[0];
            assert!(
                (state.current - expected.current).abs() < 1e-12
                    && (state.potential - expected.potential).abs() < 1e-12,
                "{gap} from a state"
            );
        }
    }
}
