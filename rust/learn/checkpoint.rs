//! A trainer and its network in one file, for exact resumption.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::optim::step::Moments;
use super::{Gradients, Trainer, TrainerConfig};
use crate::error::{Error, Result};
use crate::files;
use crate::files::container::{Arrays, IntegerArrays, Tensors, damaged};
use crate::memory::catch;
use crate::network::Network;
use crate::network::io::{build, check_like_weights, parse, to_bytes, weight_name};
use crate::simd::{Real, flat};

/// Prefixes of the names of the optimizer's arrays.
const FIRST: &str = "optimizer.first.";
const SECOND: &str = "optimizer.second.";

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
pub struct Checkpoint<F: Real> {
    /// The network, with its weights.
    pub network: Network<F>,
    /// The trainer, as it was.
    pub trainer: Trainer<F>,
    /// What the writer added.
    pub user: serde_json::Value,
}

/// Writes network, optimizer state and configuration, as [`files`] says. `user` is kept beside them.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; those of [`checkpoint_to_bytes`].
pub fn write_checkpoint<F: Real>(
    path: &Path,
    net: &Network<F>,
    trainer: &Trainer<F>,
    user: serde_json::Value,
) -> Result<()> {
    files::write(path, &checkpoint_to_bytes(net, trainer, user)?)
}

/// Returns the network, optimizer state and configuration as the bytes of their file. `user` is kept beside them.
///
/// # Errors
/// Those of [`Trainer::check_delays`] and [`Trainer::check_finite`]; [`Error::Memory`].
pub fn checkpoint_to_bytes<F: Real>(
    net: &Network<F>,
    trainer: &Trainer<F>,
    user: serde_json::Value,
) -> Result<Vec<u8>> {
    trainer.check_delays(net)?;
    trainer.check_finite(net)?;
    let moments = trainer.moments();
    let state = State { trainer: trainer.config().clone(), epoch: trainer.epoch(), step: moments.step, user };
    catch(|| {
        let mut tensors = Tensors::new();
        push(&mut tensors, FIRST, net, &moments.first);
        if let Some(second) = &moments.second {
            push(&mut tensors, SECOND, net, second);
        }
        to_bytes("checkpoint", net, &state, tensors, IntegerArrays::new())
    })
}

/// Reads what [`write_checkpoint`] wrote, for `n_threads` threads (all cores if `None`).
///
/// # Errors
/// [`Error::Format`] if the file is not a whole checkpoint of ours; [`Error::Memory`].
pub fn checkpoint_from_bytes<F: Real>(path: &Path, bytes: &[u8], n_threads: Option<usize>) -> Result<Checkpoint<F>> {
    let (header, arrays) = parse::<serde_json::Value, F>(path, bytes)?;
    if header.content != "checkpoint" {
        let detail = format!("holds a {}, expected a checkpoint (network and trainer)", header.content);
        return Err(Error::format(path, detail));
    }
    let state: State = serde_json::from_value(header.extra).map_err(|error| damaged(path, &error))?;
    check_like_weights::<F>(&header.network, &arrays, FIRST)?;
    if state.trainer.optimizer.has_second_moment() {
        check_like_weights::<F>(&header.network, &arrays, SECOND)?;
    }
    let network = build(path, header.network, &arrays)?;
    let mut trainer = Trainer::without_trial(state.trainer, &network, n_threads)?;
    catch(|| {
        let mut moments = Moments::new(&trainer.config().optimizer, &network);
        moments.step = state.step;
        pull(path, &arrays, FIRST, &network, &mut moments.first)?;
        if let Some(second) = &mut moments.second {
            pull(path, &arrays, SECOND, &network, second)?;
        }
        trainer.restore(state.epoch, moments);
        Ok(())
    })?;
    Ok(Checkpoint { network, trainer, user: state.user })
}

impl<F: Real> Trainer<F> {
    /// Refuses weights and moments that have grown beyond their type; no file that holds them could be read.
    ///
    /// # Errors
    /// [`Error::Value`] naming the layer.
    pub fn check_finite(&self, net: &Network<F>) -> Result<()> {
        let Moments { step, first, second } = self.moments();
        let weights = net.trainable().map(|(l, connection)| ("weights", l, flat(connection.weight().data())));
        let moments = [Some(first), second.as_ref()].into_iter().flatten();
        let moments = moments.flat_map(|moments| net.trainable().zip(moments.parts()));
        let moments = moments.map(|((l, _), panels)| ("optimizer's moments", l, flat(panels.into_data())));
        for (what, l, values) in weights.chain(moments) {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                let name = format!("the {what} of layers[{l}] after {step} steps");
                return Err(Error::value(name, "finite (try a lower lr)", value.widen()));
            }
        }
        Ok(())
    }
}

/// Adds what belongs to each weight to the arrays of a file.
fn push<F: Real>(tensors: &mut Tensors<F>, prefix: &str, net: &Network<F>, values: &Gradients<F>) {
    for ((l, connection), values) in net.trainable().zip(values.parts()) {
        let name = format!("{prefix}{}", weight_name(l, connection.origin()));
        tensors.push((name, connection.pattern().matrix().to_vec(), connection.synapses().rows_of(&values)));
    }
}

/// Reads what [`push`] has added.
fn pull<F: Real>(
    path: &Path,
    arrays: &Arrays<'_>,
    prefix: &str,
    net: &Network<F>,
    into: &mut Gradients<F>,
) -> Result<()> {
    for ((l, connection), mut into) in net.trainable().zip(into.parts_mut()) {
        let name = format!("{prefix}{}", weight_name(l, connection.origin()));
        let values = arrays.floats::<F>(&name, connection.pattern().matrix())?;
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::format(path, format!("array '{name}' holds {}, expected finite values", bad.widen())));
        }
        connection.synapses().spread_into(&values, &mut into);
    }
    Ok(())
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
