//! Whether hardware has room for the synapses of layers.

use super::network::{FixedConnection, FixedLayer};
use crate::error::{Error, Result};
use crate::network::Place;
use crate::neuron::fixed::Limits;

/// Refuses layers for which the hardware that their formats tell of has no room: too many inputs, too many synapses onto a neuron
/// or of one, or delays that are too long.
///
/// # Errors
/// [`Error::Value`].
pub fn check_limits(layers: &[FixedLayer]) -> Result<()> {
    for (l, layer) in layers.iter().enumerate() {
        let longest = layer.connections.iter().flat_map(|connection| connection.taps.steps()).copied().max();
        let size = LayerSize {
            n_in: layer.n_in(),
            fan_in: layer.connections.iter().map(|connection| connection.pattern.most_onto()).sum(),
            longest_delay: longest.unwrap_or(0),
        };
        layer.params.limits.check_layer(&format!("layers[{l}]"), size, l == 0)?;
    }
    check_fan_out(layers)
}

/// Holds what of a layer hardware may lack room for, before weights are known.
#[derive(Clone, Copy, Debug)]
pub struct LayerSize {
    /// Number of neurons below.
    pub n_in: usize,
    /// Most synapses onto a neuron.
    pub fan_in: usize,
    /// Longest delay [steps].
    pub longest_delay: u32,
}

impl Limits {
    /// Refuses a layer, called `name`, of too many inputs, too many synapses onto a neuron or too long delays.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_layer(&self, name: &str, size: LayerSize, is_first: bool) -> Result<()> {
        let LayerSize { n_in, fan_in, longest_delay } = size;
        if let Some(most) = self.inputs.filter(|&most| is_first && n_in > most) {
            return Err(Error::value("n_in", format!("<= {most}, the inputs that the hardware has"), n_in));
        }
        if let Some(most) = self.fan_in.filter(|&most| fan_in > most) {
            return Err(Error::value(
                name,
                format!("of at most {most} synapses onto a neuron, on this target"),
                fan_in,
            ));
        }
        if let Some(most) = self.delay.filter(|&most| longest_delay > most) {
            let expected = format!("of delays of at most {most} steps, on this target");
            return Err(Error::value(name, expected, longest_delay));
        }
        Ok(())
    }
}

/// Refuses layers with a neuron of more synapses than hardware has room for; a weight of 0 takes none.
///
/// Those onto the output neurons of Xylo do not count: the chip holds them elsewhere.
fn check_fan_out(layers: &[FixedLayer]) -> Result<()> {
    for (l, layer) in layers.iter().enumerate() {
        let Some(most) = layer.params.limits.fan_out else { continue };
        let n = layer.n_out();
        let mut fan_out = vec![0; n];
        let mut count = |connection: &FixedConnection| {
            let (fan_in, weight) = (connection.fan_in(), &connection.weight);
            for (pre, count) in fan_out.iter_mut().enumerate() {
                connection.pattern.for_each_synapse(pre, |_, Place { row, column }| {
                    *count += usize::from(weight[row as usize * fan_in + column as usize] != 0);
                });
            }
        };
        let above = layers.get(l + 1).filter(|above| !above.params.is_xylo_output());
        layer.recurrent().into_iter().chain(above.map(FixedLayer::below)).for_each(&mut count);
        if let Some(j) = fan_out.iter().position(|&n| n > most) {
            let expected = format!("<= {most} synapses, as the hardware has it");
            return Err(Error::value(format!("fan-out of neuron {j} of layers[{l}]"), expected, fan_out[j]));
        }
    }
    Ok(())
}
