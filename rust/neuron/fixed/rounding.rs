//! Rounding, and the draws of stochastic rounding.

use serde::{Deserialize, Serialize};

/// Says how a number is rounded when its lowest bits are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// The fraction is dropped.
    #[default]
    TowardZero,
    /// Down, as an arithmetic shift does.
    Floor,
    /// To the nearest, halves up.
    Nearest,
    /// To the nearest, halves to the even one.
    NearestEven,
    /// Up with the probability of the fraction, by a draw that depends on the seed, population, neuron, step and use only.
    Stochastic,
}

/// Bits of a draw.
const DRAW_BITS: u32 = 32;

/// Returns x / 2^bits, rounded, for bits <= 32; `draw` decides where the rounding is stochastic.
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
}
