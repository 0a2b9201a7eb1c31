//! Engine against engine, on random graphs and inputs.

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::graph::{ConnectionRule, Connectivity, Graph};
use crate::network::{Delay, DelayDistribution, Init};
use crate::neuron::{Discretisation, LifParams};
use crate::simd::Real;

/// (step, population, neuron)
type Spikes = Vec<(u64, usize, u32)>;

fn rules() -> impl Strategy<Value = ConnectionRule> {
    prop_oneof![
        Just(ConnectionRule::AllToAll { self_loops: true }),
        Just(ConnectionRule::AllToAll { self_loops: false }),
        (0.05..1.0f64, any::<bool>())
            .prop_map(|(probability, self_loops)| ConnectionRule::FixedProbability { probability, self_loops }),
        (0..4usize, any::<bool>()).prop_map(|(n, self_loops)| ConnectionRule::FixedOutDegree { n, self_loops }),
        (0..4usize, any::<bool>()).prop_map(|(n, self_loops)| ConnectionRule::FixedInDegree { n, self_loops }),
    ]
}

fn delays() -> impl Strategy<Value = Delay> {
    prop_oneof![
        (0..12u32).prop_map(|steps| Delay::Fixed(f64::from(steps))),
        (0..5u32, 0..9u32).prop_map(|(low, more)| Delay::Drawn(DelayDistribution::UniformDelay {
            low: f64::from(low),
            high: f64::from(low + more)
        })),
    ]
}

fn neurons() -> impl Strategy<Value = LifParams> {
    let taus = prop_oneof![Just(1.0), Just(4.0), Just(20.0), Just(64.0), Just(3000.0), 1.0..100.0f64];
    (taus.clone(), taus, 0.2..3.0f64, 0..6u32, any::<bool>()).prop_map(|(tau_m, tau_s, v_th, t_ref, exact)| LifParams {
        tau_m,
        tau_s,
        v_th,
        t_ref: f64::from(t_ref),
        dt: 1.0,
        discretisation: if exact { Discretisation::Exact } else { Discretisation::Euler },
    })
}

#[derive(Clone, Debug)]
struct Case {
    n_in: usize,
    populations: Vec<(usize, LifParams)>,
    projections: Vec<(prop::sample::Index, prop::sample::Index, ConnectionRule, Delay)>,
    scale: f64,
    seed: u64,
    /// Whole multiples of a power of two, so that sums are exact.
    coarse: bool,
    events: Vec<(u64, u32)>,
    n_steps: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let populations = prop::collection::vec((4..40usize, neurons()), 1..4);
    let projections =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), rules(), delays()), 1..6);
    (4..20usize, populations, projections, 0.2..6.0f64, any::<u64>(), any::<bool>(), 0..6u8, 2..400u64).prop_flat_map(
        |(n_in, populations, projections, scale, seed, coarse, kind, n_steps)| {
            let n_events = match kind {
                0 => 0..4usize,
                1 => 0..40,
                _ => 20..300,
            };
            // Crowded: many at once, and at the ends.
            let time = if kind == 3 {
                prop_oneof![Just(0), Just(n_steps - 1), Just(n_steps / 2)].boxed()
            } else {
                (0..n_steps).boxed()
            };
            prop::collection::vec((time, 0..n_in as u32), n_events).prop_map(move |mut events| {
                events.sort_unstable();
                if kind < 5 {
                    // At most one spike an input and step: what ties are proven for.
                    events.dedup();
                }
                let (populations, projections) = (populations.clone(), projections.clone());
                Case { n_in, populations, projections, scale, seed, coarse, events, n_steps }
            })
        },
    )
}

impl Case {
    fn graph<F: Real>(&self) -> Arc<Graph<F>> {
        let mut graph = Graph::new(1.0, self.seed).unwrap();
        graph.add_input("input", self.n_in).unwrap();
        for (at, (n, params)) in self.populations.iter().enumerate() {
            graph.add_population(&format!("{at}"), *n, *params).unwrap();
        }
        let weight = if self.coarse {
            Init::Constant { value: 0.25 * self.scale.round() }
        } else {
            Init::Uniform { low: -0.4 * self.scale, high: self.scale }
        };
        let all = Delay::Fixed(0.0);
        graph
            .connect(0, 1, &ConnectionRule::FixedProbability { probability: 0.5, self_loops: true }, &weight, &all)
            .unwrap();
        for (pre, post, rule, delay) in &self.projections {
            let (pre, post) = (pre.index(self.populations.len() + 1), 1 + post.index(self.populations.len()));
            graph.connect(pre, post, rule, &weight, delay).unwrap();
        }
        Arc::new(graph)
    }
}

fn clocked<F: Real>(case: &Case) -> (Spikes, Counts) {
    let mut engine = ClockedEngine::new(case.graph::<F>()).unwrap();
    let mut spikes = Vec::new();
    engine.transit_mut().push(case.events.iter().copied()).unwrap();
    engine.advance(case.n_steps, &mut |t, p, list| spikes.extend(list.iter().map(|&i| (t, p, i))), &mut || true);
    (spikes, engine.counts())
}

fn event<F: Real>(case: &Case) -> (Spikes, Counts, bool) {
    let mut engine = EventEngine::new(case.graph::<F>()).unwrap();
    let mut spikes = Vec::new();
    engine.transit_mut().push(case.events.iter().copied()).unwrap();
    engine.advance(case.n_steps, &mut |t, p, list| spikes.extend(list.iter().map(|&i| (t, p, i))), &mut || true);
    (spikes, engine.counts(), engine.ties_are_proven())
}

/// Without a near tie the engines must agree; most cases have none, and most of those have spikes to agree on.
#[test]
fn event_engine_is_the_clocked_one() {
    let (n_compared, n_spiking, n_cases) = (Cell::new(0), Cell::new(0), 600);
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::with_cases(n_cases), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&cases(), |case| {
        let (expected, by_clock) = clocked::<f64>(&case);
        let (spikes, by_event, proven) = event::<f64>(&case);
        if by_event.near_ties == 0 && proven {
            prop_assert_eq!(&spikes, &expected);
            let same = |c: Counts| (c.input_events, c.spikes, c.synaptic_events);
            prop_assert_eq!(same(by_event), same(by_clock));
            n_compared.set(n_compared.get() + 1);
            n_spiking.set(n_spiking.get() + u32::from(spikes.len() > 10));
        }
        Ok(())
    });
    result.unwrap();
    println!("{n_compared:?} {n_spiking:?}");
    assert!(n_compared.get() > n_cases * 7 / 10 && n_spiking.get() > n_cases * 4 / 10, "{n_compared:?} {n_spiking:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What is cut off and taken up again goes on as if it had not been, in either engine and from one to the other.
    #[test]
    fn snapshots_are_complete(case in cases(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(case.n_steps as usize) as u64;
        let graph = case.graph::<f64>();
        let (expected, counts, proven) = event::<f64>(&case);
        let mut before = EventEngine::new(Arc::clone(&graph)).unwrap();
        let mut spikes = Vec::new();
        before.transit_mut().push(case.events.iter().copied()).unwrap();
        before.advance(cut, &mut |t, p, list| spikes.extend(list.iter().map(|&i| (t, p, i))), &mut || true);
        let snapshot = before.snapshot();
        let mut after = EventEngine::new(Arc::clone(&graph)).unwrap();
        after.restore(&snapshot);
        prop_assert_eq!(&after.snapshot(), &snapshot);
        let first = spikes.clone();
        after.advance(case.n_steps, &mut |t, p, list| spikes.extend(list.iter().map(|&i| (t, p, i))), &mut || true);
        prop_assert_eq!(&spikes, &expected);
        if counts.near_ties == 0 && proven {
            let mut other = ClockedEngine::new(graph).unwrap();
            other.restore(&snapshot).unwrap();
            let mut spikes = first;
            other.advance(case.n_steps, &mut |t, p, list| spikes.extend(list.iter().map(|&i| (t, p, i))), &mut || true);
            prop_assert_eq!(&spikes, &expected);
        }
    }
}

/// A feed-forward chain with delays, of which the continuous engine's spikes are known to any precision wanted.
fn chain(dt: f64, tau_s: f64) -> Arc<Graph<f64>> {
    let params = LifParams { tau_m: 20.0, tau_s, v_th: 1.0, t_ref: 2.0, dt, discretisation: Discretisation::Exact };
    let mut graph = Graph::new(dt, 3).unwrap();
    graph.add_input("input", 20).unwrap();
    graph.add_population("a", 10, params).unwrap();
    graph.add_population("b", 10, LifParams { tau_m: 2.0 * tau_s, ..params }).unwrap();
    let sparse = ConnectionRule::FixedProbability { probability: 0.6, self_loops: true };
    let weight = Init::Uniform { low: -0.5, high: 2.0 };
    graph.connect(0, 1, &sparse, &weight, &Delay::Fixed(1.0)).unwrap();
    // Delays are drawn in steps: as lists they are the same for every dt.
    let (pre, post): (Vec<u32>, Vec<u32>) = (0..10).flat_map(|j| (0..10).map(move |i| (j, i))).unzip();
    let delays: Vec<f64> = (0..100).map(|at| f64::from(at * 7 % 4)).collect();
    let weights: Vec<f64> = (0..100).map(|at| f64::from(at * 13 % 11) * 0.2 - 0.5).collect();
    graph.add_projection(1, 2, Connectivity::from_lists(10, 10, &pre, &post, &weights, &delays).unwrap()).unwrap();
    Arc::new(graph)
}

/// Input events on a grid of 1 ms.
fn chain_events() -> Vec<(u64, u32)> {
    (0..50u64)
        .flat_map(|t| (0..20u32).filter(move |x| (t * 31 + u64::from(*x) * 17) % 23 == 0).map(move |x| (t, x)))
        .collect()
}

fn continuous_spikes(graph: &Arc<Graph<f64>>, events: &[(u64, u32)], until: f64) -> Vec<(f64, usize, u32)> {
    let mut engine = ContinuousEngine::new(Arc::clone(graph)).unwrap();
    engine.push(events.iter().map(|&(t, x)| (t as f64, x))).unwrap();
    let mut spikes = Vec::new();
    engine.advance(until, &mut |t, p, i| spikes.push((t, p, i)), &mut || true);
    spikes
}

/// A spike of the grid waits for the end of a step, and with it all that follows from it: an error of first order. No spike
/// is missed or made up.
#[test]
fn clocked_engine_converges_to_the_continuous_one() {
    for tau_s in [5.0, 10.0, 20.0, 3.3] {
        let expected = continuous_spikes(&chain(1.0, tau_s), &chain_events(), 50.0);
        assert!(expected.len() > 80, "{}", expected.len());
        let mut errors = Vec::new();
        for dt in [1.0 / 512.0, 1.0 / 2048.0, 1.0 / 8192.0] {
            let per_ms = (1.0 / dt) as u64;
            let mut engine = ClockedEngine::new(chain(dt, tau_s)).unwrap();
            engine.transit_mut().push(chain_events().iter().map(|&(t, x)| (t * per_ms, x))).unwrap();
            let mut spikes = Vec::new();
            let mut record =
                |t: u64, p: usize, list: &[u32]| spikes.extend(list.iter().map(|&i| (t as f64 * dt, p, i)));
            engine.advance(51 * per_ms, &mut record, &mut || true);
            let by_neuron = |spikes: &[(f64, usize, u32)]| {
                let mut sorted: Vec<_> = spikes.iter().map(|&(t, p, i)| (p, i, t)).collect();
                sorted.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
                sorted
            };
            let exact = by_neuron(&expected);
            // Of the last millisecond only as many as there are before it.
            let mut on_grid = by_neuron(&spikes);
            let count = |p, i| exact.iter().filter(|spike| (spike.0, spike.1) == (p, i)).count();
            let mut seen = vec![0; 30];
            on_grid.retain(|&(p, i, _)| {
                let seen = &mut seen[p * 10 + i as usize];
                *seen += 1;
                *seen <= count(p, i)
            });
            assert_eq!(on_grid.len(), exact.len(), "tau_s {tau_s}, dt {dt}");
            let late: Vec<f64> = on_grid
                .iter()
                .zip(&exact)
                .map(|(a, b)| {
                    assert_eq!((a.0, a.1), (b.0, b.1));
                    a.2 - b.2
                })
                .collect();
            errors.push(late.iter().map(|late| late.abs()).sum::<f64>() / late.len() as f64 / dt);
        }
        // In units of dt, the mean error stays what it is.
        assert!(errors.iter().all(|error| (0.3..30.0).contains(error)), "tau_s {tau_s}: {errors:?}");
        assert!((errors[2] / errors[1] - 1.0).abs() < 0.35, "tau_s {tau_s}: {errors:?}");
    }
}
