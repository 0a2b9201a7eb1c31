//! Layers of neurons whose states are words, over many steps.

use std::ops::Range;

use super::rows::{Arriving, PANEL, PackedRows, by_parts};
use crate::engine::layered::kernels::list_spikes;
#[cfg(test)]
use crate::neuron::fixed::FixedState;
use crate::neuron::fixed::words::{
    Constants, Floor, Nearest, TERMS, TowardZero, WordNeurons, WordRounding, WordState, WordVectors,
};
use crate::neuron::fixed::{FixedPopulation, Overflows, Rounding};
use crate::simd::{LANES, LaneMask, Lanes, WORDS, WordIsa, Words, array, multiversion};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Steps of a feed-forward layer between two lists of its spikes.
const STEPS_AHEAD: usize = 512;

/// Holds a layer whose weights have 8 bits, and the states of its neurons at most 16.
#[derive(Clone, Debug)]
pub struct WordLayer {
    n: usize,
    neurons: WordNeurons,
    /// Rows of the neurons below and then, of a recurrent layer, of its own.
    weight: PackedRows,
    recurrent: Option<Recurrent>,
    rest: Vec<WordState>,
}

/// Says what a layer receives of itself.
#[derive(Clone, Debug)]
pub struct Recurrent {
    /// First row of its own neurons.
    pub first: usize,
    /// Delays.
    pub taps: Vec<u32>,
}

/// A buffer for sums that words do not hold, of each part of a panel.
type Terms = [[Words; TERMS]; PARTS_OF_PANEL + 1];

const NO_TERMS: Terms = [[Words::splat(0); TERMS]; PARTS_OF_PANEL + 1];

/// Who fires of 32 neurons.
pub type Fired = [LaneMask; WORDS / LANES];

/// Parts of 32 neurons of a panel.
const PARTS_OF_PANEL: usize = PANEL / WORDS;

/// Buffers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct WordScratch {
    states: Vec<WordState>,
    /// One bit a neuron, (n_steps, n_parts); of a recurrent layer one step only.
    fired: Vec<Fired>,
    /// What a recurrent layer with delays receives of itself at one step.
    received: Vec<u32>,
}

#[cfg(test)]
impl WordScratch {
    /// Returns the states after a simulation, and the steps for which each is still refractory.
    pub fn neurons(&self, n: usize) -> Vec<(FixedState, u64)> {
        (0..n).map(|i| self.states[i / WORDS].neuron(i % WORDS)).collect()
    }
}

impl WordLayer {
    /// Makes a layer of `n` neurons.
    pub fn new(
        lif: &FixedPopulation,
        n: usize,
        neurons: WordNeurons,
        weight: PackedRows,
        recurrent: Option<Recurrent>,
    ) -> Self {
        let mut rest = vec![WordState::zero(); n.div_ceil(PANEL) * PARTS_OF_PANEL];
        for i in 0..n {
            rest[i / WORDS].set_neuron(i % WORDS, lif.rest(i));
        }
        Self { n, neurons, weight, recurrent, rest }
    }

    /// Runs the steps from 1 on; the spikes are appended to `own`. Returns what did not fit.
    pub fn forward(
        &self,
        n_steps: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut WordScratch,
    ) -> Overflows {
        let WordScratch { states, fired, received } = scratch;
        states.clone_from(&self.rest);
        let (n_parts, mut overflows) = (self.n.div_ceil(WORDS), Overflows::default());
        let ahead = if self.recurrent.is_some() { 1 } else { STEPS_AHEAD.min(n_steps) };
        fired.clear();
        fired.resize(n_parts * ahead, Fired::default());
        let mut first = 1;
        while first < n_steps {
            if is_stopped() {
                (first..n_steps).for_each(|_| own.end_row());
                break;
            }
            let steps = first..n_steps.min(first + STEPS_AHEAD);
            first = steps.end;
            overflows += if let Some(recurrent) = &self.recurrent {
                recurrent_steps(self, recurrent, below, steps, states, fired, received, own)
            } else {
                let fired = &mut fired[..n_parts * steps.len()];
                let far = dense_steps(self, below, steps, states, fired);
                list_spikes::<f32>(fired.as_flattened(), n_parts * (WORDS / LANES), own);
                far
            };
        }
        overflows
    }
}

/// `$call` with the type of the neurons' rounding, and a constant for whether a step has less to look at.
macro_rules! by_rounding {
    ($neurons:expr, |$R:ident, $PLAIN:ident| $call:expr) => {
        match ($neurons.rounding(), $neurons.is_plain()) {
            (Rounding::Nearest, true) => by_rounding!(@ $R, $PLAIN, $call, Nearest, true),
            (Rounding::Nearest, false) => by_rounding!(@ $R, $PLAIN, $call, Nearest, false),
            (Rounding::Floor, _) => by_rounding!(@ $R, $PLAIN, $call, Floor, false),
            _ => by_rounding!(@ $R, $PLAIN, $call, TowardZero, false),
        }
    };
    (@ $R:ident, $PLAIN:ident, $call:expr, $rounding:ty, $is_plain:literal) => {{
        type $R = $rounding;
        const $PLAIN: bool = $is_plain;
        $call
    }};
}
pub(super) use by_rounding;

/// Steps panel `p` once with all that arrives; who fires goes to `fired`. `terms` is a buffer.
#[inline(always)]
fn step_panel<
    W: WordIsa,
    R: WordRounding,
    const PLAIN: bool,
    const PARTS: usize,
    const LINES: usize,
    const N: usize,
>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    constants: &[&Constants; PARTS],
    arriving: &[Arriving<'_>; N],
    states: &mut [WordVectors<W>; PARTS],
    terms: &mut Terms,
    fired: &mut [Fired],
    overflows: &mut Overflows,
) {
    let WordLayer { neurons, weight, .. } = layer;
    let mut n = 0;
    for arriving in arriving {
        n += arriving.index.len();
    }
    let is_far = n > weight.most();
    let mut sums = [isa.word(0); PARTS];
    if is_far {
        far_terms(layer, p, arriving, terms);
    } else {
        sums = weight.sum::<W, PARTS, LINES, N>(isa, p, arriving);
    }
    let fired = &mut fired[p * PARTS_OF_PANEL..];
    // Written out, as in a loop the states would not stay in registers.
    macro_rules! step {
        ($part:literal) => {
            if $part < PARTS {
                let terms = if is_far { Some(&terms[$part]) } else { None };
                let (constants, state) = (constants[$part], &mut states[$part]);
                let bits = neurons.step::<W, R, PLAIN>(isa, constants, state, sums[$part], terms, overflows);
                if let Some(fired) = fired.get_mut($part) {
                    *fired = [bits as LaneMask, (bits >> LANES) as LaneMask];
                }
            }
        };
    }
    step!(0);
    step!(1);
    step!(2);
    step!(3);
    step!(4);
}

#[inline(always)]
fn far_terms_body<W: WordIsa>(isa: W, layer: &WordLayer, p: usize, arriving: &[Arriving<'_>], terms: &mut Terms) {
    let WordLayer { neurons, weight, .. } = layer;
    let mut exact = [[Lanes([0; LANES]); WORDS / LANES]; PARTS_OF_PANEL + 1];
    by_parts!(weight.parts(p), |PARTS, LINES| {
        for arriving in arriving {
            weight.add_to::<W, PARTS, LINES>(isa, p, arriving, exact.as_flattened_mut());
        }
    });
    for (terms, exact) in terms.iter_mut().zip(&exact) {
        *terms = neurons.split(exact);
    }
}

multiversion! {
    /// Returns what arrives at panel `p` as terms, where a sum of words may not hold it. A function of its own, so that not every
    /// combination of rounding, panel and layer has a copy of what is rarely run.
    #[cold]
    #[inline(never)]
    fn far_terms<W: WordIsa>(layer: &WordLayer, p: usize, arriving: &[Arriving<'_>], terms: &mut Terms) = far_terms_body
}

#[inline(always)]
fn constants<const PARTS: usize>(layer: &WordLayer, p: usize) -> [&Constants; PARTS] {
    array(|part| layer.neurons.constants(p * PARTS_OF_PANEL + part))
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

#[inline(always)]
fn dense_panel_body<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [Fired],
    overflows: &mut Overflows,
) {
    let (mut vectors, mut terms) = (load::<W, PARTS>(isa, states), NO_TERMS);
    let constants = constants(layer, p);
    for (t, fired) in steps.zip(fired.chunks_exact_mut(layer.n.div_ceil(WORDS))) {
        let (index, n) = (below.padded(t - 1), below.lengths()[t - 1] as usize);
        let arriving = [Arriving { first: 0, index, n }];
        step_panel::<W, R, PLAIN, PARTS, LINES, 1>(
            isa,
            layer,
            p,
            &constants,
            &arriving,
            &mut vectors,
            &mut terms,
            fired,
            overflows,
        );
    }
    store(isa, vectors, states);
}

multiversion! {
    /// Runs all steps of panel `p`: a function for every kind of panel, as one of all takes the compiler long and, where nothing
    /// is optimised, megabytes of stack.
    fn dense_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
        layer: &WordLayer,
        p: usize,
        below: &PaddedRows,
        steps: Range<usize>,
        states: &mut [WordState],
        fired: &mut [Fired],
        overflows: &mut Overflows,
    ) = dense_panel_body
}

/// Runs a feed-forward layer over `steps` (from 1 on), panel by panel; `fired` is (n_steps, n_parts).
fn dense_steps(
    layer: &WordLayer,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [Fired],
) -> Overflows {
    let mut far = Overflows::default();
    for p in 0..layer.weight.n_panels() {
        let (states, steps) = (&mut states[p * PARTS_OF_PANEL..], steps.clone());
        by_rounding!(layer.neurons, |R, PLAIN| by_parts!(layer.weight.parts(p), |PARTS, LINES| {
            dense_panel::<R, PLAIN, PARTS, LINES>(layer, p, below, steps, states, fired, &mut far)
        }));
    }
    far
}

#[inline(always)]
fn recurrent_panel<W: WordIsa, R: WordRounding, const PLAIN: bool, const PARTS: usize, const LINES: usize>(
    isa: W,
    layer: &WordLayer,
    p: usize,
    arriving: &[Arriving<'_>; 2],
    states: &mut [WordState],
    terms: &mut Terms,
    fired: &mut [Fired],
    overflows: &mut Overflows,
) {
    let (mut vectors, constants) = (load::<W, PARTS>(isa, states), constants(layer, p));
    step_panel::<W, R, PLAIN, PARTS, LINES, 2>(
        isa,
        layer,
        p,
        &constants,
        arriving,
        &mut vectors,
        terms,
        fired,
        overflows,
    );
    store(isa, vectors, states);
}

#[inline(always)]
fn recurrent_rounded_body<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    layer: &WordLayer,
    recurrent: &Recurrent,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [Fired],
    received: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    let (mut far, mut terms) = (Overflows::default(), NO_TERMS);
    for t in steps {
        let (own_index, own_n) = if recurrent.taps == [0] {
            (own.padded(t - 1), own.lengths()[t - 1] as usize)
        } else {
            own.arriving(t - 1, &recurrent.taps, received)
        };
        let arriving = [
            Arriving { first: 0, index: below.padded(t - 1), n: below.lengths()[t - 1] as usize },
            Arriving { first: recurrent.first, index: own_index, n: own_n },
        ];
        for p in 0..layer.weight.n_panels() {
            let states = &mut states[p * PARTS_OF_PANEL..];
            by_parts!(layer.weight.parts(p), |PARTS, LINES| {
                recurrent_panel::<W, R, PLAIN, PARTS, LINES>(
                    isa, layer, p, &arriving, states, &mut terms, fired, &mut far,
                )
            });
        }
        own.push_masks(isa, fired.as_flattened());
    }
    far
}

multiversion! {
    /// Runs [`recurrent_steps`] of one rounding.
    fn recurrent_rounded<W: WordIsa, R: WordRounding, const PLAIN: bool>(
        layer: &WordLayer,
        recurrent: &Recurrent,
        below: &PaddedRows,
        steps: Range<usize>,
        states: &mut [WordState],
        fired: &mut [Fired],
        received: &mut Vec<u32>,
        own: &mut PaddedRows,
    ) -> Overflows = recurrent_rounded_body
}

/// Runs a recurrent layer over `steps` (from 1 on), all neurons in step; `fired` is of one step, `received` is a buffer, and the
/// spikes are appended to `own`.
fn recurrent_steps(
    layer: &WordLayer,
    recurrent: &Recurrent,
    below: &PaddedRows,
    steps: Range<usize>,
    states: &mut [WordState],
    fired: &mut [Fired],
    received: &mut Vec<u32>,
    own: &mut PaddedRows,
) -> Overflows {
    by_rounding!(layer.neurons, |R, PLAIN| {
        recurrent_rounded::<R, PLAIN>(layer, recurrent, below, steps, states, fired, received, own)
    })
}
