//! Thresholds that differ: weights and thresholds scaled alike by powers of two are the same neurons, spike for spike.

use std::sync::Arc;

use super::*;
use crate::graph::{Connectivity, Graph};
use crate::neuron::{Discretisation, LifGroup, LifParams, PerNeuron};
use crate::rng::{generator, uniform};
use crate::simd::Real;

const N_IN: usize = 12;
const N: usize = 37;
const N_STEPS: u64 = 400;

const NEURON: LifParams =
    LifParams { tau_m: 20.0, tau_s: 5.0, v_th: 1.0, t_ref: 2.0, dt: 1.0, discretisation: Discretisation::Exact };

/// Thresholds from 2^-12 to 2^24: far enough apart for the margin of one to be nothing, or everything, of another.
fn thresholds() -> Vec<f64> {
    (0..N).map(|i| 2f64.powi(i as i32 - 12)).collect()
}

/// Neurons with these thresholds, whose weights have their scale, all or one in three of the synapses.
fn graph<F: Real>(v_th: &PerNeuron<f64>, whole: bool) -> Arc<Graph<F>> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", N_IN).unwrap();
    graph.add_population("neurons", N, LifGroup::new(NEURON, v_th.clone())).unwrap();
    let mut rng = generator(5, 0);
    for (pre, n_pre, low, high) in [(0, N_IN, -0.2, 0.9), (1, N, -0.1, 0.06)] {
        let (mut from, mut to, mut weight) = (Vec::new(), Vec::new(), Vec::new());
        for j in 0..n_pre {
            for i in 0..N {
                let w = low + (high - low) * uniform(&mut rng);
                if whole || (i + j) % 3 == 0 {
                    from.push(j as u32);
                    to.push(i as u32);
                    weight.push(F::from_f64(v_th.get(i) * if whole { w } else { 3.0 * w }));
                }
            }
        }
        let synapses = match whole {
            true => Connectivity::all(n_pre, N, weight, 1.0),
            false => Connectivity::from_lists(n_pre, N, &from, &to, &weight, &[1.0]).unwrap(),
        };
        graph.add_projection(pre, 1, synapses).unwrap();
    }
    Arc::new(graph)
}

fn events() -> Vec<(u64, u32)> {
    let mut rng = generator(6, 0);
    let all = (0..N_STEPS).flat_map(|t| (0..N_IN as u32).map(move |i| (t, i)));
    all.filter(|_| uniform(&mut rng) < 0.05).collect()
}

type Spikes = Vec<(f64, u32)>;

fn clocked<F: Real>(graph: Arc<Graph<F>>) -> Spikes {
    let (mut engine, mut spikes) = (ClockedEngine::new(graph).unwrap(), Vec::new());
    engine.transit_mut().push(events().into_iter()).unwrap();
    engine.advance(N_STEPS, &mut |t, _, fired| spikes.extend(fired.iter().map(|&i| (t as f64, i))), &mut || true);
    spikes
}

fn event<F: Real>(graph: Arc<Graph<F>>) -> (Spikes, bool) {
    let (mut engine, mut spikes) = (EventEngine::new(graph).unwrap(), Vec::new());
    engine.transit_mut().push(events().into_iter()).unwrap();
    // In pieces, so that states are read and taken.
    for until in [N_STEPS / 3, N_STEPS] {
        engine.advance(until, &mut |t, _, fired| spikes.extend(fired.iter().map(|&i| (t as f64, i))), &mut || true);
        let snapshot = engine.snapshot();
        engine.restore(&snapshot);
    }
    (spikes, engine.ties_are_proven())
}

fn continuous<F: Real>(graph: Arc<Graph<F>>) -> Spikes {
    let (mut engine, mut spikes) = (ContinuousEngine::new(graph).unwrap(), Vec::new());
    engine.push(events().into_iter().map(|(t, i)| (t as f64, i))).unwrap();
    for until in [N_STEPS / 3, N_STEPS] {
        engine.advance(until as f64, &mut |t, _, i| spikes.push((t, i)), &mut || true);
        let snapshot = engine.snapshot();
        engine.restore(&snapshot).unwrap();
    }
    spikes
}

fn check<F: Real>() {
    for whole in [true, false] {
        let one = || graph::<F>(&PerNeuron::Same(1.0), whole);
        let each = || graph::<F>(&PerNeuron::Each(thresholds()), whole);
        let expected = clocked(one());
        assert!((0..N as u32).all(|neuron| expected.iter().any(|&(_, i)| i == neuron)), "all fire");
        assert_eq!(clocked(each()), expected);
        assert_eq!(event(one()).0, expected);
        assert_eq!(event(each()).0, expected);
        let of_time = continuous(one());
        assert!(of_time.len() > N);
        assert_eq!(continuous(each()), of_time);
    }
}

#[test]
fn scaled_neurons_fire_alike_in_every_engine() {
    check::<f64>();
    check::<f32>();
}

#[test]
fn ties_are_proven_neuron_by_neuron() {
    for whole in [true, false] {
        // One margin for all would be more than the lowest of thresholds allows.
        assert!(event(graph::<f64>(&PerNeuron::Each(thresholds()), whole)).1);
        assert!(!event(graph::<f32>(&PerNeuron::Each(thresholds()), whole)).1);
        let mut graph = (*graph::<f64>(&PerNeuron::Each(thresholds()), whole)).clone();
        let heavy = Connectivity::from_lists(N_IN, N, &[0], &[3], &[1e12], &[1.0]).unwrap();
        graph.add_projection(0, 1, heavy).unwrap();
        assert!(!event(Arc::new(graph)).1, "a weight of 1e12 makes of every potential a tie");
    }
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let message = |v_th: Vec<f64>| {
        let mut graph = Graph::<f32>::new(1.0, 1).unwrap();
        graph.add_population("neurons", 3, LifGroup::new(NEURON, PerNeuron::Each(v_th))).unwrap_err().to_string()
    };
    assert_eq!(message(vec![1.0; 2]), "v_th must be one number, or one for each of the 3 neurons, got 2 numbers");
    assert_eq!(message(vec![1.0, 2.0, f64::INFINITY]), "v_th[2] must be finite and > 0, got inf");
}
