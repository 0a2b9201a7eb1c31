//! Analog values of any type.

/// Holds analog values in 0..=1, of one sample or of many (a byte stands for value / 255).
#[derive(Clone, Copy, Debug)]
pub enum Analog<'a> {
    /// Bytes, value / 255.
    U8(&'a [u8]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}
