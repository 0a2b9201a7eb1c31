//! Formats for tests.

use proptest::prelude::*;

use super::targets::{CortexMNeurons, LoihiNeurons, SpinnakerNeurons, XyloDevice, XyloNeurons};
use super::{FixedConnection, FixedLayer};
use crate::network::{Dense, Origin, Pattern, Shape, Taps};
use crate::neuron::fixed::{Decay, FiresAt, FixedParams, Limits, Overflow, PerNeuron, Reset, Rounding};

/// Returns a layer whose integers stand for themselves.
pub fn layer(
    params: &FixedParams,
    [n, n_in]: [usize; 2],
    below: (Vec<i32>, Taps),
    recurrent: Option<(Vec<i32>, Taps)>,
) -> FixedLayer {
    let connection = |(origin, n_in, (weight, taps)): (Origin, usize, (Vec<i32>, Taps))| {
        let pattern = Pattern::Dense(Dense { pre: Shape::flat(n_in), post: Shape::flat(n) });
        FixedConnection { origin, pattern, weight, taps }
    };
    let recurrent = recurrent.map(|recurrent| (Origin::Itself, n, recurrent));
    let connections = std::iter::once((Origin::Below, n_in, below)).chain(recurrent).map(connection).collect();
    FixedLayer { params: params.clone(), connections, scale: vec![1.0], step: 1 }
}

/// Draws one number, or `n`.
pub fn per_neuron<T: Copy + std::fmt::Debug + 'static>(
    n: usize,
    value: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<PerNeuron<T>> {
    prop_oneof![value.clone().prop_map(PerNeuron::Same), prop::collection::vec(value, n).prop_map(PerNeuron::Each)]
        .boxed()
}

fn decay(n: usize) -> impl Strategy<Value = Decay> {
    let multiply = (0..=32u32).prop_flat_map(move |bits| {
        let most = (1u64 << bits).min(u64::from(u32::MAX)) as u32;
        per_neuron(n, 1..=most).prop_map(move |factor| Decay::Multiply { factor, bits })
    });
    let shift = (per_neuron(n, 1..=31u32), any::<bool>());
    // By chance, or powers of one factor.
    let table = (0..=32u32, 1..25usize, any::<bool>()).prop_flat_map(|(bits, n, powers)| {
        let most = (1u64 << bits).min(u64::from(u32::MAX)) as u32;
        prop::collection::vec(0..=most, n).prop_map(move |mut factors| {
            factors.sort_unstable_by(|a, b| b.cmp(a));
            factors[0] = factors[0].max(1);
            if powers {
                (1..n).for_each(|k| factors[k] = ((u64::from(factors[k - 1]) * u64::from(factors[0])) >> bits) as u32);
            }
            Decay::Table { factors, bits }
        })
    });
    let shift = shift.prop_map(|(shift, least_one)| Decay::Shift { shift, least_one });
    prop_oneof![3 => multiply, 3 => shift, 1 => table]
}

fn rounding() -> impl Strategy<Value = Rounding> {
    use Rounding::*;
    prop::sample::select(vec![TowardZero, Floor, Nearest, NearestEven, Stochastic])
}

fn overflow() -> impl Strategy<Value = Overflow> {
    use Overflow::*;
    prop::sample::select(vec![Saturate, Wrap, SaturateSymmetric, WrapUpper])
}

prop_compose! {
    /// Draws any format of `n` LIF neurons.
    pub fn formats(n: usize)(
        (current_bits, membrane_bits) in (2..=32u32, 3..=32u32),
        (current_decay, membrane_decay) in (decay(n), decay(n)),
        (rounding, current_overflow, membrane_overflow) in (rounding(), overflow(), overflow()),
        (input_shift, gain_shift, t_ref_steps) in (0..12u32, 0..=31u32, 0..3u32),
        (fires_at, reset) in (any::<bool>(), any::<bool>()),
        max_spikes in prop::sample::select(vec![1, 1, 1, 3]),
        share in per_neuron(n, 1..=1000i64),
        bias in per_neuron(n, -1000..=1000i64),
        rounding_seed: u64,
    ) -> FixedParams {
        let widest = |overflow, bits: u32| if overflow == Overflow::WrapUpper { bits.min(31) } else { bits };
        let (current_bits, membrane_bits) =
            (widest(current_overflow, current_bits), widest(membrane_overflow, membrane_bits));
        let most = membrane_overflow.range(membrane_bits).1 - 1;
        let v_th = map(&share, |share| (share * most / 1000).max(1) as i32);
        // Of a thousandth of the least threshold, which no bias passes at once.
        let least = v_th.values().iter().copied().min().unwrap();
        let bias = map(&bias, |bias| ((i64::from(least) - 1) * bias / 1000) as i32);
        let several = max_spikes > 1;
        FixedParams {
            current_decay, membrane_decay, v_th, input_shift, gain_shift, bias, rounding, rounding_seed,
            current_overflow, membrane_overflow, max_spikes,
            fires_at: if fires_at { FiresAt::Above } else { FiresAt::Threshold },
            reset: if reset && !several { Reset::Zero } else { Reset::Subtract },
            t_ref_steps: if several { 0 } else { t_ref_steps },
            ..FixedParams::new(16, current_bits, membrane_bits, Decay::Shift { shift: 1.into(), least_one: true },
                Decay::Shift { shift: 1.into(), least_one: true }, 1)
        }
    }
}

prop_compose! {
    /// Draws formats of `n` LIF neurons whose states are words, most of them with nothing that rules out the fastest steps.
    pub fn word_formats(n: usize)(
        (current_bits, membrane_bits) in prop_oneof![Just((16, 16)), (2..=16u32, 3..=16u32)],
        (current_decay, membrane_decay) in (word_decay(n), word_decay(n)),
        rounding in prop::sample::select(vec![Rounding::Nearest, Rounding::Nearest, Rounding::Floor, Rounding::TowardZero]),
        symmetric: [bool; 2],
        (input_shift, gain_shift, t_ref_steps) in (0..=13u32, prop_oneof![0..8u32, 0..=31u32], 0..3u32),
        (fires_at, reset, has_bias) in (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)),
        share in per_neuron(n, 1..=1000i64),
        bias in per_neuron(n, -1000..=1000i64),
    ) -> FixedParams {
        let overflow = symmetric.map(|is| if is { Overflow::SaturateSymmetric } else { Overflow::Saturate });
        let most = overflow[1].range(membrane_bits).1 - 1;
        let v_th = map(&share, |share| (share * most / 1000).max(1) as i32);
        let least = v_th.values().iter().copied().min().unwrap();
        let bias = if has_bias { map(&bias, |bias| ((i64::from(least) - 1) * bias / 1000) as i32) } else { 0.into() };
        FixedParams {
            v_th, input_shift, gain_shift, bias, rounding, t_ref_steps,
            current_overflow: overflow[0],
            membrane_overflow: overflow[1],
            fires_at: if fires_at { FiresAt::Above } else { FiresAt::Threshold },
            reset: if reset { Reset::Zero } else { Reset::Subtract },
            ..FixedParams::new(8, current_bits, membrane_bits, current_decay, membrane_decay, 1)
        }
    }
}

fn word_decay(n: usize) -> impl Strategy<Value = Decay> {
    let multiply = (1..=15u32).prop_flat_map(move |bits| {
        per_neuron(n, 1..=1u32 << bits).prop_map(move |factor| Decay::Multiply { factor, bits })
    });
    let shift = per_neuron(n, 1..=31u32).prop_map(|shift| Decay::Shift { shift, least_one: false });
    prop_oneof![3 => multiply, 1 => shift]
}

fn map<T: Copy, U: Copy>(values: &PerNeuron<T>, f: impl Fn(T) -> U) -> PerNeuron<U> {
    match values {
        PerNeuron::Same(value) => PerNeuron::Same(f(*value)),
        PerNeuron::Each(values) => PerNeuron::Each(values.iter().map(|&value| f(value)).collect()),
    }
}

prop_compose! {
    /// Returns the neurons of Xylo, as many as may be.
    pub fn xylo(n: usize)(
        device in prop::sample::select(vec![XyloDevice::A1, XyloDevice::Audio2, XyloDevice::Audio3, XyloDevice::Imu]),
        is_output: bool,
        dash_syn in per_neuron(n, 1..=15u32),
        dash_mem in per_neuron(n, 0..=15u32),
        v_th in per_neuron(n, 1..=3000i32),
        bias in per_neuron(n, -500..=500i32),
    ) -> FixedParams {
        let bias = if device == XyloDevice::A1 { 0.into() } else { bias };
        let format = XyloNeurons { device, is_output, v_th, dash_syn, dash_mem, bias }.format().unwrap();
        FixedParams { limits: Limits { n: None, inputs: None, ..format.limits }, ..format }
    }
}

prop_compose! {
    /// Returns the neurons of Loihi.
    pub fn loihi(n: usize)(
        (du, dv) in (per_neuron(n, 0..=4095u32), per_neuron(n, 0..=4095u32)),
        v_th in prop_oneof![per_neuron(n, 1..=3000i32), per_neuron(n, 1..=131_071i32)],
        (bias, bias_exponent, t_ref_steps) in (per_neuron(n, -4096..=4095i32), 0..=7u32, 0..4u32),
    ) -> FixedParams {
        let most = v_th.values().iter().min().unwrap() << 6 >> bias_exponent;
        let bias_mantissa = map(&bias, |bias| bias.min(most));
        LoihiNeurons { du, dv, v_th, bias_mantissa, bias_exponent, t_ref_steps }.format().unwrap()
    }
}

prop_compose! {
    /// Returns the neurons of SpiNNaker.
    pub fn spinnaker(n: usize)(
        current_factor in per_neuron(n, any::<u32>()),
        membrane_factor in per_neuron(n, 1..=32768u32),
        v_th in prop_oneof![per_neuron(n, 1..=100_000i32), per_neuron(n, 1..=i32::MAX)],
        (left_shift, t_ref_steps) in (0..=15u32, 0..4u32),
    ) -> FixedParams {
        SpinnakerNeurons { current_factor, membrane_factor, v_th, left_shift, t_ref_steps }.format().unwrap()
    }
}

prop_compose! {
    /// Returns the neurons of microcontrollers.
    pub fn cortex_m(n: usize)(
        (current_decay, membrane_decay) in (cortex_decay(n), cortex_decay(n)),
        (is_narrow, subtracts) in (any::<bool>(), any::<bool>()),
        v_th in prop_oneof![per_neuron(n, 1..=10_000i32), per_neuron(n, 1..i32::MAX)],
        bias in per_neuron(n, -1000..=1000i32),
        (input_shift, gain_shift, t_ref_steps) in (0..=20u32, 0..=8u32, 0..4u32),
    ) -> FixedParams {
        let most = *v_th.values().iter().min().unwrap();
        let bias = map(&bias, |bias| bias.min(most));
        let weight_bits = if is_narrow { 8 } else { 16 };
        let reset = if subtracts { Reset::Subtract } else { Reset::Zero };
        CortexMNeurons { weight_bits, current_decay, membrane_decay, v_th, bias, input_shift, gain_shift, reset, t_ref_steps }
            .format()
            .unwrap()
    }
}

fn cortex_decay(n: usize) -> impl Strategy<Value = Decay> {
    let shift = (per_neuron(n, 1..=15u32), any::<bool>());
    prop_oneof![
        shift.prop_map(|(shift, least_one)| Decay::Shift { shift, least_one }),
        per_neuron(n, 1..=65535u32).prop_map(|factor| Decay::Multiply { factor, bits: 16 })
    ]
}
