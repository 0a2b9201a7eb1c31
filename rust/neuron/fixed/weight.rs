//! Integer weights.

use crate::simd::{Weight, multiversion};

/// A fixed weight is an integer: the weight of a synapse onto fixed-point neurons.
pub trait FixedWeight: Weight + Into<i32> + TryFrom<i64> {
    /// Adds a row of weights onto the inputs of all neurons.
    fn add_row(input: &mut [i32], weight: &[Self]);
}

#[inline(always)]
fn add_row_body<W: Copy + Into<i32>>(input: &mut [i32], weight: &[W]) {
    for (input, &w) in input.iter_mut().zip(weight) {
        *input = input.wrapping_add(w.into());
    }
}

macro_rules! fixed_weight {
    ($type:ident, $add_row:ident) => {
        multiversion! {
            fn $add_row(input: &mut [i32], weight: &[$type]) = add_row_body
        }

        impl FixedWeight for $type {
            fn add_row(input: &mut [i32], weight: &[Self]) {
                $add_row(input, weight);
            }
        }
    };
}

fixed_weight!(i8, add_row_i8);
fixed_weight!(i16, add_row_i16);
fixed_weight!(i32, add_row_i32);
