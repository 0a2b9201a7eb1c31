//! The continuous engine: moments at which several things happen, and runs in pieces.

use proptest::prelude::*;

use super::*;
use crate::graph::{ConnectionRule, Connectivity};
use crate::network::{Delay, DelayDistribution, Init};
use crate::neuron::{Discretisation, LifParams};

fn params(v_th: f64, t_ref: f64) -> LifParams {
    LifParams { tau_m: 20.0, tau_s: 5.0, v_th, t_ref, dt: 1.0, discretisation: Discretisation::Exact }
}

fn run(engine: &mut ContinuousEngine<f64>, until: f64) -> Vec<(f64, usize, u32)> {
    let mut spikes = Vec::new();
    engine.advance(until, &mut |t, p, i| spikes.push((t, p, i)), &mut || true);
    spikes
}

/// A neuron with one synapse from each of two inputs, of weights 20 and -1000.
fn driven_and_braked(delay: f64) -> ContinuousEngine<f64> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", 2).unwrap();
    graph.add_population("neuron", 1, params(1.0, 1.0)).unwrap();
    let synapses = Connectivity::from_lists(2, 1, &[0, 1], &[0, 0], &[20.0, -1000.0], &[0.0, delay]).unwrap();
    graph.add_projection(0, 1, synapses).unwrap();
    ContinuousEngine::new(Arc::new(graph)).unwrap()
}

#[test]
fn what_comes_at_the_moment_of_a_crossing_comes_too_late() {
    // Potentials do not jump: inhibition at that very time stops the next spike, not this.
    let mut engine = driven_and_braked(0.0);
    engine.push([(0.0, 0)].into_iter()).unwrap();
    let free = run(&mut engine, 500.0);
    assert!(free.len() > 1, "{free:?}");
    let first = free[0].0;
    for delay in [0.0, first] {
        let mut engine = driven_and_braked(delay);
        engine.push([(0.0, 0), (first - delay, 1)].into_iter()).unwrap();
        assert_eq!(run(&mut engine, 500.0), [(first, 1, 0)], "of an input {delay} ms before");
        // A moment before, it stops this one too.
        let mut engine = driven_and_braked(0.0);
        engine.push([(0.0, 0), (first.next_down(), 1)].into_iter()).unwrap();
        assert_eq!(run(&mut engine, 500.0), []);
    }
}

#[test]
fn what_arrives_at_one_moment_is_one_sum() {
    // Two inputs of half the weight, and one through a delay: the same spike as of one input.
    let spikes = |weights: [f64; 3], events: &[(f64, u32)]| {
        let mut graph = Graph::new(1.0, 1).unwrap();
        graph.add_input("in", 3).unwrap();
        graph.add_population("neuron", 2, params(1.0, 1.0)).unwrap();
        let synapses = Connectivity::from_lists(3, 2, &[0, 1, 2], &[1, 1, 1], &weights, &[0.0, 0.0, 2.5]).unwrap();
        graph.add_projection(0, 1, synapses).unwrap();
        let mut engine = ContinuousEngine::new(Arc::new(graph)).unwrap();
        engine.push(events.iter().copied()).unwrap();
        (run(&mut engine, 200.0), engine.counts())
    };
    let (one, counts) = spikes([16.0, 0.0, 0.0], &[(5.0, 0)]);
    assert!(one.len() > 1 && one.iter().all(|&(t, p, i)| t > 5.0 && (p, i) == (1, 1)));
    assert_eq!((counts.input_events, counts.spikes, counts.synaptic_events), (1, one.len() as u64, 1));
    // Once by the arrival, once by each spike.
    assert_eq!(counts.state_updates, 1 + one.len() as u64);
    let (three, counts) = spikes([4.0, 4.0, 8.0], &[(2.5, 2), (5.0, 0), (5.0, 1)]);
    assert_eq!(one, three);
    assert_eq!((counts.input_events, counts.synaptic_events, counts.state_updates), (3, 3, 1 + one.len() as u64));
}

#[test]
fn spikes_reach_every_synapse_after_its_own_delay() {
    // One neuron whose synapses have three delays, two of them one.
    let delays = [4.0, 0.5, 4.0, 2.25];
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", 2).unwrap();
    graph.add_population("neurons", 4, params(1.0, 1.0)).unwrap();
    let synapses = Connectivity::from_lists(2, 4, &[1; 4], &[0, 1, 2, 3], &[9.0, 10.0, 11.0, 12.0], &delays).unwrap();
    graph.add_projection(0, 1, synapses).unwrap();
    let graph = Arc::new(graph);
    let mut engine = ContinuousEngine::new(Arc::clone(&graph)).unwrap();
    engine.push([(3.0, 1)].into_iter()).unwrap();
    let spikes = run(&mut engine, 300.0);
    let lif = ContinuousLif::new(&params(1.0, 1.0)).unwrap();
    for (i, (weight, delay)) in [9.0, 10.0, 11.0, 12.0].into_iter().zip(delays).enumerate() {
        let first = spikes.iter().find(|&&(_, _, neuron)| neuron == i as u32).unwrap().0;
        let expected = 3.0 + delay + lif.next_crossing(weight, 0.0).unwrap();
        assert!((first - expected).abs() < 1e-12, "{i}: {first}, expected {expected}");
    }
    assert_eq!(engine.counts().synaptic_events, 4);
    let (p, u) = engine.currents_and_potentials(1);
    assert!(p.iter().all(|p| (0.0..1e-9).contains(p)) && u.iter().all(|u| u.abs() < 1.0), "{p:?} {u:?}");
    assert_eq!(engine.currents_and_potentials(0), (vec![], vec![]));
}

#[test]
fn held_neurons_keep_their_current() {
    // Through a spike, in the refractory time and after it, by the solution of the equations.
    let mut engine = driven_and_braked(0.0);
    engine.push([(0.0, 0)].into_iter()).unwrap();
    let lif = ContinuousLif::new(&params(1.0, 1.0)).unwrap();
    let first = lif.next_crossing(20.0, 0.0).unwrap();
    for after in [-0.1, 0.0, 0.4, 1.0, 1.1] {
        engine.reset();
        engine.push([(0.0, 0)].into_iter()).unwrap();
        let until = first + after;
        run(&mut engine, until.next_up());
        let (p, u) = engine.currents_and_potentials(1);
        assert!((p[0] - 20.0 * (-until / 5.0).exp()).abs() < 1e-9, "{after}: {p:?}");
        let expected = match after {
            -0.1 => lif.advance(20.0, 0.0, until).1,
            1.1 => lif.advance(20.0 * (-(first + 1.0) / 5.0).exp(), 0.0, 0.1).1,
            _ => 0.0,
        };
        assert!((u[0] - expected).abs() < 1e-9, "{after}: {u:?}, expected {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What is cut off, looked at and taken up again, here or elsewhere, goes on as if it had not been.
    #[test]
    fn runs_in_pieces_are_one_run(
        seed: u64, events in prop::collection::vec((0.0..60.0f64, 0..6u32), 0..60), cuts in prop::collection::vec(0.0..70.0f64, 1..5),
    ) {
        let mut graph = Graph::<f64>::new(1.0, seed).unwrap();
        graph.add_input("in", 6).unwrap();
        graph.add_population("a", 7, params(1.0, 2.0)).unwrap();
        graph.add_population("b", 5, params(0.7, 3.0)).unwrap();
        let some = ConnectionRule::FixedProbability { probability: 0.6, self_loops: false };
        let weight = Init::Uniform { low: -3.0, high: 4.0 };
        let drawn = Delay::Drawn(DelayDistribution::UniformDelay { low: 1.0, high: 4.0 });
        for (pre, post, delay) in [(0, 1, &Delay::Fixed(0.0)), (1, 2, &drawn), (2, 2, &drawn), (2, 1, &Delay::Fixed(1.0))] {
            graph.connect(pre, post, &some, &weight, delay).unwrap();
        }
        let graph = Arc::new(graph);
        let mut events = events;
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut whole = ContinuousEngine::new(Arc::clone(&graph)).unwrap();
        whole.push(events.iter().copied()).unwrap();
        let expected = run(&mut whole, 80.0);
        let mut parts = ContinuousEngine::new(Arc::clone(&graph)).unwrap();
        parts.push(events.iter().copied()).unwrap();
        let mut cuts = cuts;
        cuts.sort_by(f64::total_cmp);
        let mut spikes = Vec::new();
        for cut in cuts {
            spikes.extend(run(&mut parts, cut));
            prop_assert_eq!(parts.now(), cut);
            let (snapshot, counts) = (parts.snapshot(), parts.counts());
            snapshot.check(&graph).unwrap();
            prop_assert!(snapshot.arrivals.is_sorted());
            prop_assert!(snapshot.pending.iter().all(|&(t, _)| t >= cut));
            let mut other = ContinuousEngine::new(Arc::clone(&graph)).unwrap();
            other.push([(1e9, 0)].into_iter()).unwrap();
            other.restore(&snapshot).unwrap();
            prop_assert_eq!(&other.snapshot(), &snapshot);
            prop_assert_eq!(other.counts(), Counts::default());
            parts.restore(&snapshot).unwrap();
            prop_assert_eq!(parts.counts(), counts);
            let [mut a, mut b] = [parts.clone(), other];
            prop_assert_eq!(run(&mut a, 80.0), run(&mut b, 80.0));
        }
        spikes.extend(run(&mut parts, 80.0));
        prop_assert_eq!(&spikes, &expected);
        prop_assert_eq!(parts.counts(), whole.counts());
        prop_assert_eq!(parts.counts().spikes, spikes.len() as u64);
    }
}
