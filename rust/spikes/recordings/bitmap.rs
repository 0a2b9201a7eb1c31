//! Neurons of one step, put in order without comparing them.

/// Neurons that a [`Bitmap`] takes at most: then a word says which of its words hold any.
pub(super) const MOST_NEURONS: usize = 64 * 64;

/// Which neurons fire in a step.
#[derive(Debug)]
pub(super) struct Bitmap {
    words: [u64; 64],
    /// Which words are not 0.
    some: u64,
}

impl Bitmap {
    /// Makes one of no neurons.
    pub(super) const fn new() -> Self {
        Self { words: [0; 64], some: 0 }
    }

    /// Adds a neuron below [`MOST_NEURONS`].
    #[inline(always)]
    pub(super) fn add(&mut self, neuron: u32) {
        let at = (neuron >> 6) & 63;
        self.words[at as usize] |= 1 << (neuron & 63);
        self.some |= 1 << at;
    }

    /// Takes all out, ascending, to `all[end..]`, which has room for one more, and returns the new end.
    #[inline(always)]
    pub(super) fn drain(&mut self, all: &mut [u32], mut end: usize) -> usize {
        while self.some != 0 {
            let at = self.some.trailing_zeros();
            self.some &= self.some - 1;
            let mut bits = std::mem::take(&mut self.words[at as usize]);
            let first = at << 6;
            all[end] = first | bits.trailing_zeros();
            bits &= bits - 1;
            // Most words have one or two: the second is written, and counts if it is there, without a branch.
            all[end + 1] = first | (bits.trailing_zeros() & 63);
            end += 1 + usize::from(bits != 0);
            bits &= bits.wrapping_sub(1);
            while bits != 0 {
                all[end] = first | bits.trailing_zeros();
                end += 1;
                bits &= bits - 1;
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_come_out_in_order_and_once() {
        let mut map = Bitmap::new();
        let mut all = [9; 12];
        let neurons = [4095, 0, 64, 63, 65, 65, 127, 66, 0, 2311];
        neurons.into_iter().for_each(|neuron| map.add(neuron));
        let end = map.drain(&mut all, 1);
        assert_eq!(all[..end], [9, 0, 63, 64, 65, 66, 127, 2311, 4095]);
        assert_eq!(map.drain(&mut all, 3), 3);
        (0..64).for_each(|neuron| map.add(neuron));
        let mut word = [0; 65];
        assert_eq!(map.drain(&mut word, 0), 64);
        assert!((0..64).eq(word[..64].iter().copied()));
    }
}
