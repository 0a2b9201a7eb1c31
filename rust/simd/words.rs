//! What an instruction set does with words of 16 bits, a cache line of them at a time.

use super::{Isa, LANES, Lanes, Portable};

/// Words of a cache line.
pub const WORDS: usize = 32;

/// A word for each of 32 neurons, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Words(pub [i16; WORDS]);

impl Words {
    /// Makes all alike.
    pub const fn splat(value: i16) -> Self {
        Self([value; WORDS])
    }
}

/// Returns the words one after the other.
pub fn flat_words_mut(words: &mut [Words]) -> &mut [i16] {
    const { assert!(size_of::<Words>() == WORDS * size_of::<i16>()) };
    // SAFETY: `Words` is `repr(C)` around an array, without padding as just asserted.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * WORDS) }
}

/// An instruction set, for words: see [`Isa`]. Sums, differences and shifts wrap unless they are said to saturate.
pub trait WordIsa: Isa<f32> {
    /// 32 words, in registers.
    type Words: Copy;
    /// A condition for each of them.
    type WordMask: Copy;

    /// Returns all words the same.
    fn word(self, value: i16) -> Self::Words;
    /// Reads a line.
    fn load_words(self, words: &Words) -> Self::Words;
    /// Writes a line.
    fn store_words(self, value: Self::Words, words: &mut Words);
    /// Returns a + b
    fn add_words(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns a - b
    fn sub_words(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns a + b, or the nearest word.
    fn add_saturating(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns a - b, or the nearest word.
    fn sub_saturating(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns the smaller one.
    fn min_words(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns the larger one.
    fn max_words(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns the floor of a * b / 2^16.
    fn mul_high(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns the low bits of a * b.
    fn mul_low(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns a * b / 2^15 to the nearest, halves up.
    fn mul_round(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns the bits of both.
    fn and_words(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// Returns a << bits, for bits < 16.
    fn shift_left(self, a: Self::Words, bits: u32) -> Self::Words;
    /// Returns a >> bits, the sign kept, for bits < 16.
    fn shift_right(self, a: Self::Words, bits: u32) -> Self::Words;
    /// Returns a > b
    fn words_above(self, a: Self::Words, b: Self::Words) -> Self::WordMask;
    /// Returns a != b
    fn words_differ(self, a: Self::Words, b: Self::Words) -> Self::WordMask;
    /// Returns where both conditions hold.
    fn both(self, a: Self::WordMask, b: Self::WordMask) -> Self::WordMask;
    /// Returns `yes` where the condition holds, else `no`.
    fn choose(self, mask: Self::WordMask, yes: Self::Words, no: Self::Words) -> Self::Words;
    /// Returns a + 1 where the condition holds.
    fn count(self, mask: Self::WordMask, a: Self::Words) -> Self::Words;
    /// Returns the words with 32 bits.
    fn widen(self, a: Self::Words) -> [Lanes<i32>; WORDS / LANES];
    /// Returns one bit for each word.
    fn word_bits(self, mask: Self::WordMask) -> u32;
}

/// Returns an operation on every word, in a loop that the compiler turns into vectors.
#[inline(always)]
fn pairwise(mut a: [i16; WORDS], b: [i16; WORDS], operation: impl Fn(i16, i16) -> i16) -> [i16; WORDS] {
    for l in 0..WORDS {
        a[l] = operation(a[l], b[l]);
    }
    a
}

impl WordIsa for Portable {
    type Words = [i16; WORDS];
    /// All bits where it holds.
    type WordMask = [i16; WORDS];

    #[inline(always)]
    fn word(self, value: i16) -> [i16; WORDS] {
        [value; WORDS]
    }

    #[inline(always)]
    fn load_words(self, words: &Words) -> [i16; WORDS] {
        words.0
    }

    #[inline(always)]
    fn store_words(self, value: [i16; WORDS], words: &mut Words) {
        words.0 = value;
    }

    #[inline(always)]
    fn add_words(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.wrapping_add(b))
    }

    #[inline(always)]
    fn sub_words(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.wrapping_sub(b))
    }

    #[inline(always)]
    fn add_saturating(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.saturating_add(b))
    }

    #[inline(always)]
    fn sub_saturating(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.saturating_sub(b))
    }

    #[inline(always)]
    fn min_words(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.min(b))
    }

    #[inline(always)]
    fn max_words(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.max(b))
    }

    #[inline(always)]
    fn mul_high(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| ((i32::from(a) * i32::from(b)) >> 16) as i16)
    }

    #[inline(always)]
    fn mul_low(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a.wrapping_mul(b))
    }

    #[inline(always)]
    fn mul_round(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| ((((i32::from(a) * i32::from(b)) >> 14) + 1) >> 1) as i16)
    }

    #[inline(always)]
    fn and_words(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn shift_left(self, a: [i16; WORDS], bits: u32) -> [i16; WORDS] {
        pairwise(a, a, |a, _| a << bits)
    }

    #[inline(always)]
    fn shift_right(self, a: [i16; WORDS], bits: u32) -> [i16; WORDS] {
        pairwise(a, a, |a, _| a >> bits)
    }

    #[inline(always)]
    fn words_above(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| -i16::from(a > b))
    }

    #[inline(always)]
    fn words_differ(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        pairwise(a, b, |a, b| -i16::from(a != b))
    }

    #[inline(always)]
    fn both(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        self.and_words(a, b)
    }

    #[inline(always)]
    fn choose(self, mask: [i16; WORDS], yes: [i16; WORDS], no: [i16; WORDS]) -> [i16; WORDS] {
        let mut chosen = no;
        for l in 0..WORDS {
            chosen[l] = yes[l] & mask[l] | no[l] & !mask[l];
        }
        chosen
    }

    #[inline(always)]
    fn count(self, mask: [i16; WORDS], a: [i16; WORDS]) -> [i16; WORDS] {
        self.sub_words(a, mask)
    }

    #[inline(always)]
    fn widen(self, a: [i16; WORDS]) -> [Lanes<i32>; WORDS / LANES] {
        let mut wide = [Lanes([0; LANES]); WORDS / LANES];
        for l in 0..WORDS {
            wide[l / LANES].0[l % LANES] = a[l].into();
        }
        wide
    }

    #[inline(always)]
    fn word_bits(self, mask: [i16; WORDS]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{__m128i, _mm_movemask_epi8, _mm_packs_epi16};
            // SAFETY: 32 words are four vectors of eight, and x86-64 always has SSE2.
            unsafe {
                let [a, b, c, d] = std::mem::transmute::<[i16; WORDS], [__m128i; 4]>(mask);
                let [low, high] = [_mm_packs_epi16(a, b), _mm_packs_epi16(c, d)].map(|bytes| _mm_movemask_epi8(bytes));
                (low | high << 16) as u32
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let half =
                |words: &[i16]| words.iter().enumerate().fold(0u16, |bits, (l, &word)| bits | (word as u16 & 1 << l));
            let (low, high) = mask.split_at(WORDS / 2);
            u32::from(half(low)) | u32::from(half(high)) << 16
        }
    }
}
