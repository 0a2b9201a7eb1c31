use proptest::prelude::*;

use super::neurons::NARROW_SHIFT;
use super::*;
use crate::fixed::strategies::formats;
use crate::neuron::fixed::{
    Anchor, At, Decay, FixedNeuron, FixedParams, FixedPopulation, FixedState, FixedWeight, Overflow, Overflows,
    PerNeuron,
};
use crate::simd::{LANES, LaneMask, Lanes};

const N: usize = 37;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Blocks are neurons stepped one by one.
    #[test]
    fn blocks_are_neurons(format in formats(N), most in 1..1i64 << 31, inputs in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, N), 1..12)) {
        let lif = FixedPopulation::new(&format, N, 3).unwrap();
        let lanes = FixedLanes::new(lif.clone(), N, most);
        let mut blocks = vec![FixedBlock::zero(); 3];
        let mut apart: Vec<_> = (0..N).map(|i| FixedNeuron { state: lif.rest(i), refractory: 0 }).collect();
        for i in 0..N {
            blocks[i / LANES].set_neuron(i % LANES, lif.rest(i), 0);
        }
        let (mut together, mut one_by_one) = (Overflows::default(), Overflows::default());
        for (step, input) in inputs.iter().enumerate() {
            let mut sums = [Lanes([0; LANES]); 3];
            let mut expected = [0; 3];
            for i in 0..N {
                let (b, l) = (i / LANES, i % LANES);
                sums[b][l] = (input[i] * most as f64) as i32;
                let at = At { neuron: i, step: step as u64 + 1 };
                let spikes = lif.advance(at, &mut apart[i], sums[b][l], &mut one_by_one);
                expected[b] |= LaneMask::from(spikes > 0) << l;
            }
            if !lanes.one_by_one() {
                let mut fired = [0; 3];
                together += lanes.run(&mut blocks, &mut sums, &mut fired);
                prop_assert_eq!(fired, expected);
                prop_assert_eq!(together, one_by_one);
                for i in 0..3 * LANES {
                    let (state, refractory) = blocks[i / LANES].neuron(i % LANES);
                    let expected = apart.get(i).copied().unwrap_or_default();
                    prop_assert_eq!((state, refractory), (expected.state, expected.refractory.into()));
                }
            }
        }
    }

    /// Skipping is stepping, and no spike comes before it is due.
    #[test]
    fn skipping_is_stepping(
        format in formats(N),
        u in -1.0..1.0f64,
        v in -1.0..1.0f64,
        ages: [u16; 2],
        is_driven: bool,
        held in 0..4u64,
        n_steps in 1..200u64,
    ) {
        let lif = FixedPopulation::new(&format, N, 3).unwrap();
        let state = |x: f64, overflow: Overflow, bits, decay: &Decay, age: u16| {
            let (low, high) = overflow.range(bits);
            let age = if let Decay::Table { factors, .. } = decay { age % factors.len() as u16 } else { 0 };
            Anchor { age, ..Anchor::new(((x * high as f64) as i64).clamp(low, high)) }
        };
        let u = if is_driven { u * u * u } else { 0.0 };
        let mut state = FixedState {
            current: state(u, format.current_overflow, format.current_bits, &format.current_decay, ages[0]),
            potential: state(v, format.membrane_overflow, format.membrane_bits, &format.membrane_decay, ages[1]),
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

/// At the very number from which on a sum would need 33 bits.
#[test]
fn sums_of_32_bits_are_known() {
    let lif = |current_bits, membrane_bits, input_shift, gain_shift, bias: i32| {
        let decay = || Decay::Multiply { factor: 3500.into(), bits: 12 };
        let plain =
            FixedParams::new(8, current_bits, membrane_bits, decay(), decay(), (i32::MAX >> (32 - membrane_bits)) - 1);
        let format = FixedParams { input_shift, gain_shift, bias: PerNeuron::Each(vec![0, bias]), ..plain };
        FixedPopulation::new(&format, 2, 0).unwrap()
    };
    let most = ((1i64 << 31) - 1 - (1 << 23)) >> 6;
    assert!(FixedLanes::sums_fit(&lif(24, 24, 6, 0, 0), most));
    assert!(!FixedLanes::sums_fit(&lif(24, 24, 6, 0, 0), most + 1));
    // Of a current of 2^10, shifted down by 3 bits, 2^7 arrive at a membrane of 2^30.
    let most = (1 << 30) - (1 << 7) - 2;
    for sign in [1, -1] {
        assert!(FixedLanes::sums_fit(&lif(11, 31, 0, 3, sign * most), 1));
        assert!(!FixedLanes::sums_fit(&lif(11, 31, 0, 3, sign * (most + 1)), 1));
    }
    assert!(!FixedLanes::sums_fit(&lif(8, 32, 0, 0, 0), 1));
    assert!(!FixedLanes::sums_fit(&lif(8, 8, 0, 0, 0), 1 << 31));
    assert!(FixedLanes::sums_fit(&lif(8, 8, 0, NARROW_SHIFT, 0), 1));
    assert!(!FixedLanes::sums_fit(&lif(8, 8, 0, NARROW_SHIFT + 1, 0), 1));
}
