//! What the user says of layers that lie in a plane or on a line.

use serde::{Deserialize, Serialize};

use super::{AvgPool2d, Conv2d, ConvSizes, Delay, Init, Shape};
use crate::error::Result;
use crate::neuron::Discretisation;

/// A convolution over channels, (height, width) each where there are two numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2dConfig {
    /// Number of channels.
    pub channels: usize,
    /// Taps of a kernel.
    pub kernel: [usize; 2],
    /// Places from one position of the kernel to the next.
    pub stride: [usize; 2],
    /// Places without a neuron before the first and after the last one.
    pub padding: [usize; 2],
    /// Places from one tap to the next.
    pub dilation: [usize; 2],
    /// Parts of the channels, each of which receives from its part of the channels below only.
    pub groups: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest.
    pub v_th: f64,
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

/// A convolution along a line: over channels of height 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dConfig {
    /// Number of channels.
    pub channels: usize,
    /// Taps of a kernel.
    pub kernel: usize,
    /// Places from one position of the kernel to the next.
    pub stride: usize,
    /// Places without a neuron before the first and after the last one.
    pub padding: usize,
    /// Places from one tap to the next.
    pub dilation: usize,
    /// Parts of the channels, each of which receives from its part of the channels below only.
    pub groups: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest.
    pub v_th: f64,
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

/// Spiking neurons that pool windows of each channel by a fixed weight, (height, width) each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2dConfig {
    /// Places of a window.
    pub kernel: [usize; 2],
    /// Places from one window to the next.
    pub stride: [usize; 2],
    /// Places without a neuron before the first and after the last one.
    pub padding: [usize; 2],
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest; a synapse has weight 1 / (number of neurons of a window).
    pub v_th: f64,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
}

/// Spiking neurons that pool windows of a line of each channel by a fixed weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool1dConfig {
    /// Places of a window.
    pub kernel: usize,
    /// Places from one window to the next.
    pub stride: usize,
    /// Places without a neuron before the first and after the last one.
    pub padding: usize,
    /// Membrane time constant [ms].
    pub tau_m: f64,
    /// Synaptic time constant [ms].
    pub tau_s: f64,
    /// Threshold, relative to rest; a synapse has weight 1 / (number of neurons of a window).
    pub v_th: f64,
    /// Refractory time after a spike [ms].
    pub t_ref: f64,
    /// How the neuron is brought onto the time grid.
    pub discretisation: Discretisation,
}

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
