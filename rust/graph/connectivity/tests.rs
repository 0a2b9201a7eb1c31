//! Lists of synapses, and the rows made of them.

use proptest::prelude::*;

use super::*;

type Synapse = (u32, u32, f64, i32);

/// All synapses, through the rows and through the groups of delays.
fn synapses(of: &Connectivity<i32>) -> [Vec<Synapse>; 2] {
    let mut lists = [Vec::new(), Vec::new()];
    for pre in 0..of.n_pre() {
        let mut place = of.range(pre).start;
        of.for_each(pre, |target, weight| {
            assert_eq!(weight, of.weight()[place]);
            lists[0].push((pre as u32, target as u32, of.delay(place), weight));
            place += 1;
        });
        for (group, &delay) in of.delays().distinct().iter().enumerate() {
            let row = of.at(of.group_range(pre, group));
            row.for_each(|target, weight| lists[1].push((pre as u32, target, delay, weight)));
        }
    }
    lists
}

fn sorted(mut synapses: Vec<Synapse>) -> Vec<Synapse> {
    synapses.sort_by(|a, b| (a.0, a.1, a.3).cmp(&(b.0, b.1, b.3)).then(a.2.total_cmp(&b.2)));
    synapses
}

proptest! {
    /// In any order, pairs that come again, one delay and more than a byte tells apart.
    #[test]
    fn lists_come_back(
        n_delays in prop_oneof![Just(1u32), Just(3), Just(256), Just(257), Just(2000)],
        list in proptest::collection::vec((0..6u32, 0..9u32, any::<u32>()), 0..900),
    ) {
        let pre: Vec<u32> = list.iter().map(|s| s.0).collect();
        let post: Vec<u32> = list.iter().map(|s| s.1).collect();
        let delay: Vec<f64> = list.iter().map(|s| 0.1 * f64::from(s.2 % n_delays)).collect();
        let weight: Vec<i32> = (0..list.len() as i32).collect();
        let made = Connectivity::from_lists(6, 9, &pre, &post, &weight, &delay).unwrap();
        prop_assert_eq!((made.len(), made.is_empty(), made.is_all()), (list.len(), list.is_empty(), false));
        prop_assert!(made.delays().distinct().is_sorted_by(|a, b| a < b));
        let given: Vec<_> = (0..list.len()).map(|at| (pre[at], post[at], delay[at], weight[at])).collect();
        let [by_row, by_group] = synapses(&made);
        prop_assert_eq!(&by_row, &by_group);
        prop_assert_eq!(sorted(by_row), sorted(given));
        let mut expected = vec![(0, 0.0); 9];
        for at in 0..list.len() {
            let (n, sum) = &mut expected[post[at] as usize];
            *n += 1;
            *sum += f64::from(weight[at]);
        }
        prop_assert_eq!(made.input_sizes(f64::from), expected);
    }
}

#[test]
fn all_to_all_needs_no_targets() {
    let all = Connectivity::all(2, 3, vec![1, 2, 3, 4, 5, 6], 1.5);
    let expected = vec![(0, 0, 1.5, 1), (0, 1, 1.5, 2), (0, 2, 1.5, 3), (1, 0, 1.5, 4), (1, 1, 1.5, 5), (1, 2, 1.5, 6)];
    assert!(all.is_all());
    assert_eq!(synapses(&all), [expected.clone(), expected]);
    assert_eq!(all.input_sizes(f64::from), [(2, 5.0), (2, 7.0), (2, 9.0)]);
}

#[test]
fn delays_in_steps() {
    let delay = [0.5, 0.0, 3.0, 0.5];
    let made = Connectivity::from_lists(4, 1, &[0, 1, 2, 3], &[0; 4], &[1; 4], &delay).unwrap();
    assert_eq!(made.delays().steps("delay", 0.5).unwrap(), [0, 1, 6]);
    assert!(made.delays().steps("delay", 0.4).unwrap_err().to_string().starts_with("delay must be"));
}

#[test]
fn names_the_first_bad_synapse() {
    let made = |pre: &[u32], post: &[u32], weight: &[i32], delay: &[f64]| {
        Connectivity::from_lists(3, 4, pre, post, weight, delay).unwrap_err().to_string()
    };
    assert_eq!(made(&[0, 3], &[0, 0], &[1, 1], &[0.0]), "pre[1] must be a neuron in [0, 3), got 3");
    assert_eq!(made(&[0, 2], &[0, 4], &[1, 1], &[0.0]), "post[1] must be a neuron in [0, 4), got 4");
    assert_eq!(made(&[0, 2], &[0], &[1, 1], &[0.0]), "post has shape (1,), expected (2,) as pre");
    assert_eq!(made(&[0, 2], &[0, 1], &[1], &[0.0]), "weight has shape (1,), expected (2,) as pre");
    assert_eq!(made(&[0, 2], &[0, 1], &[1, 1], &[0.0; 3]), "delay has shape (3,), expected one number, or (2,) as pre");
    assert_eq!(made(&[0, 2], &[0, 1], &[1, 1], &[0.0, -1.0]), "delay[1] must be finite and >= 0 ms, got -1");
    assert_eq!(made(&[0, 2], &[0, 1], &[1, 1], &[f64::NAN]), "delay must be finite and >= 0 ms, got NaN");
}
