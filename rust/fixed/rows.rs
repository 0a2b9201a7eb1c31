//! Integer weights by presynaptic neuron, summed in vectors.

use crate::simd::{LANES, Lanes, multiversion};
use crate::spikes::PaddedRows;

/// Columns summed at once.
const CHUNK: usize = 4 * LANES;

/// Weights onto a layer, a row for each presynaptic neuron, in the narrowest type that holds them.
#[derive(Clone, Debug)]
pub struct IntegerRows {
    /// Blocks of 16 neurons of a row, a multiple of four.
    n_blocks: usize,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    /// And how many rows the sum of which 16 bits are sure to hold.
    Narrow(Vec<[i8; CHUNK]>, usize),
    Wide(Vec<[i16; CHUNK]>),
    Widest(Vec<[i32; CHUNK]>),
}

impl IntegerRows {
    /// From `weight(i, j)`, that of presynaptic neuron j onto neuron i.
    pub fn new(n_out: usize, n_rows: usize, weight: impl Fn(usize, usize) -> i32) -> Self {
        let largest =
            (0..n_rows).flat_map(|j| (0..n_out).map(move |i| (i, j))).map(|(i, j)| weight(i, j).unsigned_abs());
        let largest = largest.max().unwrap_or(0);
        let rows = match largest {
            0..=0x7f => {
                Rows::Narrow(chunks(n_out, n_rows, |i, j| weight(i, j) as i8), 0x7fff / largest.max(1) as usize)
            }
            0x80..=0x7fff => Rows::Wide(chunks(n_out, n_rows, |i, j| weight(i, j) as i16)),
            _ => Rows::Widest(chunks(n_out, n_rows, weight)),
        };
        Self { n_blocks: n_out.div_ceil(CHUNK) * (CHUNK / LANES), rows }
    }

    /// Blocks of 16 neurons that sums are made of: a multiple of four.
    pub fn n_blocks(&self) -> usize {
        self.n_blocks
    }

    /// Adds the rows `index` onto the sums of all neurons.
    #[inline]
    pub fn add_to(&self, sums: &mut [Lanes<i32>], index: &[u32]) {
        match &self.rows {
            Rows::Narrow(rows, most) => index.chunks(*most).for_each(|index| add_narrow(rows, index, sums)),
            Rows::Wide(rows) => add_wide(rows, index, sums),
            Rows::Widest(rows) => add_widest(rows, index, sums),
        }
    }

    /// The sums of all rows that `below` lists at each step before, for steps from `first` on; (n_steps, n_blocks).
    pub fn sum_steps(&self, below: &PaddedRows, first: usize, sums: &mut [Lanes<i32>]) {
        for (t, sums) in (first..).zip(sums.chunks_exact_mut(self.n_blocks)) {
            self.add_to(sums, below.row(t - 1));
        }
    }
}

/// Rows of chunks, padded with zeros.
fn chunks<T: Copy + Default>(n_out: usize, n_rows: usize, weight: impl Fn(usize, usize) -> T) -> Vec<[T; CHUNK]> {
    let n_chunks = n_out.div_ceil(CHUNK);
    let chunk = |at: usize| {
        let (j, first) = (at / n_chunks, at % n_chunks * CHUNK);
        std::array::from_fn(|l| if first + l < n_out { weight(first + l, j) } else { T::default() })
    };
    (0..n_rows * n_chunks).map(chunk).collect()
}

#[inline(always)]
fn add_rows<T: Copy, S: Copy + Default + Into<i32>>(
    rows: &[[T; CHUNK]],
    index: &[u32],
    sums: &mut [Lanes<i32>],
    add: impl Fn(S, T) -> S,
) {
    let n_chunks = sums.len() * LANES / CHUNK;
    for (c, sums) in sums.as_chunks_mut::<{ CHUNK / LANES }>().0.iter_mut().enumerate() {
        let mut sum = [S::default(); CHUNK];
        for &j in index {
            let row = &rows[j as usize * n_chunks + c];
            for l in 0..CHUNK {
                sum[l] = add(sum[l], row[l]);
            }
        }
        for (b, sums) in sums.iter_mut().enumerate() {
            for l in 0..LANES {
                sums[l] = sums[l].wrapping_add(sum[b * LANES + l].into());
            }
        }
    }
}

#[inline(always)]
fn add_narrow_body(rows: &[[i8; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) {
    add_rows(rows, index, sums, |sum: i16, weight| sum + i16::from(weight));
}

#[inline(always)]
fn add_wide_body(rows: &[[i16; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) {
    add_rows(rows, index, sums, |sum: i32, weight| sum.wrapping_add(i32::from(weight)));
}

#[inline(always)]
fn add_widest_body(rows: &[[i32; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) {
    add_rows(rows, index, sums, |sum: i32, weight| sum.wrapping_add(weight));
}

multiversion! {
    fn add_narrow(rows: &[[i8; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) = add_narrow_body
}
multiversion! {
    fn add_wide(rows: &[[i16; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) = add_wide_body
}
multiversion! {
    fn add_widest(rows: &[[i32; CHUNK]], index: &[u32], sums: &mut [Lanes<i32>]) = add_widest_body
}
