//! Steps of 32 neurons.

use super::scale::left;
use super::{Constants, WordNeurons, WordRounding, WordVectors};
use crate::neuron::fixed::Overflows;
use crate::simd::{LANES, Lanes, WORDS, WordIsa, Words, multiversion};

/// Words that a sum is cut into, if one shifted word does not hold it: enough for any, as what is beyond saturates.
pub const TERMS: usize = 3;

impl WordNeurons {
    /// Steps 32 neurons with what arrives: words or, if it may be more than that,
    /// those of [`split`](Self::split). Returns who fires.
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
        let decayed = left::<W, R, PLAIN>(isa, state.current, &constants.current, self.shifts[0]);
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
        state.current = u;
        overflows.current += u64::from(changed.count_ones());
        let mut gained = if self.gains { R::scale::<W, PLAIN>(isa, u, &constants.gain) } else { u };
        if !PLAIN && self.has_bias {
            gained = isa.add_words(gained, isa.load_words(&constants.bias));
        }
        let left = left::<W, R, PLAIN>(isa, state.potential, &constants.membrane, self.shifts[1]);
        let (v, changed) = self.membrane.sum::<W, PLAIN>(isa, left, gained);
        let free = isa.words_above(isa.word(1), state.refractory);
        overflows.membrane += u64::from(isa.word_bits(isa.both(changed, free)).count_ones());
        let fires = isa.both(isa.words_above(v, isa.load_words(&constants.level)), free);
        let v_th = isa.load_words(&constants.v_th);
        let after = if self.subtracts { isa.sub_words(v, v_th) } else { isa.word(0) };
        state.potential = isa.choose(free, isa.choose(fires, after, v), state.potential);
        state.refractory = isa.choose(fires, isa.word(self.t_ref), isa.sub_saturating(state.refractory, isa.word(1)));
        isa.word_bits(fires)
    }

    /// Returns the largest sum that a word holds once it is shifted.
    #[inline(always)]
    fn most_of_term(&self) -> i32 {
        i32::from(i16::MAX) >> self.input_shift
    }

    /// Returns sums as words that are added one after the other.
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
    /// the end. Returns one bit for each that does not fit. Apart from the steps, of which there are many copies, as it is rarely run.
    #[cold]
    #[inline(never)]
    fn add_terms<W: WordIsa>(
        neurons: &WordNeurons,
        sum: &mut Words,
        arriving: &Words,
        terms: Option<&[Words; TERMS]>,
    ) -> u32 = add_terms_body
}
