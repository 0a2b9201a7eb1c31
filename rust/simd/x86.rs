//! AVX2 and AVX-512, written out: the latter for `f64` too.

use std::arch::x86_64::*;

use super::{Isa, LANES, LaneMask, Lanes, STEPS, Spread};

/// AVX2: a block is two registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

/// AVX-512 F, BW, DQ and VL: a block is one register.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

// SAFETY of every block in the `impl`s below: a value of the type is only made where the machine has the instruction set
// (see `Isa::new_unchecked`), and memory is read and written through references to whole blocks, which are aligned (the
// one array of indices that need not be is written by an unaligned store).

impl Isa<f32> for Avx512 {
    type Vector = __m512;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn new_unchecked() -> Self {
        Self(())
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, lanes: &Lanes<f32>) -> __m512 {
        unsafe { _mm512_load_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: __m512, lanes: &mut Lanes<f32>) {
        unsafe { _mm512_store_ps(lanes.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: __m512, b: __m512) -> __mmask16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, yes: __m512, no: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(mask, no, yes) }
    }

    #[inline(always)]
    fn bits(self, mask: __mmask16) -> LaneMask {
        mask
    }

    #[inline(always)]
    fn mask(self, bits: LaneMask) -> __mmask16 {
        bits
    }

    #[inline(always)]
    fn spread(self, spread: &Spread, value: __m512) -> __m512 {
        unsafe {
            let source = _mm512_load_si512(spread.source.as_ptr().cast());
            _mm512_maskz_permutexvar_ps(spread.keep, source, value)
        }
    }

    #[inline(always)]
    fn list_bits(self, bits: LaneMask, first: u32, indices: &mut [u32; LANES]) {
        unsafe {
            let count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let all = _mm512_add_epi32(count, _mm512_set1_epi32(first as i32));
            _mm512_storeu_si512(indices.as_mut_ptr().cast(), _mm512_maskz_compress_epi32(bits, all));
        }
    }
}

impl Isa<f64> for Avx512 {
    type Vector = [__m512d; 2];
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn new_unchecked() -> Self {
        Self(())
    }

    #[inline(always)]
    fn splat(self, value: f64) -> [__m512d; 2] {
        unsafe { [_mm512_set1_pd(value); 2] }
    }

    #[inline(always)]
    fn load(self, lanes: &Lanes<f64>) -> [__m512d; 2] {
        unsafe { [_mm512_load_pd(lanes.as_ptr()), _mm512_load_pd(lanes.as_ptr().add(8))] }
    }

    #[inline(always)]
    fn store(self, value: [__m512d; 2], lanes: &mut Lanes<f64>) {
        unsafe {
            _mm512_store_pd(lanes.as_mut_ptr(), value[0]);
            _mm512_store_pd(lanes.as_mut_ptr().add(8), value[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: [__m512d; 2], b: [__m512d; 2]) -> [__m512d; 2] {
        unsafe { [_mm512_add_pd(a[0], b[0]), _mm512_add_pd(a[1], b[1])] }
    }

    #[inline(always)]
    fn sub(self, a: [__m512d; 2], b: [__m512d; 2]) -> [__m512d; 2] {
        unsafe { [_mm512_sub_pd(a[0], b[0]), _mm512_sub_pd(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: [__m512d; 2], b: [__m512d; 2]) -> [__m512d; 2] {
        unsafe { [_mm512_mul_pd(a[0], b[0]), _mm512_mul_pd(a[1], b[1])] }
    }

    #[inline(always)]
    fn greater(self, a: [__m512d; 2], b: [__m512d; 2]) -> __mmask16 {
        unsafe {
            let [low, high] =
                [_mm512_cmp_pd_mask::<_CMP_GT_OQ>(a[0], b[0]), _mm512_cmp_pd_mask::<_CMP_GT_OQ>(a[1], b[1])];
            _mm512_kunpackb(__mmask16::from(high), __mmask16::from(low))
        }
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, yes: [__m512d; 2], no: [__m512d; 2]) -> [__m512d; 2] {
        unsafe {
            [
                _mm512_mask_blend_pd(mask as __mmask8, no[0], yes[0]),
                _mm512_mask_blend_pd((mask >> 8) as __mmask8, no[1], yes[1]),
            ]
        }
    }

    #[inline(always)]
    fn bits(self, mask: __mmask16) -> LaneMask {
        mask
    }

    #[inline(always)]
    fn mask(self, bits: LaneMask) -> __mmask16 {
        bits
    }

    #[inline(always)]
    fn spread(self, spread: &Spread, value: [__m512d; 2]) -> [__m512d; 2] {
        unsafe {
            let source = _mm512_load_si512(spread.source.as_ptr().cast());
            let [low, high] = [_mm512_castsi512_si256(source), _mm512_extracti64x4_epi64::<1>(source)];
            let [low, high] = [_mm512_cvtepu32_epi64(low), _mm512_cvtepu32_epi64(high)];
            [
                _mm512_maskz_permutex2var_pd(spread.keep as __mmask8, value[0], low, value[1]),
                _mm512_maskz_permutex2var_pd((spread.keep >> 8) as __mmask8, value[0], high, value[1]),
            ]
        }
    }

    #[inline(always)]
    fn max(self, a: [__m512d; 2], b: [__m512d; 2]) -> [__m512d; 2] {
        unsafe { [_mm512_max_pd(a[0], b[0]), _mm512_max_pd(a[1], b[1])] }
    }

    #[inline(always)]
    fn shift_in(self, first: f64, value: [__m512d; 2]) -> [__m512d; 2] {
        unsafe {
            let [low, high] = [_mm512_castpd_si512(value[0]), _mm512_castpd_si512(value[1])];
            let first = _mm512_castpd_si512(_mm512_set1_pd(first));
            [
                _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(low, first)),
                _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(high, low)),
            ]
        }
    }

    #[inline(always)]
    fn list_bits(self, bits: LaneMask, first: u32, indices: &mut [u32; LANES]) {
        Isa::<f32>::list_bits(self, bits, first, indices);
    }
}

impl Avx2 {
    /// Returns one register of the two, all bits where the mask has one.
    #[inline(always)]
    fn half_mask(self, bits: LaneMask, upper: bool) -> __m256 {
        unsafe {
            let bits = _mm256_set1_epi32(i32::from(bits));
            let place = if upper {
                _mm256_setr_epi32(0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000)
            } else {
                _mm256_setr_epi32(0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80)
            };
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(bits, place), place))
        }
    }

    /// Returns one register of the two of `spread`.
    #[inline(always)]
    fn half_spread(self, spread: &Spread, value: [__m256; 2], upper: bool) -> __m256 {
        unsafe {
            let source = _mm256_load_si256(spread.source.as_ptr().cast::<__m256i>().add(usize::from(upper)));
            // The permutation looks at the lowest three bits; the fourth, shifted to the sign, chooses the half.
            let low = _mm256_permutevar8x32_ps(value[0], source);
            let high = _mm256_permutevar8x32_ps(value[1], source);
            let picked = _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(source)));
            _mm256_and_ps(picked, self.half_mask(spread.keep, upper))
        }
    }
}

impl Isa<f32> for Avx2 {
    type Vector = [__m256; 2];
    type Mask = [__m256; 2];

    #[inline(always)]
    unsafe fn new_unchecked() -> Self {
        Self(())
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [__m256; 2] {
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, lanes: &Lanes<f32>) -> [__m256; 2] {
        unsafe { [_mm256_load_ps(lanes.as_ptr()), _mm256_load_ps(lanes.as_ptr().add(8))] }
    }

    #[inline(always)]
    fn store(self, value: [__m256; 2], lanes: &mut Lanes<f32>) {
        unsafe {
            _mm256_store_ps(lanes.as_mut_ptr(), value[0]);
            _mm256_store_ps(lanes.as_mut_ptr().add(8), value[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn greater(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_cmp_ps::<_CMP_GT_OQ>(a[0], b[0]), _mm256_cmp_ps::<_CMP_GT_OQ>(a[1], b[1])] }
    }

    #[inline(always)]
    fn select(self, mask: [__m256; 2], yes: [__m256; 2], no: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_blendv_ps(no[0], yes[0], mask[0]), _mm256_blendv_ps(no[1], yes[1], mask[1])] }
    }

    #[inline(always)]
    fn bits(self, mask: [__m256; 2]) -> LaneMask {
        unsafe { (_mm256_movemask_ps(mask[0]) | _mm256_movemask_ps(mask[1]) << 8) as LaneMask }
    }

    #[inline(always)]
    fn mask(self, bits: LaneMask) -> [__m256; 2] {
        [self.half_mask(bits, false), self.half_mask(bits, true)]
    }

    #[inline(always)]
    fn spread(self, spread: &Spread, value: [__m256; 2]) -> [__m256; 2] {
        [self.half_spread(spread, value, false), self.half_spread(spread, value, true)]
    }
}

/// Returns [`run_ahead`](super::run_ahead) with AVX2.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn run_ahead(gaps: &[f32; STEPS], scale: f32, longest: i32, last: i32) -> [i32; STEPS] {
    let mut steps = [0; STEPS];
    // SAFETY: the arrays of eight words are read and written whole.
    unsafe {
        let gaps = _mm256_mul_ps(_mm256_loadu_ps(gaps.as_ptr()), _mm256_set1_ps(scale));
        // Of a NaN the second operand is taken.
        let gaps = _mm256_cvttps_epi32(_mm256_min_ps(gaps, _mm256_set1_ps(longest as f32)));
        let mut sums = _mm256_add_epi32(gaps, _mm256_set1_epi32(1));
        // Running sums of either half, then the sum of the lower half onto all of the upper.
        sums = _mm256_add_epi32(sums, _mm256_slli_si256::<4>(sums));
        sums = _mm256_add_epi32(sums, _mm256_slli_si256::<8>(sums));
        let lower = _mm256_permute2x128_si256::<0x08>(sums, sums);
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32::<0xff>(lower));
        sums = _mm256_add_epi32(sums, _mm256_set1_epi32(last));
        _mm256_storeu_si256(steps.as_mut_ptr().cast(), sums);
    }
    steps
}
