//! A layer with its weights.

use super::{LayerConfig, Panels, RecurrentMask};
use crate::error::{Error, Result, check_non_negative};
use crate::neuron::{LifParams, LifPropagator};
use crate::real::Real;
use crate::simd::{Lanes, flat, flat_mut};

/// Random streams of a layer's initialisation: four a layer.
const STREAMS_PER_LAYER: u64 = 4;

/// A layer of LIF neurons and the synapses onto it.
#[derive(Clone, Debug)]
pub struct Layer<F> {
    params: LifParams,
    lif: LifPropagator<F>,
    weight: Panels<F>,
    recurrent: Option<Recurrent<F>>,
}

/// Synapses among the neurons of a layer.
#[derive(Clone, Debug)]
pub struct Recurrent<F> {
    weight: Panels<F>,
    /// The weights again, by presynaptic neuron: what the simulation reads.
    rows: Vec<Lanes<F>>,
    /// 1 where a synapse exists, 0 elsewhere; `None` where all do.
    mask: Option<Panels<F>>,
    trainable: bool,
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
        let weight = Panels::from_rows(n, n_in, &config.init().fill(n, n_in, seed, stream)?);
        let recurrent = match config {
            LayerConfig::Dense(dense) => {
                check_non_negative(&format!("layers[{index}].lateral_inhibition"), "", dense.lateral_inhibition)?;
                (dense.lateral_inhibition > 0.0).then(|| Recurrent::lateral(n, F::from_f64(dense.lateral_inhibition)))
            }
            LayerConfig::Recurrent(recurrent) => {
                let mask = mask_panels(&recurrent.mask, n, seed, stream + 1)?;
                let values = recurrent.rec_init.fill(n, n, seed, stream + 2)?;
                Some(Recurrent::new(Panels::from_rows(n, n, &values), mask, true))
            }
        };
        Ok(Self { params, lif, weight, recurrent })
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
        self.weight.n_in()
    }

    /// Number of neurons.
    pub fn n_out(&self) -> usize {
        self.weight.n_out()
    }

    /// Feed-forward weights.
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        &self.weight
    }

    /// Feed-forward weights.
    pub fn weight_mut(&mut self) -> &mut Panels<F> {
        &mut self.weight
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
}

impl<F: Real> Recurrent<F> {
    fn new(weight: Panels<F>, mask: Option<Panels<F>>, trainable: bool) -> Self {
        let mut recurrent = Self { weight, rows: Vec::new(), mask, trainable };
        if let Some(mask) = &recurrent.mask {
            for (w, m) in flat_mut(recurrent.weight.data_mut()).iter_mut().zip(flat(mask.data())) {
                *w *= *m;
            }
        }
        recurrent.refresh();
        recurrent
    }

    fn lateral(n: usize, strength: F) -> Self {
        let values: Vec<F> = (0..n * n).map(|at| if at / n == at % n { F::zero() } else { -strength }).collect();
        Self::new(Panels::from_rows(n, n, &values), None, false)
    }

    /// Recurrent weights.
    #[inline(always)]
    pub fn weight(&self) -> &Panels<F> {
        &self.weight
    }

    /// 1 where a synapse exists, 0 elsewhere; `None` where all do.
    pub fn mask(&self) -> Option<&Panels<F>> {
        self.mask.as_ref()
    }

    /// Whether training changes the weights.
    pub fn trainable(&self) -> bool {
        self.trainable
    }

    /// Recurrent weights by presynaptic neuron.
    #[inline(always)]
    pub fn rows(&self) -> &[Lanes<F>] {
        &self.rows
    }

    /// Changes weights that exist, and keeps the copy the simulation reads true.
    pub fn update_weight(&mut self, update: impl FnOnce(&mut Panels<F>, Option<&Panels<F>>)) {
        update(&mut self.weight, self.mask.as_ref());
        self.refresh();
    }

    fn refresh(&mut self) {
        self.weight.copy_to_presynaptic_rows(&mut self.rows);
    }
}

fn mask_panels<F: Real>(mask: &RecurrentMask, n: usize, seed: u64, stream: u64) -> Result<Option<Panels<F>>> {
    if *mask == (RecurrentMask::AllToAll { self_loops: true }) {
        return Ok(None);
    }
    let exists = mask.build(n, seed, stream)?;
    let mut values = vec![F::zero(); n * n];
    for k in 0..n {
        for i in 0..n {
            if exists[k * n + i] {
                values[i * n + k] = F::one();
            }
        }
    }
    Ok(Some(Panels::from_rows(n, n, &values)))
}

/// Refuses weights that are not finite, or that stand where no synapse exists.
pub(crate) fn check_weights<F: Real>(name: &str, values: &[F], n_in: usize, mask: Option<&Panels<F>>) -> Result<()> {
    for (at, &value) in values.iter().enumerate() {
        let (i, j) = (at / n_in, at % n_in);
        if !value.is_finite() {
            return Err(Error::value(format!("{name}[{i}, {j}]"), "finite", value.widen()));
        }
        if value != F::zero() && mask.is_some_and(|mask| mask.get(i, j) == F::zero()) {
            return Err(Error::value(format!("{name}[{i}, {j}]"), "0, as no synapse exists there", value.widen()));
        }
    }
    Ok(())
}
