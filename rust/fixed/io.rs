//! Networks in fixed point in one safetensors file, beside the float network they stand for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::network::{FixedConnection, FixedLayer, FixedNetwork};
use crate::error::{Error, Result};
use crate::files::container::{Arrays, IntegerArrays, damaged};
use crate::memory::{catch, copied};
use crate::network::io::{build, parse, to_bytes};
use crate::network::{Layer, Network, NetworkConfig, Origin};
use crate::neuron::fixed::FixedParams;
use crate::simd::Real;

/// Holds what a file says of a layer beside its weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LayerHeader {
    format: FixedParams,
    scale: Vec<f64>,
    step: i32,
}

/// Holds what the JSON of a file adds to that of a network.
#[derive(Debug, Serialize, Deserialize)]
struct FixedHeader {
    layers: Vec<LayerHeader>,
    /// What the caller wants back, as it was.
    user: serde_json::Value,
}

/// Returns the name of the array that holds the weights of a connection.
fn array_name(layer: usize, origin: Origin) -> String {
    format!("layers.{layer}.fixed_{}", origin.weight_key())
}

/// Returns the layers, and the network they stand for, as the bytes of their file. `user` is kept beside them.
///
/// # Errors
/// Those of [`network_to_bytes`](crate::network::io::network_to_bytes).
pub fn fixed_to_bytes<F: Real>(net: &Network<F>, network: &FixedNetwork, user: serde_json::Value) -> Result<Vec<u8>> {
    let header =
        |layer: &FixedLayer| LayerHeader { format: layer.params.clone(), scale: layer.scale.clone(), step: layer.step };
    let extra = FixedHeader { layers: network.layers().iter().map(header).collect(), user };
    catch(|| {
        let mut integers = IntegerArrays::new();
        for (l, layer) in network.layers().iter().enumerate() {
            for FixedConnection { origin, pattern, weight, .. } in &layer.connections {
                let name = array_name(l, *origin);
                let values = copied(&name, weight);
                integers.insert(name, (pattern.matrix().to_vec(), values));
            }
        }
        to_bytes("fixed_network", net, &extra, Vec::new(), integers)
    })
}

/// Reads what [`fixed_to_bytes`] gave: the network, its layers, and what the writer added; `path` is for messages.
///
/// # Errors
/// [`Error::Format`] if the file is not a whole one of ours; [`Error::Memory`].
pub fn fixed_from_bytes<F: Real>(path: &Path, bytes: &[u8]) -> Result<(Network<F>, FixedNetwork, serde_json::Value)> {
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
    let layers = extra.layers.into_iter().zip(net.layers()).enumerate();
    let layers = layers.map(|(l, (header, layer))| {
        // Checked here as well, as a format does not know which layer it is of.
        let valid = header.format.validate(layer.n_out());
        valid.map_err(|error| Error::format(path, format!("layer {l}: {error}")))?;
        stored_layer(&arrays, l, header, layer)
    });
    let network = FixedNetwork::new(layers.collect::<Result<_>>()?).map_err(|error| match error {
        Error::Memory { .. } => error,
        error => Error::format(path, error.to_string()),
    })?;
    Ok((net, network, extra.user))
}

/// Refuses a file that lacks integer weights of a layer.
fn check_weights(config: &NetworkConfig, arrays: &Arrays<'_>) -> Result<()> {
    for (l, connections) in config.connections()?.iter().enumerate() {
        for connection in connections {
            arrays.check_integers(&array_name(l, connection.origin), connection.pattern.matrix())?;
        }
    }
    Ok(())
}

/// Reads layer `l`, with the sizes and delays of the layer it stands for.
fn stored_layer<F: Real>(
    arrays: &Arrays<'_>,
    l: usize,
    LayerHeader { format, scale, step }: LayerHeader,
    layer: &Layer<F>,
) -> Result<FixedLayer> {
    let connections = layer.connections().iter().map(|connection| {
        let (origin, pattern) = (connection.origin(), *connection.pattern());
        let weight = arrays.integers(&array_name(l, origin), pattern.matrix())?;
        Ok(FixedConnection { origin, pattern, weight, taps: connection.synapses().taps().clone() })
    });
    Ok(FixedLayer { params: format, connections: connections.collect::<Result<_>>()?, scale, step })
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
