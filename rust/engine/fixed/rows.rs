//! Integer weights by presynaptic neuron, summed in vectors.

use crate::memory::{OrUnwind, filled, product, resize};
use crate::simd::{LANES, Lanes, WORDS, WordIsa, Words, multiversion, unpack};
use crate::spikes::{PAD, PaddedRows};

/// Neurons of a panel: weights are laid out panel by panel, so that the rows of one stay in a near cache.
pub const PANEL: usize = 4 * WORDS;

/// Blocks of a panel.
pub const PANEL_BLOCKS: usize = PANEL / LANES;

/// What a weight of 0 is in the lower byte of a word: that byte has no sign of its own.
const BIAS: i16 = 0x80;

/// Holds weights onto a layer, a row for each presynaptic neuron and one of zeros after them, in the narrowest type that holds them.
#[derive(Clone, Debug)]
pub enum IntegerRows {
    /// 8 bits.
    Packed(PackedRows),
    /// 16 bits, of all rows of a panel one after the other.
    Wide(Vec<[i16; PANEL]>, usize),
    /// 32 bits.
    Widest(Vec<[i32; PANEL]>, usize),
}

/// Holds weights of 8 bits, two to a word: of 64 neurons, number l in the lower bytes, number 32 + l in the upper ones.
///
/// Sums of words and of their upper bytes alone give the sums of both, as all that wraps cancels. A last panel has shorter
/// rows, or takes up to 32 neurons more; where there are 32 neurons or fewer for a word, each has one.
#[derive(Clone, Debug)]
pub struct PackedRows {
    n_out: usize,
    /// Rows of a panel, those of zeros included.
    n_rows: usize,
    words: Vec<Words>,
    /// How many rows the sum of which 16 bits are sure to hold, a multiple of four.
    most: usize,
}

/// Lists rows that are to be summed.
#[derive(Clone, Copy)]
pub struct Arriving<'a> {
    /// Row number 0 of the list.
    pub first: usize,
    /// Padded by a row of zeros to a multiple of four.
    pub index: &'a [u32],
    /// Its length without.
    pub n: usize,
}

/// `$call` with constants for the parts of a panel, and for its lines: half of them, rounded up.
macro_rules! by_parts {
    ($of:expr, |$PARTS:ident, $LINES:ident| $call:expr) => {
        match $of {
            1 => by_parts!(@ $PARTS, $LINES, $call, 1, 1),
            2 => by_parts!(@ $PARTS, $LINES, $call, 2, 1),
            4 => by_parts!(@ $PARTS, $LINES, $call, 4, 2),
            _ => by_parts!(@ $PARTS, $LINES, $call, 5, 3),
        }
    };
    (@ $PARTS:ident, $LINES:ident, $call:expr, $parts:literal, $lines:literal) => {{
        const $PARTS: usize = $parts;
        const $LINES: usize = $lines;
        $call
    }};
}
pub(super) use by_parts;

impl PackedRows {
    /// Lays out matrices (n_out, n_rows) of weights of 8 bits, row-major, with their numbers of rows. Each is followed by a row of
    /// zeros.
    pub fn new<const N: usize>(n_out: usize, matrices: [(&[i32], usize); N]) -> Self {
        let weights = matrices.iter().flat_map(|(weight, _)| weight.iter());
        let largest = weights.fold(1, |largest, w| w.unsigned_abs().max(largest));
        let n_rows = matrices.iter().map(|(_, n_rows)| n_rows + 1).sum();
        let most = 0x7fff / largest as usize / PAD * PAD;
        let mut rows = Self { n_out, n_rows, words: Vec::new(), most };
        for p in 0..rows.n_panels() {
            let (start, parts) = (rows.words.len(), rows.parts(p));
            let n_lines = parts.div_ceil(2);
            resize(&mut rows.words, start + n_rows * n_lines, Words::splat(0));
            for line in 0..n_lines {
                let (mut words, neuron) = (&mut rows.words[start + line..], p * PANEL + 2 * line * WORDS);
                for (weight, n_rows) in matrices {
                    let is_pair = 2 * line + 1 < parts;
                    (0..WORDS).for_each(|l| set_word(words, l, n_lines, neuron + l, is_pair, n_out, weight, n_rows));
                    words = words.get_mut((n_rows + 1) * n_lines..).unwrap_or_default();
                }
            }
        }
        rows
    }

    /// Returns the number of panels.
    #[inline(always)]
    pub fn n_panels(&self) -> usize {
        let (n_full, rest) = (self.n_out / PANEL, self.n_out % PANEL);
        n_full + usize::from(n_full == 0 || rest > WORDS)
    }

    /// Returns the parts of 32 neurons that panel `p` has sums of: 1, 2, 4 or 5.
    #[inline(always)]
    pub fn parts(&self, p: usize) -> usize {
        if p + 1 < self.n_panels() {
            return PANEL / WORDS;
        }
        match (self.n_out - p * PANEL).div_ceil(WORDS) {
            3 => 4,
            parts => parts,
        }
    }

    /// Returns the most rows whose sum 16 bits are sure to hold.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Returns the sums for each part of panel `p`, of no more rows than [`most`](Self::most); `LINES` is half of `PARTS`, rounded up.
    #[inline(always)]
    pub fn sum<W: WordIsa, const PARTS: usize, const LINES: usize, const N: usize>(
        &self,
        isa: W,
        p: usize,
        arriving: &[Arriving<'_>; N],
    ) -> [W::Words; PARTS] {
        let rows = &self.words[p * PANEL / (2 * WORDS) * self.n_rows..].as_chunks::<LINES>().0[..self.n_rows];
        let [mut sums, mut upper] = [[isa.word(0); LINES]; 2];
        let mut bias = 0i16;
        for arriving in arriving {
            bias = bias.wrapping_add((arriving.n as i16).wrapping_mul(BIAS));
            let rows = &rows[arriving.first..];
            for four in arriving.index.as_chunks::<PAD>().0 {
                for row in unpack(four) {
                    let row = &rows[row];
                    for line in 0..LINES {
                        let words = isa.load_words(&row[line]);
                        sums[line] = isa.add_words(sums[line], words);
                        if 2 * line + 1 < PARTS {
                            upper[line] = isa.add_words(upper[line], isa.shift_right(words, 8));
                        }
                    }
                }
            }
        }
        let mut parts = [sums[LINES - 1]; PARTS];
        for line in 0..PARTS / 2 {
            let both = isa.sub_words(sums[line], isa.shift_left(upper[line], 8));
            parts[2 * line] = isa.sub_words(both, isa.word(bias));
            parts[2 * line + 1] = upper[line];
        }
        parts
    }

    /// Adds any number of rows onto the sums of panel `p`, as far as there are blocks of them.
    #[inline(always)]
    pub fn add_to<W: WordIsa, const PARTS: usize, const LINES: usize>(
        &self,
        isa: W,
        p: usize,
        arriving: &Arriving<'_>,
        sums: &mut [Lanes<i32>],
    ) {
        let mut left = arriving.n;
        for index in arriving.index.chunks(self.most) {
            let n = left.min(index.len());
            left -= n;
            let parts = self.sum::<W, PARTS, LINES, 1>(isa, p, &[Arriving { index, n, ..*arriving }]);
            for (part, sums) in parts.into_iter().zip(sums.chunks_mut(WORDS / LANES)) {
                for (sums, more) in sums.iter_mut().zip(isa.widen(part)) {
                    for l in 0..LANES {
                        sums[l] = sums[l].wrapping_add(more[l]);
                    }
                }
            }
        }
    }
}

/// Sets words number `l` of all rows to the weights of `neuron` or, of pairs, of the one 32 further on as well.
fn set_word(
    words: &mut [Words],
    l: usize,
    n_lines: usize,
    neuron: usize,
    is_pair: bool,
    n_out: usize,
    weight: &[i32],
    n_rows: usize,
) {
    let of = |i: usize| if i < n_out { &weight[i * n_rows..][..n_rows] } else { &[] };
    let (lower, upper) = (of(neuron), of(neuron + WORDS));
    let words = words.iter_mut().step_by(n_lines).take(n_rows).map(|words| &mut words.0[l]);
    match (is_pair, lower, upper) {
        (false, ..) => words.zip(lower).for_each(|(word, &w)| *word = w as i16),
        (true, [], _) => words.for_each(|word| *word = BIAS),
        (true, _, []) => words.zip(lower).for_each(|(word, &w)| *word = i16::from(w as u8) ^ BIAS),
        _ => words.zip(lower.iter().zip(upper)).for_each(|(word, (&lower, &upper))| {
            *word = (upper as i16) << 8 | i16::from(lower as u8) ^ BIAS;
        }),
    }
}

impl IntegerRows {
    /// Lays out weights (n_out, n_rows), row-major.
    pub fn new(n_out: usize, n_rows: usize, weight: &[i32]) -> Self {
        let (low, high) = weight.iter().fold((0, 0), |(low, high), &w| (w.min(low), w.max(high)));
        if i8::try_from(low).is_ok() && i8::try_from(high).is_ok() {
            return Self::Packed(PackedRows::new(n_out, [(weight, n_rows)]));
        }
        if i16::try_from(low).is_ok() && i16::try_from(high).is_ok() {
            return Self::Wide(panels(n_out, n_rows, weight, |w| w as i16), n_rows);
        }
        Self::Widest(panels(n_out, n_rows, weight, |w| w), n_rows)
    }

    fn n_panels(&self, n_blocks: usize) -> usize {
        match self {
            Self::Packed(rows) => rows.n_panels(),
            _ => n_blocks.div_ceil(PANEL_BLOCKS),
        }
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

/// Lays rows out panel by panel, padded with zeros.
fn panels<T: Copy + Default>(n_out: usize, n_rows: usize, weight: &[i32], narrow: fn(i32) -> T) -> Vec<[T; PANEL]> {
    let n = product(&[n_out.div_ceil(PANEL), n_rows + 1]);
    let mut rows = filled("weights", n, [T::default(); PANEL]).or_unwind();
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
            let arriving = Arriving { first: 0, index, n };
            by_parts!(rows.parts(p), |PARTS, LINES| rows.add_to::<W, PARTS, LINES>(isa, p, &arriving, sums))
        }
        IntegerRows::Wide(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
        IntegerRows::Widest(rows, n_rows) => add_plain(&rows[p * (n_rows + 1)..], &index[..n], sums),
    }
}

#[inline(always)]
fn add_plain<T: Copy + Into<i32>>(panel: &[[T; PANEL]], index: &[u32], sums: &mut [Lanes<i32>]) {
    let mut more = [0i32; PANEL];
    for &j in index {
        let row = &panel[j as usize];
        for l in 0..PANEL {
            more[l] = more[l].wrapping_add(row[l].into());
        }
    }
    for (sums, more) in sums.iter_mut().zip(more.as_chunks::<LANES>().0) {
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
    for p in 0..rows.n_panels(n_blocks) {
        for (t, sums) in (first..).zip(sums.chunks_exact_mut(n_blocks)) {
            let (index, n) = (below.padded(t - 1), below.lengths()[t - 1] as usize);
            add_panel(isa, rows, p, index, n, &mut sums[p * PANEL_BLOCKS..]);
        }
    }
}

#[inline(always)]
fn add_list_body<W: WordIsa>(isa: W, rows: &IntegerRows, index: &[u32], n: usize, sums: &mut [Lanes<i32>]) {
    for p in 0..rows.n_panels(sums.len()) {
        add_panel(isa, rows, p, index, n, &mut sums[p * PANEL_BLOCKS..]);
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
