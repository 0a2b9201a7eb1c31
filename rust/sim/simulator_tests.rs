//! The face of the engines: what goes in, what comes out, and what is refused.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::graph::LAST_STEP;
use crate::graph::{ConnectionRule, Connectivity};
use crate::network::{Delay, Init};
use crate::neuron::{Discretisation, LifParams};

pub(super) const KINDS: [EngineKind; 4] =
    [EngineKind::Clocked, EngineKind::Event, EngineKind::Auto, EngineKind::Continuous];

pub(super) fn params(v_th: f64) -> LifParams {
    LifParams { tau_m: 20.0, tau_s: 5.0, v_th, t_ref: 2.0, dt: 0.5, discretisation: Discretisation::Exact }
}

/// Inputs and two populations, the second with inputs before it and synapses of several delays.
pub(super) fn graph() -> Arc<Graph<f64>> {
    let mut graph = Graph::new(0.5, 3).unwrap();
    graph.add_input("in", 3).unwrap();
    graph.add_population("a", 5, params(1.0)).unwrap();
    graph.add_input("more", 2).unwrap();
    graph.add_population("b", 4, params(0.6)).unwrap();
    let all = ConnectionRule::AllToAll { self_loops: true };
    let weight = Init::Uniform { low: 2.0, high: 9.0 };
    graph.connect(0, 1, &all, &weight, &Delay::Fixed(1.5)).unwrap();
    let pairs = (0..5u32).flat_map(|j| (0..4u32).map(move |i| (j, i)));
    let (pre, post): (Vec<u32>, Vec<u32>) = pairs.unzip();
    let delays: Vec<f64> = (0..20).map(|at| f64::from(at * 7 % 4) * 0.5).collect();
    let weights: Vec<f64> = (0..20).map(|at| f64::from(at * 3 % 7) - 1.5).collect();
    graph.add_projection(1, 3, Connectivity::from_lists(5, 4, &pre, &post, &weights, &delays).unwrap()).unwrap();
    graph.connect(2, 3, &all, &weight, &Delay::Fixed(0.0)).unwrap();
    Arc::new(graph)
}

pub(super) fn simulator(kind: EngineKind) -> FloatSimulator<f64> {
    FloatSimulator::new(graph(), kind, &[3, 1]).unwrap()
}

/// Steps and inputs of a run of 200 steps.
pub(super) fn inputs() -> (Vec<i64>, Vec<i64>) {
    (0..200).flat_map(|t| (0..5).filter(move |x| (t * 5 + x * 7) % 23 == 0).map(move |x| (t, x))).unzip()
}

pub(super) fn advance(simulator: &mut FloatSimulator<f64>, until: u64) {
    simulator.advance(Time::Steps(until), &mut || true).unwrap();
}

pub(super) fn run(simulator: &mut FloatSimulator<f64>) -> Events {
    let (t, x) = inputs();
    simulator.push_steps("events", &t, &x).unwrap();
    advance(simulator, 200);
    simulator.take_events()
}

pub(super) fn n_events(events: &Events) -> usize {
    match events {
        Events::Grid(t, x) => (t.len() + x.len()) / 2,
        Events::Continuous(t, x) => (t.len() + x.len()) / 2,
    }
}

#[test]
fn engines_agree_and_number_the_recorded_neurons() {
    let expected = run(&mut simulator(EngineKind::Clocked));
    let Events::Grid(steps, neurons) = &expected else { panic!("on the grid") };
    // Population 3, of four neurons, comes first in the numbers.
    for (low, high) in [(0, 4), (4, 9)] {
        assert!((low..high).all(|i| neurons.contains(&i)), "{neurons:?}");
    }
    assert!(neurons.iter().all(|&i| i < 9) && steps.is_sorted() && steps.iter().all(|&t| t < 200));
    for kind in KINDS {
        let mut simulator = simulator(kind);
        let events = run(&mut simulator);
        let n = n_events(&expected);
        match kind {
            // A spike of the grid is later by up to a step, and so is what follows from it.
            EngineKind::Continuous => assert!(n_events(&events).abs_diff(n) < n / 3, "{} {n}", n_events(&events)),
            _ => assert_eq!(events, expected, "{kind:?}"),
        }
        assert_eq!(n_events(simulator.events()), 0);
        let counts = simulator.counts();
        assert_eq!(counts.input_events, inputs().0.len() as u64);
        // Of all populations, recorded or not.
        assert_eq!(counts.spikes as usize, n_events(&events));
        assert!(counts.synaptic_events > counts.spikes);
        let now = if kind == EngineKind::Continuous { Time::Ms(100.0) } else { Time::Steps(200) };
        assert_eq!(simulator.now(), now);
        // And once more.
        simulator.reset();
        assert_eq!(simulator.counts(), Counts::default());
        assert_eq!(run(&mut simulator), events, "{kind:?} after a reset");
        assert_eq!(simulator.counts(), counts);
    }
    let engines = KINDS.map(|kind| simulator(kind).engine());
    assert_eq!(engines, [EngineKind::Clocked, EngineKind::Event, EngineKind::Event, EngineKind::Continuous]);
}

#[test]
fn only_recorded_populations_are_read() {
    let all = run(&mut simulator(EngineKind::Clocked));
    let Events::Grid(t, x) = &all else { panic!("on the grid") };
    let of_b: Vec<(u64, u32)> = t.iter().copied().zip(x.iter().copied()).filter(|&(_, x)| x < 4).collect();
    for kind in [EngineKind::Clocked, EngineKind::Event] {
        let mut simulator = FloatSimulator::new(graph(), kind, &[3]).unwrap();
        let Events::Grid(t, x) = run(&mut simulator) else { panic!("on the grid") };
        assert_eq!(t.into_iter().zip(x).collect::<Vec<_>>(), of_b);
    }
    let message = |record: &[usize]| FloatSimulator::new(graph(), EngineKind::Clocked, record).unwrap_err().to_string();
    for record in [&[0][..], &[4], &[1, 1]] {
        let got = record.last().unwrap();
        assert_eq!(message(record), format!("record must be different populations of neurons, got {got}"));
    }
}

#[test]
fn currents_and_potentials_are_those_of_the_equations() {
    let n_steps = 37;
    for kind in KINDS {
        let mut simulator = simulator(kind);
        simulator.push_steps("events", &[4, 4, 9], &[0, 2, 1]).unwrap();
        advance(&mut simulator, n_steps);
        // Which neuron fires, at which step; a neuron of population 1 by itself.
        let Events::Grid(steps, neurons) = (match simulator.events() {
            Events::Continuous(..) => continue,
            events => events,
        }) else {
            unreachable!()
        };
        let (p, u) = simulator.currents_and_potentials(1).unwrap();
        let lif = crate::neuron::LifPropagator::<f64>::new(&params(1.0)).unwrap();
        let graph = graph();
        for i in 0..5 {
            let (mut own_p, mut own_u, mut held) = (0.0, 0.0, 0u64);
            for t in 1..n_steps {
                own_p *= lif.syn_decay;
                for (fired, x) in [(4, 0usize), (4, 2), (9, 1)] {
                    if t == fired + 1 + 3 {
                        own_p += graph.projections()[0].synapses.weight()[x * 5 + i];
                    }
                }
                own_u = if t <= held { 0.0 } else { lif.mem_decay * own_u + lif.mem_gain * own_p };
                if steps.iter().zip(neurons).any(|(&at, &n)| (at, n) == (t, 4 + i as u32)) {
                    (own_u, held) = (0.0, t + 4);
                }
            }
            assert!((p[i] - own_p).abs() < 1e-12 && (u[i] - own_u).abs() < 1e-12, "{kind:?} {i}: {} {own_u}", u[i]);
        }
        assert!(neurons.iter().any(|&i| i >= 4) && u.iter().any(|&u| u != 0.0));
    }
    assert!(simulator(EngineKind::Clocked).currents_and_potentials(0).is_err());
}

#[test]
fn potentials_are_where_neurons_start_from() {
    for kind in KINDS {
        let mut simulator = simulator(kind);
        // Population 3, which has others before it.
        let start = [0.6, -2.0, 0.25, 0.0];
        simulator.set_potentials(3, &start).unwrap();
        assert_eq!(simulator.currents_and_potentials(3).unwrap(), (vec![0.0; 4], start.to_vec()));
        assert_eq!(simulator.currents_and_potentials(1).unwrap(), (vec![0.0; 5], vec![0.0; 5]));
        let message = |simulator: &mut FloatSimulator<f64>, population, potentials: &[f64]| {
            simulator.set_potentials(population, potentials).unwrap_err().to_string()
        };
        assert_eq!(message(&mut simulator, 3, &[0.0; 5]), "potentials has shape (5,), expected (n=4,)");
        let largest = if kind == EngineKind::Continuous { 1e150 } else { f64::MAX };
        for bad in [0.7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let expected = format!("potentials[1] must be between {:.1e} and v_th = 0.6, got {bad}", -largest);
            assert_eq!(message(&mut simulator, 3, &[0.0, bad, 0.0, 0.0]), expected);
        }
        for population in [0, 2, 4] {
            let expected = format!("population must be one of neurons, got {population}");
            assert_eq!(message(&mut simulator, population, &[0.0; 3]), expected);
        }
        assert_eq!(simulator.currents_and_potentials(3).unwrap().1, start);
        advance(&mut simulator, 1);
        assert!(message(&mut simulator, 3, &start).starts_with("potentials must be set at the start, at time 0, got"));
    }
}

#[test]
fn events_are_refused_as_a_whole() {
    for kind in KINDS {
        let mut simulator = simulator(kind);
        advance(&mut simulator, 10);
        let push = |simulator: &mut FloatSimulator<f64>, t: &[i64], x: &[i64]| {
            simulator.push_steps("events", t, x).unwrap_err().to_string()
        };
        let before = simulator.state();
        let past = push(&mut simulator, &[9], &[0]);
        assert!(past.contains("events['t'][0]") && past.contains("got"), "{past}");
        assert!(push(&mut simulator, &[12, 11], &[0, 0]).contains("events['t'][1]"));
        assert!(push(&mut simulator, &[12, 13], &[0, 5]).contains("events['x'][1]"));
        assert!(push(&mut simulator, &[12, 13], &[-1, 0]).contains("events['x'][0]"));
        assert_eq!(simulator.state(), before);
        simulator.push_steps("events", &[10, 12], &[4, 0]).unwrap();
        // In the order of those that wait.
        assert!(push(&mut simulator, &[11], &[0]).contains("events['t'][0]"));
        simulator.push_steps("events", &[12], &[1]).unwrap();
        let times = simulator.push_times("events", &[7.0], &[1]);
        assert_eq!(times.is_ok(), kind == EngineKind::Continuous, "{times:?}");
        let until = simulator.advance(Time::Ms(8.0), &mut || true);
        assert_eq!(until.is_ok(), kind == EngineKind::Continuous);
        assert!(simulator.advance(Time::Ms(f64::NAN), &mut || true).is_err());
        assert!(simulator.advance(Time::Steps(LAST_STEP + 1), &mut || true).is_err());
        // The past changes nothing.
        let state = simulator.state();
        advance(&mut simulator, 3);
        assert_eq!(simulator.state(), state);
    }
    simulator(EngineKind::Event).advance(Time::Steps(LAST_STEP), &mut || true).unwrap();
}

#[test]
fn a_run_ends_where_it_is_told_to() {
    for kind in KINDS {
        let mut simulator = simulator(kind);
        let t: Vec<i64> = (0..20_000).collect();
        simulator.push_steps("events", &t, &vec![0; t.len()]).unwrap();
        let mut left = 2;
        let mut keep_going = || {
            left -= 1;
            left > 0
        };
        let error = simulator.advance(Time::Steps(20_000), &mut keep_going).unwrap_err();
        assert!(matches!(error, Error::Interrupted));
        let steps = match simulator.now() {
            Time::Steps(steps) => steps as f64,
            Time::Ms(ms) => ms / 0.5,
        };
        assert!((1.0..19_999.0).contains(&steps), "{kind:?} {steps}");
        // It goes on from there as if nothing had been.
        let mut whole = FloatSimulator::new(graph(), kind, &[3, 1]).unwrap();
        whole.push_steps("events", &t, &vec![0; t.len()]).unwrap();
        advance(&mut whole, 20_000);
        advance(&mut simulator, 20_000);
        assert_eq!(whole.state(), simulator.state(), "{kind:?}");
    }
}

#[test]
fn one_strange_population_is_enough() {
    for (strange, other) in [(1, 3), (3, 1)] {
        let mut graph = Graph::<f64>::new(1.0, 1).unwrap();
        for (name, neurons) in [("in", None), ("a", Some(1.0)), ("more", None), ("b", Some(1.0))] {
            let params = neurons.map(|v_th| LifParams { dt: 1.0, t_ref: 0.0, ..params(v_th) });
            graph.add(name, 1, params.map(Into::into)).unwrap();
        }
        let all = ConnectionRule::AllToAll { self_loops: true };
        for post in [1, 3] {
            graph.connect(0, post, &all, &Init::Constant { value: 0.3 }, &Delay::Fixed(0.0)).unwrap();
        }
        let mut simulator = FloatSimulator::new(Arc::new(graph), EngineKind::Event, &[]).unwrap();
        assert_eq!(simulator.ties_are_proven(), Some(true));
        simulator.set_potentials(strange, &[-1e6]).unwrap();
        assert_eq!(simulator.ties_are_proven(), Some(false));
        // Nor after another population was set to what the proof covers.
        simulator.set_potentials(other, &[0.1]).unwrap();
        assert_eq!(simulator.ties_are_proven(), Some(false));
        simulator.reset();
        assert_eq!(simulator.ties_are_proven(), Some(true));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the cuts, `Auto` fires as the clocked engine does, and counts all that happens.
    #[test]
    fn auto_is_the_clocked_engine(
        n in 30..400usize, busy in 0..3000i64, gap in 0..3000i64, cuts in prop::collection::vec(1..9000u64, 0..6), seed: u64,
    ) {
        let mut graph = Graph::<f64>::new(1.0, seed).unwrap();
        graph.add_input("in", 20).unwrap();
        graph.add_population("a", n, LifParams { dt: 1.0, ..params(1.0) }).unwrap();
        let rule = ConnectionRule::FixedProbability { probability: 0.3, self_loops: true };
        graph.connect(0, 1, &rule, &Init::Uniform { low: 0.5, high: 3.0 }, &Delay::Fixed(2.0)).unwrap();
        let graph = Arc::new(graph);
        // A busy stretch, silence, and another one: each engine has its time.
        let busy = (0..busy).chain(busy + gap..2 * busy + gap);
        let (t, x): (Vec<i64>, Vec<i64>) = busy.flat_map(|t| (0..20).filter(move |x| (t + x) % 3 == 0).map(move |x| (t, x))).unzip();
        let mut clocked = FloatSimulator::new(Arc::clone(&graph), EngineKind::Clocked, &[1]).unwrap();
        let mut auto = FloatSimulator::new(graph, EngineKind::Auto, &[1]).unwrap();
        for simulator in [&mut clocked, &mut auto] {
            simulator.push_steps("events", &t, &x).unwrap();
        }
        let mut cuts = cuts;
        cuts.push(9000);
        cuts.sort_unstable();
        for cut in cuts {
            for simulator in [&mut clocked, &mut auto] {
                simulator.advance(Time::Steps(cut), &mut || true).unwrap();
            }
            prop_assert_eq!(auto.now(), Time::Steps(cut));
            prop_assert_eq!(auto.events(), clocked.events());
            let same = |c: Counts| (c.input_events, c.spikes, c.synaptic_events);
            prop_assert_eq!(same(auto.counts()), same(clocked.counts()));
        }
        if auto.engine() == EngineKind::Clocked {
            prop_assert_eq!(auto.ties_are_proven(), Some(false));
        }
    }
}
