//! Lists of indices, one a row, in the form the kernels read.

use crate::simd::LaneMask;

/// Lists are padded to a multiple of this, so that kernels unroll without a remainder loop.
pub const PAD: usize = 4;

/// One list of indices a row: the neurons that fire at a step, or the steps at which a neuron fires.
///
/// Every list is padded to a multiple of four with a sentinel index. Tables that kernels read by these indices hold a
/// row of zeros there, which makes the padding harmless and saves a remainder loop (and its mispredicted branch) a row.
#[derive(Clone, Debug, Default)]
pub struct PaddedRows {
    start: Vec<u32>,
    len: Vec<u32>,
    index: Vec<u32>,
    sentinel: u32,
    cursor: Vec<u32>,
}

impl PaddedRows {
    /// Empties the lists; indices will be `< sentinel`.
    pub fn clear(&mut self, sentinel: usize) {
        self.start.clear();
        self.start.push(0);
        self.len.clear();
        self.index.clear();
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

    /// Adds an index to the row under construction.
    #[inline(always)]
    pub fn push(&mut self, index: u32) {
        debug_assert!(index < self.sentinel);
        self.index.push(index);
    }

    /// Adds `first + l` for every bit l of `mask` to the row under construction.
    #[inline(always)]
    pub fn push_mask(&mut self, first: usize, mut mask: LaneMask) {
        while mask != 0 {
            self.push(first as u32 + mask.trailing_zeros());
            mask &= mask - 1;
        }
    }

    /// Ends the row under construction.
    #[inline(always)]
    pub fn end_row(&mut self) {
        let start = self.start[self.len.len()];
        self.len.push(self.index.len() as u32 - start);
        while !self.index.len().is_multiple_of(PAD) {
            self.index.push(self.sentinel);
        }
        self.start.push(self.index.len() as u32);
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
        self.index.resize(end as usize, self.sentinel);
        for r in 0..other.n_rows() {
            for &c in other.row(r) {
                let at = &mut self.cursor[c as usize];
                self.index[*at as usize] = r as u32;
                *at += 1;
            }
        }
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
