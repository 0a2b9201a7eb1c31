//! Integers, rounding, decays and overflow, without branches.

use std::ops::{Add, BitAnd, BitXor, Mul, Shl, Shr, Sub};

use super::decay::{Kind, LaneDecay};
use crate::neuron::fixed::{Overflow, Rounding};
use crate::simd::Lanes;

/// A word is an integer that a step computes with.
pub(super) trait Word:
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

    /// Returns what is known to have 32 bits, or cuts the rest off.
    fn low(self) -> i32;

    /// Returns the floor of x `factor` / 2^bits, a factor of 32 bits without sign, and what is left of x `factor`.
    fn product(x: i32, factor: i32, bits: u32) -> (Self, Self);
}

impl Word for i32 {
    const BITS: u32 = 32;

    #[inline(always)]
    fn low(self) -> i32 {
        self
    }

    /// Multiplies high and low bits of x apart, so that neither product has more than 32 bits.
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

/// A rounder rounds without branches.
pub(super) trait Rounder<T: Word>: Copy {
    fn new(rounding: Rounding) -> Self;

    /// Rounds a floor, given what is left in units of 2^-bits.
    fn round(self, floor: T, rest: T, bits: u32) -> T;

    /// Returns x / 2^bits, rounded.
    #[inline(always)]
    fn shift(self, x: T, bits: u32) -> T {
        let floor = x >> bits;
        self.round(floor, x - (floor << bits), bits)
    }
}

/// Rounds in any way that is not stochastic.
#[derive(Clone, Copy)]
pub(super) struct AnyRounder<T> {
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

/// Rounds to the nearest, halves up.
#[derive(Clone, Copy)]
pub(super) struct Nearest;

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

/// Rounds down.
#[derive(Clone, Copy)]
pub(super) struct Floor;

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

/// Drops the fraction.
#[derive(Clone, Copy)]
pub(super) struct TowardZero;

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

/// Applies a decay of one kind or the other.
#[derive(Clone, Copy)]
pub(super) struct Decaying<'a> {
    by: &'a Lanes<i32>,
    bits: u32,
    /// All bits if what is not 0 loses at least 1.
    least_one: i32,
}

impl<'a> Decaying<'a> {
    #[inline(always)]
    pub(super) fn new(decay: &'a LaneDecay, block: usize) -> Self {
        let (bits, least_one) = match decay.kind {
            Kind::Multiply { bits } => (bits, false),
            Kind::Shift { least_one } => (0, least_one),
        };
        Self { by: decay.by.get(block), bits, least_one: -i32::from(least_one) }
    }

    #[inline(always)]
    pub(super) fn apply<T: Word, const MULTIPLIES: bool>(self, x: i32, lane: usize, rounder: impl Rounder<T>) -> T {
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

/// Fits numbers to a format without branches.
#[derive(Clone, Copy)]
pub(super) struct Fitting<T> {
    low: T,
    high: T,
    unused: u32,
    wraps: bool,
    /// All bits if numbers are wrapped with their sign changed.
    upper: T,
}

impl<T: Word> Fitting<T> {
    #[inline(always)]
    pub(super) fn new(overflow: Overflow, bits: u32) -> Self {
        let (low, high) = overflow.range(bits);
        Self {
            low: T::from(low as i32),
            high: T::from(high as i32),
            unused: T::BITS - bits,
            wraps: !overflow.saturates(),
            upper: T::from(-i32::from(overflow == Overflow::WrapUpper)),
        }
    }

    /// Returns what fits, and 1 if it is another number.
    #[inline(always)]
    pub(super) fn fit<const SATURATES: bool>(self, x: T) -> (i32, i32) {
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
