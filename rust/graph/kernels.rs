//! Synapses of kernels that slide over a plane: weights are kept once, and the synapses of a neuron follow from where it lies.

use std::ops::Range;

use super::sliding::Sliding;
use crate::error::Error;
use crate::memory::{OrUnwind, reserve};
use crate::network::{Place, Reach, Shape};

/// Entries of kernels, for messages.
const ENTRIES: &str = "weights of kernels";

/// Says where the weights of kernels are, and which synapses are made of them.
///
/// A cell holds the weights of one tap of a kernel over one presynaptic channel onto the channels of its group. Cells follow each
/// other by delay, presynaptic channel, and tap, so that the synapses of a neuron are as many cells as kernels lie over it. A weight
/// of 0 is none: no synapse is made of it.
#[derive(Clone, Debug)]
pub(super) struct Kernels {
    sliding: Sliding,
    rows: Reach,
    columns: Reach,
    pre: Shape,
    /// Neurons of a postsynaptic channel, and of a row of it.
    plane: usize,
    width: usize,
    /// Channels of a group, presynaptic and postsynaptic.
    group: [usize; 2],
    /// Cells from one presynaptic channel, row and column of the kernel to the next, and in all of one delay.
    steps: [usize; 3],
    n_cells: usize,
    n_delays: usize,
    /// `None` where every cell holds all channels of its group.
    cells: Option<Cells>,
    n_synapses: usize,
}

/// Says which channels cells hold.
#[derive(Clone, Debug)]
struct Cells {
    /// Where each cell starts.
    start: Vec<u32>,
    /// Of each weight, the number of its channel in the group.
    channel: Vec<u32>,
}

/// Holds synapses of one presynaptic neuron that have one delay.
#[derive(Clone, Copy, Debug)]
pub struct KernelRow<'a, W> {
    kernels: &'a Kernels,
    weight: &'a [W],
    pre: usize,
    delay: usize,
}

/// Calls `$visit` for each cell whose tap lies over neuron `$pre`: the cell, and the neuron of the group's first channel that it is of.
macro_rules! for_each_cell {
    ($kernels:expr, $pre:expr, $delay:expr, |$cell:ident, $target:ident| $visit:expr) => {{
        let Kernels { rows, columns, pre, plane, width, group, steps, n_cells, .. } = $kernels;
        let (channel, y, x) = pre.place($pre);
        let first_target = channel / group[0] * group[1] * plane;
        let first_cell = $delay * n_cells + channel * steps[0];
        let columns = columns.of(x);
        for &[y, tap_y] in rows.of(y) {
            let target_of_row = first_target + y as usize * width;
            let cell_of_row = first_cell + tap_y as usize * steps[1];
            for &[x, tap_x] in columns {
                let $target = target_of_row + x as usize;
                let $cell = cell_of_row + tap_x as usize * steps[2];
                $visit
            }
        }
    }};
}

impl Kernels {
    /// Makes kernels with their weights, of `n_delays` delays: `weight(place, delay)` is that at a place of the matrix if its delay
    /// has this number, and otherwise 0. Unwinds if there is no room.
    pub fn new<W: Copy + PartialEq + Default>(
        sliding: Sliding,
        n_delays: usize,
        weight: impl Fn(Place, usize) -> W,
    ) -> (Self, Vec<W>) {
        let Sliding { pre, post, rows: over_rows, columns: over_columns, .. } = sliding;
        let (mut rows, mut columns) = (Reach::default(), Reach::default());
        rows.set(over_rows);
        columns.set(over_columns);
        let group = sliding.channels_of_group();
        let taps = over_rows.kernel * over_columns.kernel;
        let (steps, n_cells) = match sliding.tied {
            true => ([0; 3], 1),
            false => ([taps, over_columns.kernel, 1], pre.channels * taps),
        };
        let mut kernels = Self {
            sliding,
            rows,
            columns,
            pre,
            plane: post.plane(),
            width: post.width,
            group,
            steps,
            n_cells,
            n_delays,
            cells: None,
            n_synapses: 0,
        };
        let (mut start, mut channels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        reserve(ENTRIES, &mut start, 1).or_unwind();
        start.push(0);
        for delay in 0..n_delays {
            reserve(ENTRIES, &mut start, n_cells).or_unwind();
            for cell in 0..n_cells {
                reserve(ENTRIES, &mut channels, group[1]).or_unwind();
                reserve(ENTRIES, &mut weights, group[1]).or_unwind();
                for channel in 0..group[1] {
                    let weight = weight(kernels.place(cell, channel), delay);
                    if weight != W::default() {
                        channels.push(channel as u32);
                        weights.push(weight);
                    }
                }
                start.push(weights.len() as u32);
            }
        }
        weights.shrink_to_fit();
        if n_delays > 1 || weights.len() < n_cells * group[1] {
            if u32::try_from(weights.len()).is_err() {
                let expected = "< 2^32 where some are 0 or delays differ";
                return Err(Error::value(ENTRIES, expected, weights.len())).or_unwind();
            }
            start.shrink_to_fit();
            channels.shrink_to_fit();
            kernels.cells = Some(Cells { start, channel: channels });
        }
        kernels.n_synapses = (0..pre.n()).map(|pre| kernels.count(pre)).sum();
        (kernels, weights)
    }

    /// Returns the place in the matrix of a channel of a group in a cell, whatever the delay.
    fn place(&self, cell: usize, channel: usize) -> Place {
        if self.sliding.tied {
            return Place { row: 0, column: 0 };
        }
        let (pre, tap) = (cell / self.steps[0], cell % self.steps[0]);
        let [channels_in, channels_out] = self.group;
        let row = pre / channels_in * channels_out + channel;
        Place { row: row as u32, column: (pre % channels_in * self.steps[0] + tap) as u32 }
    }

    /// Returns how the kernels lie.
    pub fn sliding(&self) -> &Sliding {
        &self.sliding
    }

    /// Returns the number of synapses.
    pub fn n_synapses(&self) -> usize {
        self.n_synapses
    }

    /// Returns the number of delays.
    pub fn n_delays(&self) -> usize {
        self.n_delays
    }

    /// Returns where the weights of a cell are.
    #[inline(always)]
    fn cell(&self, cell: usize) -> Range<usize> {
        match &self.cells {
            None => cell * self.group[1]..(cell + 1) * self.group[1],
            Some(cells) => cells.start[cell] as usize..cells.start[cell + 1] as usize,
        }
    }

    /// Returns the number of synapses of a neuron.
    fn count(&self, pre: usize) -> usize {
        (0..self.n_delays).map(|delay| self.count_of(pre, delay)).sum()
    }

    /// Returns the number of synapses of neuron `pre` with delay number `delay`.
    #[inline]
    pub fn count_of(&self, pre: usize, delay: usize) -> usize {
        if self.cells.is_none() {
            let (_, y, x) = self.pre.place(pre);
            return self.rows.of(y).len() * self.columns.of(x).len() * self.group[1];
        }
        let mut n = 0;
        for_each_cell!(self, pre, delay, |cell, _target| n += self.cell(cell).len());
        n
    }

    /// Returns the synapses of neuron `pre` with delay number `delay`; `weight` are those that the kernels were made with.
    #[inline(always)]
    pub fn row<'a, W>(&'a self, weight: &'a [W], pre: usize, delay: usize) -> KernelRow<'a, W> {
        KernelRow { kernels: self, weight, pre, delay }
    }

    /// Calls `visit` for every weight: the place of it in the matrix, the number of its delay, and where it is kept.
    pub fn for_each_weight(&self, mut visit: impl FnMut(Place, usize, usize)) {
        for cell in 0..self.n_delays * self.n_cells {
            let (delay, in_kernel) = (cell / self.n_cells, cell % self.n_cells);
            let range = self.cell(cell);
            for (at, channel) in range.clone().zip(0..) {
                let channel = self.cells.as_ref().map_or(channel, |cells| cells.channel[at] as usize);
                visit(self.place(in_kernel, channel), delay, at);
            }
        }
    }

    /// Returns the bytes of all tables, weights not among them.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let cells = self.cells.as_ref();
        let cells = cells.map_or(0, |cells| size_of_val(&cells.start[..]) + size_of_val(&cells.channel[..]));
        size_of::<Self>() + self.rows.bytes() + self.columns.bytes() + cells
    }
}

impl<W: Copy> KernelRow<'_, W> {
    /// Returns the number of synapses.
    pub fn n_synapses(&self) -> usize {
        self.kernels.count_of(self.pre, self.delay)
    }

    /// Hands out postsynaptic neurons, none of them twice, and weights.
    #[inline(always)]
    pub fn for_each(&self, mut visit: impl FnMut(u32, W)) {
        let (kernels, plane) = (self.kernels, self.kernels.plane);
        for_each_cell!(kernels, self.pre, self.delay, |cell, target| {
            let range = kernels.cell(cell);
            let weights = &self.weight[range.clone()];
            match &kernels.cells {
                None => {
                    weights.iter().enumerate().for_each(|(channel, &w)| visit((target + channel * plane) as u32, w))
                }
                Some(cells) => cells.channel[range]
                    .iter()
                    .zip(weights)
                    .for_each(|(&channel, &w)| visit((target + channel as usize * plane) as u32, w)),
            }
        });
    }

    /// Lists postsynaptic neurons, none of them twice, and weights; unwinds if there is no room.
    #[inline]
    pub fn list(&self, targets: &mut Vec<u32>, weights: &mut Vec<W>) {
        let (kernels, plane) = (self.kernels, self.kernels.plane);
        targets.clear();
        weights.clear();
        let n = self.n_synapses();
        reserve(ENTRIES, targets, n).or_unwind();
        reserve(ENTRIES, weights, n).or_unwind();
        for_each_cell!(kernels, self.pre, self.delay, |cell, target| {
            let range = kernels.cell(cell);
            weights.extend_from_slice(&self.weight[range.clone()]);
            match &kernels.cells {
                None => targets.extend((0..range.len()).map(|channel| (target + channel * plane) as u32)),
                Some(cells) => {
                    let channels = cells.channel[range].iter();
                    targets.extend(channels.map(|&channel| (target + channel as usize * plane) as u32));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
