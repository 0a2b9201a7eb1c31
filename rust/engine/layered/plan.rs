//! How a layer's steps are run, by the patterns of its connections.

use super::spatial::Spatial;
use crate::network::{AvgPool2d, Connection, Layer, Pattern};
use crate::simd::Real;

/// A way to run a layer over all steps, chosen once a layer and outside of the kernels.
#[derive(Clone, Copy, Debug)]
pub enum Plan<'a, F> {
    /// A panel of neurons runs over all steps by itself, its weights in the first-level cache and its state in registers.
    FusedDense(&'a Connection<F>),
    /// The input from below is summed ahead for some steps, then the layer runs step by step.
    DenseRecurrent {
        /// The connection from the layer below.
        below: &'a Connection<F>,
        /// The connection of the layer onto itself.
        itself: &'a Connection<F>,
    },
    /// A layer in a plane runs step by step, and every spike is scattered over the positions that it reaches.
    Spatial(&'a Connection<F>, Spatial<'a>),
    /// Every spike of a neuron is counted and, in windows where none has as many, passed on.
    Max(&'a AvgPool2d),
}

impl<'a, F: Real> Plan<'a, F> {
    /// Chooses the plan of a layer.
    pub fn of(layer: &'a Layer<F>) -> Self {
        let below = layer.below();
        match (below.pattern(), layer.recurrent()) {
            (Pattern::Conv2d(conv), _) => Self::Spatial(below, Spatial::Conv(conv)),
            (Pattern::AvgPool2d(pool), _) => Self::Spatial(below, Spatial::Pool(pool)),
            (Pattern::MaxPool2d(pool), _) => Self::Max(pool.windows()),
            (Pattern::Dense(_) | Pattern::Lateral(_), None) => Self::FusedDense(below),
            (Pattern::Dense(_) | Pattern::Lateral(_), Some(itself)) => Self::DenseRecurrent { below, itself },
        }
    }

    /// Whether neurons are listed position by position.
    pub fn is_spatial(&self) -> bool {
        matches!(self, Self::Spatial(..) | Self::Max(_))
    }
}
