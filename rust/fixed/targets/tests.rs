//! Formats of layers, number by number, for neurons whose constants are powers of two.

use serde_json::{Value, json};

use super::neurons::{finer_by, largest, shifts};
use super::*;
use crate::neuron::LifPropagator;
use crate::neuron::fixed::{Decay, FiresAt, Limits, Overflow, PerNeuron, Rounding};

/// Neurons of which half the membrane, or 63 of 64 parts, is left after a step, and 7 of 8 of the current.
fn neurons(mem_decay: f64, v_th: f64, sums: &[f64]) -> Neurons {
    let lif = LifPropagator { syn_decay: 0.875, mem_decay, mem_gain: 0.125, v_th, flush: 0.0, t_ref_steps: 2 };
    Neurons {
        name: "layers[0]".to_owned(),
        lif,
        v_th: v_th.into(),
        is_output: false,
        is_recurrent: false,
        per_row: 1,
        has_windows: false,
        sums: sums.to_vec(),
    }
}

fn target(target: Value) -> Target {
    serde_json::from_value(target).unwrap()
}

fn qformat(weight_bits: u32, state_bits: u32, decay_bits: u32) -> Target {
    target(
        json!({"kind": "qformat", "weight_bits": weight_bits, "state_bits": state_bits, "decay_bits": decay_bits, "rounding": "floor"}),
    )
}

#[test]
fn domains_of_targets() {
    let message = |target: Target| target.chip().validate().map_err(|error| error.to_string());
    for (low, high, at) in [(2, 16, 0), (8, 32, 1), (1, 31, 2)] {
        let name = ["weight_bits", "state_bits", "decay_bits"][at];
        let of = |value: u32| {
            let mut bits = [8, 16, 12];
            bits[at] = value;
            message(qformat(bits[0], bits[1], bits[2]))
        };
        assert_eq!((of(low), of(high)), (Ok(()), Ok(())));
        for bad in [low - 1, high + 1] {
            assert_eq!(of(bad), Err(format!("{name} must be in [{low}, {high}], got {bad}")));
        }
    }
    let loihi = |bits: u32| message(target(json!({"kind": "loihi", "weight_bits": bits})));
    assert_eq!((loihi(2), loihi(8)), (Ok(()), Ok(())));
    for bad in [1, 9] {
        assert_eq!(loihi(bad), Err(format!("weight_bits must be in [2, 8], got {bad}")));
    }
    let cortex = |bits: u32| message(target(json!({"kind": "cortex_m", "weight_bits": bits})));
    assert_eq!((cortex(8), cortex(16)), (Ok(()), Ok(())));
    assert_eq!(cortex(12), Err("weight_bits must be 8 or 16, got 12".to_owned()));
}

#[test]
fn weights_have_so_many_levels() {
    let of = |target: Target| (target.chip().weight_grid().levels, target.chip().weight_grid().step);
    assert_eq!(of(qformat(2, 16, 12)), (1, 1));
    assert_eq!(of(qformat(8, 16, 12)), (127, 1));
    assert_eq!(of(target(json!({"kind": "cortex_m", "weight_bits": 16}))), (32767, 1));
    assert_eq!(of(target(json!({"kind": "loihi", "weight_bits": 8}))), (127, 2));
    assert_eq!(of(target(json!({"kind": "loihi", "weight_bits": 5}))), (15, 16));
    assert_eq!(of(target(json!({"kind": "xylo", "device": "audio2"}))), (127, 1));
    let spinnaker = target(json!({"kind": "spinnaker"}));
    assert_eq!(of(spinnaker.clone()), (65535, 1));
    assert!(!spinnaker.chip().has_free_scale() && qformat(8, 16, 12).chip().has_free_scale());
}

#[test]
fn states_are_as_fine_as_leaves_room() {
    // Thresholds in units of a weight, and the largest current, of all inputs at every step.
    let some = neurons(0.5, 3.0, &[4.0, 6.0]);
    assert_eq!((some.largest_threshold(&[0.25]), some.largest_current(&[0.25])), (96.0, 192.0));
    assert_eq!(some.largest_current(&[0.25, 0.5]), 128.0);
    assert_eq!(some.silent_level(WeightGrid { levels: 127, step: 2 }), 2.0 * 3.0 / (0.125 * 1024.0));
    assert_eq!(some.thresholds(&[0.25], |v_th| v_th), PerNeuron::Same(96.0));
    assert_eq!(some.thresholds(&[0.25, 0.5], |v_th| v_th), PerNeuron::Each(vec![96.0, 48.0]));
    assert_eq!(largest(&[3.0, 5.0, 4.0], |x| x - 1.0), 4.0);
    // Room for all: 2^15 / 192, of which the largest power of two is 2^7. Nothing is finer than it may be.
    assert_eq!(finer_by(16, 192.0, 1.0, 16.0), 7);
    // The largest would leave 2^1, less than is fine: usual ones are given as much as is, or as there is room for.
    assert_eq!(finer_by(16, 16384.0, 64.0, 16.0), 4);
    assert_eq!(finer_by(16, 16384.0, 8192.0, 16.0), 2);
    assert_eq!(finer_by(16, 16384.0, 65536.0, 16.0), -1);
    assert_eq!(finer_by(16, 16384.0, 16384.0, 1.0), 1);
}

#[test]
fn shifts_and_thresholds_by_hand() {
    // Currents are at most 192, but room is left for usual ones, 10 * 96 / 2: 2^15 / 480 = 68, 2^6 finer. Membranes up to
    // 192 / (1/2), usually 4 * 96, both 384: 2^15 / 384 = 85, which is finer than 4096 / 96 = 43: 2^6 too.
    let (input_shift, gain_shift, v_th) = shifts(&neurons(0.5, 3.0, &[4.0, 6.0]), &[0.25], 16).unwrap();
    assert_eq!((input_shift, gain_shift, v_th), (6, 0, PerNeuron::Same(96 << 6)));
    // The membrane keeps 63 of 64 parts: currents are usually 15, of which 192 are 2^7 finer; membranes up to 12,288, usually 384:
    // the first leaves 2.7, so that what is fine, 43, is what there is: 2^5, and two bits are shifted down.
    let (input_shift, gain_shift, v_th) = shifts(&neurons(0.984375, 3.0, &[4.0, 6.0]), &[0.25], 16).unwrap();
    assert_eq!((input_shift, gain_shift, v_th), (7, 2, PerNeuron::Same(96 << 5)));
    let each = shifts(&neurons(0.5, 3.0, &[4.0, 6.0]), &[0.25, 0.5], 16).unwrap();
    assert_eq!(each, (6, 0, PerNeuron::Each(vec![96 << 6, 48 << 6])));
    // Currents up to 128,000, usually 15: 2^4 finer, or 2^2 where windows fire, of whose rows a threshold is one a neuron.
    let many = neurons(0.984375, 3.0, &[4000.0]);
    assert_eq!(shifts(&many, &[0.25], 16).unwrap().0, 4);
    let shared = Neurons { per_row: 3, has_windows: true, sums: vec![4000.0, 40.0], ..many };
    let (input_shift, _, v_th) = shifts(&shared, &[0.25, 0.5], 16).unwrap();
    let PerNeuron::Each(v_th) = v_th else { panic!("of each neuron") };
    assert_eq!((input_shift, v_th.len()), (2, 6));
    assert!(v_th[..3] == [v_th[0]; 3] && v_th[3..] == [v_th[0] / 2; 3], "{v_th:?}");
    // A neuron is held at its threshold by a current of v_th / (1/8 1/4) / 64 units. Rounding leaves 4 of them, which are a twentieth of
    // that if they are 4 / (0.05 held) times finer than weights: of 20, 40 and 80 units 2^2, 2^1 and 2^0, and never coarser.
    for (v_th, expected) in [(40.0, 2), (79.0, 1), (161.0, 0), (800.0, 0)] {
        let above = Neurons { has_windows: true, ..neurons(0.984375, v_th, &[4000.0]) };
        assert_eq!(shifts(&above, &[0.25], 16).unwrap().0, expected, "{v_th}");
        let dense = Neurons { has_windows: false, ..above };
        let usual = 2f64.powi(15) / (10.0 * dense.largest_threshold(&[0.25]) / 64.0);
        assert_eq!(shifts(&dense, &[0.25], 16).unwrap().0, usual.log2().floor().min(4.0) as u32, "{v_th}");
        // And where all currents fit, as fine as leaves room for them.
        let few = Neurons { has_windows: true, sums: vec![100.0], ..dense };
        assert_eq!(shifts(&few, &[0.25], 16).unwrap().0, 3, "{v_th}");
    }
    // Coarse weights beside a small threshold: less than a unit.
    let error = shifts(&neurons(0.5, 3.0, &[1e9]), &[1e3], 8).unwrap_err().to_string();
    assert!(
        error.starts_with("the threshold of layers[0] must be in [1, 126] in units of a membrane of 8 bits"),
        "{error}"
    );
}

#[test]
fn formats_by_hand() {
    let (some, grid) = (neurons(0.984375, 3.0, &[4.0, 6.0]), |levels, step| WeightGrid { levels, step });
    let multiply = |factor: u32, bits| Decay::Multiply { factor: factor.into(), bits };
    let shift = |shift: u32| Decay::Shift { shift: shift.into(), least_one: true };
    let expected = FixedParams {
        v_th: (96 << 5).into(),
        input_shift: 7,
        gain_shift: 2,
        rounding: Rounding::Floor,
        t_ref_steps: 2,
        ..FixedParams::new(8, 16, 16, multiply(3584, 12), multiply(4032, 12), 1)
    };
    assert_eq!(qformat(8, 16, 12).chip().format(&some, &[0.25], None).unwrap(), (expected, grid(127, 1), vec![0.25]));
    let short =
        qformat(8, 16, 12).chip().format(&neurons(1e-9, 3.0, &[4.0, 6.0]), &[0.25], None).unwrap_err().to_string();
    assert_eq!(short, "decay_bits must be enough for what a step leaves of layers[0]'s membrane, 0.000, got 12");

    // Decays of 1/8 and 1/64 are shifts. Of 32 bits the current is finer by 2^31 / 192, the membrane by 2^31 / 12288.
    let cortex = target(json!({"kind": "cortex_m", "weight_bits": 8})).chip().format(&some, &[0.25], None).unwrap();
    let CortexMLike { current, membrane, shifts, v_th } = CortexMLike::of(&cortex.0);
    assert_eq!((current, membrane, shifts, v_th), (shift(3), shift(6), [23, 6], PerNeuron::Same(96 << 17)));
    assert_eq!(
        (cortex.0.t_ref_steps, cortex.0.limits.fan_in, cortex.1, cortex.2),
        (2, Some(1 << 24), grid(127, 1), vec![0.25])
    );
    let odd = neurons(0.9, 3.0, &[4.0, 6.0]);
    let cortex = target(json!({"kind": "cortex_m", "weight_bits": 8})).chip().format(&odd, &[0.25], None).unwrap();
    assert_eq!(cortex.0.membrane_decay, multiply(58982, 16));

    // A level of 2 steps: 96 * 2 for units of 1/8. An exponent makes thresholds finer up to 1,024: 192, 384, 768, 1536.
    let loihi = |neurons: &Neurons, level: f64| {
        target(json!({"kind": "loihi", "weight_bits": 8})).chip().format(neurons, &[level], None)
    };
    let (format, found, units) = loihi(&some, 0.25).unwrap();
    assert_eq!((found, units), (grid(127, 16), vec![0.25 / 16.0]));
    assert_eq!(format.v_th, PerNeuron::Same(1536 << 6));
    // du is one less than what is lost, dv what is lost, of 4096.
    assert_eq!((&format.current_decay, &format.membrane_decay), (&multiply(4095 - 511, 12), &multiply(4096 - 64, 12)));
    assert_eq!((format.t_ref_steps, format.limits.n, format.current_overflow), (2, Some(131_072), Overflow::WrapUpper));
    // Thresholds above the largest mantissa make levels coarser: 3 / 0.125 / (2^-14 / 2) is 6 times that.
    let level = 2f64.powi(-14);
    let (format, found, units) = loihi(&some, level).unwrap();
    let coarser = 24.0 / (level / 2.0) / 131_071.0;
    assert_eq!((found, format.v_th), (grid(127, 2), PerNeuron::Same(131_071 << 6)));
    assert!((units[0] / (level / 2.0) / coarser - 1.0).abs() < 1e-12, "{units:?}");
    // At most seven bits of exponent.
    assert_eq!(loihi(&some, 250.0).unwrap().1, grid(127, 256));
    assert!(loihi(&some, 1e5).unwrap_err().to_string().contains("of thresholds of at least a unit"));

    // Units are 2^-15 / 0.125 times a power of two: 2^-12 and up.
    let spinnaker =
        |neurons: &Neurons, level: f64| target(json!({"kind": "spinnaker"})).chip().format(neurons, &[level], None);
    let (format, found, units) = spinnaker(&some, 0.25).unwrap();
    assert_eq!((found, units, format.input_shift), (grid(65535, 1), vec![0.25], 10));
    assert_eq!(format.current_decay, multiply((0.875 * 2f64.powi(32)) as u32, 32));
    assert_eq!(
        (format.membrane_decay, format.v_th, format.fires_at),
        (multiply(32256, 15), (3 << 15).into(), FiresAt::Threshold)
    );
    assert_eq!(spinnaker(&some, 1e-6).unwrap().0.input_shift, 0);
    assert_eq!(spinnaker(&some, 0.26).unwrap().0.input_shift, 11);
    assert_eq!(spinnaker(&some, 8.0).unwrap().0.input_shift, 15);
    let error = spinnaker(&some, 8.1).unwrap_err().to_string();
    assert_eq!(error, "layers[0] must be of weights within +-524280, on this target, got larger ones");
    assert!(spinnaker(&neurons(0.5, 65535.9, &[1.0]), 0.25).is_ok());
    let error = spinnaker(&neurons(0.5, 65536.0, &[1.0]), 0.25).unwrap_err().to_string();
    assert_eq!(error, "layers[0] must be of a threshold below 65536, on this target, got 65536");
}

/// What a test looks at.
struct CortexMLike {
    current: Decay,
    membrane: Decay,
    shifts: [u32; 2],
    v_th: PerNeuron<i32>,
}

impl CortexMLike {
    fn of(format: &FixedParams) -> Self {
        let FixedParams { current_decay, membrane_decay, input_shift, gain_shift, v_th, .. } = format.clone();
        Self { current: current_decay, membrane: membrane_decay, shifts: [input_shift, gain_shift], v_th }
    }
}

#[test]
fn xylo_by_hand() {
    let xylo = |enforce: bool| target(json!({"kind": "xylo", "device": "audio2", "enforce_limits": enforce}));
    let shift = |shift: u32| Decay::Shift { shift: shift.into(), least_one: true };
    let some = Neurons { is_recurrent: true, ..neurons(0.984375, 3.0, &[4.0]) };
    // Of a level of 1/4 the threshold is 96, of which the membrane takes 7/8: 84. There is room for 8191: shifted up by 6 bits.
    let (format, grid, units) = xylo(true).chip().format(&some, &[0.25], None).unwrap();
    assert_eq!((grid, units), (WeightGrid { levels: 127, step: 64 }, vec![0.25 / 64.0]));
    assert_eq!((&format.current_decay, &format.membrane_decay), (&shift(3), &shift(6)));
    assert_eq!((format.v_th, format.max_spikes, format.limits.fan_out), ((84 * 64).into(), 31, Some(64)));
    let (format, grid, _) = xylo(true).chip().format(&some, &[0.25], Some(2)).unwrap();
    assert_eq!((grid.step, format.v_th), (4, (84 * 4).into()));
    assert_eq!(xylo(true).chip().format(&some, &[0.25], Some(8)).unwrap().1.step, 64);
    assert_eq!(xylo(true).chip().format(&some, &[100.0], None).unwrap().1.step, 256);
    // Without limits, of the hardware's rules those of delays and spikes stay.
    let free = xylo(false).chip().format(&some, &[0.25], None).unwrap().0.limits;
    assert_eq!(free, Limits { delay: Some(0), input_spikes: Some(15), ..Limits::default() });
    let free = target(json!({"kind": "loihi", "weight_bits": 8, "enforce_limits": false}));
    assert_eq!(free.chip().format(&some, &[0.25], None).unwrap().0.limits, Limits::default());
    let free = target(json!({"kind": "spinnaker", "enforce_limits": false}));
    assert_eq!(free.chip().format(&some, &[0.25], None).unwrap().0.limits, Limits::default());
    // One shift for all among hidden neurons, the least of theirs; inputs and outputs have their own.
    let layer = |v_th: f64, is_output, is_recurrent| {
        (Neurons { is_output, is_recurrent, ..neurons(0.984375, v_th, &[4.0]) }, vec![0.25])
    };
    let up = |layers: &[_]| xylo(true).chip().most_up(layers);
    let of = [layer(3.0, false, false), layer(6.0, false, false), layer(24.0, false, true), layer(96.0, true, false)];
    assert_eq!(up(&of), [None, Some(3), Some(3), None]);
    let of = [layer(6.0, false, true), layer(3.0, false, false), layer(96.0, true, false)];
    assert_eq!(up(&of), [Some(5), Some(5), None]);
    assert_eq!(up(&of[2..]), [None]);
    assert_eq!(xylo(false).chip().most_up(&of), [None; 3]);
    assert_eq!(qformat(8, 16, 12).chip().most_up(&of), [None; 3]);
}
