//! Integer weights.

use super::FixedParams;
use crate::error::{Error, Result};
use crate::neuron::Weight;
use crate::simd::multiversion;

/// An integer weight, of fixed-point neurons.
pub trait FixedWeight: Weight<Params = FixedParams> + Into<i32> + TryFrom<i64> {
    /// NumPy's name of the type.
    const DTYPE: &'static str;

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
    ($type:ident, $dtype:literal, $add_row:ident) => {
        multiversion! {
            fn $add_row(input: &mut [i32], weight: &[$type]) = add_row_body
        }

        impl FixedWeight for $type {
            const DTYPE: &'static str = $dtype;

            fn add_row(input: &mut [i32], weight: &[Self]) {
                $add_row(input, weight);
            }
        }

        impl Weight for $type {
            type Params = FixedParams;

            fn check_params(params: &FixedParams, n: usize, _dt: f64) -> Result<()> {
                params.validate(n)
            }

            fn params_words(params: &FixedParams, add: impl FnMut(u64)) {
                params.words(add);
            }

            fn check_weights(params: &FixedParams, weights: &[Self]) -> Result<()> {
                let (low, high) = params.weight_range();
                match weights.iter().position(|&w| !(low..=high).contains(&w.into())) {
                    None => Ok(()),
                    Some(at) => {
                        let expected = format!("in [{low}, {high}], of weight_bits = {}", params.weight_bits);
                        Err(Error::value(format!("weight[{at}]"), expected, weights[at]))
                    }
                }
            }
        }
    };
}

fixed_weight!(i8, "int8", add_row_i8);
fixed_weight!(i16, "int16", add_row_i16);
fixed_weight!(i32, "int32", add_row_i32);
