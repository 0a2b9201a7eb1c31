//! Files of networks in fixed point.

use serde_json::{Value, json};

use super::*;
use crate::fixed::strategies::layer as fixed_layer;
use crate::network::Taps;
use crate::network::io::tests::{Stored, changed};

/// Makes two recurrent layers and one that is not, with weights that tell all arrays apart.
fn network() -> (Network<f32>, FixedNetwork) {
    let layer = |more: Value| {
        let mut layer = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0, "discretisation": "euler",
            "init": {"kind": "constant", "value": 0.5}});
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let recurrent = json!({"kind": "recurrent", "n": 3, "mask": {"kind": "all_to_all", "self_loops": true},
        "recurrent_init": {"kind": "constant", "value": 0.5}});
    let lateral = json!({"kind": "dense", "n": 2, "lateral_inhibition": 0.1});
    let plain = json!({"kind": "dense", "n": 4, "lateral_inhibition": 0.0});
    let layers = [layer(recurrent), layer(lateral), layer(plain)];
    let config = json!({"n_in": 5, "layers": layers, "dt": 1.0, "seed": 4});
    let net = Network::new(serde_json::from_value(config).unwrap()).unwrap();
    let decay = || crate::neuron::fixed::Decay::Multiply { factor: 3500.into(), bits: 12 };
    let integers = |(l, [n, n_in, is_recurrent]): (i32, [i32; 3])| {
        let format = FixedParams::new(16, 16, 16, decay(), decay(), 100 + l);
        let weight = ((0..n * n_in).map(|at| 100 * l + at).collect(), Taps::all(0));
        let recurrent = (is_recurrent == 1).then(|| ((0..n * n).map(|at| -100 * l - at).collect(), Taps::all(0)));
        let layer = fixed_layer(&format, [n as usize, n_in as usize], weight, recurrent);
        FixedLayer { scale: if l == 1 { vec![0.5, 0.25] } else { vec![0.125] }, step: 1 << l, ..layer }
    };
    let mut layers: Vec<_> = (0..).zip([[3, 5, 1], [2, 3, 1], [4, 2, 0]]).map(integers).collect();
    for (layer, float) in layers.iter_mut().zip(net.layers()) {
        for (connection, float) in layer.connections.iter_mut().zip(float.connections()) {
            connection.pattern = *float.pattern();
        }
    }
    (net, FixedNetwork::new(layers).unwrap())
}

fn read(bytes: &[u8]) -> Result<(Network<f32>, FixedNetwork, Value)> {
    fixed_from_bytes(Path::new("file"), bytes)
}

#[test]
fn what_is_written_is_read() {
    let (net, layers) = network();
    let bytes = fixed_to_bytes(&net, &layers, json!({"own": 1})).unwrap();
    let (again, found, user) = read(&bytes).unwrap();
    assert_eq!((again.config(), user), (net.config(), json!({"own": 1})));
    assert_eq!(found, layers);
    assert_eq!(found.layers().len(), 3);
}

/// Kernels, windows and neurons, with delays.
#[test]
fn planes_are_written_and_read() {
    let neuron = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0, "discretisation": "euler"});
    let layer = |more: Value| {
        let mut layer = neuron.clone();
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let init = json!({"kind": "uniform", "low": -1.0, "high": 1.0});
    let conv = json!({"kind": "conv2d", "channels": 4, "kernel": [3, 2], "stride": [1, 2], "padding": [1, 1], "dilation": [1, 1],
        "groups": 2, "init": init, "delay": {"kind": "uniform_delay", "low": 0.0, "high": 3.0}});
    let pool = json!({"kind": "avg_pool2d", "kernel": [2, 2], "stride": [2, 2], "padding": [0, 1]});
    let dense = json!({"kind": "dense", "n": 3, "lateral_inhibition": 0.1, "init": init});
    let config = json!({"n_in": 60, "in_shape": [2, 5, 6], "layers": [layer(conv), layer(pool), layer(dense)], "dt": 1.0, "seed": 4});
    let net: Network<f32> = Network::new(serde_json::from_value(config).unwrap()).unwrap();
    let target =
        json!({"kind": "qformat", "weight_bits": 8, "state_bits": 16, "decay_bits": 12, "rounding": "nearest"});
    let quantization = json!({"target": target, "scale": {"kind": "mse"}, "granularity": "neuron"});
    let grid = crate::fixed::Grid::new(&net, &serde_json::from_value(quantization).unwrap()).unwrap();
    let layers = grid.network(&net).unwrap();
    let [kernels, windows, _] = layers.layers() else { panic!("three layers") };
    assert_eq!((kernels.below().pattern.matrix(), windows.below().pattern.matrix()), ([4, 6], [1, 1]));
    assert!(kernels.below().taps.steps().len() > 1);
    let bytes = fixed_to_bytes(&net, &layers, Value::Null).unwrap();
    let (again, found, _) = read(&bytes).unwrap();
    assert_eq!((again.config(), found), (net.config(), layers));
    for l in 0..2 {
        let name = format!("layers.{l}.fixed_weight");
        let lacks =
            read(&changed(&bytes, |arrays: &mut Stored, _: &mut Value| drop(arrays.remove(&name)))).unwrap_err();
        assert!(lacks.to_string().ends_with(&format!("lacks the array '{name}'")), "{lacks}");
    }
}

#[test]
fn what_no_conversion_could_have_written_is_refused() {
    let (net, layers) = network();
    let bytes = fixed_to_bytes(&net, &layers, Value::Null).unwrap();
    let message = |change: &dyn Fn(&mut Stored, &mut Value)| read(&changed(&bytes, change)).unwrap_err().to_string();
    // By these names, which files of before have.
    for (l, name) in [(0, "weight"), (0, "recurrent_weight"), (1, "weight"), (1, "recurrent_weight"), (2, "weight")] {
        let name = format!("layers.{l}.fixed_{name}");
        let lacks = message(&|arrays, _| drop(arrays.remove(&name)));
        assert!(lacks.ends_with(&format!("lacks the array '{name}'")), "{lacks}");
    }
    let layer = |pointer: &str, value: Value| {
        message(&|_, header| *header.pointer_mut(&format!("/extra/layers{pointer}")).unwrap() = value.clone())
    };
    for (pointer, value, expected) in [
        ("/0/step", json!(0), "layers[0].step must be >= 1, got 0"),
        ("/1/scale", json!([0.5, 0.0]), "layers[1].scale must be finite and > 0, got 0"),
        ("/1/scale", json!([0.5, -1.0]), "layers[1].scale must be finite and > 0, got -1"),
        ("/2/scale", json!([0.0]), "layers[2].scale must be finite and > 0, got 0"),
        ("/0/scale", json!([1.0, 1.0]), "layers[0].scale has shape (2,), expected (1,) or (n_out=3,)"),
        ("/0/format/weight_bits", json!(4), "layers[0].weight[1, 3] must be in [-8, 7], of weight_bits = 4, got 8"),
    ] {
        let refused = layer(pointer, value);
        assert!(refused.ends_with(expected), "{refused}");
    }
    assert!(layer("/2/format/weight_bits", json!(40)).contains("layer 2: weight_bits"));
    assert!(layer("/2/format", json!(7)).contains("has damaged metadata"));
    let fewer = message(&|_, header| header["extra"]["layers"].as_array_mut().unwrap().truncate(2));
    assert!(fewer.ends_with("has 2 layers in fixed point, expected 3"), "{fewer}");
    let other = message(&|_, header| header["content"] = json!("network"));
    assert!(other.ends_with("holds a network, expected a network in fixed point"), "{other}");
}
