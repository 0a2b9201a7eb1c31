//! Blocks of 16 neurons stepped in vectors: the same bits as [`FixedLif::step`].

use std::ops::{Add, BitAnd, Mul, Neg, Shl, Shr, Sub};

use super::format::{Decay, FiresAt, Overflow, PerNeuron, Reset, Rounding, Rules};
use super::neuron::{At, FixedLif, FixedState, Overflows};
use crate::simd::{LANES, LaneMask, Lanes, multiversion};

/// Most bits of a factor with which products need no more than 32 bits.
const NARROW_FACTOR: u32 = 15;

/// Longest shift whose rounding needs no more than 32 bits.
const NARROW_SHIFT: u32 = 30;

type Ints<T> = [T; LANES];

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
        (FixedState { u: self.u[lane].into(), v: self.v[lane].into() }, self.held[lane] as u64)
    }

    /// Sets what [`neuron`](Self::neuron) gives.
    pub fn set_neuron(&mut self, lane: usize, state: FixedState, held: u64) {
        (self.u[lane], self.v[lane], self.held[lane]) = (state.u as i32, state.v as i32, held as i32);
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
        }
    }
}

fn is_narrow(decay: &Decay) -> bool {
    match decay {
        Decay::Multiply { bits, .. } => *bits <= NARROW_FACTOR,
        Decay::Shift { shift, .. } => shift.values().iter().all(|&shift| shift <= NARROW_SHIFT),
    }
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
            one_by_one: format.rules != Rules::Lif || format.rounding == Rounding::Stochastic || format.max_spikes > 1,
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

    /// Whether neurons are to be stepped one by one, as their spikes or draws are of each alone.
    pub fn one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// Steps all blocks through a window of steps, with the sums that arrive at each, (n_steps, n_blocks), which are then
    /// zero; who fired at each, likewise. What did not fit.
    #[inline]
    pub fn run(&self, blocks: &mut [FixedBlock], input: &mut [Lanes<i32>], fired: &mut [LaneMask]) -> Overflows {
        run_blocks(self, blocks, input, fired)
    }

    /// Steps a neuron of a block by itself; the number of its spikes.
    pub fn step_one(
        &self,
        neuron: usize,
        step: u64,
        block: &mut FixedBlock,
        input: i32,
        overflows: &mut Overflows,
    ) -> u32 {
        let lane = neuron % LANES;
        let (state, held) = block.neuron(lane);
        let after = self.lif.step(At { neuron, step }, state, held > 0, input.into());
        *overflows += after.overflows;
        let t_ref = u64::from(self.lif.params().t_ref_steps);
        block.set_neuron(lane, after.state, if after.spikes > 0 { t_ref } else { held.saturating_sub(1) });
        after.spikes
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
    + Neg<Output = Self>
    + BitAnd<Output = Self>
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

/// Rounds floors, given what is left of each in units of 2^-bits.
#[inline(always)]
fn rounded<T: Word>(mut floor: Ints<T>, rest: Ints<T>, bits: Ints<u32>, rounding: Rounding) -> Ints<T> {
    let (zero, one) = (T::from(0), T::from(1));
    match rounding {
        Rounding::Floor | Rounding::Stochastic => {}
        Rounding::TowardZero => {
            for l in 0..LANES {
                floor[l] = floor[l] + T::from(i32::from(floor[l] < zero && rest[l] != zero));
            }
        }
        Rounding::Nearest => {
            for l in 0..LANES {
                floor[l] = floor[l] + ((rest[l] + ((one << bits[l]) >> 1)) >> bits[l]);
            }
        }
        Rounding::NearestEven => {
            for l in 0..LANES {
                let half = (one << bits[l]) >> 1;
                let beyond = (rest[l] + half + (floor[l] & one) - one).max(zero);
                floor[l] = floor[l] + (beyond >> bits[l]);
            }
        }
    }
    floor
}

/// x / 2^bits, rounded.
#[inline(always)]
fn shifted<T: Word>(x: &Ints<i32>, bits: Ints<u32>, rounding: Rounding) -> Ints<T> {
    let (mut floor, mut rest) = ([T::from(0); LANES], [T::from(0); LANES]);
    for l in 0..LANES {
        let x = T::from(x[l]);
        floor[l] = x >> bits[l];
        rest[l] = x - (floor[l] << bits[l]);
    }
    rounded(floor, rest, bits, rounding)
}

#[inline(always)]
fn decayed<T: Word>(x: &Ints<i32>, decay: &LaneDecay, block: usize, rounding: Rounding) -> Ints<T> {
    let by = decay.by.get(block);
    match decay.kind {
        Kind::Multiply { bits } => {
            let (mut floor, mut rest) = ([T::from(0); LANES], [T::from(0); LANES]);
            for l in 0..LANES {
                (floor[l], rest[l]) = T::product(x[l], by[l], bits);
            }
            rounded(floor, rest, [bits; LANES], rounding)
        }
        Kind::Shift { least_one } => {
            let mut lost = shifted::<T>(x, by.map(|shift| shift as u32), rounding);
            for l in 0..LANES {
                let x = T::from(x[l]);
                if least_one && lost[l] == T::from(0) {
                    lost[l] = T::from(i32::from(x > T::from(0)) - i32::from(x < T::from(0)));
                }
                lost[l] = x - lost[l];
            }
            lost
        }
    }
}

/// Fits numbers into a format, and says which were changed.
#[inline(always)]
fn fitted<T: Word>(x: &Ints<T>, bits: u32, overflow: Overflow, fits: &FormatRange<T>) -> (Ints<i32>, Ints<i32>) {
    let (mut kept, mut changed) = ([0; LANES], [0; LANES]);
    let unused = T::BITS - bits;
    for l in 0..LANES {
        let fitted = match overflow {
            Overflow::Saturate | Overflow::SaturateSymmetric => x[l].max(fits.low).min(fits.high),
            Overflow::Wrap => x[l] << unused >> unused,
            Overflow::WrapUpper => -(-x[l] << unused >> unused),
        };
        changed[l] = i32::from(fitted != x[l]);
        kept[l] = fitted.low();
    }
    (kept, changed)
}

struct FormatRange<T> {
    low: T,
    high: T,
}

impl<T: Word> FormatRange<T> {
    #[inline(always)]
    fn new(overflow: Overflow, bits: u32) -> Self {
        let (low, high) = overflow.range(bits);
        Self { low: T::from(low as i32), high: T::from(high as i32) }
    }
}

#[inline(always)]
fn step_words<T: Word>(
    lanes: &FixedLanes,
    number: usize,
    block: &mut FixedBlock,
    input: &Lanes<i32>,
) -> (LaneMask, Overflows) {
    let format = lanes.lif.params();
    let rounding = format.rounding;
    let mut u = decayed::<T>(&block.u, &lanes.current_decay, number, rounding);
    for l in 0..LANES {
        u[l] = u[l] + (T::from(input[l]) << format.input_shift);
    }
    let (bits, overflow) = (format.current_bits, format.current_overflow);
    let (u, u_changed) = fitted(&u, bits, overflow, &FormatRange::new(overflow, bits));

    let mut v = decayed::<T>(&block.v, &lanes.membrane_decay, number, rounding);
    let gained = shifted::<T>(&u, [format.gain_shift; LANES], rounding);
    let (bias, v_th) = (lanes.bias.get(number), lanes.v_th.get(number));
    for l in 0..LANES {
        v[l] = v[l] + T::from(bias[l]) + gained[l];
    }
    let (bits, overflow) = (format.membrane_bits, format.membrane_overflow);
    let (v, v_changed) = fitted(&v, bits, overflow, &FormatRange::new(overflow, bits));

    let (at, subtracts) = (i32::from(format.fires_at == FiresAt::Threshold), format.reset == Reset::Subtract);
    let t_ref = format.t_ref_steps as i32;
    let (mut fired, mut any, mut n_u, mut n_v) = ([0i32; LANES], 0, 0, 0);
    for l in 0..LANES {
        let is_free = block.held[l] == 0;
        let fires = is_free && v[l] > v_th[l] - at;
        let left = if subtracts { v[l].wrapping_sub(v_th[l]) } else { 0 };
        let after = if fires { left } else { v[l] };
        block.v[l] = if is_free { after } else { block.v[l] };
        block.held[l] = if fires { t_ref } else { block.held[l] - i32::from(!is_free) };
        fired[l] = i32::from(fires);
        any |= fired[l];
        n_u += u_changed[l];
        n_v += if is_free { v_changed[l] } else { 0 };
    }
    block.u = Lanes(u);
    let mut mask = 0;
    if any != 0 {
        for l in 0..LANES {
            mask |= (fired[l] as LaneMask) << l;
        }
    }
    (mask, Overflows { current: n_u as u64, membrane: n_v as u64 })
}

#[inline(always)]
fn run_words<T: Word>(
    lanes: &FixedLanes,
    blocks: &mut [FixedBlock],
    input: &mut [Lanes<i32>],
    fired: &mut [LaneMask],
) -> Overflows {
    let n_blocks = blocks.len();
    let mut overflows = Overflows::default();
    for (b, block) in blocks.iter_mut().enumerate() {
        let steps = input[b..].iter_mut().step_by(n_blocks).zip(fired[b..].iter_mut().step_by(n_blocks));
        for (input, fired) in steps {
            let (mask, changed) = step_words::<T>(lanes, b, block, input);
            *fired = mask;
            overflows += changed;
            *input = Lanes([0; LANES]);
        }
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
    match lanes.wide {
        true => run_words::<i64>(lanes, blocks, input, fired),
        false => run_words::<i32>(lanes, blocks, input, fired),
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
