//! Which neurons have been named before.

/// Bits; a first-level cache holds them beside all else.
const BITS: usize = 1 << 16;

/// Remembers numbers, and takes one for another now and then.
#[derive(Clone, Debug)]
pub struct Repeats {
    words: Vec<u64>,
}

impl Repeats {
    /// Says up to how many numbers at a time mistakes are rare.
    pub const MOST: usize = BITS / 16;

    /// Makes a filter that knows none.
    pub fn new() -> Self {
        Self { words: vec![0; BITS / 64] }
    }

    /// Says whether `i`, or another number taken for it, has been asked for since [`forget`](Self::forget).
    #[inline(always)]
    pub fn is_repeated(&mut self, i: u32) -> bool {
        let at = i as usize % BITS;
        let (word, bit) = (&mut self.words[at / 64], 1 << (at % 64));
        let seen = *word & bit != 0;
        *word |= bit;
        seen
    }

    /// Forgets all.
    pub fn forget(&mut self) {
        self.words.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_known_until_all_is_forgotten() {
        let mut repeats = Repeats::new();
        for _ in 0..2 {
            assert!([3, 64, 1000, 65_535].iter().all(|&i| !repeats.is_repeated(i)));
            assert!([3, 64, 1000, 65_535, 65_539].iter().all(|&i| repeats.is_repeated(i)));
            repeats.forget();
        }
    }
}
