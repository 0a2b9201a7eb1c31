//! The two floating-point types the core is generic over.

use num_traits::{Float, NumAssign};

use crate::neuron::{LifParams, Weight};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Isa, Portable};

/// `f32` (training) or `f64` (gradient checks). Sealed: the kernels rely on IEEE arithmetic.
pub trait Real: Weight<Params = LifParams> + Float + NumAssign + Default + std::iter::Sum + private::Sealed {
    /// NumPy's name of the type.
    const DTYPE: &'static str;

    /// How a machine with AVX2 works on it.
    #[cfg(target_arch = "x86_64")]
    type V3: Isa<Self>;

    /// How a machine with AVX-512 works on it.
    #[cfg(target_arch = "x86_64")]
    type V4: Isa<Self>;

    /// Rounds to the nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// Widens without loss.
    fn widen(self) -> f64;
}

impl Real for f32 {
    const DTYPE: &'static str = "float32";

    #[cfg(target_arch = "x86_64")]
    type V3 = Avx2;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const DTYPE: &'static str = "float64";

    #[cfg(target_arch = "x86_64")]
    type V3 = Portable;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
