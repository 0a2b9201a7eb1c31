//! The same indices by column.

use super::{PAD, PaddedRows};
use crate::memory::{OrUnwind, reserve, resize};
use crate::stop::is_stopped;

/// Indices that take long: whether to stop is asked row by row.
const MANY: usize = 1 << 22;

impl PaddedRows {
    /// Becomes the transpose of `other`, whose indices are spread evenly, as over the steps of an encoded sample.
    ///
    /// One pass over the indices instead of two: the lengths of the rows are guessed before they are known.
    pub fn transpose_of_even(&mut self, other: &Self) {
        let (n_rows, total) = (other.n_columns(), other.total());
        if total > MANY {
            return self.transpose_of(other);
        }
        self.clear(other.n_rows());
        let mean = total as f64 / n_rows as f64;
        // Six standard deviations of a Poisson number above the mean.
        let capacity = (mean + 6.0 * mean.sqrt() + 8.0) as usize / PAD * PAD;
        if n_rows * capacity > 4 * total || !self.transpose_evenly(other, capacity) {
            self.transpose_of(other);
        }
    }

    /// Returns [`transpose_of`](Self::transpose_of) with rows of at most `capacity` indices, a multiple of four; `false` if one is
    /// longer.
    fn transpose_evenly(&mut self, other: &Self, capacity: usize) -> bool {
        let n_rows = other.n_columns();
        // Room for the padding of a full row.
        let stride = capacity + PAD;
        let mut len = std::mem::take(&mut self.len);
        len.clear();
        resize(&mut len, n_rows, 0);
        let sentinel = self.sentinel;
        let index = self.room(n_rows * stride);
        for r in 0..other.n_rows() {
            for &c in other.row(r) {
                let len = &mut len[c as usize];
                // An index too many lands in the next row, or nowhere; all is thrown away then.
                if let Some(place) = index.get_mut(c as usize * stride + *len as usize) {
                    *place = r as u32;
                }
                *len += 1;
            }
        }
        let fits = len.iter().all(|&len| len as usize <= capacity);
        if fits {
            for (index, &len) in index.chunks_exact_mut(stride).zip(&len) {
                index[len as usize..][..PAD].fill(sentinel);
            }
            reserve("neurons of a sample", &mut self.start, n_rows).or_unwind();
            self.start.extend((0..n_rows).map(|r| (r * stride) as u32));
            self.advance(n_rows * stride);
            self.row_start = self.used;
        }
        self.len = len;
        fits
    }

    /// Becomes the transpose of `other`: row `r` lists, ascending, the rows of `other` that hold `r`.
    pub fn transpose_of(&mut self, other: &Self) {
        let (n_rows, is_long) = (other.n_columns(), other.total() > MANY);
        self.clear(other.n_rows());
        resize(&mut self.len, n_rows, 0);
        for r in 0..other.n_rows() {
            if is_long && is_stopped() {
                return self.silence(other);
            }
            for &c in other.row(r) {
                self.len[c as usize] += 1;
            }
        }
        let mut end = 0;
        self.cursor.clear();
        reserve("steps or neurons of a sample", &mut self.cursor, n_rows).or_unwind();
        reserve("steps or neurons of a sample", &mut self.start, n_rows).or_unwind();
        for &len in &self.len {
            self.cursor.push(end as u32);
            self.start.push(end as u32);
            end += (len as usize).next_multiple_of(PAD);
        }
        let mut cursor = std::mem::take(&mut self.cursor);
        let sentinel = self.sentinel;
        let index = self.room(end);
        for row in index.as_chunks_mut::<PAD>().0 {
            *row = [sentinel; PAD];
        }
        for r in 0..other.n_rows() {
            if is_long && is_stopped() {
                self.cursor = cursor;
                return self.silence(other);
            }
            for &c in other.row(r) {
                let at = &mut cursor[c as usize];
                index[*at as usize] = r as u32;
                *at += 1;
            }
        }
        self.advance(end);
        self.row_start = self.used;
        self.cursor = cursor;
    }

    /// Becomes the transpose of lists as long as `other`, but empty: what work that is to stop leaves.
    fn silence(&mut self, other: &Self) {
        self.clear(other.n_rows());
        (0..other.n_columns()).for_each(|_| self.end_row());
    }
}
