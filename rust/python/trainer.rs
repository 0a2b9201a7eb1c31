//! The trainer for Python.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use numpy::{PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::arrays::{bytes, from_python, shaped, to_python};
use super::calls::{Watch, detached, long};
use super::files::save;
use super::fixed_network::overflow_counts;
use super::network::{InTraining, Net, NetworkCore};
use super::parameters::gradients_to_python;
use super::samples::{Preparation, Samples, labels};
use super::shared::Worked;
use super::spikes::SpikeTrainsCore;
use crate::error::Error;
use crate::files::container;
use crate::learn::{
    Batch, BatchStats, Checkpoint, Progress, Source, Trainer, TrainerConfig, check_inputs, check_labels,
    checkpoint_from_bytes, checkpoint_to_bytes,
};
use crate::memory::catch;
use crate::network::{Network, io};
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

/// A trainer; strsbp_rs.Trainer wraps it.
#[pyclass(frozen, module = "strsbp_rs._strsbp_rs")]
pub struct TrainerCore {
    trainer: Worked<AnyTrainer, About>,
}

/// What is told of a trainer while it trains: as of the last step.
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

    fn read<'py, B: AsRef<[u8]>>(
        py: Python<'py>,
        path: &Path,
        n_threads: Option<usize>,
        read: impl FnOnce() -> Result<B, Error> + Send,
    ) -> PyResult<(NetworkCore, Self, Bound<'py, PyAny>)> {
        let (net, trainer, user) = long(py, None, usize::MAX, || {
            let bytes = read()?;
            let bytes = bytes.as_ref();
            Ok(match io::dtype_of(path, bytes)?.as_str() {
                "float64" => {
                    let Checkpoint { network, trainer, user } = checkpoint_from_bytes(path, bytes, n_threads)?;
                    (Net::F64(Arc::new(network)), AnyTrainer::F64(trainer), user)
                }
                _ => {
                    let Checkpoint { network, trainer, user } = checkpoint_from_bytes(path, bytes, n_threads)?;
                    (Net::F32(Arc::new(network)), AnyTrainer::F32(trainer), user)
                }
            })
        })?;
        Ok((NetworkCore::new(net), Self::of(trainer), to_python(py, &user)?))
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

    /// Network, trainer and what the writer added, from a checkpoint.
    #[staticmethod]
    fn load<'py>(
        py: Python<'py>,
        path: PathBuf,
        n_threads: Option<usize>,
    ) -> PyResult<(NetworkCore, Self, Bound<'py, PyAny>)> {
        Self::read(py, &path, n_threads, || container::read(&path))
    }

    /// The same from the bytes of one.
    #[staticmethod]
    fn loads<'py>(
        py: Python<'py>,
        bytes: &[u8],
        n_threads: Option<usize>,
    ) -> PyResult<(NetworkCore, Self, Bound<'py, PyAny>)> {
        Self::read(py, Path::new("<bytes>"), n_threads, || Ok(bytes))
    }

    /// The bytes of a checkpoint.
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

    /// How the network is trained.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.trainer.about().config)
    }

    /// Epochs completed.
    #[getter]
    fn epoch(&self) -> u32 {
        self.trainer.about().epoch
    }

    /// Number of threads.
    #[getter]
    fn n_threads(&self) -> usize {
        self.trainer.about().n_threads
    }

    /// What weights lost on the hardware, when scales were chosen last: what it is about, and a text.
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
    #[pyo3(signature = (net, x, y, encoder, sample_weight=None, callback=None))]
    fn train_epoch<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Labels<'py>,
        encoder: Option<(usize, f64)>,
        sample_weight: Weights<'py>,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let (y, weights) = (y.as_array().to_vec(), weights_of(&sample_weight));
        let (mut working, changing) = (self.trainer.work()?, net.net.changing()?);
        with_both!(&mut *working, changing.present(), (trainer, net) => {
            let preparation = Preparation::new(encoder, trainer.config().augment.clone())?;
            let sizes: Vec<usize> = net.layers().iter().map(|layer| layer.n_out()).collect();
            drop(net);
            let net = &mut InTraining(&changing);
            let mut watch = Watch::new(callback.as_ref());
            let result = detached(py, || {
                let data = preparation.data(values, true)?;
                let y = labels(&y, sizes[sizes.len() - 1])?;
                trainer.run_epoch(net, data, &y, weights.as_deref(), &mut |progress| {
                    let done = progress.stats.n_samples == progress.n_total;
                    watch.keep_going(done, |py| Ok(progress_dict(py, progress, &sizes, data.n_steps())?.into_any().unbind()))
                }).map(|stats| (stats, data.n_steps()))
            });
            let (epoch, n_steps) = watch.finish(result)?;
            let dict = stats_dict(py, &epoch.stats, &sizes, n_steps)?;
            dict.set_item("epoch", epoch.epoch)?;
            dict.set_item("engine", epoch.engine.name())?;
            dict.set_item("lr", epoch.lr)?;
            dict.set_item("grad_norm", epoch.grad_norm)?;
            dict.set_item("grad_norm_max", epoch.grad_norm_max)?;
            dict.set_item("overflows", overflow_counts(&epoch.overflows))?;
            dict.set_item("seconds", epoch.seconds)?;
            Ok(dict)
        })
    }

    /// Loss, accuracy, rates and output counts on a test set.
    #[pyo3(signature = (net, x, y, encoder, seed, engine, callback=None))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Labels<'py>,
        encoder: Option<(usize, f64)>,
        seed: u64,
        engine: &Bound<'py, PyAny>,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyArray2<u32>>)> {
        let engine = from_python("engine", engine)?;
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let y = y.as_array().to_vec();
        let preparation = Preparation::new(encoder, None)?;
        with_both!(&*self.trainer.read()?, &net.net.present(), (trainer, net) => {
            let mut watch = Watch::new(callback.as_ref());
            let result = detached(py, || {
                let data = preparation.data(values, false)?;
                let y = labels(&y, net.n_out())?;
                let mut keep_going = |done: usize| watch.keep_going(false, |py| Ok(done.into_pyobject(py)?.into_any().unbind()));
                trainer.evaluate(net, data, &y, seed, engine, &mut keep_going).map(|result| (result, data.n_steps()))
            });
            let (result, n_steps) = watch.finish(result)?;
            let sizes: Vec<usize> = net.layers().iter().map(|layer| layer.n_out()).collect();
            let stats = BatchStats {
                loss: result.loss,
                n_correct: result.n_correct,
                n_samples: y.len(),
                n_spikes: result.n_spikes,
                activity: result.activity,
                ..Default::default()
            };
            let dict = stats_dict(py, &stats, &sizes, n_steps)?;
            dict.set_item("engine", result.engine.name())?;
            dict.set_item("overflows", overflow_counts(&result.overflows))?;
            dict.set_item("seconds", result.seconds)?;
            Ok((dict, shaped(py, result.counts, [y.len(), net.n_out()])?))
        })
    }

    /// Gradients of the mean loss over all samples, and the loss.
    #[pyo3(signature = (net, x, y, encoder, sample_weight=None))]
    fn gradients<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        x: &Bound<'py, PyAny>,
        y: Labels<'py>,
        encoder: Option<(usize, f64)>,
        sample_weight: Weights<'py>,
    ) -> PyResult<(Bound<'py, PyList>, f64)> {
        let samples = Samples::extract(x)?;
        let values = samples.values()?;
        let (y, weights) = (y.as_array().to_vec(), weights_of(&sample_weight));
        let preparation = Preparation::new(encoder, None)?;
        with_both!(&mut *self.trainer.work()?, &net.net.present(), (trainer, net) => {
            let mut watch = Watch::new(None);
            let result = detached(py, || {
                let data = preparation.data(values, false)?;
                check_inputs(net, data)?;
                let y = labels(&y, net.n_out())?;
                check_labels(data.n_samples(), net.n_out(), &y, weights.as_deref())?;
                let seed = trainer.config().seed;
                let source = Source::Simulate { data, seed, epoch: 0 };
                gradients(trainer, net, source, &y, weights.as_deref(), &mut watch)
            });
            let (loss, grads) = watch.finish(result)?;
            Ok((gradients_to_python(py, net, &grads)?, loss))
        })
    }

    /// Gradients of the mean loss from recorded spike trains: of the input, then of every layer.
    #[pyo3(signature = (net, spikes, y, sample_weight=None))]
    fn gradients_from_spikes<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        spikes: Vec<PyRef<'py, SpikeTrainsCore>>,
        y: Labels<'py>,
        sample_weight: Weights<'py>,
    ) -> PyResult<(Bound<'py, PyList>, f64)> {
        let trains: Vec<&SpikeTrains> = spikes.iter().map(|trains| &trains.0).collect();
        let (y, weights) = (y.as_array().to_vec(), weights_of(&sample_weight));
        with_both!(&mut *self.trainer.work()?, &net.net.present(), (trainer, net) => {
            let mut watch = Watch::new(None);
            let result = detached(py, || {
                let y = check_recorded(net, &trains, &y, weights.as_deref())?;
                gradients(trainer, net, Source::Recorded(&trains), &y, weights.as_deref(), &mut watch)
            });
            let (loss, grads) = watch.finish(result)?;
            Ok((gradients_to_python(py, net, &grads)?, loss))
        })
    }

    /// A step of the optimizer from recorded spike trains, of the input and then of every layer.
    #[pyo3(signature = (net, spikes, y, sample_weight=None, lr=None))]
    fn step_from_spikes<'py>(
        &self,
        py: Python<'py>,
        net: PyRef<'py, NetworkCore>,
        spikes: Vec<PyRef<'py, SpikeTrainsCore>>,
        y: Labels<'py>,
        sample_weight: Weights<'py>,
        lr: Option<f64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let trains: Vec<&SpikeTrains> = spikes.iter().map(|trains| &trains.0).collect();
        let (y, weights) = (y.as_array().to_vec(), weights_of(&sample_weight));
        let (mut working, changing) = (self.trainer.work()?, net.net.changing()?);
        with_both!(&mut *working, changing.present(), (trainer, net) => {
            let sizes: Vec<usize> = net.layers().iter().map(|layer| layer.n_out()).collect();
            let mut watch = Watch::new(None);
            let result = detached(py, || {
                let y = check_recorded(&net, &trains, &y, weights.as_deref())?;
                drop(net);
                let samples: Vec<u32> = (0..y.len() as u32).collect();
                let source = Source::Recorded(&trains);
                let batch = Batch { source, samples: &samples, labels: &y, weights: weights.as_deref() };
                let step = trainer.step(&mut InTraining(&changing), &batch, lr, &mut || watch.keep_going(false, |py| Ok(py.None())))?;
                Ok((step, trains[0].n_steps()))
            });
            let (step, n_steps) = watch.finish(result)?;
            let dict = stats_dict(py, &step.stats, &sizes, n_steps)?;
            dict.set_item("lr", step.lr)?;
            dict.set_item("grad_norm", step.grad_norm)?;
            Ok(dict)
        })
    }
}

fn gradients<F: Real>(
    trainer: &mut Trainer<F>,
    net: &Network<F>,
    source: Source<'_>,
    labels: &[u32],
    weights: Option<&[f64]>,
    watch: &mut Watch<'_>,
) -> Result<(f64, crate::learn::Gradients<F>), Error> {
    let samples: Vec<u32> = (0..labels.len() as u32).collect();
    let batch = Batch { source, samples: &samples, labels, weights };
    let mut keep_going = || watch.keep_going(false, |py| Ok(py.None()));
    let (grads, stats) = trainer.gradients(net, &batch, &mut keep_going)?;
    Ok((stats.loss / stats.n_samples as f64, catch(|| Ok(grads.clone()))?))
}

/// Checks recorded spike trains, labels and sample weights; the labels.
fn check_recorded<F: Real>(
    net: &Network<F>,
    trains: &[&SpikeTrains],
    y: &[i64],
    weights: Option<&[f64]>,
) -> Result<Vec<u32>, Error> {
    if trains.len() != net.layers().len() + 1 {
        let expected = format!("{} spike trains, of the input and of each layer", net.layers().len() + 1);
        return Err(Error::value("spikes", expected, trains.len()));
    }
    check_inputs(net, crate::learn::Data::Spikes(trains[0]))?;
    let (n_samples, n_steps) = (trains[0].n_samples(), trains[0].n_steps());
    for (l, (trains, layer)) in trains[1..].iter().zip(net.layers()).enumerate() {
        let got = [trains.n_samples(), trains.n_steps(), trains.n_neurons()];
        if got != [n_samples, n_steps, layer.n_out()] {
            let expected = format!("(n_samples={n_samples}, n_steps={n_steps}, n={})", layer.n_out());
            return Err(Error::shape(format!("spikes[{}]", l + 1), &got, expected));
        }
    }
    let y = labels(y, net.n_out())?;
    check_labels(n_samples, net.n_out(), &y, weights)?;
    Ok(y)
}

fn stats_dict<'py>(
    py: Python<'py>,
    stats: &BatchStats,
    sizes: &[usize],
    n_steps: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let n = stats.n_samples.max(1) as f64;
    let rate = |(&spikes, &size): (&u64, &usize)| spikes as f64 / (n * size as f64 * n_steps as f64);
    let dict = PyDict::new(py);
    dict.set_item("loss", stats.loss / n)?;
    dict.set_item("accuracy", stats.n_correct as f64 / n)?;
    dict.set_item("firing_rate", stats.n_spikes.iter().zip(sizes).map(rate).collect::<Vec<_>>())?;
    dict.set_item("n_spikes", &stats.n_spikes)?;
    dict.set_item("n_steps", n_steps)?;
    dict.set_item("silent_neurons", stats.activity.silent())?;
    dict.set_item("n_samples", stats.n_samples)?;
    dict.set_item("solver_iterations", stats.n_iterations as f64 / stats.n_solves.max(1) as f64)?;
    dict.set_item("solver_fallbacks", stats.n_direct)?;
    Ok(dict)
}

fn progress_dict<'py>(
    py: Python<'py>,
    progress: &Progress,
    sizes: &[usize],
    n_steps: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = stats_dict(py, &progress.stats, sizes, n_steps)?;
    dict.set_item("epoch", progress.epoch)?;
    dict.set_item("samples_done", progress.stats.n_samples)?;
    dict.set_item("samples_total", progress.n_total)?;
    dict.set_item("samples_per_s", progress.stats.n_samples as f64 / progress.seconds.max(1e-9))?;
    Ok(dict)
}
