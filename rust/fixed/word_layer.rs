//! Layers of neurons whose states are words, over many steps.

use std::ops::Range;

use super::neuron::{FixedLif, Overflows};
use super::rows::{Arriving, PANEL, PANEL_BLOCKS, PackedRows, sum_exactly, sum_words};
use super::words::{Constants, Floor, Nearest, TERMS, TowardZero, WordNeurons, WordRounding, WordState, WordVectors};
use crate::engine::kernels::list_spikes;
use crate::fixed::Rounding;
use crate::simd::{LANES, LaneMask, WORDS, WordIsa, Words, multiversion};
use crate::spikes::PaddedRows;

/// Steps of a feed-forward layer between two lists of its spikes.
const STEPS_AHEAD: usize = 512;

/// A layer whose weights have 8 bits, and its neurons at most 16.
#[derive(Clone, Debug)]
pub struct WordLayer {
    n: usize,
    neurons: WordNeurons,
    weight: PackedRows,
    /// And their delays.
    recurrent: Option<(PackedRows, Vec<u32>)>,
    /// Most rows that a step can sum up in words.
    most: usize,
    rest: Vec<WordState>,
}

/// Buffers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct WordScratch {
    states: Vec<WordState>,
    /// One bit a neuron, (n_steps, n_blocks); of a recurrent layer one step only.
    fired: Vec<LaneMask>,
    /// What a recurrent layer with delays hears of itself at one step.
    heard: Vec<u32>,
}

impl WordLayer {
    /// `n` neurons, and the delays of recurrent synapses.
    pub fn new(
        lif: &FixedLif,
        n: usize,
        neurons: WordNeurons,
        weight: PackedRows,
        recurrent: Option<(PackedRows, Vec<u32>)>,
    ) -> Self {
        let most = recurrent.iter().map(|(rows, _)| rows.most()).fold(weight.most(), usize::min);
        let mut rest = vec![WordState::zero(); n.div_ceil(PANEL) * (PANEL / WORDS)];
        for i in 0..n {
            rest[i / WORDS].set_neuron(i % WORDS, lif.rest(i));
        }
        Self { n, neurons, weight, recurrent, most, rest }
    }

    /// Steps from 1 on; the spikes are appended to `own`. What did not fit.
    pub fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut WordScratch,
    ) -> Overflows {
        let WordScratch { states, fired, heard } = scratch;
        states.clone_from(&self.rest);
        let (n_blocks, mut overflows) = (self.n.div_ceil(LANES), Overflows::default());
        fired.clear();
        fired.resize(n_blocks * if self.recurrent.is_some() { 1 } else { STEPS_AHEAD.min(n_steps) }, 0);
        let mut first = 1;
        while first < n_steps {
            let steps = first..n_steps.min(first + STEPS_AHEAD);
            first = steps.end;
            overflows += if self.recurrent.is_some() {
                recurrent_steps(self, below, steps, states, fired, heard, own)
            } else {
                let fired = &mut fired[..n_blocks * steps.len()];
                let far = dense_steps(self, below, steps, states, fired);
                list_spikes::<f32>(fired, n_blocks, own);
                far
            };
        }
        overflows
    }
}

/// Sums as words that are added one after the other: the first ones, and all others.
#[inline(always)]
fn split<W: WordIsa, const HALVES: usize>(
    isa: W,
    neurons: &WordNeurons,
    sums: &[[i32; WORDS]; HALVES],
) -> ([W::Words; HALVES], [Option<[Words; TERMS - 1]>; HALVES]) {
    let (mut first, mut more) = ([isa.word(0); HALVES], [None; HALVES]);
    for half in 0..HALVES {
        let terms = neurons.split(&sums[half]);
        first[half] = isa.load_words(&terms[0]);
        more[half] = Some([terms[1], terms[2]]);
    }
    (first, more)
}

/// One step of a panel with all that arrives; who fires goes to `fired`.
#[inline(always)]
fn step_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const HALVES: usize, const N: usize>(
    isa: W,
    layer: &WordLayer,
    constants: &[&Constants; HALVES],
    arriving: &[Arriving<'_>; N],
    states: &mut [WordVectors<W>; HALVES],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let mut n = 0;
    for arriving in arriving {
        n += arriving.index.len();
    }
    let mut more = [None; HALVES];
    let sums = if n <= layer.most {
        sum_words::<W, HALVES, N>(isa, arriving)
    } else {
        let mut sums = [[0; WORDS]; HALVES];
        for &arriving in arriving {
            sum_exactly(isa, &mut sums, arriving, layer.most);
        }
        let (first, terms) = split::<W, HALVES>(isa, &layer.neurons, &sums);
        more = terms;
        first
    };
    let [mut bits, mut upper] = [0; 2];
    // Written out: in a loop, the states would not stay in registers.
    let neurons = &layer.neurons;
    bits |= neurons.step::<W, R, PLAIN>(isa, constants[0], &mut states[0], sums[0], more[0].as_ref(), overflows);
    if HALVES == 2 {
        upper = neurons.step::<W, R, PLAIN>(isa, constants[1], &mut states[1], sums[1], more[1].as_ref(), overflows);
    }
    let mut bits = u64::from(bits) | u64::from(upper) << WORDS;
    for fired in fired.iter_mut().take(PANEL_BLOCKS) {
        *fired = bits as LaneMask;
        bits >>= LANES;
    }
}

#[inline(always)]
fn constants<const HALVES: usize>(layer: &WordLayer, p: usize) -> [&Constants; HALVES] {
    std::array::from_fn(|half| layer.neurons.constants(2 * p + half))
}

#[inline(always)]
fn load<W: WordIsa, const HALVES: usize>(isa: W, states: &[WordState]) -> [WordVectors<W>; HALVES] {
    let mut vectors = [WordVectors::load(isa, &states[0]); HALVES];
    for half in 1..HALVES {
        vectors[half] = WordVectors::load(isa, &states[half]);
    }
    vectors
}

/// All steps of a panel.
#[inline(always)]
fn dense_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const HALVES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let (panel, n_blocks) = (layer.weight.panel(p), layer.n.div_ceil(LANES));
    let constants = constants::<HALVES>(layer, p);
    let mut vectors = load::<W, HALVES>(isa, states);
    for (t, fired) in steps.zip(fired.chunks_exact_mut(n_blocks)) {
        let arriving = [Arriving { panel, index: below.padded(t - 1), n: below.lengths()[t - 1] as usize }];
        let fired = &mut fired[p * PANEL_BLOCKS..];
        step_panel::<W, R, PLAIN, HALVES, 1>(isa, layer, &constants, &arriving, &mut vectors, fired, overflows);
    }
    for half in 0..HALVES {
        vectors[half].store(isa, &mut states[half]);
    }
}

#[inline(always)]
fn dense_rounded<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    layer: &WordLayer,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
) -> Overflows {
    let mut overflows = Overflows::default();
    for (p, states) in states.chunks_exact_mut(2).enumerate() {
        let steps = steps.clone();
        if layer.weight.is_single(p) {
            dense_panel::<W, R, PLAIN, 1>(isa, layer, p, below, steps, states, fired, &mut overflows);
        } else {
            dense_panel::<W, R, PLAIN, 2>(isa, layer, p, below, steps, states, fired, &mut overflows);
        }
    }
    overflows
}

#[inline(always)]
fn dense_steps_body<W: WordIsa>(
    isa: W,
    layer: &WordLayer,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
) -> Overflows {
    match layer.neurons.rounding() {
        Rounding::Nearest if layer.neurons.is_plain() => {
            dense_rounded::<W, Nearest, true>(isa, layer, below, steps, states, fired)
        }
        Rounding::Nearest => dense_rounded::<W, Nearest, false>(isa, layer, below, steps, states, fired),
        Rounding::Floor => dense_rounded::<W, Floor, false>(isa, layer, below, steps, states, fired),
        _ => dense_rounded::<W, TowardZero, false>(isa, layer, below, steps, states, fired),
    }
}

multiversion! {
    /// Runs a feed-forward layer over `steps` (from 1 on), panel by panel; `fired` is (n_steps, n_blocks).
    fn dense_steps<W: WordIsa>(
        layer: &WordLayer,
        below: &PaddedRows,
        steps: Range<usize>,
        states: &mut [WordState],
        fired: &mut [LaneMask],
    ) -> Overflows = dense_steps_body
}

#[inline(always)]
fn recurrent_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const HALVES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    arriving: &[Arriving<'_>; 2],
    states: &mut [WordState],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let constants = constants::<HALVES>(layer, p);
    let mut vectors = load::<W, HALVES>(isa, states);
    step_panel::<W, R, PLAIN, HALVES, 2>(isa, layer, &constants, arriving, &mut vectors, fired, overflows);
    for half in 0..HALVES {
        vectors[half].store(isa, &mut states[half]);
    }
}

#[inline(always)]
fn recurrent_rounded<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    layer: &WordLayer,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    heard: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    let mut overflows = Overflows::default();
    let Some((recurrent, delays)) = &layer.recurrent else { return overflows };
    for t in steps {
        let (own_index, own_n) = if *delays == [0] {
            (own.padded(t - 1), own.lengths()[t - 1] as usize)
        } else {
            own.heard(t - 1, delays, heard)
        };
        for (p, states) in states.chunks_exact_mut(2).enumerate() {
            let (fired, n) = (&mut fired[p * PANEL_BLOCKS..], below.lengths()[t - 1] as usize);
            let arriving = [
                Arriving { panel: layer.weight.panel(p), index: below.padded(t - 1), n },
                Arriving { panel: recurrent.panel(p), index: own_index, n: own_n },
            ];
            if recurrent.is_single(p) {
                recurrent_panel::<W, R, PLAIN, 1>(isa, layer, p, &arriving, states, fired, &mut overflows);
            } else {
                recurrent_panel::<W, R, PLAIN, 2>(isa, layer, p, &arriving, states, fired, &mut overflows);
            }
        }
        own.push_masks(isa, fired);
    }
    overflows
}

#[inline(always)]
fn recurrent_steps_body<W: WordIsa>(
    isa: W,
    layer: &WordLayer,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    heard: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    match layer.neurons.rounding() {
        Rounding::Nearest if layer.neurons.is_plain() => {
            recurrent_rounded::<W, Nearest, true>(isa, layer, below, steps, states, fired, heard, own)
        }
        Rounding::Nearest => {
            recurrent_rounded::<W, Nearest, false>(isa, layer, below, steps, states, fired, heard, own)
        }
        Rounding::Floor => recurrent_rounded::<W, Floor, false>(isa, layer, below, steps, states, fired, heard, own),
        _ => recurrent_rounded::<W, TowardZero, false>(isa, layer, below, steps, states, fired, heard, own),
    }
}

multiversion! {
    /// Runs a recurrent layer over `steps` (from 1 on), all neurons in step; `fired` has a mask a block, `heard` is a buffer,
    /// and the spikes are appended to `own`.
    fn recurrent_steps<W: WordIsa>(
        layer: &WordLayer,
        below: &PaddedRows,
        steps: Range<usize>,
        states: &mut [WordState],
        fired: &mut [LaneMask],
        heard: &mut Vec<u32>,
        own: &mut PaddedRows,
    ) -> Overflows = recurrent_steps_body
}
