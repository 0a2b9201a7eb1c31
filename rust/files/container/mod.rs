//! The container of all our files: a safetensors file with JSON of ours in its metadata.

mod arrays;

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Metadata;

pub(crate) use arrays::{Arrays, Stored, serialize};

use super::Reader;
use crate::error::{Error, Result};
use crate::memory::{check_room, reserve};

/// Version of the file format; files of a later one are refused.
pub const FORMAT_VERSION: u32 = 1;

/// Bytes in which a file says how long its header is.
const HEADER_START: u64 = 8;

/// The longest that safetensors has.
const LONGEST_HEADER: u64 = 100_000_000;

/// Most memory that a byte of JSON may take once it is read: lists of empty lists take that much.
const MEMORY_OF_A_BYTE: usize = 24;

/// Key of our JSON in the file's metadata.
pub(crate) const METADATA_KEY: &str = "strsbp_rs";

/// Named arrays on their way into or out of a file: (name, shape, values).
pub type Tensors<F> = Vec<(String, Vec<usize>, Vec<F>)>;

/// Integer arrays on their way into or out of a file, by name: (shape, values).
pub(crate) type IntegerArrays = BTreeMap<String, (Vec<usize>, Vec<i32>)>;

/// Reads a safetensors file. Its header is looked at first: nothing says that the file ends, or has the bytes that it claims.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] if it is none; [`Error::Memory`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let (mut reader, mut bytes) = (Reader::open(path)?, Vec::new());
    reader.more(HEADER_START, &mut bytes)?;
    let header = match bytes.first_chunk() {
        Some(length) => u64::from_le_bytes(*length),
        None => return Err(not_ours(path, "shorter than any")),
    };
    if header > LONGEST_HEADER {
        return Err(not_ours(path, &format!("its header would have {header} bytes, of at most {LONGEST_HEADER}")));
    }
    check_room(&format!("bytes of the header of {}", path.display()), usize::try_from(header).ok(), MEMORY_OF_A_BYTE)?;
    reader.more(header, &mut bytes)?;
    let metadata: Metadata = serde_json::from_slice(&bytes[HEADER_START as usize..])
        .map_err(|_| not_ours(path, "its header is cut off, or lists no arrays"))?;
    let expected = metadata.data_len();
    if let Some(found) = reader.len() {
        if Some(found) != (HEADER_START + header).checked_add(expected as u64) {
            return Err(not_ours(path, &format!("{found} bytes")));
        }
        reserve(&format!("bytes of {}", path.display()), &mut bytes, expected + 1)?;
    }
    reader.more((expected as u64).saturating_add(1), &mut bytes)?;
    Ok(bytes)
}

/// Returns our JSON in the metadata of a file.
///
/// # Errors
/// [`Error::Format`] if the header is damaged or has none.
pub(crate) fn json(path: &Path, bytes: &[u8]) -> Result<String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|_| not_ours(path, "its header is cut off, or lists other arrays than there are"))?;
    let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY));
    json.cloned().ok_or_else(|| {
        Error::format(path, "is a safetensors file without strsbp_rs metadata, expected one that strsbp_rs has written")
    })
}

/// Returns what is wrong with JSON of ours: where; the parser's own words are of no use to who has not written it.
pub(crate) fn damaged(path: &Path, error: &serde_json::Error) -> Error {
    Error::format(path, format!("has damaged metadata, at character {} of it", error.column()))
}

pub(crate) fn not_ours(path: &Path, detail: &str) -> Error {
    Error::format(path, format!("is not a whole safetensors file ({detail}), expected one that strsbp_rs has written"))
}
