//! The backward pass of a layer that lies in a plane: one position after the other.
//!
//! A position is a dense layer of its channels, above the neurons under its window, whose weights it shares with all other positions. So
//! memory is bounded by the adjoint trace of the channels of one position, at most [`GROUP`] of them at once, which stays in the cache.

use std::cmp::Reverse;

use super::StRsbp;
use super::scratch::{BackwardScratch, PlaneScratch, longest};
use super::traces::{AdjointTrace, GROUP, GroupLayout, Trace, add_s_psps_of_window};
use crate::engine::layered::LayerSpikes;
use crate::network::{AvgPool2d, Conv2d, Geometry, Layer, Shape, Window};
use crate::simd::{LANES, Lanes, Real};
use crate::stop::is_stopped;

/// What one sample sends through a layer in a plane.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a, F> {
    /// The layer.
    pub layer: &'a Layer<F>,
    /// Its spikes.
    pub own: &'a LayerSpikes,
    /// Those of the layer below.
    pub below: &'a LayerSpikes,
    /// The solution of the layer's adjoint system.
    pub z: &'a [F],
}

impl<F: Real> Sent<'_, F> {
    /// Adds the gradients of the kernels onto `grad`, in the layout of the weights, and writes into `down`, if it is there, dLoss/do_j of
    /// the neurons below.
    pub fn through_kernels(
        self,
        conv: &Conv2d,
        rule: &StRsbp,
        grad: &mut [Lanes<F>],
        mut down: Option<&mut [F]>,
        scratch: &mut BackwardScratch<F>,
    ) {
        if let Some(down) = &mut down {
            down.fill(F::zero());
        }
        let (shape, BackwardScratch { trace, layout, plane, .. }) = (conv.post(), scratch);
        for_each_position(shape, |y, x| {
            for group in 0..conv.groups() {
                self.list_window(conv, group, [y, x], plane);
                if plane.window.is_empty() {
                    continue;
                }
                let first = group * conv.channels_out();
                for channels in (first..first + conv.channels_out()).step_by(GROUP) {
                    let end = (first + conv.channels_out()).min(channels + GROUP);
                    self.list_firing(shape, channels..end, [y, x], plane);
                    let add = match plane.neurons.len().div_ceil(LANES) {
                        0 => continue,
                        1 => Self::add_position::<1>,
                        2 => Self::add_position::<2>,
                        3 => Self::add_position::<3>,
                        _ => Self::add_position::<{ GROUP / LANES }>,
                    };
                    add(self, conv, plane, trace, layout, grad, down.as_deref_mut());
                }
            }
        });
        if let Some(down) = down
            && rule.silent_ratio != 0.0
        {
            self.send_down_silent(F::from_f64(rule.silent_ratio), down);
        }
    }

    /// Adds the gradients of the firing channels of a position, which fill B blocks.
    fn add_position<const B: usize>(
        self,
        conv: &Conv2d,
        plane: &PlaneScratch,
        trace: &mut AdjointTrace<F>,
        layout: &mut GroupLayout,
        grad: &mut [Lanes<F>],
        mut down: Option<&mut [F]>,
    ) {
        let (weight, taps) = (self.layer.weight(), self.layer.taps());
        let trace = self.trace::<B>(&plane.neurons, trace, longest(taps));
        layout.set(weight.panel_blocks(), plane.channels.iter().map(|&channel| weight.start(channel as usize)));
        for (tap, &delay) in taps.iter().enumerate() {
            let from = tap * conv.matrix()[1] * weight.panel_blocks();
            let (trace, weight, grad) = (trace.delayed(delay), &weight.data()[from..], &mut grad[from..]);
            let by_neuron = &self.below.by_neuron;
            add_s_psps_of_window::<F, B>(trace, by_neuron, &plane.window, layout, weight, grad, down.as_deref_mut());
        }
    }

    /// Writes into `down` dLoss/do_j of the neurons below a pool.
    pub fn through_windows(self, pool: &AvgPool2d, rule: &StRsbp, down: &mut [F], scratch: &mut BackwardScratch<F>) {
        down.fill(F::zero());
        let (shape, BackwardScratch { trace, plane, .. }) = (pool.post(), scratch);
        for_each_position(shape, |y, x| {
            for channels in (0..shape.channels).step_by(GROUP) {
                self.list_firing(shape, channels..shape.channels.min(channels + GROUP), [y, x], plane);
                let send = match plane.neurons.len().div_ceil(LANES) {
                    0 => continue,
                    1 => Self::send_position::<1>,
                    2 => Self::send_position::<2>,
                    3 => Self::send_position::<3>,
                    _ => Self::send_position::<{ GROUP / LANES }>,
                };
                send(self, pool, [y, x], plane, trace, down);
            }
        });
        if rule.silent_ratio != 0.0 {
            self.send_down_silent(F::from_f64(rule.silent_ratio), down);
        }
    }

    fn send_position<const B: usize>(
        self,
        pool: &AvgPool2d,
        [y, x]: [usize; 2],
        plane: &PlaneScratch,
        trace: &mut AdjointTrace<F>,
        down: &mut [F],
    ) {
        let (weight, below) = (self.layer.weight().get(0, 0), &self.below.by_neuron);
        let trace = self.trace::<B>(&plane.neurons, trace, 0).delayed(0).as_chunks::<B>().0;
        for (place, &channel) in plane.channels.iter().enumerate() {
            let (b, lane) = (place / LANES, place % LANES);
            for_each_under([pool.rows(), pool.columns()], [y, x], |at_y, at_x, _| {
                let j = pool.pre().neuron(channel as usize, at_y, at_x);
                let times = below.row(j);
                if !times.is_empty() {
                    let mut e = F::zero();
                    times.iter().for_each(|&t| e += trace[t as usize][b][lane]);
                    down[j] += weight * e / F::from_f64(times.len() as f64);
                }
            });
        }
    }

    /// Writes into `down` dLoss/do_j of the neurons below a max pool: that of a pool goes to the neuron of its window that decided its
    /// count, the first that had sent as many spikes as any. A silent window has none.
    pub fn to_winners(self, windows: &AvgPool2d, down: &mut [F]) {
        down.fill(F::zero());
        let (post, below) = (windows.post(), &self.below.by_neuron);
        for_each_position(post, |y, x| {
            for channel in 0..post.channels {
                let z = self.z[post.neuron(channel, y, x)];
                if z == F::zero() {
                    continue;
                }
                // Of those with the same count the one whose last spike came first, and of these the first.
                let mut winner = None;
                for_each_under([windows.rows(), windows.columns()], [y, x], |y, x, _| {
                    let j = windows.pre().neuron(channel, y, x);
                    let Some(&last) = below.row(j).last() else { return };
                    let rank = (Reverse(below.lengths()[j]), last, j);
                    if winner.is_none_or(|best| rank < best) {
                        winner = Some(rank);
                    }
                });
                if let Some((.., j)) = winner {
                    down[j] += z;
                }
            }
        });
    }

    fn trace<'t, const B: usize>(&self, neurons: &[u32], trace: &'t mut AdjointTrace<F>, longest: u32) -> Trace<'t, F> {
        let (by_neuron, n_steps) = (&self.own.by_neuron, self.own.n_steps());
        trace.compute::<B>(by_neuron, n_steps, neurons, |i| self.z[i], self.layer.lif(), longest)
    }

    /// Lists those of the channels that have a gradient at a position.
    fn list_firing(
        &self,
        shape: Shape,
        channels: std::ops::Range<usize>,
        [y, x]: [usize; 2],
        plane: &mut PlaneScratch,
    ) {
        plane.channels.clear();
        plane.neurons.clear();
        for channel in channels {
            let i = shape.neuron(channel, y, x);
            if self.own.counts()[i] > 0 && self.z[i] != F::zero() {
                plane.channels.push(channel as u32);
                plane.neurons.push(i as u32);
            }
        }
    }

    /// Lists the neurons under the kernels of a group at a position that fire.
    fn list_window(&self, conv: &Conv2d, group: usize, at: [usize; 2], plane: &mut PlaneScratch) {
        plane.window.clear();
        for inner in 0..conv.channels_in() {
            let channel = group * conv.channels_in() + inner;
            for_each_under([conv.rows(), conv.columns()], at, |y, x, tap| {
                let j = conv.pre().neuron(channel, y, x);
                if self.below.counts()[j] > 0 {
                    plane.window.push([j as u32, (inner * conv.taps() + tap) as u32]);
                }
            });
        }
    }

    /// Adds what pairs with a silent neuron send down.
    fn send_down_silent(&self, silent_ratio: F, down: &mut [F]) {
        let (connection, n_taps) = (self.layer.below(), self.layer.taps().len());
        let (pattern, weight) = (connection.pattern(), connection.weight());
        let columns = pattern.matrix()[1];
        for (j, down) in down.iter_mut().enumerate() {
            let is_silent = self.below.counts()[j] == 0;
            pattern.for_each_synapse(j, |post, place| {
                let post = post as usize;
                if is_silent || self.own.counts()[post] == 0 {
                    // Of all delays but that of the synapse the weight is 0.
                    for tap in 0..n_taps {
                        let weight = weight.get(place.row as usize, tap * columns + place.column as usize);
                        *down += silent_ratio * self.z[post] * weight;
                    }
                }
            });
        }
    }
}

/// Calls `visit` for every position of a plane, until the work is to stop.
fn for_each_position(shape: Shape, mut visit: impl FnMut(usize, usize)) {
    for y in 0..shape.height {
        if is_stopped() {
            return;
        }
        (0..shape.width).for_each(|x| visit(y, x));
    }
}

/// Calls `visit` with row, column and number of the tap of every place under a window.
fn for_each_under([rows, columns]: [Window; 2], [y, x]: [usize; 2], mut visit: impl FnMut(usize, usize, usize)) {
    for tap_y in 0..rows.kernel {
        let Some(at_y) = rows.place(y, tap_y) else { continue };
        for tap_x in 0..columns.kernel {
            if let Some(at_x) = columns.place(x, tap_x) {
                visit(at_y, at_x, tap_y * columns.kernel + tap_x);
            }
        }
    }
}
