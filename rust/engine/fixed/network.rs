//! Networks of fixed-point layers, simulated sample by sample.

use std::borrow::Cow;

use super::lane_layer::{LaneLayer, LaneScratch};
use super::rows::{IntegerRows, PackedRows};
use super::word_layer::{Recurrent, WordLayer, WordScratch};
use super::xylo_layer::{XyloLayer, XyloScratch};
use crate::engine::layered::{Lists, SampleSpikes};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, catch, filled, product};
use crate::network::Taps;
use crate::neuron::fixed::words::WordNeurons;
use crate::neuron::fixed::{FixedLif, FixedParams, Overflows};
use crate::spikes::PaddedRows;

/// Integer synapses of a connection group.
#[derive(Clone, Debug)]
pub struct IntegerSynapses {
    /// (n_out, n_in) row-major.
    pub weight: Vec<i32>,
    /// Their delays.
    pub taps: Taps,
}

/// A layer of fixed-point neurons and the synapses onto it.
#[derive(Clone, Debug)]
pub struct FixedLayer {
    n: usize,
    lif: FixedLif,
    /// Delays of feed-forward synapses.
    taps: Vec<u32>,
    kind: Kind,
}

/// How a layer is computed.
#[derive(Clone, Debug)]
enum Kind {
    Words(WordLayer),
    Lanes(Box<LaneLayer>),
    Xylo(XyloLayer),
}

impl FixedLayer {
    /// `n` neurons above `n_in`.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field of the format, or the weight, outside its domain; those of [`FixedParams::validate`].
    /// By the LIF rules a neuron may send one spike a step at most, by those of Xylo there are no delays.
    ///
    /// # Panics
    /// If there is not a weight for each synapse.
    pub fn new(
        params: &FixedParams,
        [n, n_in]: [usize; 2],
        feed_forward: &IntegerSynapses,
        recurrent: Option<&IntegerSynapses>,
        number: usize,
    ) -> Result<Self> {
        let lif = FixedLif::new(params, n, number)?;
        let is_xylo = params.rules.saturates_each();
        if !is_xylo && params.max_spikes > 1 {
            let expected = "1 by the rules \"lif\" (others run in a graph)";
            return Err(Error::value("max_spikes", expected, params.max_spikes));
        }
        let (low, high) = params.weight_range();
        let mut sums = filled("n", Some(n), 0i64)?;
        for (name, synapses, n_in) in [("weight", Some(feed_forward), n_in), ("recurrent_weight", recurrent, n)]
            .into_iter()
            .filter_map(|(a, b, c)| Some((a, b?, c)))
        {
            assert_eq!(synapses.weight.len(), n * n_in);
            for (at, &w) in synapses.weight.iter().enumerate() {
                if !(low..=high).contains(&w.into()) {
                    let expected = format!("in [{low}, {high}], of weight_bits = {}", params.weight_bits);
                    return Err(Error::value(format!("{name}[{}, {}]", at / n_in, at % n_in), expected, w));
                }
                sums[at / n_in] += i64::from(w).abs();
            }
        }
        let most = sums.into_iter().max().unwrap_or(0);
        if most >= 1 << 31 {
            return Err(Error::value("weight", "of magnitudes that add up to < 2^31 for each neuron", most));
        }
        let taps = |synapses: &IntegerSynapses| synapses.taps.steps().to_vec();
        if is_xylo {
            let mut delays =
                feed_forward.taps.steps().iter().chain(recurrent.map_or(&[][..], |synapses| synapses.taps.steps()));
            if let Some(delay) = delays.find(|&&delay| delay > 0) {
                return Err(Error::value("delay", "0 steps by the rules of Xylo", delay));
            }
            let recurrent = recurrent.map(|synapses| &*synapses.weight);
            let kind = Kind::Xylo(XyloLayer::new(params, n, &feed_forward.weight, recurrent));
            return Ok(Self { n, lif, taps: taps(feed_forward), kind });
        }
        catch(|| {
            let weight = spread(feed_forward, [n, n_in]);
            let recurrent_weight = recurrent.map(|synapses| (spread(synapses, [n, n]), taps(synapses)));
            let n_rows = weight.len() / n;
            let own = recurrent_weight.iter().flat_map(|(weight, _)| weight.iter());
            let are_bytes = weight.iter().chain(own).all(|&w| i8::try_from(w).is_ok());
            let kind = match (WordNeurons::new(params, n).filter(|_| are_bytes), recurrent_weight) {
                (Some(neurons), None) => {
                    let weight = PackedRows::new(n, [(&weight, n_rows)]);
                    Kind::Words(WordLayer::new(&lif, n, neurons, weight, None))
                }
                (Some(neurons), Some((own, taps))) => {
                    let weight = PackedRows::new(n, [(&weight, n_rows), (&own, own.len() / n)]);
                    let recurrent = Some(Recurrent { first: n_rows + 1, taps });
                    Kind::Words(WordLayer::new(&lif, n, neurons, weight, recurrent))
                }
                (None, recurrent_weight) => {
                    let recurrent =
                        recurrent_weight.map(|(own, taps)| (IntegerRows::new(n, own.len() / n, &own), taps));
                    let weight = IntegerRows::new(n, n_rows, &weight);
                    Kind::Lanes(Box::new(LaneLayer::new(lif.clone(), n, most, weight, recurrent)))
                }
            };
            let taps = taps(feed_forward);
            Ok(Self { n, lif, taps, kind })
        })
    }

    /// Number of neurons.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number format.
    pub fn params(&self) -> &FixedParams {
        self.lif.params()
    }
}

/// A feed-forward stack of fixed-point layers, recurrent ones among them.
#[derive(Clone, Debug)]
pub struct FixedNetwork {
    layers: Vec<FixedLayer>,
}

/// Buffers of a simulation, so that it allocates nothing once it is warm.
#[derive(Clone, Debug, Default)]
pub struct FixedScratch {
    heard: PaddedRows,
    words: WordScratch,
    lanes: LaneScratch,
    xylo: XyloScratch,
    overflows: Vec<Overflows>,
}

impl FixedNetwork {
    /// From layers, first above the input first.
    ///
    /// # Errors
    /// [`Error::Value`] naming a layer that may hear more spikes of a neuron in a step than its format counts.
    pub fn new(layers: Vec<FixedLayer>) -> Result<Self> {
        for (l, pair) in layers.windows(2).enumerate() {
            let (sent, most) = (pair[0].params().max_spikes, pair[1].params().most_heard());
            if sent > most {
                let expected = format!("at most {most}, what layers[{}] counts of a neuron in a step", l + 1);
                return Err(Error::value(format!("max_spikes of layers[{l}]"), expected, sent));
            }
        }
        Ok(Self { layers })
    }

    /// The layers, first above the input first.
    pub fn layers(&self) -> &[FixedLayer] {
        &self.layers
    }

    /// Most spikes of an input in a step.
    pub fn input_spikes(&self) -> u32 {
        self.layers[0].params().input_spikes()
    }

    /// Simulates all layers; `spikes.input` holds the input, listed by time, and the layers are filled. What did not fit,
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

impl FixedLayer {
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
            scratch.heard.delayed_from(below, &self.taps);
            &scratch.heard
        };
        own.clear(self.n);
        own.end_row();
        match &self.kind {
            Kind::Words(layer) => layer.forward(n_steps, below, own, &mut scratch.words),
            Kind::Lanes(layer) => layer.forward(n_steps, below, own, &mut scratch.lanes),
            Kind::Xylo(layer) => layer.forward(n_steps, below, own, &mut scratch.xylo),
        }
    }
}

/// Weights (n_out, n_taps * n_in) row-major, 0 where they belong to no synapse.
fn spread(synapses: &IntegerSynapses, [n_out, n_in]: [usize; 2]) -> Cow<'_, [i32]> {
    let n_taps = synapses.taps.steps().len();
    if n_taps == 1 {
        return Cow::Borrowed(&synapses.weight);
    }
    let mut rows = filled("n_out * n_taps * n_in", product(&[n_out, n_taps, n_in]), 0).or_unwind();
    for (at, &w) in synapses.weight.iter().enumerate() {
        rows[(at / n_in * n_taps + synapses.taps.tap(at)) * n_in + at % n_in] = w;
    }
    Cow::Owned(rows)
}

#[cfg(test)]
mod tests;
