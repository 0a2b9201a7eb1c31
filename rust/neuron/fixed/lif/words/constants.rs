//! Constants of 32 neurons.

use super::Scale;
use crate::neuron::fixed::{Decay, FiresAt, FixedParams, Overflow, PerNeuron};
use crate::simd::{WORDS, WordIsa, Words};

/// Holds the constants of 32 neurons.
#[derive(Clone, Debug)]
pub struct Constants {
    pub(super) current: Scale,
    pub(super) membrane: Scale,
    pub(super) gain: Scale,
    pub(super) bias: Words,
    pub(super) v_th: Words,
    /// What is fired above.
    pub(super) level: Words,
}

impl Constants {
    /// Makes those of the neurons from 32 `line` on; where there are none, such that all stays at rest.
    pub(super) fn new(format: &FixedParams, n: usize, line: usize) -> Self {
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

/// Holds the words that a state may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) low: i16,
    pub(super) high: i16,
    /// Whether those are not all words.
    pub(super) is_narrower: bool,
}

impl Range {
    pub(super) fn new(overflow: Overflow, bits: u32) -> Self {
        let (low, high) = overflow.range(bits);
        let [low, high] = [low as i16, high as i16];
        Self { low, high, is_narrower: [low, high] != [i16::MIN, i16::MAX] }
    }

    /// Returns a + b fitted, and where that is another number.
    #[inline(always)]
    pub(super) fn sum<W: WordIsa, const PLAIN: bool>(
        self,
        isa: W,
        a: W::Words,
        b: W::Words,
    ) -> (W::Words, W::WordMask) {
        let mut kept = isa.add_saturating(a, b);
        if !PLAIN && self.is_narrower {
            kept = isa.max_words(isa.min_words(kept, isa.word(self.high)), isa.word(self.low));
        }
        (kept, isa.words_differ(kept, isa.add_words(a, b)))
    }
}
