//! Graphs of any type of weights, as Python holds them.

use std::sync::Arc;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::Error;
use crate::graph::{ConnectionRule, Connectivity, Graph};
use crate::network::{Delay, Init};
use crate::simd::Weight;

/// Holds a graph of any type of weights.
#[derive(Clone)]
pub enum AnyGraph {
    F32(Arc<Graph<f32>>),
    F64(Arc<Graph<f64>>),
    I8(Arc<Graph<i8>>),
    I16(Arc<Graph<i16>>),
    I32(Arc<Graph<i32>>),
}

/// Evaluates `$body` with `$graph` bound to the graph of whichever weights.
macro_rules! with_graph {
    ($any:expr, $graph:ident => $body:expr) => {
        match $any {
            AnyGraph::F32($graph) => $body,
            AnyGraph::F64($graph) => $body,
            AnyGraph::I8($graph) => $body,
            AnyGraph::I16($graph) => $body,
            AnyGraph::I32($graph) => $body,
        }
    };
}
pub(crate) use with_graph;

/// Says what Python needs of a type of weights.
pub trait PyWeight: Weight + numpy::Element {
    /// Draws the synapses of a rule.
    fn draw(
        graph: &Graph<Self>,
        pair: (usize, usize),
        rule: &ConnectionRule,
        weight: &Init,
        delay: &Delay,
    ) -> crate::Result<Connectivity<Self>>;

    /// Returns the graph, which is of this type, to change it; it is copied if others, as simulators, have it.
    fn of_mut(graph: &mut AnyGraph) -> &mut Graph<Self>;

    /// Says whether it is a number.
    fn is_number(self) -> bool;
}

macro_rules! py_weight {
    ($type:ident, $variant:ident, $draw:ident, $is_number:expr) => {
        impl PyWeight for $type {
            fn draw(
                graph: &Graph<Self>,
                (pre, post): (usize, usize),
                rule: &ConnectionRule,
                weight: &Init,
                delay: &Delay,
            ) -> crate::Result<Connectivity<Self>> {
                graph.$draw(pre, post, rule, weight, delay)
            }

            fn of_mut(graph: &mut AnyGraph) -> &mut Graph<Self> {
                let AnyGraph::$variant(graph) = graph else { unreachable!("a graph keeps its type") };
                Arc::make_mut(graph)
            }

            fn is_number(self) -> bool {
                $is_number(self)
            }
        }
    };
}

py_weight!(f32, F32, draw, f32::is_finite);
py_weight!(f64, F64, draw, f64::is_finite);
py_weight!(i8, I8, draw_whole, |_| true);
py_weight!(i16, I16, draw_whole, |_| true);
py_weight!(i32, I32, draw_whole, |_| true);

/// Returns weights of a graph's own type that a user gave.
///
/// # Errors
/// `TypeError` if they are of another type or not contiguous, [`Error::Value`] naming the first that is not finite.
pub fn given_weights<'py, W: PyWeight>(weight: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, W>> {
    let Ok(weights) = weight.extract::<PyReadonlyArray1<'_, W>>() else {
        return Err(Error::dtype("weight", W::DTYPE, weight.get_type()).into());
    };
    let values = weights.as_slice().map_err(|_| PyTypeError::new_err("weight must be C-contiguous"))?;
    if let Some(at) = values.iter().position(|w| !w.is_number()) {
        return Err(Error::value(format!("weight[{at}]"), "finite", values[at]).into());
    }
    Ok(weights)
}
