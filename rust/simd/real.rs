//! The two floating-point types the core is generic over.

use super::Scalar;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512, Isa, Portable};

/// `f32` (training) or `f64` (gradient checks), with what instruction sets do with it.
pub trait Real: Scalar {
    /// How a machine with AVX2 works on it.
    #[cfg(target_arch = "x86_64")]
    type V3: Isa<Self>;

    /// How a machine with AVX-512 works on it.
    #[cfg(target_arch = "x86_64")]
    type V4: Isa<Self>;
}

impl Real for f32 {
    #[cfg(target_arch = "x86_64")]
    type V3 = Avx2;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;
}

impl Real for f64 {
    #[cfg(target_arch = "x86_64")]
    type V3 = Portable;
    #[cfg(target_arch = "x86_64")]
    type V4 = Avx512;
}
