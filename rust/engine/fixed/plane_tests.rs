//! Layers in a plane, against sums of whatever size over windows written out, and neurons one by one.

use proptest::prelude::*;

use super::compiled::{Compiled, FixedScratch};
use super::fixed_trace;
use super::plane::Plane;
use super::plane_layer::{PlaneLayer, PlaneScratch};
use crate::engine::layered::{Lists, SampleSpikes};
use crate::fixed::strategies::{cortex_m, formats, loihi, spinnaker, word_formats};
use crate::fixed::{FixedConnection, FixedLayer, FixedNetwork};
use crate::network::{AvgPool2d, Conv2d, ConvSizes, Origin, Pattern, Shape, Taps};
use crate::neuron::fixed::words::WordNeurons;
use crate::neuron::fixed::{At, FixedParams, FixedPopulation, FixedState, Overflows};

const N_STEPS: usize = 12;

/// A layer in a plane, and what its inputs do.
#[derive(Clone, Debug)]
struct Case {
    layer: FixedLayer,
    sizes: Sizes,
    /// Of each weight, in the order of the matrix.
    delays: Vec<u32>,
    /// Who fires at each step.
    input: Vec<Vec<u32>>,
}

/// Sizes along each axis: places below, kernel, stride, padding, dilation; and channels.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    axes: [[usize; 5]; 2],
    groups: usize,
    /// Channels of a group, below and of the layer.
    channels: [usize; 2],
    is_pool: bool,
}

impl Sizes {
    fn pre(&self) -> Shape {
        Shape { channels: self.groups * self.channels[0], height: self.axes[0][0], width: self.axes[1][0] }
    }

    fn pattern(&self) -> Option<Pattern> {
        let both = |at: usize| [self.axes[0][at], self.axes[1][at]];
        if self.is_pool {
            return AvgPool2d::new("pool", self.pre(), both(1), both(2), both(3)).ok().map(Pattern::AvgPool2d);
        }
        let (channels, dilation) = (self.groups * self.channels[1], both(4));
        let sizes =
            ConvSizes { channels, kernel: both(1), stride: both(2), padding: both(3), dilation, groups: self.groups };
        Conv2d::new("conv", self.pre(), sizes).ok().map(Pattern::Conv2d)
    }

    /// What a neuron receives at a step, window by window: the definition.
    fn sum(&self, case: &Case, step: usize, (channel, y, x): (usize, usize, usize)) -> i128 {
        let [[height, kernel_y, stride_y, padding_y, dilation_y], [width, kernel_x, stride_x, padding_x, dilation_x]] =
            self.axes;
        let weight = &case.layer.connections[0].weight;
        let fires = |at: usize, neuron: usize| case.input[at].contains(&(neuron as u32));
        let [n_in, n_out] = self.channels;
        let inner = if self.is_pool { 1 } else { n_in };
        let mut sum = 0;
        for (i, ky, kx) in
            (0..inner).flat_map(|i| (0..kernel_y).flat_map(move |ky| (0..kernel_x).map(move |kx| (i, ky, kx))))
        {
            let (below_y, below_x) = (y * stride_y + ky * dilation_y, x * stride_x + kx * dilation_x);
            if below_y < padding_y || below_x < padding_x {
                continue;
            }
            let (below_y, below_x) = (below_y - padding_y, below_x - padding_x);
            if below_y >= height || below_x >= width {
                continue;
            }
            let from = if self.is_pool { channel } else { channel / n_out * n_in + i };
            let at = if self.is_pool { 0 } else { ((channel * n_in + i) * kernel_y + ky) * kernel_x + kx };
            let Some(fired) = (step - 1).checked_sub(case.delays[at] as usize) else { continue };
            if fires(fired, (from * height + below_y) * width + below_x) {
                sum += i128::from(weight[at]);
            }
        }
        sum
    }
}

/// Draws sizes along an axis, of which windows fit: odd ones, strides larger than kernels, paddings larger too.
fn axis() -> impl Strategy<Value = [usize; 5]> {
    let sizes = [1..8usize, 1..5, 1..6, 0..6, 1..4];
    sizes.prop_filter("a window that fits", |&[pre, kernel, _, padding, dilation]| {
        dilation * (kernel - 1) < pre + 2 * padding
    })
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let channels = (prop::sample::select(vec![1usize, 2, 3]), prop::sample::select(vec![1usize, 5, 8, 16, 17, 33]));
    let kinds = (any::<bool>(), prop::bool::weighted(0.3));
    ([axis(), axis()], prop::sample::select(vec![1usize, 1, 2, 3]), channels, kinds).prop_filter_map(
        "a window that fits",
        |([mut y, mut x], groups, channels, (is_line, is_pool))| {
            if is_line {
                y = [1, 1, 1, 0, 1];
            }
            if is_pool {
                [y[4], x[4]] = [1, 1];
            }
            // As many channels of a pool as of a convolution.
            let below = if is_pool { channels.1 } else { channels.0 };
            let sizes = Sizes { axes: [y, x], groups, channels: [below, channels.1], is_pool };
            sizes.pattern().map(|_| sizes)
        },
    )
}

fn weights(bits: u32, n: usize) -> BoxedStrategy<Vec<i32>> {
    let (low, high) = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
    prop_oneof![
        3 => prop::collection::vec(low..=high, n),
        1 => prop::collection::vec(low / 16..=high / 16, n),
        1 => prop::sample::select(vec![low, high]).prop_map(move |w| vec![w; n]),
    ]
    .boxed()
}

/// Draws cases of formats of `n` neurons; weights have the bits of the format if `bits` has none.
fn cases(format: fn(usize) -> BoxedStrategy<FixedParams>, bits: &'static [u32]) -> impl Strategy<Value = Case> {
    (sizes(), any::<bool>())
        .prop_flat_map(move |(sizes, has_delays)| {
            let pattern = sizes.pattern().unwrap();
            let [rows, columns] = pattern.matrix();
            let delay = if has_delays && !sizes.is_pool { 0..4u32 } else { 0..1 };
            let share = prop::sample::select(vec![0.0, 0.02, 0.3, 1.0]);
            let fires = prop::collection::vec(0.0..1.0f64, pattern.pre().n());
            let step = (share, fires).prop_map(|(share, fires)| {
                (0..fires.len() as u32).filter(|&j| fires[j as usize] < share).collect::<Vec<_>>()
            });
            let bits = if bits.is_empty() { Just(0).boxed() } else { prop::sample::select(bits).boxed() };
            let weights = (format(pattern.post().n()), bits).prop_flat_map(move |(format, bits)| {
                let bits = if bits == 0 { format.weight_bits } else { bits };
                let format = FixedParams { weight_bits: bits, max_spikes: 1, ..format };
                (Just(format), weights(bits.min(20), rows * columns))
            });
            (Just(sizes), weights, prop::collection::vec(delay, rows * columns), prop::collection::vec(step, N_STEPS))
        })
        .prop_map(|(sizes, (params, weight), delays, input)| {
            let pattern = sizes.pattern().unwrap();
            let taps = Taps::new("delay", &delays, pattern.matrix(), None).unwrap();
            let connections = vec![FixedConnection { origin: Origin::Below, pattern, weight, taps }];
            Case { layer: FixedLayer { params, connections, scale: vec![1.0], step: 1 }, sizes, delays, input }
        })
}

type Run = (Vec<Vec<u32>>, Overflows, Vec<(FixedState, u64)>);

/// Neuron by neuron, by the definition.
fn expected(case: &Case) -> Run {
    let (params, shape) = (&case.layer.params, case.sizes.pattern().unwrap().post());
    let lif = FixedPopulation::new(params, shape.n(), 1).unwrap();
    let mut neurons: Vec<_> = (0..shape.n()).map(|i| (lif.rest(i), 0u64)).collect();
    let (mut fired, mut overflows) = (vec![Vec::new()], Overflows::default());
    for step in 1..N_STEPS {
        let mut now = Vec::new();
        for (neuron, (state, refractory)) in neurons.iter_mut().enumerate() {
            let sum = i64::try_from(case.sizes.sum(case, step, shape.place(neuron))).unwrap();
            let after = lif.step(At { neuron, step: step as u64 }, *state, *refractory > 0, sum);
            overflows += after.overflows;
            *state = after.state;
            *refractory = if after.spikes > 0 { params.t_ref_steps.into() } else { refractory.saturating_sub(1) };
            if after.spikes > 0 {
                now.push(neuron as u32);
            }
        }
        fired.push(now);
    }
    (fired, overflows, neurons)
}

fn input(case: &Case) -> SampleSpikes {
    let mut spikes = SampleSpikes::new(1);
    spikes.input.by_time.clear(case.sizes.pre().n());
    case.input.iter().for_each(|row| spikes.input.by_time.push_row(row));
    spikes
}

/// Returns neurons that are listed position by position by their numbers.
fn ascending(row: &[u32]) -> Vec<u32> {
    let mut row = row.to_vec();
    row.sort_unstable();
    row
}

/// As the layer is computed, and how neurons were stepped.
fn got(case: &Case) -> (Run, &'static str) {
    let below = case.layer.below();
    let plane = match &below.pattern {
        Pattern::Conv2d(conv) => Plane::of_kernels(conv, below),
        Pattern::AvgPool2d(pool) => Plane::of_windows(pool, below),
        _ => unreachable!("in a plane"),
    };
    let population = FixedPopulation::new(&case.layer.params, case.layer.n_out(), 1).unwrap();
    let layer = PlaneLayer::new(plane, &case.layer, population, 1).unwrap();
    let (mut spikes, mut scratch) = (input(case), PlaneScratch::default());
    let own = &mut spikes.layers[0].by_time;
    let mut overflows = Overflows::default();
    // Twice, as what a run leaves behind is not to change the next.
    for _ in 0..2 {
        own.clear(case.layer.n_out());
        own.end_row();
        overflows = layer.forward(N_STEPS, &spikes.input.by_time, own, &mut scratch);
    }
    let (neurons, how) = layer.neurons(&scratch);
    let fired = (0..N_STEPS).map(|t| ascending(own.row(t))).collect();
    ((fired, overflows, neurons), how)
}

/// Compares a layer with its definition, alone and in a network; returns how it was stepped.
fn check(case: &Case) -> Result<&'static str, TestCaseError> {
    let network = FixedNetwork::new(vec![case.layer.clone()]);
    // Sums that no format holds are refused.
    let Ok(network) = network else { return Ok("refused") };
    let expected = expected(case);
    let (got, how) = got(case);
    prop_assert_eq!(&got, &expected, "{}", how);
    let mut spikes = input(case);
    let compiled = Compiled::new(&network).unwrap();
    let mut scratch = FixedScratch::default();
    let overflows = compiled.forward(N_STEPS, &mut spikes, Lists::All, &mut scratch)[0];
    let fired: Vec<_> = (0..N_STEPS).map(|t| ascending(spikes.layers[0].by_time.row(t))).collect();
    prop_assert_eq!((&fired, overflows), (&expected.0, expected.1));
    // A neuron of the middle, traced: after its last step it is as the definition has it, unless it has just been reset.
    let neuron = case.layer.n_out() / 2;
    let trace = fixed_trace(&network, &spikes, N_STEPS, 0, neuron);
    let lif = FixedPopulation::new(&case.layer.params, case.layer.n_out(), 1).unwrap();
    let (current, potential) = lif.values(At { neuron, step: N_STEPS as u64 - 1 }, expected.2[neuron].0);
    prop_assert_eq!(i64::from(trace.current[N_STEPS - 1]), current);
    if !fired[N_STEPS - 1].contains(&(neuron as u32)) {
        prop_assert_eq!(i64::from(trace.potential[N_STEPS - 1]), potential);
    }
    Ok(how)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Of any format.
    #[test]
    fn planes_are_neurons(case in cases(|n| formats(n).boxed(), &[2, 8, 12, 16, 20])) {
        check(&case)?;
    }

    /// Of formats that words hold, by words where weights allow it.
    #[test]
    fn planes_of_words_are_neurons(case in cases(|n| word_formats(n).boxed(), &[2, 8, 8, 8])) {
        let how = check(&case)?;
        let are_words = WordNeurons::new(&case.layer.params, case.layer.n_out()).is_some();
        prop_assert_eq!(how, if are_words { "words" } else { "lanes" });
    }

    /// Of the neurons of chips.
    #[test]
    fn planes_of_chips_are_neurons(
        case in cases(|n| prop_oneof![loihi(n), spinnaker(n), cortex_m(n)].boxed(), &[]),
    ) {
        check(&case)?;
    }
}

/// Returns a layer of three channels, each of which receives from all 300 neurons of a plane.
fn large(weight: i32, input_shift: u32) -> Case {
    use crate::neuron::fixed::{Decay, Reset, Rounding};
    let decay = |factor: u32| Decay::Multiply { factor: factor.into(), bits: 12 };
    let params = FixedParams {
        input_shift,
        rounding: Rounding::Nearest,
        reset: Reset::Subtract,
        ..FixedParams::new(8, 16, 16, decay(3584), decay(4032), 100)
    };
    let sizes = Sizes { axes: [[15, 15, 1, 0, 1], [20, 20, 1, 0, 1]], groups: 1, channels: [1, 3], is_pool: false };
    let all: Vec<u32> = (0..300).collect();
    let mut input = vec![all.clone(), Vec::new(), all[..100].to_vec()];
    input.resize(N_STEPS, all);
    let connection = FixedConnection {
        origin: Origin::Below,
        pattern: sizes.pattern().unwrap(),
        weight: vec![weight; 900],
        taps: Taps::all(0),
    };
    let layer = FixedLayer { params, connections: vec![connection], scale: vec![1.0], step: 1 };
    Case { layer, sizes, delays: vec![0; 900], input }
}

/// More spikes than words hold the sum of, of both signs, between steps whose sums they hold.
#[test]
fn words_of_a_plane_hand_over_to_the_exact_sums() {
    for (weight, input_shift) in [(127, 0), (-128, 0), (127, 4), (-128, 13), (109, 0)] {
        let case = large(weight, input_shift);
        assert_eq!(check(&case).unwrap(), "words");
        assert!(expected(&case).1.current > 0, "{weight} {input_shift}");
    }
}

/// Sixteen lanes have no more than the channels there are, whatever the bias.
#[test]
fn lanes_without_a_neuron_are_silent() {
    let mut case = large(1, 0);
    (case.layer.params.bias, case.layer.params.gain_shift) = (99.into(), 2);
    assert_eq!(check(&case).unwrap(), "words");
    case.layer.params.current_bits = 20;
    assert_eq!(check(&case).unwrap(), "lanes");
    case.layer.params.rounding = crate::neuron::fixed::Rounding::Stochastic;
    assert_eq!(check(&case).unwrap(), "single");
    assert_eq!(case.sizes.pattern().unwrap().post().n(), 3);
}
