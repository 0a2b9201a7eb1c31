//! What a conversion to fixed point loses, and the user should know.

use super::{Grid, LayerGrid};
use crate::error::{Error, Result};
use crate::fixed::FixedLayer;
use crate::fixed::targets::Chip;
use crate::network::{Layer, Network};
use crate::neuron::fixed::{Decay, FixedParams};
use crate::simd::Real;

/// Share of a layer's weights that may become 0 for want of bits: of two bits and noise, half of them do, and networks still work.
const MUCH: f64 = 0.9;

/// And where the target holds them more coarsely than its bits allow.
const MUCH_WHERE_COARSER: f64 = 0.1;

/// How much more coarsely that is.
const COARSER: f64 = 1.5;

/// By how much of itself a constant weight may become another one.
const OFF: f64 = 0.01;

/// How much longer or shorter a time constant may become.
const LONGER: f64 = 1.1;

/// A note tells a loss that no error tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is lost, the same whenever it is lost again.
    pub about: String,
    /// How much, and what to do.
    pub text: String,
}

/// Counts weights of a layer that are not 0, and become 0.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    n: usize,
    lost: usize,
    /// Rows of the matrix, neurons or channels, with weights that all become 0.
    rows: usize,
}

impl Grid {
    /// Tells what is lost of a network whose weights become `integers`.
    ///
    /// # Errors
    /// [`Error::Value`] if a layer keeps none of its weights: it could only be silent.
    pub(super) fn notes_of<F: Real>(
        &self,
        net: &Network<F>,
        integers: &[FixedLayer],
        target: &dyn Chip,
    ) -> Result<Vec<Note>> {
        let mut notes = Vec::new();
        for (l, (grid, (layer, integers))) in self.layers.iter().zip(net.layers().iter().zip(integers)).enumerate() {
            notes.extend(lost_weights(l, grid, layer, integers, target)?);
            notes.extend(lost_constant(l, layer, integers, target));
            notes.extend(lost_times(l, &grid.format, layer, target)?);
        }
        Ok(notes)
    }
}

fn lost_weights<F: Real>(
    l: usize,
    grid: &LayerGrid,
    layer: &Layer<F>,
    integers: &FixedLayer,
    target: &dyn Chip,
) -> Result<Option<Note>> {
    let Lost { n, lost, rows } = count(layer, integers);
    let is_coarser = grid.coarser >= COARSER;
    let much = if is_coarser { MUCH_WHERE_COARSER } else { MUCH };
    if n == 0 || (lost as f64) < much * n as f64 {
        return Ok(None);
    }
    let (name, cure) = (target.name(), target.cure(is_coarser));
    let why = target.why_weights_vanish(is_coarser);
    if lost == n {
        let expected = format!("some that do not become 0 on {name} ({why}; {cure})");
        return Err(Error::value(format!("weights of layers[{l}]"), expected, format!("{n}, all of which do")));
    }
    let [all_rows, _] = layer.below().pattern().matrix();
    let noun = if all_rows == layer.n_out() { "neurons" } else { "channels" };
    let silent = match rows {
        0 => String::new(),
        _ => format!(", all of {rows} of its {all_rows} {noun}"),
    };
    let share = 100.0 * lost as f64 / n as f64;
    let text = format!(
        "layers[{l}]: {share:.1}% of the weights ({lost} of {n}{silent}) become 0 on {name}, as {why}; to keep them, {cure}"
    );
    Ok(Some(Note { about: format!("weights of layers[{l}]"), text }))
}

fn count<F: Real>(layer: &Layer<F>, integers: &FixedLayer) -> Lost {
    let mut kept = vec![[0usize; 2]; layer.below().pattern().matrix()[0]];
    for (connection, integers) in layer.connections().iter().zip(&integers.connections) {
        let (rows, n_in) = (connection.synapses().rows(), integers.fan_in());
        let rows = rows.chunks_exact(n_in).zip(integers.weight.chunks_exact(n_in));
        for (kept, (row, integers)) in kept.iter_mut().zip(rows) {
            for (w, &integer) in row.iter().zip(integers) {
                kept[0] += usize::from(w.widen() != 0.0);
                kept[1] += usize::from(integer != 0);
            }
        }
    }
    kept.iter().fold(Lost::default(), |all, &[n, kept]| Lost {
        n: all.n + n,
        lost: all.lost + n - kept,
        rows: all.rows + usize::from(n > 0 && kept == 0),
    })
}

/// Tells of the one weight that all synapses from below have, if the target does not hold it.
fn lost_constant<F: Real>(l: usize, layer: &Layer<F>, integers: &FixedLayer, target: &dyn Chip) -> Option<Note> {
    let constant = layer.below().pattern().constant()?;
    let held = f64::from(integers.below().weight[0]) * integers.scale[0];
    // 0 is that of windows that hold padding alone: all else would be refused.
    if held == 0.0 || (held / constant - 1.0).abs() <= OFF {
        return None;
    }
    let text = format!(
        "layers[{l}]: the weight of its windows, {constant:.4}, becomes {held:.4} on {}, whose scale of weights is its own; to make \
         up for it, train through this target",
        target.name()
    );
    Some(Note { about: format!("constant weight of layers[{l}]"), text })
}

/// Tells of refractory times and time constants that the target does not hold.
fn lost_times<F: Real>(l: usize, format: &FixedParams, layer: &Layer<F>, target: &dyn Chip) -> Result<Vec<Note>> {
    let (mut notes, name) = (Vec::new(), target.name());
    if layer.below().pattern().max_windows().is_some() {
        return Ok(notes);
    }
    let params = layer.params();
    let lif = crate::neuron::LifPropagator::<f64>::new(params)?;
    if lif.t_ref_steps > 0 && format.t_ref_steps == 0 {
        let text = format!(
            "layers[{l}]: t_ref = {} ms is left out, as {name} has no refractory time; give the layer t_ref=0, so that the \
             network is trained without, or train it through this target",
            params.t_ref
        );
        notes.push(Note { about: format!("t_ref of layers[{l}]"), text });
    }
    let decays = [
        ("tau_m", params.tau_m, lif.mem_decay, &format.membrane_decay),
        ("tau_s", params.tau_s, lif.syn_decay, &format.current_decay),
    ];
    for (tau_name, tau, decay, held) in decays {
        let longer = (1.0 - decay) / (1.0 - left(held));
        if (1.0 / LONGER..=LONGER).contains(&longer) {
            continue;
        }
        let becomes = if longer.is_finite() { format!("about {:.3} ms", tau * longer) } else { "endless".to_owned() };
        let cure = target.cure_of_times();
        let text =
            format!("layers[{l}]: {tau_name} = {tau} ms becomes {becomes}, as {name} holds it; to keep it, {cure}");
        notes.push(Note { about: format!("{tau_name} of layers[{l}]"), text });
    }
    Ok(notes)
}

/// Returns what a step leaves of a state, of the first neuron: those of a layer decay alike.
fn left(decay: &Decay) -> f64 {
    match decay {
        Decay::Multiply { factor, bits } => f64::from(factor.get(0)) / 2f64.powi(*bits as i32),
        Decay::Shift { shift, .. } => 1.0 - 2f64.powi(-(shift.get(0) as i32)),
        Decay::Table { factors, bits } => {
            factors.first().map_or(0.0, |&first| f64::from(first)) / 2f64.powi(*bits as i32)
        }
    }
}
