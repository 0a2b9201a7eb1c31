//! Arrays in the bytes of a safetensors file.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorInfo, TensorView};

use super::{HEADER_START, LONGEST_HEADER, METADATA_KEY, not_ours};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, collected, with_room};
use crate::simd::{Real, Weight};
use crate::stop::check;

/// Numbers written between two looks at whether to stop.
const UNASKED: usize = 1 << 20;

/// Arrays of a file, decoded when they are asked for.
pub(crate) struct Arrays<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
}

impl<'a> Arrays<'a> {
    /// Finds the arrays of a file.
    ///
    /// # Errors
    /// [`Error::Format`] if they are not all there.
    pub(crate) fn of(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|_| not_ours(path, "its arrays are not all there"))?;
        Ok(Self { path, file })
    }

    /// Whether there is an array `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.tensor(name).is_ok()
    }

    /// Returns the array `name`, of a given shape and one of some types.
    fn find(&self, name: &str, expected: [usize; 2], dtypes: &[Dtype]) -> Result<TensorView<'a>> {
        let view = self.file.tensor(name).map_err(|_| Error::format(self.path, format!("lacks the array '{name}'")))?;
        if view.shape() != expected {
            let expected = format!("(n_out={}, n_in={})", expected[0], expected[1]);
            return Err(Error::format(self.path, Error::shape(name, view.shape(), expected).to_string()));
        }
        if !dtypes.contains(&view.dtype()) {
            let detail = format!("array '{name}' is {:?}, expected {:?}", view.dtype(), dtypes[0]);
            return Err(Error::format(self.path, detail));
        }
        Ok(view)
    }

    /// Refuses a file that lacks a floating-point array of these bytes; nothing is decoded.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub(crate) fn check<F: Real>(&self, name: &str, shape: [usize; 2]) -> Result<()> {
        self.find(name, shape, &[dtype::<F>()]).map(drop)
    }

    /// Returns the floating-point array `name`, of a given shape.
    ///
    /// # Errors
    /// [`Error::Format`]; [`Error::Memory`].
    pub(crate) fn floats<F: Real>(&self, name: &str, shape: [usize; 2]) -> Result<Vec<F>> {
        from_le_bytes(name, self.find(name, shape, &[dtype::<F>()])?.data())
    }

    /// Refuses a file that lacks an integer array of this shape; nothing is decoded.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub(crate) fn check_integers(&self, name: &str, shape: [usize; 2]) -> Result<()> {
        self.find(name, shape, &INTEGERS).map(drop)
    }

    /// Returns the integer array `name`, of a given shape.
    ///
    /// # Errors
    /// [`Error::Format`]; [`Error::Memory`].
    pub(crate) fn integers(&self, name: &str, shape: [usize; 2]) -> Result<Vec<i32>> {
        let view = self.find(name, shape, &INTEGERS)?;
        from_integer_bytes(name, view.dtype(), view.data())
    }
}

/// Appends to the bytes of a file.
type Put<'a> = dyn Fn(&mut Vec<u8>) + 'a;

/// An array on its way into a file.
pub(crate) struct Stored<'a> {
    name: &'a str,
    shape: &'a [usize],
    dtype: Dtype,
    bytes: usize,
    /// Appends its bytes.
    put: Box<Put<'a>>,
}

impl<'a> Stored<'a> {
    /// Returns the numbers of a type of so many bytes, which `put` appends to the bytes of the file.
    pub(crate) fn new(name: &'a str, shape: &'a [usize], dtype: Dtype, put: impl Fn(&mut Vec<u8>) + 'a) -> Self {
        let bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        Self { name, shape, dtype, bytes, put: Box::new(put) }
    }

    /// Makes an array of floating-point numbers.
    pub(crate) fn floats<F: Real>(name: &'a str, shape: &'a [usize], values: &'a [F]) -> Self {
        Self::new(name, shape, dtype::<F>(), |bytes| put_floats(values, bytes))
    }

    /// Integers, in the narrowest type that holds all of them.
    pub(crate) fn integers(name: &'a str, shape: &'a [usize], values: &'a [i32]) -> Self {
        let (dtype, size) = integer_type(values);
        Self::new(name, shape, dtype, move |bytes| put_integers(values, size, bytes))
    }
}

/// Returns a safetensors file, as the library of that name writes it, but in memory that may be refused.
pub(crate) fn serialize(mut arrays: Vec<Stored<'_>>, json: String) -> Result<Vec<u8>> {
    // The widest types first, so that all are aligned.
    arrays.sort_by(|a, b| b.dtype.cmp(&a.dtype).then(a.name.cmp(b.name)));
    let mut end = 0;
    let infos = arrays.iter().map(|array| {
        let start = end;
        end += array.bytes;
        let info = TensorInfo { dtype: array.dtype, shape: array.shape.to_vec(), data_offsets: (start, end) };
        (array.name.to_owned(), info)
    });
    let failed = |error: &dyn std::fmt::Display| Error::format(Path::new("header"), error.to_string());
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), json)]);
    let metadata = Metadata::new(Some(metadata), infos.collect()).map_err(|error| failed(&error))?;
    let mut header = serde_json::to_string(&metadata).map_err(|error| failed(&error))?.into_bytes();
    header.resize(header.len().next_multiple_of(HEADER_START as usize), b' ');
    if header.len() as u64 > LONGEST_HEADER {
        return Err(failed(&format!("{} bytes of configuration, a file holds at most {LONGEST_HEADER}", header.len())));
    }
    let mut bytes = with_room("bytes of the file", Some(HEADER_START as usize + header.len() + end))?;
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    arrays.iter().for_each(|array| (array.put)(&mut bytes));
    Ok(bytes)
}

fn dtype<F: Real>() -> Dtype {
    if F::DTYPE == f32::DTYPE { Dtype::F32 } else { Dtype::F64 }
}

fn put_floats<F: Real>(values: &[F], bytes: &mut Vec<u8>) {
    for values in values.chunks(UNASKED) {
        check().or_unwind();
        if F::DTYPE == f32::DTYPE {
            values.iter().for_each(|value| bytes.extend_from_slice(&(value.widen() as f32).to_le_bytes()));
        } else {
            values.iter().for_each(|value| bytes.extend_from_slice(&value.widen().to_le_bytes()));
        }
    }
}

fn from_le_bytes<F: Real>(name: &str, bytes: &[u8]) -> Result<Vec<F>> {
    if F::DTYPE == f32::DTYPE {
        let value = |b: &[u8; 4]| F::from_f64(f64::from(f32::from_le_bytes(*b)));
        collected(name, bytes.as_chunks().0.iter().map(value))
    } else {
        collected(name, bytes.as_chunks().0.iter().map(|b| F::from_f64(f64::from_le_bytes(*b))))
    }
}

/// The types that integers are written in.
const INTEGERS: [Dtype; 3] = [Dtype::I8, Dtype::I16, Dtype::I32];

/// Returns the narrowest type that holds all of an array, and its bytes.
fn integer_type(values: &[i32]) -> (Dtype, usize) {
    let fits = |low: i32, high: i32| values.iter().all(|value| (low..=high).contains(value));
    if fits(i8::MIN.into(), i8::MAX.into()) {
        (Dtype::I8, 1)
    } else if fits(i16::MIN.into(), i16::MAX.into()) {
        (Dtype::I16, 2)
    } else {
        (Dtype::I32, 4)
    }
}

fn put_integers(values: &[i32], size: usize, bytes: &mut Vec<u8>) {
    for values in values.chunks(UNASKED) {
        check().or_unwind();
        values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()[..size]));
    }
}

/// Returns the values of an array of integers.
fn from_integer_bytes(name: &str, dtype: Dtype, bytes: &[u8]) -> Result<Vec<i32>> {
    match dtype {
        Dtype::I8 => collected(name, bytes.iter().map(|&b| i32::from(b as i8))),
        Dtype::I16 => collected(name, bytes.as_chunks().0.iter().map(|b| i32::from(i16::from_le_bytes(*b)))),
        _ => collected(name, bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b))),
    }
}
