//! Weight matrices in the order the kernels read them.

use crate::real::Real;
use crate::simd::{LANES, Lanes};

/// A matrix (n_out, n_in) cut into panels of 16 postsynaptic neurons.
///
/// Panel b holds, row after row, the weights of every presynaptic neuron onto neurons `16 b .. 16 b + 16`: a spike reads
/// one contiguous row, and a whole panel of a few hundred inputs stays in the first-level cache while all time steps run.
/// Every panel ends with a row of zeros, which the padding of [`PaddedRows`](crate::spikes::PaddedRows) points at; lanes
/// beyond `n_out` are zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Panels<F> {
    n_in: usize,
    n_out: usize,
    data: Vec<Lanes<F>>,
}

impl<F: Real> Panels<F> {
    /// All zeros.
    pub fn zeros(n_out: usize, n_in: usize) -> Self {
        Self { n_in, n_out, data: vec![Lanes::zero(); n_out.div_ceil(LANES) * (n_in + 1)] }
    }

    /// From values in NumPy's order, (n_out, n_in) row-major. Panics unless there are `n_out * n_in` of them.
    pub fn from_rows(n_out: usize, n_in: usize, values: &[F]) -> Self {
        let mut panels = Self::zeros(n_out, n_in);
        panels.copy_from_rows(values);
        panels
    }

    /// Takes values in NumPy's order, (n_out, n_in) row-major. Panics unless there are `n_out * n_in` of them.
    pub fn copy_from_rows(&mut self, values: &[F]) {
        assert_eq!(values.len(), self.n_out * self.n_in);
        for (i, row) in values.chunks_exact(self.n_in).enumerate() {
            let panel = self.panel_mut(i / LANES);
            for (lanes, &value) in panel.iter_mut().zip(row) {
                lanes[i % LANES] = value;
            }
        }
    }

    /// The values in NumPy's order, (n_out, n_in) row-major.
    pub fn to_rows(&self) -> Vec<F> {
        let mut values = Vec::with_capacity(self.n_out * self.n_in);
        for i in 0..self.n_out {
            let panel = &self.panel(i / LANES)[..self.n_in];
            values.extend(panel.iter().map(|lanes| lanes[i % LANES]));
        }
        values
    }

    /// Number of presynaptic neurons.
    #[inline(always)]
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Number of postsynaptic neurons.
    #[inline(always)]
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// Number of panels.
    #[inline(always)]
    pub fn n_panels(&self) -> usize {
        self.n_out.div_ceil(LANES)
    }

    /// Rows of a panel: n_in and one of zeros.
    #[inline(always)]
    pub fn panel_rows(&self) -> usize {
        self.n_in + 1
    }

    /// Panel `b`: `n_in + 1` rows.
    #[inline(always)]
    pub fn panel(&self, b: usize) -> &[Lanes<F>] {
        let rows = self.panel_rows();
        &self.data[b * rows..(b + 1) * rows]
    }

    /// Panel `b`: `n_in + 1` rows, of which the last must stay zero.
    #[inline(always)]
    pub fn panel_mut(&mut self, b: usize) -> &mut [Lanes<F>] {
        let rows = self.panel_rows();
        &mut self.data[b * rows..(b + 1) * rows]
    }

    /// All panels, one after the other.
    pub fn data(&self) -> &[Lanes<F>] {
        &self.data
    }

    /// All panels, one after the other; last rows and lanes beyond `n_out` must stay zero.
    pub fn data_mut(&mut self) -> &mut [Lanes<F>] {
        &mut self.data
    }

    /// Weight of presynaptic neuron `j` onto neuron `i`.
    pub fn get(&self, i: usize, j: usize) -> F {
        self.panel(i / LANES)[j][i % LANES]
    }

    /// Copies into rows of all postsynaptic neurons, presynaptic neuron after neuron: `n_in + 1` rows of `n_panels` blocks.
    pub fn copy_to_presynaptic_rows(&self, rows: &mut Vec<Lanes<F>>) {
        let n_panels = self.n_panels();
        rows.resize(self.data.len(), Lanes::zero());
        for b in 0..n_panels {
            for (j, lanes) in self.panel(b).iter().enumerate() {
                rows[j * n_panels + b] = *lanes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numpy_order_survives() {
        for (n_out, n_in) in [(1, 1), (16, 3), (17, 5), (40, 2)] {
            let values: Vec<f32> = (0..n_out * n_in).map(|v| v as f32 + 1.0).collect();
            let panels = Panels::from_rows(n_out, n_in, &values);
            assert_eq!(panels.to_rows(), values);
            assert_eq!(panels.get(n_out - 1, 0), values[(n_out - 1) * n_in]);
            assert!((0..panels.n_panels()).all(|b| panels.panel(b)[n_in] == Lanes([0.0; LANES])));
            let mut rows = Vec::new();
            panels.copy_to_presynaptic_rows(&mut rows);
            assert_eq!(rows[(n_in - 1) * panels.n_panels()][0], panels.get(0, n_in - 1));
        }
    }
}
