//! A set of small numbers: a bit each, and a bit for every word of bits.

/// Bits of a word.
const WORD: usize = 64;

/// Holds a set of numbers below a limit, visited in ascending order at the cost of its members, not of the limit.
#[derive(Clone, Debug)]
pub struct BitSet {
    words: Vec<u64>,
    /// A bit for every word that is not 0.
    summary: Vec<u64>,
}

impl BitSet {
    /// Makes an empty set of numbers below `n`.
    pub fn new(n: usize) -> Self {
        let n_words = n.div_ceil(WORD);
        Self { words: vec![0; n_words], summary: vec![0; n_words.div_ceil(WORD)] }
    }

    /// Adds a number.
    #[inline(always)]
    pub fn set(&mut self, i: usize) {
        let word = i / WORD;
        self.words[word] |= 1 << (i % WORD);
        self.summary[word / WORD] |= 1 << (word % WORD);
    }

    /// Adds all numbers below `n`.
    pub fn set_first(&mut self, n: usize) {
        let whole = n / WORD;
        self.words[..whole].fill(u64::MAX);
        if !n.is_multiple_of(WORD) {
            self.words[whole] |= (1 << (n % WORD)) - 1;
        }
        for word in 0..n.div_ceil(WORD) {
            self.summary[word / WORD] |= 1 << (word % WORD);
        }
    }

    /// Takes a number out.
    #[inline(always)]
    pub fn clear(&mut self, i: usize) {
        let word = i / WORD;
        self.words[word] &= !(1 << (i % WORD));
        if self.words[word] == 0 {
            self.summary[word / WORD] &= !(1 << (word % WORD));
        }
    }

    /// Returns the smallest member that is at least `from`.
    #[inline]
    pub fn next(&self, from: usize) -> Option<usize> {
        let word = from / WORD;
        let rest = *self.words.get(word)? >> (from % WORD);
        if rest != 0 {
            return Some(from + rest.trailing_zeros() as usize);
        }
        let after = word + 1;
        let mut block = after / WORD;
        let mut bits = *self.summary.get(block)? >> (after % WORD) << (after % WORD);
        while bits == 0 {
            block += 1;
            bits = *self.summary.get(block)?;
        }
        let word = block * WORD + bits.trailing_zeros() as usize;
        Some(word * WORD + self.words[word].trailing_zeros() as usize)
    }

    /// Takes out all members, handing them out in ascending order.
    #[inline]
    pub fn drain(&mut self, mut visit: impl FnMut(usize)) {
        for (block, summary) in self.summary.iter_mut().enumerate() {
            while *summary != 0 {
                let word = block * WORD + summary.trailing_zeros() as usize;
                *summary &= *summary - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    visit(word * WORD + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Takes out all members.
    pub fn clear_all(&mut self) {
        self.drain(|_| ());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_set(n in 1..9000usize, raw in proptest::collection::vec((any::<bool>(), any::<usize>()), 0..60)) {
            let (mut bits, mut set) = (BitSet::new(n), BTreeSet::new());
            for (add, i) in raw {
                let i = i % n;
                if add {
                    bits.set(i);
                    set.insert(i);
                } else {
                    bits.clear(i);
                    set.remove(&i);
                }
                prop_assert_eq!(bits.next(i), set.range(i..).next().copied());
                prop_assert_eq!(bits.next(0), set.first().copied());
                prop_assert_eq!(bits.next(n), None);
            }
            let mut members = Vec::new();
            bits.drain(|i| members.push(i));
            prop_assert_eq!(members, set.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(bits.next(0), None);
            bits.set_first(n);
            let mut members = Vec::new();
            bits.drain(|i| members.push(i));
            prop_assert_eq!(members, (0..n).collect::<Vec<_>>());
        }
    }
}
