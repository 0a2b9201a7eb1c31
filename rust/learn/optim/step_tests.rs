//! A step against its definition: penalty, norm, clipping, limits, and what does not exist.

use serde_json::{Value, json};

use super::*;
use crate::learn::test_cases::{config, rule, spikes};
use crate::learn::{Batch, Classes, Data, Source, Targets, Trainer};

/// A recurrent layer of 40 neurons, of whose synapses two thirds exist, and an output layer.
fn network() -> Network<f64> {
    let neuron = |more: Value| {
        let mut layer = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0, "discretisation": "euler",
            "init": {"kind": "uniform", "low": -0.3, "high": 1.0}});
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let recurrent = json!({"kind": "recurrent", "n": 40, "mask": {"kind": "sparse", "density": 0.7, "self_loops": false},
        "recurrent_init": {"kind": "uniform", "low": -0.2, "high": 0.2}});
    let layers = [neuron(recurrent), neuron(json!({"kind": "dense", "n": 3, "lateral_inhibition": 0.0}))];
    let config = json!({"n_in": 6, "layers": layers, "dt": 1.0, "seed": 4});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

fn trainer(net: &Network<f64>, more: Value) -> Trainer<f64> {
    let mut all = json!({"rule": rule(true, 1e-9)});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Trainer::new(config(all), net, Some(2)).unwrap()
}

/// Weights, gradients, existence, and the number of inputs.
type Group = (Vec<f64>, Vec<f64>, Vec<bool>, usize);

/// Those of every trained connection group, flattened.
fn groups(net: &Network<f64>, grads: &Gradients<f64>) -> Vec<Group> {
    let mut groups = Vec::new();
    for ((_, connection), grads) in net.trainable().zip(grads.parts()) {
        let (synapses, rows) = (connection.synapses(), connection.synapses().rows());
        let exists = synapses.exists().unwrap_or_else(|| vec![true; rows.len()]);
        groups.push((rows, synapses.rows_of(&grads), exists, synapses.n_in()));
    }
    groups
}

/// The weights after a step, and its norm, by the definition.
fn check(more: Value, lr: f64, penalty: Option<ExponentialPenalty>, clip_norm: Option<f64>, limit: f64) {
    let mut net = network();
    let mut trainer = trainer(&net, more);
    let (trains, classes) = (spikes(), Classes::new(&[0, 1, 2, 1], net.n_out()).unwrap());
    let source = Source::Simulate { data: Data::Spikes(&trains), seed: 1, epoch: 1 };
    let batch = Batch { source, samples: &[3, 0, 1], targets: Targets::Classes(&classes), weights: None };
    let (grads, _) = trainer.gradients(&net, &batch, &mut || true).unwrap();
    let mut groups = groups(&net, grads);
    for (weight, grad, exists, n_in) in &mut groups {
        for at in 0..weight.len() {
            let row = &weight[at / *n_in * *n_in..][..*n_in];
            let squares = row.iter().map(|w| w * w).sum();
            grad[at] += penalty.as_ref().map_or(0.0, |penalty| penalty.factor(squares, *n_in)) * weight[at];
            grad[at] *= f64::from(u8::from(exists[at]));
        }
    }
    let norm = groups.iter().flat_map(|group| &group.1).map(|g| g * g).sum::<f64>().sqrt();
    let scale = clip_norm.map_or(1.0, |most| (most / norm).min(1.0));
    let stats = trainer.step(&mut net, &batch, Some(lr), &mut || true).unwrap();
    assert!((stats.grad_norm / norm - 1.0).abs() < 1e-9, "{} {norm}", stats.grad_norm);
    let (grads, _) = trainer.gradients(&net, &batch, &mut || true).unwrap();
    let mut n_limited = 0;
    for ((before, grad, exists, _), (after, ..)) in groups.iter().zip(self::groups(&net, grads)) {
        for at in 0..before.len() {
            let free = if exists[at] { before[at] - lr * scale * grad[at] } else { 0.0 };
            let expected = free.clamp(-limit, limit);
            n_limited += usize::from(free != expected);
            assert!((after[at] - expected).abs() < 1e-9, "{at}: {} {expected}", after[at]);
        }
    }
    assert_eq!(n_limited > 0, limit < 1.0);
    assert_eq!(trainer.moments().step, 1);
}

#[test]
fn steps_are_those_of_the_definition() {
    let penalty = ExponentialPenalty { lam: 0.1, beta: 0.3, scale: 2.0 };
    let as_json = json!({"lam": 0.1, "beta": 0.3, "scale": 2.0});
    check(json!({}), 1e-3, None, None, f64::INFINITY);
    check(json!({"weight_penalty": as_json}), 1e-3, Some(penalty), None, f64::INFINITY);
    // Far above the norm, and below it.
    check(json!({"clip_norm": 1e6}), 1e-3, None, Some(1e6), f64::INFINITY);
    check(json!({"clip_norm": 1e-2, "weight_penalty": as_json}), 1.0, Some(penalty), Some(1e-2), f64::INFINITY);
    check(json!({"weight_limit": 0.4}), 1e-3, None, None, 0.4);
}
