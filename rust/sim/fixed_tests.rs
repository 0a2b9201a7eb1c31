use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::engine::fixed::{Compiled, FixedScratch};
use crate::engine::graph::NeuronState;
use crate::engine::layered::{Lists, SampleSpikes};
use crate::fixed::FixedNetwork;
use crate::fixed::strategies::{cortex_m, formats, layer, loihi, spinnaker, xylo};
use crate::graph::Connectivity;
use crate::network::Taps;
use crate::neuron::fixed::{Anchor, Decay, FixedParams, Overflow, Overflows, PerNeuron};

const N: usize = 20;
const N_STEPS: u64 = 160;

#[derive(Clone, Debug)]
struct Case {
    format: FixedParams,
    weight: Vec<i16>,
    delay: Vec<u8>,
    events: Vec<(u64, u32)>,
    whole: bool,
}

prop_compose! {
    fn cases(format: BoxedStrategy<FixedParams>)(
        format in format,
        mut weight in prop::collection::vec(-300..1000i16, 400),
        (silent, extreme) in (any::<bool>(), any::<bool>()),
        mut delay in prop::collection::vec(0..5u8, 400),
        events in prop::collection::vec((0..N_STEPS, 0..N as u32), 0..150),
        whole: bool,
    ) -> Case {
        // In bursts, or all the time.
        let mut events: Vec<_> = events.into_iter().map(|(t, x)| (if silent { t / 80 * 80 + t % 4 } else { t }, x)).collect();
        events.sort_unstable();
        events.dedup();
        let (low, high) = format.weight_range();
        let scale = if extreme { 32 } else { 1 };
        weight.iter_mut().for_each(|w| *w = (i64::from(*w) * scale).clamp(low, high) as i16);
        if let Some(most) = format.limits.delay {
            delay.iter_mut().for_each(|d| *d = (*d).min(most as u8));
        }
        Case { format, weight, delay, events, whole }
    }
}

/// An input and recurrent neurons.
fn graph(case: &Case) -> Arc<Graph<i16>> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", N).unwrap();
    graph.add_population("lif", N, case.format.clone()).unwrap();
    let lists = |first: usize, n: usize| {
        let synapses = (first..first + n).map(|at| ((at * 7 % N) as u32, (at * at % N) as u32));
        let (pre, post): (Vec<_>, Vec<_>) = synapses.unzip();
        let delay: Vec<f64> = case.delay[first..first + n].iter().map(|&d| d.into()).collect();
        Connectivity::from_lists(N, N, &pre, &post, &case.weight[first..first + n], &delay).unwrap()
    };
    let input = if case.whole { Connectivity::all(N, N, case.weight[..N * N].to_vec(), 0.0) } else { lists(0, 100) };
    graph.add_projection(0, 1, input).unwrap();
    graph.add_projection(1, 1, lists(200, 60)).unwrap();
    Arc::new(graph)
}

/// Currents and membranes of the neurons of population 1, brought to the present.
fn states(simulator: &mut FixedSimulator<i16>) -> Vec<NeuronState<Anchor>> {
    let AnySnapshot::Grid(mut snapshot) = simulator.state().snapshot else { unreachable!() };
    snapshot.neurons.swap_remove(1)
}

type Run = (Vec<u64>, Vec<u32>, Vec<NeuronState<Anchor>>, Vec<Overflows>);

fn run(case: &Case, kind: EngineKind, cuts: &[u64]) -> Run {
    let mut simulator = FixedSimulator::new(graph(case), kind, &[1]).unwrap();
    let (t, x): (Vec<i64>, Vec<i64>) = case.events.iter().map(|&(t, x)| (t as i64, i64::from(x))).unzip();
    simulator.push_steps("events", &t, &x).unwrap();
    let (mut t, mut x) = (Vec::new(), Vec::new());
    for &cut in cuts.iter().chain([&N_STEPS]) {
        simulator.advance(Time::Steps(cut), &mut || true).unwrap();
        let Events::Grid(more_t, more_x) = simulator.take_events() else { unreachable!() };
        t.extend(more_t);
        x.extend(more_x);
        let state = simulator.state();
        simulator.set_state(&state).unwrap();
    }
    let states = states(&mut simulator);
    let states = states.into_iter().map(|s| NeuronState { refractory: s.refractory.max(s.last), ..s }).collect();
    (t, x, states, simulator.overflows())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn engines_agree(case in cases(formats(N).boxed()), cut in 1..N_STEPS) {
        let clocked = run(&case, EngineKind::Clocked, &[]);
        prop_assert_eq!(&run(&case, EngineKind::Event, &[]), &clocked);
        prop_assert_eq!(&run(&case, EngineKind::Event, &[cut]), &clocked);
        prop_assert_eq!(&run(&case, EngineKind::Clocked, &[cut]), &clocked);
    }
}

/// Both engines, whole and in two parts, on neurons of one kind; how often they fired, and what did not fit.
fn check_preset(format: BoxedStrategy<FixedParams>) -> (usize, Overflows) {
    let total = Cell::new((0, Overflows::default()));
    let config = ProptestConfig { cases: 300, source_file: Some(file!()), ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let agree = |(case, cut): (Case, u64)| {
        let clocked = run(&case, EngineKind::Clocked, &[]);
        prop_assert_eq!(&run(&case, EngineKind::Event, &[]), &clocked);
        prop_assert_eq!(&run(&case, EngineKind::Event, &[cut]), &clocked);
        let (mut spikes, mut overflows) = total.get();
        spikes += clocked.0.len();
        overflows += clocked.3[1];
        total.set((spikes, overflows));
        Ok(())
    };
    runner.run(&(cases(format), 1..N_STEPS), agree).unwrap();
    total.get()
}

#[test]
fn engines_agree_on_presets() {
    for format in [loihi(N).boxed(), xylo(N).boxed(), spinnaker(N).boxed(), cortex_m(N).boxed()] {
        let (spikes, overflows) = check_preset(format);
        assert!(spikes > 1000 && overflows.current > 10 && overflows.membrane > 0, "{spikes} {overflows:?}");
    }
}

fn plain() -> FixedParams {
    let decay = |factor: u32| Decay::Multiply { factor: PerNeuron::Same(factor), bits: 12 };
    FixedParams::new(16, 16, 16, decay(3500), decay(4000), 1000)
}

#[test]
fn auto_keeps_counts_and_bits() {
    let format = FixedParams { membrane_overflow: Overflow::Wrap, bias: (-30).into(), ..plain() };
    // Dense activity, then silence.
    let events = (0..2000u64).flat_map(|t| (0..N as u32).map(move |x| (t, x))).collect();
    let case = Case { format, weight: vec![-400; 400], delay: vec![0; 400], events, whole: true };
    let result = |kind| {
        let mut simulator = FixedSimulator::new(graph(&case), kind, &[1]).unwrap();
        let (t, x): (Vec<i64>, Vec<i64>) = case.events.iter().map(|&(t, x)| (t as i64, i64::from(x))).unzip();
        simulator.push_steps("events", &t, &x).unwrap();
        simulator.advance(Time::Steps(100_000), &mut || true).unwrap();
        let engine = simulator.engine();
        (simulator.take_events(), states(&mut simulator), simulator.overflows(), engine)
    };
    let (auto, clocked) = (result(EngineKind::Auto), result(EngineKind::Clocked));
    assert_eq!((&auto.0, &auto.1, &auto.2), (&clocked.0, &clocked.1, &clocked.2));
    assert_eq!(auto.3, EngineKind::Event);
    assert!(auto.2[1].membrane > 0);
}

#[test]
fn states_that_no_run_leads_to_are_refused() {
    let table = Decay::Table { factors: vec![3, 2, 1], bits: 2 };
    let format = FixedParams { current_decay: table, ..plain() };
    let case = Case { format, weight: vec![1; 400], delay: vec![0; 400], events: vec![], whole: true };
    let mut simulator = FixedSimulator::new(graph(&case), EngineKind::Event, &[1]).unwrap();
    simulator.advance(Time::Steps(9), &mut || true).unwrap();
    let state = simulator.state();
    let mut refused = |change: fn(&mut NeuronState<Anchor>)| {
        let mut state = state.clone();
        let AnySnapshot::Grid(snapshot) = &mut state.snapshot else { unreachable!() };
        change(&mut snapshot.neurons[1][4]);
        simulator.set_state(&state).map_err(|error| error.to_string())
    };
    let error = "state.neurons[1][4] must be within its number format, got another".to_owned();
    assert_eq!(refused(|neuron| neuron.current = Anchor { x: 5, age: 2 }), Ok(()));
    assert_eq!(refused(|neuron| neuron.current = Anchor { x: 5, age: 3 }), Err(error.clone()));
    assert_eq!(refused(|neuron| neuron.potential = Anchor { x: 5, age: 1 }), Err(error.clone()));
    assert_eq!(refused(|neuron| neuron.potential = Anchor::new(1 << 15)), Err(error));
}

#[test]
fn sums_beyond_32_bits_are_refused() {
    let format = FixedParams { weight_bits: 32, current_bits: 32, ..plain() };
    let mut graph = Graph::<i32>::new(1.0, 1).unwrap();
    graph.add_input("in", 3).unwrap();
    graph.add_population("lif", 1, format).unwrap();
    graph.add_projection(0, 1, Connectivity::all(3, 1, vec![1 << 29; 3], 0.0)).unwrap();
    let mut simulator = FixedSimulator::new(Arc::new(graph.clone()), EngineKind::Event, &[1]).unwrap();
    let error = simulator.push_steps("events", &[4, 4], &[2, 2]).unwrap_err().to_string();
    assert_eq!(error, "events must be at most 1 spikes of input 2 at step 4, got 2");
    simulator.push_steps("events", &[4], &[2]).unwrap();
    assert!(simulator.push_steps("events", &[4], &[2]).is_err());
    graph.add_projection(0, 1, Connectivity::all(3, 1, vec![1 << 29; 3], 0.0)).unwrap();
    let error = FixedSimulator::new(Arc::new(graph), EngineKind::Event, &[1]).unwrap_err().to_string();
    assert_eq!(error, "weights must be of magnitudes that add up to < 2^31 for each neuron of 'lif', got 3221225472");
}

/// Two layers, the second recurrent, all with delays.
fn layered(case: &Case, recurrent_weight: &[i16]) -> (Arc<Graph<i16>>, Compiled) {
    let format = FixedParams { max_spikes: 1, ..case.format.clone() };
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", N).unwrap();
    for name in ["dense", "recurrent"] {
        graph.add_population(name, N, format.clone()).unwrap();
    }
    // Of j onto i at j * N + i, for the graph; the network has them the other way round.
    let delay: Vec<f64> = case.delay.iter().map(|&d| d.into()).collect();
    let (pre, post): (Vec<u32>, Vec<u32>) = (0..N * N).map(|at| ((at / N) as u32, (at % N) as u32)).unzip();
    for (from, to, weight) in [(0, 1, &case.weight[..]), (1, 2, &case.weight[..]), (2, 2, recurrent_weight)] {
        graph.add_projection(from, to, Connectivity::from_lists(N, N, &pre, &post, weight, &delay).unwrap()).unwrap();
    }
    let turned = |at: usize| at % N * N + at / N;
    let delay: Vec<u32> = (0..N * N).map(|at| case.delay[turned(at)].into()).collect();
    let synapses = |weight: &[i16]| {
        let weight = (0..N * N).map(|at| weight[turned(at)].into()).collect();
        (weight, Taps::new("delay", &delay, [N, N], None).unwrap())
    };
    let recurrent = Some(synapses(recurrent_weight));
    let layers = vec![
        layer(&format, [N, N], synapses(&case.weight), None),
        layer(&format, [N, N], synapses(&case.weight), recurrent),
    ];
    (Arc::new(graph), Compiled::new(&FixedNetwork::new(layers).unwrap()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Layers are graphs, to the last overflow.
    #[test]
    fn layers_are_graphs(
        case in cases(formats(N).boxed()),
        recurrent_weight in prop::collection::vec(-300..300i16, N * N),
        narrow: bool,
    ) {
        let mut case = case;
        if narrow {
            case.weight.iter_mut().for_each(|w| *w /= 8);
        }
        let (graph, network) = layered(&case, &recurrent_weight);
        let mut simulator = FixedSimulator::new(graph, EngineKind::Clocked, &[1, 2]).unwrap();
        let (t, x): (Vec<i64>, Vec<i64>) = case.events.iter().map(|&(t, x)| (t as i64, i64::from(x))).unzip();
        simulator.push_steps("events", &t, &x).unwrap();
        simulator.advance(Time::Steps(N_STEPS), &mut || true).unwrap();
        let Events::Grid(t, x) = simulator.take_events() else { unreachable!() };

        let mut spikes = SampleSpikes::new(2);
        spikes.input.by_time.clear(N);
        for step in 0..N_STEPS {
            let fired: Vec<u32> = case.events.iter().filter(|&&(t, _)| t == step).map(|&(_, x)| x).collect();
            spikes.input.by_time.push_row(&fired);
        }
        let mut scratch = FixedScratch::default();
        let overflows = network.forward(N_STEPS as usize, &mut spikes, Lists::All, &mut scratch).to_vec();
        let mut got = Vec::new();
        for step in 0..N_STEPS {
            for (l, layer) in spikes.layers.iter().enumerate() {
                got.extend(layer.by_time.row(step as usize).iter().map(|&i| (step, (l * N) as u32 + i)));
            }
        }
        prop_assert_eq!(got, t.into_iter().zip(x).collect::<Vec<_>>());
        prop_assert_eq!(overflows, simulator.overflows()[1..].to_vec());
    }
}
