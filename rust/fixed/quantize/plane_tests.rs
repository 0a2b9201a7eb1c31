//! Convolutions and pools brought to fixed point.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{scale, target};
use super::*;
use crate::fixed::targets::{CortexM, Loihi, QFormat, Spinnaker, Xylo, XyloDevice};
use crate::neuron::fixed::{PerNeuron, Rounding};

/// A layer of the neurons that all of them have here, with more fields.
fn layer(more: Value) -> Value {
    let mut layer = json!({"tau_m": 64.0, "tau_s": 8.0, "v_th": 1.0, "t_ref": 2.0, "discretisation": "euler"});
    layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    layer
}

fn conv(channels: usize, kernel: [usize; 2], groups: usize) -> Value {
    layer(json!({"kind": "conv2d", "channels": channels, "kernel": kernel, "stride": [1, 1], "padding": [1, 0],
        "dilation": [1, 1], "groups": groups, "init": {"kind": "uniform", "low": -1.0, "high": 1.0}}))
}

fn pool(kernel: [usize; 2]) -> Value {
    layer(json!({"kind": "avg_pool2d", "kernel": kernel, "stride": kernel, "padding": [0, 0]}))
}

fn dense(n: usize) -> Value {
    layer(
        json!({"kind": "dense", "n": n, "lateral_inhibition": 0.0, "init": {"kind": "uniform", "low": -1.0, "high": 1.0}}),
    )
}

fn network(in_shape: [usize; 3], layers: Value) -> Network<f32> {
    let n_in: usize = in_shape.iter().product();
    let config = json!({"n_in": n_in, "in_shape": in_shape, "layers": layers, "dt": 1.0, "seed": 7});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

/// Three channels of 6 x 8 above two of 6 x 9, windows of 2 x 3, and five neurons.
fn stack() -> Network<f32> {
    network([2, 6, 9], json!([conv(3, [3, 2], 1), pool([2, 3]), dense(5)]))
}

fn qformat(weight_bits: u32) -> Target {
    Target::Qformat(QFormat { weight_bits, state_bits: 16, decay_bits: 12, rounding: Rounding::Nearest })
}

fn grid(net: &Network<f32>, target: Target, granularity: Granularity) -> Result<Grid> {
    Grid::new(net, &Quantization { target, scale: Scale::Mse, granularity })
}

fn message(net: &Network<f32>, target: Target) -> String {
    grid(net, target, Granularity::Layer).unwrap_err().to_string()
}

proptest! {
    /// On any target: kernels are the nearest integers, of a scale for all or for each channel, and windows have one that stands for
    /// their constant.
    #[test]
    fn kernels_are_rounded_and_windows_are_exact(
        target in target(),
        scale in scale(3),
        granularity in proptest::sample::select(&[Granularity::Layer, Granularity::Neuron][..]),
    ) {
        let net = stack();
        let grid = match Grid::new(&net, &Quantization { target: target.clone(), scale, granularity }) {
            Ok(grid) => grid,
            Err(error) => {
                let coarse = matches!(target, Target::Qformat(QFormat { state_bits, decay_bits, .. }) if state_bits < 12 || decay_bits < 4);
                prop_assert!(coarse || matches!(target, Target::Xylo(_)), "{error}");
                return Ok(());
            }
        };
        let integers = grid.network(&net).unwrap();
        let [kernels, windows, _] = integers.layers() else { panic!("three layers") };
        let [conv, pool, _] = &grid.layers[..] else { panic!("three layers") };
        // One for all, also of targets whose scales are their own.
        prop_assert!([1, 3].contains(&conv.scale.len()) && pool.scale.len() == 1);
        let v_th = |layer: &FixedLayer| layer.params.v_th.clone();
        if let PerNeuron::Each(v_th) = v_th(kernels) {
            prop_assert_eq!((granularity, v_th.len(), conv.scale.len()), (Granularity::Neuron, 3 * 48, 3));
            prop_assert!(v_th.chunks(48).all(|channel| channel.iter().all(|v_th| *v_th == channel[0])));
        }
        prop_assert!(matches!(v_th(windows), PerNeuron::Same(_)));
        let WeightGrid { levels, step } = conv.grid;
        let rows = net.layers()[0].synapses().rows();
        for (at, (&integer, &w)) in kernels.below().weight.iter().zip(&rows).enumerate() {
            let nearest = f64::from(w) / (conv.scale_of(at / 12) * f64::from(step));
            let nearest = nearest.clamp(-f64::from(levels), f64::from(levels));
            prop_assert!((f64::from(integer / step) - nearest).abs() <= 0.5 + 1e-9);
            prop_assert_eq!(integer % step, 0);
        }
        let held = f64::from(windows.below().weight[0]) * pool.scale[0];
        let off = (held * 6.0 - 1.0).abs();
        match target {
            // Units of 2^-12 here.
            Target::Spinnaker(_) => prop_assert!(off < 6.0 / 8192.0, "{}", held),
            _ => prop_assert!(off < 1e-12, "{}", held),
        }
        let mut rounded = net.clone();
        grid.represent(&integers, &mut rounded);
        prop_assert!((f64::from(rounded.layers()[1].weight().get(0, 0)) * 6.0 - 1.0).abs() < off + 1e-6);
    }
}

#[test]
fn channels_have_scales_of_their_own() {
    let mut net = stack();
    let mut rows = net.layers()[0].synapses().rows();
    rows[12..24].iter_mut().for_each(|w| *w *= 0.25);
    rows[24..].fill(0.0);
    net.layers_mut()[0].connections_mut()[0].set_rows(&rows);
    let found = grid(&net, qformat(8), Granularity::Neuron).unwrap();
    let scale = &found.layers[0].scale;
    assert!(scale[0] / scale[1] > 3.0, "{scale:?}");
    let PerNeuron::Each(v_th) = &found.layers[0].format.v_th else { panic!("of each neuron") };
    let times = f64::from(v_th[48]) / f64::from(v_th[0]);
    assert!((times / (scale[0] / scale[1]) - 1.0).abs() < 0.01, "{times}");
    // One for all channels where that is asked for.
    let found = grid(&net, qformat(8), Granularity::Layer).unwrap();
    assert_eq!((found.layers[0].scale.len(), found.layers[1].scale.len()), (1, 1));
    // What is lost is told channel by channel.
    let coarse = [1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
    rows[..12].copy_from_slice(&coarse);
    rows[12..24].fill(0.01);
    net.layers_mut()[0].connections_mut()[0].set_rows(&rows);
    let notes = grid(&net, qformat(2), Granularity::Layer).unwrap().notes;
    assert!(
        notes[0].text.starts_with("layers[0]: 95.8% of the weights (23 of 24, all of 1 of its 3 channels) become 0"),
        "{notes:?}"
    );
}

/// Weights of windows are not clipped, whatever is asked for those of kernels.
#[test]
fn scales_of_kernels_do_not_concern_windows() {
    let net = stack();
    for scale in [Scale::Clip { fractions: vec![0.1; 3] }, Scale::Percentile { percent: 1.0 }] {
        let found =
            Grid::new(&net, &Quantization { target: qformat(8), scale, granularity: Granularity::Layer }).unwrap();
        let integers = found.network(&net).unwrap();
        assert_eq!(integers.layers()[1].below().weight, [127]);
        assert_eq!(integers.layers()[0].below().weight.iter().max(), Some(&127));
    }
}

/// Where a threshold would have no room, windows have a smaller integer, not another weight.
#[test]
fn windows_are_exact_where_thresholds_are_large() {
    let loihi = Target::Loihi(Loihi { weight_bits: 8, enforce_limits: true });
    for (v_th, levels) in [(1.0, 127), (16.0, 85), (1000.0, 1)] {
        let mut windows = pool([2, 3]);
        windows["v_th"] = v_th.into();
        let net = network([2, 6, 9], json!([windows]));
        let found = grid(&net, loihi.clone(), Granularity::Layer).unwrap();
        let integers = found.network(&net).unwrap();
        let (weight, step) = (integers.layers()[0].below().weight[0], integers.layers()[0].step);
        assert_eq!(weight / step, levels, "{v_th}: {weight} of {step}");
        let off = f64::from(weight) * found.layers[0].scale[0] * 6.0 - 1.0;
        assert!(off.abs() < 1e-12, "{v_th}: {off}");
        let v_th_of_weights = f64::from(found.layers[0].format.v_th.get(0) >> 6) / f64::from(weight);
        assert!((v_th_of_weights / (v_th * 8.0 * 6.0) - 1.0).abs() < 0.01, "{v_th}: {v_th_of_weights}");
        assert!(found.notes.is_empty(), "{:?}", found.notes);
    }
    // SpiNNaker has a scale of its own, of 2^-12 here: 1 / 289 is 14.2 of these, and 1 / 8281 less than a half.
    let spinnaker = Target::Spinnaker(Spinnaker { enforce_limits: true });
    let of = |kernel: usize| network([1, kernel, kernel], json!([pool([kernel, kernel])]));
    let notes = grid(&of(17), spinnaker.clone(), Granularity::Layer).unwrap().notes;
    let expected = "layers[0]: the weight of its windows, 0.0035, becomes 0.0034 on SpiNNaker, whose scale of weights is its own; to \
                    make up for it, train through this target";
    assert_eq!(notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), [expected]);
    assert!(
        message(&of(91), spinnaker).starts_with("weights of layers[0] must be some that do not become 0 on SpiNNaker")
    );
}

#[test]
fn room_is_for_the_synapses_there_are() {
    let loihi = |enforce_limits| Target::Loihi(Loihi { weight_bits: 8, enforce_limits });
    // 16 channels of 16 x 16 taps are the 4096 that Loihi has room for, 17 of them are not; and of taps, those within the plane count.
    let net = |channels, kernel: usize| network([channels, 16, 16], json!([conv(1, [kernel, 16], 1)]));
    grid(&net(16, 16), loihi(true), Granularity::Layer).unwrap();
    grid(&net(16, 18), loihi(true), Granularity::Layer).unwrap();
    assert_eq!(
        message(&net(17, 16), loihi(true)),
        "layers[0] must be of at most 4096 synapses onto a neuron, on this target, got 4352"
    );
    grid(&net(17, 16), loihi(false), Granularity::Layer).unwrap();
    let windows = |kernel: usize| network([1, kernel, 64], json!([pool([kernel, 64])]));
    grid(&windows(64), loihi(true), Granularity::Layer).unwrap();
    assert_eq!(
        message(&windows(65), loihi(true)),
        "layers[0] must be of at most 4096 synapses onto a neuron, on this target, got 4160"
    );
    // Neurons of all positions and channels.
    let net = network([1, 258, 257], json!([conv(2, [3, 1], 1)]));
    assert!(message(&net, loihi(true)).ends_with("got 132612"), "{}", message(&net, loihi(true)));
    // A microcontroller has as many as it counts.
    let cortex = Target::CortexM(CortexM { weight_bits: 8 });
    grid(&stack(), cortex, Granularity::Neuron).unwrap();
}

#[test]
fn fan_out_is_of_positions_and_channels() {
    let net = network([1, 3, 4], json!([conv(2, [2, 2], 1), conv(3, [3, 3], 1), dense(1)]));
    let mut integers = grid(&net, qformat(8), Granularity::Layer).unwrap().rounded(&net).unwrap();
    integers[1].connections[0].weight.fill(1);
    let mut refused = |most| {
        integers[0].params.limits.fan_out = Some(most);
        check_limits(&integers).err().map(|error| error.to_string())
    };
    // 4 x 3 positions of 2 channels, each neuron of which is in windows of 3 x 3 that are at 4 x 1 positions, of 3 channels.
    assert_eq!(refused(9), None);
    let expected = "fan-out of neuron 3 of layers[0] must be <= 8 synapses, as the hardware has it, got 9";
    assert_eq!(refused(8).as_deref(), Some(expected));
}

#[test]
fn xylo_refuses_what_slides() {
    let xylo = |enforce_limits| Target::Xylo(Xylo { device: XyloDevice::Audio2, enforce_limits });
    let name = XyloDevice::Audio2.name();
    for enforce in [true, false] {
        let error = message(&stack(), xylo(enforce));
        let expected = "which holds a weight for every synapse, got a convolution";
        assert_eq!(error, format!("layers[0] must be dense or recurrent on {name}, {expected}"));
        let error = message(&network([1, 2, 2], json!([dense(4), pool([1, 1]), dense(2)])), xylo(enforce));
        let expected = "which holds a weight for every synapse, got average pooling";
        assert_eq!(error, format!("layers[1] must be dense or recurrent on {name}, {expected}"));
    }
}
