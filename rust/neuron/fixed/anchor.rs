//! States, and what time leaves of them.

use super::decay::Decay;
use super::rounding::Rounding;

/// A state is the number that it was last changed to, and the steps since then.
///
/// By multiplication and shift every step changes it. By a table of powers, a number that no further step changes is of age 0:
/// so a state that stays what it is looks the same after every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The number.
    pub x: i32,
    /// Steps since then, below the length of the table.
    pub age: u16,
}

impl Anchor {
    /// Makes a state that has just been changed to a number of 32 bits.
    #[inline(always)]
    pub fn new(x: i64) -> Self {
        Self { x: x as i32, age: 0 }
    }
}

impl Decay {
    /// Returns the number that a state is, given the draw of the step it is of.
    pub fn value(&self, state: Anchor, neuron: usize, rounding: Rounding, draw: u32) -> i64 {
        match state.age {
            0 => state.x.into(),
            age => self.apply(state.x.into(), age.into(), neuron, rounding, draw),
        }
    }

    /// Returns what a step leaves of a state: the number, and the state if nothing else changes it.
    #[inline(always)]
    pub fn step(&self, state: Anchor, neuron: usize, rounding: Rounding, draw: u32) -> (i64, Anchor) {
        let age = usize::from(state.age) + 1;
        let left = self.apply(state.x.into(), age, neuron, rounding, draw);
        match self {
            Self::Table { factors, .. } if age < factors.len() && !self.keeps(state.x, neuron, rounding) => {
                (left, Anchor { age: age as u16, ..state })
            }
            _ => (left, Anchor::new(left)),
        }
    }

    /// Whether no step of a table changes a number.
    fn keeps(&self, x: i32, neuron: usize, rounding: Rounding) -> bool {
        let Self::Table { factors, .. } = self else { return false };
        // Factors fall, so all that come before the last one leave more.
        let kept = || self.apply(x.into(), factors.len(), neuron, rounding, 0) == i64::from(x);
        x == 0 || rounding != Rounding::Stochastic && kept()
    }

    /// Returns what `steps` of a table leave of a state that nothing else changes; `draw` gives the draw of the step after so many.
    pub fn leap(
        &self,
        mut state: Anchor,
        mut steps: u64,
        neuron: usize,
        rounding: Rounding,
        draw: impl Fn(u64) -> u32,
    ) -> Anchor {
        let Self::Table { factors, .. } = self else { return state };
        let mut done = 0;
        while steps > 0 {
            if self.keeps(state.x, neuron, rounding) {
                return Anchor::new(state.x.into());
            }
            let (age, rest) = (u64::from(state.age), factors.len() as u64 - u64::from(state.age));
            if steps < rest {
                return Anchor { age: (age + steps) as u16, ..state };
            }
            (steps, done) = (steps - rest, done + rest);
            state = Anchor::new(self.apply(state.x.into(), factors.len(), neuron, rounding, draw(done)));
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(factors: &[u32], bits: u32) -> Decay {
        Decay::Table { factors: factors.to_vec(), bits }
    }

    /// Numbers of `n` steps, and the state after them.
    fn steps(decay: &Decay, x: i64, n: usize, rounding: Rounding) -> (Vec<i64>, Anchor) {
        let mut state = Anchor::new(x);
        let numbers = (0..n).map(|_| {
            let (left, after) = decay.step(state, 0, rounding, 0);
            state = after;
            assert_eq!(decay.value(state, 0, rounding, 0), left);
            left
        });
        (numbers.collect(), state)
    }

    /// Halves of 21 are rounded once: 10.5, 5.25, 2.625; then the anchor is 2, or 3.
    #[test]
    fn powers_are_rounded_once_from_the_anchor() {
        let halves = table(&[4, 2, 1], 3);
        assert_eq!(steps(&halves, 21, 5, Rounding::TowardZero), (vec![10, 5, 2, 1, 0], Anchor { x: 2, age: 2 }));
        assert_eq!(steps(&halves, 21, 5, Rounding::Nearest).0, [11, 5, 3, 2, 1]);
        assert_eq!(steps(&halves, -21, 5, Rounding::Floor), (vec![-11, -6, -3, -2, -1], Anchor { x: -3, age: 2 }));
        // By multiplication each step rounds anew: 11, 6, 3.
        let multiplied = Decay::Multiply { factor: 4.into(), bits: 3 };
        assert_eq!(steps(&multiplied, 21, 3, Rounding::Nearest), (vec![11, 6, 3], Anchor::new(3)));
    }

    #[test]
    fn what_stays_looks_the_same() {
        // Floor of -1 / 2 is -1.
        assert_eq!(steps(&table(&[4, 2], 3), -1, 1, Rounding::Floor).1, Anchor::new(-1));
        assert_eq!(steps(&table(&[8, 8], 3), 77, 3, Rounding::Floor).1, Anchor::new(77));
        assert_eq!(steps(&table(&[8, 7], 3), 77, 1, Rounding::Floor).1, Anchor { x: 77, age: 1 });
        assert_eq!(steps(&table(&[4, 0], 3), -1, 2, Rounding::Floor), (vec![-1, 0], Anchor::new(0)));
    }

    #[test]
    fn leaps_are_steps() {
        for factors in [vec![5], vec![8, 8], vec![8, 7, 7], vec![7, 6, 5, 4, 3, 2, 1], vec![7, 3, 0], vec![0, 0]] {
            let decay = table(&factors, 3);
            for rounding in [Rounding::TowardZero, Rounding::Floor, Rounding::Nearest, Rounding::Stochastic] {
                let draw = |step: u64| (step as u32).wrapping_mul(0x9E37_79B9);
                for x in [-1000, -7, -1, 0, 1, 5, 123_456] {
                    let mut state = Anchor::new(x);
                    for n in 1..40 {
                        state = decay.step(state, 0, rounding, draw(n)).1;
                        assert_eq!(decay.leap(Anchor::new(x), n, 0, rounding, draw), state, "{decay:?} {x} {n}");
                    }
                }
            }
        }
    }
}
