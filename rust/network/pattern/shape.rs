//! The shape of a layer.

/// Channels, height and width of a layer's neurons; a flat layer of n neurons is (n, 1, 1).
///
/// Neuron number (c * height + y) * width + x is that of channel c at (y, x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Rows of a channel.
    pub height: usize,
    /// Columns of a channel.
    pub width: usize,
}

impl Shape {
    /// Makes the shape of `n` neurons that lie nowhere in particular.
    pub const fn flat(n: usize) -> Self {
        Self { channels: n, height: 1, width: 1 }
    }

    /// Returns the number of neurons.
    pub const fn n(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Returns the number of neurons of a channel.
    pub const fn plane(self) -> usize {
        self.height * self.width
    }

    /// Returns the channel, row and column of a neuron.
    pub const fn place(self, neuron: usize) -> (usize, usize, usize) {
        let at = neuron % self.plane();
        (neuron / self.plane(), at / self.width, at % self.width)
    }

    /// Returns the number of the neuron of a channel at row `y` and column `x`.
    pub const fn neuron(self, channel: usize, y: usize, x: usize) -> usize {
        (channel * self.height + y) * self.width + x
    }
}
