//! States that runs lead to go on as these do; others are refused.

use std::sync::Arc;

use super::tests::{KINDS, advance, graph, inputs, n_events, params, run, simulator};
use super::*;
use crate::engine::graph::{Arrival, ContinuousSnapshot, ContinuousState, NeuronState, Snapshot};
use crate::graph::Connectivity;
use crate::network::{MaxPool2d, Shape};
use crate::neuron::{LifParams, NeuronParams};

/// A state in the middle of a run, with spikes under way and inputs that wait.
fn midway(kind: EngineKind) -> (FloatSimulator<f64>, State<f64>) {
    let mut simulator = simulator(kind);
    let (t, x) = inputs();
    simulator.push_steps("events", &t, &x).unwrap();
    advance(&mut simulator, 100);
    let state = simulator.state();
    (simulator, state)
}

#[test]
fn a_state_goes_on_as_the_run_does() {
    for kind in KINDS {
        let (mut simulator, state) = midway(kind);
        simulator.clear_events();
        advance(&mut simulator, 200);
        let expected = simulator.take_events();
        assert!(n_events(&expected) > 50, "{expected:?}");
        let mut others = vec![kind];
        if kind != EngineKind::Continuous {
            others = vec![EngineKind::Clocked, EngineKind::Event, EngineKind::Auto];
        }
        for other in others {
            let mut other = super::tests::simulator(other);
            run(&mut other);
            other.set_state(&state).unwrap();
            assert_eq!(other.now(), if kind == EngineKind::Continuous { Time::Ms(50.0) } else { Time::Steps(100) });
            assert_eq!(n_events(other.events()), 0);
            advance(&mut other, 200);
            assert_eq!(other.take_events(), expected);
        }
    }
    let on_grid = midway(EngineKind::Clocked).1;
    assert!(simulator(EngineKind::Continuous).set_state(&on_grid).is_err());
    assert!(simulator(EngineKind::Event).set_state(&midway(EngineKind::Continuous).1).is_err());
}

/// What a state says apart from its neurons, which engines keep in different words.
fn under_way(state: &State<f64>) -> String {
    match &state.snapshot {
        AnySnapshot::Grid(Snapshot { spikes, pending, .. }) => format!("{spikes:?} {pending:?}"),
        AnySnapshot::Continuous(ContinuousSnapshot { arrivals, pending, .. }) => format!("{arrivals:?} {pending:?}"),
    }
}

/// What is done to a snapshot.
type Change<'a, S> = &'a dyn Fn(&mut S);

fn refusals<S: Clone>(
    kind: EngineKind,
    of: impl Fn(&State<f64>) -> S,
    into: impl Fn(S) -> AnySnapshot<f64>,
    changes: &[(&str, Change<'_, S>)],
) {
    let (mut simulator, state) = midway(kind);
    for (expected, change) in changes {
        let mut snapshot = of(&state);
        change(&mut snapshot);
        let changed = State { snapshot: into(snapshot), ..state.clone() };
        match (simulator.set_state(&changed), *expected) {
            (Ok(()), "") => assert_eq!(under_way(&simulator.state()), under_way(&changed)),
            (Err(error), expected) if !expected.is_empty() => {
                assert!(error.to_string().starts_with(expected), "{error}, expected {expected}");
            }
            (result, expected) => panic!("{kind:?} {expected:?}: {result:?}"),
        }
        simulator.set_state(&state).unwrap();
    }
}

#[test]
fn states_on_the_grid_that_no_run_leads_to() {
    let changes: [(&str, Change<'_, Snapshot<f64>>); 18] = [
        ("", &|_| {}),
        ("state.now", &|s| s.now = (1 << 62) + 1),
        ("state must be of 4 populations", &|s| s.neurons.truncate(3)),
        ("state.neurons[1]", &|s| s.neurons[1].truncate(4)),
        ("state.neurons[0]", &|s| s.neurons[0].push(NeuronState::default())),
        ("state.last[3][2]", &|s| s.neurons[3][2].last = 100),
        ("", &|s| s.neurons[3][2] = NeuronState { last: 99, refractory: 99, ..Default::default() }),
        ("state.held[1][4]", &|s| {
            s.neurons[1][4] = NeuronState { last: 7, refractory: 8 + (1 << 24), ..Default::default() }
        }),
        ("state.spikes", &|s| s.spikes.push((1, 100, vec![0]))),
        ("state.spikes", &|s| s.spikes.push((1, 99, vec![5]))),
        ("state.spikes", &|s| s.spikes = vec![(1, 98, vec![0]), (1, 98, vec![1])]),
        ("state.spikes", &|s| s.spikes = vec![(1, 98, vec![0]), (3, 97, vec![1]), (1, 97, vec![1])]),
        ("", &|s| s.spikes = vec![(1, 98, vec![0, 4]), (1, 99, vec![1])]),
        ("state.pending", &|s| s.pending = vec![(120, 0), (119, 0)]),
        ("state.pending", &|s| s.pending = vec![(120, 5)]),
        ("state.pending", &|s| s.pending = vec![(99, 0)]),
        ("", &|s| s.pending = vec![(100, 4), (100, 0), (130, 0)]),
        ("state.spikes", &|s| s.spikes.push((4, 99, vec![0]))),
    ];
    for kind in [EngineKind::Clocked, EngineKind::Event] {
        let of = |state: &State<f64>| match &state.snapshot {
            AnySnapshot::Grid(snapshot) => snapshot.clone(),
            AnySnapshot::Continuous(_) => unreachable!(),
        };
        refusals(kind, of, AnySnapshot::Grid, &changes);
    }
}

#[test]
fn states_in_continuous_time_that_no_run_leads_to() {
    let of = |state: &State<f64>| match &state.snapshot {
        AnySnapshot::Continuous(snapshot) => snapshot.clone(),
        AnySnapshot::Grid(_) => unreachable!(),
    };
    // Those of a run: at 50 ms, neurons 0 to 4 in the first population and 5 to 8 in the second.
    let rest = ContinuousState { last: 50.0, ..Default::default() };
    // Neuron 0's first synapse of the second projection has delay 0; that to the next target 3.5 % 2 ms.
    let arrival =
        |fired: f64, delay: f64, place: usize| Arrival { time: fired + delay, fired, projection: 1, pre: 0, place };
    let graph = graph();
    let synapses = &graph.projections()[1].synapses;
    let second = synapses.group_range(0, 1);
    let delay = synapses.delays().distinct()[1];
    assert!((second.start, delay) == (1, 0.5) && second.len() == 1, "{second:?} {delay}");
    let own = |change: &dyn Fn(&mut ContinuousState)| {
        let mut neuron = rest;
        change(&mut neuron);
        neuron
    };
    let neuron = |change: &'static dyn Fn(&mut ContinuousState)| {
        let neuron = own(change);
        move |s: &mut ContinuousSnapshot| s.neurons[6] = neuron
    };
    let arrives = |arrival: Arrival| move |s: &mut ContinuousSnapshot| s.arrivals = vec![arrival];
    let pending = |pending: &'static [(f64, u32)]| move |s: &mut ContinuousSnapshot| s.pending = pending.to_vec();
    let changes: [(&str, Change<'_, ContinuousSnapshot>); 32] = [
        ("", &|_| {}),
        ("state.neurons has shape (8,)", &|s| s.neurons.truncate(8)),
        ("state.last", &|s| s.now = f64::INFINITY),
        ("state.last", &|s| s.now = f64::NAN),
        ("state.last", &neuron(&|n| n.last = 50.1)),
        ("state.last", &neuron(&|n| n.last = -0.1)),
        ("state.last", &neuron(&|n| n.last = f64::NAN)),
        ("state.neurons[6] must be of sizes", &neuron(&|n| n.current = -2e150)),
        ("state.neurons[6] must be of sizes", &neuron(&|n| n.potential = -2e150)),
        ("", &neuron(&|n| (n.potential, n.current) = (-1e150, -1e150))),
        ("state.held[6] must be a time", &neuron(&|n| n.refractory = -0.1)),
        ("state.held[6] must be a time", &neuron(&|n| n.refractory = f64::NAN)),
        ("state.held[6] must be at most", &neuron(&|n| n.refractory = 52.1)),
        ("", &neuron(&|n| n.refractory = 52.0)),
        ("", &neuron(&|n| (n.last, n.refractory, n.potential) = (40.0, 42.0, 0.0))),
        // It would have fired before now.
        ("state.neurons[6] must be of a neuron", &neuron(&|n| (n.last, n.current) = (30.0, 100.0))),
        ("", &neuron(&|n| n.current = 100.0)),
        ("", &arrives(arrival(50.0, 0.5, 1))),
        ("", &arrives(arrival(49.5, 0.5, 1))),
        ("", &arrives(arrival(50.0, 0.0, 0))),
        ("state.arrivals", &arrives(arrival(49.4, 0.5, 1))),
        ("state.arrivals", &arrives(arrival(50.1, 0.5, 1))),
        ("state.arrivals", &arrives(arrival(50.0, 0.4, 1))),
        ("state.arrivals", &arrives(arrival(50.0, 0.5, 0))),
        ("state.arrivals", &arrives(arrival(50.0, 0.0, 4))),
        ("state.arrivals", &arrives(Arrival { projection: 3, ..arrival(50.0, 0.0, 0) })),
        ("state.arrivals", &arrives(Arrival { pre: 5, ..arrival(50.0, 0.0, 0) })),
        ("", &pending(&[(50.0, 4), (50.0, 0), (60.0, 1)])),
        ("state.pending", &pending(&[(49.9, 0)])),
        ("state.pending", &pending(&[(f64::NAN, 0)])),
        ("state.pending", &pending(&[(50.0, 5)])),
        ("state.pending", &pending(&[(52.0, 0), (51.0, 0)])),
    ];
    refusals(EngineKind::Continuous, of, AnySnapshot::Continuous, &changes);
}

/// Counts of what has arrived at max pools, where there is one, and where there is none.
#[test]
fn counts_that_no_run_leads_to() {
    let mut graph = Graph::<f64>::new(0.5, 3).unwrap();
    graph.add_input("in", 8).unwrap();
    let pre = Shape { channels: 2, height: 2, width: 2 };
    let pool = MaxPool2d::new("pool", pre, [2, 2], [2, 2], [0, 0]).unwrap();
    graph.add_population("pool", 2, NeuronParams::MaxPool).unwrap();
    graph.add_projection(0, 1, Connectivity::kernels(pool.windows().into(), vec![0.0], |_, _| 1.0)).unwrap();
    let graph = Arc::new(graph);
    for kind in [EngineKind::Clocked, EngineKind::Event, EngineKind::Continuous] {
        let mut simulator = FloatSimulator::new(Arc::clone(&graph), kind, &[1]).unwrap();
        simulator.push_steps("events", &[1, 2, 2, 5], &[0, 0, 3, 7]).unwrap();
        let until = if kind == EngineKind::Continuous { Time::Ms(5.0) } else { Time::Steps(10) };
        simulator.advance(until, &mut || true).unwrap();
        let state = simulator.state();
        let with = |arrived: &[u64]| {
            let mut changed = state.clone();
            let of = match &mut changed.snapshot {
                AnySnapshot::Grid(snapshot) => &mut snapshot.arrived,
                AnySnapshot::Continuous(snapshot) => &mut snapshot.arrived,
            };
            let before = std::mem::replace(of, arrived.to_vec());
            (before, changed)
        };
        let expected = [2, 0, 0, 1, 0, 0, 0, 1];
        assert_eq!(with(&[]).0, expected);
        let message = |simulator: &mut FloatSimulator<f64>, arrived: &[u64]| {
            simulator.set_state(&with(arrived).1).unwrap_err().to_string()
        };
        assert_eq!(message(&mut simulator, &[0; 7]), "state.arrived has shape (7,), expected (8,)");
        assert!(message(&mut simulator, &[1 << 63; 8]).starts_with("state.arrived must be at most 2^62 spikes, got"));
        // Nothing has changed.
        assert_eq!(simulator.state(), state);
        simulator.set_state(&with(&[5; 8]).1).unwrap();
        simulator.reset();
        assert_eq!(simulator.state(), FloatSimulator::new(Arc::clone(&graph), kind, &[1]).unwrap().state());
    }
    let (mut simulator, mut state) = midway(EngineKind::Clocked);
    let AnySnapshot::Grid(snapshot) = &mut state.snapshot else { unreachable!("on the grid") };
    snapshot.arrived.push(0);
    let error = simulator.set_state(&state).unwrap_err().to_string();
    assert_eq!(error, "state.arrived has shape (1,), expected (0,)");
}

#[test]
fn states_of_other_graphs_are_refused() {
    let state = midway(EngineKind::Clocked).1;
    let change = |dt: f64, v_th: f64, targets: &[u32], delay: f64| {
        let mut graph = Graph::<f64>::new(dt, 3).unwrap();
        graph.add_input("in", 2).unwrap();
        graph.add_population("a", 2, LifParams { dt, ..params(v_th) }).unwrap();
        let synapses = Connectivity::from_lists(2, 2, &[0, 1], targets, &[1.0, 2.0], &[delay, delay]).unwrap();
        graph.add_projection(0, 1, synapses).unwrap();
        FloatSimulator::new(Arc::new(graph), EngineKind::Clocked, &[]).unwrap()
    };
    let message =
        |mut simulator: FloatSimulator<f64>, state: &State<f64>| simulator.set_state(state).unwrap_err().to_string();
    assert!(message(change(0.5, 1.0, &[0, 1], 0.0), &state).contains("populations (sizes and constants)"));
    let own = change(0.5, 1.0, &[0, 1], 0.0).state();
    assert!(message(change(1.0, 1.0, &[0, 1], 0.0), &own).contains("state must be of a graph with dt = 1 ms, got 0.5"));
    assert!(message(change(0.5, 1.1, &[0, 1], 0.0), &own).contains("populations (sizes and constants)"));
    assert!(message(change(0.5, 1.0, &[1, 1], 0.0), &own).contains("synapses (pairs of neurons)"));
    assert!(message(change(0.5, 1.0, &[0, 1], 0.5), &own).contains("delays"));
    change(0.5, 1.0, &[0, 1], 0.0).set_state(&own).unwrap();
}
