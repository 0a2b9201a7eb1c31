//! Thresholds that differ: weights and thresholds scaled alike are the same neuron.

use serde_json::{Value, json};

use super::spatial::{conv, pool, spatial_case};
use super::*;

/// Computes the gradients of all trainable connections in the order of their matrices, and the spikes of each layer.
fn run<F: Real>(case: &Case, net: &Network<F>) -> (Vec<Vec<F>>, Vec<u64>) {
    let input = trains(&case.rasters().into_iter().map(|raster| vec![raster]).collect::<Vec<_>>(), 0);
    let classes = Classes::new(&case.labels, net.n_out()).unwrap();
    let source = Source::Simulate { data: Data::Spikes(&input), seed: 1, epoch: 1 };
    let targets = Targets::Classes(&classes);
    let batch = Batch { source, samples: &case.samples, targets, weights: Some(&case.weights) };
    let mut trainer = Trainer::<F>::new(case.config(), net, Some(2)).unwrap();
    let (gradients, stats) = trainer.gradients(net, &batch, &mut || true).unwrap();
    let rows = net.trainable().zip(gradients.parts()).map(|((_, c), got)| c.synapses().rows_of(&got)).collect();
    (rows, stats.n_spikes)
}

/// A power of two for each channel.
fn factor(channel: usize) -> f64 {
    2f64.powi([0, 3, -2, 1, -5][channel % 5])
}

/// Gives every layer but pools thresholds times [`factor`], and its weights likewise; every pool a list of what it has.
fn scaled<F: Real>(case: &Case) -> (Case, Network<F>) {
    let plain = case.network::<F>();
    let mut network = case.network.clone();
    for (l, layer) in plain.layers().iter().enumerate() {
        let scale = |channel| if layer.below().is_trainable() { factor(channel) } else { 1.0 };
        let v_th: Vec<f64> = (0..layer.shape().channels).map(|c| scale(c) * layer.params().v_th).collect();
        network["layers"][l]["v_th"] = json!(v_th);
    }
    let case = Case { network, ..case.clone() };
    let mut net = case.network::<F>();
    for ((_, connection), (_, of_plain)) in net.trainable_mut().zip(plain.trainable()) {
        let columns = of_plain.pattern().matrix()[1];
        let rows = of_plain.synapses().rows();
        let scaled = rows.iter().enumerate().map(|(at, &w)| w * F::from_f64(factor(at / columns)));
        connection.set_rows(&scaled.collect::<Vec<_>>());
    }
    (case, net)
}

fn layers_of_all_kinds() -> Vec<Case> {
    let all = json!({"kind": "all_to_all", "self_loops": false});
    let planes = [
        conv(20, [3, 2], [1, 1], [1, 0], json!({})),
        pool([2, 2], [2, 2], [0, 0]),
        conv(6, [2, 2], [1, 1], [0, 0], json!({"groups": 2})),
    ];
    let planes = |top: Vec<Value>| planes.iter().cloned().chain(top).collect::<Vec<_>>();
    let flat = || vec![dense(37, 0.4, 0.0), dense(3, 0.4, 0.0)];
    vec![
        case(8, &[dense(70, 0.6, 0.0), dense(3, 0.3, 0.0)], rule("closed_form", 0.0, true)),
        case(8, &[dense(40, 0.5, 0.0), dense(3, 0.2, 0.0)], rule("none", 0.5, false)),
        Case { delays: 3, ..spatial_case([2, 6, 7], &planes(flat()), rule("none", 0.0, true)) },
        case(8, &[recurrent(70, 0.6, all.clone()), dense(3, 0.3, 0.0)], rule("closed_form", 0.0, true)),
        case(8, &[recurrent(40, 0.6, all), dense(3, 0.3, 0.0)], rule("closed_form", 0.5, false)),
    ]
}

fn check<F: Real>(precision: f64) {
    for case in layers_of_all_kinds() {
        let net = case.network::<F>();
        let (plain, n_spikes) = run(&case, &net);
        let (other, scaled) = scaled::<F>(&case);
        let (got, n_scaled) = run(&other, &scaled);
        assert_eq!(n_scaled, n_spikes);
        assert!(n_spikes.iter().all(|&n| n > 10), "{n_spikes:?}");
        let is_exact = net.layers().iter().all(|layer| layer.recurrent().is_none());
        for ((_, connection), (plain, got)) in net.trainable().zip(plain.iter().zip(&got)) {
            let columns = connection.pattern().matrix()[1];
            let back = |(at, w): (usize, &F)| w.widen() * factor(at / columns);
            let got: Vec<f64> = got.iter().enumerate().map(back).collect();
            let expected: Vec<f64> = plain.iter().map(|w| w.widen()).collect();
            if is_exact {
                assert_eq!(got, expected);
            } else {
                close(connection.origin().weight_key(), &got, &expected, precision, |_| true);
            }
        }
    }
}

#[test]
fn scaled_neurons_fire_and_learn_alike() {
    check::<f64>(1e-10);
    check::<f32>(1e-3);
}

/// As a list and as one number.
#[test]
fn equal_thresholds_are_one() {
    for case in layers_of_all_kinds() {
        let mut listed = case.network.clone();
        for (l, layer) in case.network::<f32>().layers().iter().enumerate() {
            listed["layers"][l]["v_th"] = json!(vec![layer.params().v_th; layer.shape().channels]);
        }
        let listed = Case { network: listed, ..case.clone() };
        assert_eq!(run(&listed, &listed.network::<f32>()), run(&case, &case.network::<f32>()));
    }
}

/// Of no round ratio, each channel or neuron its own, in every engine.
#[test]
fn gradients_are_those_of_the_definition() {
    for case in layers_of_all_kinds() {
        let mut network = case.network.clone();
        for (l, layer) in case.network::<f64>().layers().iter().enumerate() {
            let v_th = |c: usize| layer.params().v_th * (0.6 + 0.83 * ((7 * c + 3) % 11) as f64 / 11.0);
            network["layers"][l]["v_th"] = json!((0..layer.shape().channels).map(v_th).collect::<Vec<_>>());
        }
        let case = Case { network, ..case };
        case.check::<f64>(1e-9);
        case.check::<f32>(2e-3);
    }
}

#[test]
fn what_is_wrong_is_told_by_layer() {
    let message = |layer: usize, v_th: Value| {
        let layers = [conv(4, [2, 2], [1, 1], [0, 0], json!({})), dense(3, 0.3, 0.0)];
        let mut case = spatial_case([1, 4, 4], &layers, rule("none", 0.0, true));
        case.network["layers"][layer]["v_th"] = v_th;
        Network::<f32>::new(serde_json::from_value(case.network).unwrap()).unwrap_err().to_string()
    };
    let channels = "layers[0].v_th must be one number, or one for each of the 4 channels, got 3 numbers";
    assert_eq!(message(0, json!([1.0, 1.0, 1.0])), channels);
    let neurons = "layers[1].v_th must be one number, or one for each of the 3 neurons, got 4 numbers";
    assert_eq!(message(1, json!([1.0, 1.0, 1.0, 1.0])), neurons);
    assert_eq!(message(1, json!([1.0, -1.0, 1.0])), "layers[1].v_th[1] must be finite and > 0, got -1");
    assert!(message(1, json!([])).starts_with("layers[1].v_th must be a number, or one for each"));
    assert!(message(0, json!([1.0, 1e-70, 1.0, 1.0])).starts_with("layers[0].v_th[1] must be a normal float32 number"));
}
