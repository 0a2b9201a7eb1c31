//! Where the neurons of a plane stand among lanes.

use crate::network::Shape;
use crate::neuron::fixed::{Decay, FixedParams, Limits, PerNeuron};
use crate::simd::LANES;

/// The channels of a position in blocks of 16 lanes, one position after the other; some lanes have no neuron.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    shape: Shape,
    /// Blocks of a position.
    n_blocks: usize,
    /// Positions, the first of the plane.
    positions: usize,
}

impl Slots {
    /// Places all neurons of a layer.
    pub fn all(shape: Shape) -> Self {
        Self { shape, n_blocks: shape.channels.div_ceil(LANES), positions: shape.plane() }
    }

    /// Places those of two positions, of which all others are copies, if all positions have the same numbers and lanes without a
    /// neuron may have those of one; else all.
    pub fn repeated(params: &FixedParams, shape: Shape) -> Self {
        fn is_same<T: Copy + PartialEq>(values: &PerNeuron<T>, plane: usize) -> bool {
            match values {
                PerNeuron::Same(_) => true,
                PerNeuron::Each(values) => values.chunks(plane).all(|of| of.iter().all(|value| *value == of[0])),
            }
        }
        let decays = [&params.current_decay, &params.membrane_decay].into_iter().all(|decay| match decay {
            Decay::Multiply { factor, .. } => is_same(factor, shape.plane()),
            Decay::Shift { shift, .. } => is_same(shift, shape.plane()),
            Decay::Table { .. } => true,
        });
        let all = Self::all(shape);
        let is_repeated = decays && is_same(&params.v_th, shape.plane()) && params.bias == PerNeuron::Same(0);
        if is_repeated { Self { positions: 2, ..all } } else { all }
    }

    /// Returns the number of lanes.
    pub fn n(self) -> usize {
        self.positions * self.n_blocks * LANES
    }

    /// Returns the neuron of a lane.
    pub fn neuron(self, lane: usize) -> Option<usize> {
        let (block, plane) = (lane / LANES, self.shape.plane());
        let channel = block % self.n_blocks * LANES + lane % LANES;
        let position = block / self.n_blocks % plane;
        (channel < self.shape.channels).then_some(channel * plane + position)
    }

    /// Returns the format of the lanes: those without a neuron are silent, and what hardware has room for does not concern them.
    pub fn format(self, params: &FixedParams) -> FixedParams {
        let decay = |decay: &Decay| match decay {
            Decay::Multiply { factor, bits } => Decay::Multiply { factor: self.each(factor), bits: *bits },
            Decay::Shift { shift, least_one } => Decay::Shift { shift: self.each(shift), least_one: *least_one },
            Decay::Table { .. } => decay.clone(),
        };
        let bias = |lane| self.neuron(lane).map_or(0, |neuron| params.bias.get(neuron));
        let bias = match params.bias {
            PerNeuron::Same(0) => PerNeuron::Same(0),
            _ => PerNeuron::Each((0..self.n()).map(bias).collect()),
        };
        FixedParams {
            current_decay: decay(&params.current_decay),
            membrane_decay: decay(&params.membrane_decay),
            v_th: self.each(&params.v_th),
            bias,
            limits: Limits::default(),
            ..params.clone()
        }
    }

    /// Returns the numbers of the lanes, those without a neuron having that of some neuron.
    fn each<T: Copy>(self, values: &PerNeuron<T>) -> PerNeuron<T> {
        match values {
            PerNeuron::Same(value) => PerNeuron::Same(*value),
            PerNeuron::Each(values) => {
                PerNeuron::Each((0..self.n()).map(|lane| values[self.neuron(lane).unwrap_or(0)]).collect())
            }
        }
    }
}
