//! Training through fixed-point arithmetic: integers fire, floats learn.

use std::sync::Arc;

use rayon::ThreadPool;

use crate::engine::fixed::Compiled;
use crate::error::Result;
use crate::fixed::{Grid, Note, Quantization};
use crate::memory::catch;
use crate::network::Network;
use crate::sim::FixedSamples;
use crate::simd::Real;

/// Holds a network as hardware has it: weights rounded to a grid, chosen for the weights there were at first.
///
/// The forward pass is that of the integers. The backward pass reads the weights that the integers stand for, and its gradients
/// are those of the weights that were rounded ("straight through", Bengio, Léonard & Courville, arXiv:1308.3432).
#[derive(Debug)]
pub struct HardwareModel<F: Real> {
    grid: Grid,
    rounded: Network<F>,
}

impl<F: Real> HardwareModel<F> {
    /// Chooses scales and formats for the present weights.
    ///
    /// # Errors
    /// Those of [`Grid::new`]; [`Error::Memory`](crate::Error::Memory).
    pub fn new(net: &Network<F>, quantization: &Quantization, pool: &ThreadPool) -> Result<Self> {
        catch(|| Ok(Self { grid: pool.install(|| Grid::new(net, quantization))?, rounded: net.clone() }))
    }

    /// Rounds the present weights and returns the layers that fire.
    ///
    /// # Errors
    /// Those of [`Grid::network`]; [`Error::Memory`](crate::Error::Memory).
    pub fn round(&mut self, net: &Network<F>, pool: &ThreadPool) -> Result<Arc<FixedSamples>> {
        let work = || {
            let network = self.grid.network(net)?;
            self.grid.represent(&network, &mut self.rounded);
            Ok(Arc::new(FixedSamples::new(Arc::new(Compiled::new(&network)?))))
        };
        catch(|| pool.install(work))
    }

    /// Returns how often an input may fire in a step at most.
    pub fn input_spikes(&self) -> u32 {
        self.grid.layers[0].format.input_spikes()
    }

    /// Tells what the weights there were at first lose.
    pub fn notes(&self) -> &[Note] {
        &self.grid.notes
    }

    /// Returns the network of the weights that the integers stand for.
    pub fn rounded(&self) -> &Network<F> {
        &self.rounded
    }
}
