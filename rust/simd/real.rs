//! The two floating-point types the core is generic over.

use num_traits::{Float, NumAssign};

use super::Weight;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Isa, Portable};

/// `f32` (training) or `f64` (gradient checks). Sealed: the kernels rely on IEEE arithmetic.
pub trait Real: Weight + Float + NumAssign + std::iter::Sum + private::Sealed {
    /// How a machine with AVX2 works on it.
    #[cfg(target_arch = "x86_64")]
    type V3: Isa<Self>;

    /// How a machine with AVX-512 works on it.
    #[cfg(target_arch = "x86_64")]
    type V4: Isa<Self>;

    /// Rounds to the nearest value of this type.
    fn from_f64(value: f64) -> Self;
}

impl Real for f32 {
    #[cfg(target_arch = "x86_64")]
    type V3 = Avx2;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Real for f64 {
    #[cfg(target_arch = "x86_64")]
    type V3 = Portable;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
