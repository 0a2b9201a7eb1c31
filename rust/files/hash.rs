//! Hashes that are the same on every machine.

/// FNV-1a, over bytes or over words of 64 bits.
pub(crate) struct Fnv(u64);

impl Fnv {
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// Makes the hash of nothing.
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes and how many they are, so that it counts where one ends and the next begins.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied().chain((bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(Self::PRIME);
        }
    }

    /// Adds a word at once; the high bits of the product are folded into the low ones, which would else never see them.
    #[inline]
    pub(crate) fn add_word(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(Self::PRIME);
        self.0 = product ^ (product >> 32);
    }

    /// Returns the hash of what was added.
    pub(crate) fn value(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the authors' page, of the text and of its length as a text behind it.
    #[test]
    fn bytes_are_fnv_1a() {
        let hash = |parts: &[&[u8]]| {
            let mut hash = Fnv::new();
            parts.iter().for_each(|part| hash.add_bytes(part));
            hash.value()
        };
        let plain = |bytes: &[u8]| {
            bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        };
        assert_eq!(plain(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(hash(&[b"foobar"]), plain(b"foobar\x06\0\0\0\0\0\0\0"));
        assert_ne!(hash(&[b"foo", b"bar"]), hash(&[b"foobar"]));
    }

    #[test]
    fn high_bits_of_words_count() {
        let hash = |word| {
            let mut hash = Fnv::new();
            hash.add_word(word);
            hash.value() as u32
        };
        assert_ne!(hash(0), hash(1 << 63));
    }
}
