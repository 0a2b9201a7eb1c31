//! Networks of layers as graphs.

use super::Graph;
use super::connectivity::Connectivity;
use super::delays::Delays;
use super::sliding::Sliding;
use crate::error::{Error, Result};
use crate::fixed::{FixedConnection, FixedNetwork};
use crate::memory::{OrUnwind, catch, product, reserve, with_room};
use crate::network::{Connection, Network, Origin, Pattern, Place, Taps};
use crate::neuron::NeuronParams;
use crate::neuron::fixed::FixedWeight;
use crate::simd::Real;

/// Share of synapses that must exist for a matrix to be kept whole: a missing one then costs less than an index.
const DENSE_SHARE: f64 = 0.5;

impl<F: Real> Graph<F> {
    /// Makes the populations and projections of a layered network: "input", then "layer 0" and so on.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn from_network(net: &Network<F>) -> Result<Self> {
        catch(|| {
            let dt = net.config().dt;
            let mut graph = Self::new(dt, net.config().seed)?;
            let mut below = graph.add_input("input", net.n_in())?;
            for (l, layer) in net.layers().iter().enumerate() {
                let neurons = match layer.below().pattern().max_windows() {
                    Some(_) => NeuronParams::MaxPool,
                    None => layer.neurons().into(),
                };
                let own = graph.add_population(&layer_name(l), layer.n_out(), neurons)?;
                for connection in layer.connections() {
                    let pre = match connection.origin() {
                        Origin::Below => below,
                        Origin::Itself => own,
                    };
                    let synapses = match connection.pattern() {
                        Pattern::Dense(_) | Pattern::Lateral(_) => {
                            let (matrix, shape) = (connection.weight(), connection.pattern().matrix());
                            let weight = |i: usize, tap: usize, j: usize| matrix.get(i, tap * shape[1] + j);
                            connectivity(shape, connection.taps(), dt, DENSE_SHARE, weight)
                        }
                        Pattern::Conv2d(conv) => kernels(conv.into(), connection, dt),
                        Pattern::AvgPool2d(pool) => kernels(pool.into(), connection, dt),
                        Pattern::MaxPool2d(pool) => kernels(pool.windows().into(), connection, dt),
                    };
                    graph.add_projection(pre, own, synapses)?;
                }
                below = own;
            }
            Ok(graph)
        })
    }
}

impl<W: FixedWeight> Graph<W> {
    /// Makes the populations and projections of a network in fixed point, named as those of [`Graph::from_network`].
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if a weight has more bits than the type; [`Error::Memory`](crate::Error::Memory).
    pub fn from_fixed_network(dt: f64, seed: u64, network: &FixedNetwork) -> Result<Self> {
        catch(|| {
            let mut graph = Self::new(dt, seed)?;
            let mut below = graph.add_input("input", network.n_in())?;
            let limited = network.layers().iter().any(|layer| layer.params.limits.fan_out.is_some());
            // A synapse takes room on a chip, and one of weight 0 does not exist there.
            let share = if limited { 1.0 } else { DENSE_SHARE };
            for (l, layer) in network.layers().iter().enumerate() {
                let neurons = match layer.below().pattern.max_windows() {
                    Some(_) => NeuronParams::MaxPool,
                    None => layer.params.clone().into(),
                };
                let own = graph.add_population(&layer_name(l), layer.n_out(), neurons)?;
                for FixedConnection { origin, pattern, weight: weights, taps } in &layer.connections {
                    let pre = match origin {
                        Origin::Below => below,
                        Origin::Itself => own,
                    };
                    let whole = match pattern {
                        Pattern::Dense(_) | Pattern::Lateral(_) => {
                            let shape = pattern.matrix();
                            let weight = |i: usize, tap: usize, j: usize| {
                                let at = i * shape[1] + j;
                                if taps.tap(at) == tap { weights[at] } else { 0 }
                            };
                            connectivity(shape, taps.steps(), dt, share, weight)
                        }
                        Pattern::Conv2d(conv) => whole_kernels(conv.into(), weights, taps, dt),
                        Pattern::AvgPool2d(pool) => whole_kernels(pool.into(), weights, taps, dt),
                        Pattern::MaxPool2d(pool) => whole_kernels(pool.windows().into(), weights, taps, dt),
                    };
                    let narrow = |w: i32| W::try_from(w.into()).ok();
                    let refused = |w| Error::value("weight", format!("in the range of {}", W::DTYPE), w);
                    graph.add_projection(pre, own, whole.try_map(narrow).map_err(refused)?)?;
                }
                below = own;
            }
            Ok(graph)
        })
    }
}

/// Makes the connectivity of kernels, of which no synapse has the weight 0.
fn kernels<F: Real>(sliding: Sliding, connection: &Connection<F>, dt: f64) -> Connectivity<F> {
    let (matrix, columns) = (connection.weight(), connection.pattern().matrix()[1]);
    let weight = |Place { row, column }: Place, tap: usize| matrix.get(row as usize, tap * columns + column as usize);
    Connectivity::kernels(sliding, connection.taps().iter().map(|&tap| f64::from(tap) * dt).collect(), weight)
}

/// Makes the connectivity of kernels in fixed point, of which no synapse has the weight 0.
fn whole_kernels(sliding: Sliding, weights: &[i32], taps: &Taps, dt: f64) -> Connectivity<i32> {
    let weight = |place: Place, tap: usize| {
        let at = sliding.entry(place);
        if taps.tap(at) == tap { weights[at] } else { 0 }
    };
    Connectivity::kernels(sliding, taps.steps().iter().map(|&tap| f64::from(tap) * dt).collect(), weight)
}

fn layer_name(l: usize) -> String {
    format!("layer {l}")
}

/// Makes the connectivity of `n_post` rows of `n_pre` synapses, where `weight(i, tap, j)` is that of neuron j onto i if its
/// delay is `taps[tap]` steps, and otherwise 0; those of weight 0 are left out unless at least `share` have another.
fn connectivity<W: Copy + PartialEq + Default>(
    [n_post, n_pre]: [usize; 2],
    taps: &[u32],
    dt: f64,
    share: f64,
    weight: impl Fn(usize, usize, usize) -> W,
) -> Connectivity<W> {
    let delay = |tap: usize| f64::from(taps[tap]) * dt;
    let none = W::default();
    if taps.len() == 1 {
        let mut all = with_room("n_in * n_out", product(&[n_pre, n_post])).or_unwind();
        (0..n_pre).for_each(|j| all.extend((0..n_post).map(|i| weight(i, 0, j))));
        let n = all.iter().filter(|weight| **weight != none).count();
        if n as f64 >= share * all.len() as f64 {
            return Connectivity::all(n_pre, n_post, all, delay(0));
        }
    }
    let (mut start, mut target, mut weights, mut index) = (vec![0], Vec::new(), Vec::new(), Vec::new());
    for j in 0..n_pre {
        for tap in 0..taps.len() {
            reserve("synapses", &mut target, n_post).or_unwind();
            reserve("synapses", &mut weights, n_post).or_unwind();
            reserve("synapses", &mut index, n_post).or_unwind();
            for (i, w) in (0..n_post).map(|i| (i, weight(i, tap, j))).filter(|(_, w)| *w != none) {
                target.push(i as u32);
                weights.push(w);
                index.push(tap as u32);
            }
        }
        start.push(target.len());
    }
    let distinct = (0..taps.len()).map(delay).collect();
    Connectivity::rows(n_pre, n_post, start, target, weights, Delays::each(distinct, index))
}
