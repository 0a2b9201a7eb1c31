//! Lists of indices, one a row, in the form the kernels read.

mod transpose;

use crate::error::Error;
use crate::memory::{OrUnwind, reserve, resize};
use crate::simd::{Isa, LANES, LaneMask, Real};

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
    /// The lists, in order, up to `used`, some with gaps between; what lies beyond is room to write to.
    index: Vec<u32>,
    used: usize,
    /// Where the row under construction starts.
    row_start: usize,
    sentinel: u32,
    cursor: Vec<u32>,
    /// All masks of [`push_masks`](Self::push_masks), joined; empty where rows came as indices.
    joined: Vec<LaneMask>,
}

impl PaddedRows {
    /// Empties the lists; indices will be `< sentinel`.
    pub fn clear(&mut self, sentinel: usize) {
        self.start.clear();
        self.len.clear();
        self.used = 0;
        self.row_start = 0;
        self.sentinel = sentinel as u32;
        self.joined.clear();
    }

    /// Returns the number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.len.len()
    }

    /// Returns what indices are below.
    #[inline(always)]
    pub fn n_columns(&self) -> usize {
        self.sentinel as usize
    }

    /// Returns the number of indices in all rows, padding not counted.
    pub fn total(&self) -> usize {
        self.len.iter().map(|&len| len as usize).sum()
    }

    /// Lengths of the rows, padding not counted.
    #[inline(always)]
    pub fn lengths(&self) -> &[u32] {
        &self.len
    }

    /// Returns the row `r` with its padding: a multiple of four indices, each `<= sentinel`.
    #[inline(always)]
    pub fn padded(&self, r: usize) -> &[u32] {
        let start = self.start[r] as usize;
        &self.index[start..start + (self.len[r] as usize).next_multiple_of(PAD)]
    }

    /// Returns the row `r` without its padding.
    #[inline(always)]
    pub fn row(&self, r: usize) -> &[u32] {
        let start = self.start[r] as usize;
        &self.index[start..start + self.len[r] as usize]
    }

    /// Returns room for `n` more indices of the row under construction; [`advance`](Self::advance) says how many were written.
    #[inline(always)]
    pub fn room(&mut self, n: usize) -> &mut [u32] {
        if self.index.len() - self.used < n {
            self.grow(n);
        }
        &mut self.index[self.used..][..n]
    }

    #[cold]
    fn grow(&mut self, n: usize) {
        // Rows are found by 32-bit offsets.
        if u32::try_from(self.used + n).is_err() {
            let error = Error::value("the number of spikes in a sample", "< 2^32", self.used + n);
            return Err(error).or_unwind();
        }
        let len = (self.used + n).max(2 * self.index.len());
        resize(&mut self.index, len, 0);
    }

    /// Makes room for more rows.
    #[cold]
    fn grow_rows(&mut self) {
        reserve("steps or neurons of a sample", &mut self.start, 1).or_unwind();
        let more = self.start.capacity() - self.len.len();
        reserve("steps or neurons of a sample", &mut self.len, more).or_unwind();
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

    /// Appends a whole row: 16 l + bit for every bit that is set in mask l.
    ///
    /// A vector of indices is written for every mask that is not 0, however many of its bits are set; and those masks are
    /// found first, without branches. Which neurons fire cannot be predicted, and a wrong guess costs more.
    #[inline(always)]
    pub fn push_masks<F: Real, I: Isa<F>>(&mut self, isa: I, masks: &[LaneMask]) {
        if self.joined.len() < masks.len() {
            self.grow_joined(masks.len());
        }
        self.room(masks.len() * LANES);
        let room = &mut self.index[self.used..][..masks.len() * LANES];
        let joined = &mut self.joined[..masks.len()];
        let (mut n, mut first) = (0, 0);
        for (masks, joined) in masks.chunks(u64::BITS as usize).zip(joined.chunks_mut(u64::BITS as usize)) {
            let mut busy = busy(masks);
            while busy != 0 {
                let l = busy.trailing_zeros();
                busy &= busy - 1;
                let mask = masks[l as usize];
                joined[l as usize] |= mask;
                let room = room[n..].first_chunk_mut().expect("no mask lists more than 16");
                isa.list_bits(mask, first + l * LANES as u32, room);
                n += mask.count_ones() as usize;
            }
            first += u64::BITS * LANES as u32;
        }
        self.advance(n);
        self.end_row();
    }

    /// Appends a whole row: `plane * (16 l + bit) + p` for every bit that is set in mask l of position p, which has `n_blocks`.
    #[inline(always)]
    pub fn push_masks_of_plane<F: Real, I: Isa<F>>(
        &mut self,
        isa: I,
        masks: &[LaneMask],
        n_blocks: usize,
        plane: usize,
    ) {
        let room = self.room(masks.len() * LANES);
        let (mut n, mut at) = (0, 0);
        for masks in masks.chunks(u64::BITS as usize) {
            let mut busy = busy(masks);
            while busy != 0 {
                let l = busy.trailing_zeros() as usize;
                busy &= busy - 1;
                let (position, block) =
                    if n_blocks == 1 { (at + l, 0) } else { ((at + l) / n_blocks, (at + l) % n_blocks) };
                let first = block * LANES * plane + position;
                let room = room[n..].first_chunk_mut().expect("no mask lists more than 16");
                isa.list_strided(masks[l], first as u32, plane as u32, room);
                n += masks[l].count_ones() as usize;
            }
            at += masks.len();
        }
        self.advance(n);
        self.end_row();
    }

    #[cold]
    fn grow_joined(&mut self, n: usize) {
        debug_assert!(self.len.iter().all(|&len| len == 0), "rows come either as masks or as indices");
        resize(&mut self.joined, n, 0);
    }

    /// Calls `f` with every index that is in any row, some of them perhaps more than once.
    pub fn for_each_listed(&self, mut f: impl FnMut(u32)) {
        if self.joined.is_empty() {
            let rows = self.start.iter().zip(&self.len).filter(|(_, len)| **len > 0);
            return rows
                .for_each(|(&start, &len)| self.index[start as usize..][..len as usize].iter().for_each(|&i| f(i)));
        }
        for (l, &mask) in self.joined.iter().enumerate() {
            let mut mask = mask;
            while mask != 0 {
                f((l * LANES) as u32 + mask.trailing_zeros());
                mask &= mask - 1;
            }
        }
    }

    /// Sorts every row.
    pub fn sort(&mut self) {
        for (&start, &len) in self.start.iter().zip(&self.len) {
            let row = &mut self.index[start as usize..][..len as usize];
            if !row.is_sorted() {
                row.sort_unstable();
            }
        }
    }

    /// Adds a whole row.
    pub fn push_row(&mut self, row: &[u32]) {
        debug_assert!(row.iter().all(|&index| index < self.sentinel));
        self.room(row.len()).copy_from_slice(row);
        self.advance(row.len());
        self.end_row();
    }

    /// Ends the row under construction.
    #[inline(always)]
    pub fn end_row(&mut self) {
        let (sentinel, start) = (self.sentinel, self.row_start);
        self.room(PAD).fill(sentinel);
        if self.start.len() == self.start.capacity() {
            self.grow_rows();
        }
        self.start.push(start as u32);
        self.len.push((self.used - start) as u32);
        self.used = self.used.next_multiple_of(PAD);
        self.row_start = self.used;
    }

    /// Returns what synapses with these ascending delays deliver of step `t`, rows being steps and columns n neurons: for each delay
    /// number k, `k * n` and row `t - delays[k]`. Column `k * n + j` is neuron j, whose spikes arrive that much later.
    pub fn delayed(&self, t: usize, delays: &[u32]) -> impl Iterator<Item = (u32, &[u32])> {
        let rows = delays.iter().map_while(move |&delay| t.checked_sub(delay as usize));
        rows.enumerate().map(|(k, from)| ((k * self.n_columns()) as u32, self.row(from)))
    }

    /// Returns [`delayed`](Self::delayed) as a list in `arriving`, padded; and the length of it without its padding.
    pub fn arriving<'a>(&self, t: usize, delays: &[u32], arriving: &'a mut Vec<u32>) -> (&'a [u32], usize) {
        arriving.clear();
        self.delayed(t, delays).for_each(|(first, row)| arriving.extend(row.iter().map(|&j| first + j)));
        let n = arriving.len();
        arriving.resize(n.next_multiple_of(PAD), (delays.len() * self.n_columns()) as u32);
        (arriving, n)
    }

    /// Becomes what synapses with these ascending delays deliver of `other`, step by step: see [`delayed`](Self::delayed).
    pub fn delayed_from(&mut self, other: &Self, delays: &[u32]) {
        self.clear(delays.len() * other.n_columns());
        for t in 0..other.n_rows() {
            for (first, row) in other.delayed(t, delays) {
                let room = self.room(row.len());
                room.iter_mut().zip(row).for_each(|(index, &j)| *index = first + j);
                self.advance(row.len());
            }
            self.end_row();
        }
    }
}

/// Returns which of up to 64 masks are not 0, found without branches.
#[inline(always)]
fn busy(masks: &[LaneMask]) -> u64 {
    let mut busy = 0;
    for (l, &mask) in masks.iter().enumerate() {
        busy |= u64::from(mask != 0) << l;
    }
    busy
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

    #[test]
    fn delays_shift_rows_and_columns() {
        let mut rows = PaddedRows::default();
        rows.clear(5);
        [&[0, 3][..], &[4], &[], &[1, 2]].iter().for_each(|row| rows.push_row(row));
        let mut arriving = PaddedRows::default();
        arriving.delayed_from(&rows, &[0, 2, 9]);
        assert_eq!((arriving.n_rows(), arriving.n_columns()), (4, 15));
        let all: Vec<&[u32]> = (0..4).map(|t| arriving.row(t)).collect();
        assert_eq!(all, [&[0, 3][..], &[4], &[5, 8], &[1, 2, 9]]);
        assert_eq!(arriving.padded(2), [5, 8, 15, 15]);
    }

    #[test]
    fn guessed_and_counted_lengths_give_the_same_lists() {
        let mut state = 1u32;
        // Used again and again: what an earlier set of lists left behind must not show.
        let (mut guessed, mut counted) = (PaddedRows::default(), PaddedRows::default());
        for (n_rows, n_columns, crowded) in
            [(200, 50, 0), (200, 50, 150), (40, 300, 0), (3, 5, 0), (90, 120, 0), (0, 7, 0)]
        {
            let mut rows = PaddedRows::default();
            rows.clear(n_columns);
            for r in 0..n_rows {
                for c in 0..n_columns as u32 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Column 7 may be far longer than the others.
                    if state >> 24 < 20 || (c == 7 && r < crowded) {
                        rows.push(c);
                    }
                }
                rows.end_row();
            }
            guessed.transpose_of_even(&rows);
            counted.transpose_of(&rows);
            assert_eq!(guessed.lengths(), counted.lengths());
            for c in 0..n_columns {
                assert_eq!(guessed.padded(c), counted.padded(c));
            }
        }
    }
}
