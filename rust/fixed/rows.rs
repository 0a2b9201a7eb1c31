//! Integer weights by presynaptic neuron, summed in vectors.

use crate::simd::{LANES, Lanes, WORDS, WordIsa, Words, multiversion, unpack};
use crate::spikes::{PAD, PaddedRows};

/// Neurons of a panel: weights are laid out panel by panel, so that the rows of one stay in the first-level cache.
pub const PANEL: usize = 2 * WORDS;

/// Blocks of a panel.
pub const PANEL_BLOCKS: usize = PANEL / LANES;

/// What a weight of 0 is in the lower byte of a word: that byte has no sign of its own.
const BIAS: i16 = 0x80;

/// Weights onto a layer, a row for each presynaptic neuron and one of zeros after them, in the narrowest type that holds them.
#[derive(Clone, Debug)]
pub enum IntegerRows {
    /// 8 bits.
    Packed(PackedRows),
    /// 16 bits, of all rows of a panel one after the other.
    Wide(Vec<[i16; PANEL]>, usize),
    /// 32 bits.
    Widest(Vec<[i32; PANEL]>, usize),
}

/// Weights of 8 bits, two to a word: neuron l of a panel in the lower bytes, neuron 32 + l in the upper ones.
///
/// Sums of words and of their upper bytes alone give the sums of both, as all that wraps cancels. A last panel of at most 32
/// neurons has a word for each.
#[derive(Clone, Debug)]
pub struct PackedRows {
    n_out: usize,
    n_rows: usize,
    words: Vec<Words>,
    /// How many rows the sum of which 16 bits are sure to hold, a multiple of four.
    most: usize,
}

/// Rows of a panel that are to be summed.
#[derive(Clone, Copy)]
pub struct Arriving<'a> {
    /// The panel's rows.
    pub panel: &'a [Words],
    /// Which of them, padded by that of zeros to a multiple of four.
    pub index: &'a [u32],
    /// How many of them, padding not counted.
    pub n: usize,
}

impl PackedRows {
    fn new(n_out: usize, n_rows: usize, weight: &[i32], largest: u32) -> Self {
        let mut rows = Self {
            n_out,
            n_rows,
            words: vec![Words::splat(0); n_out.div_ceil(PANEL) * (n_rows + 1)],
            most: 0x7fff / largest.max(1) as usize / PAD * PAD,
        };
        let none = vec![0; n_rows];
        let weights = |i: usize| if i < n_out { &weight[i * n_rows..][..n_rows] } else { &none };
        for (p, panel) in rows.words.chunks_exact_mut(n_rows + 1).enumerate() {
            for l in 0..WORDS {
                let (lower, upper) = (weights(p * PANEL + l), weights(p * PANEL + WORDS + l));
                if is_single(n_out, p) {
                    panel.iter_mut().zip(lower).for_each(|(words, &w)| words.0[l] = w as i16);
                    continue;
                }
                for (words, (&lower, &upper)) in panel.iter_mut().zip(lower.iter().zip(upper)) {
                    words.0[l] = (upper as i16) << 8 | i16::from(lower as u8) ^ BIAS;
                }
            }
        }
        rows
    }

    /// Whether panel `p` has a word for each neuron.
    #[inline(always)]
    pub fn is_single(&self, p: usize) -> bool {
        is_single(self.n_out, p)
    }

    /// Most rows whose sum 16 bits are sure to hold.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The rows of a panel.
    #[inline(always)]
    pub fn panel(&self, p: usize) -> &[Words] {
        &self.words[p * (self.n_rows + 1)..][..self.n_rows + 1]
    }
}

#[inline(always)]
fn is_single(n_out: usize, p: usize) -> bool {
    n_out - p * PANEL <= WORDS
}

/// The sums for each half of a panel, or for the only one; no more rows than `most`.
#[inline(always)]
pub fn sum_words<W: WordIsa, const HALVES: usize, const N: usize>(
    isa: W,
    arriving: &[Arriving<'_>; N],
) -> [W::Words; HALVES] {
    let zero = isa.word(0);
    let (mut sum, mut upper, mut n) = (zero, zero, 0);
    for Arriving { panel, index, n: more } in arriving {
        for four in index.as_chunks::<PAD>().0 {
            for row in unpack(four) {
                let words = isa.load_words(&panel[row]);
                sum = isa.add_words(sum, words);
                if HALVES == 2 {
                    upper = isa.add_words(upper, isa.shift_right(words, 8));
                }
            }
        }
        n += more;
    }
    let mut halves = [sum; HALVES];
    if HALVES == 2 {
        let bias = isa.word((n as i16).wrapping_mul(BIAS));
        halves[0] = isa.sub_words(isa.sub_words(sum, isa.shift_left(upper, 8)), bias);
        halves[1] = upper;
    }
    halves
}

/// The sums for each neuron of a panel, of any number of rows.
#[inline(always)]
pub fn sum_exactly<W: WordIsa, const HALVES: usize>(
    isa: W,
    sums: &mut [[i32; WORDS]; HALVES],
    arriving: Arriving<'_>,
    most: usize,
) {
    let mut left = arriving.n;
    for index in arriving.index.chunks(most) {
        let n = left.min(index.len());
        left -= n;
        let halves = sum_words::<W, HALVES, 1>(isa, &[Arriving { index, n, ..arriving }]);
        for half in 0..HALVES {
            let mut words = Words::splat(0);
            isa.store_words(halves[half], &mut words);
            for l in 0..WORDS {
                sums[half][l] = sums[half][l].wrapping_add(words.0[l].into());
            }
        }
    }
}

impl IntegerRows {
    /// From weights (n_out, n_rows), row-major.
    pub fn new(n_out: usize, n_rows: usize, weight: &[i32]) -> Self {
        let (low, high) = weight.iter().fold((0, 0), |(low, high), &w| (w.min(low), w.max(high)));
        if i8::try_from(low).is_ok() && i8::try_from(high).is_ok() {
            return Self::Packed(PackedRows::new(n_out, n_rows, weight, high.max(-low) as u32));
        }
        if i16::try_from(low).is_ok() && i16::try_from(high).is_ok() {
            return Self::Wide(panels(n_out, n_rows, weight, |w| w as i16), n_rows);
        }
        Self::Widest(panels(n_out, n_rows, weight, |w| w), n_rows)
    }

    /// Adds the rows that `below` lists at each step before onto the sums of all neurons, for steps from `first` on;
    /// (n_steps, n_blocks).
    pub fn add_steps(&self, below: &PaddedRows, first: usize, n_blocks: usize, sums: &mut [Lanes<i32>]) {
        add_steps(self, below, first, n_blocks, sums);
    }

    /// Adds the first `n` rows of `index`, which is padded, onto the sums of all neurons.
    pub fn add(&self, index: &[u32], n: usize, sums: &mut [Lanes<i32>]) {
        add_list(self, index, n, sums);
    }
}

/// Rows panel by panel, padded with zeros.
fn panels<T: Copy + Default>(n_out: usize, n_rows: usize, weight: &[i32], narrow: fn(i32) -> T) -> Vec<[T; PANEL]> {
    let mut rows = vec![[T::default(); PANEL]; n_out.div_ceil(PANEL) * (n_rows + 1)];
    for i in 0..n_out {
        let panel = &mut rows[i / PANEL * (n_rows + 1)..];
        panel.iter_mut().zip(&weight[i * n_rows..][..n_rows]).for_each(|(row, &w)| row[i % PANEL] = narrow(w));
    }
    rows
}

/// Adds rows onto the sums of a panel.
#[inline(always)]
fn add_panel<W: WordIsa>(isa: W, rows: &IntegerRows, p: usize, index: &[u32], n: usize, sums: &mut [Lanes<i32>]) {
    match rows {
        IntegerRows::Packed(rows) => {
            let arriving = Arriving { panel: rows.panel(p), index, n };
            if rows.is_single(p) {
                let mut halves = [[0; WORDS]];
                sum_exactly(isa, &mut halves, arriving, rows.most);
                add_halves(sums, &halves);
            } else {
                let mut halves = [[0; WORDS]; 2];
                sum_exactly(isa, &mut halves, arriving, rows.most);
                add_halves(sums, &halves);
            }
        }
        IntegerRows::Wide(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
        IntegerRows::Widest(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
    }
}

#[inline(always)]
fn add_plain<T: Copy + Into<i32>>(panel: &[[T; PANEL]], index: &[u32], sums: &mut [Lanes<i32>]) {
    let mut halves = [[0i32; WORDS]; 2];
    for &j in index {
        let row = &panel[j as usize];
        for l in 0..PANEL {
            let sum = &mut halves[l / WORDS][l % WORDS];
            *sum = sum.wrapping_add(row[l].into());
        }
    }
    add_halves(sums, &halves);
}

#[inline(always)]
fn add_halves(sums: &mut [Lanes<i32>], halves: &[[i32; WORDS]]) {
    for (sums, more) in sums.iter_mut().zip(halves.as_flattened().as_chunks::<LANES>().0) {
        for l in 0..LANES {
            sums[l] = sums[l].wrapping_add(more[l]);
        }
    }
}

#[inline(always)]
fn add_steps_body<W: WordIsa>(
    isa: W,
    rows: &IntegerRows,
    below: &PaddedRows,
    first: usize,
    n_blocks: usize,
    sums: &mut [Lanes<i32>],
) {
    for p in 0..n_blocks.div_ceil(PANEL_BLOCKS) {
        for (t, sums) in (first..).zip(sums.chunks_exact_mut(n_blocks)) {
            let (index, n) = (below.padded(t - 1), below.lengths()[t - 1] as usize);
            add_panel(isa, rows, p, index, n, &mut sums[p * PANEL_BLOCKS..]);
        }
    }
}

#[inline(always)]
fn add_list_body<W: WordIsa>(isa: W, rows: &IntegerRows, index: &[u32], n: usize, sums: &mut [Lanes<i32>]) {
    for (p, sums) in sums.chunks_mut(PANEL_BLOCKS).enumerate() {
        add_panel(isa, rows, p, index, n, sums);
    }
}

multiversion! {
    fn add_steps<W: WordIsa>(
        rows: &IntegerRows,
        below: &PaddedRows,
        first: usize,
        n_blocks: usize,
        sums: &mut [Lanes<i32>],
    ) = add_steps_body
}
multiversion! {
    fn add_list<W: WordIsa>(rows: &IntegerRows, index: &[u32], n: usize, sums: &mut [Lanes<i32>]) = add_list_body
}
