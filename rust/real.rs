//! The two floating-point types the core is generic over.

use num_traits::{Float, NumAssign};

/// `f32` (training) or `f64` (gradient checks). Sealed: the kernels rely on IEEE arithmetic.
pub trait Real:
    Float + NumAssign + Default + Send + Sync + std::fmt::Debug + std::iter::Sum + private::Sealed + 'static
{
    /// NumPy's name of the type.
    const DTYPE: &'static str;

    /// Rounds to the nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// Widens without loss.
    fn widen(self) -> f64;

    /// The same array, if this type is `f32`: for instructions that are written out for it.
    fn as_f32<const N: usize>(values: &[Self; N]) -> Option<&[f32; N]>;

    /// The reverse of [`as_f32`](Self::as_f32).
    fn from_f32<const N: usize>(values: [f32; N]) -> [Self; N];
}

impl Real for f32 {
    const DTYPE: &'static str = "float32";

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn as_f32<const N: usize>(values: &[Self; N]) -> Option<&[f32; N]> {
        Some(values)
    }

    #[inline(always)]
    fn from_f32<const N: usize>(values: [f32; N]) -> [Self; N] {
        values
    }
}

impl Real for f64 {
    const DTYPE: &'static str = "float64";

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }

    #[inline(always)]
    fn as_f32<const N: usize>(_: &[Self; N]) -> Option<&[f32; N]> {
        None
    }

    #[inline(always)]
    fn from_f32<const N: usize>(values: [f32; N]) -> [Self; N] {
        values.map(f64::from)
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
