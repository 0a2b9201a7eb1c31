//! SynSense's Xylo: its chips, their neurons, and how a network is brought to them: one population of hidden neurons, one of outputs.

mod device;
mod neurons;

pub use device::{XyloDevice, XyloRoom};
pub use neurons::{XyloNeurons, xylo_weights};

use serde::{Deserialize, Serialize};

use super::neurons::{MEMBRANE_ROOM, Neurons, WeightGrid};
use super::{Chip, LayerOutline};
use crate::error::{Error, Result};
use crate::fixed::{FixedConnection, FixedLayer};
use crate::neuron::fixed::{FixedParams, Limits};

/// How limits are switched off.
const FOR_STUDY: &str = "(enforce_limits=False switches limits off, for study)";

/// Brings a network to Xylo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xylo {
    /// The chip.
    pub device: XyloDevice,
    /// Whether networks for which there is no room are refused; files from before there were limits do not say, and are of any
    /// network.
    #[serde(default)]
    pub enforce_limits: bool,
}

impl Chip for Xylo {
    fn name(&self) -> &'static str {
        self.device.name()
    }

    fn check_network(&self, layers: &[LayerOutline]) -> Result<()> {
        let spatial = |(l, layer): (usize, &LayerOutline)| Some((l, layer.spatial_kind?));
        if let Some((l, kind)) = layers.iter().enumerate().find_map(spatial) {
            let expected = format!("dense or recurrent on {}, which holds a weight for every synapse", self.name());
            return Err(Error::value(format!("layers[{l}]"), expected, kind));
        }
        let Some((output, hidden)) = layers.split_last() else { return Ok(()) };
        let (room, name) = (self.device.room(), self.name());
        let n_hidden: usize = hidden.iter().map(|layer| layer.n_out).sum();
        if n_hidden == 0 || self.enforce_limits && n_hidden > room.hidden {
            let expected = format!("of 1 to {} neurons in all, the hidden ones of {name} {FOR_STUDY}", room.hidden);
            return Err(Error::value("layers below the last one", expected, n_hidden));
        }
        if output.is_recurrent {
            return Err(Error::value(
                "the last layer",
                "one without recurrent connections, as Xylo's output",
                "another",
            ));
        }
        if !self.enforce_limits {
            return Ok(());
        }
        let n_in = hidden[0].n_in;
        if n_in > room.inputs {
            return Err(Error::value("n_in", format!("<= {}, the inputs of {name} {FOR_STUDY}", room.inputs), n_in));
        }
        if output.n_out > room.outputs {
            let expected = format!("of at most {} neurons, the outputs of {name} {FOR_STUDY}", room.outputs);
            return Err(Error::value("the last layer", expected, output.n_out));
        }
        Ok(())
    }

    /// Refuses synapses that the chip does not have: of inputs beyond its first hidden neurons, onto outputs from before its last
    /// ones, and more than its memory of recurrent ones holds. A weight of 0 takes no room.
    fn check_integers(&self, layers: &[FixedLayer]) -> Result<()> {
        if !self.enforce_limits {
            return Ok(());
        }
        let (Some((output, hidden)), room, name) = (layers.split_last(), self.device.room(), self.name()) else {
            return Ok(());
        };
        let reached =
            hidden[0].below().weight.chunks_exact(hidden[0].n_in()).rposition(|row| row.iter().any(|&w| w != 0));
        if let Some((most, last)) = room.input_reach.zip(reached).filter(|&(most, last)| last >= most) {
            let expected = format!("among the first {most} hidden neurons, which inputs of {name} reach {FOR_STUDY}");
            return Err(Error::value("the neurons of layers[0] with weights from inputs", expected, last));
        }
        let below = hidden.len() - 1;
        let n = hidden[below].n_out();
        let first_read = (0..n).find(|&j| output.below().weight.chunks_exact(n).any(|row| row[j] != 0));
        if let Some((most, first)) = room.output_reach.zip(first_read).filter(|&(most, first)| n - first > most) {
            let expected =
                format!("among the last {most} hidden neurons, from which outputs of {name} receive {FOR_STUDY}");
            let neurons = format!("the neurons of layers[{below}] with weights onto outputs");
            return Err(Error::value(neurons, expected, format!("{first} of {n}")));
        }
        let count = |connection: &FixedConnection| connection.weight.iter().filter(|&&w| w != 0).count();
        let own = hidden.iter().filter_map(FixedLayer::recurrent).map(count).sum::<usize>();
        let recurrent = own + hidden[1..].iter().map(|layer| count(layer.below())).sum::<usize>();
        match room.recurrent.filter(|&most| recurrent > most) {
            Some(most) => {
                let expected = format!("<= {most} in all, as {name} has them {FOR_STUDY}");
                Err(Error::value("synapses among hidden neurons", expected, recurrent))
            }
            None => Ok(()),
        }
    }

    /// Returns the least shift of the layers for all synapses among hidden neurons: the chip shifts these alike.
    fn most_up(&self, layers: &[(Neurons, Vec<f64>)]) -> Vec<Option<i32>> {
        if !self.enforce_limits {
            return vec![None; layers.len()];
        }
        let of_hidden =
            |(l, (neurons, _)): (usize, &(Neurons, Vec<f64>))| !neurons.is_output && (l > 0 || neurons.is_recurrent);
        let shared: Vec<bool> = layers.iter().enumerate().map(of_hidden).collect();
        let ups = layers.iter().zip(&shared).filter(|(_, is_shared)| **is_shared);
        let least = ups.map(|((neurons, levels), _)| up(neurons, levels)).min();
        shared.into_iter().map(|is_shared| least.filter(|_| is_shared)).collect()
    }

    fn weight_grid(&self) -> WeightGrid {
        WeightGrid { levels: 127, step: 1 }
    }

    /// Takes the nearest bit shift for each decay, and weights shifted up as far as leaves room for the membrane. The chip has no
    /// refractory time, and subtracts the threshold. What its rules need stays where limits are not enforced.
    fn format(
        &self,
        neurons: &Neurons,
        levels: &[f64],
        most_up: Option<i32>,
    ) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
        let (dash_syn, dash_mem) = (shift(neurons.lif.syn_decay), shift(neurons.lif.mem_decay));
        let taken = 1.0 - 2f64.powi(-(dash_syn as i32));
        let up = most_up.unwrap_or(8).min(up(neurons, levels));
        let coarser = (highest(neurons, levels) / ROOM).max(1.0);
        let grid = WeightGrid { step: 1 << up, ..self.weight_grid() };
        let units: Vec<f64> = levels.iter().map(|&level| coarser * level / f64::from(grid.step)).collect();
        let v_th = neurons.thresholds(&units, |v_th| (taken * v_th).round().min(32767.0) as i32);
        neurons.check_thresholds(&v_th)?;
        let preset = XyloNeurons {
            device: self.device,
            is_output: neurons.is_output,
            v_th,
            dash_syn: dash_syn.into(),
            dash_mem: dash_mem.into(),
            bias: 0.into(),
        };
        let mut format = preset.format()?;
        if !self.enforce_limits {
            let Limits { delay, input_spikes, .. } = format.limits;
            format.limits = Limits { delay, input_spikes, ..Limits::default() };
        }
        Ok((format, grid, units))
    }

    fn cure(&self, is_coarser: bool) -> &'static str {
        if is_coarser { super::CURE_OF_THRESHOLDS } else { "use scale='mse' or granularity='neuron'" }
    }

    fn cure_of_times(&self) -> &'static str {
        "give it a power of two of steps"
    }
}

/// Returns the largest current that a threshold takes: the current decays before the membrane takes it.
fn highest(neurons: &Neurons, levels: &[f64]) -> f64 {
    let taken = 1.0 - 2f64.powi(-(shift(neurons.lif.syn_decay) as i32));
    taken * neurons.largest_threshold(levels)
}

/// Returns the nearest bit shift of a decay.
fn shift(decay: f64) -> u32 {
    (-(1.0 - decay).log2()).round().clamp(1.0, 15.0) as u32
}

/// What the threshold may be so that there is room for the membrane.
const ROOM: f64 = i16::MAX as f64 / MEMBRANE_ROOM;

fn up(neurons: &Neurons, levels: &[f64]) -> i32 {
    (ROOM / highest(neurons, levels)).log2().floor().clamp(0.0, 8.0) as i32
}
