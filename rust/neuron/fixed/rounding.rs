//! Rounding, overflow, and the draws of stochastic rounding.

use super::format::{Decay, Overflow, Rounding};

/// Bits of a draw.
const DRAW_BITS: u32 = 32;

/// x / 2^bits, rounded, for bits <= 32; `draw` decides where the rounding is stochastic.
#[inline(always)]
pub fn round_shift(x: i64, bits: u32, rounding: Rounding, draw: u32) -> i64 {
    let (floor, rest) = (x >> bits, x & ((1 << bits) - 1));
    let half = (1 << bits) >> 1;
    let up = match rounding {
        Rounding::Floor => false,
        Rounding::TowardZero => x < 0 && rest != 0,
        Rounding::Nearest => rest >= half && rest != 0,
        Rounding::NearestEven => rest != 0 && (rest > half || rest == half && floor & 1 == 1),
        Rounding::Stochastic => (rest + (i64::from(draw) >> (DRAW_BITS - bits))) >> bits != 0,
    };
    floor + i64::from(up)
}

impl Overflow {
    /// What a format of `bits` bits makes of a number.
    #[inline(always)]
    pub fn fit(self, x: i64, bits: u32) -> i64 {
        let unused = i64::BITS - bits;
        match self {
            Self::Saturate | Self::SaturateSymmetric => {
                let (low, high) = self.range(bits);
                x.clamp(low, high)
            }
            Self::Wrap => x << unused >> unused,
            Self::WrapUpper => -(-x << unused >> unused),
        }
    }
}

impl Decay {
    /// What is left of a state of 32 bits that was x `age` steps ago; where there is no table, one step ago.
    #[inline(always)]
    pub fn apply(&self, x: i64, age: usize, neuron: usize, rounding: Rounding, draw: u32) -> i64 {
        match self {
            Self::Multiply { factor, bits } => round_shift(x * i64::from(factor.get(neuron)), *bits, rounding, draw),
            Self::Table { factors, bits } => round_shift(x * i64::from(factors[age - 1]), *bits, rounding, draw),
            Self::Shift { shift, least_one } => {
                let lost = round_shift(x, shift.get(neuron), rounding, draw);
                x - if *least_one && lost == 0 { x.signum() } else { lost }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_draws() {
        use Rounding::*;
        let halves = |rounding| [-5, -3, -2, -1, 1, 3, 4, 5].map(|x| round_shift(x, 1, rounding, 0));
        assert_eq!(halves(TowardZero), [-2, -1, -1, 0, 0, 1, 2, 2]);
        assert_eq!(halves(Floor), [-3, -2, -1, -1, 0, 1, 2, 2]);
        assert_eq!(halves(Nearest), [-2, -1, -1, 0, 1, 2, 2, 3]);
        assert_eq!(halves(NearestEven), [-2, -2, -1, 0, 0, 2, 2, 2]);
        for x in [-29, -8, -1, 0, 5, 1000] {
            assert_eq!((0..8).map(|draw| round_shift(x, 3, Stochastic, draw << 29)).sum::<i64>(), x);
            assert_eq!(round_shift(x, 0, Stochastic, 7), x);
        }
    }

    #[test]
    fn ranges_and_what_is_beyond() {
        let fit = |overflow: Overflow| [-129, -128, -127, 127, 128, 300].map(|x| overflow.fit(x, 8));
        assert_eq!(fit(Overflow::Saturate), [-128, -128, -127, 127, 127, 127]);
        assert_eq!(fit(Overflow::SaturateSymmetric), [-127, -127, -127, 127, 127, 127]);
        assert_eq!(fit(Overflow::Wrap), [127, -128, -127, 127, -128, 44]);
        assert_eq!(fit(Overflow::WrapUpper), [127, 128, -127, 127, 128, 44]);
    }
}
