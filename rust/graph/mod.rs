//! Networks for simulation: populations of neurons, and sparse projections with delays between them.
//!
//! A [`Graph`] is what the engines of [`sim`](crate::sim) run. It may have any topology, loops included; a layered
//! [`Network`](crate::network::Network) is one of them ([`Graph::from_network`]), in fixed point
//! ([`Graph::from_fixed_network`]) as well. Convolutions and pools keep their kernels once ([`Sliding`]), and no table of synapses.

mod connect;
mod connectivity;
mod convolution;
mod delays;
mod kernels;
mod layered;
mod parts;
mod sliding;
#[cfg(test)]
pub(crate) mod strategies;

pub use connect::{ConnectionRule, Drawing};
pub use connectivity::{Connectivity, Row};
pub use convolution::Convolution;
pub use delays::Delays;
pub use kernels::KernelRow;
pub use parts::Parts;
pub use sliding::Sliding;

use crate::error::{Error, Result, check_positive};
use crate::network::{Delay, Init};
use crate::neuron::NeuronParams;
use crate::neuron::fixed::FixedWeight;
use crate::simd::{Real, Weight};

/// Holds neurons of one kind.
#[derive(Clone, Debug)]
pub struct Population {
    /// Name, unique in a graph.
    pub name: String,
    /// Number of neurons.
    pub n: usize,
    /// The neurons; `None` for inputs, whose spikes come from outside.
    pub params: Option<NeuronParams>,
}

impl Population {
    /// Returns the constants of neurons that integrate; `None` of inputs and of max pools.
    pub fn integrating(&self) -> Option<&NeuronParams> {
        self.params.as_ref().filter(|_| !self.is_max_pool())
    }

    /// Whether its neurons count the spikes of each input, and integrate nothing.
    pub fn is_max_pool(&self) -> bool {
        matches!(self.params, Some(NeuronParams::MaxPool))
    }
}

/// Holds synapses from one population onto another.
#[derive(Clone, Debug)]
pub struct Projection<W> {
    /// Number of the presynaptic population.
    pub pre: usize,
    /// Number of the postsynaptic population.
    pub post: usize,
    /// The synapses.
    pub synapses: Connectivity<W>,
}

/// Holds populations and projections.
#[derive(Clone, Debug)]
pub struct Graph<W: Weight> {
    dt: f64,
    seed: u64,
    populations: Vec<Population>,
    projections: Vec<Projection<W>>,
}

impl<W: Weight> Graph<W> {
    /// Makes an empty graph with time step `dt` [ms]; `seed` is what projections are drawn from.
    ///
    /// # Errors
    /// [`Error::Value`] if `dt` is not finite and positive.
    pub fn new(dt: f64, seed: u64) -> Result<Self> {
        check_positive("dt", "ms", dt)?;
        Ok(Self { dt, seed, populations: Vec::new(), projections: Vec::new() })
    }

    /// Adds a population of inputs, whose spikes come from outside; its number.
    ///
    /// # Errors
    /// [`Error::Value`] if `n` is outside its domain or the name is taken.
    pub fn add_input(&mut self, name: &str, n: usize) -> Result<usize> {
        self.add(name, n, None)
    }

    /// Adds a population of neurons; its number.
    ///
    /// # Errors
    /// [`Error::Value`] if a field is outside its domain, the name is taken or neurons of the model have weights of another type.
    pub fn add_population(&mut self, name: &str, n: usize, params: impl Into<NeuronParams>) -> Result<usize> {
        self.add(name, n, Some(params.into()))
    }

    /// Adds a population, of neurons or (`params` = `None`) of inputs; its number.
    ///
    /// # Errors
    /// Those of [`add_input`](Self::add_input) and [`add_population`](Self::add_population).
    pub fn add(&mut self, name: &str, n: usize, params: Option<NeuronParams>) -> Result<usize> {
        if n == 0 || n >= 1 << 31 {
            return Err(Error::value("n", "in [1, 2^31)", n));
        }
        if self.populations.iter().any(|population| population.name == name) {
            return Err(Error::value("name", "of no other population", format!("'{name}'")));
        }
        let is_input = params.is_none();
        if self.size(is_input) + n >= 1 << 31 {
            return Err(Error::value("n", format!("< 2^31 - {} (all together)", self.size(is_input)), n));
        }
        if let Some(params) = &params {
            params.check::<W>(n, self.dt)?;
        }
        self.populations.push(Population { name: name.to_owned(), n, params });
        Ok(self.populations.len() - 1)
    }

    /// Adds synapses from population `pre` onto population `post`; the projection's number.
    ///
    /// # Errors
    /// [`Error::Value`] if a population does not exist, `post` is an input, the sizes differ, or its neurons do not hold a weight.
    pub fn add_projection(&mut self, pre: usize, post: usize, synapses: Connectivity<W>) -> Result<usize> {
        self.check_pair(pre, post)?;
        let sizes = (self.populations[pre].n, self.populations[post].n);
        if (synapses.n_pre(), synapses.n_post()) != sizes {
            let got = [synapses.n_pre(), synapses.n_post()];
            return Err(Error::shape("synapses", &got, format!("(n_pre={}, n_post={})", sizes.0, sizes.1)));
        }
        if let Some(params) = &self.populations[post].params {
            params.check_weights(synapses.weight())?;
        }
        if self.populations[post].is_max_pool() {
            let name = &self.populations[post].name;
            let is_first = self.projections.iter().all(|projection| projection.post != post);
            if !is_first || !synapses.sliding().is_some_and(Sliding::is_tied) || synapses.delays().distinct() != [0.0] {
                let expected = "neurons that integrate: max pools have the one projection of the network they are of";
                return Err(Error::value("post", expected, format!("'{name}'")));
            }
        }
        self.projections.push(Projection { pre, post, synapses });
        Ok(self.projections.len() - 1)
    }

    fn check_pair(&self, pre: usize, post: usize) -> Result<()> {
        for (name, population) in [("pre", pre), ("post", post)] {
            if population >= self.populations.len() {
                let expected = format!("a population in [0, {})", self.populations.len());
                return Err(Error::value(name, expected, population));
            }
        }
        if self.populations[post].params.is_none() {
            let got = format!("the input '{}'", self.populations[post].name);
            return Err(Error::value("post", "a population of neurons", got));
        }
        Ok(())
    }

    fn drawing<'a>(&self, pre: usize, post: usize, weight: &'a Init, delay: &'a Delay) -> Drawing<'a> {
        Drawing {
            n_pre: self.populations[pre].n,
            n_post: self.populations[post].n,
            same: pre == post,
            weight,
            delay,
            dt: self.dt,
            seed: self.seed,
            index: self.projections.len(),
        }
    }

    /// Returns what projections are drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the time step [ms].
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// Returns the populations.
    pub fn populations(&self) -> &[Population] {
        &self.populations
    }

    /// Returns the projections.
    pub fn projections(&self) -> &[Projection<W>] {
        &self.projections
    }

    /// Returns the number of neurons, or of inputs, of all populations together.
    pub fn size(&self, inputs: bool) -> usize {
        self.populations.iter().filter(|population| population.params.is_none() == inputs).map(|p| p.n).sum()
    }

    /// Returns the number of neurons that integrate, of all populations together.
    pub fn n_integrating(&self) -> usize {
        self.populations.iter().filter(|population| population.integrating().is_some()).map(|p| p.n).sum()
    }

    /// Returns the number of synapses.
    pub fn n_synapses(&self) -> usize {
        self.projections.iter().map(|projection| projection.synapses.len()).sum()
    }
}

impl<W: FixedWeight> Graph<W> {
    /// Connects population `pre` to population `post` by a rule, drawn weights rounded to whole numbers; the projection's number.
    ///
    /// # Errors
    /// Those of [`Graph::add_projection`] and of [`ConnectionRule::draw`], and [`Error::Value`] if a weight has too many bits.
    pub fn connect_whole(
        &mut self,
        pre: usize,
        post: usize,
        rule: &ConnectionRule,
        weight: &Init,
        delay: &Delay,
    ) -> Result<usize> {
        let synapses = self.draw_whole(pre, post, rule, weight, delay)?;
        self.add_projection(pre, post, synapses)
    }

    /// Returns the synapses that [`connect_whole`](Self::connect_whole) would add.
    ///
    /// # Errors
    /// Those of [`connect_whole`](Self::connect_whole).
    pub fn draw_whole(
        &self,
        pre: usize,
        post: usize,
        rule: &ConnectionRule,
        weight: &Init,
        delay: &Delay,
    ) -> Result<Connectivity<W>> {
        self.check_pair(pre, post)?;
        let drawn = rule.draw::<f64>(&self.drawing(pre, post, weight, delay))?;
        let whole = |w: f64| W::try_from(w.round_ties_even() as i64).ok();
        drawn.try_map(whole).map_err(|w| Error::value("weight", format!("in the range of {}", W::DTYPE), w))
    }
}

impl<F: Real> Graph<F> {
    /// Connects population `pre` to population `post` by a rule; the projection's number.
    ///
    /// # Errors
    /// Those of [`Graph::add_projection`] and of [`ConnectionRule::draw`].
    pub fn connect(
        &mut self,
        pre: usize,
        post: usize,
        rule: &ConnectionRule,
        weight: &Init,
        delay: &Delay,
    ) -> Result<usize> {
        let synapses = self.draw(pre, post, rule, weight, delay)?;
        self.add_projection(pre, post, synapses)
    }

    /// Returns the synapses that [`connect`](Self::connect) would add.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn draw(
        &self,
        pre: usize,
        post: usize,
        rule: &ConnectionRule,
        weight: &Init,
        delay: &Delay,
    ) -> Result<Connectivity<F>> {
        self.check_pair(pre, post)?;
        rule.draw(&self.drawing(pre, post, weight, delay))
    }
}
