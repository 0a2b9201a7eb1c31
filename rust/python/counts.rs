//! What runs count, for Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::graph::Counts;
use crate::neuron::fixed::Overflows;

/// Returns overflows as pairs, of currents and of membranes.
pub fn overflow_counts(overflows: &[Overflows]) -> Vec<(u64, u64)> {
    overflows.iter().map(|overflows| (overflows.current, overflows.membrane)).collect()
}

/// Returns the counts of a run by name.
pub fn counts_dict(py: Python<'_>, counts: Counts) -> PyResult<Bound<'_, PyDict>> {
    let Counts { input_events, spikes, synaptic_events, state_updates, near_ties } = counts;
    let dict = PyDict::new(py);
    dict.set_item("input_events", input_events)?;
    dict.set_item("spikes", spikes)?;
    dict.set_item("synaptic_events", synaptic_events)?;
    dict.set_item("state_updates", state_updates)?;
    dict.set_item("near_ties", near_ties)?;
    Ok(dict)
}
