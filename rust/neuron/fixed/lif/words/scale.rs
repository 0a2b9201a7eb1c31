//! Products with fractions, rounded.

use crate::neuron::fixed::Rounding;
use crate::simd::{WORDS, WordIsa, Words};

/// Bits of a word that are not its sign.
pub(super) const MAGNITUDE_BITS: u32 = 15;

/// Multiplies by a fraction in [0, 1], and rounds.
#[derive(Clone, Debug)]
pub struct Scale {
    /// In units of 2^-15 where rounding is to the nearest, else of 2^-16; less 1 where a word does not hold it.
    pub(super) factor: Words,
    /// All bits where 1 is missing.
    pub(super) whole: Words,
}

/// Says what a rounding makes of a product with a fraction.
pub trait WordRounding {
    /// Bits of a fraction.
    const BITS: u32;

    /// Returns the product with a factor that may be less 1.
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words;

    /// Returns the product; `PLAIN` says that no factor is less 1.
    #[inline(always)]
    fn scale<W: WordIsa, const PLAIN: bool>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        let part = Self::part(isa, x, by);
        if PLAIN { part } else { isa.add_words(part, isa.and_words(x, isa.load_words(&by.whole))) }
    }
}

/// Rounds to the nearest, halves up.
pub struct Nearest;
/// Rounds down.
pub struct Floor;
/// Drops the fraction.
pub struct TowardZero;

impl WordRounding for Nearest {
    const BITS: u32 = 15;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        isa.mul_round(x, isa.load_words(&by.factor))
    }
}

impl WordRounding for Floor {
    const BITS: u32 = 16;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        isa.mul_high(x, isa.load_words(&by.factor))
    }
}

impl WordRounding for TowardZero {
    const BITS: u32 = 16;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        let (floor, zero) = (Floor::part(isa, x, by), isa.word(0));
        let has_rest = isa.words_differ(isa.mul_low(x, isa.load_words(&by.factor)), zero);
        isa.count(isa.both(has_rest, isa.words_above(zero, x)), floor)
    }
}

/// Returns what a decay leaves.
#[inline(always)]
pub(super) fn left<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    x: W::Words,
    by: &Scale,
    is_shift: bool,
) -> W::Words {
    let scaled = R::scale::<W, PLAIN>(isa, x, by);
    if !PLAIN && is_shift { isa.sub_words(x, scaled) } else { scaled }
}

impl Scale {
    /// Makes products with fractions x / 2^bits.
    pub(super) fn new(rounding: Rounding, fractions: [(u64, u32); WORDS]) -> Self {
        let nearest = rounding == Rounding::Nearest;
        let unit = if nearest { Nearest::BITS } else { Floor::BITS };
        let fixed = fractions.map(|(x, bits)| match bits.checked_sub(unit) {
            // A word shifted by more than its bits: what is nearest is 0, and all others round as with as many bits.
            Some(more) if more > 0 => u64::from(!nearest),
            _ => x << (unit - bits),
        });
        let is_whole = |x: u64| x >= 1 << MAGNITUDE_BITS;
        Self {
            factor: Words(fixed.map(|x| (x as i64 - (i64::from(is_whole(x)) << unit)) as i16)),
            whole: Words(fixed.map(|x| -i16::from(is_whole(x)))),
        }
    }
}
