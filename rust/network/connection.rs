//! A connection: a pattern with its parameters.

use super::config::ConnectionConfig;
use super::{Origin, Panels, Pattern, Synapses, Taps};
use crate::error::Result;
use crate::memory::{OrUnwind, check_room, collected, copied, filled, product};
use crate::simd::{Lanes, Real};

/// Random streams of a layer's weights and masks: for each origin one of its weights and one of its mask.
const STREAMS_PER_LAYER: u64 = 4;

/// Separates the streams of the delays, two a layer, from these.
const DELAY_STREAMS: u64 = 1 << 62;

/// The synapses from one origin onto a layer: a pattern, and the matrix of weights with their delays.
#[derive(Debug)]
pub struct Connection<F> {
    origin: Origin,
    pattern: Pattern,
    synapses: Synapses<F>,
    /// The weights again, column by column of the matrix, where the simulation adds a column at a time: those of a layer's connection
    /// onto itself, and of kernels.
    rows: Vec<Lanes<F>>,
}

/// Weights and delays of a connection that are known, and so are not drawn.
pub(super) struct Known<F> {
    /// Name of the weights, and the weights in the order of the matrix, row-major.
    pub weight: (String, Vec<F>),
    /// In place of the configured delays, likewise [steps].
    pub delays: Option<Vec<u32>>,
}

/// What a network gives to the connections of one of its layers.
#[derive(Clone, Copy)]
pub(super) struct Context {
    /// Time step [ms].
    pub dt: f64,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Number of the layer.
    pub layer: usize,
}

impl<F: Clone> Clone for Connection<F> {
    fn clone(&self) -> Self {
        let rows = copied("n * blocks of 16 neurons", &self.rows);
        Self { synapses: self.synapses.clone(), rows, ..*self }
    }
}

/// Names what takes the memory of lateral inhibition, for messages.
const OF_LATERAL_INHIBITION: &str = "n * n of lateral inhibition";

impl<F: Real> Connection<F> {
    /// Builds a connection of a configuration that has been validated; draws its weights, unless they are `known`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) naming the field outside its domain, or the weight that [`Synapses::check`] refuses;
    /// [`Error::Memory`](crate::Error::Memory).
    pub(super) fn new(config: &ConnectionConfig<'_>, context: Context, known: Option<Known<F>>) -> Result<Self> {
        let ConnectionConfig { origin, pattern, ref drawn } = *config;
        let Context { dt, seed, layer } = context;
        let shape = pattern.matrix();
        // Before weights are drawn, and by the names that the caller knows.
        let name = match (origin, drawn) {
            (Origin::Below, _) if pattern.has_kernels() => format!("layers[{layer}]: weights of kernels"),
            (Origin::Below, _) => format!("layers[{layer}]: n * n_in"),
            (Origin::Itself, Some(_)) => format!("layers[{layer}]: n * n"),
            (Origin::Itself, None) => OF_LATERAL_INHIBITION.to_owned(),
        };
        check_room(&name, product(&shape), size_of::<F>())?;
        let Some(drawn) = drawn else { return Ok(Self::constant(origin, pattern)) };
        let stream = layer as u64 * STREAMS_PER_LAYER + 2 * origin as u64;
        // The mask of a recurrent layer has the stream before its weights.
        let exists = drawn.mask.map(|mask| mask.existing(shape[0], seed, stream - 1)).transpose()?.flatten();
        let exists = exists.as_deref();
        let (weights, delays) = match known {
            Some(Known { weight, delays }) => (Some(weight), delays),
            None => (None, None),
        };
        let name = format!("layers[{layer}].{}", origin.delay_key());
        let taps = match delays {
            Some(delays) => Taps::new(&name, &delays, shape, exists)?,
            None => {
                let stream = DELAY_STREAMS | (2 * layer as u64 + origin as u64);
                drawn.delay.taps(&name, dt, shape, exists, [seed, stream])?
            }
        };
        let synapses = match weights {
            None => Synapses::new(shape, &drawn.init.fill_of(drawn.v_th, shape, [seed, stream])?, exists, taps),
            Some((name, weights)) => {
                let synapses = Synapses::new(shape, &weights, exists, taps);
                synapses.check(&name, &weights, &shape)?;
                synapses
            }
        };
        Ok(Self::of(origin, pattern, synapses))
    }

    /// Makes the connection of a pattern that has a constant for a weight.
    fn constant(origin: Origin, pattern: Pattern) -> Self {
        let shape = pattern.matrix();
        let weight = F::from_f64(pattern.constant().unwrap_or_default());
        let mut values = filled(OF_LATERAL_INHIBITION, product(&shape), F::zero()).or_unwind();
        for pre in 0..pattern.pre().n() {
            pattern.for_each_synapse(pre, |_, place| {
                values[place.row as usize * shape[1] + place.column as usize] = weight
            });
            // All synapses of a pool share one weight, however many there are.
            if values.len() == 1 && values[0] == weight {
                break;
            }
        }
        Self::of(origin, pattern, Synapses::new(shape, &values, None, Taps::all(0)))
    }

    fn of(origin: Origin, pattern: Pattern, synapses: Synapses<F>) -> Self {
        let mut connection = Self { origin, pattern, synapses, rows: Vec::new() };
        connection.refresh();
        connection
    }

    /// Returns where the spikes come from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns which parameter joins which neurons.
    #[inline(always)]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether the weights are parameters: drawn, trained and kept in files.
    pub fn is_trainable(&self) -> bool {
        self.pattern.is_trainable()
    }

    /// Returns the weights with their delays, and which of them exist.
    pub fn synapses(&self) -> &Synapses<F> {
        &self.synapses
    }

    /// Tells which entries of the matrix belong to synapses, row-major; `None` if all do.
    pub fn exists(&self) -> Option<Vec<bool>> {
        if self.is_trainable() {
            return self.synapses.exists();
        }
        // A constant is 0 where there is no synapse.
        let rows = self.synapses.rows();
        Some(collected("n_out * n_in", rows.iter().map(|&w| w != F::zero())).or_unwind())
    }

    /// Returns the weights, (n_out, n_taps * n_in): that of presynaptic neuron j is in column k * n_in + j if its delay is
    /// `taps()[k]`, and the others are 0.
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        self.synapses.weight()
    }

    /// Returns the distinct delays beyond the one step that every spike takes, ascending [steps].
    #[inline(always)]
    pub fn taps(&self) -> &[u32] {
        self.synapses.taps().steps()
    }

    /// Returns the weights by column of the matrix, those of the first delay first, of a layer's connection onto itself and of kernels.
    #[inline(always)]
    pub fn rows(&self) -> &[Lanes<F>] {
        &self.rows
    }

    /// Takes weights, row-major in the order of the matrix, that [`Synapses::check`] has passed.
    pub fn set_rows(&mut self, rows: &[F]) {
        self.synapses.set_rows(rows);
        self.refresh();
    }

    /// Changes weights that exist, and keeps the copy that the simulation reads true.
    pub fn update_weight(&mut self, update: impl FnOnce(&mut Panels<F>, Option<&Panels<F>>)) {
        self.synapses.update_weight(update);
        self.refresh();
    }

    /// Gives the synapses other delays and leaves their weights.
    pub(super) fn set_taps(&mut self, taps: Taps) {
        self.synapses.set_taps(taps);
        self.refresh();
    }

    fn refresh(&mut self) {
        if self.origin == Origin::Itself || self.pattern.has_kernels() {
            self.synapses.weight().copy_to_presynaptic_rows(&mut self.rows);
        }
    }
}

impl super::RecurrentMask {
    /// Tells which synapses exist, (n, n) row-major, postsynaptic neuron after neuron; `None` if all do.
    fn existing(&self, n: usize, seed: u64, stream: u64) -> Result<Option<Vec<bool>>> {
        if *self == (Self::AllToAll { self_loops: true }) {
            return Ok(None);
        }
        let exists = self.build(n, seed, stream)?;
        Ok(Some(collected("n * n", (0..n * n).map(|at| exists[at % n * n + at / n]))?))
    }
}
