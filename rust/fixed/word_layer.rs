//! Layers of neurons whose states are words, over many steps.

use std::ops::Range;

use super::neuron::{FixedLif, Overflows};
use super::rows::{Arriving, PANEL, PANEL_BLOCKS, PackedRows};
use super::words::{Floor, Nearest, TERMS, TowardZero, WordNeurons, WordRounding, WordState, WordVectors};
use crate::engine::kernels::list_spikes;
use crate::fixed::Rounding;
use crate::simd::{LANES, LaneMask, WORDS, WordIsa, Words, multiversion};
use crate::spikes::{PAD, PaddedRows};

/// Steps of a feed-forward layer between two lists of its spikes.
const STEPS_AHEAD: usize = 512;

/// A layer whose weights have 8 bits, and its neurons at most 16.
#[derive(Clone, Debug)]
pub struct WordLayer {
    n: usize,
    neurons: WordNeurons,
    /// Rows of the neurons below and then, of a recurrent layer, of its own.
    weight: PackedRows,
    recurrent: Option<Recurrent>,
    rest: Vec<WordState>,
}

/// What a layer hears of itself.
#[derive(Clone, Debug)]
pub struct Recurrent {
    /// First row of its own neurons.
    pub first: usize,
    /// Delays.
    pub taps: Vec<u32>,
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
    /// `n` neurons.
    pub fn new(
        lif: &FixedLif,
        n: usize,
        neurons: WordNeurons,
        weight: PackedRows,
        recurrent: Option<Recurrent>,
    ) -> Self {
        let mut rest = vec![WordState::zero(); n.div_ceil(PANEL) * (PANEL / WORDS)];
        for i in 0..n {
            rest[i / WORDS].set_neuron(i % WORDS, lif.rest(i));
        }
        Self { n, neurons, weight, recurrent, rest }
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
            overflows += if let Some(recurrent) = &self.recurrent {
                recurrent_steps(self, recurrent, below, steps, states, fired, heard, own)
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
fn split<W: WordIsa, const PARTS: usize>(
    isa: W,
    neurons: &WordNeurons,
    sums: &[[i32; WORDS]; PARTS],
) -> ([W::Words; PARTS], [Option<[Words; TERMS - 1]>; PARTS]) {
    let (mut first, mut more) = ([isa.word(0); PARTS], [None; PARTS]);
    for part in 0..PARTS {
        let terms = neurons.split(&sums[part]);
        first[part] = isa.load_words(&terms[0]);
        more[part] = Some([terms[1], terms[2]]);
    }
    (first, more)
}

/// One step of panel `p` with all that arrives; who fires goes to `fired`.
#[inline(always)]
fn step_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    arriving: Arriving<'_>,
    states: &mut [WordVectors<W>; PARTS],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let WordLayer { neurons, weight, .. } = layer;
    let (sums, more) = if arriving.0.len() <= weight.most() {
        (weight.sum::<W, PARTS, LINES>(isa, p, arriving), [None; PARTS])
    } else {
        split(isa, neurons, &weight.sum_exactly::<W, PARTS, LINES>(isa, p, arriving))
    };
    let mut bits = [0; PARTS];
    // Written out, as in a loop the states would not stay in registers.
    macro_rules! step {
        ($part:literal) => {
            if $part < PARTS {
                let constants = neurons.constants(p * (PANEL / WORDS) + $part);
                let (state, more) = (&mut states[$part], more[$part].as_ref());
                bits[$part] = neurons.step::<W, R, PLAIN>(isa, constants, state, sums[$part], more, overflows);
            }
        };
    }
    step!(0);
    step!(1);
    step!(2);
    step!(3);
    for (fired, bits) in fired.chunks_mut(2).zip(bits) {
        fired[0] = bits as LaneMask;
        if let Some(fired) = fired.get_mut(1) {
            *fired = (bits >> LANES) as LaneMask;
        }
    }
}

#[inline(always)]
fn load<W: WordIsa, const PARTS: usize>(isa: W, states: &[WordState]) -> [WordVectors<W>; PARTS] {
    let mut vectors = [WordVectors::load(isa, &states[0]); PARTS];
    for part in 1..PARTS {
        vectors[part] = WordVectors::load(isa, &states[part]);
    }
    vectors
}

#[inline(always)]
fn store<W: WordIsa, const PARTS: usize>(isa: W, vectors: [WordVectors<W>; PARTS], states: &mut [WordState]) {
    for part in 0..PARTS {
        vectors[part].store(isa, &mut states[part]);
    }
}

/// All steps of panel `p`.
#[inline(always)]
fn dense_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let mut vectors = load::<W, PARTS>(isa, states);
    for (t, fired) in steps.zip(fired.chunks_exact_mut(layer.n.div_ceil(LANES))) {
        let arriving = Arriving(below.padded(t - 1), below.lengths()[t - 1] as usize);
        let fired = &mut fired[p * PANEL_BLOCKS..];
        step_panel::<W, R, PLAIN, PARTS, LINES>(isa, layer, p, arriving, &mut vectors, fired, overflows);
    }
    store(isa, vectors, states);
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
    let mut far = Overflows::default();
    for (p, states) in states.chunks_exact_mut(PANEL / WORDS).enumerate() {
        let steps = steps.clone();
        match layer.weight.parts(p) {
            1 => dense_panel::<W, R, PLAIN, 1, 1>(isa, layer, p, below, steps, states, fired, &mut far),
            2 => dense_panel::<W, R, PLAIN, 2, 1>(isa, layer, p, below, steps, states, fired, &mut far),
            _ => dense_panel::<W, R, PLAIN, 4, 2>(isa, layer, p, below, steps, states, fired, &mut far),
        }
    }
    far
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
fn recurrent_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    arriving: Arriving<'_>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    overflows: &mut Overflows,
) {
    let mut vectors = load::<W, PARTS>(isa, states);
    step_panel::<W, R, PLAIN, PARTS, LINES>(isa, layer, p, arriving, &mut vectors, fired, overflows);
    store(isa, vectors, states);
}

#[inline(always)]
fn recurrent_rounded<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    layer: &WordLayer,
    recurrent: &Recurrent,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    heard: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    let mut far = Overflows::default();
    for t in steps {
        heard.clear();
        heard.extend_from_slice(below.row(t - 1));
        for (first, row) in own.delayed(t - 1, &recurrent.taps) {
            heard.extend(row.iter().map(|&j| recurrent.first as u32 + first + j));
        }
        let n = heard.len();
        heard.resize(n.next_multiple_of(PAD), layer.weight.zeros());
        let arriving = Arriving(heard, n);
        for (p, states) in states.chunks_exact_mut(PANEL / WORDS).enumerate() {
            let fired = &mut fired[p * PANEL_BLOCKS..];
            match layer.weight.parts(p) {
                1 => recurrent_panel::<W, R, PLAIN, 1, 1>(isa, layer, p, arriving, states, fired, &mut far),
                2 => recurrent_panel::<W, R, PLAIN, 2, 1>(isa, layer, p, arriving, states, fired, &mut far),
                _ => recurrent_panel::<W, R, PLAIN, 4, 2>(isa, layer, p, arriving, states, fired, &mut far),
            }
        }
        own.push_masks(isa, fired);
    }
    far
}

#[inline(always)]
fn recurrent_steps_body<W: WordIsa>(
    isa: W,
    layer: &WordLayer,
    recurrent: &Recurrent,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [LaneMask],
    heard: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    let kind = (layer.neurons.rounding(), layer.neurons.is_plain());
    match kind {
        (Rounding::Nearest, true) => {
            recurrent_rounded::<W, Nearest, true>(isa, layer, recurrent, below, steps, states, fired, heard, own)
        }
        (Rounding::Nearest, false) => {
            recurrent_rounded::<W, Nearest, false>(isa, layer, recurrent, below, steps, states, fired, heard, own)
        }
        (Rounding::Floor, _) => {
            recurrent_rounded::<W, Floor, false>(isa, layer, recurrent, below, steps, states, fired, heard, own)
        }
        _ => recurrent_rounded::<W, TowardZero, false>(isa, layer, recurrent, below, steps, states, fired, heard, own),
    }
}

multiversion! {
    /// Runs a recurrent layer over `steps` (from 1 on), all neurons in step; `fired` has a mask a block, `heard` is a buffer,
    /// and the spikes are appended to `own`.
    fn recurrent_steps<W: WordIsa>(
        layer: &WordLayer,
        recurrent: &Recurrent,
        below: &PaddedRows,
        steps: Range<usize>,
        states: &mut [WordState],
        fired: &mut [LaneMask],
        heard: &mut Vec<u32>,
        own: &mut PaddedRows,
    ) -> Overflows = recurrent_steps_body
}
