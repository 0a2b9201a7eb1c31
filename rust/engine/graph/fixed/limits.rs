//! How much may arrive at once.

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::neuron::NeuronParams;
use crate::neuron::fixed::{FixedLanes, FixedParams, FixedPopulation, FixedWeight, Limits};

/// Spikes of an input in a step with which 32 bits should do, if they can do at all.
const ENOUGH: i64 = 16;

/// Most spikes of an input in a step, whatever the weights.
const MOST: i64 = 1 << 20;

/// Holds what keeps the sum of all that arrives at a neuron at a step within 32 bits.
#[derive(Clone, Debug)]
pub struct SumLimits {
    /// Most spikes of an input in one step.
    pub input_spikes: u32,
    /// The most that may arrive at a neuron of each population.
    pub most: Vec<i64>,
}

/// Holds the most that may arrive at a neuron from neurons, and from inputs that fire once.
#[derive(Clone, Copy, Default)]
struct Arriving {
    neurons: i64,
    inputs: i64,
}

impl SumLimits {
    /// Finds the limits of a graph.
    ///
    /// # Errors
    /// [`Error::Value`] if the weights onto some neuron add up to more than 32 bits, or the hardware has no room for the graph.
    pub fn new<W: FixedWeight>(graph: &Graph<W>) -> Result<Self> {
        let (mut input_spikes, mut most) = (MOST, Vec::new());
        for (at, population) in graph.populations().iter().enumerate() {
            let Some(params) = population.integrating() else {
                most.push(0);
                continue;
            };
            let params = params.fixed()?;
            check_room(graph, at, &params.limits)?;
            input_spikes = input_spikes.min(params.limits.input_spikes.map_or(MOST, i64::from));
            if params.model.abilities().takes_each_spike {
                most.push(0);
                continue;
            }
            let arriving = arriving(graph, at)?;
            let lif = FixedPopulation::new(params, population.n, at)?;
            let widest = i64::from(i32::MAX);
            let narrow = narrow_sum(params);
            let enough = spikes(&arriving, narrow) >= ENOUGH && FixedLanes::sums_fit(&lif, narrow);
            let own = if enough { narrow } else { widest };
            if spikes(&arriving, own) < 1 {
                let largest = arriving.iter().map(|arriving| arriving.neurons + arriving.inputs).max().unwrap_or(0);
                let expected = format!("of magnitudes that add up to < 2^31 for each neuron of '{}'", population.name);
                return Err(Error::value("weights", expected, largest));
            }
            input_spikes = input_spikes.min(spikes(&arriving, own));
            most.push(own);
        }
        Ok(Self { input_spikes: input_spikes as u32, most })
    }
}

/// Refuses synapses that hardware has no room for.
fn check_room<W: FixedWeight>(graph: &Graph<W>, at: usize, limits: &Limits) -> Result<()> {
    let population = &graph.populations()[at];
    let mut fan_in = vec![0; population.n];
    let mut fan_out = vec![0; population.n];
    let mut inputs = 0;
    for projection in graph.projections() {
        let synapses = &projection.synapses;
        for j in (0..synapses.n_pre()).filter(|_| projection.post == at) {
            synapses.for_each(j, |post, _| fan_in[post] += 1);
        }
        if projection.post == at && graph.populations()[projection.pre].params.is_none() {
            inputs += (0..synapses.n_pre()).filter(|&j| synapses.count(synapses.range(j)) > 0).count();
        }
        // Xylo holds the synapses onto its output neurons elsewhere.
        let post = graph.populations()[projection.post].integrating();
        let is_readout = post.map(NeuronParams::fixed).transpose()?.is_some_and(FixedParams::is_xylo_output);
        if projection.pre == at && !is_readout {
            fan_out.iter_mut().enumerate().for_each(|(j, n)| *n += synapses.count(synapses.range(j)));
        }
        let longest = synapses.delays().steps("delay", graph.dt())?.into_iter().max().unwrap_or(0);
        if let Some(most) = limits.delay.filter(|&most| projection.post == at && longest > most) {
            let expected = format!("<= {most} steps onto '{}', as the hardware has it", population.name);
            return Err(Error::value("delay", expected, longest));
        }
    }
    if let Some(most) = limits.inputs.filter(|&most| inputs > most) {
        let expected = format!("<= {most} onto '{}', as the hardware has it", population.name);
        return Err(Error::value("inputs", expected, inputs));
    }
    for (name, counts, most) in [("fan-in", fan_in, limits.fan_in), ("fan-out", fan_out, limits.fan_out)] {
        let largest = counts.into_iter().max().unwrap_or(0);
        if let Some(most) = most.filter(|&most| largest > most) {
            let expected = format!("<= {most} synapses of a neuron of '{}', as the hardware has it", population.name);
            return Err(Error::value(name, expected, largest));
        }
    }
    Ok(())
}

/// Returns the largest sum with which the current, before it is fitted, has 32 bits.
fn narrow_sum(params: &FixedParams) -> i64 {
    ((1i64 << 31) - 1 - (1i64 << (params.current_bits - 1))).max(0) >> params.input_shift
}

/// Says how many spikes an input may send with no neuron getting more than `most`; 0 if not even one.
fn spikes(arriving: &[Arriving], most: i64) -> i64 {
    let of = |arriving: &Arriving| match (most - arriving.neurons, arriving.inputs) {
        (rest, _) if rest < 0 => 0,
        (_, 0) => MOST,
        (rest, inputs) => rest / inputs,
    };
    arriving.iter().map(of).min().unwrap_or(MOST).min(MOST)
}

fn arriving<W: FixedWeight>(graph: &Graph<W>, at: usize) -> Result<Vec<Arriving>> {
    let mut arriving = vec![Arriving::default(); graph.populations()[at].n];
    for projection in graph.projections().iter().filter(|projection| projection.post == at) {
        let pre = &graph.populations()[projection.pre];
        let most = match &pre.params {
            Some(NeuronParams::MaxPool) => Some(1),
            Some(params) => Some(i64::from(params.fixed()?.max_spikes)),
            None => None,
        };
        let synapses = &projection.synapses;
        for j in 0..synapses.n_pre() {
            synapses.for_each(j, |post, weight| {
                let (weight, arriving) = (i64::from(weight.into()).abs(), &mut arriving[post]);
                match most {
                    Some(most) => arriving.neurons += weight * most,
                    None => arriving.inputs += weight,
                }
            });
        }
    }
    Ok(arriving)
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
