//! Thresholds that differ, brought to fixed point.

use serde_json::{Value, json};

use super::*;
use crate::fixed::targets::{CortexM, Loihi, QFormat, Spinnaker, Xylo, XyloDevice};
use crate::neuron::fixed::{PerNeuron, Rounding};

/// Powers of two that leave no row without a level of its own.
fn factor(row: usize) -> f64 {
    2f64.powi([0, 2, -1, 1, -2][row % 5])
}

fn layer(v_th: Value, more: Value) -> Value {
    let mut layer = json!({"tau_m": 64.0, "tau_s": 8.0, "v_th": v_th, "t_ref": 2.0, "discretisation": "euler"});
    layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    layer
}

fn network(in_shape: [usize; 3], layers: &[Value]) -> Network<f32> {
    let n_in: usize = in_shape.iter().product();
    let config = json!({"n_in": n_in, "in_shape": in_shape, "layers": layers, "dt": 1.0, "seed": 7});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

const INIT: &str = r#"{"kind": "uniform", "low": -1.0, "high": 1.0}"#;

fn init() -> Value {
    serde_json::from_str(INIT).unwrap()
}

fn conv(channels: usize, v_th: Value) -> Value {
    layer(
        v_th,
        json!({"kind": "conv2d", "channels": channels, "kernel": [3, 2], "stride": [1, 1], "padding": [1, 0],
        "dilation": [1, 1], "groups": 1, "init": init()}),
    )
}

fn pool(v_th: Value) -> Value {
    layer(v_th, json!({"kind": "avg_pool2d", "kernel": [2, 3], "stride": [2, 3], "padding": [0, 0]}))
}

fn dense(n: usize, v_th: Value) -> Value {
    layer(v_th, json!({"kind": "dense", "n": n, "lateral_inhibition": 0.0, "init": init()}))
}

fn recurrent(n: usize, v_th: Value) -> Value {
    let mask = json!({"kind": "all_to_all", "self_loops": false});
    layer(v_th, json!({"kind": "recurrent", "n": n, "init": init(), "recurrent_init": init(), "mask": mask}))
}

/// Lists so many thresholds.
fn each(n: usize, v_th: f64) -> Value {
    json!((0..n).map(|row| factor(row) * v_th).collect::<Vec<_>>())
}

/// Gives every row its share of scale.
fn scaled(mut net: Network<f32>) -> Network<f32> {
    for (_, connection) in net.trainable_mut() {
        let columns = connection.pattern().matrix()[1];
        let rows = connection.synapses().rows();
        let rows: Vec<f32> = rows.iter().enumerate().map(|(at, w)| factor(at / columns) as f32 * w).collect();
        connection.set_rows(&rows);
    }
    net
}

fn targets() -> Vec<Target> {
    let qformat = |state_bits| QFormat { weight_bits: 8, state_bits, decay_bits: 12, rounding: Rounding::Nearest };
    vec![
        Target::Qformat(qformat(16)),
        Target::Qformat(qformat(24)),
        Target::CortexM(CortexM { weight_bits: 16 }),
        Target::Loihi(Loihi { weight_bits: 8, enforce_limits: true }),
    ]
}

fn quantized(net: &Network<f32>, target: Target, granularity: Granularity) -> FixedNetwork {
    let grid = Grid::new(net, &Quantization { target, scale: Scale::Max, granularity }).unwrap();
    grid.network(net).unwrap()
}

/// Where rows have scales of their own, weights and thresholds of which all are scaled alike are the same integers.
#[test]
fn scaled_neurons_are_the_same_integers() {
    let check = |plain: Network<f32>, other: Network<f32>, target: Target| {
        let plain = quantized(&plain, target.clone(), Granularity::Neuron);
        let other = quantized(&scaled(other), target, Granularity::Neuron);
        for (plain, other) in plain.layers().iter().zip(other.layers()) {
            assert_eq!(plain.params, other.params);
            for (plain, other) in plain.connections.iter().zip(&other.connections) {
                assert_eq!(plain.weight, other.weight);
            }
        }
    };
    for target in targets() {
        let net = |conv_v_th, v_th| network([2, 6, 9], &[conv(7, conv_v_th), recurrent(6, v_th), dense(1, json!(1.0))]);
        check(net(json!(1.5), json!(0.75)), net(each(7, 1.5), each(6, 0.75)), target);
    }
    let xylo = Target::Xylo(Xylo { device: XyloDevice::Audio2, enforce_limits: true });
    let net = |v_th| network([5, 1, 1], &[recurrent(6, v_th), dense(1, json!(1.0))]);
    check(net(json!(1.5)), net(each(6, 1.5)), xylo);
}

/// Of one scale for all weights, thresholds have the ratios that they had; of channels, all of their neurons.
#[test]
fn thresholds_keep_their_ratios() {
    let net = network([2, 6, 9], &[conv(5, each(5, 1.0)), pool(each(5, 0.5)), dense(4, each(4, 2.0))]);
    let spinnaker = Target::Spinnaker(Spinnaker { enforce_limits: true });
    for target in targets().into_iter().chain([spinnaker.clone()]) {
        let found = quantized(&net, target, Granularity::Layer);
        for (layer, [channels, plane]) in found.layers().iter().zip([[5, 48], [5, 6], [4, 1]]) {
            let PerNeuron::Each(v_th) = &layer.params.v_th else { panic!("of each neuron") };
            assert_eq!(v_th.len(), channels * plane);
            for (channel, of) in v_th.chunks_exact(plane).enumerate() {
                assert!(of.iter().all(|v_th| *v_th == of[0]));
                let ratio = f64::from(of[0]) / f64::from(v_th[0]);
                assert!((ratio / factor(channel) - 1.0).abs() < 0.02, "{ratio} of {channel}");
            }
        }
    }
    // Its membrane has a scale of its own.
    let found = quantized(&net, spinnaker, Granularity::Layer);
    assert_eq!(found.layers()[0].params.v_th.get(0), 1 << 15);
}

/// A threshold that is next to nothing beside the others has no number.
#[test]
fn thresholds_too_far_apart_are_refused() {
    let net = network([5, 1, 1], &[dense(3, json!([1e-6, 1.0, 1.0]))]);
    let message = |target: Target| {
        let quantization = Quantization { target, scale: Scale::Max, granularity: Granularity::Layer };
        Grid::new(&net, &quantization).unwrap_err().to_string()
    };
    let [coarse, _, _, loihi] = targets().try_into().unwrap();
    assert_eq!(message(loihi), "layers[0] must be of thresholds of at least a unit of their weights, got 0");
    let expected = "the threshold of layers[0] must be in [1, 32766] in units of a membrane of 16 bits, got 0";
    assert_eq!(message(coarse), expected);
}
