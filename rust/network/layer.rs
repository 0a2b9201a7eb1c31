//! A layer with its weights.

use super::{LayerConfig, Panels, RecurrentMask, Synapses, Taps};
use crate::error::{Error, Result, check_non_negative};
use crate::neuron::{LifParams, LifPropagator};
use crate::real::Real;
use crate::simd::Lanes;

/// Random streams of a layer's weights and mask: four a layer.
const STREAMS_PER_LAYER: u64 = 4;

/// Separates the streams of the delays, two a layer, from these.
const DELAY_STREAMS: u64 = 1 << 62;

/// A layer of LIF neurons and the synapses onto it.
#[derive(Clone, Debug)]
pub struct Layer<F> {
    params: LifParams,
    lif: LifPropagator<F>,
    synapses: Synapses<F>,
    recurrent: Option<Recurrent<F>>,
}

/// Synapses among the neurons of a layer.
#[derive(Clone, Debug)]
pub struct Recurrent<F> {
    synapses: Synapses<F>,
    /// The weights again, by presynaptic neuron: what the simulation reads.
    rows: Vec<Lanes<F>>,
    trainable: bool,
}

/// Delays of the synapses of a layer [steps].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDelays {
    /// Feed-forward, (n_out, n_in) row-major.
    pub delay: Vec<u32>,
    /// Recurrent, (n, n) row-major, 0 where no synapse exists; `None` without trained recurrent synapses.
    pub rec_delay: Option<Vec<u32>>,
}

/// Delays of a layer's synapses, as the layout of its matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTaps {
    /// Of the feed-forward synapses.
    pub feed_forward: Taps,
    /// Of the recurrent ones; `None` where these are not trained.
    pub recurrent: Option<Taps>,
}

impl<F: Real> Layer<F> {
    /// Builds layer `index` with `n_in` inputs and draws its weights.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn new(config: &LayerConfig, n_in: usize, dt: f64, seed: u64, index: usize) -> Result<Self> {
        let n = config.n();
        if n == 0 || n >= 1 << 31 {
            return Err(Error::value(format!("layers[{index}].n"), "in [1, 2^31)", n));
        }
        let params = config.lif_params(dt);
        let lif = LifPropagator::new(&params)?;
        let stream = index as u64 * STREAMS_PER_LAYER;
        let delay_stream = DELAY_STREAMS | (2 * index as u64);
        let weights = config.init().fill(n, n_in, seed, stream)?;
        let name = format!("layers[{index}].delay");
        let taps = config.delay().taps(&name, dt, [n, n_in], None, [seed, delay_stream])?;
        let synapses = Synapses::new([n, n_in], &weights, None, taps);
        let recurrent = match config {
            LayerConfig::Dense(dense) => {
                check_non_negative(&format!("layers[{index}].lateral_inhibition"), "", dense.lateral_inhibition)?;
                (dense.lateral_inhibition > 0.0).then(|| Recurrent::lateral(n, F::from_f64(dense.lateral_inhibition)))
            }
            LayerConfig::Recurrent(recurrent) => {
                let exists = existing(&recurrent.mask, n, seed, stream + 1)?;
                let exists = exists.as_deref();
                let weights = recurrent.rec_init.fill(n, n, seed, stream + 2)?;
                let name = format!("layers[{index}].rec_delay");
                let taps = recurrent.rec_delay.taps(&name, dt, [n, n], exists, [seed, delay_stream + 1])?;
                Some(Recurrent::new(Synapses::new([n, n], &weights, exists, taps), true))
            }
        };
        Ok(Self { params, lif, synapses, recurrent })
    }

    /// Neuron parameters.
    pub fn params(&self) -> &LifParams {
        &self.params
    }

    /// What a step multiplies with.
    #[inline(always)]
    pub fn lif(&self) -> &LifPropagator<F> {
        &self.lif
    }

    /// Number of presynaptic neurons.
    pub fn n_in(&self) -> usize {
        self.synapses.n_in()
    }

    /// Number of neurons.
    pub fn n_out(&self) -> usize {
        self.synapses.n_out()
    }

    /// Feed-forward synapses.
    pub fn synapses(&self) -> &Synapses<F> {
        &self.synapses
    }

    /// Feed-forward synapses.
    pub fn synapses_mut(&mut self) -> &mut Synapses<F> {
        &mut self.synapses
    }

    /// Feed-forward weights, (n_out, n_taps * n_in): that of presynaptic neuron j is in column k * n_in + j if its delay is
    /// `taps()[k]`, and the others are 0.
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        self.synapses.weight()
    }

    /// The distinct delays of the feed-forward synapses beyond the one step that every spike takes, ascending [steps].
    #[inline(always)]
    pub fn taps(&self) -> &[u32] {
        self.synapses.taps().steps()
    }

    /// Recurrent synapses, lateral inhibition included.
    #[inline(always)]
    pub fn recurrent(&self) -> Option<&Recurrent<F>> {
        self.recurrent.as_ref()
    }

    /// Recurrent synapses, lateral inhibition included.
    pub fn recurrent_mut(&mut self) -> Option<&mut Recurrent<F>> {
        self.recurrent.as_mut()
    }

    /// Recurrent synapses that are trained.
    pub fn trainable_recurrent(&self) -> Option<&Recurrent<F>> {
        self.recurrent.as_ref().filter(|recurrent| recurrent.trainable)
    }

    /// Recurrent synapses that are trained.
    pub fn trainable_recurrent_mut(&mut self) -> Option<&mut Recurrent<F>> {
        self.recurrent.as_mut().filter(|recurrent| recurrent.trainable)
    }

    /// The delay of every synapse; lateral inhibition has none.
    pub fn delays(&self) -> LayerDelays {
        let rec_delay = self.trainable_recurrent().map(|recurrent| recurrent.synapses.delays());
        LayerDelays { delay: self.synapses.delays(), rec_delay }
    }

    /// The layout of the layer's matrices.
    pub fn layer_taps(&self) -> LayerTaps {
        let recurrent = self.trainable_recurrent().map(|recurrent| recurrent.synapses.taps().clone());
        LayerTaps { feed_forward: self.synapses.taps().clone(), recurrent }
    }

    /// The layout that delays give the layer's matrices; `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`] if there are too many different delays, or none of recurrent synapses.
    pub(super) fn taps_of(&self, name: &str, delays: &LayerDelays) -> Result<LayerTaps> {
        let taps = |name: String, synapses: &Synapses<F>, delays: &[u32]| {
            Taps::new(&name, delays, [synapses.n_out(), synapses.n_in()], synapses.exists().as_deref())
        };
        let feed_forward = taps(format!("{name}['delay']"), &self.synapses, &delays.delay)?;
        let recurrent = match (self.trainable_recurrent(), &delays.rec_delay) {
            (None, None) => None,
            (Some(recurrent), Some(delays)) => Some(taps(format!("{name}['rec_delay']"), &recurrent.synapses, delays)?),
            (recurrent, delays) => {
                let say = |is: bool| if is { "an array" } else { "nothing" };
                let name = format!("{name}['rec_delay']");
                return Err(Error::value(name, say(recurrent.is_some()), say(delays.is_some())));
            }
        };
        Ok(LayerTaps { feed_forward, recurrent })
    }

    /// Gives the synapses the delays that [`taps_of`](Self::taps_of) has laid out, and leaves their weights.
    pub(super) fn set_taps(&mut self, taps: LayerTaps) {
        self.synapses.set_taps(taps.feed_forward);
        if let (Some(own), Some(taps)) = (&mut self.recurrent, taps.recurrent) {
            own.synapses.set_taps(taps);
            own.refresh();
        }
    }
}

impl<F: Real> Recurrent<F> {
    fn new(synapses: Synapses<F>, trainable: bool) -> Self {
        let mut recurrent = Self { synapses, rows: Vec::new(), trainable };
        recurrent.refresh();
        recurrent
    }

    fn lateral(n: usize, strength: F) -> Self {
        let values: Vec<F> = (0..n * n).map(|at| if at / n == at % n { F::zero() } else { -strength }).collect();
        Self::new(Synapses::new([n, n], &values, None, Taps::all(0)), false)
    }

    /// The synapses.
    pub fn synapses(&self) -> &Synapses<F> {
        &self.synapses
    }

    /// Recurrent weights, (n, n_taps * n), as [`Layer::weight`].
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        self.synapses.weight()
    }

    /// The distinct delays beyond the one step that every spike takes, ascending [steps].
    #[inline(always)]
    pub fn taps(&self) -> &[u32] {
        self.synapses.taps().steps()
    }

    /// Whether training changes the weights.
    pub fn trainable(&self) -> bool {
        self.trainable
    }

    /// Recurrent weights by presynaptic neuron, those of the first delay first.
    #[inline(always)]
    pub fn rows(&self) -> &[Lanes<F>] {
        &self.rows
    }

    /// Takes weights, (n, n) row-major, that [`Synapses::check`] has passed.
    pub fn set_rows(&mut self, rows: &[F]) {
        self.synapses.set_rows(rows);
        self.refresh();
    }

    /// Changes weights that exist, and keeps the copy the simulation reads true.
    pub fn update_weight(&mut self, update: impl FnOnce(&mut Panels<F>, Option<&Panels<F>>)) {
        self.synapses.update_weight(update);
        self.refresh();
    }

    fn refresh(&mut self) {
        self.synapses.weight().copy_to_presynaptic_rows(&mut self.rows);
    }
}

/// Which synapses exist, (n, n) row-major, postsynaptic neuron after neuron; `None` if all do.
fn existing(mask: &RecurrentMask, n: usize, seed: u64, stream: u64) -> Result<Option<Vec<bool>>> {
    if *mask == (RecurrentMask::AllToAll { self_loops: true }) {
        return Ok(None);
    }
    let exists = mask.build(n, seed, stream)?;
    Ok(Some((0..n * n).map(|at| exists[at % n * n + at / n]).collect()))
}
