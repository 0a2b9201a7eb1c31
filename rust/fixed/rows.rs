//! Integer weights by presynaptic neuron, summed in vectors.

use crate::simd::{LANES, Lanes, WORDS, WordIsa, Words, multiversion, unpack};
use crate::spikes::{PAD, PaddedRows};

/// Neurons of a panel: weights are laid out panel by panel, so that the rows of one stay in a near cache.
pub const PANEL: usize = 4 * WORDS;

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

/// Weights of 8 bits, two to a word: of 64 neurons, number l in the lower bytes, number 32 + l in the upper ones.
///
/// Sums of words and of their upper bytes alone give the sums of both, as all that wraps cancels. A last panel of few
/// neurons has shorter rows, and of at most 32 a word for each.
#[derive(Clone, Debug)]
pub struct PackedRows {
    n_out: usize,
    n_rows: usize,
    words: Vec<Words>,
    /// How many rows the sum of which 16 bits are sure to hold, a multiple of four.
    most: usize,
}

/// Which rows are to be summed: a list padded by that of zeros to a multiple of four, and its length without.
#[derive(Clone, Copy)]
pub struct Arriving<'a>(pub &'a [u32], pub usize);

impl PackedRows {
    /// From weights of 8 bits (n_out, n_rows), row-major.
    pub fn new(n_out: usize, n_rows: usize, weight: &[i32]) -> Self {
        let largest = weight.iter().fold(1, |largest, w| w.unsigned_abs().max(largest));
        let (none, length) = (vec![0; n_rows], n_rows + 1);
        let weights = |i: usize| if i < n_out { &weight[i * n_rows..][..n_rows] } else { &none };
        let mut rows = Self { n_out, n_rows, words: Vec::new(), most: 0x7fff / largest as usize / PAD * PAD };
        for p in 0..n_out.div_ceil(PANEL) {
            let (first, parts) = (rows.words.len(), rows.parts(p));
            let lines = parts.div_ceil(2);
            rows.words.resize(first + length * lines, Words::splat(0));
            for (line, l) in (0..lines).flat_map(|line| (0..WORDS).map(move |l| (line, l))) {
                let neuron = p * PANEL + 2 * line * WORDS + l;
                let (lower, upper) = (weights(neuron), weights(neuron + WORDS));
                let words = rows.words[first + line..].iter_mut().step_by(lines).map(|words| &mut words.0[l]);
                if parts == 1 {
                    words.zip(lower).for_each(|(word, &w)| *word = w as i16);
                } else {
                    let pairs = lower.iter().zip(upper);
                    words.zip(pairs).for_each(|(word, (&lower, &upper))| {
                        *word = (upper as i16) << 8 | i16::from(lower as u8) ^ BIAS;
                    });
                }
            }
        }
        rows
    }

    /// Parts of 32 neurons that panel `p` has sums of: 1, 2 or 4.
    #[inline(always)]
    pub fn parts(&self, p: usize) -> usize {
        match self.n_out - p * PANEL {
            ..=WORDS => 1,
            n if n <= 2 * WORDS => 2,
            _ => 4,
        }
    }

    /// Most rows whose sum 16 bits are sure to hold.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Number of the row of zeros.
    pub fn zeros(&self) -> u32 {
        self.n_rows as u32
    }

    /// The rows of panel `p`.
    #[inline(always)]
    fn panel<const LINES: usize>(&self, p: usize) -> &[[Words; LINES]] {
        let length = self.n_rows + 1;
        &self.words[p * PANEL / (2 * WORDS) * length..].as_chunks().0[..length]
    }

    /// The sums for each part of panel `p`, of no more rows than [`most`](Self::most); `LINES` is half of `PARTS`, rounded up.
    #[inline(always)]
    pub fn sum<W: WordIsa, const PARTS: usize, const LINES: usize>(
        &self,
        isa: W,
        p: usize,
        Arriving(index, n): Arriving<'_>,
    ) -> [W::Words; PARTS] {
        let rows = self.panel::<LINES>(p);
        let [mut sums, mut upper] = [[isa.word(0); LINES]; 2];
        for four in index.as_chunks::<PAD>().0 {
            for row in unpack(four) {
                let row = &rows[row];
                for line in 0..LINES {
                    let words = isa.load_words(&row[line]);
                    sums[line] = isa.add_words(sums[line], words);
                    if PARTS > 1 {
                        upper[line] = isa.add_words(upper[line], isa.shift_right(words, 8));
                    }
                }
            }
        }
        let mut parts = [sums[0]; PARTS];
        if PARTS > 1 {
            let bias = isa.word((n as i16).wrapping_mul(BIAS));
            for line in 0..LINES {
                let both = isa.sub_words(sums[line], isa.shift_left(upper[line], 8));
                parts[2 * line] = isa.sub_words(both, bias);
                parts[2 * line + 1] = upper[line];
            }
        }
        parts
    }

    /// The sums for each part of panel `p`, of any number of rows.
    #[inline(always)]
    pub fn sum_exactly<W: WordIsa, const PARTS: usize, const LINES: usize>(
        &self,
        isa: W,
        p: usize,
        Arriving(index, n): Arriving<'_>,
    ) -> [[i32; WORDS]; PARTS] {
        let (mut sums, mut left) = ([[0; WORDS]; PARTS], n);
        for index in index.chunks(self.most) {
            let n = left.min(index.len());
            left -= n;
            let parts = self.sum::<W, PARTS, LINES>(isa, p, Arriving(index, n));
            for part in 0..PARTS {
                let mut words = Words::splat(0);
                isa.store_words(parts[part], &mut words);
                for l in 0..WORDS {
                    sums[part][l] = i32::wrapping_add(sums[part][l], words.0[l].into());
                }
            }
        }
        sums
    }
}

impl IntegerRows {
    /// From weights (n_out, n_rows), row-major.
    pub fn new(n_out: usize, n_rows: usize, weight: &[i32]) -> Self {
        let (low, high) = weight.iter().fold((0, 0), |(low, high), &w| (w.min(low), w.max(high)));
        if i8::try_from(low).is_ok() && i8::try_from(high).is_ok() {
            return Self::Packed(PackedRows::new(n_out, n_rows, weight));
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
            let arriving = Arriving(index, n);
            match rows.parts(p) {
                1 => add_parts(sums, &rows.sum_exactly::<W, 1, 1>(isa, p, arriving)),
                2 => add_parts(sums, &rows.sum_exactly::<W, 2, 1>(isa, p, arriving)),
                _ => add_parts(sums, &rows.sum_exactly::<W, 4, 2>(isa, p, arriving)),
            }
        }
        IntegerRows::Wide(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
        IntegerRows::Widest(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
    }
}

#[inline(always)]
fn add_plain<T: Copy + Into<i32>>(panel: &[[T; PANEL]], index: &[u32], sums: &mut [Lanes<i32>]) {
    let mut parts = [[0i32; WORDS]; PANEL / WORDS];
    for &j in index {
        let row = &panel[j as usize];
        for l in 0..PANEL {
            let sum = &mut parts[l / WORDS][l % WORDS];
            *sum = sum.wrapping_add(row[l].into());
        }
    }
    add_parts(sums, &parts);
}

#[inline(always)]
fn add_parts(sums: &mut [Lanes<i32>], parts: &[[i32; WORDS]]) {
    for (sums, more) in sums.iter_mut().zip(parts.as_flattened().as_chunks::<LANES>().0) {
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
