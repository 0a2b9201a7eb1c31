//! Presets: the constants of the hardware's own tools, and the numbers that come of them.

use serde_json::{Value, json};

use super::*;
use crate::neuron::fixed::{Decay, FiresAt, FixedModel, Limits, Overflow, Reset, Rounding, XyloVersion};

fn preset(kind: &str) -> Value {
    match kind {
        "loihi" => json!({"kind": "loihi", "du": 409, "dv": 41, "v_th": 100, "bias_mantissa": -3, "bias_exponent": 2,
            "t_ref_steps": 5}),
        "xylo" => {
            json!({"kind": "xylo", "device": "audio2", "is_output": false, "v_th": 600, "dash_syn": 3, "dash_mem": 4,
            "bias": -7})
        }
        "spinnaker" => {
            json!({"kind": "spinnaker", "current_factor": 4000000000u32, "membrane_factor": 31000, "v_th": 32768,
            "left_shift": 3, "t_ref_steps": 2})
        }
        "cortex_m" => {
            json!({"kind": "cortex_m", "weight_bits": 8, "current_decay": {"kind": "shift", "shift": 3, "least_one": true},
            "membrane_decay": {"kind": "multiply", "factor": 64000, "bits": 16}, "v_th": 5000, "bias": 9, "input_shift": 4,
            "gain_shift": 2, "reset": "subtract", "t_ref_steps": 7})
        }
        other => unreachable!("{other}"),
    }
}

/// The format; `Err` also where a constant is not of its type at all.
fn format(preset: &Value) -> std::result::Result<FixedParams, String> {
    let preset: Preset = serde_json::from_value(preset.clone()).map_err(|error| error.to_string())?;
    preset.format().map_err(|error| error.to_string())
}

fn with(kind: &str, pointer: &str, value: Value) -> Value {
    let mut preset = preset(kind);
    *preset.pointer_mut(pointer).unwrap() = value;
    preset
}

#[test]
fn formats_are_what_the_constants_say() {
    let multiply = |factor: u32, bits| Decay::Multiply { factor: factor.into(), bits };
    let shift = |shift: u32| Decay::Shift { shift: shift.into(), least_one: true };
    // 4095 - du and 4096 - dv of 4096; thresholds have six bits more than their mantissa, as weights do.
    let loihi = FixedParams {
        v_th: 6400.into(),
        bias: (-12).into(),
        input_shift: 6,
        current_overflow: Overflow::WrapUpper,
        membrane_overflow: Overflow::SaturateSymmetric,
        t_ref_steps: 5,
        limits: Limits { n: Some(131_072), fan_in: Some(4096), delay: Some(62), ..Limits::default() },
        ..FixedParams::new(16, 24, 24, multiply(3686, 12), multiply(4055, 12), 1)
    };
    let limits = Limits {
        n: Some(1000),
        fan_out: Some(64),
        delay: Some(0),
        inputs: Some(16),
        input_spikes: Some(15),
        ..Limits::default()
    };
    let xylo = FixedParams {
        bias: (-7).into(),
        rounding: Rounding::Floor,
        fires_at: FiresAt::Threshold,
        reset: Reset::Subtract,
        max_spikes: 31,
        model: FixedModel::Xylo(XyloVersion::V2),
        limits,
        ..FixedParams::new(16, 16, 16, shift(3), shift(4), 600)
    };
    let spinnaker = FixedParams {
        input_shift: 3,
        rounding: Rounding::Floor,
        fires_at: FiresAt::Threshold,
        t_ref_steps: 2,
        limits: Limits { delay: Some(15), ..Limits::default() },
        ..FixedParams::new(17, 32, 32, multiply(4_000_000_000, 32), multiply(31000, 15), 32768)
    };
    let cortex_m = FixedParams {
        bias: 9.into(),
        input_shift: 4,
        gain_shift: 2,
        rounding: Rounding::Floor,
        reset: Reset::Subtract,
        t_ref_steps: 7,
        limits: Limits { fan_in: Some(1 << 24), ..Limits::default() },
        ..FixedParams::new(8, 32, 32, shift(3), multiply(64000, 16), 5000)
    };
    for (kind, expected) in [("loihi", loihi), ("xylo", xylo), ("spinnaker", spinnaker), ("cortex_m", cortex_m)] {
        let format = format(&preset(kind)).unwrap();
        assert_eq!(format, expected, "{kind}");
        format.validate(10).unwrap();
    }
    assert_eq!(format(&with("cortex_m", "/weight_bits", 16.into())).unwrap().limits.fan_in, Some(65535));
}

#[test]
fn outputs_of_xylo_fire_once_a_step_and_are_fewer() {
    for (device, n_hidden, n_out, fan_out, version) in [
        ("a1", 1000, 8, None, XyloVersion::V1),
        ("audio2", 1000, 8, Some(64), XyloVersion::V2),
        ("audio3", 992, 32, Some(1024), XyloVersion::V2),
        ("imu", 496, 16, Some(512), XyloVersion::V2),
    ] {
        for is_output in [false, true] {
            let mut preset = with("xylo", "/device", device.into());
            (preset["is_output"], preset["bias"]) = (is_output.into(), 0.into());
            let format = format(&preset).unwrap();
            let Limits { n, fan_out: most, inputs, .. } = format.limits;
            assert_eq!((n, most), (Some(if is_output { n_out } else { n_hidden }), fan_out));
            assert_eq!(inputs, (!is_output).then_some(16));
            assert_eq!((format.max_spikes, format.model), (if is_output { 1 } else { 31 }, FixedModel::Xylo(version)));
        }
    }
    let biased = |bias: Value| {
        let mut preset = with("xylo", "/device", "a1".into());
        preset["bias"] = bias;
        format(&preset)
    };
    assert!(biased(json!([0, 0])).is_ok());
    for bias in [json!(1), json!([0, 0, -1])] {
        assert_eq!(biased(bias).unwrap_err(), "bias must be 0 on Xylo-A1, which has none, got another");
    }
}

#[test]
fn rooms_of_chips_are_the_makers() {
    let of = |device: XyloDevice| {
        let room = device.room();
        (
            device.name(),
            [room.inputs, room.hidden, room.outputs],
            room.input_reach,
            room.output_reach,
            room.fan_out,
            room.recurrent,
        )
    };
    assert_eq!(of(XyloDevice::A1), ("Xylo-A1", [16, 1000, 8], None, None, None, None));
    assert_eq!(of(XyloDevice::Audio2), ("Xylo-Audio 2", [16, 1000, 8], None, None, Some(64), Some(32_000)));
    assert_eq!(of(XyloDevice::Audio3), ("Xylo-Audio 3", [16, 992, 32], Some(128), Some(128), Some(1024), Some(31_744)));
    assert_eq!(of(XyloDevice::Imu), ("Xylo-IMU", [16, 496, 16], Some(128), Some(128), Some(512), Some(31_744)));
}

#[test]
fn constants_that_the_hardware_does_not_hold_are_refused() {
    let multiply = |factor: i64| json!({"kind": "multiply", "factor": factor, "bits": 16});
    for (kind, name, low, high) in [
        ("loihi", "du", 0, 4095),
        ("loihi", "dv", 0, 4095),
        ("loihi", "v_th", 0, 131_071),
        ("loihi", "bias_mantissa", -4096, 4095),
        ("loihi", "bias_exponent", 0, 7),
        ("loihi", "t_ref_steps", 0, 62),
        ("xylo", "v_th", 1, 32767),
        ("xylo", "dash_syn", 1, 15),
        ("xylo", "dash_mem", 0, 15),
        ("xylo", "bias", -32768, 32767),
        ("spinnaker", "membrane_factor", 1, 32768),
        ("spinnaker", "left_shift", 0, 15),
        ("cortex_m", "current_decay/shift", 1, 15),
        ("cortex_m", "membrane_decay/factor", 1, 65535),
        ("cortex_m", "t_ref_steps", 0, 65535),
    ] {
        let of = |value: i64| format(&with(kind, &format!("/{name}"), value.into()));
        let [lowest, highest] =
            [low, high].map(|value| of(value).unwrap_or_else(|error| panic!("{kind} {name}: {error}")));
        assert_ne!(lowest, highest, "{kind} {name}");
        let expected = format!("{} must be in [{low}, {high}], got", name.replace('/', "."));
        assert!(of(high + 1).unwrap_err().starts_with(&expected), "{kind} {name}: {:?}", of(high + 1));
        let below = of(low - 1).unwrap_err();
        assert!(below.starts_with(&expected) || low == 0, "{kind} {name}: {below}");
    }
    let message = |name: &str, value: Value| format(&with("cortex_m", name, value)).unwrap_err();
    assert_eq!(message("/weight_bits", 12.into()), "weight_bits must be 8 or 16, got 12");
    assert_eq!(message("/membrane_decay/bits", 15.into()), "membrane_decay.bits must be 16, got 15");
    assert_eq!(message("/current_decay", multiply(0)), "current_decay.factor must be in [1, 65535], got 0");
    let table = json!({"kind": "table", "factors": [3, 2], "bits": 4});
    assert_eq!(message("/current_decay", table), "current_decay must be by shift or by a factor, got a table");
    // Any neuron of many.
    let many = format(&with("loihi", "/v_th", json!([5, 131_072, 7]))).unwrap_err();
    assert_eq!(many, "v_th must be in [0, 131071], got 131072");
}

#[test]
fn weights_of_loihi_have_so_many_bits() {
    for bits in 1..=8u32 {
        for exponent in [0, 3, 7] {
            for (mode, lowest, highest, step) in [
                (SignMode::Mixed, -256, 255, 1 << (9 - bits)),
                (SignMode::Excitatory, 0, 255, 1 << (8 - bits)),
                (SignMode::Inhibitory, -255, 0, 1 << (8 - bits)),
            ] {
                let weights: Vec<i64> = (-300..300).collect();
                let held = loihi_weights(&weights, bits, exponent, Some(mode)).unwrap();
                for (&w, held) in weights.iter().zip(held) {
                    let clipped: i64 = w.clamp(lowest, highest);
                    // Towards zero where there is no sign, down where it is one of the bits.
                    let expected = match mode {
                        SignMode::Mixed => clipped.div_euclid(step) * step,
                        _ => clipped / step * step,
                    };
                    assert_eq!(held, expected << exponent, "{w} of {bits} bits, {mode:?}");
                }
            }
        }
    }
    let own = |weights: &[i64]| loihi_weights(weights, 7, 0, None).unwrap();
    assert_eq!(own(&[0, 3, 7]), [0, 2, 6]);
    assert_eq!(own(&[0, -3, -7]), [0, -2, -6]);
    assert_eq!(own(&[1, -3, 7]), [0, -4, 4]);
    assert_eq!(loihi_weights(&[i64::MIN], 8, 0, None).unwrap(), [-255]);
    for (bits, exponent, message) in [
        (0, 0, "weight_bits must be in [1, 8], got 0"),
        (9, 0, "weight_bits must be in [1, 8], got 9"),
        (8, -1, "exponent must be in [0, 7], got -1"),
        (8, 8, "exponent must be in [0, 7], got 8"),
    ] {
        assert_eq!(loihi_weights(&[1], bits, exponent, None).unwrap_err().to_string(), message);
    }
}

#[test]
fn weights_of_xylo_are_shifted_and_wrap() {
    for shift in 0..=15 {
        let weights: Vec<i64> = (-128..=127).collect();
        for (&w, got) in weights.iter().zip(xylo_weights(&weights, shift).unwrap()) {
            assert_eq!(got, i64::from((w << shift) as i16));
        }
    }
    let message = |weights: &[i64], shift| xylo_weights(weights, shift).unwrap_err().to_string();
    assert_eq!(message(&[0, 128], 0), "weights must be in [-128, 127], got 128");
    assert_eq!(message(&[-129], 0), "weights must be in [-128, 127], got -129");
    assert_eq!(message(&[0], 16), "shift must be in [0, 15], got 16");
}
