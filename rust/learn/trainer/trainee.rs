//! A network that is trained while others may read it.

use std::ops::Deref;
use std::sync::Arc;

use crate::network::Network;
use crate::simd::Real;

/// Keeps a network while it is trained.
///
/// A caller's own network is one. One that other threads read meanwhile hands out what it is at present, and is changed by one
/// step after the other.
pub trait Trainee<F: Real> {
    /// Returns the network as of the last step.
    fn present(&self) -> Present<'_, F>;

    /// Changes it, at once for all who read it.
    fn change(&mut self, by: &mut dyn FnMut(&mut Network<F>));
}

/// Holds a [`Trainee`] as it is at present.
#[derive(Debug)]
pub enum Present<'a, F: Real> {
    /// Nobody else reads it.
    Own(&'a Network<F>),
    /// To be dropped before the next change, which makes a copy otherwise.
    Shared(Arc<Network<F>>),
}

impl<F: Real> Deref for Present<'_, F> {
    type Target = Network<F>;

    fn deref(&self) -> &Network<F> {
        match self {
            Self::Own(net) => net,
            Self::Shared(net) => net,
        }
    }
}

impl<F: Real> Trainee<F> for Network<F> {
    fn present(&self) -> Present<'_, F> {
        Present::Own(self)
    }

    fn change(&mut self, by: &mut dyn FnMut(&mut Network<F>)) {
        by(self);
    }
}
