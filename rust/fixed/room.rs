//! Whether hardware has room for the synapses of layers.

use crate::error::{Error, Result};
use crate::network::Layer;
use crate::neuron::fixed::{FixedParams, Limits};
use crate::simd::Real;

/// The synapses onto a layer, as far as hardware may lack room for them.
#[derive(Clone, Copy, Debug)]
pub struct LayerRoom<'a> {
    /// Format of the neurons.
    pub format: &'a FixedParams,
    /// Neurons, and those below.
    pub shape: [usize; 2],
    /// (n_out, n_in) row-major; a weight of 0 takes no room.
    pub weight: &'a [i32],
    /// (n, n) row-major.
    pub recurrent: Option<&'a [i32]>,
}

impl Limits {
    /// Refuses a layer, called `name`, of too many inputs, too many synapses onto a neuron or too long delays.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_layer<F: Real>(&self, name: &str, layer: &Layer<F>, is_first: bool) -> Result<()> {
        let n_in = layer.n_in();
        if let Some(most) = self.inputs.filter(|&most| is_first && n_in > most) {
            return Err(Error::value("n_in", format!("<= {most}, the inputs that the hardware has"), n_in));
        }
        let fan_in = n_in + if layer.recurrent().is_some() { layer.n_out() } else { 0 };
        if let Some(most) = self.fan_in.filter(|&most| fan_in > most) {
            return Err(Error::value(
                name,
                format!("of at most {most} synapses onto a neuron, on this target"),
                fan_in,
            ));
        }
        let recurrent = layer.recurrent().map_or(&[0][..], |recurrent| recurrent.taps());
        let longest = layer.taps().iter().chain(recurrent).copied().max().unwrap_or(0);
        if let Some(most) = self.delay.filter(|&most| longest > most) {
            return Err(Error::value(name, format!("of delays of at most {most} steps, on this target"), longest));
        }
        Ok(())
    }
}

/// Refuses layers with a neuron of more synapses than hardware has room for.
///
/// Those onto the output neurons of Xylo do not count: the chip holds them elsewhere.
///
/// # Errors
/// [`Error::Value`] naming the neuron.
pub fn check_fan_out(layers: &[LayerRoom<'_>]) -> Result<()> {
    for (l, layer) in layers.iter().enumerate() {
        let Some(most) = layer.format.limits.fan_out else { continue };
        let n = layer.shape[0];
        let mut fan_out = vec![0; n];
        let mut count = |weight: &[i32]| {
            for row in weight.chunks_exact(n) {
                fan_out.iter_mut().zip(row).for_each(|(count, &w)| *count += usize::from(w != 0));
            }
        };
        layer.recurrent.into_iter().for_each(&mut count);
        layers
            .get(l + 1)
            .filter(|above| !above.format.is_xylo_output())
            .into_iter()
            .for_each(|above| count(above.weight));
        if let Some(j) = fan_out.iter().position(|&n| n > most) {
            let expected = format!("<= {most} synapses, as the hardware has it");
            return Err(Error::value(format!("fan-out of neuron {j} of layers[{l}]"), expected, fan_out[j]));
        }
    }
    Ok(())
}
