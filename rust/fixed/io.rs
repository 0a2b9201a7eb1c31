//! Networks in fixed point in one safetensors file, beside the float network they stand for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::IntegerLayer;
use crate::error::{Error, Result};
use crate::files;
use crate::files::container::{Arrays, IntegerArrays, damaged};
use crate::memory::{catch, copied};
use crate::network::io::{build, parse, to_bytes};
use crate::network::{Layer, LayerConfig, Network, NetworkConfig};
use crate::neuron::fixed::FixedParams;
use crate::simd::Real;

/// What a file says of a layer beside its weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LayerHeader {
    format: FixedParams,
    scale: Vec<f64>,
    step: i32,
}

/// What the JSON of a file adds to that of a network.
#[derive(Debug, Serialize, Deserialize)]
struct FixedHeader {
    layers: Vec<LayerHeader>,
    /// What the caller wants back, as it was.
    user: serde_json::Value,
}

/// A layer as a file has it.
#[derive(Clone, Debug)]
pub struct StoredLayer {
    /// Format of the neurons.
    pub format: FixedParams,
    /// What one unit of a weight stands for: of all neurons, or of each.
    pub scale: Vec<f64>,
    /// What all weights are multiples of.
    pub step: i32,
    /// Weights.
    pub weights: IntegerLayer,
}

fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.fixed_weight")
}

fn recurrent_weight_name(layer: usize) -> String {
    format!("layers.{layer}.fixed_recurrent_weight")
}

/// Writes the layers, and the network they stand for, as [`files`] says. `user` is kept beside them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; those of [`fixed_to_bytes`].
pub fn write_fixed<F: Real>(
    path: &Path,
    net: &Network<F>,
    layers: &[StoredLayer],
    user: serde_json::Value,
) -> Result<()> {
    files::write(path, &fixed_to_bytes(net, layers, user)?)
}

/// The layers, and the network they stand for, as the bytes of their file. `user` is kept beside them.
///
/// # Errors
/// Those of [`network_to_bytes`](crate::network::io::network_to_bytes).
pub fn fixed_to_bytes<F: Real>(net: &Network<F>, layers: &[StoredLayer], user: serde_json::Value) -> Result<Vec<u8>> {
    let header = |layer: &StoredLayer| {
        let StoredLayer { format, scale, step, .. } = layer;
        LayerHeader { format: format.clone(), scale: scale.clone(), step: *step }
    };
    let extra = FixedHeader { layers: layers.iter().map(header).collect(), user };
    catch(|| {
        let mut integers = IntegerArrays::new();
        let mut put = |name: String, shape: [usize; 2], values: &[i32]| {
            let values = copied(&name, values);
            integers.insert(name, (shape.to_vec(), values));
        };
        for (l, (stored, layer)) in layers.iter().zip(net.layers()).enumerate() {
            put(weight_name(l), [layer.n_out(), layer.n_in()], &stored.weights.weight);
            if let Some(recurrent) = &stored.weights.recurrent {
                put(recurrent_weight_name(l), [layer.n_out(); 2], recurrent);
            }
        }
        to_bytes("fixed_network", net, &extra, Vec::new(), integers)
    })
}

/// What [`write_fixed`] wrote: the network, its layers, and what the writer added; `path` is for messages.
///
/// # Errors
/// [`Error::Format`] if the file is not a whole one of ours; [`Error::Memory`].
pub fn fixed_from_bytes<F: Real>(
    path: &Path,
    bytes: &[u8],
) -> Result<(Network<F>, Vec<StoredLayer>, serde_json::Value)> {
    let (header, arrays) = parse::<serde_json::Value, F>(path, bytes)?;
    if header.content != "fixed_network" {
        let detail = format!("holds a {}, expected a network in fixed point", header.content);
        return Err(Error::format(path, detail));
    }
    let extra: FixedHeader = serde_json::from_value(header.extra).map_err(|error| damaged(path, &error))?;
    let n_layers = header.network.layers.len();
    if extra.layers.len() != n_layers {
        let detail = format!("has {} layers in fixed point, expected {n_layers}", extra.layers.len());
        return Err(Error::format(path, detail));
    }
    check_weights(&header.network, &arrays)?;
    let net = build(path, header.network, &arrays)?;
    let stored = extra.layers.into_iter().zip(net.layers()).enumerate();
    let stored = stored.map(|(l, (LayerHeader { format, scale, step }, layer))| {
        if scale.len() != 1 && scale.len() != layer.n_out() {
            let expected = format!("1 or {}", layer.n_out());
            return Err(Error::format(path, format!("has {} scales of layer {l}, expected {expected}", scale.len())));
        }
        if step < 1 || scale.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
            return Err(Error::format(path, format!("has a scale or step of layer {l} that is not positive")));
        }
        format.validate(layer.n_out()).map_err(|error| Error::format(path, format!("layer {l}: {error}")))?;
        Ok(StoredLayer { format, scale, step, weights: weights(&arrays, l, layer)? })
    });
    let stored = stored.collect::<Result<_>>()?;
    Ok((net, stored, extra.user))
}

/// Refuses a file that lacks integer weights of a layer.
fn check_weights(config: &NetworkConfig, arrays: &Arrays<'_>) -> Result<()> {
    let mut n_in = config.n_in;
    for (l, layer) in config.layers.iter().enumerate() {
        let n = layer.n();
        arrays.check_integers(&weight_name(l), [n, n_in])?;
        let hears_itself = match layer {
            LayerConfig::Dense(dense) => dense.lateral_inhibition > 0.0,
            LayerConfig::Recurrent(_) => true,
        };
        if hears_itself {
            arrays.check_integers(&recurrent_weight_name(l), [n, n])?;
        }
        n_in = n;
    }
    Ok(())
}

fn weights<F: Real>(arrays: &Arrays<'_>, l: usize, layer: &Layer<F>) -> Result<IntegerLayer> {
    let weight = arrays.integers(&weight_name(l), [layer.n_out(), layer.n_in()])?;
    let recurrent = layer.recurrent().map(|_| arrays.integers(&recurrent_weight_name(l), [layer.n_out(); 2]));
    Ok(IntegerLayer { weight, recurrent: recurrent.transpose()? })
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
