//! The Python module `strsbp_rs._strsbp_rs`: arrays in and out, errors, signals. No mathematics.

mod any_graph;
mod arrays;
mod audio;
mod augment;
mod calls;
mod configurations;
mod counts;
mod encoders;
mod ending;
mod files;
mod fixed_network;
mod graph;
mod net;
mod network;
mod parameters;
mod recordings;
mod run;
mod samples;
mod shared;
mod simulator;
mod spikes;
mod trainer;

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match &error {
            Error::Type { .. } => PyTypeError::new_err(error.to_string()),
            Error::Memory { .. } => PyMemoryError::new_err(error.to_string()),
            Error::Io { path, source } => files::os_error(path, source),
            Error::Bug { .. } => PyRuntimeError::new_err(error.to_string()),
            Error::Interrupted => PyKeyboardInterrupt::new_err("interrupted"),
            _ => PyValueError::new_err(error.to_string()),
        }
    }
}

#[pymodule]
mod _strsbp_rs {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::audio::{FrontEndCore, center_frequencies, cochlea_frequencies, hear_all, hear_spikes};
    #[pymodule_export]
    use super::augment::{augmented, augmented_spikes};
    #[pymodule_export]
    use super::encoders::{EncoderStreamCore, encode_all};
    #[pymodule_export]
    use super::files::{ClaimCore, make_folder, sweep_folder, write_file};
    #[pymodule_export]
    use super::fixed_network::FixedNetworkCore;
    #[pymodule_export]
    use super::graph::GraphCore;
    #[pymodule_export]
    use super::network::NetworkCore;
    #[pymodule_export]
    use super::recordings::RecordingsCore;
    #[pymodule_export]
    use super::simulator::SimulatorCore;
    #[pymodule_export]
    use super::spikes::SpikeTrainsCore;
    #[pymodule_export]
    use super::trainer::TrainerCore;

    use crate::error::Error;
    use crate::fixed::Preset;
    use crate::learn::{Classes, Loss, PostCoupling, PostCouplingModel};
    use crate::memory::collected;
    use crate::neuron::fixed::FixedParams;
    use crate::python::arrays::{from_python, vector};
    use crate::python::calls::long;
    use crate::python::configurations::Configuration;

    /// Looks up NumPy's functions, which would else be when the first array is made: after a long call, and a Ctrl-C in that call
    /// would then end the look-up, which has no way to say so but a panic.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        use numpy::{PyArray1, PyArrayMethods};
        crate::simd::check_environment()?;
        PyArray1::<f64>::zeros(module.py(), 1, false).try_readonly().map(drop)?;
        crate::python::ending::register(module)
    }

    /// Version of the crate.
    #[pymodule_export]
    const __VERSION__: &str = env!("CARGO_PKG_VERSION");

    /// Returns what a file of ours holds, and what its writer added.
    #[pyfunction]
    fn file_content<'py>(py: Python<'py>, path: std::path::PathBuf) -> PyResult<(String, Bound<'py, PyAny>)> {
        let (content, user) = crate::python::calls::detached(py, || crate::network::io::content(&path))?;
        Ok((content, crate::python::arrays::to_python(py, &user)?))
    }

    /// Returns the name of the instruction set the kernels run with.
    #[pyfunction]
    fn simd_level() -> &'static str {
        crate::simd::level().name()
    }

    /// Refuses a configuration outside its domain, a dict of its group and its values; `owner` names it in the message.
    #[pyfunction]
    fn check_configuration(owner: &str, configuration: &Bound<'_, PyAny>) -> PyResult<()> {
        let configuration: Configuration = from_python(owner, configuration)?;
        configuration.validate().map_err(|error| error.within(owner))?;
        Ok(())
    }

    /// Returns the format of hardware, a dict, of the constants of its neurons.
    #[pyfunction]
    fn fixed_preset<'py>(py: Python<'py>, preset: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let preset: Preset = from_python("preset", preset)?;
        crate::python::arrays::to_python(py, &preset.format()?)
    }

    /// Refuses a format outside its domain, of `n` neurons.
    #[pyfunction]
    fn check_fixed(format: &Bound<'_, PyAny>, n: usize) -> PyResult<()> {
        let format: FixedParams = from_python("format", format)?;
        Ok(format.validate(n)?)
    }

    /// Returns the weights as Loihi holds them.
    #[pyfunction]
    fn loihi_weights<'py>(
        py: Python<'py>,
        weights: numpy::PyReadonlyArray1<'py, i64>,
        weight_bits: u32,
        exponent: i32,
        sign_mode: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, numpy::PyArray1<i64>>> {
        let mode = sign_mode.map(|mode| from_python("sign_mode", mode)).transpose()?;
        let weights = collected("weights", weights.as_array().iter().copied())?;
        Ok(vector(py, crate::fixed::targets::loihi_weights(&weights, weight_bits, exponent, mode)?))
    }

    /// Returns the weights as Xylo adds them.
    #[pyfunction]
    fn xylo_weights<'py>(
        py: Python<'py>,
        weights: numpy::PyReadonlyArray1<'py, i64>,
        shift: u32,
    ) -> PyResult<Bound<'py, numpy::PyArray1<i64>>> {
        let weights = collected("weights", weights.as_array().iter().copied())?;
        Ok(vector(py, crate::fixed::targets::xylo_weights(&weights, shift)?))
    }

    /// Refuses classes outside [0, n_out).
    #[pyfunction]
    fn check_classes(y: numpy::PyReadonlyArray1<'_, i64>, n_out: usize) -> PyResult<()> {
        Classes::new(&collected("y", y.as_array().iter().copied())?, n_out)?;
        Ok(())
    }

    /// Returns the mean loss of samples, by their output counts, uint32 (n_samples, n_out), and classes; `trains` are their inputs, if
    /// these are spikes, for how long they are.
    #[pyfunction]
    fn mean_loss<'py>(
        loss: &Bound<'py, PyAny>,
        counts: numpy::PyReadonlyArray2<'py, u32>,
        y: numpy::PyReadonlyArray1<'py, i64>,
        n_steps: usize,
        lengths: Option<numpy::PyReadonlyArray1<'py, u32>>,
    ) -> PyResult<f64> {
        use numpy::PyUntypedArrayMethods;
        let loss: Loss = from_python("loss", loss)?;
        loss.validate()?;
        let [n_samples, n_out] = [counts.shape()[0], counts.shape()[1]];
        let y = collected("y", y.as_array().iter().copied())?;
        let classes = Classes::new(&y, n_out)?;
        if n_samples == 0 || classes.n_samples() != n_samples {
            let expected = format!("(n_samples={}, n_out={n_out})", classes.n_samples().max(1));
            return Err(Error::shape("counts", &[n_samples, n_out], expected).into());
        }
        let counts = collected("counts", counts.as_array().iter().copied())?;
        let lengths = lengths.as_ref().map(numpy::PyReadonlyArray1::as_slice).transpose()?;
        if let Some(lengths) = lengths.filter(|lengths| lengths.len() != n_samples) {
            return Err(Error::shape("lengths", &[lengths.len()], format!("(n_samples={n_samples},)")).into());
        }
        let lengths = lengths.map(|lengths| (lengths, n_steps));
        Ok(crate::learn::total_loss(&loss, &counts, &classes, lengths)? / n_samples as f64)
    }

    /// Returns the mean S-PSP per presynaptic spike, d(o), for o = 0..=n_steps firings of the postsynaptic neuron.
    #[pyfunction]
    fn psp_table<'py>(
        py: Python<'py>,
        params: &Bound<'py, PyAny>,
        n_steps: usize,
    ) -> PyResult<Bound<'py, numpy::PyArray1<f64>>> {
        let params = from_python("params", params)?;
        let table = long(py, None, n_steps.saturating_mul(n_steps), || crate::learn::psp_table(&params, n_steps))?;
        Ok(vector(py, collected("n_steps + 1", table.iter().copied())?))
    }

    /// Returns S(o) for o = 0..=n_steps firings.
    #[pyfunction]
    fn post_coupling<'py>(
        py: Python<'py>,
        kind: &Bound<'py, PyAny>,
        params: &Bound<'py, PyAny>,
        n_steps: usize,
    ) -> PyResult<Bound<'py, numpy::PyArray1<f64>>> {
        let kind: PostCoupling = from_python("post_coupling", kind)?;
        let params = from_python("params", params)?;
        let model = long(py, None, n_steps.saturating_mul(n_steps), || PostCouplingModel::new(kind, &params, n_steps))?;
        let coupling = (0..n_steps + 1).map(|count| 1.0 - model.one_minus_s(count as u32));
        Ok(vector(py, collected("n_steps + 1", coupling)?))
    }

    /// Returns the S-PSPs of recorded spike trains through synapses of a delay [ms], float64 (n_samples, n_post, n_pre).
    #[pyfunction]
    fn s_psp<'py>(
        py: Python<'py>,
        pre: PyRef<'py, SpikeTrainsCore>,
        post: PyRef<'py, SpikeTrainsCore>,
        params: &Bound<'py, PyAny>,
        delay: f64,
    ) -> PyResult<Bound<'py, numpy::PyArray3<f64>>> {
        let params = from_python("params", params)?;
        let (pre, post) = (&pre.0, &post.0);
        let values = long(py, None, usize::MAX, || crate::learn::s_psp(pre, post, &params, delay))?;
        crate::python::arrays::shaped(py, values, [pre.n_samples(), post.n_neurons(), pre.n_neurons()])
    }
}
