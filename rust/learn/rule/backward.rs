//! The backward pass of one layer: the adjoint solve a sample, the accumulation a range of neurons.

use std::ops::Range;

use super::StRsbp;
use super::coupling::of_count;
use super::scratch::{BackwardScratch, longest};
use super::solve::Solved;
use super::spatial::Sent;
use super::traces::{
    AdjointTrace, GROUP, GroupLayout, Presynaptic, add_s_psps, add_s_psps_and_send_down, couple_group, send_down_silent,
};
use crate::engine::layered::{LayerSpikes, SampleSpikes};
use crate::learn::LayerGradients;
use crate::memory::{OrUnwind, reserve, resize};
use crate::network::{Connection, Layer, Panels, PanelsViewMut, Pattern};
use crate::simd::{LANES, Lanes, Real, flat, flat_mut};
use crate::stop::is_stopped;

/// Panels a task of the accumulation takes at most: enough that groups of firing neurons fill up, few enough to share
/// out.
const PANELS_PER_TASK: usize = 4;

/// Adjoint state of one layer for one sample.
#[derive(Clone, Debug, Default)]
pub struct LayerAdjoint<F> {
    /// dLoss/da_i from above, length n_out.
    pub delta: Vec<F>,
    /// The solution of M^T z = delta, length n_out.
    pub z: Vec<F>,
    /// Whether any z is not zero: without, the layer and all below have no gradient.
    pub live: bool,
}

impl LayerSpikes {
    fn presynaptic(&self) -> Presynaptic<'_> {
        Presynaptic { by_neuron: &self.by_neuron, active: &self.active }
    }
}

/// Returns the places of the neurons of a group in the panels of `weight`, counted from `first`.
fn places<F: Real>(weight: &Panels<F>, group: &[u32], first: usize) -> impl Iterator<Item = usize> {
    group.iter().map(move |&i| weight.start(i as usize) - first)
}

/// Solves for z of one layer and sample. `one_minus_s` is a table by firing count, see [`of_count`].
///
/// With `silent_ratio` 0 silent neurons have no part in the system: nothing reaches or leaves them.
/// Returns how a recurrent layer's system was solved; `Err` says why it has no solution.
pub fn solve_layer<F: Real>(
    layer: &Layer<F>,
    spikes: &LayerSpikes,
    one_minus_s: &[F],
    rule: &StRsbp,
    adjoint: &mut LayerAdjoint<F>,
    scratch: &mut BackwardScratch<F>,
) -> Result<Option<Solved>, String> {
    let LayerAdjoint { delta, z, live } = adjoint;
    *live = delta.iter().any(|&d| d != F::zero());
    z.clear();
    resize(z, delta.len(), F::zero());
    if !*live {
        return Ok(None);
    }
    let counts = spikes.counts();
    let Some(recurrent) = layer.recurrent() else {
        for ((z, &delta), &count) in z.iter_mut().zip(&*delta).zip(counts) {
            *z = delta / of_count(one_minus_s, count);
        }
        return Ok(None);
    };
    let BackwardScratch { trace, layout, solver, diagonal, delta: rhs, z: solution, all, .. } = scratch;
    let participants = if rule.silent_ratio == 0.0 {
        &spikes.active
    } else {
        all.clear();
        reserve("neurons of a layer", all, delta.len()).or_unwind();
        all.extend(0..delta.len() as u32);
        &*all
    };
    if participants.is_empty() {
        *live = false;
        return Ok(None);
    }
    let n_blocks = participants.len().div_ceil(LANES);
    diagonal.clear();
    rhs.clear();
    resize(rhs, n_blocks, Lanes::zero());
    solution.clear();
    resize(solution, n_blocks, Lanes::zero());
    for (rhs, &i) in flat_mut(rhs).iter_mut().zip(participants) {
        *rhs = delta[i as usize];
        diagonal.push(of_count(one_minus_s, counts[i as usize]));
    }
    match recurrent.pattern() {
        Pattern::Conv2d(_) | Pattern::AvgPool2d(_) | Pattern::MaxPool2d(_) => {
            unreachable!("no layer in a plane is recurrent")
        }
        Pattern::Dense(_) | Pattern::Lateral(_) => {
            couple(layer, recurrent, spikes, participants, rule, trace, layout, &mut solver.coupling);
        }
    }
    let solved = solver.solve(participants.len(), diagonal, rhs, rule.solver_tolerance, solution)?;
    for (&value, &i) in flat(solution).iter().zip(participants) {
        z[i as usize] = value;
    }
    Ok(Some(solved))
}

/// Writes r_ik (de_ik/do_k) / v_k of one sample, v_k being the threshold of k, rows k and columns i among the participants.
fn couple<F: Real>(
    layer: &Layer<F>,
    recurrent: &Connection<F>,
    spikes: &LayerSpikes,
    participants: &[u32],
    rule: &StRsbp,
    trace: &mut AdjointTrace<F>,
    layout: &mut GroupLayout,
    coupling: &mut Vec<Lanes<F>>,
) {
    let n_blocks = participants.len().div_ceil(LANES);
    // Every block is written below.
    resize(coupling, participants.len() * n_blocks, Lanes::zero());
    for (first, group) in (0..n_blocks).step_by(GROUP / LANES).zip(participants.chunks(GROUP)) {
        if is_stopped() {
            return;
        }
        let rows = &mut coupling[first..];
        let couple_with = match group.len().div_ceil(LANES) {
            1 => couple_with::<F, 1>,
            2 => couple_with::<F, 2>,
            3 => couple_with::<F, 3>,
            _ => couple_with::<F, { GROUP / LANES }>,
        };
        couple_with(layer, recurrent, spikes, participants, rule, trace, layout, group, rows);
    }
}

/// Computes the columns of a group, which fills B blocks.
fn couple_with<F: Real, const B: usize>(
    layer: &Layer<F>,
    recurrent: &Connection<F>,
    spikes: &LayerSpikes,
    participants: &[u32],
    rule: &StRsbp,
    trace: &mut AdjointTrace<F>,
    layout: &mut GroupLayout,
    group: &[u32],
    rows: &mut [Lanes<F>],
) {
    let weight = recurrent.weight();
    layout.set(weight.panel_blocks(), places(weight, group, 0));
    let ratios_of = |v_th: F| {
        let per_count = F::one() / v_th;
        let silent_ratio = F::from_f64(rule.silent_ratio) * per_count;
        let mut to_firing = [Lanes::zero(); B];
        for (ratio, &i) in flat_mut(&mut to_firing).iter_mut().zip(group) {
            *ratio = if spikes.counts()[i as usize] == 0 { silent_ratio } else { F::zero() };
        }
        (per_count, to_firing, [Lanes([silent_ratio; LANES]); B])
    };
    let (mut ratios, have_one_threshold) = (ratios_of(layer.lif().v_th), layer.thresholds().is_none());
    let n_steps = spikes.n_steps();
    let max_delay = longest(recurrent.taps());
    let trace = trace.compute::<B>(&spikes.by_neuron, n_steps, group, |_| F::one(), layer.lif(), max_delay);
    let n_blocks = participants.len().div_ceil(LANES);
    for (tap, &delay) in recurrent.taps().iter().enumerate() {
        let (trace, add) = (trace.delayed(delay), tap > 0);
        let data = &weight.data()[tap * layer.n_out() * weight.panel_blocks()..];
        // With silent participants the rows are all neurons, those that fire among them.
        if participants.len() == spikes.active.len() && have_one_threshold {
            let (per_count, to_firing, _) = &ratios;
            couple_group(trace, spikes.presynaptic(), layout, data, *per_count, to_firing, n_blocks, rows, add);
            continue;
        }
        for (k, row) in participants.iter().zip(rows.chunks_mut(n_blocks)) {
            if !have_one_threshold {
                ratios = ratios_of(layer.threshold(*k as usize));
            }
            let (per_count, to_firing, to_silent) = &ratios;
            let ratio = if spikes.counts()[*k as usize] > 0 { to_firing } else { to_silent };
            let pre = Presynaptic { by_neuron: &spikes.by_neuron, active: std::slice::from_ref(k) };
            couple_group(trace, pre, layout, data, *per_count, ratio, n_blocks, row, add);
        }
    }
}

/// How the accumulation of a layer is shared out, the same on any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// By ranges of neurons, see [`tasks`]: their gradients are large.
    Neurons,
    /// By samples, each part with gradients of its own: many neurons share few weights.
    Samples,
}

impl Split {
    /// Returns the split of a layer.
    pub fn of<F: Real>(layer: &Layer<F>) -> Self {
        match layer.below().pattern() {
            Pattern::Dense(_) | Pattern::Lateral(_) => Self::Neurons,
            Pattern::Conv2d(_) | Pattern::AvgPool2d(_) | Pattern::MaxPool2d(_) => Self::Samples,
        }
    }
}

/// Adds one sample's gradients of a layer that is split by samples onto `grad`, which is empty where the layer has none, and writes what
/// the layer sends down.
pub fn accumulate_sample<F: Real>(
    layer: &Layer<F>,
    spikes: &SampleSpikes,
    l: usize,
    z: &[F],
    rule: &StRsbp,
    grad: &mut [Lanes<F>],
    down: Option<&mut [F]>,
    scratch: &mut BackwardScratch<F>,
) {
    let sent = Sent { layer, own: &spikes.layers[l], below: spikes.below(l), z };
    match (layer.below().pattern(), down) {
        (Pattern::Conv2d(conv), down) => sent.through_kernels(conv, rule, grad, down, scratch),
        (Pattern::AvgPool2d(pool), Some(down)) => sent.through_windows(pool, rule, down, scratch),
        (Pattern::MaxPool2d(pool), Some(down)) => sent.to_winners(pool.windows(), down),
        (Pattern::AvgPool2d(_) | Pattern::MaxPool2d(_), None) => {}
        (Pattern::Dense(_) | Pattern::Lateral(_), _) => unreachable!("split by neurons"),
    }
}

/// A task of the accumulation: a range of neurons and their gradients.
#[derive(Debug)]
pub struct Task<'a, F> {
    /// The neurons.
    pub neurons: Range<usize>,
    weight: &'a mut [Lanes<F>],
    recurrent: Option<&'a mut [Lanes<F>]>,
}

/// Splits a layer's gradients into tasks, the same on any number of threads: what a task sends down is one sum.
pub fn tasks<'a, F: Real>(layer: &Layer<F>, grads: LayerGradients<'a, F>) -> Vec<Task<'a, F>> {
    let LayerGradients { below, itself } = grads;
    let (shape, recurrent_len) = (layer.weight().shape(), itself.as_ref().map_or(0, |grad| grad.panel_len()));
    let (n_out, width, n_panels) = (shape.n_out(), shape.width(), shape.n_panels());
    let len = below.as_ref().map_or(0, |grad| grad.panel_len());
    let n_tasks = n_panels.div_ceil(PANELS_PER_TASK);
    let mut weight = below.map_or(&mut [][..], PanelsViewMut::into_data);
    let mut recurrent = itself.map(PanelsViewMut::into_data);
    let mut tasks = Vec::with_capacity(n_tasks);
    for task in 0..n_tasks {
        let panels = task * n_panels / n_tasks..(task + 1) * n_panels / n_tasks;
        let own = weight.split_off_mut(..panels.len() * len).expect("as long as all panels");
        let own_recurrent = recurrent.as_mut().and_then(|rest| rest.split_off_mut(..panels.len() * recurrent_len));
        tasks.push(Task {
            neurons: panels.start * width..n_out.min(panels.end * width),
            weight: own,
            recurrent: own_recurrent,
        });
    }
    tasks
}

impl<F: Real> Task<'_, F> {
    /// Adds one sample's gradients onto those of the task's neurons.
    ///
    /// `down`, if the layer below is trained, gets what they send to it: dLoss/do_j of the neurons below, (n_in).
    pub fn accumulate(
        &mut self,
        layer: &Layer<F>,
        spikes: &SampleSpikes,
        l: usize,
        z: &[F],
        rule: &StRsbp,
        mut down: Option<&mut [F]>,
        scratch: &mut BackwardScratch<F>,
    ) {
        let (own, below) = (&spikes.layers[l], spikes.below(l));
        let BackwardScratch { trace, layout, group: firing, .. } = scratch;
        firing.clear();
        let from = own.active.partition_point(|&i| (i as usize) < self.neurons.start);
        let in_task = |&i: &u32| (i as usize) < self.neurons.end;
        firing.extend(own.active[from..].iter().copied().take_while(in_task).filter(|&i| z[i as usize] != F::zero()));
        if let Some(down) = &mut down {
            down.fill(F::zero());
        }
        for group in firing.chunks(GROUP) {
            if is_stopped() {
                return;
            }
            let accumulate_group = match group.len().div_ceil(LANES) {
                1 => Self::accumulate_group::<1>,
                2 => Self::accumulate_group::<2>,
                3 => Self::accumulate_group::<3>,
                _ => Self::accumulate_group::<{ GROUP / LANES }>,
            };
            accumulate_group(self, layer, own, below, z, group, down.as_deref_mut(), trace, layout);
        }
        if let Some(down) = down
            && rule.silent_ratio != 0.0
        {
            self.send_down_silent(layer, own, below, z, F::from_f64(rule.silent_ratio), down);
        }
    }

    /// Adds the gradients of a group, which fills B blocks.
    fn accumulate_group<const B: usize>(
        &mut self,
        layer: &Layer<F>,
        own: &LayerSpikes,
        below: &LayerSpikes,
        z: &[F],
        group: &[u32],
        mut down: Option<&mut [F]>,
        trace: &mut AdjointTrace<F>,
        layout: &mut GroupLayout,
    ) {
        let recurrent = self.recurrent.as_deref_mut().zip(layer.recurrent());
        let max_delay =
            longest(layer.taps()).max(recurrent.as_ref().map_or(0, |(_, recurrent)| longest(recurrent.taps())));
        let trace = trace.compute::<B>(&own.by_neuron, own.n_steps(), group, |i| z[i], layer.lif(), max_delay);
        let weight = layer.weight();
        let first = weight.start(self.neurons.start);
        layout.set(weight.panel_blocks(), places(weight, group, first));
        for (tap, &delay) in layer.taps().iter().enumerate() {
            let trace = trace.delayed(delay);
            // The synapses of the delay: each presynaptic neuron has a row for every one.
            let from = tap * layer.n_in() * weight.panel_blocks();
            let grad = &mut self.weight[from..];
            match down.as_deref_mut() {
                None => add_s_psps::<F, B>(trace, below.presynaptic(), layout, grad),
                Some(down) => {
                    let weight = &weight.data()[first / LANES + from..];
                    add_s_psps_and_send_down::<F, B>(trace, below.presynaptic(), layout, weight, grad, down);
                }
            }
        }
        if let Some((grad, recurrent)) = recurrent {
            let weight = recurrent.weight();
            layout.set(weight.panel_blocks(), places(weight, group, weight.start(self.neurons.start)));
            for (tap, &delay) in recurrent.taps().iter().enumerate() {
                let grad = &mut grad[tap * layer.n_out() * weight.panel_blocks()..];
                add_s_psps::<F, B>(trace.delayed(delay), own.presynaptic(), layout, grad);
            }
        }
    }

    fn send_down_silent(
        &self,
        layer: &Layer<F>,
        own: &LayerSpikes,
        below: &LayerSpikes,
        z: &[F],
        silent_ratio: F,
        down: &mut [F],
    ) {
        let weight = layer.weight();
        let width = weight.width();
        for b in self.neurons.start / width..self.neurons.end.div_ceil(width) {
            let (mut to_firing, mut to_silent) = ([Lanes::zero(); 2], [Lanes::zero(); 2]);
            for (l, i) in (b * width..z.len().min((b + 1) * width)).enumerate() {
                let sent = silent_ratio * z[i];
                to_silent[l / LANES][l % LANES] = sent;
                to_firing[l / LANES][l % LANES] = if own.counts()[i] == 0 { sent } else { F::zero() };
            }
            let blocks = weight.panel_blocks();
            for synapses in weight.panel(b).chunks_exact(layer.n_in() * blocks).take(layer.taps().len()) {
                send_down_silent(synapses, below.counts(), &to_firing[..blocks], &to_silent[..blocks], down);
            }
        }
    }
}
