//! What the user says of layers that lie in a plane or on a line.

use serde::{Deserialize, Serialize};

use super::{AvgPool2d, Conv2d, ConvSizes, Delay, Init, MaxPool2d, Shape};
use crate::error::Result;
use crate::neuron::{Discretisation, PerNeuron};

/// A convolution over channels; sizes `S` are (height, width), or along a line one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvConfig<S> {
    /// Number of channels.
    pub channels: usize,
    /// Taps of a kernel.
    pub kernel: S,
    /// Places from one position of the kernel to the next.
    pub stride: S,
    /// Places without a neuron before the first and after the last one.
    pub padding: S,
    /// Places from one tap to the next.
    pub dilation: S,
    /// Parts of the channels, each of which receives from its part of the channels below only.
    pub groups: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest: one, or one for each channel.
    pub v_th: PerNeuron<f64>,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
    /// Distribution of the initial weights.
    pub init: Init,
    /// Delay of the synapses.
    #[serde(default, skip_serializing_if = "Delay::is_none")]
    pub delay: Delay,
}

/// A convolution over channels in a plane.
pub type Conv2dConfig = ConvConfig<[usize; 2]>;

/// A convolution along a line: over channels of height 1.
pub type Conv1dConfig = ConvConfig<usize>;

/// Spiking neurons that pool windows of each channel by a fixed weight; sizes `S` are (height, width), or along a line one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPoolConfig<S> {
    /// Places of a window.
    pub kernel: S,
    /// Places from one window to the next.
    pub stride: S,
    /// Places without a neuron before the first and after the last one.
    pub padding: S,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest: one, or one for each channel; a synapse has weight 1 / (number of neurons of a window).
    pub v_th: PerNeuron<f64>,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
}

/// Pools of windows in a plane.
pub type AvgPool2dConfig = AvgPoolConfig<[usize; 2]>;

/// Pools of windows along a line: of channels of height 1.
pub type AvgPool1dConfig = AvgPoolConfig<usize>;

/// Neurons that count the spikes of each input in windows of each channel, and fire as often as the input that has fired most; sizes `S`
/// are (height, width), or along a line one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPoolConfig<S> {
    /// Places of a window.
    pub kernel: S,
    /// Places from one window to the next.
    pub stride: S,
    /// Places without a neuron before the first and after the last one.
    pub padding: S,
}

/// Max pools of windows in a plane.
pub type MaxPool2dConfig = MaxPoolConfig<[usize; 2]>;

/// Max pools of windows along a line: of channels of height 1.
pub type MaxPool1dConfig = MaxPoolConfig<usize>;

impl Conv2dConfig {
    /// Lays the kernels over `pre`; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<Conv2d> {
        let Self { channels, kernel, stride, padding, dilation, groups, .. } = *self;
        Conv2d::new(name, pre, ConvSizes { channels, kernel, stride, padding, dilation, groups })
    }
}

impl Conv1dConfig {
    /// Lays the kernels over `pre`, of height 1; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<Conv2d> {
        let Self { channels, kernel, stride, padding, dilation, groups, .. } = *self;
        let sizes = ConvSizes {
            channels,
            kernel: [1, kernel],
            stride: [1, stride],
            padding: [0, padding],
            dilation: [1, dilation],
            groups,
        };
        Conv2d::new(name, pre, sizes)
    }
}

impl AvgPool2dConfig {
    /// Lays the windows over `pre`; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<AvgPool2d> {
        AvgPool2d::new(name, pre, self.kernel, self.stride, self.padding)
    }
}

impl AvgPool1dConfig {
    /// Lays the windows over `pre`, of height 1; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<AvgPool2d> {
        AvgPool2d::new(name, pre, [1, self.kernel], [1, self.stride], [0, self.padding])
    }
}

impl MaxPool2dConfig {
    /// Lays the windows over `pre`; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<MaxPool2d> {
        MaxPool2d::new(name, pre, self.kernel, self.stride, self.padding)
    }
}

impl MaxPool1dConfig {
    /// Lays the windows over `pre`, of height 1; `name` is that of the layer, for the message.
    pub(super) fn pattern(&self, name: &str, pre: Shape) -> Result<MaxPool2d> {
        MaxPool2d::new(name, pre, [1, self.kernel], [1, self.stride], [0, self.padding])
    }
}
