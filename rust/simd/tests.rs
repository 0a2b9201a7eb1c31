//! Every instruction set of this machine against plain arrays, bit by bit.

use proptest::prelude::*;

use super::{
    Available, Isa, LANES, LaneMask, Lanes, Level, Portable, STEPS, Spread, WORDS, WordIsa, Words, allowed, level,
    run_ahead, unpack,
};
use crate::simd::Real;

fn lanes() -> impl Strategy<Value = Lanes<f64>> {
    let special = prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-38]);
    prop::array::uniform16(prop_oneof![4 => -1e3..1e3, 1 => special]).prop_map(Lanes)
}

fn rounded<F: Real>(lanes: &Lanes<f64>) -> Lanes<F> {
    Lanes(lanes.map(F::from_f64))
}

fn spread() -> impl Strategy<Value = Spread> {
    prop::array::uniform16(prop::option::of(0..LANES)).prop_map(|sources| {
        let mut spread = Spread::none();
        for (to, from) in sources.into_iter().enumerate() {
            from.into_iter().for_each(|from| spread.set(to, from));
        }
        spread
    })
}

/// The bits; of a NaN only that it is one.
fn bits<F: Real>(lanes: &Lanes<F>) -> [u64; LANES] {
    lanes.map(|x| if x.is_nan() { f64::NAN.to_bits() } else { x.widen().to_bits() })
}

/// Results of all operations.
#[inline(always)]
fn results<F: Real, I: Isa<F>>(
    isa: I,
    a: &Lanes<f64>,
    b: &Lanes<f64>,
    chosen: LaneMask,
    spread: &Spread,
) -> Vec<[u64; LANES]> {
    let (a, b) = (rounded(a), rounded(b));
    let (x, y) = (isa.load(&a), isa.load(&b));
    let vectors = [
        isa.add(x, y),
        isa.sub(x, y),
        isa.mul(x, y),
        isa.select(isa.mask(chosen), x, y),
        isa.select(isa.greater(x, y), x, y),
        isa.spread(spread, x),
        isa.max(x, y),
        isa.shift_in(b[7], x),
        isa.splat(b[3]),
        isa.zero(),
    ];
    let mut results = Vec::new();
    for vector in vectors {
        let mut lanes = Lanes::zero();
        isa.store(vector, &mut lanes);
        results.push(bits(&lanes));
    }
    let mut sum = a;
    isa.add_to(&mut sum, y);
    results.push(bits(&sum));
    results.push(bits(&Lanes([isa.sum(x); LANES])));
    results.push([u64::from(isa.bits(isa.greater(x, y))); LANES]);
    results
}

/// The indices of a mask, and what reading it back gives.
#[inline(always)]
fn listed<F: Real, I: Isa<F>>(isa: I, mask: LaneMask) -> (Vec<u32>, LaneMask) {
    let mut indices = [0; LANES];
    isa.list_bits(mask, 48, &mut indices);
    let n = mask.count_ones() as usize;
    let mut strided = [0; LANES];
    isa.list_strided(mask, 7, 9, &mut strided);
    assert!(indices[..n].iter().zip(&strided).all(|(index, strided)| 7 + 9 * (index - 48) == *strided));
    (indices[..n].to_vec(), isa.bits(isa.mask(mask)))
}

fn words() -> impl Strategy<Value = Words> {
    let word = prop_oneof![2 => any::<i16>(), 1 => -3..4i16, 1 => prop::sample::select(vec![i16::MIN, i16::MAX])];
    prop::collection::vec(word, WORDS).prop_map(|words| Words(words.try_into().unwrap()))
}

/// Results of all operations on words.
#[inline(always)]
fn word_results<W: WordIsa>(isa: W, a: &Words, b: &Words, bits: u32) -> (Vec<Words>, [u32; 3]) {
    let (x, y) = (isa.load_words(a), isa.load_words(b));
    let (above, differ) = (isa.words_above(x, y), isa.words_differ(x, y));
    let both = isa.both(above, isa.words_above(y, isa.word(0)));
    let vectors = [
        isa.add_words(x, y),
        isa.sub_words(x, y),
        isa.add_saturating(x, y),
        isa.sub_saturating(x, y),
        isa.min_words(x, y),
        isa.max_words(x, y),
        isa.mul_high(x, y),
        isa.mul_low(x, y),
        isa.mul_round(x, y),
        isa.and_words(x, y),
        isa.shift_left(x, bits),
        isa.shift_right(x, bits),
        isa.choose(above, x, y),
        isa.count(differ, x),
        isa.word(b.0[3]),
    ];
    let mut results = Vec::new();
    for vector in vectors {
        let mut words = Words::splat(0);
        isa.store_words(vector, &mut words);
        results.push(words);
    }
    results.push(Words(std::array::from_fn(|l| {
        let wide = isa.widen(x)[l / LANES][l % LANES];
        i16::try_from(wide).unwrap()
    })));
    (results, [isa.word_bits(above), isa.word_bits(differ), isa.word_bits(both)])
}

fn portable() -> Portable {
    // SAFETY: every machine has it.
    unsafe { <Portable as Isa<f32>>::new_unchecked() }
}

/// Evaluates `$body` with `$isa` bound to each instruction set of this machine but the portable one, for `$real`.
macro_rules! with_each_isa {
    ($isa:ident, $real:ty => $body:expr) => {
        #[cfg(target_arch = "x86_64")]
        {
            if level() >= Level::X86V3 {
                // SAFETY: the level includes it.
                let $isa = unsafe { <<$real as Real>::V3 as Isa<$real>>::new_unchecked() };
                $body;
            }
            if level() >= Level::X86V4 {
                // SAFETY: the level includes it.
                let $isa = unsafe { <<$real as Real>::V4 as Isa<$real>>::new_unchecked() };
                $body;
            }
        }
    };
}

proptest! {
    #[test]
    fn operations_agree(a in lanes(), b in lanes(), chosen: LaneMask, spread in spread()) {
        let expected = results::<f32, _>(portable(), &a, &b, chosen, &spread);
        with_each_isa!(isa, f32 => prop_assert_eq!(&results::<f32, _>(isa, &a, &b, chosen, &spread), &expected));
        let expected = results::<f64, _>(portable(), &a, &b, chosen, &spread);
        with_each_isa!(isa, f64 => prop_assert_eq!(&results::<f64, _>(isa, &a, &b, chosen, &spread), &expected));
    }

    #[test]
    fn word_operations_agree(a in words(), b in words(), bits in 0..16u32) {
        let expected = word_results(portable(), &a, &b, bits);
        let bits_of = |holds: fn(i16, i16) -> bool| (0..WORDS).fold(0, |x, l| x | u32::from(holds(a.0[l], b.0[l])) << l);
        prop_assert_eq!(expected.1, [bits_of(|a, b| a > b), bits_of(|a, b| a != b), bits_of(|a, b| a > b && b > 0)]);
        with_each_isa!(isa, f32 => prop_assert_eq!(&word_results(isa, &a, &b, bits), &expected));
    }

    #[test]
    fn steps_agree(
        gaps in prop::array::uniform8(prop_oneof![6 => 0.0f32..20.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)]),
        scale in prop_oneof![0.0f32..200.0, Just(0.0), Just(f32::MAX)],
        longest in prop_oneof![1..1000, Just(1 << 24)],
        last in -1..1000,
    ) {
        let expected = run_ahead(&gaps, scale, longest, last, Available::at_most(Level::Baseline));
        prop_assert_eq!(run_ahead(&gaps, scale, longest, last, Available::at_most(Level::X86V4)), expected);
        let mut at = last;
        for step in expected {
            prop_assert!(step > at && step <= at + 1 + longest);
            at = step;
        }
    }
}

#[test]
fn masks_agree() {
    for mask in 0..=LaneMask::MAX {
        let expected: Vec<u32> = (0..LANES as u32).filter(|bit| mask >> bit & 1 == 1).map(|bit| 48 + bit).collect();
        assert_eq!(listed::<f32, _>(portable(), mask), (expected.clone(), mask));
        with_each_isa!(isa, f32 => assert_eq!(listed::<f32, _>(isa, mask), (expected.clone(), mask)));
        with_each_isa!(isa, f64 => assert_eq!(listed::<f64, _>(isa, mask), (expected.clone(), mask)));
    }
}

#[test]
fn unpacks_in_order() {
    assert_eq!(unpack(&[1, u32::MAX, 3, 4]), [1, u32::MAX as usize, 3, 4]);
    assert_eq!(STEPS, 8);
}

#[test]
fn a_wrong_name_is_refused() {
    assert_eq!(
        ["baseline", "avx2", "avx512", ""].map(|name| allowed(name).unwrap()),
        [Level::Baseline, Level::X86V3, Level::X86V4, Level::X86V4,]
    );
    let message = allowed("AVX2").unwrap_err().to_string();
    assert_eq!(message, "STRSBP_SIMD must be 'baseline', 'avx2' or 'avx512', got 'AVX2'");
}
