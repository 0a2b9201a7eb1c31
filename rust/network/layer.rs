//! A layer with its connections.

use super::config::ConnectionConfig;
use super::connection::{Context, Known};
use super::{Connection, Origin, Panels, Shape, Synapses, Taps};
use crate::error::{Error, Result};
use crate::memory::{OrUnwind, collected};
use crate::neuron::lif::thresholds;
use crate::neuron::{LifGroup, LifParams, LifPropagator, PerNeuron};
use crate::simd::{LANES, Lanes, Real};

/// A layer of LIF neurons and the connections onto it.
#[derive(Clone, Debug)]
pub struct Layer<F> {
    params: LifParams,
    lif: LifPropagator<F>,
    v_th: PerNeuron<f64>,
    /// Of each channel, where they differ.
    thresholds: Option<Vec<Lanes<F>>>,
    /// That from the layer below; then that of the layer onto itself, if there is one.
    connections: Vec<Connection<F>>,
}

/// Delays of the synapses of each trainable connection of a layer, row-major in the order of its matrix, 0 where no synapse exists
/// [steps].
pub type LayerDelays = Vec<Vec<u32>>;

impl<F: Real> Layer<F> {
    /// Builds a layer of a configuration that has been validated; draws the weights that `known` does not have.
    ///
    /// # Errors
    /// Those of [`Connection::new`] and of `known`.
    pub(super) fn new(
        (params, v_th): (LifParams, &PerNeuron<f64>),
        connections: &[ConnectionConfig<'_>],
        context: Context,
        mut known: impl FnMut(Origin, [usize; 2]) -> Result<Option<Known<F>>>,
    ) -> Result<Self> {
        let within = |error: Error| error.within(&format!("layers[{}]", context.layer));
        let thresholds = thresholds::blocks(v_th).map_err(within)?;
        let lif = LifPropagator::new(&params)?;
        let connections = connections.iter().map(|connection| {
            let shape = connection.pattern.matrix();
            let known = if connection.drawn.is_some() { known(connection.origin, shape)? } else { None };
            Connection::new(connection, context, known)
        });
        Ok(Self { params, lif, v_th: v_th.clone(), thresholds, connections: connections.collect::<Result<_>>()? })
    }

    /// Returns the neuron parameters; of neurons with different thresholds, those of one that has the lowest.
    pub fn params(&self) -> &LifParams {
        &self.params
    }

    /// Returns the factors of a time step; the threshold is that of [`params`](Self::params).
    #[inline(always)]
    pub fn lif(&self) -> &LifPropagator<F> {
        &self.lif
    }

    /// Returns the thresholds: one, or one for each channel, which is a neuron where the layer lies in no plane.
    pub fn v_th(&self) -> &PerNeuron<f64> {
        &self.v_th
    }

    /// Returns the neurons as a population, with a threshold each where channels have.
    pub fn neurons(&self) -> LifGroup {
        let plane = self.shape().plane();
        let v_th = match &self.v_th {
            PerNeuron::Same(v_th) => PerNeuron::Same(*v_th),
            PerNeuron::Each(of_channels) => {
                let each = (0..self.n_out()).map(|neuron| of_channels[neuron / plane]);
                PerNeuron::Each(collected("v_th of the neurons of a layer", each).or_unwind())
            }
        };
        LifGroup::new(self.params, v_th)
    }

    /// Returns the thresholds of the channels in blocks, where they differ.
    #[inline(always)]
    pub fn thresholds(&self) -> Option<&[Lanes<F>]> {
        self.thresholds.as_deref()
    }

    /// Returns the threshold of a neuron.
    pub fn threshold(&self, neuron: usize) -> F {
        let channel = || neuron / self.shape().plane();
        self.thresholds.as_ref().map_or(self.lif.v_th, |blocks| blocks[channel() / LANES][channel() % LANES])
    }

    /// Returns the number of neurons of the layer below.
    pub fn n_in(&self) -> usize {
        self.connections[0].pattern().pre().n()
    }

    /// Returns the number of neurons.
    pub fn n_out(&self) -> usize {
        self.connections[0].pattern().post().n()
    }

    /// Returns channels, height and width of the layer's neurons.
    pub fn shape(&self) -> Shape {
        self.connections[0].pattern().post()
    }

    /// Returns the connections onto the layer: that from the layer below; then that onto itself, if there is one.
    pub fn connections(&self) -> &[Connection<F>] {
        &self.connections
    }

    /// Returns the connections, to be changed.
    pub fn connections_mut(&mut self) -> &mut [Connection<F>] {
        &mut self.connections
    }

    /// Returns the connections whose weights are parameters: drawn, trained and kept in files.
    pub fn trainable(&self) -> impl Iterator<Item = &Connection<F>> {
        self.connections.iter().filter(|connection| connection.is_trainable())
    }

    /// Returns the connections of [`trainable`](Self::trainable), to be changed.
    pub fn trainable_mut(&mut self) -> impl Iterator<Item = &mut Connection<F>> {
        self.connections.iter_mut().filter(|connection| connection.is_trainable())
    }

    /// Returns the connection from the layer below.
    #[inline(always)]
    pub fn below(&self) -> &Connection<F> {
        &self.connections[0]
    }

    /// Returns the connection of the layer onto itself, lateral inhibition included.
    #[inline(always)]
    pub fn recurrent(&self) -> Option<&Connection<F>> {
        self.connections.get(1)
    }

    /// Returns the synapses from the layer below.
    pub fn synapses(&self) -> &Synapses<F> {
        self.connections[0].synapses()
    }

    /// Returns the weights of the synapses from the layer below, see [`Connection::weight`].
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        self.connections[0].weight()
    }

    /// Returns the delays of the synapses from the layer below, see [`Connection::taps`].
    #[inline(always)]
    pub fn taps(&self) -> &[u32] {
        self.connections[0].taps()
    }

    /// Returns the delays of all synapses of trainable connections; others have none.
    pub fn delays(&self) -> LayerDelays {
        self.trainable().map(|connection| connection.synapses().delays()).collect()
    }

    /// Lays out delays for the trainable connections; `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`] if there are too many different delays, or not an array for each connection.
    ///
    /// # Panics
    /// If an array has not one entry a synapse.
    pub(super) fn taps_of(&self, name: &str, delays: &LayerDelays) -> Result<Vec<Taps>> {
        let n = self.trainable().count();
        if delays.len() != n {
            return Err(Error::value(name, format!("{n} arrays"), delays.len()));
        }
        let laid_out = self.trainable().zip(delays).map(|(connection, delays)| {
            let name = format!("{name}['{}']", connection.origin().delay_key());
            let synapses = connection.synapses();
            Taps::new(&name, delays, connection.pattern().matrix(), synapses.exists().as_deref())
        });
        laid_out.collect()
    }

    /// Gives the synapses the delays that [`taps_of`](Self::taps_of) has laid out, and leaves their weights.
    pub(super) fn set_taps(&mut self, taps: Vec<Taps>) {
        self.trainable_mut().zip(taps).for_each(|(connection, taps)| connection.set_taps(taps));
    }
}
