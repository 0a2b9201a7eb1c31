use proptest::prelude::*;

use super::*;
use crate::fixed::{FixedParams, FixedWeight};

const N: usize = 37;

fn per_neuron<T: Copy + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<PerNeuron<T>> {
    prop_oneof![value.clone().prop_map(PerNeuron::Same), prop::collection::vec(value, N).prop_map(PerNeuron::Each)]
        .boxed()
}

fn decay() -> impl Strategy<Value = Decay> {
    let multiply = (0..=32u32).prop_flat_map(|bits| {
        let most = (1u64 << bits).min(u64::from(u32::MAX)) as u32;
        per_neuron(1..=most).prop_map(move |factor| Decay::Multiply { factor, bits })
    });
    let shift = (per_neuron(1..=31u32), any::<bool>());
    prop_oneof![multiply, shift.prop_map(|(shift, least_one)| Decay::Shift { shift, least_one })]
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
    /// Any format of LIF neurons.
    pub fn formats()(
        (current_bits, membrane_bits) in (2..=32u32, 3..=32u32),
        (current_decay, membrane_decay) in (decay(), decay()),
        (rounding, current_overflow, membrane_overflow) in (rounding(), overflow(), overflow()),
        (input_shift, gain_shift, t_ref_steps) in (0..12u32, 0..=31u32, 0..3u32),
        (fires_at, reset) in (any::<bool>(), any::<bool>()),
        max_spikes in prop::sample::select(vec![1, 1, 1, 3]),
        share in per_neuron(1..=1000i64),
        bias in per_neuron(-1000..=1000i64),
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

fn map<T: Copy, U: Copy>(values: &PerNeuron<T>, f: impl Fn(T) -> U) -> PerNeuron<U> {
    match values {
        PerNeuron::Same(value) => PerNeuron::Same(f(*value)),
        PerNeuron::Each(values) => PerNeuron::Each(values.iter().map(|&value| f(value)).collect()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Blocks are neurons stepped one by one.
    #[test]
    fn blocks_are_neurons(format in formats(), most in 1..1i64 << 31, inputs in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, N), 1..12)) {
        let lif = FixedLif::new(&format, N, 3).unwrap();
        let lanes = FixedLanes::new(lif.clone(), N, most);
        let mut blocks = vec![FixedBlock::zero(); 3];
        let mut apart = blocks.clone();
        for i in 0..N {
            blocks[i / LANES].set_neuron(i % LANES, lif.rest(i), 0);
        }
        apart.copy_from_slice(&blocks);
        let (mut together, mut one_by_one) = (Overflows::default(), Overflows::default());
        for (step, input) in inputs.iter().enumerate() {
            for b in 0..3 {
                let mut sums = Lanes([0; LANES]);
                for l in 0..LANES.min(N - b * LANES) {
                    sums[l] = (input[b * LANES + l] * most as f64) as i32;
                }
                let mut expected = 0;
                for l in 0..LANES.min(N - b * LANES) {
                    let spikes = lanes.step_one(b * LANES + l, step as u64 + 1, &mut apart[b], sums[l], &mut one_by_one);
                    expected |= LaneMask::from(spikes > 0) << l;
                }
                if !lanes.one_by_one() {
                    let fired = lanes.step(b, &mut blocks[b], &sums);
                    together += fired.overflows;
                    prop_assert_eq!(fired.mask, expected);
                    for l in 0..LANES {
                        prop_assert_eq!(blocks[b].neuron(l), apart[b].neuron(l));
                    }
                    prop_assert_eq!(together, one_by_one);
                }
            }
        }
    }

    /// Skipping is stepping, and no spike comes before it is due.
    #[test]
    fn skipping_is_stepping(format in formats(), u in -1.0..1.0f64, v in -1.0..1.0f64, held in 0..4u64, n_steps in 1..200u64) {
        let lif = FixedLif::new(&format, N, 3).unwrap();
        let within = |x: f64, overflow: Overflow, bits| {
            let (low, high) = overflow.range(bits);
            ((x * high as f64) as i64).clamp(low, high)
        };
        let mut state = FixedState {
            u: within(u * u * u, format.current_overflow, format.current_bits),
            v: within(v, format.membrane_overflow, format.membrane_bits),
        };
        let (start, held, neuron) = (state, 10 + held, 5);
        let due = lif.next_due(neuron, state, 10, held);
        let mut overflows = Overflows::default();
        for step in 11..11 + n_steps {
            let after = lif.step(At { neuron, step }, state, held >= step, 0);
            prop_assert!(after.spikes == 0 || step >= due);
            if after.spikes > 0 {
                break;
            }
            state = after.state;
            overflows += after.overflows;
            let mut skipped = Overflows::default();
            prop_assert_eq!(lif.skip(neuron, start, 10, held, step, &mut skipped), state);
            prop_assert_eq!(skipped, overflows);
        }
    }
}

#[test]
fn rows_are_added() {
    let mut input = vec![1; 40];
    i8::add_row(&mut input, &[-128; 40]);
    i16::add_row(&mut input, &[127; 40]);
    i32::add_row(&mut input, &[1 << 20; 40]);
    assert_eq!(input, vec![1 << 20; 40]);
}
