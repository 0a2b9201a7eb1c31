use super::*;
use crate::neuron::fixed::round_shift;
use crate::simd::{Isa, Portable};

fn products<R: WordRounding>(rounding: Rounding) {
    // SAFETY: every machine has it.
    let isa = unsafe { <Portable as Isa<f32>>::new_unchecked() };
    let shifts = (0..=31).map(|bits| (1, bits));
    let factors = (0..=15).flat_map(|bits| {
        let one = 1u64 << bits;
        [0, 1, one / 3, one / 2, one / 2 + 1, one - one.min(3) / 2, one].map(|factor| (factor.min(one), bits))
    });
    for (factor, bits) in shifts.chain(factors) {
        let by = Scale::new(rounding, [(factor, bits); WORDS]);
        for first in (i16::MIN..=i16::MAX).step_by(WORDS) {
            let x: [i16; WORDS] = std::array::from_fn(|l| first + l as i16);
            let expected = x.map(|x| round_shift(i64::from(x) * factor as i64, bits, rounding, 0) as i16);
            assert_eq!(R::scale::<_, false>(isa, x, &by), expected, "{rounding:?} {factor} {bits}");
            if by.whole == Words::splat(0) {
                assert_eq!(R::scale::<_, true>(isa, x, &by), expected, "{rounding:?} {factor} {bits}");
            }
        }
    }
}

/// Of every word, with factors at the limits.
#[test]
fn products_are_rounded_exactly() {
    products::<Nearest>(Rounding::Nearest);
    products::<Floor>(Rounding::Floor);
    products::<TowardZero>(Rounding::TowardZero);
}
