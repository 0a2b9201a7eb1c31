//! How large currents and potentials become.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::graph::{Graph, Projection};
use crate::neuron::LifParams;
use crate::simd::Real;

/// Spikes that may come through a synapse in one step, and steps over which they may add up.
const CROWD: f64 = 4_294_967_296.0;

/// Weights of a task.
const CHUNK: usize = 1 << 16;

/// Refuses populations whose currents or potentials, in whatever sums come, might leave numbers of at most `largest`: an
/// infinite one would become NaN, which fires never or at once, and no state could be told.
///
/// All weights are looked at once; neuron by neuron only if their number times the largest is too much.
///
/// # Errors
/// [`Error::Value`] naming the population.
pub fn check_range<F: Real>(graph: &Graph<F>, largest: f64) -> Result<()> {
    for (at, population) in graph.populations().iter().enumerate() {
        let Some(params) = population.integrating() else { continue };
        let most = most_weight(&params.lif()?.lowest(), largest);
        let projections = || graph.projections().iter().filter(|projection| projection.post == at);
        let bound = |projection: &Projection<F>| {
            projection.synapses.len() as f64 * largest_weight(projection.synapses.weight()).widen()
        };
        if projections().map(bound).sum::<f64>() <= most {
            continue;
        }
        let mut sums = vec![0.0; population.n];
        for projection in projections() {
            let sizes = projection.synapses.input_sizes(|w| w.abs().widen());
            sums.iter_mut().zip(sizes).for_each(|(sum, (_, size))| *sum += size);
        }
        let sum = sums.into_iter().fold(0.0, f64::max);
        if sum > most {
            let expected = format!("at most {most:.1e} in sum for a neuron of '{}'", population.name);
            return Err(Error::value("weight", expected, format!("{sum:.1e}")));
        }
    }
    Ok(())
}

/// Returns what the weights onto a neuron may sum up to.
///
/// A current adds up over `tau_s`, and what it adds to the potential over `tau_m`.
fn most_weight(params: &LifParams, largest: f64) -> f64 {
    let steps = 1.0 + params.tau_m.max(params.tau_s) / params.dt;
    largest / CROWD / steps.min(CROWD)
}

fn largest_weight<F: Real>(weight: &[F]) -> F {
    let largest = |weight: &[F]| weight.iter().fold(F::zero(), |largest, w| largest.max(w.abs()));
    weight.par_chunks(CHUNK).map(largest).reduce(F::zero, F::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Connectivity;
    use crate::neuron::Discretisation;

    /// Four inputs onto two neurons, one of which receives from three of them.
    fn graph(weight: f32) -> Graph<f32> {
        let params =
            LifParams { tau_m: 3.0, tau_s: 2.0, v_th: 1.0, t_ref: 0.0, dt: 1.0, discretisation: Discretisation::Exact };
        let mut graph = Graph::new(1.0, 0).unwrap();
        graph.add_input("eye", 4).unwrap();
        graph.add_population("brain", 2, params).unwrap();
        let synapses =
            Connectivity::from_lists(4, 2, &[0, 1, 2, 3], &[0, 0, 0, 1], &[weight, -weight, weight, 0.0], &[0.0]);
        graph.add_projection(0, 1, synapses.unwrap()).unwrap();
        graph
    }

    #[test]
    fn sums_of_a_neuron_count() {
        // Over 1 + 3 steps.
        let most = 1e30 / CROWD / 4.0;
        check_range(&graph((most / 3.01) as f32), 1e30).unwrap();
        let error = check_range(&graph((most / 2.99) as f32), 1e30).unwrap_err().to_string();
        assert_eq!(error, "weight must be at most 5.8e19 in sum for a neuron of 'brain', got 5.8e19");
        // Four times the largest of them would be too much.
        assert!(4.0 * (most / 3.01) > most);
    }
}
