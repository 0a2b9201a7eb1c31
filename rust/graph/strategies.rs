//! Kernels for tests, and the table of their synapses.

use proptest::prelude::*;

use super::delays::Delays;
use super::{Connectivity, Sliding};
use crate::network::{AvgPool2d, Conv2d, ConvSizes, Pattern, Place, Shape};

/// Holds kernels with small whole weights.
#[derive(Clone, Debug)]
pub struct KernelCase {
    /// How they lie.
    pub pattern: Pattern,
    /// Distinct delays [steps].
    pub delays: Vec<u32>,
    /// Of each place of the matrix: the weight, and which delay it has.
    pub entries: Vec<(i8, usize)>,
}

impl KernelCase {
    fn at<W: Default>(&self, place: Place, delay: usize, number: impl Fn(i8) -> W) -> W {
        let (weight, own) = self.entries[place.row as usize * self.pattern.matrix()[1] + place.column as usize];
        if own == delay { number(weight) } else { W::default() }
    }

    fn distinct(&self, dt: f64) -> Vec<f64> {
        self.delays.iter().map(|&steps| f64::from(steps) * dt).collect()
    }

    /// Returns the kernels.
    pub fn kernels<W: Copy + PartialEq + Default>(&self, dt: f64, number: impl Fn(i8) -> W) -> Connectivity<W> {
        let sliding = match &self.pattern {
            Pattern::Conv2d(conv) => Sliding::from(conv),
            Pattern::AvgPool2d(pool) => Sliding::from(pool),
            other => panic!("{other:?} has no kernels"),
        };
        Connectivity::kernels(sliding, self.distinct(dt), |place, delay| self.at(place, delay, &number))
    }

    /// Returns a synapse for every position of them, of weights that are not 0: what kernels stand for.
    pub fn table<W: Copy + PartialEq + Default>(&self, dt: f64, number: impl Fn(i8) -> W) -> Connectivity<W> {
        let (mut start, mut target, mut weights, mut index) = (vec![0], Vec::new(), Vec::new(), Vec::new());
        for pre in 0..self.pattern.pre().n() {
            for delay in 0..self.delays.len() {
                self.pattern.for_each_synapse(pre, |post, place| {
                    let weight = self.at(place, delay, &number);
                    if weight != W::default() {
                        target.push(post);
                        weights.push(weight);
                        index.push(delay as u32);
                    }
                });
            }
            start.push(target.len());
        }
        let [n_pre, n_post] = [self.pattern.pre().n(), self.pattern.post().n()];
        Connectivity::rows(n_pre, n_post, start, target, weights, Delays::each(self.distinct(dt), index))
    }
}

/// Draws kernels or pools, over sizes that are odd or even, of strides and paddings larger than the kernel too.
pub fn patterns() -> impl Strategy<Value = Pattern> {
    let two = |sizes: std::ops::RangeInclusive<usize>| (sizes.clone(), sizes).prop_map(|(y, x)| [y, x]);
    let sizes = (two(1..=4), two(1..=5), two(0..=5), two(1..=3));
    let channels = (1..=3usize, 1..=3usize, 1..=3usize);
    (two(1..=9), channels, sizes, any::<u8>()).prop_filter_map(
        "a kernel that fits",
        |(plane, channels, sizes, kind)| {
            let ([height, width], (groups, below, above)) = (plane, channels);
            let (kernel, stride, padding, dilation) = sizes;
            let pre = Shape { channels: groups * below, height, width };
            if kind.is_multiple_of(4) {
                return AvgPool2d::new("pool", pre, kernel, stride, padding).ok().map(Pattern::AvgPool2d);
            }
            let sizes = ConvSizes { channels: groups * above, kernel, stride, padding, dilation, groups };
            Conv2d::new("conv", pre, sizes).ok().map(Pattern::Conv2d)
        },
    )
}

/// Draws kernels with some or no weights of 0, and one or several delays.
pub fn kernels() -> impl Strategy<Value = KernelCase> {
    (patterns(), 0..3u32, 1..=3usize, any::<bool>()).prop_flat_map(|(pattern, first, n_delays, zeros)| {
        let [rows, columns] = pattern.matrix();
        let weight = if zeros { (-6..14i8).boxed() } else { (1..9i8).boxed() };
        let entries = prop::collection::vec((weight, 0..n_delays), rows * columns);
        let delays = (0..n_delays as u32).map(|at| first + 2 * at * at).collect::<Vec<_>>();
        entries.prop_map(move |entries| KernelCase { pattern, delays: delays.clone(), entries })
    })
}
