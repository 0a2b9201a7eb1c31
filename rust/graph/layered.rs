//! A layered network as a graph.

use super::Graph;
use super::connectivity::{Connectivity, Delays};
use crate::error::Result;
use crate::memory::{OrUnwind, catch, product, reserve, with_room};
use crate::network::{Network, Panels};
use crate::simd::Real;

/// Share of synapses that must exist for a matrix to be kept whole: a missing one then costs less than an index.
const DENSE_SHARE: f64 = 0.5;

impl<F: Real> Graph<F> {
    /// The populations and projections of a layered network: "input", then "layer 0" and so on.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn from_network(net: &Network<F>) -> Result<Self> {
        catch(|| Self::of_layers(net))
    }

    fn of_layers(net: &Network<F>) -> Result<Self> {
        let mut graph = Self::new(net.config().dt, net.config().seed)?;
        let mut below = graph.add_population("input", net.n_in(), None)?;
        for (l, layer) in net.layers().iter().enumerate() {
            let own = graph.add_population(&format!("layer {l}"), layer.n_out(), Some(*layer.params()))?;
            graph.add_projection(
                below,
                own,
                connectivity(layer.weight(), layer.n_in(), layer.taps(), net.config().dt),
            )?;
            if let Some(recurrent) = layer.recurrent() {
                graph.add_projection(
                    own,
                    own,
                    connectivity(recurrent.weight(), layer.n_out(), recurrent.taps(), net.config().dt),
                )?;
            }
            below = own;
        }
        Ok(graph)
    }
}

/// Connectivity of a weight matrix (n_out, n_taps * n_pre), where column `tap * n_pre + j` is neuron j delayed by `taps[tap]`
/// steps; those of weight 0 are left out unless there are few.
fn connectivity<F: Real>(matrix: &Panels<F>, n_pre: usize, taps: &[u32], dt: f64) -> Connectivity<F> {
    let n_post = matrix.n_out();
    let delay = |tap: usize| f64::from(taps[tap]) * dt;
    let mut column = vec![F::zero(); n_post];
    let read = |column: &mut [F], tap: usize, j: usize| {
        column.iter_mut().enumerate().for_each(|(i, weight)| *weight = matrix.get(i, tap * n_pre + j));
    };
    if taps.len() == 1 {
        let mut all = with_room("n_in * n_out", product(&[n_pre, n_post])).or_unwind();
        for j in 0..n_pre {
            read(&mut column, 0, j);
            all.extend_from_slice(&column);
        }
        let n = all.iter().filter(|weight| **weight != F::zero()).count();
        if n as f64 >= DENSE_SHARE * all.len() as f64 {
            return Connectivity::all(n_pre, n_post, all, delay(0));
        }
    }
    let (mut start, mut target, mut weight, mut index) = (vec![0], Vec::new(), Vec::new(), Vec::new());
    for j in 0..n_pre {
        for tap in 0..taps.len() {
            read(&mut column, tap, j);
            reserve("synapses", &mut target, n_post).or_unwind();
            reserve("synapses", &mut weight, n_post).or_unwind();
            reserve("synapses", &mut index, n_post).or_unwind();
            for (i, &w) in column.iter().enumerate().filter(|(_, w)| **w != F::zero()) {
                target.push(i as u32);
                weight.push(w);
                index.push(tap as u32);
            }
        }
        start.push(target.len());
    }
    let distinct = (0..taps.len()).map(delay).collect();
    Connectivity::rows(n_pre, n_post, start, target, weight, Delays::each(distinct, index))
}
