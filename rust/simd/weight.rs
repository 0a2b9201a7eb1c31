//! The types that weights are stored in.

use std::fmt::{Debug, Display};

/// A type of numbers that the weights of synapses are stored in; which neurons they reach is the graph's to say.
pub trait Weight: Copy + Default + PartialEq + Send + Sync + Debug + Display + 'static {
    /// NumPy's name of the type.
    const DTYPE: &'static str;

    /// Whether it holds whole numbers alone.
    const IS_WHOLE: bool;

    /// Widens without loss.
    fn widen(self) -> f64;
}

macro_rules! weight {
    ($type:ident, $dtype:literal, $is_whole:literal) => {
        impl Weight for $type {
            const DTYPE: &'static str = $dtype;
            const IS_WHOLE: bool = $is_whole;

            #[inline(always)]
            fn widen(self) -> f64 {
                f64::from(self)
            }
        }
    };
}

weight!(f32, "float32", false);
weight!(f64, "float64", false);
weight!(i8, "int8", true);
weight!(i16, "int16", true);
weight!(i32, "int32", true);
