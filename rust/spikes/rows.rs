//! Lists of indices, one a row, in the form the kernels read.

use crate::simd::{LANES, LaneMask};

/// Lists are padded to a multiple of this, so that kernels unroll without a remainder loop.
pub const PAD: usize = 4;

/// Positions of the bits that are set in a byte, ascending; the rest is unused.
static SET_BITS: [[u32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut n) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][n] = bit;
                n += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// One list of indices a row: the neurons that fire at a step, or the steps at which a neuron fires.
///
/// Every list is padded to a multiple of four with a sentinel index. Tables that kernels read by these indices hold a
/// row of zeros there, which makes the padding harmless and saves a remainder loop (and its mispredicted branch) a row.
#[derive(Clone, Debug, Default)]
pub struct PaddedRows {
    start: Vec<u32>,
    len: Vec<u32>,
    /// The lists, one after the other, up to `used`; what lies beyond is room to write to.
    index: Vec<u32>,
    used: usize,
    sentinel: u32,
    cursor: Vec<u32>,
}

impl PaddedRows {
    /// Empties the lists; indices will be `< sentinel`.
    pub fn clear(&mut self, sentinel: usize) {
        self.start.clear();
        self.start.push(0);
        self.len.clear();
        self.used = 0;
        self.sentinel = sentinel as u32;
    }

    /// Number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.len.len()
    }

    /// Number of indices in all rows, padding not counted.
    pub fn total(&self) -> usize {
        self.len.iter().map(|&len| len as usize).sum()
    }

    /// Lengths of the rows, padding not counted.
    #[inline(always)]
    pub fn lengths(&self) -> &[u32] {
        &self.len
    }

    /// Row `r` with its padding: a multiple of four indices, each `<= sentinel`.
    #[inline(always)]
    pub fn padded(&self, r: usize) -> &[u32] {
        &self.index[self.start[r] as usize..self.start[r + 1] as usize]
    }

    /// Row `r` without its padding.
    #[inline(always)]
    pub fn row(&self, r: usize) -> &[u32] {
        let start = self.start[r] as usize;
        &self.index[start..start + self.len[r] as usize]
    }

    /// Room for `n` more indices of the row under construction; [`advance`](Self::advance) says how many were written.
    #[inline(always)]
    pub fn room(&mut self, n: usize) -> &mut [u32] {
        if self.index.len() - self.used < n {
            self.grow(n);
        }
        &mut self.index[self.used..][..n]
    }

    #[cold]
    fn grow(&mut self, n: usize) {
        self.index.resize((self.used + n).max(2 * self.index.len()), 0);
    }

    /// Takes the first `n` indices that were written to the room.
    #[inline(always)]
    pub fn advance(&mut self, n: usize) {
        self.used += n;
    }

    /// Adds an index to the row under construction.
    #[inline(always)]
    pub fn push(&mut self, index: u32) {
        debug_assert!(index < self.sentinel);
        self.room(1)[0] = index;
        self.advance(1);
    }

    /// A whole row: 16 l + bit for every bit that is set in mask l.
    ///
    /// Most masks are empty and skipped; of the others eight indices a byte are written whatever its bits, as which
    /// neurons fire cannot be predicted and a wrong guess costs more.
    #[inline(always)]
    pub fn push_masks(&mut self, masks: &[LaneMask]) {
        let room = self.room((masks.len() + 1) * LANES);
        let (mut n, mut first) = (0, 0);
        for &mask in masks {
            if mask != 0 {
                let [low, high] = mask.to_le_bytes();
                room[n..][..8].copy_from_slice(&SET_BITS[low as usize].map(|position| first + position));
                n += low.count_ones() as usize;
                room[n..][..8].copy_from_slice(&SET_BITS[high as usize].map(|position| first + 8 + position));
                n += high.count_ones() as usize;
            }
            first += LANES as u32;
        }
        self.advance(n);
        self.end_row();
    }

    /// Ends the row under construction.
    #[inline(always)]
    pub fn end_row(&mut self) {
        let sentinel = self.sentinel;
        self.room(PAD).fill(sentinel);
        self.len.push(self.used as u32 - self.start[self.len.len()]);
        self.used = self.used.next_multiple_of(PAD);
        self.start.push(self.used as u32);
    }

    /// Becomes the transpose of `other`: row `r` lists, ascending, the rows of `other` that hold `r`.
    pub fn transpose_of(&mut self, other: &Self) {
        let n_rows = other.sentinel as usize;
        self.clear(other.n_rows());
        self.len.resize(n_rows, 0);
        for r in 0..other.n_rows() {
            for &c in other.row(r) {
                self.len[c as usize] += 1;
            }
        }
        let mut end = 0;
        self.cursor.clear();
        for &len in &self.len {
            self.cursor.push(end);
            end += len.next_multiple_of(PAD as u32);
            self.start.push(end);
        }
        let mut cursor = std::mem::take(&mut self.cursor);
        let sentinel = self.sentinel;
        let index = self.room(end as usize);
        for row in index.as_chunks_mut::<PAD>().0 {
            *row = [sentinel; PAD];
        }
        for r in 0..other.n_rows() {
            for &c in other.row(r) {
                let at = &mut cursor[c as usize];
                index[*at as usize] = r as u32;
                *at += 1;
            }
        }
        self.advance(end as usize);
        self.cursor = cursor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_back_and_pads_with_the_sentinel() {
        let mut rows = PaddedRows::default();
        rows.clear(5);
        for row in [&[0, 3][..], &[], &[1, 2, 3, 4, 0], &[3]] {
            row.iter().for_each(|&i| rows.push(i));
            rows.end_row();
        }
        let (mut across, mut back) = (PaddedRows::default(), PaddedRows::default());
        across.transpose_of(&rows);
        assert_eq!(across.n_rows(), 5);
        assert_eq!(across.row(3), &[0, 2, 3]);
        assert_eq!(across.padded(3), &[0, 2, 3, 4]);
        assert_eq!(across.lengths(), &[2, 1, 1, 3, 1]);
        back.transpose_of(&across);
        assert_eq!(back.row(2), &[0, 1, 2, 3, 4]);
        assert_eq!(back.total(), rows.total());
        assert_eq!(rows.padded(1), &[] as &[u32]);
    }
}
