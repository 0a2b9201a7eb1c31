//! A trainer and its network in one file, for exact resumption.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::step::Moments;
use super::{Gradients, Trainer, TrainerConfig};
use crate::error::{Error, Result};
use crate::network::io::{
    Arrays, Tensors, build, parse, recurrent_weight_name, to_bytes, weight_name, write_atomically,
};
use crate::network::{Network, Panels};
use crate::real::Real;

/// What a checkpoint adds to a network's file.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    trainer: TrainerConfig,
    epoch: u32,
    step: u64,
    /// What the caller wants back, as it was.
    user: serde_json::Value,
}

/// What a checkpoint holds.
#[derive(Debug)]
pub struct Checkpoint<F> {
    /// The network, with its weights.
    pub network: Network<F>,
    /// The trainer, as it was.
    pub trainer: Trainer<F>,
    /// What the writer added.
    pub user: serde_json::Value,
}

/// Writes network, optimizer state and configuration, atomically. `user` is kept beside them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write_checkpoint<F: Real>(
    path: &Path,
    net: &Network<F>,
    trainer: &Trainer<F>,
    user: serde_json::Value,
) -> Result<()> {
    let moments = trainer.moments();
    let state = State { trainer: trainer.config().clone(), epoch: trainer.epoch(), step: moments.step, user };
    let mut tensors = Tensors::new();
    push(&mut tensors, "optimizer.first.", &moments.first);
    if let Some(second) = &moments.second {
        push(&mut tensors, "optimizer.second.", second);
    }
    write_atomically(path, &to_bytes("checkpoint", net, &state, tensors)?)
}

/// Reads what [`write_checkpoint`] wrote, for `n_threads` threads (all cores if `None`).
///
/// # Errors
/// [`Error::Format`] if the file is not a whole checkpoint of ours.
pub fn checkpoint_from_bytes<F: Real>(path: &Path, bytes: &[u8], n_threads: Option<usize>) -> Result<Checkpoint<F>> {
    let (header, tensors) = parse::<serde_json::Value, F>(path, bytes)?;
    if header.content != "checkpoint" {
        let detail = format!("holds a {}, expected a checkpoint (network and trainer)", header.content);
        return Err(Error::format(path, detail));
    }
    let state: State = serde_json::from_value(header.extra)
        .map_err(|error| Error::format(path, format!("has damaged metadata: {error}")))?;
    let network = build(path, header.network, &tensors)?;
    let mut trainer = Trainer::new(state.trainer, &network, n_threads)?;
    let mut moments = Moments::new(&trainer.config().optimizer, &network);
    moments.step = state.step;
    pull(path, &tensors, "optimizer.first.", &mut moments.first)?;
    if let Some(second) = &mut moments.second {
        pull(path, &tensors, "optimizer.second.", second)?;
    }
    trainer.restore(state.epoch, moments);
    Ok(Checkpoint { network, trainer, user: state.user })
}

fn push<F: Real>(tensors: &mut Tensors<F>, prefix: &str, values: &Gradients<F>) {
    for (l, layer) in values.layers.iter().enumerate() {
        let mut one = |name: String, panels: &Panels<F>| {
            tensors.push((format!("{prefix}{name}"), vec![panels.n_out(), panels.n_in()], panels.to_rows()));
        };
        one(weight_name(l), &layer.weight);
        if let Some(recurrent) = &layer.recurrent {
            one(recurrent_weight_name(l), recurrent);
        }
    }
}

fn pull<F: Real>(path: &Path, tensors: &Arrays<F>, prefix: &str, into: &mut Gradients<F>) -> Result<()> {
    let one = |name: String, panels: &mut Panels<F>| {
        let name = format!("{prefix}{name}");
        let (shape, values) =
            tensors.get(&name).ok_or_else(|| Error::format(path, format!("lacks the array '{name}'")))?;
        if *shape != [panels.n_out(), panels.n_in()] {
            let expected = format!("({}, {})", panels.n_out(), panels.n_in());
            return Err(Error::format(path, Error::shape(name, shape, expected).to_string()));
        }
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::format(path, format!("array '{name}' holds {}, expected finite values", bad.widen())));
        }
        panels.copy_from_rows(values);
        Ok(())
    };
    for (l, layer) in into.layers.iter_mut().enumerate() {
        one(weight_name(l), &mut layer.weight)?;
        if let Some(recurrent) = &mut layer.recurrent {
            one(recurrent_weight_name(l), recurrent)?;
        }
    }
    Ok(())
}
