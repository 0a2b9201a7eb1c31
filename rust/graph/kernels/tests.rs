//! Kernels against the table of their synapses.

use proptest::prelude::*;

use crate::graph::Connectivity;
use crate::graph::strategies::{KernelCase, kernels, patterns};
use crate::graph::{Row, Sliding};
use crate::network::{AvgPool2d, Conv2d, ConvSizes, Pattern, Shape};

fn number(weight: i8) -> f32 {
    f32::from(weight) / 16.0
}

/// Synapses of a neuron with one delay, by target.
fn listed(of: &Connectivity<f32>, pre: usize, delay: usize) -> Vec<(u32, f32)> {
    let mut synapses = Vec::new();
    let range = of.group_range(pre, delay);
    assert_eq!(of.delay(range.start), of.delays().distinct()[delay]);
    let row = of.at(range.clone());
    row.for_each(|i, w| synapses.push((i, w)));
    assert_eq!(synapses.len(), of.count(range));
    if let Row::Kernels(row) = row {
        let (mut target, mut weight) = (vec![7; 3], vec![7.0; 3]);
        row.list(&mut target, &mut weight);
        assert_eq!((synapses.len(), row.n_synapses()), (target.len(), target.len()));
        assert!(synapses.iter().copied().eq(target.into_iter().zip(weight)));
    }
    synapses.sort_unstable_by_key(|&(i, _)| i);
    synapses
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn kernels_are_their_table(case in kernels()) {
        let (kernels, table) = (case.kernels(0.5, number), case.table(0.5, number));
        prop_assert_eq!((kernels.n_pre(), kernels.n_post()), (table.n_pre(), table.n_post()));
        prop_assert_eq!((kernels.len(), kernels.is_empty()), (table.len(), table.is_empty()));
        prop_assert_eq!(kernels.delays().distinct(), table.delays().distinct());
        prop_assert!(!kernels.is_all() && !kernels.is_listed() && kernels.has_kernels() && table.is_listed());
        for pre in 0..table.n_pre() {
            prop_assert_eq!(kernels.count(kernels.range(pre)), table.range(pre).len());
            for delay in 0..case.delays.len() {
                let row = table.at(table.group_range(pre, delay));
                let mut expected = Vec::new();
                row.for_each(|i, w| expected.push((i, w)));
                prop_assert_eq!(listed(&kernels, pre, delay), expected);
            }
            // The delays that occur, one after the other.
            let delays = |of: &Connectivity<f32>| {
                let (mut found, mut place) = (Vec::new(), of.range(pre).start);
                while let Some(first) = of.next_place(pre, place) {
                    let range = of.group_at(pre, first);
                    assert_eq!(range.start, first);
                    found.push((of.delay(first), of.count(range.clone())));
                    place = range.end;
                }
                found
            };
            prop_assert_eq!(delays(&kernels), delays(&table));
        }
        let size = |w: f32| f64::from(w).abs();
        prop_assert_eq!(kernels.input_sizes(size), table.input_sizes(size));
        prop_assert_eq!(kernels.to_lists().unwrap(), table.to_lists().unwrap());
    }

    #[test]
    fn parts_make_the_same_again(case in kernels()) {
        let kernels = case.kernels(0.5, number);
        let parts = kernels.to_parts().unwrap();
        let sliding = Sliding::from_words(&parts.sliding.unwrap().words()).unwrap();
        prop_assert_eq!(Some(sliding), parts.sliding);
        let again = Connectivity::from_parts(kernels.n_pre(), kernels.n_post(), parts.clone()).unwrap();
        prop_assert_eq!(again.to_parts().unwrap(), parts);
        prop_assert_eq!(again.to_lists().unwrap(), kernels.to_lists().unwrap());
        prop_assert_eq!(words(&again), words(&kernels));
    }

    #[test]
    fn what_differs_in_synapses_or_delays_is_told_apart(case in kernels(), other in patterns(), at: prop::sample::Index) {
        let own = case.kernels(0.5, number);
        let [shape, delays] = words(&own);
        if other != case.pattern {
            let mut moved = KernelCase { pattern: other, ..case.clone() };
            moved.entries.resize(other.matrix().into_iter().product(), (1, 0));
            prop_assert_ne!(&words(&moved.kernels(0.5, number))[0], &shape);
        }
        let mut changed = case.clone();
        let (weight, delay) = &mut changed.entries[at.index(case.entries.len())];
        if *weight == 0 {
            *weight = 1;
            prop_assert_ne!(&words(&changed.kernels(0.5, number))[0], &shape);
        } else if case.delays.len() > 1 {
            *delay = (*delay + 1) % case.delays.len();
            prop_assert_ne!(&words(&changed.kernels(0.5, number))[1], &delays);
        } else {
            *weight = if *weight == 1 { 2 } else { 1 };
            prop_assert_eq!(words(&changed.kernels(0.5, number)), [shape, delays]);
        }
    }
}

fn words(of: &Connectivity<f32>) -> [Vec<u64>; 2] {
    let (mut shape, mut delays) = (Vec::new(), Vec::new());
    of.shape(|word| shape.push(word));
    of.delay_words(|word| delays.push(word));
    [shape, delays]
}

/// The paper's second convolution, 40C5 over 15 channels of 12 x 12.
fn paper(n_delays: usize, zeros: bool) -> KernelCase {
    let sizes =
        ConvSizes { channels: 40, kernel: [5, 5], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
    let conv = Conv2d::new("conv", Shape { channels: 15, height: 12, width: 12 }, sizes).unwrap();
    let entries = (0..15_000).map(|at| (if zeros && at % 4 == 0 { 0 } else { 1 + (at % 7) as i8 }, at * 31 % n_delays));
    KernelCase { pattern: Pattern::Conv2d(conv), delays: (0..n_delays as u32).collect(), entries: entries.collect() }
}

fn bytes<W: Copy>(of: &Connectivity<W>) -> usize {
    let tables = of.of_kernels().unwrap().bytes();
    size_of_val(of.weight()) + size_of_val(of.delays().distinct()) + tables
}

#[test]
fn memory_is_that_of_the_kernels() {
    // The table has 960,000 synapses.
    let whole = paper(1, false);
    assert_eq!(whole.table(1.0, number).len(), 960_000);
    let kernels = whole.kernels(1.0, number);
    assert_eq!((kernels.len(), kernels.weight().len()), (960_000, 15_000));
    assert!(bytes(&kernels) < 4 * 15_000 + 2048, "{}", bytes(&kernels));
    assert!(bytes(&whole.kernels(1.0, i16::from)) < 2 * 15_000 + 2048);
    // Where some are missing, the number of a channel besides, and a start for each of 375 taps and delay.
    let some = paper(1, true).kernels(1.0, number);
    assert_eq!((some.len(), some.weight().len()), (720_000, 11_250));
    assert!(bytes(&some) < 8 * 11_250 + 4 * 375 + 2048, "{}", bytes(&some));
    let delayed = paper(6, false).kernels(1.0, number);
    assert_eq!((delayed.len(), delayed.weight().len()), (960_000, 15_000));
    assert!(bytes(&delayed) < 8 * 15_000 + 4 * 375 * 6 + 2048, "{}", bytes(&delayed));
    // Of a pool one weight.
    let pool = AvgPool2d::new("pool", Shape { channels: 40, height: 8, width: 8 }, [2, 2], [2, 2], [0, 0]).unwrap();
    let pool = KernelCase { pattern: Pattern::AvgPool2d(pool), delays: vec![0], entries: vec![(4, 0)] };
    let pool = pool.kernels(1.0, number);
    assert_eq!((pool.len(), pool.weight()), (2560, &[0.25][..]));
    assert!(bytes(&pool) < 1024, "{}", bytes(&pool));
}

#[test]
fn a_pool_of_weight_0_has_no_synapses() {
    let pool = AvgPool2d::new("pool", Shape { channels: 2, height: 3, width: 3 }, [2, 2], [1, 1], [0, 0]).unwrap();
    let pool = KernelCase { pattern: Pattern::AvgPool2d(pool), delays: vec![0], entries: vec![(0, 0)] };
    let kernels = pool.kernels(1.0, number);
    assert!(kernels.is_empty());
    assert!((0..18).all(|pre| kernels.count(kernels.range(pre)) == 0 && kernels.next_place(pre, pre).is_none()));
}

#[test]
fn parts_that_are_no_kernels_are_refused() {
    let kernels = paper(2, false).kernels(1.0, number);
    let refused = |sizes: [usize; 2], change: &dyn Fn(&mut crate::graph::Parts<f32>)| {
        let mut parts = kernels.to_parts().unwrap();
        change(&mut parts);
        Connectivity::from_parts(sizes[0], sizes[1], parts).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let sizes = [15 * 144, 40 * 64];
    assert_eq!(refused(sizes, &|_| ()), "");
    for (sizes, change, expected) in [
        ([15 * 144, 40 * 63], (|_| ()) as fn(&mut crate::graph::Parts<f32>), "a weight for every tap"),
        ([15 * 143, 40 * 64], |_| (), "a weight for every tap"),
        (sizes, |parts| parts.weight.truncate(14_999), "a weight for every tap"),
        (sizes, |parts| parts.rows = Some((vec![0], vec![])), "a weight for every tap"),
        (sizes, |parts| parts.index = None, "a delay that exists"),
        (sizes, |parts| parts.index.as_mut().unwrap()[3] = 2, "a delay that exists"),
        (sizes, |parts| parts.index.as_mut().unwrap().truncate(9), "a delay that exists"),
        (sizes, |parts| parts.distinct.truncate(1), "a delay that exists"),
        (sizes, |parts| parts.distinct.reverse(), "ascending delays"),
        (sizes, |parts| (parts.distinct, parts.index) = (vec![], None), "ascending delays"),
    ] {
        let message = refused(sizes, &change);
        assert!(message.starts_with("synapses must be rows with") && message.contains(expected), "{message}");
    }
    let words = kernels.to_parts().unwrap().sliding.unwrap().words();
    let mut expected = [0, 15, 12, 12, 40, 1, 5, 5, 1, 1, 0, 0, 1, 1];
    assert_eq!(words, expected);
    assert!(Sliding::from_words(&words[..13]).is_err());
    for (at, word) in
        [(0, 2), (0, 1), (1, 0), (2, 1 << 30), (2, u64::MAX), (4, 1 << 25), (5, 2), (6, 13), (8, 0), (12, 9)]
    {
        expected = words;
        expected[at] = word;
        assert!(Sliding::from_words(&expected).is_err(), "{at} {word}");
    }
}
