//! What becomes of numbers that do not fit.

use serde::{Deserialize, Serialize};

/// Says what becomes of a number of b bits that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// The nearest number in [-2^(b-1), 2^(b-1) - 1].
    #[default]
    Saturate,
    /// The number in that range that is the same modulo 2^b.
    Wrap,
    /// The nearest number in [-2^(b-1) + 1, 2^(b-1) - 1].
    SaturateSymmetric,
    /// The number in [-2^(b-1) + 1, 2^(b-1)] that is the same modulo 2^b.
    WrapUpper,
}

impl Overflow {
    /// Returns the smallest and the largest number of `bits` bits.
    pub fn range(self, bits: u32) -> (i64, i64) {
        let half = 1 << (bits - 1);
        match self {
            Self::Saturate | Self::Wrap => (-half, half - 1),
            Self::SaturateSymmetric => (1 - half, half - 1),
            Self::WrapUpper => (1 - half, half),
        }
    }

    /// Whether it keeps numbers in order.
    pub fn saturates(self) -> bool {
        matches!(self, Self::Saturate | Self::SaturateSymmetric)
    }
}

impl Overflow {
    /// Returns what a format of `bits` bits makes of a number.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_what_is_beyond() {
        let fit = |overflow: Overflow| [-129, -128, -127, 127, 128, 300].map(|x| overflow.fit(x, 8));
        assert_eq!(fit(Overflow::Saturate), [-128, -128, -127, 127, 127, 127]);
        assert_eq!(fit(Overflow::SaturateSymmetric), [-127, -127, -127, 127, 127, 127]);
        assert_eq!(fit(Overflow::Wrap), [127, -128, -127, 127, -128, 44]);
        assert_eq!(fit(Overflow::WrapUpper), [127, 128, -127, 127, 128, 44]);
    }
}
