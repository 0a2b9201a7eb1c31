//! Neurons and S-PSPs in the words of their definitions: dense steps, one synapse at a time.

use crate::learn::{PostCouplingModel, StRsbp};
use crate::network::Layer;
use crate::simd::Real;

/// Whether each neuron fires, step after step.
pub type Raster = Vec<Vec<bool>>;

/// A layer as plain matrices, (n_out, n_in) row-major.
pub struct Plain {
    pub n_in: usize,
    /// Of the synapses from below, the number of each one's parameter; none where there is no synapse.
    pub parameter: Vec<Option<usize>>,
    pub n_parameters: usize,
    pub weight: Vec<f64>,
    pub delay: Vec<u32>,
    /// Trained or of lateral inhibition.
    pub within: Vec<f64>,
    pub within_delay: Vec<u32>,
    pub one_minus_s: Vec<f64>,
    /// Whether neurons count the spikes of each input.
    pub is_max: bool,
}

impl Plain {
    /// The neurons below that are connected to neuron i.
    pub fn joined(&self, i: usize) -> Vec<usize> {
        (0..self.n_in).filter(|j| self.parameter[i * self.n_in + j].is_some()).collect()
    }

    /// Of a layer that counts the spikes of each input, the one that decides the count of neuron i: the first that has sent as many as
    /// any; none if all are silent.
    pub fn winner(&self, below: &Raster, i: usize) -> Option<usize> {
        let last = |j: usize| (0..below.len()).rev().find(|&t| below[t][j]);
        let rank = |j: usize| Some((std::cmp::Reverse(count(below, j)), last(j)?, j));
        self.joined(i).into_iter().filter_map(rank).min().map(|(.., j)| j)
    }
}

pub fn plain<F: Real>(layer: &Layer<F>, lateral: f64, rule: &StRsbp, n_steps: usize) -> Plain {
    let n = layer.n_out();
    let model = PostCouplingModel::new(rule.post_coupling, layer.params(), n_steps).unwrap();
    let widen = |rows: Vec<F>| rows.iter().map(|w| w.widen()).collect::<Vec<_>>();
    let (within, within_delay) = match layer.recurrent() {
        Some(recurrent) if recurrent.is_trainable() => {
            (widen(recurrent.synapses().rows()), recurrent.synapses().delays())
        }
        _ => ((0..n * n).map(|at| if at / n == at % n { 0.0 } else { -lateral }).collect(), vec![0; n * n]),
    };
    let pattern = layer.below().pattern();
    let ([rows, columns], n_in) = (pattern.matrix(), layer.n_in());
    let mut parameter = vec![None; n * n_in];
    for j in 0..n_in {
        pattern.for_each_synapse(j, |i, place| {
            parameter[i as usize * n_in + j] = Some(place.row as usize * columns + place.column as usize);
        });
    }
    let (weights, delays) = (widen(layer.synapses().rows()), layer.synapses().delays());
    Plain {
        n_in,
        weight: parameter.iter().map(|at| at.map_or(0.0, |at| weights[at])).collect(),
        delay: parameter.iter().map(|at| at.map_or(0, |at| delays[at])).collect(),
        parameter,
        n_parameters: rows * columns,
        within,
        within_delay,
        is_max: pattern.max_windows().is_some(),
        one_minus_s: (0..=n_steps).map(|count| model.one_minus_s(count as u32)).collect(),
    }
}

/// Returns the threshold of a neuron.
pub fn v_th<F: Real>(layer: &Layer<F>, i: usize) -> f64 {
    F::from_f64(layer.v_th().get(i / (layer.shape().height * layer.shape().width))).widen()
}

/// Whether what fired `delay` steps before the last one arrives at step `t`.
pub fn arrives(raster: &Raster, j: usize, t: usize, delay: u32) -> bool {
    t.checked_sub(1 + delay as usize).is_some_and(|at| raster[at][j])
}

/// Returns the layer's spikes, step by step.
pub fn simulate<F: Real>(layer: &Layer<F>, plain: &Plain, input: &Raster) -> Raster {
    let (n, lif) = (layer.n_out(), layer.lif());
    if plain.is_max {
        return largest_counts(plain, n, input);
    }
    let mut fired = vec![vec![false; n]; input.len()];
    let (mut p, mut u, mut refractory) = (vec![0.0; n], vec![0.0; n], vec![0; n]);
    for t in 1..input.len() {
        for i in 0..n {
            p[i] *= lif.syn_decay.widen();
            let of = |raster: &Raster, weight: &[f64], delay: &[u32], n_in: usize| {
                let row = i * n_in..(i + 1) * n_in;
                let received = |(j, (w, &d)): (usize, (&f64, &u32))| if arrives(raster, j, t, d) { *w } else { 0.0 };
                weight[row.clone()].iter().zip(&delay[row]).enumerate().map(received).sum::<f64>()
            };
            p[i] += of(input, &plain.weight, &plain.delay, plain.n_in);
            p[i] += of(&fired, &plain.within, &plain.within_delay, n);
            u[i] = if refractory[i] > 0 { 0.0 } else { lif.mem_decay.widen() * u[i] + lif.mem_gain.widen() * p[i] };
            refractory[i] = if refractory[i] > 0 { refractory[i] - 1 } else { 0 };
        }
        for i in 0..n {
            if u[i] >= v_th(layer, i) {
                (fired[t][i], u[i], refractory[i]) = (true, 0.0, lif.t_ref_steps);
            }
        }
    }
    fired
}

/// Returns the spikes of neurons that fire where the largest count of their inputs has grown.
fn largest_counts(plain: &Plain, n: usize, input: &Raster) -> Raster {
    let joined: Vec<Vec<usize>> = (0..n).map(|i| plain.joined(i)).collect();
    let (mut sent, mut most) = (vec![0; plain.n_in], vec![0; n]);
    let step = |t: usize| {
        if t > 0 {
            sent.iter_mut().zip(&input[t - 1]).for_each(|(sent, &fired)| *sent += usize::from(fired));
        }
        let grows = |(joined, most): (&Vec<usize>, &mut usize)| {
            let now = joined.iter().map(|&j| sent[j]).max().unwrap_or(0);
            now > std::mem::replace(most, now)
        };
        joined.iter().zip(&mut most).map(grows).collect()
    };
    (0..input.len()).map(step).collect()
}

/// Computes e_ij, the potential that a unit synapse from j alone would have at the firings of i, summed.
pub fn s_psp<F: Real>(layer: &Layer<F>, pre: &Raster, j: usize, post: &Raster, i: usize, delay: u32) -> f64 {
    let lif = layer.lif();
    let (mut p, mut u, mut refractory, mut sum) = (0.0, 0.0, 0, 0.0);
    for t in 1..pre.len() {
        p = lif.syn_decay.widen() * p + f64::from(u8::from(arrives(pre, j, t, delay)));
        u = if refractory > 0 { 0.0 } else { lif.mem_decay.widen() * u + lif.mem_gain.widen() * p };
        refractory = u32::saturating_sub(refractory, 1);
        if post[t][i] {
            sum += u;
            (u, refractory) = (0.0, lif.t_ref_steps);
        }
    }
    sum
}

pub fn count(raster: &Raster, i: usize) -> u32 {
    raster.iter().filter(|fired| fired[i]).count() as u32
}
