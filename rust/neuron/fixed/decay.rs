//! What a step leaves of a state.

use serde::{Deserialize, Serialize};

use super::PerNeuron;
use super::rounding::{Rounding, round_shift};
use crate::error::{Error, Result};

/// Most entries of a table of powers.
pub const MOST_FACTORS: usize = 4096;

/// A decay says what a step makes of a state x, R being the rounding.
///
/// By multiplication and shift, every step rounds what the step before has left. By a table of powers, a state is rounded once
/// from its anchor: the number x that it was last changed to, k steps ago, where k = 1 at the step after. What changes a state,
/// and so renews its anchor, is of the network and not of an engine: for the current, that something arrives whose sum is not 0;
/// for the membrane, that what is added to it, bias and current, is not 0, or that it fires. While the membrane is refractory its age
/// stays as it is. At the last entry the anchor moves to what is left there, and k counts from there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decay {
    /// R(x factor / 2^bits).
    Multiply {
        /// In [0, 2^bits].
        factor: PerNeuron<u32>,
        /// In [0, 32].
        bits: u32,
    },
    /// x - R(x / 2^shift).
    Shift {
        /// In [0, 31].
        shift: PerNeuron<u32>,
        /// Whether what is not 0 loses at least 1.
        #[serde(default)]
        least_one: bool,
    },
    /// R(x factors\[k - 1\] / 2^bits), where the state was last changed k steps ago, to x.
    Table {
        /// At most 4096, none larger than the one before, in [0, 2^bits].
        factors: Vec<u32>,
        /// In [0, 32].
        bits: u32,
    },
}

impl Decay {
    pub(super) fn validate(&self, name: &str, n: usize, may_clear: bool) -> Result<()> {
        let (least, reason) = if may_clear { (0, "") } else { (1, " (0 keeps nothing of it)") };
        match self {
            Self::Multiply { bits, .. } | Self::Table { bits, .. } if *bits > 32 => {
                Err(Error::value(format!("{name}.bits"), "in [0, 32]", bits))
            }
            Self::Multiply { factor, bits } => {
                let most = 1u64 << bits;
                let expected = format!("in [{least}, 2^bits = {most}]{reason}");
                let allowed = |factor| (u64::from(least)..=most).contains(&u64::from(factor));
                factor.check(&format!("{name}.factor"), n, &expected, allowed)
            }
            Self::Shift { shift, .. } => {
                let expected = format!("in [{least}, 31]{reason}");
                shift.check(&format!("{name}.shift"), n, &expected, |shift| (least..=31).contains(&shift))
            }
            Self::Table { factors, bits } => {
                let name = format!("{name}.factors");
                if !(1..=MOST_FACTORS).contains(&factors.len()) {
                    return Err(Error::shape(name, &[factors.len()], format!("1 to {MOST_FACTORS} numbers")));
                }
                let most = 1u64 << bits;
                if !(u64::from(least)..=most).contains(&factors[0].into()) {
                    let expected = format!("in [{least}, 2^bits = {most}]{reason}");
                    return Err(Error::value(format!("{name}[0]"), expected, factors[0]));
                }
                match factors.windows(2).position(|pair| pair[1] > pair[0]) {
                    None => Ok(()),
                    Some(k) => {
                        let expected = format!("<= {name}[{k}] = {}", factors[k]);
                        Err(Error::value(format!("{name}[{}]", k + 1), expected, factors[k + 1]))
                    }
                }
            }
        }
    }

    /// Returns what is left of a state of 32 bits that was x `age` steps ago; where there is no table, one step ago.
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
