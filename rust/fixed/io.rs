//! Networks in fixed point in one safetensors file, beside the float network they stand for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{FixedParams, IntegerLayer};
use crate::error::{Error, Result};
use crate::network::io::{Arrays, IntegerArrays, build, parse, to_bytes, write_atomically};
use crate::network::{Layer, Network};
use crate::real::Real;

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

/// Writes the layers, and the network they stand for, atomically. `user` is kept beside them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write_fixed<F: Real>(
    path: &Path,
    net: &Network<F>,
    layers: &[StoredLayer],
    user: serde_json::Value,
) -> Result<()> {
    let header = |layer: &StoredLayer| {
        let StoredLayer { format, scale, step, .. } = layer;
        LayerHeader { format: format.clone(), scale: scale.clone(), step: *step }
    };
    let extra = FixedHeader { layers: layers.iter().map(header).collect(), user };
    let mut integers = IntegerArrays::new();
    for (l, (stored, layer)) in layers.iter().zip(net.layers()).enumerate() {
        let shape = vec![layer.n_out(), layer.n_in()];
        integers.insert(weight_name(l), (shape, stored.weights.weight.clone()));
        if let Some(recurrent) = &stored.weights.recurrent {
            integers.insert(recurrent_weight_name(l), (vec![layer.n_out(); 2], recurrent.clone()));
        }
    }
    write_atomically(path, &to_bytes("fixed_network", net, &extra, Vec::new(), integers)?)
}

/// What [`write_fixed`] wrote: the network, its layers, and what the writer added; `path` is for messages.
///
/// # Errors
/// [`Error::Format`] if the file is not a whole one of ours.
pub fn fixed_from_bytes<F: Real>(
    path: &Path,
    bytes: &[u8],
) -> Result<(Network<F>, Vec<StoredLayer>, serde_json::Value)> {
    let (header, arrays): (_, Arrays<F>) = parse::<serde_json::Value, F>(path, bytes)?;
    if header.content != "fixed_network" {
        let detail = format!("holds a {}, expected a network in fixed point", header.content);
        return Err(Error::format(path, detail));
    }
    let extra: FixedHeader = serde_json::from_value(header.extra)
        .map_err(|error| Error::format(path, format!("has damaged metadata: {error}")))?;
    let net = build(path, header.network, &arrays)?;
    if extra.layers.len() != net.layers().len() {
        let detail = format!("has {} layers in fixed point, expected {}", extra.layers.len(), net.layers().len());
        return Err(Error::format(path, detail));
    }
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
        Ok(StoredLayer { format, scale, step, weights: weights(path, &arrays, l, layer)? })
    });
    let stored = stored.collect::<Result<_>>()?;
    Ok((net, stored, extra.user))
}

fn weights<F: Real>(path: &Path, arrays: &Arrays<F>, l: usize, layer: &Layer<F>) -> Result<IntegerLayer> {
    let weight = arrays.integers(path, &weight_name(l), [layer.n_out(), layer.n_in()])?;
    let recurrent =
        layer.recurrent().map(|_| arrays.integers(path, &recurrent_weight_name(l), [layer.n_out(); 2])).transpose()?;
    Ok(IntegerLayer { weight, recurrent })
}
