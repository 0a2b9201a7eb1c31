//! What a network in fixed point must be, so that it can be run.

use super::*;
use crate::fixed::strategies::layer;
use crate::network::{Dense, Shape};
use crate::neuron::fixed::{Decay, FiresAt, FixedModel, Reset, Rounding, XyloVersion};

fn lif(weight_bits: u32) -> FixedParams {
    let decay = || Decay::Multiply { factor: 3500.into(), bits: 12 };
    FixedParams::new(weight_bits, 16, 16, decay(), decay(), 100)
}

/// Xylo's hidden neurons.
fn xylo() -> FixedParams {
    let decay = || Decay::Shift { shift: 3.into(), least_one: true };
    FixedParams {
        model: FixedModel::Xylo(XyloVersion::V2),
        rounding: Rounding::Floor,
        fires_at: FiresAt::Threshold,
        reset: Reset::Subtract,
        max_spikes: 31,
        ..FixedParams::new(16, 16, 16, decay(), decay(), 100)
    }
}

/// A recurrent layer of 2 neurons above 3.
fn recurrent(params: &FixedParams) -> FixedLayer {
    layer(params, [2, 3], (vec![1, 2, 3, 4, 5, 6], Taps::all(0)), Some((vec![7, 8, 9, 10], Taps::all(0))))
}

/// A layer of one neuron above 2.
fn output(params: &FixedParams) -> FixedLayer {
    layer(params, [1, 2], (vec![1, 2], Taps::all(0)), None)
}

fn refused(layers: Vec<FixedLayer>) -> String {
    FixedNetwork::new(layers).unwrap_err().to_string()
}

#[test]
fn tells_what_it_is_made_of() {
    let network = FixedNetwork::new(vec![recurrent(&lif(8)), output(&lif(8))]).unwrap();
    let [hidden, last] = network.layers() else { panic!("two layers") };
    assert_eq!((network.n_in(), hidden.n_out(), hidden.n_in(), last.n_out()), (3, 2, 3, 1));
    assert_eq!((hidden.below().weight[4], hidden.recurrent().unwrap().weight[3]), (5, 10));
    assert!(last.recurrent().is_none());
    // Both connections: 1 + 2 + 3 + 7 + 8, 4 + 5 + 6 + 9 + 10.
    assert_eq!(hidden.sums().unwrap(), [21, 34]);
}

#[test]
fn weights_that_a_format_does_not_hold_are_named() {
    let with = |change: &dyn Fn(&mut FixedLayer)| {
        let mut layer = recurrent(&lif(8));
        change(&mut layer);
        refused(vec![layer])
    };
    let expected = "in [-128, 127], of weight_bits = 8, got";
    assert_eq!(
        with(&|layer| layer.connections[0].weight[4] = 128),
        format!("layers[0].weight[1, 1] must be {expected} 128")
    );
    assert_eq!(
        with(&|layer| layer.connections[1].weight[1] = -129),
        format!("layers[0].recurrent_weight[0, 1] must be {expected} -129")
    );
    assert_eq!(
        with(&|layer| layer.connections[1].weight.truncate(3)),
        "layers[0].recurrent_weight has shape (3,), expected (2 * 2,)"
    );
    assert_eq!(with(&|layer| layer.params.weight_bits = 0), "weight_bits must be in [1, 32], got 0");
    assert!(with(&|layer| layer.connections.reverse()).starts_with("connections of layers[0] must be one from below"));
    assert!(with(&|layer| layer.connections.clear()).ends_with("got []"));
    let pattern = |pre, post| Pattern::Dense(Dense { pre: Shape::flat(pre), post: Shape::flat(post) });
    assert_eq!(
        with(&|layer| layer.connections[0].pattern = pattern(3, 0)),
        "layers[0].weight must be from 3 neurons onto 0, of either at least one, got from 3 onto 0"
    );
    assert_eq!(
        with(&|layer| layer.connections[1].pattern = pattern(3, 2)),
        "layers[0].recurrent_weight must be from 2 neurons onto 2, of either at least one, got from 3 onto 2"
    );
    let wide = |w: i32| layer(&lif(32), [1, 2], (vec![w, w], Taps::all(0)), None);
    assert_eq!(
        refused(vec![wide(1 << 30)]),
        "layers[0].weight must be of magnitudes that add up to < 2^31 for each neuron, got 2147483648"
    );
    FixedNetwork::new(vec![wide((1 << 30) - 1)]).unwrap();
    assert_eq!(refused(Vec::new()), "layers must be at least one, got none");
    assert_eq!(
        refused(vec![output(&lif(8)), output(&lif(8))]),
        "n_in of layers[1] must be the 1 neurons of layers[0], got 2"
    );
}

#[test]
fn each_model_has_rules_of_its_own() {
    let delayed =
        |params: &FixedParams| layer(params, [2, 1], (vec![1, 2], Taps::all(0)), Some((vec![1; 4], Taps::all(2))));
    FixedNetwork::new(vec![delayed(&lif(8))]).unwrap();
    assert_eq!(refused(vec![delayed(&xylo())]), "delay must be 0 steps by the rules of Xylo, got 2");
    let several = FixedParams { max_spikes: 2, reset: Reset::Subtract, ..lif(8) };
    assert_eq!(
        refused(vec![output(&several)]),
        "max_spikes must be 1 by the rules \"lif\" (others run in a graph), got 2"
    );
    FixedNetwork::new(vec![recurrent(&xylo()), output(&xylo())]).unwrap();
    assert_eq!(
        refused(vec![recurrent(&xylo()), output(&lif(8))]),
        "max_spikes of layers[0] must be at most 1, what layers[1] counts of a neuron in a step, got 31"
    );
    FixedNetwork::new(vec![recurrent(&FixedParams { max_spikes: 1, ..xylo() }), output(&lif(8))]).unwrap();
}
