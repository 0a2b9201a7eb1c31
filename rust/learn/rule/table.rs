//! Mean S-PSPs of random spike trains: the table behind `PostCoupling::Table`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::memory::{collected, filled};
use crate::neuron::{Discretisation, LifParams, LifPropagator};
use crate::stop::check;
use crate::threads::PerProcess;

/// Counts up to this one are all computed, of larger ones every twentieth part; between them the table interpolates.
const DENSE_COUNTS: usize = 24;

/// Probabilities below this share of the largest are left out of a sum.
const NEGLIGIBLE: f64 = 1e-15;

/// Returns d(o): what one spike of a presynaptic neuron contributes on average to the T-PSP of a neuron that fires o times.
///
/// The mean S-PSP a presynaptic spike, E\[e_ij\] / o_j, over postsynaptic trains of exactly o firings, all equally likely
/// that keep the refractory time, and presynaptic spikes uniform over time, both in steps 1 .. n_steps - 1. Entry o of the
/// returned table, of length n_steps + 1, is d(o); entry 0 is 0, and counts that no train can reach have the value of the
/// largest one that a train can.
///
/// This is what a Monte-Carlo average over random trains tends to, but computed without sampling (tests compare the
/// two). An S-PSP is linear in the presynaptic train, so averaging over presynaptic times is to let every step hold
/// one spike: a single trace Q, the potential without resets under that constant input. Between firings the
/// potential then is `Q[t] - mem_decay^(t - r) Q[r]`, r the last step the neuron was held at 0, so that only the
/// distribution of a firing's time and of the gap to the next one enter, those of order statistics.
///
/// Tables are cached for the life of the process.
///
/// # Errors
/// Those of [`LifParams::validate`]; [`Error::Value`] if `n_steps` is 2^32 - 1 or more; [`Error::Memory`].
pub fn psp_table(params: &LifParams, n_steps: usize) -> Result<Arc<Vec<f64>>> {
    type Key = ([u64; 4], Discretisation, usize);
    type Cache = Mutex<HashMap<Key, Arc<Vec<f64>>>>;
    // A lock that another thread holds at a fork is never given back in the child.
    static CACHE: PerProcess<Cache> = PerProcess::new();
    let lif = LifPropagator::<f64>::new(params)?;
    if n_steps >= u32::MAX as usize {
        return Err(Error::value("n_steps", "< 2^32 - 1", n_steps));
    }
    let LifParams { tau_m, tau_s, t_ref, dt, discretisation, .. } = *params;
    let key = ([tau_m, tau_s, t_ref, dt].map(f64::to_bits), discretisation, n_steps);
    // Held while computing, so that two threads do not compute the same table.
    let mut cache = lock(CACHE.get_or_try_make(|| Ok(Cache::default()))?)?;
    if let Some(table) = cache.get(&key) {
        return Ok(Arc::clone(table));
    }
    let table = Arc::new(compute(&lif, n_steps)?);
    cache.insert(key, Arc::clone(&table));
    Ok(table)
}

/// Returns the entries of [`psp_table`] at `counts`, ascending and in reach of a train, without those between them.
///
/// # Errors
/// Those of [`psp_table`].
pub(super) fn psps_of_counts(params: &LifParams, n_steps: usize, counts: &[usize]) -> Result<Vec<f64>> {
    let sums = mean_sums(&LifPropagator::<f64>::new(params)?, n_steps, counts)?;
    Ok(sums.into_iter().map(|sum| sum / (n_steps - 1) as f64).collect())
}

/// Waits for a lock, unless this work is to stop.
fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => check()?,
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the largest number of firings in steps 1 .. n_steps - 1 that keeps the refractory time.
pub(super) fn largest_count(t_ref_steps: u32, n_steps: usize) -> usize {
    n_steps.saturating_sub(1).div_ceil(t_ref_steps as usize + 1)
}

fn compute(lif: &LifPropagator<f64>, n_steps: usize) -> Result<Vec<f64>> {
    let largest = largest_count(lif.t_ref_steps, n_steps);
    let mut table = filled("n_steps + 1", Some(n_steps + 1), 0.0)?;
    if largest == 0 {
        return Ok(table);
    }
    let counts = computed_counts(largest);
    let sums = mean_sums(lif, n_steps, &counts)?;
    // o/d(o) is almost a straight line (exactly one in the closed form), so it is what is interpolated.
    let points: Vec<(f64, f64)> =
        counts.iter().zip(sums).map(|(&o, sum)| (o as f64, o as f64 * (n_steps - 1) as f64 / sum)).collect();
    for (o, value) in table.iter_mut().enumerate().skip(1) {
        let o = o.min(largest) as f64;
        *value = o / interpolate(&points, o);
    }
    Ok(table)
}

/// Returns the counts that are computed: the first ones, then at distances of a twentieth, and the largest.
fn computed_counts(largest: usize) -> Vec<usize> {
    let next = |&o: &usize| (o < largest).then(|| if o < DENSE_COUNTS { o + 1 } else { (o + o / 20).min(largest) });
    std::iter::successors(Some(1), next).collect()
}

/// Returns E\[sum over the firings of the potential before them\] under one input spike a step, for each of `counts` (ascending).
///
/// Without the t_ref steps after each firing, a train of o firings is a choice of o of `n = n_steps - 1 - (o - 1) t_ref`
/// steps. Firing m is at c of these with probability C(c-1, m-1) C(n-c, o-m) / C(n, o), and at step c + (m-1) t_ref.
fn mean_sums(lif: &LifPropagator<f64>, n_steps: usize, counts: &[usize]) -> Result<Vec<f64>> {
    let t_ref = lif.t_ref_steps as usize;
    let q = trace_of_constant_input(lif, n_steps)?;
    let mut sums = vec![0.0; counts.len()];
    let mut decay = filled("n_steps", Some(n_steps), 0.0)?;
    let largest = counts[counts.len() - 1];
    for after in 0..largest {
        check()?;
        // Firing m of o, with `after` more to come.
        if after > 0 {
            mean_decay(lif.mem_decay, after, &mut decay);
        }
        for (sum, &o) in sums.iter_mut().zip(counts).skip_while(|&(_, &o)| o <= after) {
            let (m, n) = (o - after, n_steps - 1 - (o - 1) * t_ref);
            let before = (m - 1) * t_ref;
            *sum += mean_over_firing_times(m, o, n, |c| {
                // The reset of firing m costs the next firing what the potential without it would have kept.
                let reset = if after > 0 { decay[n - c] * q[c + before + t_ref] } else { 0.0 };
                q[c + before] - reset
            });
        }
    }
    Ok(sums)
}

/// Returns the potential at every step without resets, for one spike at each of the steps 1, 2, ...
fn trace_of_constant_input(lif: &LifPropagator<f64>, n_steps: usize) -> Result<Vec<f64>> {
    let (mut p, mut u) = (0.0, 0.0);
    let step = |t: usize| {
        p = lif.syn_decay * p + if t >= 2 { 1.0 } else { 0.0 };
        u = lif.mem_decay * u + lif.mem_gain * p;
        u
    };
    collected("n_steps", (0..n_steps).map(step))
}

/// Computes `decay[n]`: E\[mem_decay^gap\] up to the first of `after` firings uniform on n steps; entries n < after mean nothing.
fn mean_decay(mem_decay: f64, after: usize, decay: &mut [f64]) {
    let mut value = 0.0;
    for (n, out) in decay.iter_mut().enumerate().skip(after) {
        // The first step is one of the firings with probability after / n; else the rest is n - 1 steps.
        let now = after as f64 / n as f64;
        value = mem_decay * (now + (1.0 - now) * value);
        *out = value;
    }
}

/// Returns the mean of `f(c)` over the position c of firing `m` of `o`, uniform on `n` steps.
fn mean_over_firing_times(m: usize, o: usize, n: usize, f: impl Fn(usize) -> f64) -> f64 {
    // Probabilities relative to that of the mean position, from the ratio of neighbours, so that nothing underflows.
    let ratio = |c: usize| (c * (n - c - (o - m))) as f64 / ((c + 1 - m) as f64 * (n - c) as f64);
    let (first, last) = (m, n - (o - m));
    let start = (m * (n + 1) / (o + 1)).clamp(first, last);
    let (mut weights, mut sum, mut weight) = (1.0, f(start), 1.0);
    for c in start..last {
        weight *= ratio(c);
        if weight < NEGLIGIBLE {
            break;
        }
        weights += weight;
        sum += weight * f(c + 1);
    }
    weight = 1.0;
    for c in (first..start).rev() {
        weight /= ratio(c);
        if weight < NEGLIGIBLE {
            break;
        }
        weights += weight;
        sum += weight * f(c);
    }
    sum / weights
}

/// Returns the Lagrange interpolation through the four points around `x` (all, if fewer).
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let above = points.partition_point(|&(at, _)| at < x);
    let first = above.saturating_sub(2).min(points.len().saturating_sub(4));
    let around = &points[first..points.len().min(first + 4)];
    let term = |(i, &(at, value)): (usize, &(f64, f64))| {
        let others = around.iter().enumerate().filter(|&(j, _)| j != i);
        value * others.map(|(_, &(other, _))| (x - other) / (at - other)).product::<f64>()
    };
    around.iter().enumerate().map(term).sum()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
