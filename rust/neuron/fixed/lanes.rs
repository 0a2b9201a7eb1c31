//! Blocks of 16 neurons stepped in vectors: the same bits as [`FixedLif::step`].

use std::ops::{Add, BitAnd, BitXor, Mul, Shl, Shr, Sub};

use super::format::{Decay, FiresAt, FixedParams, Overflow, PerNeuron, Reset, Rounding, Rules};
use super::{FixedLif, FixedState, Overflows};
use crate::simd::{LANES, LaneMask, Lanes, multiversion};

/// Most bits of a factor with which products need no more than 32 bits.
const NARROW_FACTOR: u32 = 15;

/// Longest shift whose rounding needs no more than 32 bits.
const NARROW_SHIFT: u32 = 30;

/// State of sixteen neurons.
#[derive(Clone, Copy, Debug)]
pub struct FixedBlock {
    u: Lanes<i32>,
    v: Lanes<i32>,
    /// Steps for which each is still held.
    held: Lanes<i32>,
}

impl FixedBlock {
    /// All zero.
    pub fn zero() -> Self {
        let zero = Lanes([0; LANES]);
        Self { u: zero, v: zero, held: zero }
    }

    /// State of a neuron, and the steps for which it is still held.
    pub fn neuron(&self, lane: usize) -> (FixedState, u64) {
        (FixedState::new(self.u[lane].into(), self.v[lane].into()), self.held[lane] as u64)
    }

    /// Sets what [`neuron`](Self::neuron) gives.
    pub fn set_neuron(&mut self, lane: usize, state: FixedState, held: u64) {
        (self.u[lane], self.v[lane], self.held[lane]) = (state.u.x, state.v.x, held as i32);
    }
}

/// A constant of every neuron; where the last block has none, one that keeps all at rest.
#[derive(Clone, Debug)]
struct PerBlock {
    /// Of each block, or of all but the last one and of the last one.
    lanes: Vec<Lanes<i32>>,
    /// Number of the last block, if all are alike.
    last: Option<usize>,
}

impl PerBlock {
    fn new<T: Copy>(values: &PerNeuron<T>, n: usize, resting: i32, number: impl Fn(T) -> i32) -> Self {
        let n_blocks = n.div_ceil(LANES);
        let block = |b: usize| {
            Lanes(std::array::from_fn(|l| if b * LANES + l < n { number(values.get(b * LANES + l)) } else { resting }))
        };
        match values {
            PerNeuron::Same(value) => {
                Self { lanes: vec![Lanes([number(*value); LANES]), block(n_blocks - 1)], last: Some(n_blocks - 1) }
            }
            PerNeuron::Each(_) => Self { lanes: (0..n_blocks).map(block).collect(), last: None },
        }
    }

    #[inline(always)]
    fn get(&self, block: usize) -> &Lanes<i32> {
        match self.last {
            Some(last) => &self.lanes[usize::from(block == last)],
            None => &self.lanes[block],
        }
    }
}

/// What a step leaves of a state.
#[derive(Clone, Debug)]
struct LaneDecay {
    kind: Kind,
    /// Factors or shifts.
    by: PerBlock,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Multiply { bits: u32 },
    Shift { least_one: bool },
}

impl LaneDecay {
    fn new(decay: &Decay, n: usize) -> Self {
        match decay {
            Decay::Multiply { factor, bits } => {
                Self { kind: Kind::Multiply { bits: *bits }, by: PerBlock::new(factor, n, 0, |factor| factor as i32) }
            }
            Decay::Shift { shift, least_one } => Self {
                kind: Kind::Shift { least_one: *least_one },
                by: PerBlock::new(shift, n, 0, |shift| shift as i32),
            },
            // Neurons with tables are stepped one by one.
            Decay::Table { .. } => Self {
                kind: Kind::Shift { least_one: false },
                by: PerBlock::new(&PerNeuron::Same(0), n, 0, |shift| shift),
            },
        }
    }
}

fn is_narrow(decay: &Decay) -> bool {
    match decay {
        Decay::Multiply { bits, .. } => *bits <= NARROW_FACTOR,
        Decay::Shift { shift, .. } => shift.values().iter().all(|&shift| shift <= NARROW_SHIFT),
        Decay::Table { .. } => true,
    }
}

/// Whether blocks have no step for a format.
fn is_single(format: &FixedParams) -> bool {
    let is_table = |decay: &Decay| matches!(decay, Decay::Table { .. });
    format.rules != Rules::Lif
        || format.rounding == Rounding::Stochastic
        || format.max_spikes > 1
        || is_table(&format.current_decay)
        || is_table(&format.membrane_decay)
}

/// The neurons of a population, for steps of blocks.
#[derive(Clone, Debug)]
pub struct FixedLanes {
    lif: FixedLif,
    current_decay: LaneDecay,
    membrane_decay: LaneDecay,
    bias: PerBlock,
    v_th: PerBlock,
    /// Whether some number of a step may need more than 32 bits.
    wide: bool,
    /// Whether neurons are stepped one by one.
    one_by_one: bool,
}

impl FixedLanes {
    /// Of `n` neurons onto each of which at most `most` arrives at a step, positive or negative.
    pub fn new(lif: FixedLif, n: usize, most: i64) -> Self {
        let format = lif.params();
        Self {
            current_decay: LaneDecay::new(&format.current_decay, n),
            membrane_decay: LaneDecay::new(&format.membrane_decay, n),
            bias: PerBlock::new(&format.bias, n, 0, |bias| bias),
            v_th: PerBlock::new(&format.v_th, n, i32::MAX, |v_th| v_th),
            wide: !(is_narrow(&format.current_decay)
                && is_narrow(&format.membrane_decay)
                && Self::sums_fit(&lif, most)),
            one_by_one: is_single(format),
            lif,
        }
    }

    /// Whether all sums of a step have 32 bits, if at most `most` arrives.
    pub fn sums_fit(lif: &FixedLif, most: i64) -> bool {
        let format = lif.params();
        let bias = format.bias.values().iter().map(|&bias| i64::from(bias).abs()).max().unwrap_or(0);
        let (u, v) = (1i64 << (format.current_bits - 1), 1i64 << (format.membrane_bits - 1));
        let fits = |x: i64| x < 1 << 31;
        format.gain_shift <= NARROW_SHIFT
            && fits(most)
            && fits(u + (most << format.input_shift))
            && fits(v + bias + (u >> format.gain_shift) + 1)
    }

    /// The neurons one by one.
    pub fn lif(&self) -> &FixedLif {
        &self.lif
    }

    /// Whether neurons are to be stepped one by one, as their spikes, draws or ages are of each alone.
    pub fn one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// Steps all blocks through a window of steps, with the sums that arrive at each, (n_steps, n_blocks), which are then
    /// zero; who fired at each, likewise. What did not fit.
    #[inline]
    pub fn run(&self, blocks: &mut [FixedBlock], input: &mut [Lanes<i32>], fired: &mut [LaneMask]) -> Overflows {
        run_blocks(self, blocks, input, fired)
    }
}

/// Integers that a step computes with.
trait Word:
    Copy
    + Ord
    + From<i32>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + BitAnd<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    const BITS: u32;

    /// What is known to have 32 bits, or is cut off.
    fn low(self) -> i32;

    /// Floor of x `factor` / 2^bits, a factor of 32 bits without sign, and what is left of x `factor`.
    fn product(x: i32, factor: i32, bits: u32) -> (Self, Self);
}

impl Word for i32 {
    const BITS: u32 = 32;

    #[inline(always)]
    fn low(self) -> i32 {
        self
    }

    /// High and low bits of x apart, so that neither product has more than 32 bits.
    #[inline(always)]
    fn product(x: i32, factor: i32, bits: u32) -> (i32, i32) {
        let below = (1 << bits) - 1;
        let low = (x & below) * factor;
        ((x >> bits) * factor + (low >> bits), low & below)
    }
}

impl Word for i64 {
    const BITS: u32 = 64;

    #[inline(always)]
    fn low(self) -> i32 {
        self as i32
    }

    #[inline(always)]
    fn product(x: i32, factor: i32, bits: u32) -> (i64, i64) {
        let product = i64::from(x) * i64::from(factor as u32);
        (product >> bits, product & ((1 << bits) - 1))
    }
}

/// A rounding, without branches.
trait Rounder<T: Word>: Copy {
    fn new(rounding: Rounding) -> Self;

    /// Rounds a floor, given what is left in units of 2^-bits.
    fn round(self, floor: T, rest: T, bits: u32) -> T;

    /// x / 2^bits, rounded.
    #[inline(always)]
    fn shift(self, x: T, bits: u32) -> T {
        let floor = x >> bits;
        self.round(floor, x - (floor << bits), bits)
    }
}

/// Any that is not stochastic.
#[derive(Clone, Copy)]
struct AnyRounder<T> {
    /// All bits if halves go up or to the even number.
    near: T,
    /// 1 if they go to the even number.
    even: T,
    /// All bits if fractions are dropped.
    toward_zero: T,
}

impl<T: Word> Rounder<T> for AnyRounder<T> {
    #[inline(always)]
    fn new(rounding: Rounding) -> Self {
        let all = |holds: bool| T::from(-i32::from(holds));
        Self {
            near: all(matches!(rounding, Rounding::Nearest | Rounding::NearestEven)),
            even: T::from(i32::from(rounding == Rounding::NearestEven)),
            toward_zero: all(rounding == Rounding::TowardZero),
        }
    }

    #[inline(always)]
    fn round(self, floor: T, rest: T, bits: u32) -> T {
        let unit = T::from(1) << bits;
        let half = unit >> 1;
        // Nothing to round without bits.
        let even = self.even.min(half);
        let negative = floor >> (T::BITS - 1);
        let add = (half & self.near) - even + (floor & even) + ((unit - T::from(1)) & negative & self.toward_zero);
        floor + ((rest + add) >> bits)
    }
}

/// To the nearest, halves up.
#[derive(Clone, Copy)]
struct Nearest;

impl<T: Word> Rounder<T> for Nearest {
    #[inline(always)]
    fn new(_: Rounding) -> Self {
        Self
    }

    #[inline(always)]
    fn round(self, floor: T, rest: T, bits: u32) -> T {
        floor + ((rest + (T::from(1) << bits >> 1)) >> bits)
    }
}

/// Down.
#[derive(Clone, Copy)]
struct Floor;

impl<T: Word> Rounder<T> for Floor {
    #[inline(always)]
    fn new(_: Rounding) -> Self {
        Self
    }

    #[inline(always)]
    fn round(self, floor: T, _: T, _: u32) -> T {
        floor
    }
}

/// The fraction is dropped.
#[derive(Clone, Copy)]
struct TowardZero;

impl<T: Word> Rounder<T> for TowardZero {
    #[inline(always)]
    fn new(_: Rounding) -> Self {
        Self
    }

    #[inline(always)]
    fn round(self, floor: T, rest: T, bits: u32) -> T {
        let negative = floor >> (T::BITS - 1);
        floor + ((rest + (((T::from(1) << bits) - T::from(1)) & negative)) >> bits)
    }
}

/// A decay, of one kind or the other.
#[derive(Clone, Copy)]
struct Decaying<'a> {
    by: &'a Lanes<i32>,
    bits: u32,
    /// All bits if what is not 0 loses at least 1.
    least_one: i32,
}

impl<'a> Decaying<'a> {
    #[inline(always)]
    fn new(decay: &'a LaneDecay, block: usize) -> Self {
        let (bits, least_one) = match decay.kind {
            Kind::Multiply { bits } => (bits, false),
            Kind::Shift { least_one } => (0, least_one),
        };
        Self { by: decay.by.get(block), bits, least_one: -i32::from(least_one) }
    }

    #[inline(always)]
    fn apply<T: Word, const MULTIPLIES: bool>(self, x: i32, lane: usize, rounder: impl Rounder<T>) -> T {
        if MULTIPLIES {
            let (floor, rest) = T::product(x, self.by[lane], self.bits);
            return rounder.round(floor, rest, self.bits);
        }
        let wide = T::from(x);
        let lost = rounder.shift(wide, self.by[lane] as u32);
        let sign = (i32::from(x > 0) - i32::from(x < 0)) & self.least_one;
        wide - if lost == T::from(0) { T::from(sign) } else { lost }
    }
}

/// A format, without branches.
#[derive(Clone, Copy)]
struct Fitting<T> {
    low: T,
    high: T,
    unused: u32,
    wraps: bool,
    /// All bits if numbers are wrapped with their sign changed.
    upper: T,
}

impl<T: Word> Fitting<T> {
    #[inline(always)]
    fn new(overflow: Overflow, bits: u32) -> Self {
        let (low, high) = overflow.range(bits);
        Self {
            low: T::from(low as i32),
            high: T::from(high as i32),
            unused: T::BITS - bits,
            wraps: !overflow.saturates(),
            upper: T::from(-i32::from(overflow == Overflow::WrapUpper)),
        }
    }

    /// What fits, and 1 if it is another number.
    #[inline(always)]
    fn fit<const SATURATES: bool>(self, x: T) -> (i32, i32) {
        if SATURATES {
            let kept = x.max(self.low).min(self.high);
            return (kept.low(), i32::from(kept != x));
        }
        let negated = |x: T| (x ^ self.upper) - self.upper;
        let wrapped = negated(negated(x) << self.unused >> self.unused);
        let saturated = x.max(self.low).min(self.high);
        let kept = if self.wraps { wrapped } else { saturated };
        (kept.low(), i32::from(kept != x))
    }
}

/// `yes` where all bits are set, `no` where none is.
#[inline(always)]
fn choose(mask: i32, yes: i32, no: i32) -> i32 {
    (yes & mask) | (no & !mask)
}

/// A step of a block, in one loop without branches, which the compiler turns into vectors.
#[inline(always)]
fn step_words<T: Word, R: Rounder<T>, const CURRENT: bool, const MEMBRANE: bool, const SATURATES: bool>(
    lanes: &FixedLanes,
    number: usize,
    block: FixedBlock,
    input: &Lanes<i32>,
) -> (FixedBlock, LaneMask, Overflows) {
    let format = lanes.lif.params();
    let rounder = R::new(format.rounding);
    let current = Decaying::new(&lanes.current_decay, number);
    let membrane = Decaying::new(&lanes.membrane_decay, number);
    let fits_u = Fitting::<T>::new(format.current_overflow, format.current_bits);
    let fits_v = Fitting::<T>::new(format.membrane_overflow, format.membrane_bits);
    let (bias, v_th) = (lanes.bias.get(number), lanes.v_th.get(number));
    let at = i32::from(format.fires_at == FiresAt::Threshold);
    let subtracted = -i32::from(format.reset == Reset::Subtract);
    let (t_ref, input_shift, gain_shift) = (format.t_ref_steps as i32, format.input_shift, format.gain_shift);
    let (mut fired, mut n_u, mut n_v) = ([0i32; LANES], 0, 0);
    // Without conditions, and not in place: a store of some lanes would have to end before they can be read again.
    let mut next = FixedBlock::zero();
    for l in 0..LANES {
        let u = current.apply::<T, CURRENT>(block.u[l], l, rounder) + (T::from(input[l]) << input_shift);
        let (u, u_changed) = fits_u.fit::<SATURATES>(u);
        let v = membrane.apply::<T, MEMBRANE>(block.v[l], l, rounder);
        let (v, v_changed) = fits_v.fit::<SATURATES>(v + T::from(bias[l]) + rounder.shift(T::from(u), gain_shift));
        let free = -i32::from(block.held[l] == 0);
        let fires = -i32::from(v > v_th[l] - at) & free;
        let after = choose(fires, v.wrapping_sub(v_th[l]) & subtracted, v);
        next.u[l] = u;
        next.v[l] = choose(free, after, block.v[l]);
        next.held[l] = choose(fires, t_ref, block.held[l] - 1 - free);
        fired[l] = fires & 1;
        n_u += u_changed;
        n_v += v_changed & free;
    }
    let mut mask = 0;
    if fired.iter().fold(0, |any, fires| any | fires) != 0 {
        for l in 0..LANES {
            mask |= (fired[l] as LaneMask) << l;
        }
    }
    (next, mask, Overflows { current: n_u as u64, membrane: n_v as u64 })
}

#[inline(always)]
fn run_words<T: Word, R: Rounder<T>, const CURRENT: bool, const MEMBRANE: bool, const SATURATES: bool>(
    lanes: &FixedLanes,
    blocks: &mut [FixedBlock],
    input: &mut [Lanes<i32>],
    fired: &mut [LaneMask],
) -> Overflows {
    let n_blocks = blocks.len();
    let mut overflows = Overflows::default();
    for (b, block) in blocks.iter_mut().enumerate() {
        let steps = input[b..].iter_mut().step_by(n_blocks).zip(fired[b..].iter_mut().step_by(n_blocks));
        let mut state = *block;
        for (input, fired) in steps {
            let (next, mask, changed) = step_words::<T, R, CURRENT, MEMBRANE, SATURATES>(lanes, b, state, input);
            state = next;
            *fired = mask;
            overflows += changed;
            *input = Lanes([0; LANES]);
        }
        *block = state;
    }
    overflows
}

#[inline(always)]
fn run_blocks_body(
    lanes: &FixedLanes,
    blocks: &mut [FixedBlock],
    input: &mut [Lanes<i32>],
    fired: &mut [LaneMask],
) -> Overflows {
    let format = lanes.lif.params();
    let multiplies = [&lanes.current_decay, &lanes.membrane_decay].map(|by| matches!(by.kind, Kind::Multiply { .. }));
    let saturates = format.current_overflow.saturates() && format.membrane_overflow.saturates();
    macro_rules! run {
        ($word:ty, $rounder:ty, $current:literal, $membrane:literal, $saturates:literal) => {
            run_words::<$word, $rounder, $current, $membrane, $saturates>(lanes, blocks, input, fired)
        };
    }
    // What is common is compiled by itself; all else decides within the loop.
    match (lanes.wide, multiplies, saturates, format.rounding) {
        (false, [true, true], true, Rounding::Nearest) => run!(i32, Nearest, true, true, true),
        (false, [true, true], true, Rounding::Floor) => run!(i32, Floor, true, true, true),
        (false, [true, true], true, Rounding::TowardZero) => run!(i32, TowardZero, true, true, true),
        (false, [false, false], true, Rounding::Nearest) => run!(i32, Nearest, false, false, true),
        (false, [false, false], true, Rounding::Floor) => run!(i32, Floor, false, false, true),
        (false, [false, false], true, Rounding::TowardZero) => run!(i32, TowardZero, false, false, true),
        (false, [false, false], ..) => run!(i32, AnyRounder<i32>, false, false, false),
        (false, [false, true], ..) => run!(i32, AnyRounder<i32>, false, true, false),
        (false, [true, false], ..) => run!(i32, AnyRounder<i32>, true, false, false),
        (false, [true, true], ..) => run!(i32, AnyRounder<i32>, true, true, false),
        (true, [false, false], ..) => run!(i64, AnyRounder<i64>, false, false, false),
        (true, [false, true], ..) => run!(i64, AnyRounder<i64>, false, true, false),
        (true, [true, false], ..) => run!(i64, AnyRounder<i64>, true, false, false),
        (true, [true, true], ..) => run!(i64, AnyRounder<i64>, true, true, false),
    }
}

multiversion! {
    /// Steps all blocks through a window.
    fn run_blocks(
        lanes: &FixedLanes,
        blocks: &mut [FixedBlock],
        input: &mut [Lanes<i32>],
        fired: &mut [LaneMask],
    ) -> Overflows = run_blocks_body
}

#[cfg(test)]
mod tests;
