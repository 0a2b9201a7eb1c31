//! A trainer and its network in one file, for exact resumption.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::optim::step::Moments;
use super::{Gradients, Trainer, TrainerConfig};
use crate::error::{Error, Result};
use crate::files;
use crate::memory::catch;
use crate::network::io::{
    Arrays, IntegerArrays, Tensors, build, check_like_weights, damaged, parse, recurrent_weight_name, to_bytes,
    weight_name,
};
use crate::network::{Network, Panels, Synapses};
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

/// Network, optimizer state and configuration as the bytes of their file. `user` is kept beside them.
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
        let moments = [Some(&self.moments().first), self.moments().second.as_ref()];
        for (l, layer) in net.layers().iter().enumerate() {
            let weights = [Some(layer.synapses()), layer.trainable_recurrent().map(|recurrent| recurrent.synapses())];
            let weights = weights.into_iter().flatten().map(|synapses| ("weights", synapses.weight()));
            let moments = moments.into_iter().flatten().map(|moments| &moments.layers[l]);
            let moments = moments.flat_map(|layer| [Some(&layer.weight), layer.recurrent.as_ref()]);
            for (what, panels) in weights.chain(moments.flatten().map(|panels| ("optimizer's moments", panels))) {
                if let Some(value) = flat(panels.data()).iter().find(|value| !value.is_finite()) {
                    let name = format!("the {what} of layers[{l}] after {} steps", self.moments().step);
                    return Err(Error::value(name, "finite (try a lower lr)", value.widen()));
                }
            }
        }
        Ok(())
    }
}

fn push<F: Real>(tensors: &mut Tensors<F>, prefix: &str, net: &Network<F>, values: &Gradients<F>) {
    for (l, (layer, values)) in net.layers().iter().zip(&values.layers).enumerate() {
        let mut one = |name: String, synapses: &Synapses<F>, panels: &Panels<F>| {
            let shape = vec![synapses.n_out(), synapses.n_in()];
            tensors.push((format!("{prefix}{name}"), shape, synapses.rows_of(panels)));
        };
        one(weight_name(l), layer.synapses(), &values.weight);
        if let (Some(recurrent), Some(values)) = (layer.trainable_recurrent(), &values.recurrent) {
            one(recurrent_weight_name(l), recurrent.synapses(), values);
        }
    }
}

fn pull<F: Real>(
    path: &Path,
    arrays: &Arrays<'_>,
    prefix: &str,
    net: &Network<F>,
    into: &mut Gradients<F>,
) -> Result<()> {
    let one = |name: String, synapses: &Synapses<F>, panels: &mut Panels<F>| {
        let name = format!("{prefix}{name}");
        let values = arrays.floats::<F>(&name, [synapses.n_out(), synapses.n_in()])?;
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::format(path, format!("array '{name}' holds {}, expected finite values", bad.widen())));
        }
        *panels = synapses.panels_of(&values);
        Ok(())
    };
    for (l, (layer, into)) in net.layers().iter().zip(&mut into.layers).enumerate() {
        one(weight_name(l), layer.synapses(), &mut into.weight)?;
        if let (Some(recurrent), Some(into)) = (layer.trainable_recurrent(), &mut into.recurrent) {
            one(recurrent_weight_name(l), recurrent.synapses(), into)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
