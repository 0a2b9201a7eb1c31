//! Weights and configuration in one safetensors file.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{LayerDelays, Network, NetworkConfig, Synapses, delays_in_steps};
use crate::error::{Error, Result};
use crate::real::Real;

/// Version of the file format; files of a later one are refused.
pub const FORMAT_VERSION: u32 = 1;

/// Key of our JSON in the file's metadata.
pub(super) const METADATA_KEY: &str = "strsbp_rs";

/// What the JSON of a file says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header<T> {
    /// [`FORMAT_VERSION`] of the writer.
    pub version: u32,
    /// `"network"`, `"checkpoint"` or `"fixed_network"`.
    pub content: String,
    /// NumPy's name of the weights' type.
    pub dtype: String,
    /// The network.
    pub network: NetworkConfig,
    /// What the others than a network add.
    pub extra: T,
}

/// Named arrays on their way into or out of a file: (name, shape, values).
pub type Tensors<F> = Vec<(String, Vec<usize>, Vec<F>)>;

/// Integer arrays on their way into or out of a file, by name: (shape, values).
pub(crate) type IntegerArrays = BTreeMap<String, (Vec<usize>, Vec<i32>)>;

/// Arrays of a file by name: (shape, values).
pub(crate) struct Arrays<F> {
    floats: HashMap<String, (Vec<usize>, Vec<F>)>,
    integers: IntegerArrays,
}

impl<F> Arrays<F> {
    /// The integer array `name`, of a given shape.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub(crate) fn integers(&self, path: &Path, name: &str, expected: [usize; 2]) -> Result<Vec<i32>> {
        let (shape, values) =
            self.integers.get(name).ok_or_else(|| Error::format(path, format!("lacks the array '{name}'")))?;
        if *shape != expected {
            let expected = format!("({}, {})", expected[0], expected[1]);
            return Err(Error::format(path, Error::shape(name, shape, expected).to_string()));
        }
        Ok(values.clone())
    }
}

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
    to_bytes("network", net, &(), Vec::new(), IntegerArrays::new())
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

/// Serialises a network, `extra` and further arrays; integers in the narrowest type that holds all of an array.
pub(crate) fn to_bytes<F: Real, T: Serialize>(
    content: &str,
    net: &Network<F>,
    extra: &T,
    more: Tensors<F>,
    integers: IntegerArrays,
) -> Result<Vec<u8>> {
    let header = Header {
        version: FORMAT_VERSION,
        content: content.to_owned(),
        dtype: F::DTYPE.to_owned(),
        network: net.config().clone(),
        extra,
    };
    let json = serde_json::to_string(&header).map_err(|error| Error::format(Path::new("header"), error.to_string()))?;
    let mut tensors = arrays(net);
    tensors.extend(more);
    let floats = tensors.into_iter().map(|(name, shape, values)| (name, shape, dtype::<F>(), le_bytes(&values)));
    let integers = integers.into_iter().map(|(name, (shape, values))| {
        let (dtype, bytes) = integer_bytes(&values);
        (name, shape, dtype, bytes)
    });
    let bytes: Vec<_> = floats.chain(integers).collect();
    let views: Vec<_> = bytes
        .iter()
        .map(|(name, shape, dtype, data)| {
            let view = TensorView::new(*dtype, shape.clone(), data);
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
    let (mut floats, mut integers) = (HashMap::new(), IntegerArrays::new());
    for (name, view) in file.tensors() {
        if let Some(values) = from_integer_bytes(view.dtype(), view.data()) {
            integers.insert(name, (view.shape().to_vec(), values));
            continue;
        }
        if view.dtype() != dtype::<F>() {
            return Err(Error::format(path, format!("array '{name}' is {:?}, expected {}", view.dtype(), F::DTYPE)));
        }
        floats.insert(name, (view.shape().to_vec(), from_le_bytes(view.data())));
    }
    Ok((header, Arrays { floats, integers }))
}

fn parse_header<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Header<T>> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
        content: Option<String>,
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| not_ours(path, &error))?;
    let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA_KEY)).ok_or_else(|| {
        Error::format(path, "is a safetensors file without strsbp_rs metadata, expected one that strsbp_rs has written")
    })?;
    let damaged = |error: serde_json::Error| Error::format(path, format!("has damaged metadata: {error}"));
    let Version { version, content } = serde_json::from_str(json).map_err(damaged)?;
    if version != FORMAT_VERSION {
        return Err(Error::format(path, format!("has format version {version}, expected {FORMAT_VERSION}")));
    }
    if content.as_deref() == Some(super::trains_io::CONTENT) {
        return Err(Error::format(path, "holds spike trains, expected a network"));
    }
    serde_json::from_str(json).map_err(damaged)
}

pub(super) fn not_ours(path: &Path, error: &safetensors::SafeTensorError) -> Error {
    Error::format(path, format!("is not a whole safetensors file ({error}), expected one that strsbp_rs has written"))
}

/// Builds the network of a file and sets its delays and weights.
pub(crate) fn build<F: Real>(path: &Path, config: NetworkConfig, tensors: &Arrays<F>) -> Result<Network<F>> {
    let mut net =
        Network::new(config).map_err(|error| Error::format(path, format!("has an invalid network: {error}")))?;
    // Of all layers or of none: one missing is an error.
    if tensors.floats.contains_key(&delay_name(0)) {
        set_delays(path, &mut net, tensors)?;
    }
    for l in 0..net.layers().len() {
        let layer = &mut net.layers_mut()[l];
        let rows = weights_of(path, tensors, &weight_name(l), layer.synapses())?;
        layer.synapses_mut().set_rows(rows);
        if let Some(recurrent) = layer.trainable_recurrent_mut() {
            let rows = weights_of(path, tensors, &recurrent_weight_name(l), recurrent.synapses())?;
            recurrent.set_rows(rows);
        }
    }
    Ok(net)
}

fn set_delays<F: Real>(path: &Path, net: &mut Network<F>, tensors: &Arrays<F>) -> Result<()> {
    let read = |name: String, synapses: &Synapses<F>| {
        let steps: Vec<f64> = take(path, tensors, &name, synapses)?.iter().map(|steps| steps.widen()).collect();
        delays_in_steps(&name, &steps, synapses.n_in(), 1.0).map_err(|error| Error::format(path, error.to_string()))
    };
    let layers = net.layers().iter().enumerate().map(|(l, layer)| {
        let delay = read(delay_name(l), layer.synapses())?;
        let recurrent = layer.trainable_recurrent();
        let rec_delay = recurrent.map(|recurrent| read(recurrent_delay_name(l), recurrent.synapses())).transpose()?;
        Ok(LayerDelays { delay, rec_delay })
    });
    let delays = layers.collect::<Result<Vec<_>>>()?;
    net.set_delays(&delays).map_err(|error| Error::format(path, error.to_string()))
}

fn weights_of<'a, F: Real>(path: &Path, tensors: &'a Arrays<F>, name: &str, synapses: &Synapses<F>) -> Result<&'a [F]> {
    let rows = take(path, tensors, name, synapses)?;
    synapses.check(name, rows).map_err(|error| Error::format(path, error.to_string()))?;
    Ok(rows)
}

/// The array `name` of a file, with one value a synapse.
pub(crate) fn take<'a, F: Real>(
    path: &Path,
    tensors: &'a Arrays<F>,
    name: &str,
    synapses: &Synapses<F>,
) -> Result<&'a [F]> {
    let (shape, values) =
        tensors.floats.get(name).ok_or_else(|| Error::format(path, format!("lacks the array '{name}'")))?;
    let (n_out, n_in) = (synapses.n_out(), synapses.n_in());
    if *shape != [n_out, n_in] {
        let expected = format!("(n_out={n_out}, n_in={n_in})");
        return Err(Error::format(path, Error::shape(name, shape, expected).to_string()));
    }
    Ok(values)
}

/// Weights and, where the configuration does not tell them, delays.
fn arrays<F: Real>(net: &Network<F>) -> Tensors<F> {
    let mut tensors = Vec::new();
    // Whole steps up to 2^24: exact in either type.
    let steps = |delays: Vec<u32>| delays.iter().map(|&steps| F::from_f64(f64::from(steps))).collect();
    for (l, layer) in net.layers().iter().enumerate() {
        let mut push = |synapses: &Synapses<F>, weight_name, delay_name| {
            let shape = vec![synapses.n_out(), synapses.n_in()];
            tensors.push((weight_name, shape.clone(), synapses.rows()));
            if net.explicit_delays() {
                tensors.push((delay_name, shape, steps(synapses.delays())));
            }
        };
        push(layer.synapses(), weight_name(l), delay_name(l));
        if let Some(recurrent) = layer.trainable_recurrent() {
            push(recurrent.synapses(), recurrent_weight_name(l), recurrent_delay_name(l));
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

/// Name of a layer's feed-forward delays in a file [steps].
fn delay_name(layer: usize) -> String {
    format!("layers.{layer}.delay_steps")
}

/// Name of a layer's recurrent delays in a file [steps].
fn recurrent_delay_name(layer: usize) -> String {
    format!("layers.{layer}.rec_delay_steps")
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

fn integer_bytes(values: &[i32]) -> (Dtype, Vec<u8>) {
    let fits = |low: i32, high: i32| values.iter().all(|value| (low..=high).contains(value));
    if fits(i8::MIN.into(), i8::MAX.into()) {
        (Dtype::I8, values.iter().map(|&value| value as u8).collect())
    } else if fits(i16::MIN.into(), i16::MAX.into()) {
        (Dtype::I16, values.iter().flat_map(|&value| (value as i16).to_le_bytes()).collect())
    } else {
        (Dtype::I32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

/// The values of an array of integers; `None` of other types.
fn from_integer_bytes(dtype: Dtype, bytes: &[u8]) -> Option<Vec<i32>> {
    match dtype {
        Dtype::I8 => Some(bytes.iter().map(|&b| i32::from(b as i8)).collect()),
        Dtype::I16 => Some(bytes.chunks_exact(2).map(|b| i32::from(i16::from_le_bytes([b[0], b[1]]))).collect()),
        Dtype::I32 => Some(bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        _ => None,
    }
}
