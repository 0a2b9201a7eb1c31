//! Neurons whose states are words of 16 bits, stepped 32 at a time: the same bits as [`FixedLif::step`](super::FixedLif::step).

use super::format::{Decay, FiresAt, FixedParams, Overflow, PerNeuron, Reset, Rounding, Rules};
use super::{FixedState, Overflows};
use crate::simd::{LANES, Lanes, WORDS, WordIsa, Words, multiversion};

/// Bits of a word that are not its sign.
const MAGNITUDE_BITS: u32 = 15;

/// Longest shift of sums of which [`TERMS`] words saturate every current.
const LONGEST_INPUT_SHIFT: u32 = 13;

/// Words that a sum is cut into, if one shifted word does not hold it: enough for any, as what is beyond saturates.
pub const TERMS: usize = 3;

/// A product with a fraction in [0, 1], rounded.
#[derive(Clone, Debug)]
pub struct Scale {
    /// In units of 2^-15 where rounding is to the nearest, else of 2^-16; less 1 where a word does not hold it.
    factor: Words,
    /// All bits where 1 is missing.
    whole: Words,
}

/// What a rounding makes of a product with a fraction.
pub trait WordRounding {
    /// Bits of a fraction.
    const BITS: u32;

    /// The product with a factor that may be less 1.
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words;

    /// The product; `PLAIN` says that no factor is less 1.
    #[inline(always)]
    fn scale<W: WordIsa, const PLAIN: bool>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        let part = Self::part(isa, x, by);
        if PLAIN { part } else { isa.add_words(part, isa.and_words(x, isa.load_words(&by.whole))) }
    }
}

/// To the nearest, halves up.
pub struct Nearest;
/// Down.
pub struct Floor;
/// The fraction is dropped.
pub struct TowardZero;

impl WordRounding for Nearest {
    const BITS: u32 = 15;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        isa.mul_round(x, isa.load_words(&by.factor))
    }
}

impl WordRounding for Floor {
    const BITS: u32 = 16;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        isa.mul_high(x, isa.load_words(&by.factor))
    }
}

impl WordRounding for TowardZero {
    const BITS: u32 = 16;

    #[inline(always)]
    fn part<W: WordIsa>(isa: W, x: W::Words, by: &Scale) -> W::Words {
        let (floor, zero) = (Floor::part(isa, x, by), isa.word(0));
        let has_rest = isa.words_differ(isa.mul_low(x, isa.load_words(&by.factor)), zero);
        isa.count(isa.both(has_rest, isa.words_above(zero, x)), floor)
    }
}

/// What a decay leaves.
#[inline(always)]
fn left<W: WordIsa, R: WordRounding, const PLAIN: bool>(isa: W, x: W::Words, by: &Scale, is_shift: bool) -> W::Words {
    let scaled = R::scale::<W, PLAIN>(isa, x, by);
    if !PLAIN && is_shift { isa.sub_words(x, scaled) } else { scaled }
}

/// The constants of 32 neurons.
#[derive(Clone, Debug)]
pub struct Constants {
    current: Scale,
    membrane: Scale,
    gain: Scale,
    bias: Words,
    v_th: Words,
    /// What is fired above.
    level: Words,
}

/// The words that a state may be.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: i16,
    high: i16,
    /// Whether those are not all words.
    is_narrower: bool,
}

impl Range {
    fn new(overflow: Overflow, bits: u32) -> Self {
        let (low, high) = overflow.range(bits);
        let [low, high] = [low as i16, high as i16];
        Self { low, high, is_narrower: [low, high] != [i16::MIN, i16::MAX] }
    }

    /// a + b fitted, and where that is another number.
    #[inline(always)]
    fn sum<W: WordIsa, const PLAIN: bool>(self, isa: W, a: W::Words, b: W::Words) -> (W::Words, W::WordMask) {
        let mut kept = isa.add_saturating(a, b);
        if !PLAIN && self.is_narrower {
            kept = isa.max_words(isa.min_words(kept, isa.word(self.high)), isa.word(self.low));
        }
        (kept, isa.words_differ(kept, isa.add_words(a, b)))
    }
}

/// The neurons of a layer whose format words hold.
#[derive(Clone, Debug)]
pub struct WordNeurons {
    rounding: Rounding,
    /// Whether decays are shifts.
    shifts: [bool; 2],
    current: Range,
    membrane: Range,
    input_shift: u32,
    /// Whether currents are shifted down.
    gains: bool,
    has_bias: bool,
    subtracts: bool,
    t_ref: i16,
    /// Whether decays multiply, by less than 1, all words are states, and there is no bias.
    is_plain: bool,
    /// Of 32 neurons at a time, the last two of fewer and of none; if all are alike, of 32, of fewer and of none.
    constants: Vec<Constants>,
    /// The first 32 of which not all exist.
    last: usize,
}

/// State of 32 neurons in memory.
#[derive(Clone, Copy, Debug)]
pub struct WordState {
    u: Words,
    v: Words,
    /// Steps for which each is still held, if positive.
    held: Words,
}

impl WordState {
    /// All zero.
    pub fn zero() -> Self {
        let zero = Words::splat(0);
        Self { u: zero, v: zero, held: zero }
    }

    /// Sets current and membrane of a neuron.
    pub fn set_neuron(&mut self, at: usize, state: FixedState) {
        (self.u.0[at], self.v.0[at]) = (state.u.x as i16, state.v.x as i16);
    }

    /// Current, membrane and the steps for which a neuron is still held.
    #[cfg(test)]
    pub fn neuron(&self, at: usize) -> (FixedState, u64) {
        let state = FixedState::new(self.u.0[at].into(), self.v.0[at].into());
        (state, self.held.0[at].max(0) as u64)
    }
}

/// [`WordState`] in registers.
#[derive(Clone, Copy)]
pub struct WordVectors<W: WordIsa> {
    u: W::Words,
    v: W::Words,
    held: W::Words,
}

impl<W: WordIsa> WordVectors<W> {
    /// Reads a state.
    #[inline(always)]
    pub fn load(isa: W, state: &WordState) -> Self {
        Self { u: isa.load_words(&state.u), v: isa.load_words(&state.v), held: isa.load_words(&state.held) }
    }

    /// Writes the state.
    #[inline(always)]
    pub fn store(self, isa: W, state: &mut WordState) {
        isa.store_words(self.u, &mut state.u);
        isa.store_words(self.v, &mut state.v);
        isa.store_words(self.held, &mut state.held);
    }
}

impl WordNeurons {
    /// Of `n` neurons, if words hold their states and every number of a step but sums of what arrives.
    pub fn new(format: &FixedParams, n: usize) -> Option<Self> {
        let widths = [
            (format.current_bits, format.current_overflow, &format.current_decay),
            (format.membrane_bits, format.membrane_overflow, &format.membrane_decay),
        ];
        let fits = |(bits, overflow, decay): &(u32, Overflow, &Decay)| {
            let plain = match decay {
                Decay::Multiply { bits, .. } => *bits <= MAGNITUDE_BITS,
                Decay::Shift { least_one, .. } => !least_one,
                Decay::Table { .. } => false,
            };
            *bits <= i16::BITS && overflow.saturates() && plain
        };
        // Of the current, as it is added to the membrane.
        let most = ((1 << (format.current_bits.min(i16::BITS) - 1)) >> format.gain_shift) + 1;
        let bias = format.bias.values().iter().map(|bias| bias.unsigned_abs()).max().unwrap_or(0);
        let is_word = widths.iter().all(fits)
            && matches!(format.rounding, Rounding::Nearest | Rounding::Floor | Rounding::TowardZero)
            && (format.rules, format.max_spikes) == (Rules::Lif, 1)
            && (bias == 0 || bias + most <= i16::MAX as u32)
            && format.input_shift <= LONGEST_INPUT_SHIFT
            && format.t_ref_steps <= i16::MAX as u32;
        is_word.then(|| Self::of_words(format, n, bias != 0))
    }

    fn of_words(format: &FixedParams, n: usize, has_bias: bool) -> Self {
        let of_each = |decay: &Decay| match decay {
            Decay::Multiply { factor, .. } => matches!(factor, PerNeuron::Each(_)),
            Decay::Shift { shift, .. } => matches!(shift, PerNeuron::Each(_)),
            Decay::Table { .. } => false,
        };
        let are_alike = !(of_each(&format.current_decay)
            || of_each(&format.membrane_decay)
            || matches!(format.bias, PerNeuron::Each(_))
            || matches!(format.v_th, PerNeuron::Each(_)));
        let last = n / WORDS;
        let lines = (0..last).take(if are_alike { 1 } else { last }).chain([last, last + 1]);
        let constants = lines.map(|line| Constants::new(format, n, line)).collect();
        let is_shift = |decay: &Decay| matches!(decay, Decay::Shift { .. });
        let mut neurons = Self {
            rounding: format.rounding,
            shifts: [is_shift(&format.current_decay), is_shift(&format.membrane_decay)],
            current: Range::new(format.current_overflow, format.current_bits),
            membrane: Range::new(format.membrane_overflow, format.membrane_bits),
            input_shift: format.input_shift,
            gains: format.gain_shift > 0,
            has_bias,
            subtracts: format.reset == Reset::Subtract,
            t_ref: format.t_ref_steps as i16,
            is_plain: false,
            constants,
            last,
        };
        neurons.is_plain = neurons.find_plain();
        neurons
    }

    fn find_plain(&self) -> bool {
        let scales = self.constants.iter().flat_map(|constants| [&constants.current, &constants.membrane]);
        let has_whole = scales.map(|scale| scale.whole).any(|whole| whole != Words::splat(0));
        let [current, membrane] = [self.current, self.membrane].map(|range| range.is_narrower);
        !(has_whole || self.shifts[0] || self.shifts[1] || current || membrane || self.has_bias)
    }

    /// Whether a step has less to look at.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// How products are rounded, one of three.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// The constants of the neurons from 32 `line` on.
    #[inline(always)]
    pub fn constants(&self, line: usize) -> &Constants {
        let n_full = self.constants.len() - 2;
        let at = if line < self.last { line.min(n_full - 1) } else { n_full + usize::from(line > self.last) };
        &self.constants[at]
    }

    /// A step of 32 neurons with what arrives: words or, if it may be more than that,
    /// those of [`split`](Self::split). Who fires.
    #[inline(always)]
    pub fn step<W: WordIsa, R: WordRounding, const PLAIN: bool>(
        &self,
        isa: W,
        constants: &Constants,
        state: &mut WordVectors<W>,
        arriving: W::Words,
        terms: Option<&[Words; TERMS]>,
        overflows: &mut Overflows,
    ) -> u32 {
        let decayed = left::<W, R, PLAIN>(isa, state.u, &constants.current, self.shifts[0]);
        let shifted = isa.shift_left(arriving, self.input_shift);
        let lost = isa.words_differ(isa.shift_right(shifted, self.input_shift), arriving);
        let (u, changed) = if terms.is_none() && isa.word_bits(lost) == 0 {
            let (u, changed) = self.current.sum::<W, PLAIN>(isa, decayed, shifted);
            (u, isa.word_bits(changed))
        } else {
            let [mut sum, mut rest] = [Words::splat(0); 2];
            isa.store_words(decayed, &mut sum);
            isa.store_words(arriving, &mut rest);
            let changed = add_terms(self, &mut sum, &rest, terms);
            (isa.load_words(&sum), changed)
        };
        state.u = u;
        overflows.current += u64::from(changed.count_ones());
        let mut gained = if self.gains { R::scale::<W, PLAIN>(isa, u, &constants.gain) } else { u };
        if !PLAIN && self.has_bias {
            gained = isa.add_words(gained, isa.load_words(&constants.bias));
        }
        let left = left::<W, R, PLAIN>(isa, state.v, &constants.membrane, self.shifts[1]);
        let (v, changed) = self.membrane.sum::<W, PLAIN>(isa, left, gained);
        let free = isa.words_above(isa.word(1), state.held);
        overflows.membrane += u64::from(isa.word_bits(isa.both(changed, free)).count_ones());
        let fires = isa.both(isa.words_above(v, isa.load_words(&constants.level)), free);
        let v_th = isa.load_words(&constants.v_th);
        let after = if self.subtracts { isa.sub_words(v, v_th) } else { isa.word(0) };
        state.v = isa.choose(free, isa.choose(fires, after, v), state.v);
        state.held = isa.choose(fires, isa.word(self.t_ref), isa.sub_saturating(state.held, isa.word(1)));
        isa.word_bits(fires)
    }

    /// Largest sum that a word holds once it is shifted.
    #[inline(always)]
    fn most_of_term(&self) -> i32 {
        i32::from(i16::MAX) >> self.input_shift
    }

    /// Sums as words that are added one after the other.
    #[inline(always)]
    pub fn split(&self, sums: &[Lanes<i32>; WORDS / LANES]) -> [Words; TERMS] {
        let most = self.most_of_term();
        let mut terms = [Words::splat(0); TERMS];
        for (b, sums) in sums.iter().enumerate() {
            let mut rest = *sums;
            for term in &mut terms {
                for l in 0..LANES {
                    let word = rest[l].clamp(-most, most);
                    term.0[b * LANES + l] = word as i16;
                    rest[l] -= word;
                }
            }
        }
        terms
    }
}

#[inline(always)]
fn add_terms_body<W: WordIsa>(
    isa: W,
    neurons: &WordNeurons,
    sum: &mut Words,
    arriving: &Words,
    terms: Option<&[Words; TERMS]>,
) -> u32 {
    let most = neurons.most_of_term() as i16;
    let (most, least) = (isa.word(most), isa.word(-most));
    let (mut u, mut rest, mut changed) = (isa.load_words(sum), isa.load_words(arriving), 0);
    for term in 0..TERMS {
        let words = match terms {
            Some(terms) => isa.load_words(&terms[term]),
            None => isa.max_words(isa.min_words(rest, most), least),
        };
        rest = isa.sub_words(rest, words);
        let (next, differ) = neurons.current.sum::<W, false>(isa, u, isa.shift_left(words, neurons.input_shift));
        changed |= isa.word_bits(differ);
        u = next;
    }
    isa.store_words(u, sum);
    changed
}

multiversion! {
    /// Adds what arrives to decayed currents, `sum`, term by term: as all have one sign, what saturates at one does so at
    /// the end. One bit for each that does not fit. Apart from the steps, of which there are many copies, as it is rarely run.
    #[cold]
    #[inline(never)]
    fn add_terms<W: WordIsa>(
        neurons: &WordNeurons,
        sum: &mut Words,
        arriving: &Words,
        terms: Option<&[Words; TERMS]>,
    ) -> u32 = add_terms_body
}

impl Constants {
    /// Of the neurons from 32 `line` on; where there are none, such that all stays at rest.
    fn new(format: &FixedParams, n: usize, line: usize) -> Self {
        let exists = |l: usize| line * WORDS + l < n;
        let words = |values: &PerNeuron<i32>, resting: i16| {
            Words(std::array::from_fn(|l| if exists(l) { values.get(line * WORDS + l) as i16 } else { resting }))
        };
        let scale = |fraction: &dyn Fn(usize) -> (u64, u32)| {
            let of = |l: usize| if exists(l) { fraction(line * WORDS + l) } else { (0, 0) };
            Scale::new(format.rounding, std::array::from_fn(of))
        };
        let decay = |decay: &Decay| match decay {
            Decay::Multiply { factor, bits } => scale(&|i| (factor.get(i).into(), *bits)),
            Decay::Shift { shift, .. } => scale(&|i| (1, shift.get(i))),
            Decay::Table { .. } => unreachable!("words hold no tables"),
        };
        let (v_th, at) = (words(&format.v_th, i16::MAX), i16::from(format.fires_at == FiresAt::Threshold));
        Self {
            current: decay(&format.current_decay),
            membrane: decay(&format.membrane_decay),
            gain: scale(&|_| (1, format.gain_shift)),
            bias: words(&format.bias, 0),
            v_th,
            level: Words(v_th.0.map(|v_th| v_th - at)),
        }
    }
}

impl Scale {
    /// Of fractions x / 2^bits.
    fn new(rounding: Rounding, fractions: [(u64, u32); WORDS]) -> Self {
        let nearest = rounding == Rounding::Nearest;
        let unit = if nearest { Nearest::BITS } else { Floor::BITS };
        let fixed = fractions.map(|(x, bits)| match bits.checked_sub(unit) {
            // A word shifted by more than its bits: what is nearest is 0, and all others round as with as many bits.
            Some(more) if more > 0 => u64::from(!nearest),
            _ => x << (unit - bits),
        });
        let is_whole = |x: u64| x >= 1 << MAGNITUDE_BITS;
        Self {
            factor: Words(fixed.map(|x| (x as i64 - (i64::from(is_whole(x)) << unit)) as i16)),
            whole: Words(fixed.map(|x| -i16::from(is_whole(x)))),
        }
    }
}

#[cfg(test)]
mod tests;
