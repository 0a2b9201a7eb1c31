//! Rules by which populations are connected, drawn from a seed.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::connectivity::Connectivity;
use super::convolution::Convolution;
use super::delays::Delays;
use crate::error::{Error, Result, check_non_negative};
use crate::memory::check_room;
use crate::network::{Delay, Geometry, Init};
use crate::rng::{below, generator, uniform};
use crate::simd::Real;
use crate::stop::{Stop, check};

/// Rows a thread takes at once.
const ROWS_PER_TASK: usize = 256;

/// Says which neurons of two populations are connected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConnectionRule {
    /// Every presynaptic neuron to every postsynaptic one.
    AllToAll {
        /// Whether neurons of one population may be presynaptic to themselves.
        self_loops: bool,
    },
    /// Neuron i to neuron i of a population of the same size.
    OneToOne,
    /// Every pair with the same probability, independently.
    FixedProbability {
        /// That probability, in (0, 1].
        probability: f64,
        /// Whether neurons of one population may be presynaptic to themselves.
        self_loops: bool,
    },
    /// Every presynaptic neuron to `n` different postsynaptic ones.
    FixedOutDegree {
        /// Number of synapses of a presynaptic neuron.
        n: usize,
        /// Whether neurons of one population may be presynaptic to themselves.
        self_loops: bool,
    },
    /// `n` different presynaptic neurons to every postsynaptic one.
    FixedInDegree {
        /// Number of synapses of a postsynaptic neuron.
        n: usize,
        /// Whether neurons of one population may be presynaptic to themselves.
        self_loops: bool,
    },
    /// Those under a kernel to the neuron at its position.
    Convolution(Convolution),
}

/// Holds everything a projection is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// Number of presynaptic neurons.
    pub n_pre: usize,
    /// Number of postsynaptic neurons.
    pub n_post: usize,
    /// Whether both are the same population.
    pub same: bool,
    /// Distribution of the weights.
    pub weight: &'a Init,
    /// Distribution of the delays.
    pub delay: &'a Delay,
    /// Time step [ms], of which random delays are whole numbers.
    pub dt: f64,
    /// Seed of the graph.
    pub seed: u64,
    /// Number of the projection in the graph: which random streams it draws from.
    pub index: usize,
}

/// Most different delays that a rule draws from: one byte a synapse tells them apart.
const MAX_DELAYS: u32 = 256;

/// Returns the delays that may be drawn [ms], ascending.
fn delays_to_draw(delay: &Delay, dt: f64) -> Result<Vec<f64>> {
    match delay {
        Delay::Fixed(delay) => {
            check_non_negative("delay", "ms", *delay)?;
            Ok(vec![*delay])
        }
        Delay::Drawn(distribution) => {
            let (first, last) = distribution.range("delay", dt)?;
            if last - first >= MAX_DELAYS {
                let expected = format!("of at most {MAX_DELAYS} different numbers of steps");
                return Err(Error::value("delay", expected, u64::from(last - first) + 1));
            }
            Ok((first..=last).map(|steps| f64::from(steps) * dt).collect())
        }
    }
}

impl ConnectionRule {
    /// Checks what does not depend on the populations.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn check_alone(&self) -> Result<()> {
        match *self {
            Self::FixedProbability { probability, .. } if !(probability > 0.0 && probability <= 1.0) => {
                Err(Error::value("probability", "in (0, 1]", probability))
            }
            Self::Convolution(convolution) => convolution.pattern().map(drop),
            _ => Ok(()),
        }
    }

    fn validate(&self, drawing: &Drawing<'_>) -> Result<()> {
        let available = |n: usize, self_loops: bool| n - usize::from(drawing.same && !self_loops);
        match *self {
            Self::AllToAll { .. } | Self::FixedProbability { .. } => self.check_alone(),
            Self::Convolution(convolution) => convolution.between(drawing.n_pre, drawing.n_post).map(drop),
            Self::OneToOne if drawing.n_pre == drawing.n_post => Ok(()),
            Self::OneToOne => {
                Err(Error::value("post", format!("of {} neurons, as pre", drawing.n_pre), drawing.n_post))
            }
            Self::FixedOutDegree { n, self_loops } if n <= available(drawing.n_post, self_loops) => Ok(()),
            Self::FixedInDegree { n, self_loops } if n <= available(drawing.n_pre, self_loops) => Ok(()),
            Self::FixedOutDegree { n, self_loops } => {
                Err(Error::value("n", format!("<= {}, the targets", available(drawing.n_post, self_loops)), n))
            }
            Self::FixedInDegree { n, self_loops } => {
                Err(Error::value("n", format!("<= {}, the sources", available(drawing.n_pre, self_loops)), n))
            }
        }
    }

    /// Refuses what there is no memory for, before any of it is drawn.
    ///
    /// Of `FixedProbability` nine tenths of what is expected are asked for: much less is not drawn where this is large.
    fn check_room<F: Real>(&self, drawing: &Drawing<'_>, n_delays: usize) -> Result<()> {
        let (n_pre, n_post) = (drawing.n_pre, drawing.n_post);
        let n = match *self {
            Self::AllToAll { .. } => n_pre.checked_mul(n_post),
            Self::OneToOne => Some(n_pre),
            Self::FixedProbability { probability, .. } => {
                Some((0.9 * probability * n_pre as f64 * n_post as f64) as usize)
            }
            Self::FixedOutDegree { n, .. } => n_pre.checked_mul(n),
            Self::FixedInDegree { n, .. } => n_post.checked_mul(n),
            Self::Convolution(_) => unreachable!("drawn as kernels"),
        };
        let per_synapse = size_of::<u32>() + size_of::<F>() + usize::from(n_delays > 1);
        check_room("n_synapses", n, per_synapse)?;
        check_room("n_pre", Some(n_pre + 1), size_of::<usize>())
    }

    /// Draws the synapses; each row (of `FixedInDegree`, each column) from a random stream of its own, so that the result
    /// does not depend on the number of threads.
    ///
    /// Memory is asked for once, of the final size: synapses are counted first, then drawn again.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain; [`Error::Memory`] if there is no room for so many synapses.
    pub fn draw<F: Real>(&self, drawing: &Drawing<'_>) -> Result<Connectivity<F>> {
        self.validate(drawing)?;
        drawing.weight.validate()?;
        if let Init::UniformOfThreshold { .. } = drawing.weight {
            let expected = "a distribution that does not ask for thresholds, in a graph";
            return Err(Error::value("weight", expected, "uniform_of_threshold"));
        }
        if let Self::Convolution(convolution) = self {
            // Drawn as the matrix that they are.
            let conv = convolution.between(drawing.n_pre, drawing.n_post)?;
            let [n_post, n_pre] = conv.matrix();
            let matrix = Drawing { n_pre, n_post, same: false, ..*drawing };
            return Connectivity::from_matrix(&conv, &Self::AllToAll { self_loops: true }.draw(&matrix)?);
        }
        let delays = delays_to_draw(drawing.delay, drawing.dt)?;
        self.check_room::<F>(drawing, delays.len())?;
        let drawn = match *self {
            Self::AllToAll { self_loops } if delays.len() == 1 && (self_loops || !drawing.same) => {
                let mut weight = vec![F::zero(); drawing.n_pre * drawing.n_post];
                let stop = Stop::current();
                weight.par_chunks_mut(drawing.n_post.max(1)).enumerate().for_each(|(row, weight)| {
                    let mut rng = drawing.generator(row);
                    stop.during(|| drawing.weight.fill_with(weight, drawing.n_pre, &mut rng));
                });
                Connectivity::all(drawing.n_pre, drawing.n_post, weight, delays[0])
            }
            Self::FixedInDegree { n, self_loops } => self.draw_by_column(drawing, n, self_loops, delays)?,
            _ => self.draw_by_row(drawing, delays)?,
        };
        check()?;
        match drawn.weight().par_iter().find_any(|weight| !weight.is_finite()) {
            None => Ok(drawn),
            Some(_) => Err(Error::value("weight", format!("in the range of {}", F::DTYPE), "an infinite one")),
        }
    }

    fn draw_by_row<F: Real>(&self, drawing: &Drawing<'_>, delays: Vec<f64>) -> Result<Connectivity<F>> {
        let stop = Stop::current();
        let (n_pre, n_delays) = (drawing.n_pre, delays.len());
        let mut start = vec![0; n_pre + 1];
        start[1..].par_chunks_mut(ROWS_PER_TASK).enumerate().for_each(|(task, counts)| {
            let mut targets = Vec::new();
            for (row, count) in (task * ROWS_PER_TASK..).zip(counts) {
                if stop.is_set() {
                    return;
                }
                *count = match *self {
                    Self::FixedOutDegree { n, .. } => n,
                    Self::OneToOne => 1,
                    _ => {
                        self.row_targets(drawing, row, &mut drawing.generator(row), &mut targets);
                        targets.len()
                    }
                };
            }
        });
        check()?;
        for row in 0..n_pre {
            start[row + 1] += start[row];
        }
        let total = start[n_pre];
        let mut target = vec![0u32; total];
        let mut weight = vec![F::zero(); total];
        let mut index = vec![0u8; if n_delays == 1 { 0 } else { total }];
        let mut tasks = Vec::with_capacity(n_pre.div_ceil(ROWS_PER_TASK));
        let (mut targets, mut weights, mut indices) = (&mut target[..], &mut weight[..], &mut index[..]);
        for first in (0..n_pre).step_by(ROWS_PER_TASK) {
            let rows = first..n_pre.min(first + ROWS_PER_TASK);
            let len = start[rows.end] - start[rows.start];
            let target = targets.split_off_mut(..len).expect("as long as all rows");
            let weight = weights.split_off_mut(..len).expect("as long as all rows");
            let index = indices.split_off_mut(..if n_delays == 1 { 0 } else { len }).expect("as long as all rows");
            tasks.push((rows, target, weight, index));
        }
        tasks.into_par_iter().for_each(|(rows, target, weight, index)| {
            let (mut targets, mut order, first) = (Vec::new(), Vec::new(), start[rows.start]);
            for row in rows {
                if stop.is_set() {
                    return;
                }
                let mut rng = drawing.generator(row);
                self.row_targets(drawing, row, &mut rng, &mut targets);
                let at = start[row] - first..start[row + 1] - first;
                drawing.weight.fill_with(&mut weight[at.clone()], n_pre, &mut rng);
                if n_delays == 1 {
                    target[at].copy_from_slice(&targets);
                    continue;
                }
                // Sorted by delay, then target; which weight goes where does not matter.
                order.clear();
                order.extend(targets.iter().map(|&i| (below(&mut rng, n_delays as u32), i)));
                order.sort_unstable();
                for (place, &(delay, i)) in at.zip(&order) {
                    (target[place], index[place]) = (i, delay as u8);
                }
            }
        });
        let delays = if n_delays == 1 { Delays::same(delays[0]) } else { Delays::few(delays, index) };
        Ok(Connectivity::rows(n_pre, drawing.n_post, start, target, weight, delays))
    }

    /// Lists the targets of presynaptic neuron `row`, ascending.
    fn row_targets(&self, drawing: &Drawing<'_>, row: usize, rng: &mut ChaCha8Rng, targets: &mut Vec<u32>) {
        targets.clear();
        let n_post = drawing.n_post;
        match *self {
            Self::OneToOne => targets.push(row as u32),
            Self::AllToAll { self_loops } => {
                let own = if drawing.same && !self_loops { row } else { usize::MAX };
                targets.extend((0..n_post as u32).filter(|&i| i as usize != own));
            }
            Self::FixedProbability { probability, self_loops } => {
                let own = if drawing.same && !self_loops { row } else { usize::MAX };
                if probability == 1.0 {
                    targets.extend((0..n_post as u32).filter(|&i| i as usize != own));
                    return;
                }
                // Distances between the targets are geometric.
                let scale = 1.0 / (-probability).ln_1p();
                let mut at = -1.0;
                loop {
                    at += 1.0 + ((1.0 - uniform(rng)).ln() * scale).floor();
                    if at >= n_post as f64 {
                        return;
                    }
                    if at as usize != own {
                        targets.push(at as u32);
                    }
                }
            }
            Self::FixedOutDegree { n, self_loops } => {
                let own = (drawing.same && !self_loops).then_some(row);
                choose(n, n_post, own, rng, targets);
            }
            Self::FixedInDegree { .. } | Self::Convolution(_) => unreachable!("drawn by column, or as kernels"),
        }
    }

    fn draw_by_column<F: Real>(
        &self,
        drawing: &Drawing<'_>,
        n: usize,
        self_loops: bool,
        delays: Vec<f64>,
    ) -> Result<Connectivity<F>> {
        let (n_pre, n_post, n_delays) = (drawing.n_pre, drawing.n_post, delays.len());
        let mut sources = Vec::with_capacity(n);
        let column = |i: usize, sources: &mut Vec<u32>| {
            let mut rng = drawing.generator(i);
            choose(n, n_pre, (drawing.same && !self_loops).then_some(i), &mut rng, sources);
            rng
        };
        let mut start = vec![0; n_pre + 1];
        for i in 0..n_post {
            check()?;
            column(i, &mut sources);
            sources.iter().for_each(|&j| start[j as usize + 1] += 1);
        }
        for j in 0..n_pre {
            start[j + 1] += start[j];
        }
        let total = n * n_post;
        let (mut target, mut weight) = (vec![0u32; total], vec![F::zero(); total]);
        let mut index = vec![0u8; if n_delays == 1 { 0 } else { total }];
        let mut weights = vec![F::zero(); n];
        for i in 0..n_post {
            check()?;
            let mut rng = column(i, &mut sources);
            drawing.weight.fill_with(&mut weights, n_pre, &mut rng);
            for (&j, &w) in sources.iter().zip(&weights) {
                // Row starts move on as rows fill up.
                let at = start[j as usize];
                start[j as usize] += 1;
                (target[at], weight[at]) = (i as u32, w);
                if n_delays > 1 {
                    index[at] = below(&mut rng, n_delays as u32) as u8;
                }
            }
        }
        start.rotate_right(1);
        start[0] = 0;
        if n_delays == 1 {
            return Ok(Connectivity::rows(n_pre, n_post, start, target, weight, Delays::same(delays[0])));
        }
        let mut row = Vec::new();
        for pair in start.windows(2) {
            check()?;
            let at = pair[0]..pair[1];
            row.clear();
            row.extend(at.clone().map(|place| (index[place], target[place], weight[place])));
            row.sort_by_key(|&(delay, i, _)| (delay, i));
            for (place, &(delay, i, w)) in at.zip(&row) {
                (index[place], target[place], weight[place]) = (delay, i, w);
            }
        }
        Ok(Connectivity::rows(n_pre, n_post, start, target, weight, Delays::few(delays, index)))
    }
}

impl Drawing<'_> {
    fn generator(&self, row: usize) -> ChaCha8Rng {
        generator(self.seed, (self.index as u64 + 1) << 32 | row as u64)
    }
}

/// Lists `k` different numbers below `n` other than `own`, ascending, every choice equally likely.
///
/// As many as are missing are drawn until none is: by symmetry every set of k is as likely.
fn choose(k: usize, n: usize, own: Option<usize>, rng: &mut ChaCha8Rng, chosen: &mut Vec<u32>) {
    chosen.clear();
    let available = n - usize::from(own.is_some());
    let left_out = k > available / 2;
    let wanted = if left_out { available - k } else { k };
    while chosen.len() < wanted {
        for _ in chosen.len()..wanted {
            chosen.push(below(rng, available as u32));
        }
        chosen.sort_unstable();
        chosen.dedup();
    }
    if left_out {
        let mut without = chosen.iter().copied().peekable();
        let rest: Vec<u32> = (0..available as u32).filter(|&i| without.next_if_eq(&i).is_none()).collect();
        *chosen = rest;
    }
    if let Some(own) = own {
        chosen.iter_mut().filter(|i| **i >= own as u32).for_each(|i| *i += 1);
    }
}

#[cfg(test)]
mod tests;
