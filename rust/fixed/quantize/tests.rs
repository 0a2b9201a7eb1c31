use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixed::targets::{CortexM, Loihi, QFormat, Spinnaker, Xylo, XyloDevice};
use crate::neuron::fixed::Rounding;

pub fn target() -> impl Strategy<Value = Target> {
    let qformat = (2u32..=16, 8u32..=32, 1u32..=31).prop_map(|(weight_bits, state_bits, decay_bits)| {
        Target::Qformat(QFormat { weight_bits, state_bits, decay_bits, rounding: Rounding::Nearest })
    });
    let devices = [XyloDevice::A1, XyloDevice::Audio2, XyloDevice::Audio3, XyloDevice::Imu];
    prop_oneof![
        qformat,
        (2u32..=8).prop_map(|weight_bits| Target::Loihi(Loihi { weight_bits, enforce_limits: true })),
        proptest::sample::select(devices.to_vec())
            .prop_map(|device| Target::Xylo(Xylo { device, enforce_limits: true })),
        Just(Target::Spinnaker(Spinnaker { enforce_limits: true })),
        proptest::sample::select(&[8u32, 16][..]).prop_map(|weight_bits| Target::CortexM(CortexM { weight_bits })),
    ]
}

/// Draws scales of so many layers.
pub fn scale(n_layers: usize) -> impl Strategy<Value = Scale> {
    prop_oneof![
        Just(Scale::Max),
        Just(Scale::Mse),
        (1.0..=100.0f64).prop_map(|percent| Scale::Percentile { percent }),
        (0.01..=1.0f64).prop_map(move |fraction| Scale::Clip { fractions: vec![fraction; n_layers] }),
    ]
}

fn network(tau_m: f64, tau_s: f64, v_th: f64, seed: u64) -> Network<f32> {
    let neuron = json!({
        "tau_m": tau_m, "tau_s": tau_s, "v_th": v_th, "t_ref": 2.0, "discretisation": "euler",
        "init": {"kind": "uniform", "low": -1.0, "high": 1.0},
    });
    let layer = |more: Value| {
        let mut layer = neuron.clone();
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let recurrent = json!({
        "kind": "recurrent", "n": 7, "recurrent_init": {"kind": "normal", "mean": 0.0, "std": 1.0},
        "mask": {"kind": "all_to_all", "self_loops": false},
    });
    let layers = [layer(recurrent), layer(json!({"kind": "dense", "n": 3, "lateral_inhibition": 0.5}))];
    let config = json!({"n_in": 5, "layers": layers, "dt": 1.0, "seed": seed});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

proptest! {
    /// Whatever the network, it is refused with a reason, or its weights fit their format and are the nearest ones.
    #[test]
    fn weights_fit_their_format(
        target in target(),
        scale in scale(2),
        granularity in proptest::sample::select(&[Granularity::Layer, Granularity::Neuron][..]),
        tau_m in 1.0..200.0f64,
        tau_s in 1.0..50.0f64,
        log_v_th in -6.0..8.0f64,
        seed in 0u64..100,
    ) {
        let net = network(tau_m, tau_s, 10f64.powf(log_v_th), seed);
        let quantization = Quantization { target, scale, granularity };
        let is_usual = (-0.5..1.0).contains(&log_v_th) && tau_m > 2.0;
        let may_refuse = match quantization.target {
            Target::Qformat(QFormat { state_bits, decay_bits, .. }) => state_bits < 12 || decay_bits < 4,
            // Its outputs receive nothing of each other.
            Target::Xylo(Xylo { .. }) => true,
            Target::Loihi(Loihi { .. }) | Target::Spinnaker(Spinnaker { .. }) | Target::CortexM(CortexM { .. }) => false,
        };
        let grid = match Grid::new(&net, &quantization) {
            Ok(grid) => grid,
            Err(error) => {
                prop_assert!(!is_usual || may_refuse, "{error}");
                return Ok(());
            }
        };
        let integers = grid.network(&net).unwrap();
        for ((layer, integers), float) in grid.layers.iter().zip(integers.layers()).zip(net.layers()) {
            layer.format.validate(float.n_out()).unwrap();
            prop_assert!(layer.format.v_th.values().iter().all(|&v_th| v_th >= 1));
            let (low, high) = layer.format.weight_range();
            let WeightGrid { levels, step } = layer.grid;
            let rows = float.synapses().rows();
            for (at, (&integer, &w)) in integers.below().weight.iter().zip(&rows).enumerate() {
                prop_assert!((low..=high).contains(&i64::from(integer)));
                let unit = layer.scale_of(at / float.n_in()) * f64::from(step);
                let nearest = (f64::from(w) / unit).clamp(-f64::from(levels), f64::from(levels));
                prop_assert!((f64::from(integer / step) - nearest).abs() <= 0.5 + 1e-9);
                prop_assert_eq!(integer % step, 0);
            }
        }
    }
}

#[test]
fn integers_stand_for_the_weights_of_the_network() {
    let mut net = network(64.0, 8.0, 1.0, 3);
    let target =
        Target::Qformat(QFormat { weight_bits: 4, state_bits: 16, decay_bits: 12, rounding: Rounding::Nearest });
    let quantization = Quantization { target, scale: Scale::Max, granularity: Granularity::Neuron };
    let grid = Grid::new(&net, &quantization).unwrap();
    let integers = grid.network(&net).unwrap();
    let before = net.layers()[0].synapses().rows();
    grid.represent(&integers, &mut net);
    // The same levels again: rounding what has been rounded changes nothing.
    assert_eq!(grid.network(&net).unwrap().layers()[0], integers.layers()[0]);
    let after = net.layers()[0].synapses().rows();
    let furthest = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(furthest > 0.0 && f64::from(furthest) <= 0.5001 * grid.layers[0].scale.iter().copied().fold(0.0, f64::max));
    let held = net.layers()[0].recurrent().unwrap().synapses().rows();
    assert_eq!(held[0], 0.0, "no neuron has a synapse onto itself");
}

fn config(n_in: usize, layers: Value) -> Network<f32> {
    Network::new(serde_json::from_value(json!({"n_in": n_in, "layers": layers, "dt": 1.0, "seed": 1})).unwrap())
        .unwrap()
}

fn dense(n: usize, v_th: f64, t_ref: f64, init: f64) -> Value {
    let init = json!({"kind": "constant", "value": init});
    json!({"kind": "dense", "n": n, "tau_m": 64.0, "tau_s": 8.0, "v_th": v_th, "t_ref": t_ref, "init": init, "discretisation": "euler", "lateral_inhibition": 0.0})
}

fn grid(net: &Network<f32>, target: Target) -> Result<Grid> {
    Grid::new(net, &Quantization { target, scale: Scale::Max, granularity: Granularity::Layer })
}

/// Loihi holds thresholds of 131,071 units: weights may be that much smaller, times 8 for the gain.
#[test]
fn weights_that_are_small_against_the_threshold_are_told_or_refused() {
    let loihi = |weight_bits| Target::Loihi(Loihi { weight_bits, enforce_limits: true });
    // A threshold of `units` weights, which are levels of 127 and half of one.
    let net = |units: f64| {
        let mut net = config(2, json!([dense(1, units / 8.0, 0.0, 1.0)]));
        net.layers_mut()[0].connections_mut()[0].set_rows(&[1.0, 0.05]);
        net
    };
    assert!(grid(&net(500.0), loihi(8)).unwrap().notes.is_empty());
    // The largest weight is 13 units of 2: what is 1/20 of it is none.
    let notes = grid(&net(10_000.0), loihi(8)).unwrap().notes;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].about, "weights of layers[0]");
    assert!(notes[0].text.contains("50.0% of the weights (1 of 2) become 0 on Loihi"), "{}", notes[0].text);
    let error = grid(&net(10_000.0), loihi(2)).unwrap_err().to_string();
    assert!(error.contains("use weight_bits=8") && error.ends_with("got 2, all of which do"), "{error}");
    let none = config(2, json!([dense(1, 1.0, 0.0, 0.0)]));
    assert!(grid(&none, loihi(2)).unwrap().notes.is_empty());
}

#[test]
fn times_that_are_not_held_are_told() {
    let xylo = Target::Xylo(Xylo { device: XyloDevice::Audio3, enforce_limits: true });
    let mut layers = json!([dense(3, 1.0, 2.0, 0.1), dense(2, 1.0, 0.0, 0.1)]);
    layers[1]["tau_m"] = 70.0.into();
    let about = |notes: Vec<Note>| notes.into_iter().map(|note| note.about).collect::<Vec<_>>();
    assert_eq!(about(grid(&config(4, layers.clone()), xylo.clone()).unwrap().notes), ["t_ref of layers[0]"]);
    // 2^6 is within a tenth of 70, and not of 75.
    layers[1]["tau_m"] = 75.0.into();
    let found = about(grid(&config(4, layers), xylo).unwrap().notes);
    assert_eq!(found, ["t_ref of layers[0]", "tau_m of layers[1]"]);
}

#[test]
fn xylo_has_room_for_so_much_and_no_more() {
    let refused = |device, n_in, n_hidden, n_out| {
        let net = config(n_in, json!([dense(n_hidden, 1.0, 0.0, 0.1), dense(n_out, 1.0, 0.0, 0.1)]));
        let free = grid(&net, Target::Xylo(Xylo { device, enforce_limits: false })).unwrap();
        assert_eq!(free.layers[0].format.limits.n, None);
        grid(&net, Target::Xylo(Xylo { device, enforce_limits: true })).err().map(|error| error.to_string())
    };
    for device in [XyloDevice::A1, XyloDevice::Audio2, XyloDevice::Audio3, XyloDevice::Imu] {
        let room = device.room();
        let reached = room.input_reach.unwrap_or(room.hidden).min(room.output_reach.unwrap_or(room.hidden));
        assert_eq!(refused(device, room.inputs, reached, room.outputs), None);
        for (n_in, n_hidden, n_out, name) in [
            (room.inputs + 1, reached, room.outputs, "n_in"),
            (room.inputs, reached + 1, room.outputs, "hidden"),
            (room.inputs, room.hidden + 1, room.outputs, "layers below the last one"),
            (room.inputs, reached, room.outputs + 1, "the last layer"),
        ] {
            let error = refused(device, n_in, n_hidden, n_out).expect(name);
            assert!(error.contains(name) && error.contains(device.name()), "{error}");
        }
    }
}

fn xylo_error(device: XyloDevice, n_in: usize, layers: Value, change: impl Fn(&mut [FixedLayer])) -> Option<String> {
    let net = config(n_in, layers);
    let target = Target::Xylo(Xylo { device, enforce_limits: true });
    let mut integers = grid(&net, Target::Xylo(Xylo { device, enforce_limits: false })).unwrap().rounded(&net).unwrap();
    change(&mut integers);
    let found = target.chip().check_integers(&integers).err().map(|error| error.to_string());
    // Nothing is refused where limits are off.
    Target::Xylo(Xylo { device, enforce_limits: false }).chip().check_integers(&integers).unwrap();
    found
}

#[test]
fn synapses_that_xylo_does_not_have_are_refused() {
    let layers = |hidden: &[usize], n_out: usize| {
        let all = hidden.iter().chain([&n_out]).map(|&n| dense(n, 1.0, 0.0, 0.1));
        Value::Array(all.collect())
    };
    let device = XyloDevice::Audio3;
    // 150 hidden neurons, of which inputs reach the first 128, and outputs receive spikes of the last 128: here with the weights left for it.
    let keep = |inputs: usize, outputs: usize| {
        xylo_error(device, 3, layers(&[150], 4), move |integers| {
            integers[0].connections[0].weight[3 * inputs..].fill(0);
            integers[1].connections[0].weight.chunks_exact_mut(150).for_each(|row| row[..150 - outputs].fill(0));
        })
    };
    assert_eq!(keep(128, 128), None);
    let error = keep(129, 128).unwrap();
    assert!(
        error.starts_with("the neurons of layers[0] with weights from inputs must be among the first 128 hidden"),
        "{error}"
    );
    assert!(error.ends_with("got 128"), "{error}");
    let error = keep(128, 129).unwrap();
    assert!(
        error.starts_with("the neurons of layers[0] with weights onto outputs must be among the last 128 hidden"),
        "{error}"
    );
    assert!(error.ends_with("got 21 of 150"), "{error}");
    // Of synapses among hidden neurons the chip holds 31,744: from a layer to the next, and within one.
    let among = |kept: usize| {
        let mut all = layers(&[128, 128, 128], 4);
        all[1] = json!({"kind": "recurrent", "n": 128, "tau_m": 64.0, "tau_s": 8.0, "v_th": 1.0, "t_ref": 0.0,
            "init": {"kind": "constant", "value": 0.1}, "discretisation": "euler", "mask": {"kind": "all_to_all", "self_loops": true},
            "recurrent_init": {"kind": "constant", "value": 0.1}});
        xylo_error(device, 3, all, move |integers| {
            integers[2].connections[0].weight.fill(0);
            integers[1].connections[0].weight[..16384 - kept].fill(0);
        })
    };
    assert_eq!(among(31_744 - 16_384), None);
    let error = among(31_744 - 16_384 + 1).unwrap();
    assert!(
        error.starts_with("synapses among hidden neurons must be <= 31744 in all") && error.ends_with("got 31745"),
        "{error}"
    );
    // Fan-out counts synapses onto hidden neurons alone, of Audio 2 at most 64.
    let fan_out = |n: usize| {
        let net = config(2, layers(&[3, n], 8));
        grid(&net, Target::Xylo(Xylo { device: XyloDevice::Audio2, enforce_limits: true }))
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(fan_out(64), None);
    let error = fan_out(65).unwrap();
    assert_eq!(error, "fan-out of neuron 0 of layers[0] must be <= 64 synapses, as the hardware has it, got 65");
    let to_itself = json!({"kind": "recurrent", "n": 65, "tau_m": 64.0, "tau_s": 8.0, "v_th": 1.0, "t_ref": 0.0,
        "init": {"kind": "constant", "value": 0.1}, "discretisation": "euler", "mask": {"kind": "all_to_all", "self_loops": true},
        "recurrent_init": {"kind": "constant", "value": 0.1}});
    let net = config(2, json!([to_itself, dense(8, 1.0, 0.0, 0.1)]));
    let error =
        grid(&net, Target::Xylo(Xylo { device: XyloDevice::Audio2, enforce_limits: true })).unwrap_err().to_string();
    assert_eq!(error, "fan-out of neuron 0 of layers[0] must be <= 64 synapses, as the hardware has it, got 65");
}

#[test]
fn networks_that_a_target_cannot_be_are_refused() {
    let loihi = |n: usize, enforce_limits| {
        let net = config(1, json!([dense(n, 1.0, 0.0, 0.1), dense(72, 1.0, 0.0, 0.1)]));
        Loihi { weight_bits: 8, enforce_limits }.check_network(&outlines(&net)).map_err(|error| error.to_string())
    };
    assert_eq!((loihi(131_000, true), loihi(131_001, false)), (Ok(()), Ok(())));
    let expected = "layers must be of at most 131072 neurons in all, those of Loihi, got 131073";
    assert_eq!(loihi(131_001, true), Err(expected.to_owned()));
    let xylo = Target::Xylo(Xylo { device: XyloDevice::A1, enforce_limits: true });
    let mut layers = json!([dense(3, 1.0, 0.0, 0.1), dense(2, 1.0, 0.0, 0.1)]);
    layers[1]["lateral_inhibition"] = json!(0.1);
    let error = grid(&config(2, layers), xylo.clone()).unwrap_err().to_string();
    assert_eq!(error, "the last layer must be one without recurrent connections, as Xylo's output, got another");
    let error = grid(&config(2, json!([dense(3, 1.0, 0.0, 0.1)])), xylo).unwrap_err().to_string();
    assert!(error.starts_with("layers below the last one must be of 1 to 1000 neurons in all"), "{error}");
}

#[test]
fn what_is_lost_is_counted_neuron_by_neuron() {
    let target =
        Target::Qformat(QFormat { weight_bits: 2, state_bits: 16, decay_bits: 12, rounding: Rounding::Nearest });
    let notes = |rows: &[f32; 12], t_ref: f64| {
        let mut net = config(4, json!([dense(3, 1.0, t_ref, 1.0)]));
        net.layers_mut()[0].connections_mut()[0].set_rows(rows);
        grid(&net, target.clone()).unwrap().notes
    };
    // Of ten weights that are not 0, nine become 0: all of two neurons.
    let much = [1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0];
    let found = notes(&much, 2.0);
    assert_eq!(found.len(), 1, "{found:?}");
    let expected = "layers[0]: 90.0% of the weights (9 of 10, all of 2 of its 3 neurons) become 0 on QFormat, as they are small \
                    against the largest one; to keep them, use more weight_bits, scale='mse' or granularity='neuron'";
    assert_eq!(found[0].text, expected);
    // Eight of nine are not nine tenths.
    let less = [1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.0];
    assert!(notes(&less, 0.0).is_empty());
    // A decay of one bit is 0, 1/2 or 1: 64 ms become endless, 8 ms too.
    let coarse =
        Target::Qformat(QFormat { weight_bits: 8, state_bits: 16, decay_bits: 1, rounding: Rounding::Nearest });
    let notes = grid(&config(4, json!([dense(3, 1.0, 0.0, 1.0)])), coarse);
    assert!(notes.is_err() || notes.unwrap().notes.iter().all(|note| note.text.contains("endless")));
    let coarse =
        Target::Qformat(QFormat { weight_bits: 8, state_bits: 16, decay_bits: 4, rounding: Rounding::Nearest });
    let notes = grid(&config(4, json!([dense(3, 1.0, 0.0, 1.0)])), coarse).unwrap().notes;
    let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
    let endless = "layers[0]: tau_m = 64 ms becomes endless, as QFormat holds it; to keep it, use more decay_bits";
    assert_eq!(texts, [endless]);
    let coarse =
        Target::Qformat(QFormat { weight_bits: 8, state_bits: 16, decay_bits: 3, rounding: Rounding::Nearest });
    let mut layers = json!([dense(3, 1.0, 0.0, 1.0)]);
    layers[0]["tau_m"] = 10.0.into();
    let notes = grid(&config(4, layers), coarse).unwrap().notes;
    let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
    // 9/10 of 8 is 7: what is lost is 1/8 in place of 1/10.
    assert_eq!(
        texts,
        ["layers[0]: tau_m = 10 ms becomes about 8.000 ms, as QFormat holds it; to keep it, use more decay_bits"]
    );
}
