//! Networks brought to fixed point: integer weights, and formats that hold their neurons.

mod notes;
mod scale;

pub use notes::Note;
pub use scale::Scale;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::network::{FixedConnection, FixedLayer, FixedNetwork};
use super::room::{LayerSize, check_limits};
use super::targets::{Chip, LayerOutline, Neurons, Target, WeightGrid};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, collected, filled};
use crate::network::{Connection, Layer, Network};
use crate::neuron::LifPropagator;
use crate::neuron::fixed::FixedParams;
use crate::simd::Real;
use crate::stop::check;
use scale::level;

/// Weights rounded by one task.
const CHUNK: usize = 1 << 14;

/// Number added to and taken from one in [-2^51, 2^51] to round it to the nearest integer, halves to the even one.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// How far from an integer a number is that rounding alone keeps from being one.
const EXACT: f64 = 1e-6;

/// What weights must be.
const FINITE: &str = "finite (in training try a lower lr)";

/// Of the usual level, the least that a neuron has: those with hardly any weight would take all room for thresholds.
const LEAST_LEVEL: f64 = 1.0 / 64.0;

/// Says which weights share a scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// All onto a layer.
    #[default]
    Layer,
    /// Those of a row of the matrix: onto a neuron or, of a convolution, a channel, whose thresholds make up for it.
    Neuron,
}

/// Says how a network is brought to fixed point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantization {
    /// What computes it.
    pub target: Target,
    /// What the largest integer weight stands for.
    pub scale: Scale,
    /// Which weights share a scale.
    pub granularity: Granularity,
}

/// Holds the numbers that a layer's weights are rounded to, and the format of its neurons.
#[derive(Clone, Debug)]
pub struct LayerGrid {
    /// Format of the neurons.
    pub format: FixedParams,
    /// What one unit of an integer weight stands for: of all weights, or of each row of the matrix.
    pub scale: Vec<f64>,
    /// Integer weights are `step` times an integer in [-levels, levels].
    grid: WeightGrid,
    /// By how much the target holds weights more coarsely than its bits allow.
    coarser: f64,
}

/// Holds number formats of a network's layers, and what their integers stand for.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Layer by layer.
    pub layers: Vec<LayerGrid>,
    /// What the weights there were lose, that no error tells.
    pub notes: Vec<Note>,
}

impl Quantization {
    /// Checks what does not depend on the network.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn validate(&self) -> Result<()> {
        self.target.chip().validate()?;
        self.scale.validate()
    }
}

impl Grid {
    /// Chooses scales and formats for the present weights.
    ///
    /// # Errors
    /// [`Error::Value`] if a field is outside its domain, or the target cannot hold a layer.
    pub fn new<F: Real>(net: &Network<F>, quantization: &Quantization) -> Result<Self> {
        quantization.validate()?;
        let target = quantization.target.chip();
        target.check_network(&outlines(net))?;
        quantization.scale.check_layers(net.layers().len())?;
        let last = net.layers().len() - 1;
        let found = net.layers().iter().enumerate();
        let found = found.map(|(l, layer)| LayerGrid::levels(layer, l, l == last, quantization));
        let mut found = found.collect::<Result<Vec<_>>>()?;
        let mut has_windows = false;
        for ((neurons, _), layer) in found.iter_mut().zip(net.layers()) {
            has_windows |= layer.below().pattern().spatial_kind().is_some();
            neurons.has_windows = has_windows;
        }
        let layers = net.layers().iter().zip(&found).zip(target.most_up(&found)).enumerate();
        let layers = layers.map(|(l, ((layer, (neurons, levels)), most_up))| {
            LayerGrid::new(layer, l == 0, (neurons, levels, most_up), target)
        });
        let mut grid = Self { layers: layers.collect::<Result<_>>()?, notes: Vec::new() };
        let layers = grid.rounded(net)?;
        target.check_integers(&layers)?;
        check_limits(&layers)?;
        grid.notes = grid.notes_of(net, &layers, target)?;
        Ok(grid)
    }

    /// Rounds the weights of a network, with its delays, to the grid.
    ///
    /// # Errors
    /// [`Error::Value`] if a weight is not finite; those of [`FixedNetwork::new`].
    pub fn network<F: Real>(&self, net: &Network<F>) -> Result<FixedNetwork> {
        FixedNetwork::new(self.rounded(net)?)
    }

    fn rounded<F: Real>(&self, net: &Network<F>) -> Result<Vec<FixedLayer>> {
        let layers = self.layers.iter().zip(net.layers()).enumerate();
        layers.map(|(l, (grid, layer))| grid.layer(layer, l)).collect()
    }

    /// Gives `net` the weights that integers stand for.
    pub fn represent<F: Real>(&self, network: &FixedNetwork, net: &mut Network<F>) {
        for ((grid, integers), layer) in self.layers.iter().zip(network.layers()).zip(net.layers_mut()) {
            for (connection, integers) in layer.connections_mut().iter_mut().zip(&integers.connections) {
                connection.set_rows(&grid.represented(&integers.weight, integers.fan_in()));
            }
        }
    }
}

impl LayerGrid {
    /// Returns the neurons of a layer, and what a level is to stand for: of all weights, or of each row of the matrix.
    fn levels<F: Real>(
        layer: &Layer<F>,
        number: usize,
        is_output: bool,
        quantization: &Quantization,
    ) -> Result<(Neurons, Vec<f64>)> {
        check()?;
        let weights = LayerWeights::new(layer, number)?;
        let [rows, _] = layer.below().pattern().matrix();
        let grid = quantization.target.chip().weight_grid();
        let groups = match quantization.granularity {
            Granularity::Layer => 1,
            Granularity::Neuron => rows,
        };
        let rows_of = |group: usize| if groups == 1 { 0..rows } else { group..group + 1 };
        // A constant is not one of many weights, of which some may be clipped.
        let is_free = quantization.target.chip().has_free_scale() && layer.below().is_trainable();
        let scale = if is_free { &quantization.scale } else { &Scale::Max };
        let choose = |group: usize| level(&mut weights.of(rows_of(group)), grid.levels, scale, number);
        let found: Vec<Option<f64>> = (0..groups).into_par_iter().map(choose).collect();
        let lif = LifPropagator::<f64>::new(layer.params())?;
        let (name, is_recurrent) = (format!("layers[{number}]"), layer.recurrent().is_some());
        let per_row = layer.n_out() / rows;
        let (v_th, sums) = (layer.v_th().clone(), weights.sums());
        let neurons = Neurons { name, lif, v_th, is_output, is_recurrent, per_row, has_windows: false, sums };
        let levels = usual_levels(&found, neurons.silent_level(grid));
        Ok((neurons, levels))
    }

    fn new<F: Real>(
        layer: &Layer<F>,
        is_first: bool,
        (neurons, levels, most_up): (&Neurons, &[f64], Option<i32>),
        target: &dyn Chip,
    ) -> Result<Self> {
        if layer.below().pattern().max_windows().is_some() {
            let (format, grid) = (FixedParams::of_max_pool(), WeightGrid { levels: 1, step: 1 });
            return Ok(Self { format, scale: vec![1.0], grid, coarser: 1.0 });
        }
        let (format, grid, scale) = match layer.below().pattern().constant() {
            None => target.format(neurons, levels, most_up)?,
            Some(constant) => constant_format(neurons, constant, most_up, target)?,
        };
        let size = LayerSize {
            n_in: layer.n_in(),
            fan_in: layer.connections().iter().map(|connection| connection.pattern().most_onto()).sum(),
            longest_delay: layer.connections().iter().flat_map(Connection::taps).copied().max().unwrap_or(0),
        };
        format.limits.check_layer(&neurons.name, size, is_first)?;
        let valid = format.validate(layer.n_out());
        valid.map_err(|error| Error::value(&neurons.name, "one that the format holds", error))?;
        let coarser = scale[0] * f64::from(grid.step) / levels[0];
        Ok(Self { format, scale, grid, coarser })
    }

    fn scale_of(&self, row: usize) -> f64 {
        if self.scale.len() == 1 { self.scale[0] } else { self.scale[row] }
    }

    /// Rounds the weights of layer number `number`.
    fn layer<F: Real>(&self, layer: &Layer<F>, number: usize) -> Result<FixedLayer> {
        let round = |connection: &Connection<F>| {
            let (synapses, pattern) = (connection.synapses(), *connection.pattern());
            let rows = synapses.rows();
            match rows.iter().find(|w| !w.is_finite()) {
                Some(w) => Err(Error::value(format!("weights of layers[{number}]"), FINITE, w.widen())),
                None => {
                    let (weight, taps) = (self.rounded(&rows, pattern.matrix()[1]), synapses.taps().clone());
                    Ok(FixedConnection { origin: connection.origin(), pattern, weight, taps })
                }
            }
        };
        Ok(FixedLayer {
            params: self.format.clone(),
            connections: layer.connections().iter().map(round).collect::<Result<_>>()?,
            scale: self.scale.clone(),
            step: self.grid.step,
        })
    }

    fn rounded<F: Real>(&self, rows: &[F], n_in: usize) -> Vec<i32> {
        let WeightGrid { levels, step } = self.grid;
        let most = f64::from(levels);
        let mut integers = filled("n_out * n_in", Some(rows.len()), 0).or_unwind();
        let per_task = (CHUNK / n_in).max(1);
        let tasks = rows.par_chunks(per_task * n_in).zip(integers.par_chunks_mut(per_task * n_in)).enumerate();
        tasks.for_each(|(task, (rows, integers))| {
            let rows = rows.chunks_exact(n_in).zip(integers.chunks_exact_mut(n_in));
            for (i, (row, integers)) in rows.enumerate() {
                let inverse = 1.0 / (self.scale_of(task * per_task + i) * f64::from(step));
                for (integer, w) in integers.iter_mut().zip(row) {
                    *integer = ((w.widen() * inverse).clamp(-most, most) + ROUND - ROUND) as i32 * step;
                }
            }
        });
        integers
    }

    fn represented<F: Real>(&self, weight: &[i32], n_in: usize) -> Vec<F> {
        let value = |(at, &w): (usize, &i32)| F::from_f64(f64::from(w) * self.scale_of(at / n_in));
        let mut values = filled("n_out * n_in", Some(weight.len()), F::zero()).or_unwind();
        let pairs = weight.par_iter().zip(&mut values).with_min_len(CHUNK).enumerate();
        pairs.for_each(|(at, (w, to))| *to = value((at, w)));
        values
    }
}

/// Chooses a format for neurons that receive by one constant weight: the largest integer that the target holds without making it
/// coarser, so that nothing of the weight is lost where scales are free.
fn constant_format(
    neurons: &Neurons,
    constant: f64,
    most_up: Option<i32>,
    target: &dyn Chip,
) -> Result<(FixedParams, WeightGrid, Vec<f64>)> {
    let mut of_constant = target.weight_grid().levels;
    loop {
        let found = target.format(neurons, &[constant / f64::from(of_constant)], most_up)?;
        let (_, grid, units) = &found;
        let held = constant / (units[0] * f64::from(grid.step));
        let is_exact = (held - held.round()).abs() < EXACT;
        if is_exact || of_constant == 1 || !target.has_free_scale() {
            return Ok(found);
        }
        of_constant = (held as i32).clamp(1, of_constant - 1);
    }
}

/// Returns what a target needs to know of layers before weights are rounded.
fn outlines<F: Real>(net: &Network<F>) -> Vec<LayerOutline> {
    let outline = |layer: &Layer<F>| LayerOutline {
        n_in: layer.n_in(),
        n_out: layer.n_out(),
        is_recurrent: layer.recurrent().is_some(),
        spatial_kind: layer.below().pattern().spatial_kind(),
        is_max_pool: layer.below().pattern().max_windows().is_some(),
    };
    net.layers().iter().map(outline).collect()
}

/// Returns levels of groups of weights, those of groups of zeros the usual one, or `silent` if there is none.
fn usual_levels(found: &[Option<f64>], silent: f64) -> Vec<f64> {
    let mut sorted: Vec<f64> = found.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(silent);
    found.iter().map(|level| level.map_or(usual, |level| level.max(LEAST_LEVEL * usual))).collect()
}

/// Holds all weights onto the neurons of a layer.
struct LayerWeights {
    /// Of each connection the length of a row, and the rows.
    connections: Vec<(usize, Vec<f32>)>,
    /// Synapses onto a neuron that one weight may be of.
    times: usize,
}

impl LayerWeights {
    fn new<F: Real>(layer: &Layer<F>, number: usize) -> Result<Self> {
        let values = |connection: &Connection<F>| {
            let rows = connection.synapses().rows();
            let values = collected("n_out * n_in", rows.iter().map(|w| w.widen() as f32))?;
            Ok((connection.pattern().matrix()[1], values))
        };
        let pattern = layer.below().pattern();
        let weights = Self {
            connections: layer.connections().iter().map(values).collect::<Result<_>>()?,
            times: pattern.most_onto().div_ceil(pattern.matrix()[1]),
        };
        match weights.connections.iter().flat_map(|(_, rows)| rows).find(|w| !w.is_finite()) {
            Some(w) => Err(Error::value(format!("weights of layers[{number}]"), FINITE, w)),
            None => Ok(weights),
        }
    }

    /// Returns the weights of some rows, those of all connections.
    fn of(&self, rows: std::ops::Range<usize>) -> Vec<f32> {
        let of = self.connections.iter().map(|(n_in, weights)| &weights[rows.start * n_in..rows.end * n_in]);
        of.collect::<Vec<_>>().concat()
    }

    /// Returns the sum of the magnitudes onto a neuron of each row.
    fn sums(&self) -> Vec<f64> {
        let (n_in, weights) = &self.connections[0];
        let sum = |row| self.of(row..row + 1).iter().map(|&w| f64::from(w.abs())).sum::<f64>() * self.times as f64;
        (0..weights.len() / n_in).map(sum).collect()
    }
}

#[cfg(test)]
mod plane_tests;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod threshold_tests;
