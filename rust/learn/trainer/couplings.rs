//! How the firing of a neuron weakens its own S-PSPs, for the lengths of all samples.

use crate::error::Result;
use crate::learn::{PostCoupling, PostCouplingModel, StRsbp};
use crate::memory::collected;
use crate::network::{Layer, Network};
use crate::simd::Real;

/// Lengths below are told apart.
const EXACT: usize = 32;

/// Holds 1 - S by firing count, for every layer and for samples of every length.
///
/// S depends on the length of a run little enough that lengths which differ by a thirty-second at most share one: a table costs time.
/// Where all samples have as many steps it is exactly theirs.
#[derive(Clone, Debug)]
pub struct Couplings<F> {
    /// Number of steps, ascending, and the tables of each layer.
    tables: Vec<(usize, Vec<Vec<F>>)>,
    /// Whether a table is that of all lengths like its own.
    is_shared: bool,
}

impl<F: Real> Couplings<F> {
    /// Computes them for samples of `n_steps`, or of these lengths.
    ///
    /// # Errors
    /// Those of [`PostCouplingModel::new`].
    pub fn new(net: &Network<F>, rule: &StRsbp, n_steps: usize, lengths: Option<&[u32]>) -> Result<Self> {
        let mut needed: Vec<usize> = match lengths {
            None => vec![n_steps],
            Some(lengths) => lengths.iter().map(|&length| shared_length(length as usize)).collect(),
        };
        needed.sort_unstable();
        needed.dedup();
        let tables = needed.into_iter().map(|n| Ok((n, tables(net, rule, n)?))).collect::<Result<_>>()?;
        Ok(Self { tables, is_shared: lengths.is_some() })
    }

    /// Whether samples of `n_steps`, or of these lengths, have theirs.
    pub fn has(&self, n_steps: usize, lengths: Option<&[u32]>) -> bool {
        let has = |n| self.tables.binary_search_by_key(&n, |(n, _)| *n).is_ok();
        self.is_shared == lengths.is_some()
            && lengths.map_or_else(|| has(n_steps), |all| all.iter().all(|&length| has(shared_length(length as usize))))
    }

    /// Returns the tables of the layers, for a sample of so many steps.
    pub fn of(&self, n_steps: usize) -> &[Vec<F>] {
        let n = if self.is_shared { shared_length(n_steps) } else { n_steps };
        let at = self.tables.binary_search_by_key(&n, |(n, _)| *n).expect("prepared before the pass");
        &self.tables[at].1
    }
}

/// Returns a number of five binary digits that is nearest.
fn shared_length(n_steps: usize) -> usize {
    let Some(excess) = n_steps.max(1).ilog2().checked_sub(EXACT.ilog2()) else { return n_steps };
    let unit = 1 << (excess + 1);
    n_steps.saturating_add(unit / 2) / unit * unit
}

fn tables<F: Real>(net: &Network<F>, rule: &StRsbp, n_steps: usize) -> Result<Vec<Vec<F>>> {
    let table = |layer: &Layer<F>| {
        let is_max = layer.below().pattern().max_windows().is_some();
        let kind = if is_max { PostCoupling::None } else { rule.post_coupling };
        let model = PostCouplingModel::new(kind, layer.params(), n_steps)?;
        collected("n_steps + 1", (0..n_steps + 1).map(|count| F::from_f64(model.one_minus_s(count as u32))))
    };
    net.layers().iter().map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_lengths_are_near_and_few() {
        assert!((1..EXACT).all(|n| shared_length(n) == n));
        for n in 1..5_000 {
            let shared = shared_length(n);
            assert!(shared.abs_diff(n) * 32 <= n, "{shared} for {n}");
            assert_eq!(shared_length(shared), shared);
        }
        let mut all: Vec<usize> = (100..1_000).map(shared_length).collect();
        all.dedup();
        assert!(all.len() < 60, "{}", all.len());
        assert!(shared_length(usize::MAX) > usize::MAX / 2);
    }
}
