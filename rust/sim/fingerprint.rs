//! Which graph a state belongs to.

use crate::error::{Error, Result};
use crate::files::Fnv;
use crate::graph::Graph;
use crate::simd::Weight;

/// Holds hashes of all that makes a graph but its weights, the same on every machine.
///
/// All-to-all projections, kernels and lists of the same synapses are told apart, and so are a network's synapses of weight 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bits of the time step [ms].
    dt: u64,
    /// Sizes and constants of the populations.
    populations: u64,
    /// Which neurons are connected.
    synapses: u64,
    /// Delays of all synapses.
    delays: u64,
}

impl Fingerprint {
    /// Makes it of a graph.
    pub fn new<W: Weight>(graph: &Graph<W>) -> Self {
        let (mut populations, mut synapses, mut delays) = (Fnv::new(), Fnv::new(), Fnv::new());
        for population in graph.populations() {
            populations.add_word(population.n as u64);
            if let Some(params) = &population.params {
                params.words(|word| populations.add_word(word));
            }
        }
        for projection in graph.projections() {
            synapses.add_word(projection.pre as u64);
            synapses.add_word(projection.post as u64);
            projection.synapses.shape(|word| synapses.add_word(word));
            projection.synapses.delay_words(|word| delays.add_word(word));
        }
        Self {
            dt: graph.dt().to_bits(),
            populations: populations.value(),
            synapses: synapses.value(),
            delays: delays.value(),
        }
    }

    /// Refuses a state of another graph, and says what differs.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(self, state: Self) -> Result<()> {
        if state.dt != self.dt {
            let [own, other] = [self.dt, state.dt].map(f64::from_bits);
            return Err(Error::value("state", format!("of a graph with dt = {own} ms"), other));
        }
        for (own, other, what) in [
            (self.populations, state.populations, "populations (sizes and constants)"),
            (self.synapses, state.synapses, "synapses (pairs of neurons)"),
            (self.delays, state.delays, "delays"),
        ] {
            if own != other {
                return Err(Error::value("state", format!("of a graph with the same {what}"), "one with others"));
            }
        }
        Ok(())
    }

    /// Returns the hashes as numbers, for files.
    pub(super) fn to_words(self) -> [u64; 4] {
        [self.dt, self.populations, self.synapses, self.delays]
    }

    /// Reads what [`to_words`](Self::to_words) gave.
    pub(super) fn from_words([dt, populations, synapses, delays]: [u64; 4]) -> Self {
        Self { dt, populations, synapses, delays }
    }
}
