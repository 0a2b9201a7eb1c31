//! Instruction sets chosen at run time, and hints about memory; the only `unsafe` of the crate.
//!
//! Kernels are safe functions over blocks of 16 neurons, generic over an instruction set ([`Isa`]) and marked
//! `#[inline(always)]`. [`multiversion!`] compiles such a function once for each instruction set and calls the best one
//! the machine has, so one published wheel is fast on new machines and runs on old ones. Nothing here (nor anywhere else)
//! contracts `a * b + c` into a fused multiply-add and every sum has a fixed order, so all versions give the same bits.

mod isa;
mod real;
mod scalar;
mod weight;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_words;

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

pub use isa::{Isa, Portable, Spread};
pub use real::Real;
pub use scalar::Scalar;
pub use weight::Weight;
pub use words::{WORDS, WordIsa, Words, flat_words_mut};
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

use crate::error::{Error, Result};

/// Neurons of a block: a cache line of `f32`, so a weight row of a block is one line (two for `f64`).
pub const LANES: usize = 16;

/// A value for each neuron of a block, aligned so that a row of `f32` never straddles two cache lines.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes<F>(pub [F; LANES]);

impl<F: Scalar> Lanes<F> {
    /// Makes one of zeros.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([F::zero(); LANES])
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

/// Returns the lanes one after the other.
pub fn flat<F>(lanes: &[Lanes<F>]) -> &[F] {
    const { assert!(size_of::<Lanes<F>>() == LANES * size_of::<F>()) };
    // SAFETY: `Lanes` is `repr(C)` around an array, without padding as just asserted.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
}

/// Returns the lanes one after the other.
pub fn flat_mut<F>(lanes: &mut [Lanes<F>]) -> &mut [F] {
    const { assert!(size_of::<Lanes<F>>() == LANES * size_of::<F>()) };
    // SAFETY: as in `flat`.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
}

/// Returns an array of what `value` gives for every place.
///
/// In kernels instead of `std::array::from_fn` and `map`, which call closures by way of a function that is not inlined into
/// another unit of code generation.
#[inline(always)]
pub(crate) fn array<T: Copy, const N: usize>(mut value: impl FnMut(usize) -> T) -> [T; N] {
    let mut array = [const { MaybeUninit::uninit() }; N];
    for at in 0..N {
        array[at].write(value(at));
    }
    // SAFETY: every place has just been written, and `MaybeUninit` has the layout of what it holds.
    unsafe { std::mem::transmute_copy::<[MaybeUninit<T>; N], [T; N]>(&array) }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for the first 512 bytes of a slice, so that they are near by the time they are read.
#[inline(always)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..size_of_val(values).div_ceil(LINE).min(8) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 machine has it, and it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values.as_ptr().cast::<i8>().wrapping_add(line * LINE)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Asks for the line on which a value lies or, if there is no such value, for nothing.
#[inline(always)]
pub fn prefetch_at<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 machine has it, and it reads nothing, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_add(at).cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

/// Returns four indices, read two at a time: loops over rows are bound by the number of loads.
#[inline(always)]
pub fn unpack(indices: &[u32; 4]) -> [usize; 4] {
    // SAFETY: an array of four `u32` is one of two `u64`, but for its alignment.
    let [low, high] = unsafe { indices.as_ptr().cast::<[u64; 2]>().read_unaligned() };
    #[cfg(target_endian = "big")]
    let (low, high) = (low.rotate_left(32), high.rotate_left(32));
    [low as u32 as usize, (low >> 32) as usize, high as u32 as usize, (high >> 32) as usize]
}

/// Steps that [`run_ahead`] makes at once.
pub const STEPS: usize = 8;

/// Lists the steps `last` + the running sum of 1 + floor(`gaps` * `scale`), no gap longer than `longest` (at most 2^24, and what
/// NaN stands for); `level` is asked for once outside the loop.
///
/// Written out because the language's conversion saturates and its sums go one by one, neither in vectors.
#[inline(always)]
pub fn run_ahead(gaps: &[f32; STEPS], scale: f32, longest: i32, last: i32, level: Available) -> [i32; STEPS] {
    #[cfg(target_arch = "x86_64")]
    if level.0 >= Level::X86V3 {
        // SAFETY: the machine has the level, and that includes AVX2.
        return unsafe { x86::run_ahead(gaps, scale, longest, last) };
    }
    let _ = level;
    let mut at = last;
    array(|step| {
        let (gap, longest) = (gaps[step] * scale, longest as f32);
        at = at.wrapping_add(1 + if gap < longest { gap as i32 } else { longest as i32 });
        at
    })
}

/// One bit for each neuron of a block.
pub type LaneMask = u16;

/// Defines a function that runs `$body` compiled for the best instruction set of the machine.
///
/// The body must be an `#[inline(always)]` function of the same arguments; if it is generic over a [`Real`] or a [`WordIsa`],
/// the instruction set comes first. A second type parameter beside a [`Real`] is bound by a trait of it: `F: Real, T: Thresholds` by
/// `Thresholds<F>`.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<W: WordIsa $(, $g:ident: $bound:ident $(, const $n:ident: $of:ty)*)?>(
            $($arg:ident: $type:ty),* $(,)?
        ) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name [$($g: $bound $(, const $n: $of)*)?] [$($g $(, $n)*)?] [_ $(, $g $(, $n)*)?]
            [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body
            [unsafe { <$crate::simd::Avx512 as $crate::simd::Isa<f32>>::new_unchecked() },]
            [unsafe { <$crate::simd::Avx2 as $crate::simd::Isa<f32>>::new_unchecked() },]
            [unsafe { <$crate::simd::Portable as $crate::simd::Isa<f32>>::new_unchecked() },]
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<F: Real $(, const $n:ident: usize)*>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name [F: $crate::simd::Real $(, const $n: usize)*] [F $(, $n)*] [F, _ $(, $n)*]
            [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body
            [unsafe { <F::V4 as $crate::simd::Isa<F>>::new_unchecked() },]
            [unsafe { <F::V3 as $crate::simd::Isa<F>>::new_unchecked() },]
            [unsafe { <$crate::simd::Portable as $crate::simd::Isa<F>>::new_unchecked() },]
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<F: Real, $g:ident: $bound:ident $(, const $n:ident: usize)*>(
            $($arg:ident: $type:ty),* $(,)?
        ) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name
            [F: $crate::simd::Real, $g: $bound<F> $(, const $n: usize)*] [F, $g $(, $n)*] [F, _, $g $(, $n)*]
            [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body
            [unsafe { <F::V4 as $crate::simd::Isa<F>>::new_unchecked() },]
            [unsafe { <F::V3 as $crate::simd::Isa<F>>::new_unchecked() },]
            [unsafe { <$crate::simd::Portable as $crate::simd::Isa<F>>::new_unchecked() },]
        }
    };
    (
        $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? = $body:ident
    ) => {
        $crate::simd::multiversion! {
            @ $(#[$meta])* $vis fn $name [] [] [] [$($arg: $type),*] [$($arg),*] [$(-> $ret)?] = $body [] [] []
        }
    };
    (
        @ $(#[$meta:meta])* $vis:vis fn $name:ident [$($generics:tt)*] [$($types:tt)*] [$($body_types:tt)*]
        [$($params:tt)*] [$($args:tt)*] [$($ret:tt)*] = $body:ident [$($v4:tt)*] [$($v3:tt)*] [$($portable:tt)*]
    ) => {
        $(#[$meta])*
        $vis fn $name<$($generics)*>($($params)*) $($ret)* {
            #[cfg(target_arch = "x86_64")]
            {
                // SAFETY of both: compiled for, and called with, the features the instruction set stands for.
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn x86_64_v4<$($generics)*>($($params)*) $($ret)* {
                    $body::<$($body_types)*>($($v4)* $($args)*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn x86_64_v3<$($generics)*>($($params)*) $($ret)* {
                    $body::<$($body_types)*>($($v3)* $($args)*)
                }
                match $crate::simd::level() {
                    // SAFETY: `level` has seen every feature the function is compiled for.
                    $crate::simd::Level::X86V4 => return unsafe { x86_64_v4::<$($types)*>($($args)*) },
                    // SAFETY: as above.
                    $crate::simd::Level::X86V3 => return unsafe { x86_64_v3::<$($types)*>($($args)*) },
                    $crate::simd::Level::Baseline => {}
                }
            }
            // SAFETY: every machine has the portable instruction set.
            $body::<$($body_types)*>($($portable)* $($args)*)
        }
    };
}
pub(crate) use multiversion;

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
    /// Returns the name for people.
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

/// An instruction set that this machine is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available(Level);

impl Available {
    /// Returns what the kernels run with, or `most` if that is less.
    pub fn at_most(most: Level) -> Self {
        Self(level().min(most))
    }
}

/// The environment variable that keeps the kernels from newer instruction sets.
const VARIABLE: &str = "STRSBP_SIMD";

/// Returns the best instruction set of this machine, at most what `STRSBP_SIMD` (`baseline`, `avx2`, `avx512`) allows; what
/// [`check_environment`] refuses allows all.
pub fn level() -> Level {
    static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(|| detect().min(check_environment().unwrap_or(Level::X86V4)))
}

/// Returns what `STRSBP_SIMD` allows: all if it is not set, or empty.
///
/// # Errors
/// [`Error::Value`] if it is none of the names.
pub fn check_environment() -> Result<Level> {
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(Level::X86V4) };
    allowed(&value.to_string_lossy())
}

fn allowed(name: &str) -> Result<Level> {
    match name {
        "baseline" => Ok(Level::Baseline),
        "avx2" => Ok(Level::X86V3),
        "avx512" | "" => Ok(Level::X86V4),
        _ => Err(Error::value(VARIABLE, "'baseline', 'avx2' or 'avx512'", format!("'{name}'"))),
    }
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

#[cfg(test)]
mod tests;
