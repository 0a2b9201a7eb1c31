//! What rounding can do to a neuron.

use crate::neuron::LifPropagator;
use crate::simd::Real;

/// Bounds a neuron whose inputs fire at most once a step, and what rounding can do to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// No current is larger.
    pub current: f64,
    /// No potential is larger.
    pub potential: f64,
    /// How near the threshold a potential may be for the two ways of computing it, step by step and in one go, to differ.
    pub margin: f64,
}

impl Bounds {
    /// Makes the bounds of a neuron with `n` synapses whose weights' magnitudes sum up to `sum`.
    ///
    /// With a, b, g for syn_decay, mem_decay and mem_gain, |p| <= P = sum / (1 - a) and |u| <= U = g P / (1 - b), or the
    /// threshold that it may start from, hold throughout, as no step adds more than `sum`. A step makes an error of a few
    /// units of the last place e of each of its terms, and at most `n e sum` in summing its inputs up; errors decay as the
    /// values do. A gap of k steps in one go, whose factors are k-fold products, is no worse than k steps. So p is off by at
    /// most E = e (8 P + n sum) / (1 - a), and u by (8 e (U + g P) + g E) / (1 - b), all of both ways together. Spikes that
    /// are sent out at the same steps by both keep this true, by induction.
    pub fn new<F: Real>(lif: &LifPropagator<F>, n: u64, sum: f64) -> Self {
        let (a, b, g) = (lif.syn_decay.widen(), lif.mem_decay.widen(), lif.mem_gain.widen());
        let e = F::epsilon().widen();
        let p = sum / (1.0 - a);
        let u = (g * p / (1.0 - b)).max(lif.v_th.widen());
        let error = e * (8.0 * p + n as f64 * sum) / (1.0 - a);
        Self { current: p, potential: u, margin: (8.0 * e * (u + g * p) + g * error) / (1.0 - b) }
    }

    /// Makes the bounds of a neuron of which nothing is known, for ties as wide as `margin`.
    pub fn none(margin: f64) -> Self {
        Self { current: f64::INFINITY, potential: f64::INFINITY, margin }
    }

    /// Returns the bounds that hold of both neurons.
    pub fn or(self, other: Self) -> Self {
        Self {
            current: self.current.max(other.current),
            potential: self.potential.max(other.potential),
            margin: self.margin.max(other.margin),
        }
    }
}
