//! Layers in a plane whose states are words, over many steps.

use super::plane::Plane;
use super::slots::Slots;
use super::word_layer::{Fired, by_rounding};
use crate::engine::layered::list_plane;
#[cfg(test)]
use crate::neuron::fixed::FixedState;
use crate::neuron::fixed::words::{Floor, Nearest, TowardZero, WordNeurons, WordRounding, WordState, WordVectors};
use crate::neuron::fixed::{FixedParams, FixedPopulation, Overflows, Rounding};
use crate::simd::{LANES, LaneMask, Lanes, WORDS, WordIsa, Words, flat_words_mut, multiversion};
use crate::spikes::PaddedRows;
use crate::stop::is_stopped;

/// Largest weight of 8 bits: of larger ones, words soon hold no sum.
const BYTE: i64 = 127;

/// Holds neurons of a plane whose states have at most 16 bits.
#[derive(Clone, Debug)]
pub struct WordPlane {
    neurons: WordNeurons,
    /// Lines of 32 lanes after which constants come again.
    period: usize,
    /// Spikes of a step whose sums words are sure to hold.
    most: usize,
    rest: Vec<WordState>,
}

/// Buffers of a simulation.
#[derive(Clone, Debug, Default)]
pub struct WordPlaneScratch {
    states: Vec<WordState>,
    /// (n_steps, n_lines); zero between windows.
    sums: Vec<Words>,
    /// Of a step whose sums words do not hold, likewise.
    far: Vec<Lanes<i32>>,
    fired: Vec<Fired>,
}

#[cfg(test)]
impl WordPlaneScratch {
    /// Returns the state of a lane after a simulation, and the steps for which it is still refractory.
    pub fn neuron(&self, lane: usize) -> (FixedState, u64) {
        self.states[lane / WORDS].neuron(lane % WORDS)
    }
}

impl WordPlane {
    /// Takes the neurons of a layer onto each of which at most `sum` arrives at a step, if words hold their states and, most of the
    /// time, sums.
    pub fn new(params: &FixedParams, population: &FixedPopulation, plane: &Plane, sum: i64) -> Option<Self> {
        let largest = plane.largest_word()?;
        let all_fit = sum <= i16::MAX.into();
        if !all_fit && largest > BYTE + 1 {
            return None;
        }
        let (constants, slots) = (Slots::repeated(params, plane.shape()), Slots::all(plane.shape()));
        let neurons = WordNeurons::new(&constants.format(params), constants.n())?;
        let mut rest = vec![WordState::zero(); slots.n().div_ceil(WORDS)];
        for (lane, neuron) in (0..slots.n()).filter_map(|lane| Some((lane, slots.neuron(lane)?))) {
            rest[lane / WORDS].set_neuron(lane % WORDS, population.rest(neuron));
        }
        let most = if all_fit { usize::MAX } else { (i64::from(i16::MAX) / largest) as usize };
        Some(Self { neurons, period: constants.n().div_ceil(WORDS), most, rest })
    }

    /// Runs the steps from 1 on, at most `ahead` lines of sums at once; the spikes are appended to `own`. Returns what did not fit.
    pub fn forward(
        &self,
        plane: &Plane,
        n_steps: usize,
        lines_ahead: usize,
        below: &PaddedRows,
        own: &mut PaddedRows,
        scratch: &mut WordPlaneScratch,
    ) -> Overflows {
        let WordPlaneScratch { states, sums, far, fired } = scratch;
        states.clone_from(&self.rest);
        let (n_lines, shape, mut overflows) = (states.len(), plane.shape(), Overflows::default());
        let ahead = (lines_ahead / n_lines).clamp(1, n_steps);
        sums.clear();
        sums.resize(ahead * n_lines, Words::splat(0));
        fired.resize(ahead * n_lines, Fired::default());
        let n_blocks = shape.plane() * plane.n_blocks();
        let mut first = 1;
        while first < n_steps {
            if is_stopped() {
                (first..n_steps).for_each(|_| own.end_row());
                break;
            }
            let is_near = |&t: &usize| self.most == usize::MAX || plane.n_arriving(below, t) <= self.most;
            let n = (first..n_steps.min(first + ahead)).take_while(is_near).count();
            let fired = &mut fired[..n.max(1) * n_lines];
            if n > 0 {
                let sums = &mut sums[..n * n_lines];
                for (t, sums) in (first..).zip(sums.chunks_exact_mut(n_lines)) {
                    plane.add_to_words(below, t, flat_words_mut(sums).as_chunks_mut().0);
                }
                by_rounding!(self.neurons, |R, PLAIN| {
                    step_lines::<R, PLAIN>(self, states, sums, fired, &mut overflows);
                });
            } else {
                far.clear();
                far.resize(n_lines * (WORDS / LANES), Lanes([0; LANES]));
                plane.add_to_sums(below, first, far);
                by_rounding!(self.neurons, |R, PLAIN| {
                    step_far::<R, PLAIN>(self, states, far, fired, &mut overflows);
                });
            }
            for fired in fired.chunks_exact(n_lines) {
                let fired = &fired.as_flattened()[..n_blocks];
                list_plane::<f32>(fired, plane.n_blocks(), shape.plane(), own);
            }
            first += n.max(1);
        }
        overflows
    }
}

#[inline(always)]
fn bits_of(bits: u32) -> Fired {
    [bits as LaneMask, (bits >> LANES) as LaneMask]
}

#[inline(always)]
fn step_lines_body<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    plane: &WordPlane,
    states: &mut [WordState],
    sums: &mut [Words],
    fired: &mut [Fired],
    overflows: &mut Overflows,
) {
    let (neurons, n_lines) = (&plane.neurons, states.len());
    for (line, state) in states.iter_mut().enumerate() {
        let (constants, mut vectors) = (neurons.constants(line % plane.period), WordVectors::load(isa, state));
        let steps = sums[line..].iter_mut().step_by(n_lines).zip(fired[line..].iter_mut().step_by(n_lines));
        for (sum, fired) in steps {
            let arriving = isa.load_words(sum);
            let bits = neurons.step::<W, R, PLAIN>(isa, constants, &mut vectors, arriving, None, overflows);
            *fired = bits_of(bits);
            isa.store_words(isa.word(0), sum);
        }
        vectors.store(isa, state);
    }
}

multiversion! {
    /// Steps all lines through a window, with the sums that arrive at each, (n_steps, n_lines), which are then zero; who fires goes to
    /// `fired`, likewise.
    fn step_lines<W: WordIsa, R: WordRounding, const PLAIN: bool>(
        plane: &WordPlane,
        states: &mut [WordState],
        sums: &mut [Words],
        fired: &mut [Fired],
        overflows: &mut Overflows,
    ) = step_lines_body
}

#[inline(always)]
fn step_far_body<W: WordIsa, R: WordRounding, const PLAIN: bool>(
    isa: W,
    plane: &WordPlane,
    states: &mut [WordState],
    sums: &[Lanes<i32>],
    fired: &mut [Fired],
    overflows: &mut Overflows,
) {
    let neurons = &plane.neurons;
    let lines = states.iter_mut().zip(sums.as_chunks().0).zip(fired).enumerate();
    for (line, ((state, sums), fired)) in lines {
        let (constants, mut vectors) = (neurons.constants(line % plane.period), WordVectors::load(isa, state));
        let (none, terms) = (isa.word(0), neurons.split(sums));
        let bits = neurons.step::<W, R, PLAIN>(isa, constants, &mut vectors, none, Some(&terms), overflows);
        *fired = bits_of(bits);
        vectors.store(isa, state);
    }
}

multiversion! {
    /// Makes one step of [`step_lines`] of which words do not hold the sums.
    fn step_far<W: WordIsa, R: WordRounding, const PLAIN: bool>(
        plane: &WordPlane,
        states: &mut [WordState],
        sums: &[Lanes<i32>],
        fired: &mut [Fired],
        overflows: &mut Overflows,
    ) = step_far_body
}
