//! The pattern of a connection: which parameter joins which two neurons.
//!
//! A pattern knows no numbers. The parameters of a connection are a matrix of rows by fan-in ([`Synapses`](super::Synapses)), in
//! float, in integers, in C and in files alike; the pattern says where in it the weight of a synapse stands. So it is not generic, and
//! all that computes with a connection is tested against [`Geometry::synapses`].

mod conv;
mod dense;
mod lateral;
mod max_pool;
mod pool;
mod reach;
mod shape;
mod window;

pub use conv::{Conv2d, ConvSizes};
pub use dense::Dense;
pub use lateral::Lateral;
pub use max_pool::MaxPool2d;
pub use pool::AvgPool2d;
pub use reach::Reach;
pub use shape::Shape;
pub use window::Window;

/// Where a connection's spikes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The layer below, or the input.
    Below,
    /// The layer itself, a step later.
    Itself,
}

impl Origin {
    /// Both, in the order of a layer's connections.
    pub const ALL: [Self; 2] = [Self::Below, Self::Itself];

    /// Returns the key of the weights in a layer's dict and in files.
    pub const fn weight_key(self) -> &'static str {
        match self {
            Self::Below => "weight",
            Self::Itself => "recurrent_weight",
        }
    }

    /// Returns the key of the initial weights in a layer's configuration.
    pub const fn init_key(self) -> &'static str {
        match self {
            Self::Below => "init",
            Self::Itself => "recurrent_init",
        }
    }

    /// Returns the key of the delays in a layer's dict and its configuration.
    pub const fn delay_key(self) -> &'static str {
        match self {
            Self::Below => "delay",
            Self::Itself => "recurrent_delay",
        }
    }
}

/// Place of a parameter in the matrix of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Row: a postsynaptic neuron, or a kernel that several share.
    pub row: u32,
    /// Column, below the fan-in.
    pub column: u32,
}

/// What a pattern tells of its synapses.
pub trait Geometry {
    /// Returns the presynaptic shape.
    fn pre(&self) -> Shape;

    /// Returns the postsynaptic shape.
    fn post(&self) -> Shape;

    /// Returns the shape of the matrix of weights, rows by fan-in.
    fn matrix(&self) -> [usize; 2];

    /// Returns the axes of the matrix as people number its entries, in the same order.
    fn axes(&self) -> Vec<usize> {
        self.matrix().to_vec()
    }

    /// Returns the row of the matrix that holds the weights onto postsynaptic neuron `post`.
    fn row(&self, post: usize) -> usize;

    /// Returns the weight that all synapses have, if it is a constant of the pattern: it then is neither trained nor kept in files.
    fn constant(&self) -> Option<f64>;

    /// Returns the most synapses onto a neuron, those of weight 0 included.
    fn most_onto(&self) -> usize {
        self.matrix()[1]
    }

    /// Returns the place of the weight of the synapse of `pre` onto `post`, if there is one.
    fn place(&self, pre: usize, post: usize) -> Option<Place>;

    /// Lists the synapses of presynaptic neuron `pre`, in ascending order of postsynaptic neurons: the neuron, and the place of its
    /// weight.
    fn synapses(&self, pre: usize) -> impl Iterator<Item = (u32, Place)>;
}

/// Which parameter joins which two neurons, one variant a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// Every neuron to every one, each synapse with a weight of its own.
    Dense(Dense),
    /// Every neuron to every other one of the same layer, all with one constant weight.
    Lateral(Lateral),
    /// Kernels that slide over the channels below.
    Conv2d(Conv2d),
    /// The mean over windows of each channel, by one constant weight.
    AvgPool2d(AvgPool2d),
    /// The largest count over windows of each channel.
    MaxPool2d(MaxPool2d),
}

/// `$call` on the pattern of any kind.
macro_rules! each {
    ($pattern:expr, $one:ident => $call:expr) => {
        match $pattern {
            Pattern::Dense($one) => $call,
            Pattern::Lateral($one) => $call,
            Pattern::Conv2d($one) => $call,
            Pattern::AvgPool2d($one) => $call,
            Pattern::MaxPool2d($one) => $call,
        }
    };
}

impl Pattern {
    /// Whether the weights are parameters: drawn, trained, quantised and kept in files.
    pub fn is_trainable(&self) -> bool {
        self.constant().is_none()
    }

    /// Whether postsynaptic neurons share rows of the matrix.
    pub fn has_kernels(&self) -> bool {
        matches!(self, Self::Conv2d(_))
    }

    /// Names the kind of windows that slide over a plane or a line, if neurons receive from such.
    pub fn spatial_kind(&self) -> Option<&'static str> {
        match self {
            Self::Dense(_) | Self::Lateral(_) => None,
            Self::Conv2d(_) => Some("a convolution"),
            Self::AvgPool2d(_) => Some("average pooling"),
            Self::MaxPool2d(_) => Some("max pooling"),
        }
    }

    /// Returns the windows of neurons that count the spikes of each input, and do not integrate.
    pub fn max_windows(&self) -> Option<&AvgPool2d> {
        if let Self::MaxPool2d(pool) = self { Some(pool.windows()) } else { None }
    }

    /// Calls `visit` for each synapse of presynaptic neuron `pre`, as [`Geometry::synapses`] lists them.
    pub fn for_each_synapse(&self, pre: usize, mut visit: impl FnMut(u32, Place)) {
        each!(self, one => one.synapses(pre).for_each(|(post, place)| visit(post, place)));
    }

    /// Returns the presynaptic shape.
    pub fn pre(&self) -> Shape {
        each!(self, one => one.pre())
    }

    /// Returns the postsynaptic shape.
    pub fn post(&self) -> Shape {
        each!(self, one => one.post())
    }

    /// Returns the shape of the matrix of weights, rows by fan-in.
    pub fn matrix(&self) -> [usize; 2] {
        each!(self, one => one.matrix())
    }

    /// Returns the axes of the matrix as people number its entries: of kernels (channels, channels below of a group, height, width).
    pub fn axes(&self) -> Vec<usize> {
        each!(self, one => one.axes())
    }

    /// Returns the row of the matrix that holds the weights onto postsynaptic neuron `post`.
    pub fn row(&self, post: usize) -> usize {
        each!(self, one => one.row(post))
    }

    /// Returns the most synapses onto a neuron, those of weight 0 included.
    pub fn most_onto(&self) -> usize {
        each!(self, one => one.most_onto())
    }

    /// Returns the place of the weight of the synapse of `pre` onto `post`, if there is one.
    pub fn place(&self, pre: usize, post: usize) -> Option<Place> {
        each!(self, one => one.place(pre, post))
    }

    /// Returns the weight that all synapses have, if it is a constant of the pattern.
    pub fn constant(&self) -> Option<f64> {
        each!(self, one => one.constant())
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod places_tests;
