//! Instruction sets chosen at run time; the only `unsafe` of the crate.
//!
//! Kernels are ordinary safe loops over `[F; LANES]`, marked `#[inline(always)]`. [`multiversion!`] compiles such a
//! loop once for each instruction set and calls the best one the machine has, so one published wheel is fast on new
//! machines and runs on old ones. Nothing here (nor anywhere else) contracts `a * b + c` into a fused multiply-add and
//! every sum has a fixed order, so all versions give the same bits.

use std::ops::{Deref, DerefMut};

use crate::real::Real;

/// Neurons of a block: a cache line of `f32`, so a weight row of a block is one line (two for `f64`).
pub const LANES: usize = 16;

/// A value for each neuron of a block, aligned so that a row of `f32` never straddles two cache lines.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes<F>(pub [F; LANES]);

impl<F: Real> Lanes<F> {
    /// All zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([F::zero(); LANES])
    }

    /// Applies a function to every lane.
    #[inline(always)]
    pub fn map(self, f: impl FnMut(F) -> F) -> Self {
        Self(self.0.map(f))
    }
}

impl<F> Deref for Lanes<F> {
    type Target = [F; LANES];

    #[inline(always)]
    fn deref(&self) -> &[F; LANES] {
        &self.0
    }
}

impl<F> DerefMut for Lanes<F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [F; LANES] {
        &mut self.0
    }
}

/// The lanes one after the other.
pub fn flat<F: Real>(lanes: &[Lanes<F>]) -> &[F] {
    const { assert!(size_of::<Lanes<F>>() == LANES * size_of::<F>()) };
    // SAFETY: `Lanes` is `repr(C)` around an array, without padding as just asserted.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// The lanes one after the other.
pub fn flat_mut<F: Real>(lanes: &mut [Lanes<F>]) -> &mut [F] {
    const { assert!(size_of::<Lanes<F>>() == LANES * size_of::<F>()) };
    // SAFETY: as in `flat`.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
}

/// One bit for each neuron of a block.
pub type LaneMask = u16;

/// Half a block: the vectors that [`Spread`] makes.
pub const HALF: usize = LANES / 2;

/// Takes lanes of a block to other places, half a block of them: lane l becomes lane `source[l]`, or zero.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct Spread {
    source: [u32; HALF],
    /// All bits where the source is in the upper half.
    upper: [u32; HALF],
    /// All bits where there is a source.
    keep: [u32; HALF],
}

impl Spread {
    /// All zero, whatever is spread.
    pub fn none() -> Self {
        Self { source: [0; HALF], upper: [0; HALF], keep: [0; HALF] }
    }

    /// Lane `to` of the half becomes lane `from` of the block.
    pub fn set(&mut self, to: usize, from: usize) {
        assert!(from < LANES);
        self.source[to] = from as u32;
        self.upper[to] = if from < HALF { 0 } else { u32::MAX };
        self.keep[to] = u32::MAX;
    }

    /// The half. `level` is [`level()`], asked for once outside the loop.
    #[inline(always)]
    pub fn apply<F: Real>(&self, lanes: &Lanes<F>, level: Level) -> [F; HALF] {
        #[cfg(target_arch = "x86_64")]
        if level >= Level::X86V3
            && let Some(lanes) = F::as_f32(&lanes.0)
        {
            // SAFETY: the level includes AVX2.
            return F::from_f32(unsafe { self.apply_avx2(lanes) });
        }
        let _ = level;
        let mut half = [F::zero(); HALF];
        for (l, value) in half.iter_mut().enumerate() {
            *value = if self.keep[l] != 0 { lanes[self.source[l] as usize % LANES] } else { F::zero() };
        }
        half
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn apply_avx2(&self, lanes: &[f32; LANES]) -> [f32; HALF] {
        use std::arch::x86_64::{
            _mm256_and_ps, _mm256_blendv_ps, _mm256_castsi256_ps, _mm256_loadu_ps, _mm256_loadu_si256,
            _mm256_permutevar8x32_ps, _mm256_storeu_ps,
        };
        let mut half = [0.0; HALF];
        // SAFETY: every array is read or written whole: eight words each, the halves of sixteen.
        unsafe {
            let word = |words: &[u32; HALF]| _mm256_loadu_si256(words.as_ptr().cast());
            let source = word(&self.source);
            let lower = _mm256_permutevar8x32_ps(_mm256_loadu_ps(lanes.as_ptr()), source);
            let upper = _mm256_permutevar8x32_ps(_mm256_loadu_ps(lanes.as_ptr().add(HALF)), source);
            let picked = _mm256_blendv_ps(lower, upper, _mm256_castsi256_ps(word(&self.upper)));
            _mm256_storeu_ps(half.as_mut_ptr(), _mm256_and_ps(picked, _mm256_castsi256_ps(word(&self.keep))));
        }
        half
    }
}

/// Defines a function that runs `$body` compiled for the best instruction set of the machine.
///
/// The body must be an `#[inline(always)]` function of the same arguments.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<F: Real $(, const $n:ident: usize)*>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name [F: $crate::real::Real $(, const $n: usize)*] [F $(, $n)*]
            [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body
        }
    };
    (
        $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name [] [] [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body
        }
    };
    (
        @ $(#[$meta:meta])* $vis:vis fn $name:ident [$($generics:tt)*] [$($types:tt)*]
        [$($params:tt)*] [$($args:tt)*] [$($ret:tt)*] = $body:ident
    ) => {
        $(#[$meta])*
        $vis fn $name<$($generics)*>($($params)*) $($ret)* {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn x86_64_v4<$($generics)*>($($params)*) $($ret)* {
                    $body::<$($types)*>($($args)*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn x86_64_v3<$($generics)*>($($params)*) $($ret)* {
                    $body::<$($types)*>($($args)*)
                }
                match $crate::simd::level() {
                    // SAFETY: `level` has seen every feature the function is compiled for.
                    $crate::simd::Level::X86V4 => return unsafe { x86_64_v4::<$($types)*>($($args)*) },
                    // SAFETY: as above.
                    $crate::simd::Level::X86V3 => return unsafe { x86_64_v3::<$($types)*>($($args)*) },
                    $crate::simd::Level::Baseline => {}
                }
            }
            $body::<$($types)*>($($args)*)
        }
    };
}
pub(crate) use multiversion;

/// One bit for each lane that is `true`.
#[inline(always)]
pub fn mask_of(lanes: [bool; LANES]) -> LaneMask {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_movemask_epi8, _mm_slli_epi16};
        // SAFETY: 16 bytes of 0 or 1 are a vector of 16 bytes, and x86-64 always has SSE2. The shift moves every
        // byte's bit 0 to bit 7, which the mask is made of.
        unsafe {
            _mm_movemask_epi8(_mm_slli_epi16::<7>(std::mem::transmute::<[bool; LANES], __m128i>(lanes))) as LaneMask
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        lanes.iter().enumerate().fold(0, |mask, (l, &lane)| mask | LaneMask::from(lane) << l)
    }
}

/// Instruction set the kernels run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the target always has: SSE2 on x86-64, NEON on arm64.
    Baseline,
    /// x86-64-v3: AVX2.
    X86V3,
    /// x86-64-v4: AVX-512.
    X86V4,
}

impl Level {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline if cfg!(target_arch = "x86_64") => "SSE2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "NEON",
            Self::Baseline => "baseline",
            Self::X86V3 => "AVX2",
            Self::X86V4 => "AVX-512",
        }
    }
}

/// The best instruction set of this machine, at most what `STRSBP_SIMD` (`baseline`, `avx2`, `avx512`) allows.
pub fn level() -> Level {
    static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(|| {
        let allowed = match std::env::var("STRSBP_SIMD").as_deref() {
            Ok("baseline") => Level::Baseline,
            Ok("avx2") => Level::X86V3,
            _ => Level::X86V4,
        };
        detect().min(allowed)
    })
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let v3 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt");
    let v4 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (v3, v4) {
        (true, true) => Level::X86V4,
        (true, false) => Level::X86V3,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}
