//! The trainer for Python.

mod checkpoint;
mod gradients;
mod targets;
mod told;

use std::path::{Path, PathBuf};

use numpy::{PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use self::gradients::{Found, gradients};
use self::targets::Goal;
use super::arrays::{bytes, from_python, shaped, to_python};
use super::calls::{Watch, detached, long};
use super::counts::overflow_counts;
use super::files::save;
use super::net::{InTraining, Net};
use super::network::NetworkCore;
use super::samples::{EncoderArgument, Preparation, Samples};
use super::shared::Worked;
use super::spikes::SpikeTrainsCore;
use crate::error::Error;
use crate::files::container;
use crate::learn::{
    Batch, BatchStats, Progress, Source, Targets, Trainer, TrainerConfig, check_inputs, check_recorded,
    checkpoint_to_bytes,
};
use crate::network::{Layer, Network};
use crate::simd::Real;
use crate::spikes::SpikeTrains;

enum AnyTrainer {
    F32(Trainer<f32>),
    F64(Trainer<f64>),
}

/// Evaluates `$body` with `$trainer` bound to the trainer of whichever precision.
macro_rules! with_trainer {
    ($any:expr, $trainer:ident => $body:expr) => {
        match $any {
            AnyTrainer::F32($trainer) => $body,
            AnyTrainer::F64($trainer) => $body,
        }
    };
}

/// Holds a trainer; strsbp_rs.Trainer wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct TrainerCore {
    trainer: Worked<AnyTrainer, About>,
}

/// Tells of a trainer while it trains, as of the last step.
#[derive(Clone)]
struct About {
    config: TrainerConfig,
    epoch: u32,
    n_threads: usize,
}

impl About {
    fn of(trainer: &AnyTrainer) -> Self {
        with_trainer!(trainer, trainer => Self {
            config: trainer.config().clone(),
            epoch: trainer.epoch(),
            n_threads: trainer.n_threads(),
        })
    }
}

impl TrainerCore {
    fn of(trainer: AnyTrainer) -> Self {
        Self { trainer: Worked::new("trainer", trainer, About::of) }
    }
}

/// Evaluates `$body` with trainer and network of the same precision.
macro_rules! with_both {
    ($trainers:expr, $nets:expr, ($trainer:ident, $net:ident) => $body:expr) => {
        match ($trainers, $nets) {
            (AnyTrainer::F32($trainer), Net::F32($net)) => $body,
            (AnyTrainer::F64($trainer), Net::F64($net)) => $body,
            _ => Err(PyTypeError::new_err("trainer and network differ in dtype")),
        }
    };
}

type Labels<'py> = PyReadonlyArray1<'py, i64>;
type Weights<'py> = Option<PyReadonlyArray1<'py, f64>>;

fn weights_of(weights: &Weights<'_>) -> Option<Vec<f64>> {
    weights.as_ref().map(|weights| weights.as_array().to_vec())
}

fn sizes<F: Real>(net: &Network<F>) -> Vec<usize> {
    net.layers().iter().map(Layer::n_out).collect()
}

#[pymethods]
impl TrainerCore {
    #[new]
    fn new(
        py: Python<'_>,
        config: &Bound<'_, PyAny>,
        net: PyRef<'_, NetworkCore>,
        n_threads: Option<usize>,
    ) -> PyResult<Self> {
        let config: TrainerConfig = from_python("trainer", config)?;
        let net = &net.net.present();
        let trainer = detached(py, || match net {
            Net::F32(net) => Trainer::new(config, net, n_threads).map(AnyTrainer::F32),
            Net::F64(net) => Trainer::new(config, net, n_threads).map(AnyTrainer::F64),
        })?;
        Ok(Self::of(trainer))
    }

    /// Reads network, trainer and what the writer added from a checkpoint.
    #[staticmethod]
    fn load<'py>(
        py: Python<'py>,
        path: PathBuf,
        n_threads: Option<usize>,
    ) -> PyResult<(NetworkCore, Self, Bound<'py, PyAny>)> {
        checkpoint::read(py, &path, n_threads, || container::read(&path))
    }

    /// Reads the same from the bytes of one.
    #[staticmethod]
    fn loads<'py>(
        py: Python<'py>,
        bytes: &[u8],
        n_threads: Option<usize>,
    ) -> PyResult<(NetworkCore, Self, Bound<'py, PyAny>)> {
        checkpoint::read(py, Path::new("<bytes>"), n_threads, || Ok(bytes))
    }

    /// Returns the bytes of a checkpoint.
    fn dumps<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'_, NetworkCore>,
        user: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let user: serde_json::Value = from_python("user", user)?;
        with_both!(&*self.trainer.read()?, &net.net.present(), (trainer, net) => {
            bytes(py, &long(py, None, usize::MAX, || checkpoint_to_bytes(net, trainer, user))?)
        })
    }

    /// Writes a checkpoint.
    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        net: PyRef<'_, NetworkCore>,
        user: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let user: serde_json::Value = from_python("user", user)?;
        with_both!(&*self.trainer.read()?, &net.net.present(), (trainer, net) => {
            save(py, &path, || checkpoint_to_bytes(net, trainer, user))
        })
    }

    /// Returns how the network is trained.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.trainer.about().config)
    }

    /// Returns the number of epochs completed.
    #[getter]
    fn epoch(&self) -> u32 {
        self.trainer.about().epoch
    }

    /// Returns the number of threads.
    #[getter]
    fn n_threads(&self) -> usize {
        self.trainer.about().n_threads
    }

    /// Tells what weights lost on the hardware, when scales were chosen last: what it is about, and a text.
    fn notes(&self) -> PyResult<Vec<(String, String)>> {
        let notes = with_trainer!(&*self.trainer.read()?, trainer => trainer.notes());
        Ok(notes.into_iter().map(|note| (note.about, note.text)).collect())
    }

    /// Takes another schedule.
    fn set_schedule(&self, schedule: &Bound<'_, PyAny>) -> PyResult<()> {
        let schedule = from_python("schedule", schedule)?;
        with_trainer!(&mut *self.trainer.work()?, trainer => Ok(trainer.set_schedule(schedule)?))
    }

    /// Refuses to train until `epochs` are completed where the schedule's learning rate would be 0.
    fn check_horizon(&self, epochs: u64) -> PyResult<()> {
        let epochs = u32::try_from(epochs).map_err(|_| Error::value("epochs", "< 2^32", epochs))?;
        with_trainer!(&*self.trainer.read()?, trainer => Ok(trainer.check_horizon(epochs)?))
    }

    /// Counts the epoch that was trained.
    fn count_epoch(&self) -> PyResult<()> {
        with_trainer!(&mut *self.trainer.work()?, trainer => trainer.count_epoch());
        Ok(())
    }

    /// Trains one epoch, which `count_epoch` counts; `callback` gets the progress as a dict.
    ///
    /// `own` is a loss of the user's own: it gets counts and the samples' places, and returns losses and d_counts.
    #[pyo3(signature = (net, x, y, encoder, sample_weight=None, callback=None, own=None))]
    fn train_epoch<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Option<Labels<'py>>,
        encoder: Option<EncoderArgument>,
        sample_weight: Weights<'py>,
        callback: Option<Py<PyAny>>,
        own: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let (goal, weights) = (Goal::new(y, own), weights_of(&sample_weight));
        let (mut working, changing) = (self.trainer.work()?, net.net.changing()?);
        with_both!(&mut *working, changing.present(), (trainer, net) => {
            let preparation = Preparation::new(&samples, encoder, trainer.config().augment.clone())?;
            let (sizes, n_out) = (sizes(&net), net.n_out());
            drop(net);
            let net = &mut InTraining(&changing);
            let mut watch = Watch::new(callback.as_ref());
            let result = detached(py, || {
                let data = preparation.data(values, true)?;
                let mut keep_going = |progress: &Progress| {
                    let done = progress.stats.n_samples == progress.n_total;
                    watch.keep_going(done, |py| Ok(told::progress(py, progress, &sizes, data.n_steps())?.into_any().unbind()))
                };
                let train = |targets: Targets<'_>| trainer.run_epoch(net, data, targets, weights.as_deref(), &mut keep_going);
                goal.with(n_out, train).map(|stats| (stats, data.n_steps()))
            });
            let (epoch, n_steps) = goal.finish(watch, result)?;
            told::epoch(py, &epoch, &sizes, n_steps)
        })
    }

    /// Returns loss, accuracy, rates and output counts on a test set.
    #[pyo3(signature = (net, x, y, encoder, seed, engine, own=None))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Option<Labels<'py>>,
        encoder: Option<EncoderArgument>,
        seed: u64,
        engine: &Bound<'py, PyAny>,
        own: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyArray2<u32>>)> {
        let engine = from_python("engine", engine)?;
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let goal = Goal::new(y, own);
        let preparation = Preparation::new(&samples, encoder, None)?;
        with_both!(&*self.trainer.read()?, &net.net.present(), (trainer, net) => {
            let mut watch = Watch::new(None);
            let result = detached(py, || {
                let data = preparation.data(values, false)?;
                let mut keep_going = |_: usize| watch.keep_going(false, |py| Ok(py.None()));
                let evaluate = |targets: Targets<'_>| trainer.evaluate(net, data, targets, seed, engine, &mut keep_going);
                goal.with(net.n_out(), evaluate).map(|result| (result, data.n_steps()))
            });
            let (result, n_steps) = goal.finish(watch, result)?;
            let n_samples = result.counts.len() / net.n_out();
            let stats = BatchStats {
                loss: result.loss,
                n_correct: result.n_correct.unwrap_or(0),
                n_classified: result.n_correct.map_or(0, |_| n_samples),
                n_samples,
                n_steps: result.n_steps,
                n_spikes: result.n_spikes,
                activity: result.activity,
                ..Default::default()
            };
            let dict = told::stats(py, &stats, &sizes(net), n_steps)?;
            dict.set_item("engine", result.engine.name())?;
            dict.set_item("overflows", overflow_counts(&result.overflows))?;
            dict.set_item("seconds", result.seconds)?;
            Ok((dict, shaped(py, result.counts, [n_samples, net.n_out()])?))
        })
    }

    /// Returns gradients of the mean loss over all samples, the loss, and what is sent to the input if `d_input`.
    #[pyo3(signature = (net, x, y, encoder, sample_weight=None, own=None, d_input=false))]
    fn gradients<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Option<Labels<'py>>,
        encoder: Option<EncoderArgument>,
        sample_weight: Weights<'py>,
        own: Option<Py<PyAny>>,
        d_input: bool,
    ) -> PyResult<Found<'py>> {
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let (goal, weights) = (Goal::new(y, own), weights_of(&sample_weight));
        let preparation = Preparation::new(&samples, encoder, None)?;
        with_both!(&mut *self.trainer.work()?, &net.net.present(), (trainer, net) => {
            gradients(py, trainer, net, goal, weights.as_deref(), d_input, |seed| {
                let data = preparation.data(values, false)?;
                check_inputs(net, data)?;
                Ok(Source::Simulate { data, seed, epoch: 0 })
            })
        })
    }

    /// Returns the same from recorded spike trains: of the input, then of every layer.
    #[pyo3(signature = (net, spikes, y, sample_weight=None, own=None, d_input=false))]
    fn gradients_from_spikes<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        spikes: Vec<PyRef<'py, SpikeTrainsCore>>,
        y: Option<Labels<'py>>,
        sample_weight: Weights<'py>,
        own: Option<Py<PyAny>>,
        d_input: bool,
    ) -> PyResult<Found<'py>> {
        let trains: Vec<&SpikeTrains> = spikes.iter().map(|trains| &trains.0).collect();
        let (goal, weights) = (Goal::new(y, own), weights_of(&sample_weight));
        with_both!(&mut *self.trainer.work()?, &net.net.present(), (trainer, net) => {
            gradients(py, trainer, net, goal, weights.as_deref(), d_input, |_| {
                check_recorded(net, &trains)?;
                Ok(Source::Recorded(&trains))
            })
        })
    }

    /// Takes a step of the optimizer from recorded spike trains, of the input and then of every layer.
    #[pyo3(signature = (net, spikes, y, sample_weight=None, lr=None, own=None))]
    fn step_from_spikes<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        spikes: Vec<PyRef<'py, SpikeTrainsCore>>,
        y: Option<Labels<'py>>,
        sample_weight: Weights<'py>,
        lr: Option<f64>,
        own: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let trains: Vec<&SpikeTrains> = spikes.iter().map(|trains| &trains.0).collect();
        let (goal, weights) = (Goal::new(y, own), weights_of(&sample_weight));
        let (mut working, changing) = (self.trainer.work()?, net.net.changing()?);
        with_both!(&mut *working, changing.present(), (trainer, net) => {
            let (sizes, n_out) = (sizes(&net), net.n_out());
            let mut watch = Watch::new(None);
            let result = detached(py, || {
                check_recorded(&net, &trains)?;
                drop(net);
                let samples: Vec<u32> = (0..trains[0].n_samples() as u32).collect();
                let source = Source::Recorded(&trains);
                let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
                let step = goal.with(n_out, |targets| {
                    let batch = Batch { source, samples: &samples, targets, weights: weights.as_deref() };
                    trainer.step(&mut InTraining(&changing), &batch, lr, &mut keep_going)
                })?;
                Ok((step, trains[0].n_steps()))
            });
            let (step, n_steps) = goal.finish(watch, result)?;
            let dict = told::stats(py, &step.stats, &sizes, n_steps)?;
            dict.set_item("lr", step.lr)?;
            dict.set_item("grad_norm", step.grad_norm)?;
            Ok(dict)
        })
    }
}
