//! Kernels in every engine, against the table of their synapses: the same spikes, numbers, counts and states, bit for bit.

use std::fmt::Debug;
use std::sync::Arc;

use proptest::prelude::*;

use super::tests::{KINDS, n_events};
use super::*;
use crate::engine::graph::{ContinuousSnapshot, check_events};
use crate::fixed::strategies::{formats, xylo};
use crate::graph::strategies::{KernelCase, kernels};
use crate::graph::{ConnectionRule, Connectivity};
use crate::network::{AvgPool2d, Delay, DelayDistribution, Init, Pattern};
use crate::neuron::fixed::FixedParams;
use crate::neuron::{Discretisation, LifParams};
use crate::simd::Real;

const N_STEPS: u64 = 120;

/// Which connectivity stands for kernels.
type Form<W> = fn(&KernelCase, fn(i8) -> W) -> Connectivity<W>;

fn forms<W: Weight>() -> [Form<W>; 2] {
    [|case, number| case.table(0.5, number), |case, number| case.kernels(0.5, number)]
}

/// A pool above kernels, by halves.
fn pool(case: &KernelCase) -> KernelCase {
    let post = case.pattern.post();
    let kernel = [post.height.min(2), post.width.min(2)];
    let pool = AvgPool2d::new("pool", post, kernel, kernel, [0, 0]).unwrap();
    KernelCase { pattern: Pattern::AvgPool2d(pool), delays: vec![1], entries: vec![(9, 0)] }
}

/// An input, neurons that receive from it through kernels, a pool above these, and neurons above both that receive from themselves.
fn float_graph<F: Real>(case: &KernelCase, form: Form<F>) -> Arc<Graph<F>> {
    let params =
        |v_th| LifParams { tau_m: 20.0, tau_s: 5.0, v_th, t_ref: 1.0, dt: 0.5, discretisation: Discretisation::Exact };
    let pool = pool(case);
    let mut graph = Graph::<F>::new(0.5, 5).unwrap();
    graph.add_input("in", case.pattern.pre().n()).unwrap();
    graph.add_population("kernels", case.pattern.post().n(), params(0.7)).unwrap();
    graph.add_population("pool", pool.pattern.post().n(), params(0.4)).unwrap();
    graph.add_population("above", 9, params(0.3)).unwrap();
    graph.add_projection(0, 1, form(case, |w| F::from_f64(f64::from(w) / 16.0))).unwrap();
    graph.add_projection(1, 2, form(&pool, |w| F::from_f64(f64::from(w) / 16.0))).unwrap();
    let rule = ConnectionRule::FixedOutDegree { n: 3, self_loops: true };
    let weight = Init::Uniform { low: -0.2, high: 0.5 };
    let delay = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 4.0 });
    for pre in [1, 2, 3] {
        graph.connect(pre, 3, &rule, &weight, &delay).unwrap();
    }
    Arc::new(graph)
}

fn fixed_graph(case: &KernelCase, formats: &[FixedParams; 2], form: Form<i16>) -> Option<Arc<Graph<i16>>> {
    let pool = pool(case);
    let mut graph = Graph::new(0.5, 5).unwrap();
    graph.add_input("in", case.pattern.pre().n()).unwrap();
    graph.add_population("kernels", case.pattern.post().n(), formats[0].clone()).unwrap();
    graph.add_population("pool", pool.pattern.post().n(), formats[1].clone()).unwrap();
    // Weights that a format does not hold are not what this is about.
    graph.add_projection(0, 1, form(case, |w| i16::from(w) * 9)).ok()?;
    graph.add_projection(1, 2, form(&pool, |w| i16::from(w) * 9)).ok()?;
    Some(Arc::new(graph))
}

/// All that a state says, places of synapses apart.
fn told<V: Clone + Debug>(state: State<V>) -> String {
    match state.snapshot {
        AnySnapshot::Continuous(mut snapshot) => {
            snapshot.arrivals.iter_mut().for_each(|arrival| arrival.place = 0);
            let ContinuousSnapshot { now, neurons, arrivals, pending, arrived: _ } = snapshot;
            format!("{now:?} {neurons:?} {arrivals:?} {pending:?}")
        }
        grid => format!("{grid:?}"),
    }
}

/// Whole, and from a state in the middle on: spikes, counts, states, ties and what did not fit.
fn run<M: Model>(
    graph: &Arc<Graph<M::Weight>>,
    kind: EngineKind,
    events: &(Vec<i64>, Vec<i64>),
    cut: u64,
) -> Vec<String> {
    let all: Vec<usize> = (1..graph.populations().len()).collect();
    let mut simulator = Simulator::<M>::new(Arc::clone(graph), kind, &all).unwrap();
    simulator.push_steps("events", &events.0, &events.1).unwrap();
    simulator.advance(Time::Steps(cut), &mut || true).unwrap();
    let state = simulator.state();
    let mut results = vec![format!("{:?}", simulator.take_events()), told(state.clone())];
    simulator.advance(Time::Steps(N_STEPS), &mut || true).unwrap();
    let rest = simulator.take_events();
    results.push(format!("{rest:?} {:?} {:?}", simulator.counts(), simulator.overflows()));
    results.push(format!("{:?}", simulator.ties_are_proven()));
    results.extend(all.iter().map(|&at| format!("{:?}", simulator.currents_and_potentials(at).unwrap())));
    results.push(told(simulator.state()));
    let mut again = Simulator::<M>::new(Arc::clone(graph), kind, &all).unwrap();
    again.set_state(&state).unwrap();
    again.advance(Time::Steps(N_STEPS), &mut || true).unwrap();
    results.push(format!("{:?}", again.take_events()));
    results
}

fn events(n: usize, raw: &[(u64, prop::sample::Index)]) -> (Vec<i64>, Vec<i64>) {
    let mut events: Vec<_> = raw.iter().map(|(t, x)| (*t as i64, x.index(n) as i64)).collect();
    events.sort_unstable();
    events.dedup();
    let (t, x): (Vec<i64>, Vec<i64>) = events.into_iter().unzip();
    check_events("events", &t, &x, 0, "", n).unwrap();
    (t, x)
}

fn raw_events() -> impl Strategy<Value = Vec<(u64, prop::sample::Index)>> {
    prop::collection::vec((prop_oneof![0..N_STEPS, 40..50u64], any::<prop::sample::Index>()), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn floats_are_those_of_the_table(case in kernels(), raw in raw_events(), cut in 1..N_STEPS) {
        let events = events(case.pattern.pre().n(), &raw);
        let singles = forms::<f32>().map(|form| float_graph(&case, form));
        let doubles = forms::<f64>().map(|form| float_graph(&case, form));
        for kind in KINDS {
            let [table, kernels] = singles.each_ref().map(|graph| run::<Floats<f32>>(graph, kind, &events, cut));
            prop_assert_eq!(kernels, table, "{:?}", kind);
            let [table, kernels] = doubles.each_ref().map(|graph| run::<Floats<f64>>(graph, kind, &events, cut));
            prop_assert_eq!(kernels, table, "{:?}", kind);
        }
        let states = doubles.map(|graph| Simulator::<Floats<f64>>::new(graph, EngineKind::Event, &[]).unwrap().state());
        prop_assert!(states[0].graph.check(states[1].graph).is_err());
    }

    #[test]
    fn integers_are_those_of_the_table(
        (case, formats) in kernels().prop_flat_map(|case| {
            let sizes = [case.pattern.post().n(), pool(&case).pattern.post().n()];
            let both = |n: usize| prop_oneof![3 => formats(n).boxed(), 1 => xylo(n).boxed()];
            (Just(case), [both(sizes[0]), both(sizes[1])])
        }),
        raw in raw_events(),
        cut in 1..N_STEPS,
    ) {
        let events = events(case.pattern.pre().n(), &raw);
        let [Some(table), Some(kernels)] = forms().map(|form| fixed_graph(&case, &formats, form)) else { return Ok(()) };
        let refused = |graph: &Arc<Graph<i16>>| {
            let simulator = FixedSimulator::new(Arc::clone(graph), EngineKind::Clocked, &[]);
            simulator.err().map(|error| error.to_string())
        };
        prop_assert_eq!(refused(&kernels), refused(&table));
        if refused(&table).is_some() {
            return Ok(());
        }
        for kind in [EngineKind::Clocked, EngineKind::Event, EngineKind::Auto] {
            let [kernels, table] = [&kernels, &table].map(|graph| run::<Integers<i16>>(graph, kind, &events, cut));
            prop_assert_eq!(kernels, table, "{:?}", kind);
        }
    }
}

/// So that what is compared above is not silence.
#[test]
fn neurons_of_kernels_and_pools_fire() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut fired = [0; 4];
    for _ in 0..20 {
        let case = kernels().new_tree(&mut runner).unwrap().current();
        let raw = raw_events().new_tree(&mut runner).unwrap().current();
        let events = events(case.pattern.pre().n(), &raw);
        let graph = float_graph::<f64>(&case, forms()[1]);
        for population in 1..4 {
            let mut simulator = FloatSimulator::new(Arc::clone(&graph), EngineKind::Clocked, &[population]).unwrap();
            simulator.push_steps("events", &events.0, &events.1).unwrap();
            simulator.advance(Time::Steps(N_STEPS), &mut || true).unwrap();
            fired[population] += n_events(simulator.events());
        }
    }
    assert!(fired[1..].iter().all(|&n| n > 50), "{fired:?}");
}
