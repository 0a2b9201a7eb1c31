//! Networks in fixed point, laid out for the loops that run them sample by sample.

use std::borrow::Cow;

use super::lane_layer::{LaneLayer, LaneScratch};
use super::plane::Plane;
use super::plane_layer::{PlaneLayer, PlaneScratch};
use super::rows::{IntegerRows, PackedRows};
use super::word_layer::{Recurrent, WordLayer, WordScratch};
use super::xylo_layer::{XyloLayer, XyloScratch};
use crate::engine::layered::{Lists, MaxScratch, SampleSpikes, max_layer};
use crate::error::Result;
use crate::fixed::{FixedConnection, FixedLayer, FixedNetwork};
use crate::memory::{OrUnwind, catch, filled, product};
use crate::network::{AvgPool2d, Pattern};
use crate::neuron::fixed::words::WordNeurons;
use crate::neuron::fixed::{FixedModel, FixedPopulation, Overflows};
use crate::spikes::PaddedRows;

/// A network in fixed point that is ready to be run: the layout of its weights that kernels read.
#[derive(Clone, Debug)]
pub struct Compiled {
    layers: Vec<CompiledLayer>,
    input_spikes: u32,
}

/// A layer that is ready to be run.
#[derive(Clone, Debug)]
struct CompiledLayer {
    n: usize,
    /// Delays by which the spikes from below are brought together for the layer.
    taps: Vec<u32>,
    kind: Kind,
}

/// How a layer is computed.
#[derive(Clone, Debug)]
enum Kind {
    Words(WordLayer),
    Lanes(Box<LaneLayer>),
    Xylo(XyloLayer),
    Plane(Box<PlaneLayer>),
    /// Windows in which spikes are counted.
    Max(AvgPool2d),
}

/// Buffers of a simulation, so that it allocates nothing once it is warm.
#[derive(Clone, Debug, Default)]
pub struct FixedScratch {
    received: PaddedRows,
    words: WordScratch,
    lanes: LaneScratch,
    xylo: XyloScratch,
    plane: PlaneScratch,
    max: MaxScratch,
    overflows: Vec<Overflows>,
}

impl Compiled {
    /// Lays out a network.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn new(network: &FixedNetwork) -> Result<Self> {
        let layers = network.layers().iter().enumerate().map(|(l, layer)| CompiledLayer::new(layer, l + 1));
        Ok(Self { layers: layers.collect::<Result<_>>()?, input_spikes: network.input_spikes() })
    }

    /// Returns the number of layers.
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// Returns the most spikes of an input in a step.
    pub fn input_spikes(&self) -> u32 {
        self.input_spikes
    }

    /// Simulates all layers; `spikes.input` holds the input, listed by time, and the layers are filled. Returns what did not fit,
    /// layer by layer.
    pub fn forward<'s>(
        &self,
        n_steps: usize,
        spikes: &mut SampleSpikes,
        lists: Lists,
        scratch: &'s mut FixedScratch,
    ) -> &'s [Overflows] {
        let n_layers = self.layers.len();
        scratch.overflows.clear();
        for (l, layer) in self.layers.iter().enumerate() {
            let (done, rest) = spikes.layers.split_at_mut(l);
            let below = if l == 0 { &spikes.input } else { &done[l - 1] };
            let overflows = layer.forward(n_steps, &below.by_time, &mut rest[0].by_time, scratch);
            scratch.overflows.push(overflows);
            if lists == Lists::All || l + 1 == n_layers {
                rest[0].list_by_neuron();
            }
        }
        &scratch.overflows
    }
}

impl CompiledLayer {
    /// Lays out a layer whose neurons are population number `number` of their network.
    fn new(layer: &FixedLayer, number: usize) -> Result<Self> {
        let (params, n, below) = (&layer.params, layer.n_out(), layer.below());
        if let Some(windows) = below.pattern.max_windows() {
            return Ok(Self { n, taps: vec![0], kind: Kind::Max(*windows) });
        }
        let population = FixedPopulation::new(params, n, number)?;
        let plane = match &below.pattern {
            Pattern::Dense(_) | Pattern::Lateral(_) | Pattern::MaxPool2d(_) => None,
            Pattern::Conv2d(conv) => Some(catch(|| Ok(Plane::of_kernels(conv, below)))?),
            Pattern::AvgPool2d(pool) => Some(catch(|| Ok(Plane::of_windows(pool, below)))?),
        };
        if let Some(plane) = plane {
            let layer = catch(|| PlaneLayer::new(plane, layer, population, number))?;
            return Ok(Self { n, taps: vec![0], kind: Kind::Plane(Box::new(layer)) });
        }
        let kind = match params.model {
            FixedModel::Lif => catch(|| Kind::lif(layer, population))?,
            FixedModel::Xylo(_) => catch(|| {
                let recurrent = layer.recurrent().map(spread);
                Ok(Kind::Xylo(XyloLayer::new(params, n, &spread(below), recurrent.as_deref())))
            })?,
        };
        Ok(Self { n, taps: taps(below), kind })
    }

    fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut FixedScratch,
    ) -> Overflows {
        let below = if self.taps == [0] {
            below
        } else {
            scratch.received.delayed_from(below, &self.taps);
            &scratch.received
        };
        own.clear(self.n);
        own.end_row();
        match &self.kind {
            Kind::Words(layer) => layer.forward(n_steps, below, own, &mut scratch.words),
            Kind::Lanes(layer) => layer.forward(n_steps, below, own, &mut scratch.lanes),
            Kind::Xylo(layer) => layer.forward(n_steps, below, own, &mut scratch.xylo),
            Kind::Plane(layer) => layer.forward(n_steps, below, own, &mut scratch.plane),
            Kind::Max(windows) => {
                max_layer::<f32>(windows, n_steps, below, own, &mut scratch.max);
                Overflows::default()
            }
        }
    }
}

impl Kind {
    /// Lays out LIF neurons: as words, if they and their weights fit.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    fn lif(layer: &FixedLayer, population: FixedPopulation) -> Result<Self> {
        let n = layer.n_out();
        let weight = spread(layer.below());
        let recurrent = layer.recurrent().map(|connection| (spread(connection), taps(connection)));
        let n_rows = weight.len() / n;
        let own = recurrent.iter().flat_map(|(weight, _)| weight.iter());
        let are_bytes = weight.iter().chain(own).all(|&w| i8::try_from(w).is_ok());
        Ok(match (WordNeurons::new(&layer.params, n).filter(|_| are_bytes), recurrent) {
            (Some(neurons), None) => {
                let weight = PackedRows::new(n, [(&weight, n_rows)]);
                Self::Words(WordLayer::new(&population, n, neurons, weight, None))
            }
            (Some(neurons), Some((own, taps))) => {
                let weight = PackedRows::new(n, [(&weight, n_rows), (&own, own.len() / n)]);
                let recurrent = Some(Recurrent { first: n_rows + 1, taps });
                Self::Words(WordLayer::new(&population, n, neurons, weight, recurrent))
            }
            (None, recurrent) => {
                let recurrent = recurrent.map(|(own, taps)| (IntegerRows::new(n, own.len() / n, &own), taps));
                let weight = IntegerRows::new(n, n_rows, &weight);
                let most = layer.sums()?.into_iter().max().unwrap_or(0);
                Self::Lanes(Box::new(LaneLayer::new(population, n, most, weight, recurrent)))
            }
        })
    }
}

/// Returns the distinct delays of a connection.
fn taps(connection: &FixedConnection) -> Vec<u32> {
    connection.taps.steps().to_vec()
}

/// Returns the weights of a dense connection as (n_out, n_taps * n_in), row-major, 0 where they belong to no synapse.
fn spread(connection: &FixedConnection) -> Cow<'_, [i32]> {
    let (n_taps, [n_out, n_in]) = (connection.taps.steps().len(), connection.pattern.matrix());
    if n_taps == 1 {
        return Cow::Borrowed(&connection.weight);
    }
    let mut rows = filled("n_out * n_taps * n_in", product(&[n_out, n_taps, n_in]), 0).or_unwind();
    for (at, &w) in connection.weight.iter().enumerate() {
        rows[(at / n_in * n_taps + connection.taps.tap(at)) * n_in + at % n_in] = w;
    }
    Cow::Owned(rows)
}

#[cfg(test)]
mod tests;
