//! Threads, their buffers, and samples simulated on all of them.

use rayon::ThreadPool;
use rayon::prelude::*;

use super::Data;
use super::backward::Adjoints;
use super::crew::{Crew, ThreadScratch, scratch};
use super::pass::Pass;
use super::scores::Scores;
use crate::engine::graph::Counts;
use crate::engine::layered::{Lists, SampleSpikes};
use crate::error::Result;
use crate::memory::catch;
use crate::network::Network;
use crate::rng::StreamKey;
use crate::sim::{EngineKind, SampleSimulation, faster_engine};
use crate::simd::Real;
use crate::stop::{Stop, watched};
use crate::threads::{PerProcess, check_threads};

/// Works on batches: holds the threads, and the buffers of a batch.
#[derive(Debug)]
pub struct Worker<F: Real> {
    pub(super) n_threads: usize,
    pub(super) crew: PerProcess<Crew<F>>,
    pub(super) pass: Pass,
    pub(super) scores: Scores<F>,
    pub(super) adjoints: Adjoints<F>,
}

impl<F: Real> Worker<F> {
    /// Starts a worker on `n_threads` threads (all cores if `None`).
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if `n_threads` is out of range or the threads cannot be started.
    pub fn new(n_threads: Option<usize>) -> Result<Self> {
        let n_threads = check_threads(n_threads)?;
        let worker = Self {
            n_threads,
            crew: PerProcess::new(),
            pass: Pass::default(),
            scores: Scores::default(),
            adjoints: Adjoints::default(),
        };
        worker.pool()?;
        Ok(worker)
    }

    /// Returns the number of threads.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Returns the threads, of this process.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if they cannot be started.
    pub fn pool(&self) -> Result<&ThreadPool> {
        Ok(&Crew::of(&self.crew, self.n_threads)?.pool)
    }

    /// Returns the engine that is meant: `Auto` is the one that is faster for the first sample of `data`.
    ///
    /// # Errors
    /// Those of [`faster_engine`] and of [`simulate`](Self::simulate).
    pub fn choose(
        &self,
        net: &Network<F>,
        kind: EngineKind,
        data: Data<'_>,
        seed: u64,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<EngineKind> {
        if kind != EngineKind::Auto {
            return Ok(kind);
        }
        let clocked = SampleSimulation::new(net, EngineKind::Clocked)?;
        let mut faster = [Ok(EngineKind::Clocked)];
        self.simulate(net, &clocked, data, seed, 0..1, Lists::Counts, &mut faster, keep_going, |spikes, _, faster| {
            *faster = faster_engine(net, data.n_steps_of(0), spikes);
        })?;
        let [faster] = faster;
        faster
    }

    /// Prepares the engine that is meant, see [`choose`](Self::choose).
    ///
    /// # Errors
    /// Those of [`choose`](Self::choose) and of [`SampleSimulation::new`].
    pub fn prepare(
        &self,
        net: &Network<F>,
        kind: EngineKind,
        data: Data<'_>,
        seed: u64,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<SampleSimulation<F>> {
        SampleSimulation::new(net, self.choose(net, kind, data, seed, keep_going)?)
    }

    /// Simulates `samples` of `data` and hands the spikes of each to `use_sample`, in parallel, while `keep_going` is asked.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if the threads cannot be started; [`Error::Interrupted`](crate::Error::Interrupted) if `keep_going` has said no;
    /// [`Error::Memory`](crate::Error::Memory) if there is no room for the spikes or the buffers of a sample.
    pub fn simulate<O: Send>(
        &self,
        net: &Network<F>,
        simulation: &SampleSimulation<F>,
        data: Data<'_>,
        seed: u64,
        samples: std::ops::Range<usize>,
        lists: Lists,
        outputs: &mut [O],
        keep_going: &mut dyn FnMut() -> bool,
        use_sample: impl Fn(&SampleSpikes, Option<Counts>, &mut O) + Sync,
    ) -> Result<()> {
        let first = samples.start;
        assert_eq!(outputs.len(), samples.len());
        let Crew { pool, scratch: threads } = Crew::of(&self.crew, self.n_threads)?;
        let work = || {
            let stop = &Stop::current();
            outputs.par_iter_mut().enumerate().with_max_len(1).for_each(|(s, output)| {
                let mut scratch = scratch(threads);
                let ThreadScratch { load, forward: buffers, spikes, .. } = &mut *scratch;
                spikes.layers.resize_with(net.layers().len(), Default::default);
                let key = StreamKey { seed, epoch: 0, sample: (first + s) as u32 };
                stop.during(|| {
                    data.load(key, lists == Lists::All, spikes, load);
                    let n_steps = data.n_steps_of(first + s);
                    let counts = simulation.run(net, n_steps, spikes, lists, buffers);
                    if !stop.is_set() {
                        use_sample(spikes, counts, output);
                    }
                });
            });
            Ok(())
        };
        catch(|| watched(pool, keep_going, work)?)
    }
}
