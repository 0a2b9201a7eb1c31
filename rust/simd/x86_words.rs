//! Words of 16 bits on AVX2 and AVX-512.

use std::arch::x86_64::*;

use super::{Avx2, Avx512, LANES, Lanes, WORDS, WordIsa, Words};

// SAFETY of every block: as of those in `x86`.

/// Methods that are one instruction a register, of one operand after the other.
macro_rules! pairwise {
    ($($name:ident = $instruction:ident),*) => {
        $(#[inline(always)]
        fn $name(self, a: Self::Words, b: Self::Words) -> Self::Words {
            unsafe { [$instruction(a[0], b[0]), $instruction(a[1], b[1])] }
        })*
    };
}

macro_rules! whole {
    ($($name:ident = $instruction:ident),*) => {
        $(#[inline(always)]
        fn $name(self, a: __m512i, b: __m512i) -> __m512i {
            unsafe { $instruction(a, b) }
        })*
    };
}

impl WordIsa for Avx512 {
    type Words = __m512i;
    type WordMask = __mmask32;

    whole! {
        add_words = _mm512_add_epi16,
        sub_words = _mm512_sub_epi16,
        add_saturating = _mm512_adds_epi16,
        sub_saturating = _mm512_subs_epi16,
        min_words = _mm512_min_epi16,
        max_words = _mm512_max_epi16,
        mul_high = _mm512_mulhi_epi16,
        mul_low = _mm512_mullo_epi16,
        mul_round = _mm512_mulhrs_epi16,
        and_words = _mm512_and_si512
    }

    #[inline(always)]
    fn word(self, value: i16) -> __m512i {
        unsafe { _mm512_set1_epi16(value) }
    }

    #[inline(always)]
    fn load_words(self, words: &Words) -> __m512i {
        unsafe { _mm512_load_si512(words.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_words(self, value: __m512i, words: &mut Words) {
        unsafe { _mm512_store_si512(words.0.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    fn shift_left(self, a: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_sll_epi16(a, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right(self, a: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_sra_epi16(a, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn words_above(self, a: __m512i, b: __m512i) -> __mmask32 {
        unsafe { _mm512_cmpgt_epi16_mask(a, b) }
    }

    #[inline(always)]
    fn words_differ(self, a: __m512i, b: __m512i) -> __mmask32 {
        unsafe { _mm512_cmpneq_epi16_mask(a, b) }
    }

    #[inline(always)]
    fn both(self, a: __mmask32, b: __mmask32) -> __mmask32 {
        a & b
    }

    #[inline(always)]
    fn choose(self, mask: __mmask32, yes: __m512i, no: __m512i) -> __m512i {
        unsafe { _mm512_mask_blend_epi16(mask, no, yes) }
    }

    #[inline(always)]
    fn count(self, mask: __mmask32, a: __m512i) -> __m512i {
        unsafe { _mm512_mask_add_epi16(a, mask, a, _mm512_set1_epi16(1)) }
    }

    #[inline(always)]
    fn widen(self, a: __m512i) -> [Lanes<i32>; WORDS / LANES] {
        let mut wide = [Lanes([0; LANES]); WORDS / LANES];
        unsafe {
            let [low, high] = [_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a)];
            _mm512_store_si512(wide[0].as_mut_ptr().cast(), _mm512_cvtepi16_epi32(low));
            _mm512_store_si512(wide[1].as_mut_ptr().cast(), _mm512_cvtepi16_epi32(high));
        }
        wide
    }

    #[inline(always)]
    fn word_bits(self, mask: __mmask32) -> u32 {
        mask
    }
}

impl WordIsa for Avx2 {
    type Words = [__m256i; 2];
    type WordMask = [__m256i; 2];

    pairwise! {
        add_words = _mm256_add_epi16,
        sub_words = _mm256_sub_epi16,
        add_saturating = _mm256_adds_epi16,
        sub_saturating = _mm256_subs_epi16,
        min_words = _mm256_min_epi16,
        max_words = _mm256_max_epi16,
        mul_high = _mm256_mulhi_epi16,
        mul_low = _mm256_mullo_epi16,
        mul_round = _mm256_mulhrs_epi16,
        words_above = _mm256_cmpgt_epi16,
        and_words = _mm256_and_si256,
        both = _mm256_and_si256
    }

    #[inline(always)]
    fn word(self, value: i16) -> [__m256i; 2] {
        unsafe { [_mm256_set1_epi16(value); 2] }
    }

    #[inline(always)]
    fn load_words(self, words: &Words) -> [__m256i; 2] {
        let halves: *const __m256i = words.0.as_ptr().cast();
        unsafe { [_mm256_load_si256(halves), _mm256_load_si256(halves.add(1))] }
    }

    #[inline(always)]
    fn store_words(self, value: [__m256i; 2], words: &mut Words) {
        let halves: *mut __m256i = words.0.as_mut_ptr().cast();
        unsafe {
            _mm256_store_si256(halves, value[0]);
            _mm256_store_si256(halves.add(1), value[1]);
        }
    }

    #[inline(always)]
    fn shift_left(self, a: [__m256i; 2], bits: u32) -> [__m256i; 2] {
        unsafe {
            let bits = _mm_cvtsi32_si128(bits as i32);
            [_mm256_sll_epi16(a[0], bits), _mm256_sll_epi16(a[1], bits)]
        }
    }

    #[inline(always)]
    fn shift_right(self, a: [__m256i; 2], bits: u32) -> [__m256i; 2] {
        unsafe {
            let bits = _mm_cvtsi32_si128(bits as i32);
            [_mm256_sra_epi16(a[0], bits), _mm256_sra_epi16(a[1], bits)]
        }
    }

    #[inline(always)]
    fn choose(self, mask: [__m256i; 2], yes: [__m256i; 2], no: [__m256i; 2]) -> [__m256i; 2] {
        unsafe { [_mm256_blendv_epi8(no[0], yes[0], mask[0]), _mm256_blendv_epi8(no[1], yes[1], mask[1])] }
    }

    #[inline(always)]
    fn words_differ(self, a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        unsafe {
            let all = _mm256_set1_epi16(-1);
            [
                _mm256_xor_si256(_mm256_cmpeq_epi16(a[0], b[0]), all),
                _mm256_xor_si256(_mm256_cmpeq_epi16(a[1], b[1]), all),
            ]
        }
    }

    #[inline(always)]
    fn count(self, mask: [__m256i; 2], a: [__m256i; 2]) -> [__m256i; 2] {
        self.sub_words(a, mask)
    }

    #[inline(always)]
    fn widen(self, a: [__m256i; 2]) -> [Lanes<i32>; WORDS / LANES] {
        let mut wide = [Lanes([0; LANES]); WORDS / LANES];
        for half in 0..2 {
            let lanes: *mut __m256i = wide[half].as_mut_ptr().cast();
            unsafe {
                let [low, high] = [_mm256_castsi256_si128(a[half]), _mm256_extracti128_si256::<1>(a[half])];
                _mm256_store_si256(lanes, _mm256_cvtepi16_epi32(low));
                _mm256_store_si256(lanes.add(1), _mm256_cvtepi16_epi32(high));
            }
        }
        wide
    }

    #[inline(always)]
    fn word_bits(self, mask: [__m256i; 2]) -> u32 {
        unsafe {
            // Packing works on halves of registers; then they are put in order.
            let bytes = _mm256_packs_epi16(mask[0], mask[1]);
            _mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(bytes)) as u32
        }
    }
}
