//! Weight matrices in the order the kernels read them.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::memory::{OrUnwind, copied, filled, product, resize, with_room};
use crate::simd::{LANES, Lanes, Real, flat, flat_mut};
use crate::stop::check;

/// The shape of a matrix (n_out, n_in) that is cut into panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelShape {
    n_in: usize,
    n_out: usize,
    /// Blocks of 16 neurons in a panel: 1 or 2.
    blocks: usize,
}

/// A matrix (n_out, n_in) cut into panels of 32 postsynaptic neurons (16 where there are no more).
///
/// A panel holds, row after row, the weights of every presynaptic neuron onto its neurons: a spike reads one contiguous
/// row, and the rows of the neurons that fire stay in the first-level cache while all time steps run. Every panel ends
/// with a row of zeros, which the padding of [`PaddedRows`](crate::spikes::PaddedRows) points at; lanes beyond `n_out`
/// are zero.
///
/// `D` holds the numbers: a vector of its own, or a part of a buffer ([`PanelsView`], [`PanelsViewMut`]).
#[derive(Debug, PartialEq)]
pub struct Panels<F, D = Vec<Lanes<F>>> {
    shape: PanelShape,
    data: D,
    number: PhantomData<F>,
}

/// Panels in a buffer that holds others too.
pub type PanelsView<'a, F> = Panels<F, &'a [Lanes<F>]>;

/// Panels in a buffer that holds others too, to be changed.
pub type PanelsViewMut<'a, F> = Panels<F, &'a mut [Lanes<F>]>;

impl PanelShape {
    /// Makes the shape of a matrix (n_out, n_in).
    pub fn new(n_out: usize, n_in: usize) -> Self {
        Self { n_in, n_out, blocks: if n_out <= LANES { 1 } else { 2 } }
    }

    /// Returns how many blocks of 16 numbers the panels take; `None` if that is beyond all memory.
    pub fn data_len(self) -> Option<usize> {
        product(&[self.n_panels() * self.blocks, self.n_in + 1])
    }

    /// Returns the number of presynaptic neurons.
    #[inline(always)]
    pub fn n_in(self) -> usize {
        self.n_in
    }

    /// Returns the number of postsynaptic neurons.
    #[inline(always)]
    pub fn n_out(self) -> usize {
        self.n_out
    }

    /// Returns the number of blocks of 16 neurons in a panel.
    #[inline(always)]
    pub fn panel_blocks(self) -> usize {
        self.blocks
    }

    /// Returns the number of blocks of 16 that hold neurons; the last panel may have another.
    #[inline(always)]
    pub fn n_blocks(self) -> usize {
        self.n_out.div_ceil(LANES)
    }

    /// Returns the number of panels.
    #[inline(always)]
    pub fn n_panels(self) -> usize {
        self.n_out.div_ceil(self.width())
    }

    /// Returns the number of neurons of a panel.
    #[inline(always)]
    pub fn width(self) -> usize {
        LANES * self.blocks
    }

    /// Returns the length of a panel in blocks of 16 weights: `n_in + 1` rows, the last of zeros.
    #[inline(always)]
    pub fn panel_len(self) -> usize {
        (self.n_in + 1) * self.blocks
    }

    /// Returns where, in the flat data, the weights onto neuron `i` start; those of presynaptic neuron j are `j * width` on.
    #[inline(always)]
    pub fn start(self, i: usize) -> usize {
        let width = self.width();
        i / width * (self.n_in + 1) * width + i % width
    }
}

impl<F: Clone> Clone for Panels<F> {
    fn clone(&self) -> Self {
        Self { data: copied("n_in * blocks of 16 neurons", &self.data), ..*self }
    }
}

impl<F> Clone for PanelsView<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for PanelsView<'_, F> {}

impl<'a, F> PanelsView<'a, F> {
    /// Returns all panels, one after the other, for as long as the buffer is borrowed.
    pub fn into_data(self) -> &'a [Lanes<F>] {
        self.data
    }
}

impl<'a, F> PanelsViewMut<'a, F> {
    /// Returns all panels, to be changed, for as long as the buffer is borrowed.
    pub fn into_data(self) -> &'a mut [Lanes<F>] {
        self.data
    }
}

impl<F: Real> Panels<F> {
    /// Makes a matrix of zeros.
    pub fn zeros(n_out: usize, n_in: usize) -> Self {
        let shape = PanelShape::new(n_out, n_in);
        let data = filled("n_in * blocks of 16 neurons", shape.data_len(), Lanes::zero()).or_unwind();
        Self { shape, data, number: PhantomData }
    }

    /// Makes a matrix of values in NumPy's order, (n_out, n_in) row-major. Panics unless there are `n_out * n_in` of them.
    pub fn from_rows(n_out: usize, n_in: usize, values: &[F]) -> Self {
        let mut panels = Self::zeros(n_out, n_in);
        panels.copy_from_rows(values);
        panels
    }
}

impl<F: Real, D: Deref<Target = [Lanes<F>]>> Panels<F, D> {
    /// Views a part of a buffer, as long as `shape` says, as panels.
    pub fn of(shape: PanelShape, data: D) -> Self {
        assert_eq!(Some(data.len()), shape.data_len());
        Self { shape, data, number: PhantomData }
    }

    /// Returns the shape of the matrix.
    #[inline(always)]
    pub fn shape(&self) -> PanelShape {
        self.shape
    }

    /// Returns the values in NumPy's order, (n_out, n_in) row-major; unwinds if the work is to stop.
    pub fn to_rows(&self) -> Vec<F> {
        let mut values = with_room("n_out * n_in", product(&[self.n_out(), self.n_in()])).or_unwind();
        for i in 0..self.n_out() {
            look(i);
            values.extend(flat(&self.data)[self.start(i)..].iter().step_by(self.width()).take(self.n_in()));
        }
        values
    }

    /// Returns the number of presynaptic neurons.
    #[inline(always)]
    pub fn n_in(&self) -> usize {
        self.shape.n_in
    }

    /// Returns the number of postsynaptic neurons.
    #[inline(always)]
    pub fn n_out(&self) -> usize {
        self.shape.n_out
    }

    /// Returns the number of blocks of 16 neurons in a panel.
    #[inline(always)]
    pub fn panel_blocks(&self) -> usize {
        self.shape.blocks
    }

    /// Returns the number of blocks of 16 that hold neurons; the last panel may have another.
    #[inline(always)]
    pub fn n_blocks(&self) -> usize {
        self.shape.n_blocks()
    }

    /// Returns the number of panels.
    #[inline(always)]
    pub fn n_panels(&self) -> usize {
        self.shape.n_panels()
    }

    /// Returns the number of neurons of a panel.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.shape.width()
    }

    /// Returns the length of a panel in blocks of 16 weights: `n_in + 1` rows, the last of zeros.
    #[inline(always)]
    pub fn panel_len(&self) -> usize {
        self.shape.panel_len()
    }

    /// Returns panel `b`, row after row.
    #[inline(always)]
    pub fn panel(&self, b: usize) -> &[Lanes<F>] {
        let len = self.panel_len();
        &self.data[b * len..(b + 1) * len]
    }

    /// Returns all panels, one after the other.
    pub fn data(&self) -> &[Lanes<F>] {
        &self.data
    }

    /// Returns where, in the flat data, the weights onto neuron `i` start; those of presynaptic neuron j are `j * width` on.
    #[inline(always)]
    pub fn start(&self, i: usize) -> usize {
        self.shape.start(i)
    }

    /// Returns the weight of presynaptic neuron `j` onto neuron `i`.
    pub fn get(&self, i: usize, j: usize) -> F {
        flat(&self.data)[self.start(i) + j * self.width()]
    }

    /// Copies into rows of all postsynaptic neurons, presynaptic neuron after neuron: `n_in + 1` rows of `n_blocks`.
    pub fn copy_to_presynaptic_rows(&self, rows: &mut Vec<Lanes<F>>) {
        let n_blocks = self.n_blocks();
        resize(rows, (self.n_in() + 1) * n_blocks, Lanes::zero());
        for b in 0..self.n_panels() {
            let first = b * self.panel_blocks();
            let held = self.panel_blocks().min(n_blocks - first);
            for (j, lanes) in self.panel(b).chunks_exact(self.panel_blocks()).enumerate() {
                rows[j * n_blocks + first..][..held].copy_from_slice(&lanes[..held]);
            }
        }
    }
}

impl<F: Real, D: DerefMut<Target = [Lanes<F>]>> Panels<F, D> {
    /// Takes values in NumPy's order, (n_out, n_in) row-major. Panics unless there are `n_out * n_in` of them; unwinds if the work
    /// is to stop.
    pub fn copy_from_rows(&mut self, values: &[F]) {
        assert_eq!(values.len(), self.n_out() * self.n_in());
        let width = self.width();
        for (i, row) in values.chunks_exact(self.n_in()).enumerate() {
            look(i);
            let start = self.start(i);
            let panel = flat_mut(&mut self.data)[start..].iter_mut().step_by(width);
            panel.zip(row).for_each(|(weight, &value)| *weight = value);
        }
    }

    /// Returns all panels, one after the other; last rows and lanes beyond `n_out` must stay zero.
    pub fn data_mut(&mut self) -> &mut [Lanes<F>] {
        &mut self.data
    }

    /// Sets the weight of presynaptic neuron `j` onto neuron `i`.
    pub fn set(&mut self, i: usize, j: usize, value: F) {
        let at = self.start(i) + j * self.width();
        flat_mut(&mut self.data)[at] = value;
    }
}

/// Rows between two looks at whether to stop.
const ROWS_UNASKED: usize = 64;

/// Unwinds before row `i` if the work is to stop.
pub(super) fn look(i: usize) {
    if i.is_multiple_of(ROWS_UNASKED) {
        check().or_unwind();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numpy_order_survives() {
        for (n_out, n_in) in [(1, 1), (16, 3), (17, 5), (70, 2)] {
            let values: Vec<f32> = (0..n_out * n_in).map(|v| v as f32 + 1.0).collect();
            let panels = Panels::from_rows(n_out, n_in, &values);
            assert_eq!(panels.to_rows(), values);
            assert_eq!(panels.get(n_out - 1, 0), values[(n_out - 1) * n_in]);
            for b in 0..panels.n_panels() {
                let zeros = &panels.panel(b)[n_in * panels.panel_blocks()..];
                assert!(zeros.iter().all(|lanes| *lanes == Lanes::zero()));
            }
            let mut rows = Vec::new();
            panels.copy_to_presynaptic_rows(&mut rows);
            for i in 0..n_out {
                let row = &rows[(n_in - 1) * panels.n_blocks()..];
                assert_eq!(row[i / LANES][i % LANES], panels.get(i, n_in - 1));
            }
        }
    }
}
