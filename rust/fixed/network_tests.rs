//! What a network in fixed point must be, so that it can be run.

use super::*;
use crate::fixed::strategies::layer;
use crate::network::{AvgPool2d, Conv2d, ConvSizes, Dense, Shape};
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

/// A convolution of two channels over one of 3 x 4, of kernels of 2 x 2, or windows of 2 x 2 of its channels.
fn spatial(params: &FixedParams, is_pool: bool) -> FixedLayer {
    let [kernel, stride, padding] = [[2, 2], [1, 1], [0, 1]];
    let (pattern, weight) = if is_pool {
        let pre = Shape { channels: 2, height: 3, width: 4 };
        (Pattern::AvgPool2d(AvgPool2d::new("pool", pre, kernel, stride, padding).unwrap()), vec![-9])
    } else {
        let pre = Shape { channels: 1, height: 3, width: 4 };
        let sizes = ConvSizes { channels: 2, kernel, stride, padding, dilation: [1, 1], groups: 1 };
        (Pattern::Conv2d(Conv2d::new("conv", pre, sizes).unwrap()), vec![1, -2, 3, 4, 5, 6, 7, -8])
    };
    let connection = FixedConnection { origin: Origin::Below, pattern, weight, taps: Taps::all(0) };
    FixedLayer { params: params.clone(), connections: vec![connection], scale: vec![1.0], step: 1 }
}

#[test]
fn planes_are_made_of_rows_that_neurons_share() {
    let conv = spatial(&lif(8), false);
    assert_eq!((conv.n_in(), conv.n_out(), conv.below().fan_in()), (12, 2 * 2 * 5, 4));
    // Of each channel the kernel, of windows four times their weight.
    let sums = conv.sums().unwrap();
    assert_eq!((&sums[..10], &sums[10..]), (&[10; 10][..], &[26; 10][..]));
    assert_eq!(spatial(&lif(8), true).sums().unwrap(), [36; 20]);
    let with = |is_pool, change: &dyn Fn(&mut FixedLayer)| {
        let mut layer = spatial(&lif(8), is_pool);
        change(&mut layer);
        refused(vec![layer])
    };
    FixedNetwork::new(vec![FixedLayer { scale: vec![1.0, 2.0], ..conv.clone() }]).unwrap();
    assert_eq!(
        with(false, &|layer| layer.scale = vec![1.0; 20]),
        "layers[0].scale has shape (20,), expected (1,) or, a number for each row of the weights, (2,)"
    );
    assert_eq!(
        with(false, &|layer| layer.connections[0].weight[7] = 128),
        "layers[0].weight[1, 3] must be in [-128, 127], of weight_bits = 8, got 128"
    );
    assert_eq!(
        with(true, &|layer| layer.connections[0].weight = vec![1, 2]),
        "layers[0].weight has shape (2,), expected (1 * 1,)"
    );
    let lateral = |layer: &mut FixedLayer| {
        let pattern = Pattern::Lateral(crate::network::Lateral { shape: Shape::flat(20), strength: 1.0 });
        let connection = FixedConnection { origin: Origin::Itself, pattern, weight: vec![0; 400], taps: Taps::all(0) };
        layer.connections.push(connection);
    };
    assert_eq!(
        with(true, &lateral),
        "connections of layers[0] must be one from below alone, that of average pooling, got [Below, Itself]"
    );
    let wide = FixedParams { weight_bits: 32, ..lif(8) };
    let mut windows = spatial(&wide, true);
    windows.connections[0].weight = vec![1 << 29];
    assert!(refused(vec![windows]).ends_with("add up to < 2^31 for each neuron, got 2147483648"));
    // No neurons of Xylo.
    for (is_pool, kind) in [(false, "a convolution"), (true, "average pooling")] {
        let expected =
            "layers[0] must be dense or recurrent by the rules of Xylo, which have a weight for every synapse, got";
        assert_eq!(refused(vec![spatial(&xylo(), is_pool)]), format!("{expected} {kind}"));
    }
}
