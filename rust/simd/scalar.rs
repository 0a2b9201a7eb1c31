//! The arithmetic of the two floating-point types.

use num_traits::{Float, NumAssign};

use super::Weight;

/// `f32` or `f64`. Sealed: the kernels rely on IEEE arithmetic.
pub trait Scalar: Weight + Float + NumAssign + std::iter::Sum + private::Sealed {
    /// Rounds to the nearest value of this type.
    fn from_f64(value: f64) -> Self;
}

impl Scalar for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Scalar for f64 {
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
