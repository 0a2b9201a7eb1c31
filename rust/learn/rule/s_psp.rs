//! S-PSPs of recorded spike trains.

use super::traces::{AdjointTrace, Presynaptic, s_psps};
use crate::engine::layered::LayerSpikes;
use crate::error::{Error, Result};
use crate::memory::{catch, filled, product, resize};
use crate::network::delay_steps;
use crate::neuron::{LifParams, LifPropagator};
use crate::simd::{LANES, Lanes};
use crate::spikes::SpikeTrains;
use crate::stop::check;

/// Returns e_ij of every pair of a presynaptic neuron j and a postsynaptic neuron i: (n_samples, n_post, n_pre) row-major.
///
/// e_ij sums, over the firings of i, the potential that a unit synapse from j alone would have caused at that moment,
/// with the resets of i applied. The synapse's delay beyond the one step that every spike takes is `delay` [ms].
///
/// # Errors
/// [`Error::Value`] if the two sets differ in samples or steps, or if `params` or `delay` is out of its domain;
/// [`Error::Memory`].
pub fn s_psp(pre: &SpikeTrains, post: &SpikeTrains, params: &LifParams, delay: f64) -> Result<Vec<f64>> {
    let lif = LifPropagator::<f64>::new(params)?;
    let delay = delay_steps("delay", delay, params.dt)?;
    if pre.n_samples() != post.n_samples() || pre.n_steps() != post.n_steps() {
        let got = [post.n_samples(), post.n_steps(), post.n_neurons()];
        let expected = format!("(n_samples={}, n_steps={}, n_post) as pre", pre.n_samples(), pre.n_steps());
        return Err(Error::shape("post", &got, expected));
    }
    post.check_lengths("post", pre, "pre")?;
    let (n_pre, n_post) = (pre.n_neurons(), post.n_neurons());
    let (mut trace, mut by_group) = (AdjointTrace::default(), Vec::new());
    let (mut below, mut above) = (LayerSpikes::default(), LayerSpikes::default());
    let n = product(&[pre.n_samples(), n_post, n_pre]);
    let mut all = filled("n_samples * n_post * n_pre", n, 0.0)?;
    catch(|| {
        for sample in 0..pre.n_samples() {
            below.set(pre.sample(sample), n_pre);
            above.set(post.sample(sample), n_post);
            let n_steps = pre.n_steps_of(sample);
            let e = &mut all[sample * n_post * n_pre..(sample + 1) * n_post * n_pre];
            let presynaptic = Presynaptic { by_neuron: &below.by_neuron, active: &below.active };
            for group in above.active.chunks(LANES) {
                check()?;
                let trace = trace.compute::<1>(&above.by_neuron, n_steps, group, |_| 1.0, &lif, delay);
                resize(&mut by_group, below.active.len(), Lanes::zero());
                s_psps(trace.delayed(delay), presynaptic, &mut by_group);
                for (&j, lanes) in below.active.iter().zip(&by_group) {
                    for (&i, &value) in group.iter().zip(lanes.iter()) {
                        e[i as usize * n_pre + j as usize] = value;
                    }
                }
            }
        }
        Ok(all)
    })
}
