//! Networks of either precision, as the classes of Python hold them.

use std::sync::Arc;

use super::shared::{Changing, Shared};
use crate::learn::Trainee;
use crate::network::Network;
use crate::simd::Real;

/// A network of either precision. It is counted who has it: a clone is the network as it was then.
#[derive(Clone)]
pub enum Net {
    F32(Arc<Network<f32>>),
    F64(Arc<Network<f64>>),
}

/// What tells a network.
pub trait Present {
    /// Returns the network as it is at present.
    fn present(&self) -> Net;
}

/// A type of weights that networks have.
pub trait OfNet: Real {
    /// Returns the network, which is of this type.
    fn of(net: Net) -> Arc<Network<Self>>;

    /// Returns it to be changed; it is copied if others have it.
    fn of_mut(net: &mut Net) -> &mut Network<Self>;
}

macro_rules! of_net {
    ($type:ident, $variant:ident) => {
        impl OfNet for $type {
            fn of(net: Net) -> Arc<Network<Self>> {
                let Net::$variant(net) = net else { unreachable!("a network keeps its type") };
                net
            }

            fn of_mut(net: &mut Net) -> &mut Network<Self> {
                let Net::$variant(net) = net else { unreachable!("a network keeps its type") };
                Arc::make_mut(net)
            }
        }
    };
}

of_net!(f32, F32);
of_net!(f64, F64);

/// A network while a trainer changes it.
pub struct InTraining<'a>(pub &'a Changing<'a, Net>);

impl<F: OfNet> Trainee<F> for InTraining<'_> {
    fn present(&self) -> crate::learn::Present<'_, F> {
        crate::learn::Present::Shared(F::of(self.0.present()))
    }

    fn change(&mut self, by: &mut dyn FnMut(&mut Network<F>)) {
        self.0.change(|net| by(F::of_mut(net)));
    }
}

impl Present for Net {
    fn present(&self) -> Net {
        self.clone()
    }
}

impl Present for Shared<Net> {
    fn present(&self) -> Net {
        Shared::present(self)
    }
}

/// Evaluates `$body` with `$net` bound to the network, as it is at present, of whichever precision.
macro_rules! with_net {
    ($any:expr, $net:ident => $body:expr) => {
        match &$crate::python::net::Present::present($any) {
            $crate::python::net::Net::F32($net) => {
                let $net: &$crate::network::Network<f32> = $net;
                $body
            }
            $crate::python::net::Net::F64($net) => {
                let $net: &$crate::network::Network<f64> = $net;
                $body
            }
        }
    };
}

pub(super) use with_net;
