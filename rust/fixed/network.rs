//! Networks of fixed-point layers, simulated sample by sample.

use super::rows::IntegerRows;
use super::xylo_layer::{XyloLayer, XyloScratch};
use super::{At, FixedBlock, FixedLanes, FixedLif, FixedNeuron, FixedParams, Overflows};
use crate::engine::kernels::list_spikes;
use crate::engine::{Lists, SampleSpikes};
use crate::error::{Error, Result};
use crate::network::Taps;
use crate::simd::{LANES, LaneMask, Lanes};
use crate::spikes::PaddedRows;

/// Steps whose feed-forward input is summed up ahead: it then stays in the second-level cache.
const STEPS_AHEAD: usize = 128;

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
    Lif(Box<LifLayer>),
    Xylo(XyloLayer),
}

/// Neurons by the LIF rules.
#[derive(Clone, Debug)]
struct LifLayer {
    lanes: FixedLanes,
    weight: IntegerRows,
    /// And the delays of recurrent synapses.
    recurrent: Option<(IntegerRows, Vec<u32>)>,
    rest: Vec<FixedBlock>,
    /// Of neurons that are stepped one by one, instead.
    rest_single: Vec<FixedNeuron>,
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
        let mut sums = vec![0i64; n];
        for (name, synapses, n_in) in [("weight", Some(feed_forward), n_in), ("rec_weight", recurrent, n)]
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
        let taps = feed_forward.taps.steps().to_vec();
        if is_xylo {
            let mut delays = taps.iter().chain(recurrent.map_or(&[][..], |synapses| synapses.taps.steps()));
            if let Some(delay) = delays.find(|&&delay| delay > 0) {
                return Err(Error::value("delay", "0 steps by the rules of Xylo", delay));
            }
            let recurrent = recurrent.map(|synapses| &*synapses.weight);
            let kind = Kind::Xylo(XyloLayer::new(params, n, &feed_forward.weight, recurrent));
            return Ok(Self { n, lif, taps, kind });
        }
        let rows = |synapses: &IntegerSynapses, n_in: usize| {
            let taps = &synapses.taps;
            IntegerRows::new(n, taps.steps().len() * n_in, |i, row| {
                let at = i * n_in + row % n_in;
                if taps.tap(at) == row / n_in { synapses.weight[at] } else { 0 }
            })
        };
        let weight = rows(feed_forward, n_in);
        let mut rest = vec![FixedBlock::zero(); n.div_ceil(LANES)];
        (0..n).for_each(|i| rest[i / LANES].set_neuron(i % LANES, lif.rest(i), 0));
        let lanes = FixedLanes::new(lif.clone(), n, most);
        let single = |i| FixedNeuron { state: lif.rest(i), held: 0 };
        let rest_single = if lanes.one_by_one() { (0..n).map(single).collect() } else { Vec::new() };
        let kind = Kind::Lif(Box::new(LifLayer {
            lanes,
            weight,
            recurrent: recurrent.map(|synapses| (rows(synapses, n), synapses.taps.steps().to_vec())),
            rest,
            rest_single,
        }));
        Ok(Self { n, lif, taps, kind })
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
    lif: LifScratch,
    xylo: XyloScratch,
    overflows: Vec<Overflows>,
}

/// Those of a layer by the LIF rules.
#[derive(Clone, Debug, Default)]
struct LifScratch {
    heard_now: Vec<u32>,
    sums: Vec<Lanes<i32>>,
    blocks: Vec<FixedBlock>,
    single: Vec<FixedNeuron>,
    fired: Vec<LaneMask>,
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
            Kind::Lif(layer) => layer.forward(n_steps, below, own, &mut scratch.lif),
            Kind::Xylo(layer) => layer.forward(n_steps, below, own, &mut scratch.xylo),
        }
    }
}

impl LifLayer {
    fn forward(&self, n_steps: usize, below: &PaddedRows, own: &mut PaddedRows, scratch: &mut LifScratch) -> Overflows {
        let LifScratch { heard_now, sums, blocks, single, fired } = scratch;
        blocks.clone_from(&self.rest);
        single.clone_from(&self.rest_single);
        let (stride, mut overflows) = (self.weight.n_blocks(), Overflows::default());
        sums.clear();
        sums.resize(stride * STEPS_AHEAD.min(n_steps), Lanes([0; LANES]));
        let mut first = 1;
        while first < n_steps {
            let end = n_steps.min(first + STEPS_AHEAD);
            let ahead = &mut sums[..stride * (end - first)];
            self.weight.sum_steps(below, first, ahead);
            for (t, sums) in (first..end).zip(ahead.chunks_exact_mut(stride)) {
                if let Some((rows, taps)) = &self.recurrent {
                    if *taps == [0] {
                        rows.add_to(sums, own.row(t - 1));
                    } else {
                        heard_now.clear();
                        own.delayed(t - 1, taps)
                            .for_each(|(first, row)| heard_now.extend(row.iter().map(|&k| first + k)));
                        rows.add_to(sums, heard_now);
                    }
                }
                fired.resize(blocks.len(), 0);
                overflows += self.step(t as u64, blocks, single, sums, fired);
                list_spikes::<f32>(fired, blocks.len(), own);
                sums.fill(Lanes([0; LANES]));
            }
            first = end;
        }
        overflows
    }

    /// A step of all neurons, with the sums that arrive.
    fn step(
        &self,
        t: u64,
        blocks: &mut [FixedBlock],
        single: &mut [FixedNeuron],
        sums: &mut [Lanes<i32>],
        fired: &mut [LaneMask],
    ) -> Overflows {
        if !self.lanes.one_by_one() {
            return self.lanes.run(blocks, &mut sums[..blocks.len()], fired);
        }
        let mut overflows = Overflows::default();
        fired.fill(0);
        for (neuron, state) in single.iter_mut().enumerate() {
            let (b, l) = (neuron / LANES, neuron % LANES);
            let spikes = self.lanes.lif().advance(At { neuron, step: t }, state, sums[b][l], &mut overflows);
            fired[b] |= LaneMask::from(spikes > 0) << l;
        }
        overflows
    }
}
