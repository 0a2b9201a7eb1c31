//! A layer with its weights.

use super::{Delay, Init, LayerConfig, Panels, RecurrentMask, Synapses, Taps};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, check_room, collected, copied};
use crate::neuron::{LifParams, LifPropagator};
use crate::simd::{Lanes, Real};

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
#[derive(Debug)]
pub struct Recurrent<F> {
    synapses: Synapses<F>,
    /// The weights again, by presynaptic neuron: what the simulation reads.
    rows: Vec<Lanes<F>>,
    trainable: bool,
}

/// Synapses of a layer that are known, and so are not drawn.
pub(super) struct LayerArrays<F> {
    /// Feed-forward weights, (n_out, n_in) row-major, and their name.
    pub weight: (String, Vec<F>),
    /// Recurrent weights, (n, n) row-major, and their name; `None` without trained recurrent synapses.
    pub recurrent_weight: Option<(String, Vec<F>)>,
    /// In place of the configured ones.
    pub delays: Option<LayerDelays>,
}

/// Where the weights and delays of a connection group come from.
struct Group<'a, F> {
    known: Option<(String, Vec<F>)>,
    delays: Option<Vec<u32>>,
    init: &'a Init,
    delay: &'a Delay,
    /// Of the delays.
    name: &'a str,
    /// Of the weights, and of the delays.
    streams: [u64; 2],
}

/// Delays of the synapses of a layer [steps].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDelays {
    /// Feed-forward, (n_out, n_in) row-major.
    pub delay: Vec<u32>,
    /// Recurrent, (n, n) row-major, 0 where no synapse exists; `None` without trained recurrent synapses.
    pub recurrent_delay: Option<Vec<u32>>,
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
    /// Builds layer `index` with `n_in` inputs, of a configuration that has been validated; draws its weights, unless `known`
    /// has them.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain, or the weight that [`Synapses::check`] refuses; [`Error::Memory`].
    pub(super) fn new(
        config: &LayerConfig,
        n_in: usize,
        dt: f64,
        seed: u64,
        index: usize,
        known: Option<LayerArrays<F>>,
    ) -> Result<Self> {
        let n = config.n();
        let params = config.lif_params(dt);
        let lif = LifPropagator::new(&params)?;
        // Before weights are drawn, and by the names that the caller knows.
        check_room(&format!("layers[{index}]: n * n_in"), n.checked_mul(n_in), size_of::<F>())?;
        let stream = index as u64 * STREAMS_PER_LAYER;
        let delay_stream = DELAY_STREAMS | (2 * index as u64);
        let (weight, recurrent_weight, delays) = match known {
            Some(LayerArrays { weight, recurrent_weight, delays }) => (Some(weight), recurrent_weight, delays),
            None => (None, None, None),
        };
        let (delay, recurrent_delay) =
            delays.map_or((None, None), |LayerDelays { delay, recurrent_delay }| (Some(delay), recurrent_delay));
        let synapses = |group: Group<'_, F>, shape: [usize; 2], exists: Option<&[bool]>| {
            let Group { known, delays, init, delay, name, streams } = group;
            let name = format!("layers[{index}].{name}");
            let taps = match delays {
                Some(delays) => Taps::new(&name, &delays, shape, exists)?,
                None => delay.taps(&name, dt, shape, exists, [seed, streams[1]])?,
            };
            let Some((name, weights)) = known else {
                return Ok(Synapses::new(shape, &init.fill(shape[0], shape[1], seed, streams[0])?, exists, taps));
            };
            let synapses = Synapses::new(shape, &weights, exists, taps);
            synapses.check(&name, &weights).map(|()| synapses)
        };
        let (init, streams) = (config.init(), [stream, delay_stream]);
        let group = Group { known: weight, delays: delay, init, delay: config.delay(), name: "delay", streams };
        let feed_forward = synapses(group, [n, n_in], None)?;
        let recurrent = match config {
            LayerConfig::Dense(dense) => {
                let strength = F::from_f64(dense.lateral_inhibition);
                (dense.lateral_inhibition > 0.0).then(|| Recurrent::lateral(n, strength))
            }
            LayerConfig::Recurrent(recurrent) => {
                check_room(&format!("layers[{index}]: n * n"), n.checked_mul(n), size_of::<F>())?;
                let exists = existing(&recurrent.mask, n, seed, stream + 1)?;
                let (init, delay) = (&recurrent.recurrent_init, &recurrent.recurrent_delay);
                let streams = [stream + 2, delay_stream + 1];
                let known = recurrent_weight;
                let group = Group { known, delays: recurrent_delay, init, delay, name: "recurrent_delay", streams };
                Some(Recurrent::new(synapses(group, [n, n], exists.as_deref())?, true))
            }
        };
        Ok(Self { params, lif, synapses: feed_forward, recurrent })
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
        let recurrent_delay = self.trainable_recurrent().map(|recurrent| recurrent.synapses.delays());
        LayerDelays { delay: self.synapses.delays(), recurrent_delay }
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
        let recurrent = match (self.trainable_recurrent(), &delays.recurrent_delay) {
            (None, None) => None,
            (Some(recurrent), Some(delays)) => {
                Some(taps(format!("{name}['recurrent_delay']"), &recurrent.synapses, delays)?)
            }
            (recurrent, delays) => {
                let say = |is: bool| if is { "an array" } else { "nothing" };
                let name = format!("{name}['recurrent_delay']");
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

impl<F: Clone> Clone for Recurrent<F> {
    fn clone(&self) -> Self {
        let rows = copied("n * blocks of 16 neurons", &self.rows);
        Self { synapses: self.synapses.clone(), rows, trainable: self.trainable }
    }
}

impl<F: Real> Recurrent<F> {
    fn new(synapses: Synapses<F>, trainable: bool) -> Self {
        let mut recurrent = Self { synapses, rows: Vec::new(), trainable };
        recurrent.refresh();
        recurrent
    }

    fn lateral(n: usize, strength: F) -> Self {
        let strength = |at| if at / n == at % n { F::zero() } else { -strength };
        let values = collected("n * n of lateral inhibition", (0..n * n).map(strength)).or_unwind();
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
    Ok(Some(collected("n * n", (0..n * n).map(|at| exists[at % n * n + at / n]))?))
}
