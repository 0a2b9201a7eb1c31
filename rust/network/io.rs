//! Weights and configuration in one safetensors file.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layer::check_weights;
use super::{Network, NetworkConfig};
use crate::error::{Error, Result};
use crate::real::Real;

/// Version of the file format; files of a later one are refused.
pub const FORMAT_VERSION: u32 = 1;

/// Key of our JSON in the file's metadata.
const METADATA_KEY: &str = "strsbp_rs";

/// What the JSON of a file says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header<T> {
    /// [`FORMAT_VERSION`] of the writer.
    pub version: u32,
    /// `"network"` or `"checkpoint"`.
    pub content: String,
    /// NumPy's name of the weights' type.
    pub dtype: String,
    /// The network.
    pub network: NetworkConfig,
    /// What a checkpoint adds.
    pub extra: T,
}

/// Named arrays on their way into or out of a file: (name, shape, values).
pub type Tensors<F> = Vec<(String, Vec<usize>, Vec<F>)>;

/// Arrays of a file by name: (shape, values).
pub(crate) type Arrays<F> = HashMap<String, (Vec<usize>, Vec<F>)>;

/// Writes a network's configuration and weights, atomically.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write_network<F: Real>(path: &Path, net: &Network<F>) -> Result<()> {
    write_atomically(path, &network_to_bytes(net)?)
}

/// Reads what [`write_network`] wrote, or the network of a checkpoint.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not ours, damaged, or of another version or dtype.
pub fn read_network<F: Real>(path: &Path) -> Result<Network<F>> {
    network_from_bytes(path, &read(path)?)
}

/// A network as the bytes of its file.
///
/// # Errors
/// None in practice: those of the serialiser.
pub fn network_to_bytes<F: Real>(net: &Network<F>) -> Result<Vec<u8>> {
    to_bytes("network", net, &(), Vec::new())
}

/// The network in the bytes of a file; `path` is for messages.
///
/// # Errors
/// [`Error::Format`].
pub fn network_from_bytes<F: Real>(path: &Path, bytes: &[u8]) -> Result<Network<F>> {
    let (header, tensors) = parse::<serde_json::Value, F>(path, bytes)?;
    build(path, header.network, &tensors)
}

/// NumPy's name of the type of the weights in a file.
///
/// # Errors
/// [`Error::Format`].
pub fn dtype_of(path: &Path, bytes: &[u8]) -> Result<String> {
    Ok(parse_header::<serde_json::Value>(path, bytes)?.dtype)
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Io`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(path, error))
}

/// Serialises a network, `extra` and further arrays.
pub(crate) fn to_bytes<F: Real, T: Serialize>(
    content: &str,
    net: &Network<F>,
    extra: &T,
    more: Tensors<F>,
) -> Result<Vec<u8>> {
    let header = Header {
        version: FORMAT_VERSION,
        content: content.to_owned(),
        dtype: F::DTYPE.to_owned(),
        network: net.config().clone(),
        extra,
    };
    let json = serde_json::to_string(&header).map_err(|error| Error::format(Path::new("header"), error.to_string()))?;
    let mut tensors = weights(net);
    tensors.extend(more);
    let bytes: Vec<_> = tensors.iter().map(|(name, shape, values)| (name, shape, le_bytes(values))).collect();
    let views: Vec<_> = bytes
        .iter()
        .map(|(name, shape, data)| {
            let view = TensorView::new(dtype::<F>(), shape.to_vec(), data);
            view.map(|view| (name.as_str(), view)).map_err(|error| Error::format(Path::new(name), error.to_string()))
        })
        .collect::<Result<_>>()?;
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), json)]);
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| Error::format(Path::new("tensors"), error.to_string()))
}

/// Header and arrays of a file.
pub(crate) fn parse<T: DeserializeOwned, F: Real>(path: &Path, bytes: &[u8]) -> Result<(Header<T>, Arrays<F>)> {
    let header = parse_header::<T>(path, bytes)?;
    if header.dtype != F::DTYPE {
        return Err(Error::format(path, format!("holds {} weights, expected {}", header.dtype, F::DTYPE)));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| not_ours(path, &error))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != dtype::<F>() {
            return Err(Error::format(path, format!("array '{name}' is {:?}, expected {}", view.dtype(), F::DTYPE)));
        }
        tensors.insert(name, (view.shape().to_vec(), from_le_bytes(view.data())));
    }
    Ok((header, tensors))
}

fn parse_header<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Header<T>> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| not_ours(path, &error))?;
    let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY)).ok_or_else(|| {
        Error::format(path, "is a safetensors file without strsbp_rs metadata, expected one that strsbp_rs has written")
    })?;
    let damaged = |error: serde_json::Error| Error::format(path, format!("has damaged metadata: {error}"));
    let Version { version } = serde_json::from_str(json).map_err(damaged)?;
    if version != FORMAT_VERSION {
        return Err(Error::format(path, format!("has format version {version}, expected {FORMAT_VERSION}")));
    }
    serde_json::from_str(json).map_err(damaged)
}

fn not_ours(path: &Path, error: &safetensors::SafeTensorError) -> Error {
    Error::format(path, format!("is not a whole safetensors file ({error}), expected one that strsbp_rs has written"))
}

/// Builds the network of a file and sets its weights.
pub(crate) fn build<F: Real>(path: &Path, config: NetworkConfig, tensors: &Arrays<F>) -> Result<Network<F>> {
    let mut net =
        Network::new(config).map_err(|error| Error::format(path, format!("has an invalid network: {error}")))?;
    let take = |name: String, n_out: usize, n_in: usize| {
        let (shape, values) =
            tensors.get(&name).ok_or_else(|| Error::format(path, format!("lacks the array '{name}'")))?;
        if *shape != [n_out, n_in] {
            let expected = format!("(n_out={n_out}, n_in={n_in})");
            return Err(Error::format(path, Error::shape(name, shape, expected).to_string()));
        }
        Ok((name, values))
    };
    for l in 0..net.layers().len() {
        let layer = &mut net.layers_mut()[l];
        let (n_out, n_in) = (layer.n_out(), layer.n_in());
        let check = |(name, values): (String, &Vec<F>), n_in, mask| {
            check_weights(&name, values, n_in, mask).map_err(|error| Error::format(path, error.to_string()))
        };
        let found = take(weight_name(l), n_out, n_in)?;
        check((found.0, found.1), n_in, None)?;
        layer.weight_mut().copy_from_rows(found.1);
        if let Some(recurrent) = layer.recurrent_mut().filter(|recurrent| recurrent.trainable()) {
            let found = take(recurrent_weight_name(l), n_out, n_out)?;
            check((found.0, found.1), n_out, recurrent.mask())?;
            recurrent.update_weight(|weight, _| weight.copy_from_rows(found.1));
        }
    }
    Ok(net)
}

fn weights<F: Real>(net: &Network<F>) -> Tensors<F> {
    let mut tensors = Vec::new();
    for (l, layer) in net.layers().iter().enumerate() {
        tensors.push((weight_name(l), vec![layer.n_out(), layer.n_in()], layer.weight().to_rows()));
        if let Some(recurrent) = layer.trainable_recurrent() {
            tensors.push((recurrent_weight_name(l), vec![layer.n_out(); 2], recurrent.weight().to_rows()));
        }
    }
    tensors
}

/// Name of a layer's feed-forward weights in a file.
pub(crate) fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

/// Name of a layer's recurrent weights in a file.
pub(crate) fn recurrent_weight_name(layer: usize) -> String {
    format!("layers.{layer}.recurrent_weight")
}

/// Writes under a temporary name in the same folder, then renames: a crash leaves the old file or the new one.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let io = |error| Error::io(path, error);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".strsbp-");
    #[cfg(unix)]
    // A result, not a secret: readable as the user's umask says.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| Error::io(path, error.error))?;
    Ok(())
}

fn dtype<F: Real>() -> Dtype {
    if F::DTYPE == f32::DTYPE { Dtype::F32 } else { Dtype::F64 }
}

fn le_bytes<F: Real>(values: &[F]) -> Vec<u8> {
    if F::DTYPE == f32::DTYPE {
        values.iter().flat_map(|value| (value.widen() as f32).to_le_bytes()).collect()
    } else {
        values.iter().flat_map(|value| value.widen().to_le_bytes()).collect()
    }
}

fn from_le_bytes<F: Real>(bytes: &[u8]) -> Vec<F> {
    if F::DTYPE == f32::DTYPE {
        let value = |b: &[u8]| F::from_f64(f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        bytes.chunks_exact(4).map(value).collect()
    } else {
        let value = |b: &[u8]| F::from_f64(f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]));
        bytes.chunks_exact(8).map(value).collect()
    }
}
