//! Convolutions between populations: kernels of the user's own, or drawn.

use serde::{Deserialize, Serialize};

use super::connectivity::Connectivity;
use super::delays::distinct_delays;
use super::parts::Parts;
use super::sliding::Sliding;
use crate::error::{Error, Result};
use crate::memory::{filled, product};
use crate::network::{Conv2d, ConvSizes, Geometry, Shape};

/// Says how kernels slide over a presynaptic population that lies in a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Channels, height and width of the presynaptic population.
    pub in_shape: [usize; 3],
    /// Postsynaptic channels.
    pub channels: usize,
    /// Height and width of a kernel.
    pub kernel: [usize; 2],
    /// Places from one position of the kernel to the next.
    pub stride: [usize; 2],
    /// Places without a neuron on each side.
    pub padding: [usize; 2],
    /// Places from one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Parts of the channels, each of which receives from its part of the presynaptic ones only.
    pub groups: usize,
}

impl Convolution {
    /// Returns where the kernels lie.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn pattern(&self) -> Result<Conv2d> {
        let [channels, height, width] = self.in_shape;
        if !product(&self.in_shape).is_some_and(|n| (1..1 << 31).contains(&n)) {
            let got = format!("{channels} x {height} x {width}");
            return Err(Error::value("in_shape", "of 1 to 2^31 - 1 neurons", got));
        }
        let Self { channels: above, kernel, stride, padding, dilation, groups, .. } = *self;
        let sizes = ConvSizes { channels: above, kernel, stride, padding, dilation, groups };
        Conv2d::new("", Shape { channels, height, width }, sizes).map_err(|mut error| {
            // Fields of a layer are named behind it: there is none.
            if let Error::Value { name, .. } = &mut error {
                *name = name.trim_start_matches('.').to_owned();
            }
            error
        })
    }

    /// Returns where the kernels lie between populations of these sizes.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain, or the population of another size.
    pub fn between(&self, n_pre: usize, n_post: usize) -> Result<Conv2d> {
        let conv = self.pattern()?;
        let sizes = [("pre", conv.pre(), n_pre, "as in_shape says"), ("post", conv.post(), n_post, "one a position")];
        for (name, Shape { channels, height, width }, n, why) in sizes {
            let expected = product(&[channels, height, width]);
            if expected != Some(n) {
                let all = expected.map_or_else(|| "2^64 or more".to_owned(), |n| n.to_string());
                let expected = format!("of {channels} x {height} x {width} = {all} neurons, {why}");
                return Err(Error::value(name, expected, n));
            }
        }
        Ok(conv)
    }
}

impl<W: Copy + PartialEq + Default> Connectivity<W> {
    /// Makes the synapses of kernels, which are kept once. `weight` is their matrix (channels, taps of all channels below in a
    /// group), row-major, in which 0 stands for no synapse; `delay` holds one delay for all, or one for each weight [ms].
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer weights or delays, [`Error::Value`] naming the delay outside its domain;
    /// [`Error::Memory`].
    pub fn from_kernels(conv: &Conv2d, weight: Vec<W>, delay: &[f64]) -> Result<Self> {
        let [rows, columns] = conv.matrix();
        let n = product(&[rows, columns]);
        if n != Some(weight.len()) {
            return Err(Error::shape("weight", &[weight.len()], format!("({rows} * {columns},)")));
        }
        if delay.len() != 1 && delay.len() != weight.len() {
            let expected = format!("one number, or ({},) as weight", weight.len());
            return Err(Error::shape("delay", &[delay.len()], expected));
        }
        let (distinct, index) = distinct_delays(delay)?;
        let index = (distinct.len() > 1).then_some(index);
        let parts = Parts { rows: None, weight, distinct, index, sliding: Some(Sliding::from(conv)) };
        Self::from_parts(conv.pre().n(), conv.post().n(), parts)
    }

    /// Makes the synapses of kernels of which each weight is a synapse of `matrix`, from its column onto its row.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Interrupted`] if the work is to stop.
    pub(super) fn from_matrix(conv: &Conv2d, matrix: &Self) -> Result<Self> {
        let ([rows, columns], lists) = (conv.matrix(), matrix.to_lists()?);
        let n = rows.checked_mul(columns);
        let (mut weight, mut delay) = (filled("weight", n, W::default())?, filled("delay", n, 0.0)?);
        for (at, (&pre, &post)) in lists.pre.iter().zip(&lists.post).enumerate() {
            let entry = post as usize * columns + pre as usize;
            (weight[entry], delay[entry]) = (lists.weight[at], lists.delay[at]);
        }
        Self::from_kernels(conv, weight, &delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ConnectionRule, Graph};
    use crate::network::{Delay, DelayDistribution, Init, Pattern};
    use crate::neuron::{Discretisation, LifParams};

    const SMALL: Convolution = Convolution {
        in_shape: [2, 3, 4],
        channels: 4,
        kernel: [2, 3],
        stride: [1, 2],
        padding: [1, 0],
        dilation: [1, 1],
        groups: 2,
    };

    fn refused(convolution: Convolution, n_pre: usize, n_post: usize) -> String {
        convolution.between(n_pre, n_post).unwrap_err().to_string()
    }

    #[test]
    fn populations_are_as_large_as_the_kernels_say() {
        let conv = SMALL.between(24, 16).unwrap();
        assert_eq!((conv.pre().n(), conv.post().n()), (24, 16));
        assert_eq!(refused(SMALL, 23, 16), "pre must be of 2 x 3 x 4 = 24 neurons, as in_shape says, got 23");
        assert_eq!(refused(SMALL, 24, 17), "post must be of 4 x 4 x 1 = 16 neurons, one a position, got 17");
    }

    #[test]
    fn fields_are_named() {
        assert!(refused(Convolution { in_shape: [2, 0, 4], ..SMALL }, 24, 16).starts_with("in_shape must be of 1 to"));
        assert!(refused(Convolution { groups: 3, ..SMALL }, 24, 16).starts_with("groups must be a divisor"));
        assert!(refused(Convolution { kernel: [9, 1], ..SMALL }, 24, 16).starts_with("kernel must be a window"));
    }

    #[test]
    fn drawn_kernels_share_weights_and_delays_between_positions() {
        let lif =
            LifParams { tau_m: 9.0, tau_s: 4.0, v_th: 1.0, t_ref: 0.0, dt: 0.5, discretisation: Discretisation::Euler };
        let mut graph = Graph::<f64>::new(0.5, 3).unwrap();
        let (pre, post) = (graph.add_input("in", 24).unwrap(), graph.add_population("out", 16, lif).unwrap());
        let weight = Init::Uniform { low: 1.0, high: 2.0 };
        let delay = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 1.5 });
        let rule = ConnectionRule::Convolution(SMALL);
        let drawn = graph.draw(pre, post, &rule, &weight, &delay).unwrap();
        assert_eq!(drawn.weight().len(), 24);
        assert_eq!(drawn.delays().distinct(), [0.0, 0.5, 1.0, 1.5]);
        let conv = Pattern::Conv2d(SMALL.pattern().unwrap());
        let mut of_entry = std::collections::BTreeMap::new();
        let lists = drawn.to_lists().unwrap();
        let mut expected = 0;
        for pre in 0..24 {
            conv.for_each_synapse(pre, |post, place| {
                expected += 1;
                let at =
                    (0..lists.pre.len()).find(|&at| (lists.pre[at], lists.post[at]) == (pre as u32, post)).unwrap();
                let own = (lists.weight[at], lists.delay[at]);
                assert_eq!(*of_entry.entry((place.row, place.column)).or_insert(own), own);
            });
        }
        assert_eq!((lists.pre.len(), of_entry.len()), (expected, 24));
        let weights = of_entry.values().map(|(w, _)| w.to_bits()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(weights.len(), 24);
    }

    #[test]
    fn weights_and_delays_fit_the_kernels() {
        let conv = SMALL.pattern().unwrap();
        let message =
            |weight: Vec<f32>, delay: &[f64]| Connectivity::from_kernels(&conv, weight, delay).unwrap_err().to_string();
        assert!(message(vec![1.0; 23], &[0.0]).contains("(23,)"));
        assert!(message(vec![1.0; 24], &[0.0; 3]).contains("(3,)"));
        assert!(message(vec![1.0; 24], &[-1.0]).contains("finite and >= 0 ms"));
    }
}
