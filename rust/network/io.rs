//! Weights and configuration in one safetensors file.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::connection::Known;
use super::{Network, NetworkConfig, Origin, delays_in_steps};
use crate::error::{Error, Result};
use crate::files;
use crate::files::container::{Arrays, FORMAT_VERSION, IntegerArrays, Stored, Tensors, damaged, json, read, serialize};
use crate::memory::{OrUnwind, catch, collected};
use crate::simd::Real;

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

/// What every kind of file adds to a network: `user` is what the writer wants back, as it was.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Carried {
    #[serde(default)]
    user: serde_json::Value,
}

/// Writes a network's configuration and weights, as [`files`] says. `user` is kept beside them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; those of [`network_to_bytes`].
pub fn write_network<F: Real>(path: &Path, net: &Network<F>, user: serde_json::Value) -> Result<()> {
    files::write(path, &network_to_bytes(net, user)?)
}

/// Returns what a file holds, "network", "checkpoint" or "fixed_network", and what its writer added; null if nothing.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not ours, damaged, or of another version.
pub fn content(path: &Path) -> Result<(String, serde_json::Value)> {
    content_from_bytes(path, &read(path)?)
}

/// Returns what [`content`] does, of the bytes of a file; `path` is for messages.
///
/// # Errors
/// [`Error::Format`].
pub fn content_from_bytes(path: &Path, bytes: &[u8]) -> Result<(String, serde_json::Value)> {
    let header = parse_header::<Option<Carried>>(path, bytes)?;
    Ok((header.content, header.extra.unwrap_or_default().user))
}

/// Reads what [`write_network`] wrote, or the network of a checkpoint.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not ours, damaged, or of another version or dtype.
pub fn read_network<F: Real>(path: &Path) -> Result<Network<F>> {
    network_from_bytes(path, &read(path)?)
}

/// Returns a network as the bytes of its file, with `user` beside it.
///
/// # Errors
/// [`Error::Value`] if a weight is not finite: no such file could be read; [`Error::Memory`].
pub fn network_to_bytes<F: Real>(net: &Network<F>, user: serde_json::Value) -> Result<Vec<u8>> {
    to_bytes("network", net, &Carried { user }, Vec::new(), IntegerArrays::new())
}

/// Returns the network in the bytes of a file; `path` is for messages.
///
/// # Errors
/// [`Error::Format`].
pub fn network_from_bytes<F: Real>(path: &Path, bytes: &[u8]) -> Result<Network<F>> {
    let (header, arrays) = parse::<serde::de::IgnoredAny, F>(path, bytes)?;
    build(path, header.network, &arrays)
}

/// Returns NumPy's name of the type of the weights in a file.
///
/// # Errors
/// [`Error::Format`].
pub fn dtype_of(path: &Path, bytes: &[u8]) -> Result<String> {
    Ok(parse_header::<serde::de::IgnoredAny>(path, bytes)?.dtype)
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
    catch(|| {
        let mut floats = arrays(net)?;
        floats.extend(more);
        let floats = floats.iter().map(|(name, shape, values)| Stored::floats(name, shape, values));
        let integers = integers.iter().map(|(name, (shape, values))| Stored::integers(name, shape, values));
        serialize(floats.chain(integers).collect(), json)
    })
}

/// Returns the header and arrays of a file.
pub(crate) fn parse<'a, T: DeserializeOwned, F: Real>(
    path: &'a Path,
    bytes: &'a [u8],
) -> Result<(Header<T>, Arrays<'a>)> {
    let header = parse_header::<T>(path, bytes)?;
    if header.dtype != F::DTYPE {
        return Err(Error::format(path, format!("holds {} weights, expected {}", header.dtype, F::DTYPE)));
    }
    Ok((header, Arrays::of(path, bytes)?))
}

fn parse_header<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Header<T>> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
        content: Option<String>,
    }
    let json = &json(path, bytes)?;
    let Version { version, content } = serde_json::from_str(json).map_err(|error| damaged(path, &error))?;
    if version != FORMAT_VERSION {
        return Err(Error::format(path, format!("has format version {version}, expected {FORMAT_VERSION}")));
    }
    if content.as_deref().is_some_and(crate::spikes::io::is_content) {
        return Err(Error::format(path, "holds spike trains, expected a network"));
    }
    serde_json::from_str(json).map_err(|error| damaged(path, &error))
}

/// Builds the network of a file, with its delays and weights; nothing is allocated before all of them are known to be there.
///
/// # Errors
/// [`Error::Format`] if the configuration is out of its domain or an array is missing, of another shape or type, or holds
/// what it must not; [`Error::Memory`].
pub(crate) fn build<F: Real>(path: &Path, config: NetworkConfig, arrays: &Arrays<'_>) -> Result<Network<F>> {
    let of_file = |error: Error| match error {
        error @ (Error::Memory { .. } | Error::Format { .. }) => error,
        error => Error::format(path, error.to_string()),
    };
    config.validate().map_err(|error| Error::format(path, format!("has an invalid network: {error}")))?;
    // Of all connections or of none: one missing is an error.
    let explicit_delays = (0..config.layers.len()).any(|l| Origin::ALL.iter().any(|&s| arrays.has(&delay_name(l, s))));
    for_each_array(&config, |l, origin, shape| {
        arrays.check::<F>(&weight_name(l, origin), shape)?;
        if explicit_delays { arrays.check::<F>(&delay_name(l, origin), shape) } else { Ok(()) }
    })?;
    let delays = |name: String, shape: [usize; 2]| {
        let steps = arrays.floats::<F>(&name, shape)?;
        let steps = collected(&name, steps.iter().map(|steps| steps.widen()))?;
        delays_in_steps(&name, &steps, &shape, 1.0)
    };
    Network::build(config, explicit_delays, |l, origin, shape| {
        let name = weight_name(l, origin);
        let weights = arrays.floats(&name, shape)?;
        let delays = explicit_delays.then(|| delays(delay_name(l, origin), shape)).transpose()?;
        Ok(Some(Known { weight: (name, weights), delays }))
    })
    .map_err(of_file)
}

/// Calls `check` for every connection whose weights a file holds, with the number of its layer and the shape of its matrix.
fn for_each_array(
    config: &NetworkConfig,
    mut check: impl FnMut(usize, Origin, [usize; 2]) -> Result<()>,
) -> Result<()> {
    for (l, connections) in config.connections()?.iter().enumerate() {
        let mut kept = connections.iter().filter(|connection| connection.pattern.is_trainable());
        kept.try_for_each(|connection| check(l, connection.origin, connection.pattern.matrix()))?;
    }
    Ok(())
}

/// Refuses a file that lacks, under a prefix to their names, an array in the shape of each of a network's weights.
pub(crate) fn check_like_weights<F: Real>(config: &NetworkConfig, arrays: &Arrays<'_>, prefix: &str) -> Result<()> {
    for_each_array(config, |l, origin, shape| arrays.check::<F>(&format!("{prefix}{}", weight_name(l, origin)), shape))
}

/// Returns the weights and, where the configuration does not tell them, delays.
fn arrays<F: Real>(net: &Network<F>) -> Result<Tensors<F>> {
    let mut tensors = Vec::new();
    // Whole steps up to 2^24: exact in either type.
    let steps = |delays: Vec<u32>| {
        let delays = delays.iter().map(|&steps| F::from_f64(f64::from(steps)));
        collected("delays of n_out * n_in synapses", delays).or_unwind()
    };
    for (l, connection) in net.trainable() {
        let (origin, synapses) = (connection.origin(), connection.synapses());
        let (shape, rows) = (connection.pattern().matrix().to_vec(), synapses.rows());
        let name = weight_name(l, origin);
        synapses.check(&name, &rows, &shape)?;
        tensors.push((name, shape.clone(), rows));
        if net.explicit_delays() {
            tensors.push((delay_name(l, origin), shape, steps(synapses.delays())));
        }
    }
    Ok(tensors)
}

/// Returns the name of a connection's weights in a file.
pub(crate) fn weight_name(layer: usize, origin: Origin) -> String {
    format!("layers.{layer}.{}", origin.weight_key())
}

/// Returns the name of a connection's delays in a file [steps].
fn delay_name(layer: usize, origin: Origin) -> String {
    let name = match origin {
        Origin::Below => "delay_steps",
        Origin::Itself => "rec_delay_steps",
    };
    format!("layers.{layer}.{name}")
}

#[cfg(test)]
pub(crate) mod tests;
