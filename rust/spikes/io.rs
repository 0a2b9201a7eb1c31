//! Spike trains in a file.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use super::SpikeTrains;
use crate::error::{Error, Result};
use crate::files;
use crate::files::container::{FORMAT_VERSION, Stored, damaged, json, not_ours, read, serialize};
use crate::memory::collected;

/// What the JSON of such a file calls its content.
const CONTENT: &str = "spike_trains";

/// And if samples differ in length, which readers of before do not know.
const UNEVEN: &str = "uneven_spike_trains";

/// Whether a file of such content holds spike trains.
pub(crate) fn is_content(content: &str) -> bool {
    [CONTENT, UNEVEN].contains(&content)
}

/// What the JSON of a file says.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    content: String,
    /// Of (n_samples, n_steps, n_neurons); other files have none.
    shape: Option<[usize; 3]>,
}

/// Writes spike trains, as [`files`] says.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; those of [`spike_trains_to_bytes`].
pub fn write_spike_trains(path: &Path, trains: &SpikeTrains) -> Result<()> {
    files::write(path, &spike_trains_to_bytes(trains)?)
}

/// Returns the spike trains as the bytes of their file: their rows as the arrays `indptr` and `indices`.
///
/// # Errors
/// [`Error::Memory`].
pub fn spike_trains_to_bytes(trains: &SpikeTrains) -> Result<Vec<u8>> {
    let shape = Some([trains.n_samples(), trains.n_steps(), trains.n_neurons()]);
    let content = if trains.lengths().is_some() { UNEVEN } else { CONTENT };
    let header = Header { version: FORMAT_VERSION, content: content.to_owned(), shape };
    let json = serde_json::to_string(&header).map_err(|error| Error::format(Path::new("header"), error.to_string()))?;
    let shapes = [[trains.indptr().len()], [trains.n_spikes()], [trains.n_samples()]];
    let indptr = |bytes: &mut Vec<u8>| {
        trains.indptr().iter().for_each(|&at| bytes.extend_from_slice(&(at as u64).to_le_bytes()));
    };
    let indices = |bytes: &mut Vec<u8>| {
        trains.index().iter().for_each(|neuron| bytes.extend_from_slice(&neuron.to_le_bytes()));
    };
    let lengths = |bytes: &mut Vec<u8>| {
        trains.lengths().iter().copied().flatten().for_each(|length| bytes.extend_from_slice(&length.to_le_bytes()));
    };
    let mut arrays = vec![
        Stored::new("indptr", &shapes[0], Dtype::U64, indptr),
        Stored::new("indices", &shapes[1], Dtype::U32, indices),
    ];
    if trains.lengths().is_some() {
        arrays.push(Stored::new("lengths", &shapes[2], Dtype::U32, lengths));
    }
    serialize(arrays, json)
}

/// Reads what [`write_spike_trains`] wrote.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not ours, damaged, or of another version;
/// [`Error::Memory`].
pub fn read_spike_trains(path: &Path) -> Result<SpikeTrains> {
    let bytes = read(path)?;
    let header: Header = serde_json::from_str(&json(path, &bytes)?).map_err(|error| damaged(path, &error))?;
    if header.version != FORMAT_VERSION {
        let detail = format!("has format version {}, expected {FORMAT_VERSION}", header.version);
        return Err(Error::format(path, detail));
    }
    let is_uneven = header.content == UNEVEN;
    let Some([n_samples, n_steps, n_neurons]) = header.shape.filter(|_| is_content(&header.content)) else {
        return Err(Error::format(path, format!("holds a {}, expected {CONTENT}", header.content)));
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|_| not_ours(path, "its arrays are not all there"))?;
    let array = |name: &str, dtype| {
        let view = file.tensor(name).map_err(|_| Error::format(path, format!("lacks the array '{name}'")))?;
        if view.dtype() != dtype || view.shape().len() != 1 {
            let got = format!("is {:?} of shape {:?}, expected {dtype:?} of one dimension", view.dtype(), view.shape());
            return Err(Error::format(path, format!("array '{name}' {got}")));
        }
        Ok(view.data())
    };
    // What is too large for a signed number becomes negative, and so is refused.
    let indptr = array("indptr", Dtype::U64)?.as_chunks().0.iter().map(|&b| u64::from_le_bytes(b) as i64);
    let indptr = collected("indptr", indptr)?;
    let index = array("indices", Dtype::U32)?.as_chunks().0.iter().map(|&b| i64::from(u32::from_le_bytes(b)));
    let index = collected("indices", index)?;
    if n_samples.checked_mul(n_steps).and_then(|n| n.checked_add(1)) != Some(indptr.len()) {
        let expected =
            format!("shape {:?} has {} rows", [n_samples, n_steps, n_neurons], indptr.len().saturating_sub(1));
        return Err(Error::format(path, format!("has no rows that fit it: {expected}")));
    }
    let trains = SpikeTrains::from_csr(n_samples, n_steps, n_neurons, &indptr, &index);
    let lengths = if is_uneven { Some(array("lengths", Dtype::U32)?.as_chunks().0) } else { None };
    let lengths = lengths.map(|all| collected("lengths", all.iter().map(|&b| i64::from(u32::from_le_bytes(b)))));
    let lengths = lengths.transpose()?;
    let with_lengths = |trains: SpikeTrains| match &lengths {
        Some(lengths) => trains.with_lengths(lengths),
        None => Ok(trains),
    };
    trains.and_then(with_lengths).map_err(|error| match error {
        error @ Error::Memory { .. } => error,
        error => Error::format(path, error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trains() -> SpikeTrains {
        let counts = [0, 2, 0, 1, 0, 0, 0, 0, 3, 0, 0, 1];
        SpikeTrains::from_counts(2, 2, 3, counts.into_iter()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trains.safetensors");
        let short = SpikeTrains::from_counts(2, 2, 1, [1, 0, 0, 1].into_iter()).unwrap().with_lengths(&[1, 2]).unwrap();
        for trains in [trains(), SpikeTrains::empty(4, 5).unwrap(), short] {
            write_spike_trains(&path, &trains).unwrap();
            assert_eq!(read_spike_trains(&path).unwrap(), trains);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trains.safetensors");
        write_spike_trains(&path, &trains()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_spike_trains(&path).unwrap_err().to_string()
        };
        for end in 0..bytes.len() {
            refused(&bytes[..end]);
        }
        let changed = |from: &str, to: &str| {
            let text = bytes.iter().map(|&b| char::from(b)).collect::<String>().replace(from, to);
            refused(&text.chars().map(|c| c as u8).collect::<Vec<_>>())
        };
        assert!(changed(r#"\"version\":1"#, r#"\"version\":7"#).contains("has format version 7, expected 1"));
        assert!(changed("spike_trains", "spike_tables").contains("holds a spike_tables, expected spike_trains"));
        assert!(changed("[2,2,3]", "[2,3,3]").contains("shape [2, 3, 3] has 4 rows"));
        assert!(changed("[2,2,3]", "[2,2,2]").contains("indices[3] must be a neuron in [0, 2), got 2"));
    }

    #[test]
    fn arrays_of_another_type_or_shape_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trains.safetensors");
        let bytes = spike_trains_to_bytes(&trains()).unwrap();
        let message = |change: &dyn Fn(&mut crate::network::io::tests::Stored)| {
            let bytes = crate::network::io::tests::changed(&bytes, |arrays, _| change(arrays));
            std::fs::write(&path, bytes).unwrap();
            read_spike_trains(&path).unwrap_err().to_string()
        };
        for (name, dtype, other) in [("indptr", Dtype::U64, Dtype::I64), ("indices", Dtype::U32, Dtype::I32)] {
            let lacks = message(&|arrays| drop(arrays.remove(name)));
            assert!(lacks.ends_with(&format!("lacks the array '{name}'")), "{lacks}");
            // Either is enough.
            let typed = message(&|arrays| arrays.get_mut(name).unwrap().0 = other);
            assert!(typed.contains(&format!("'{name}' is {other:?} of shape")), "{typed}");
            let shaped = message(&|arrays| arrays.get_mut(name).unwrap().1.push(1));
            assert!(shaped.contains(&format!("'{name}' is {dtype:?} of shape")), "{shaped}");
        }
    }
}
