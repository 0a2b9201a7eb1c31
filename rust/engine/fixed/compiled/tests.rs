use proptest::prelude::*;

use super::*;
use crate::fixed::strategies::{formats, layer, word_formats};
use crate::network::Taps;
use crate::neuron::fixed::{At, Decay, FixedParams, FixedState, Reset, Rounding};

const N_STEPS: usize = 14;

/// A layer, and what its inputs do.
#[derive(Clone, Debug)]
struct Case {
    format: FixedParams,
    n: usize,
    n_in: usize,
    weight: Vec<i32>,
    recurrent_weight: Option<Vec<i32>>,
    /// Who fires at each step.
    input: Vec<Vec<u32>>,
}

/// Weights of one magnitude or any, the extremes among them.
fn weights(bits: u32, n: usize) -> BoxedStrategy<Vec<i32>> {
    let (low, high) = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
    prop_oneof![
        3 => prop::collection::vec(low..=high, n),
        1 => prop::collection::vec(low / 16..=high / 16, n),
        1 => prop::collection::vec(prop::sample::select(vec![low, high]), n),
        1 => prop::sample::select(vec![low, high]).prop_map(move |w| vec![w; n]),
    ]
    .boxed()
}

fn cases(format: fn(usize) -> BoxedStrategy<FixedParams>) -> impl Strategy<Value = Case> {
    // Panels of every kind, and lists of more rows than 16 bits hold the sum of.
    let sizes = (
        prop::sample::select(vec![1, 10, 32, 33, 64, 65, 100, 128, 129, 160, 161, 192, 200, 288, 300]),
        prop::sample::select(vec![1, 7, 40, 300, 700]),
    );
    (sizes, any::<bool>(), prop::sample::select(vec![2u32, 4, 8, 8, 8, 12]))
        .prop_flat_map(move |((n, n_in), is_recurrent, bits)| {
            let recurrent_weight =
                if is_recurrent { weights(bits, n * n).prop_map(Some).boxed() } else { Just(None).boxed() };
            let share = prop::sample::select(vec![0.0, 0.02, 0.3, 1.0]);
            let fires = prop::collection::vec(0.0..1.0f64, n_in);
            let step = (share, fires).prop_map(|(share, fires)| {
                (0..fires.len() as u32).filter(|&j| fires[j as usize] < share).collect::<Vec<_>>()
            });
            let input = prop::collection::vec(step, N_STEPS);
            (format(n), Just((n, n_in, bits)), weights(bits, n * n_in), recurrent_weight, input)
        })
        .prop_map(|(format, (n, n_in, weight_bits), weight, recurrent_weight, input)| {
            let format = FixedParams { weight_bits, max_spikes: 1, ..format };
            Case { format, n, n_in, weight, recurrent_weight, input }
        })
}

type Run = (Vec<Vec<u32>>, Overflows, Vec<(FixedState, u64)>);

/// Neuron by neuron, by the definition.
fn expected(case: &Case) -> Run {
    let lif = FixedPopulation::new(&case.format, case.n, 1).unwrap();
    let mut neurons: Vec<_> = (0..case.n).map(|i| (lif.rest(i), 0u64)).collect();
    let (mut fired, mut overflows) = (vec![Vec::new()], Overflows::default());
    for step in 1..N_STEPS {
        let mut now = Vec::new();
        for (neuron, (state, refractory)) in neurons.iter_mut().enumerate() {
            let row = &case.weight[neuron * case.n_in..];
            let mut sum: i64 = case.input[step - 1].iter().map(|&j| i64::from(row[j as usize])).sum();
            if let Some(weight) = &case.recurrent_weight {
                sum +=
                    fired[step - 1].iter().map(|&j: &u32| i64::from(weight[neuron * case.n + j as usize])).sum::<i64>();
            }
            let after = lif.step(At { neuron, step: step as u64 }, *state, *refractory > 0, sum);
            overflows += after.overflows;
            *state = after.state;
            *refractory = if after.spikes > 0 { case.format.t_ref_steps.into() } else { refractory.saturating_sub(1) };
            if after.spikes > 0 {
                now.push(neuron as u32);
            }
        }
        fired.push(now);
    }
    (fired, overflows, neurons)
}

/// As the layer is computed, and whether with words.
fn got(case: &Case) -> (Run, bool) {
    let now = |weight: &Vec<i32>| (weight.clone(), Taps::all(0));
    let recurrent = case.recurrent_weight.as_ref().map(now);
    let layer = layer(&case.format, [case.n, case.n_in], now(&case.weight), recurrent);
    let mut spikes = SampleSpikes::new(1);
    spikes.input.by_time.clear(case.n_in);
    case.input.iter().for_each(|row| spikes.input.by_time.push_row(row));
    let mut scratch = FixedScratch::default();
    let network = Compiled::new(&FixedNetwork::new(vec![layer]).unwrap()).unwrap();
    let overflows = network.forward(N_STEPS, &mut spikes, Lists::All, &mut scratch)[0];
    let fired = (0..N_STEPS).map(|t| spikes.layers[0].by_time.row(t).to_vec()).collect();
    let (neurons, are_words) = match &network.layers[0].kind {
        Kind::Words(_) => (scratch.words.neurons(case.n), true),
        Kind::Lanes(_) => (scratch.lanes.neurons(case.n), false),
        Kind::Xylo(_) | Kind::Plane(_) | Kind::Max(_) => unreachable!("LIF rules, and no plane"),
    };
    ((fired, overflows, neurons), are_words)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Spikes, overflows and states are those of the definition.
    #[test]
    fn layers_are_neurons(case in cases(|n| formats(n).boxed())) {
        prop_assert_eq!(got(&case).0, expected(&case));
    }

    /// Of formats that words hold.
    #[test]
    fn words_are_neurons(case in cases(|n| word_formats(n).boxed())) {
        let (got, are_words) = got(&case);
        let mut weights = case.weight.iter().chain(case.recurrent_weight.iter().flatten());
        let are_bytes = weights.all(|&w| i8::try_from(w).is_ok());
        prop_assert_eq!(are_words, are_bytes && WordNeurons::new(&case.format, case.n).is_some());
        prop_assert_eq!(got, expected(&case));
    }
}

/// More rows than words hold the sum of, sums that do not fit once shifted, and both signs of each limit.
#[test]
fn words_hand_over_to_the_exact_sums() {
    let decay = |factor: u32| Decay::Multiply { factor: factor.into(), bits: 12 };
    for (bits, input_shift, weight, n_in) in [
        (16, 0, 127, 258),
        (16, 0, 127, 300),
        (16, 0, -128, 255),
        (16, 0, -128, 700),
        (16, 4, 127, 16),
        (16, 4, 127, 17),
        (16, 4, -128, 17),
        (16, 13, 127, 2),
        (16, 13, -128, 600),
        (12, 0, 127, 600),
        (12, 3, -128, 30),
    ] {
        for (n, recurrent_weight) in [(10, 127), (100, -128), (160, 127), (161, -128)] {
            let format = FixedParams {
                input_shift,
                gain_shift: input_shift,
                rounding: Rounding::Nearest,
                reset: Reset::Subtract,
                ..FixedParams::new(8, bits, bits, decay(3584), decay(4032), 100)
            };
            let all: Vec<u32> = (0..n_in as u32).collect();
            let mut input = vec![all.clone(), Vec::new(), all[..n_in / 2].to_vec()];
            input.resize(N_STEPS, all);
            let recurrent_weight = Some(vec![recurrent_weight; n * n]);
            let case = Case { format, n, n_in, weight: vec![weight; n * n_in], recurrent_weight, input };
            let (got, are_words) = got(&case);
            assert!(are_words);
            let expected = expected(&case);
            assert!(expected.1.current > 0 || n_in < 100);
            assert_eq!(got, expected, "{bits} {input_shift} {weight} {n_in} {n}");
        }
    }
}
