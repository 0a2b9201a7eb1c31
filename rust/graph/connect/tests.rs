//! What rules draw: checked synapse by synapse.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::network::DelayDistribution;

fn drawing<'a>([n_pre, n_post]: [usize; 2], same: bool, weight: &'a Init, delay: &'a Delay) -> Drawing<'a> {
    Drawing { n_pre, n_post, same, weight, delay, dt: 0.5, seed: 7, index: 0 }
}

fn rules() -> impl Strategy<Value = ConnectionRule> {
    prop_oneof![
        any::<bool>().prop_map(|self_loops| ConnectionRule::AllToAll { self_loops }),
        Just(ConnectionRule::OneToOne),
        (0.01..=1.0f64, any::<bool>())
            .prop_map(|(probability, self_loops)| ConnectionRule::FixedProbability { probability, self_loops }),
        (0..30usize, any::<bool>()).prop_map(|(n, self_loops)| ConnectionRule::FixedOutDegree { n, self_loops }),
        (0..30usize, any::<bool>()).prop_map(|(n, self_loops)| ConnectionRule::FixedInDegree { n, self_loops }),
    ]
}

fn delays() -> impl Strategy<Value = Delay> {
    prop_oneof![
        (0..9u32).prop_map(|steps| Delay::Fixed(0.5 * f64::from(steps))),
        (0..3u32, 0..7u32).prop_map(|(low, more)| {
            let (low, high) = (0.5 * f64::from(low), 0.5 * f64::from(low + more));
            Delay::Drawn(DelayDistribution::UniformDelay { low, high })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn synapses_are_those_the_rule_says(rule in rules(), sizes in [1..40usize, 1..700usize], same in any::<bool>(), delay in delays()) {
        let sizes = if same || rule == ConnectionRule::OneToOne { [sizes[0]; 2] } else { sizes };
        let weight = Init::Uniform { low: 0.5, high: 1.0 };
        let drawing = drawing(sizes, same, &weight, &delay);
        let Ok(drawn) = rule.draw::<f64>(&drawing) else {
            // Only a degree can be too large.
            let (n, available) = match rule {
                ConnectionRule::FixedOutDegree { n, self_loops } => (n, sizes[1] - usize::from(same && !self_loops)),
                ConnectionRule::FixedInDegree { n, self_loops } => (n, sizes[0] - usize::from(same && !self_loops)),
                _ => return Err(TestCaseError::fail("refused")),
            };
            prop_assert!(n > available);
            return Ok(());
        };
        let (mut pairs, mut into, [low, high]) = (BTreeSet::new(), vec![0; sizes[1]], match delay {
            Delay::Fixed(delay) => [delay; 2],
            Delay::Drawn(DelayDistribution::UniformDelay { low, high }) => [low, high],
        });
        for pre in 0..sizes[0] {
            let range = drawn.range(pre);
            let mut last = None;
            for place in range.clone() {
                let (target, group) = (drawn.target(pre, place), drawn.delays().group(place));
                prop_assert!(target < sizes[1] && pairs.insert((pre, target)), "{pre} -> {target} twice");
                into[target] += 1;
                // Rows are sorted by delay, and what has one delay by target.
                prop_assert!(last < Some((group, target)));
                last = Some((group, target));
                let (delay, weight) = (drawn.delays().distinct()[group], drawn.weight()[place]);
                prop_assert!(low <= delay && delay <= high && (delay * 2.0).fract() == 0.0);
                prop_assert!((0.5..=1.0).contains(&weight));
                prop_assert!(drawn.group_range(pre, group).contains(&place));
            }
            if let ConnectionRule::FixedOutDegree { n, .. } = rule {
                prop_assert_eq!(range.len(), n);
            }
        }
        let without = |self_loops: bool| same && !self_loops;
        let everyone = || (0..sizes[0]).flat_map(|j| (0..sizes[1]).map(move |i| (j, i)));
        match rule {
            ConnectionRule::AllToAll { self_loops } => {
                prop_assert_eq!(pairs, everyone().filter(|(j, i)| j != i || !without(self_loops)).collect());
            }
            ConnectionRule::OneToOne => prop_assert_eq!(pairs, (0..sizes[0]).map(|i| (i, i)).collect()),
            ConnectionRule::FixedInDegree { n, self_loops } => {
                prop_assert!(into.iter().all(|&degree| degree == n));
                prop_assert!(!without(self_loops) || pairs.iter().all(|(j, i)| j != i));
            }
            ConnectionRule::FixedProbability { self_loops, .. } | ConnectionRule::FixedOutDegree { self_loops, .. } => {
                prop_assert!(!without(self_loops) || pairs.iter().all(|(j, i)| j != i));
            }
            ConnectionRule::Convolution(_) => unreachable!("tested in its file"),
        }
    }

    /// Every set of k below n, without `own`.
    #[test]
    fn chosen_are_different(n in 1..50usize, k in 0..50usize, own in proptest::option::of(0..50usize), seed in any::<u64>()) {
        let own = own.filter(|own| *own < n);
        prop_assume!(k <= n - usize::from(own.is_some()));
        let mut chosen = vec![99];
        choose(k, n, own, &mut generator(seed, 0), &mut chosen);
        prop_assert_eq!(chosen.len(), k);
        prop_assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|&i| (i as usize) < n && Some(i as usize) != own));
    }
}

/// The pairs of five things, drawn from few and from many: each of the ten as often, within five standard deviations.
#[test]
fn every_choice_is_as_likely() {
    for k in [2, 3] {
        let mut counts = std::collections::BTreeMap::new();
        let (mut rng, mut chosen) = (generator(3, 1), Vec::new());
        for _ in 0..10_000 {
            choose(k, 6, Some(2), &mut rng, &mut chosen);
            *counts.entry(chosen.clone()).or_insert(0.0) += 1.0;
        }
        assert_eq!(counts.len(), 10);
        let sigma = (10_000.0f64 * 0.1 * 0.9).sqrt();
        assert!(counts.values().all(|count: &f64| (count - 1000.0).abs() < 5.0 * sigma), "{counts:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let (weight, delay) =
        (Init::Normal { mean: 0.0, std: 1.0 }, Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 4.0 }));
    let drawing = drawing([1000, 300], false, &weight, &delay);
    for rule in [
        ConnectionRule::AllToAll { self_loops: true },
        ConnectionRule::FixedProbability { probability: 0.1, self_loops: true },
        ConnectionRule::FixedOutDegree { n: 9, self_loops: true },
        ConnectionRule::FixedInDegree { n: 9, self_loops: true },
    ] {
        let [one, two] = [1, 2].map(|n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            let drawn = pool.install(|| rule.draw::<f32>(&drawing)).unwrap();
            let targets: Vec<_> = (0..1000).flat_map(|j| drawn.range(j).map(move |at| (j, at))).collect();
            let targets: Vec<_> = targets.into_iter().map(|(j, at)| drawn.target(j, at)).collect();
            (targets, drawn.weight().to_vec(), drawn.delays().clone())
        });
        assert_eq!(one, two);
    }
}

#[test]
fn names_what_is_outside_its_domain() {
    let (weight, delay) = (Init::Constant { value: 1.0 }, Delay::Fixed(0.0));
    let message = |rule: ConnectionRule, weight: &Init, delay: &Delay| {
        rule.draw::<f32>(&drawing([3, 4], false, weight, delay)).unwrap_err().to_string()
    };
    let all = ConnectionRule::AllToAll { self_loops: true };
    for (rule, start) in [
        (ConnectionRule::OneToOne, "post must be of 3 neurons"),
        (ConnectionRule::FixedProbability { probability: f64::NAN, self_loops: true }, "probability must be in (0, 1]"),
        (ConnectionRule::FixedOutDegree { n: 5, self_loops: true }, "n must be <= 4"),
        (ConnectionRule::FixedInDegree { n: 4, self_loops: true }, "n must be <= 3"),
    ] {
        assert!(message(rule, &weight, &delay).starts_with(start), "{}", message(rule, &weight, &delay));
    }
    assert!(
        message(all, &Init::Constant { value: 1e39 }, &delay).starts_with("weight must be in the range of float32")
    );
    assert!(message(all, &weight, &Delay::Fixed(-1.0)).starts_with("delay must be"));
    let many = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 128.0 });
    assert!(message(all, &weight, &many).starts_with("delay must be of at most 256"));
}

#[test]
fn too_many_synapses_are_refused_before_they_are_drawn() {
    let (weight, fixed) = (Init::Constant { value: 1.0 }, Delay::Fixed(0.0));
    let drawn = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 4.0 });
    let largest = (1 << 31) - 1;
    for (rule, n) in [
        (ConnectionRule::AllToAll { self_loops: true }, "4611686014132420609"),
        (ConnectionRule::AllToAll { self_loops: false }, "4611686014132420609"),
        (ConnectionRule::FixedOutDegree { n: 1 << 30, self_loops: true }, "2305843008139952128"),
        (ConnectionRule::FixedInDegree { n: 1 << 30, self_loops: true }, "2305843008139952128"),
        (ConnectionRule::FixedProbability { probability: 0.5, self_loops: true }, "2075258706359589"),
    ] {
        for delay in [&fixed, &drawn] {
            let error = rule.draw::<f32>(&drawing([largest; 2], true, &weight, delay)).unwrap_err();
            assert!(matches!(error, Error::Memory { .. }));
            assert!(error.to_string().starts_with(&format!("n_synapses = {n}")), "{error}");
        }
    }
}
