//! Changes of spike trains: each field alone by what it must do, all together step by step, and what is refused.

use proptest::prelude::*;

use super::*;

fn augment(change: impl FnOnce(&mut SpikeAugment)) -> SpikeAugment {
    let mut augment =
        SpikeAugment { stretch: 0.0, max_shift: 0, drop: 0.0, time_mask: 0.0, neuron_mask: 0, first_epoch: 1 };
    change(&mut augment);
    augment
}

fn key(sample: u32) -> StreamKey {
    StreamKey { seed: 3, epoch: 2, sample }
}

/// Rows of each step.
fn listed(rows: &[Vec<u32>], n_in: usize) -> PaddedRows {
    let mut listed = PaddedRows::default();
    listed.clear(n_in);
    rows.iter().for_each(|row| listed.push_row(row));
    listed
}

fn changed(augment: &SpikeAugment, rows: &[Vec<u32>], n_in: usize, n_steps: usize, sample: u32) -> Vec<Vec<u32>> {
    let mut by_time = listed(rows, n_in);
    augment.apply(key(sample), n_steps, &mut by_time, &mut SpikeAugmentScratch::default());
    assert_eq!((by_time.n_rows(), by_time.n_columns()), (n_steps, n_in));
    (0..n_steps).map(|t| by_time.row(t).to_vec()).collect()
}

/// All of `n_in` neurons, at all of `n_steps` steps.
fn full(n_steps: usize, n_in: u32) -> Vec<Vec<u32>> {
    vec![(0..n_in).collect(); n_steps]
}

fn length(augment: &SpikeAugment, n_steps: u32, most: usize, sample: u32) -> usize {
    let all = vec![n_steps; sample as usize + 1];
    augment.lengths(&all, most, 3, 2).unwrap()[sample as usize] as usize
}

#[test]
fn nothing_asked_for_is_nothing_changed() {
    let rows = vec![vec![0, 2, 2], vec![], vec![1], vec![0, 1, 2, 3]];
    for sample in 0..20 {
        assert_eq!(changed(&augment(|_| ()), &rows, 4, 4, sample), rows);
        assert_eq!(length(&augment(|_| ()), 4, 9, sample), 4);
    }
}

#[test]
fn durations_are_uniform_and_keep_the_order() {
    let stretching = augment(|a| a.stretch = 0.25);
    // One neuron a step, so that every spike tells where it comes from.
    let rows: Vec<Vec<u32>> = (0..400).map(|t| vec![t]).collect();
    let mut factors = Vec::new();
    for sample in 0..500 {
        let n_steps = length(&stretching, 400, 1000, sample);
        let after = changed(&stretching, &rows, 400, n_steps, sample);
        let times: Vec<usize> = (0..400).map(|j| after.iter().position(|row| row.contains(&j)).unwrap()).collect();
        assert_eq!(after.iter().map(Vec::len).sum::<usize>(), 400, "no spike is lost");
        let factor = times[399] as f64 / 399.0;
        assert!(times.iter().enumerate().all(|(t, &to)| (to as f64 - t as f64 * factor).abs() < 2.0));
        assert!((n_steps as f64 / 400.0 - factor).abs() < 0.01);
        factors.push(factor);
    }
    let mean = factors.iter().sum::<f64>() / 500.0;
    // Five standard deviations of the mean, of a width of 0.5.
    assert!((mean - 1.0).abs() < 5.0 * 0.5 / (12.0f64 * 500.0).sqrt(), "{mean}");
    assert!(factors.iter().all(|factor| (0.74..1.26).contains(factor)));
    assert!(factors.iter().any(|&factor| factor < 0.77) && factors.iter().any(|&factor| factor > 1.23));
}

#[test]
fn lengths_stay_within_their_bounds() {
    let stretching = augment(|a| a.stretch = 0.9);
    for sample in 0..300 {
        let n_steps = length(&stretching, 100, 110, sample);
        assert!((10..=110).contains(&n_steps));
        assert!((2..=4).contains(&length(&stretching, 2, 110, sample)));
        // Cut at the end, or silent there, where a sample keeps its length.
        let (kept, free) =
            (changed(&stretching, &full(100, 1), 1, 100, sample), changed(&stretching, &full(100, 1), 1, 190, sample));
        assert_eq!(kept[..], free[..100]);
    }
}

#[test]
fn shifts_are_equally_likely_and_move_all_alike() {
    let shifting = augment(|a| a.max_shift = 2);
    let mut seen = [0; 5];
    for sample in 0..2000 {
        let rows = vec![vec![3], vec![0, 6], vec![2, 4, 4]];
        let after = changed(&shifting, &rows, 7, 3, sample);
        let by = after[0][0] as i64 - 3;
        seen[(by + 2) as usize] += 1;
        let moved = |row: &[u32]| -> Vec<u32> {
            row.iter().map(|&j| i64::from(j) + by).filter(|to| (0..7).contains(to)).map(|to| to as u32).collect()
        };
        assert_eq!(after, rows.iter().map(|row| moved(row)).collect::<Vec<_>>());
    }
    // 400 of each, and five standard deviations.
    assert!(seen.iter().all(|&n: &usize| n.abs_diff(400) < 90), "{seen:?}");
}

#[test]
fn shares_of_lost_spikes_are_uniform() {
    let dropping = augment(|a| a.drop = 0.4);
    let mut shares: Vec<f64> = (0..400)
        .map(|sample| {
            let after = changed(&dropping, &full(50, 40), 40, 50, sample);
            1.0 - after.iter().map(Vec::len).sum::<usize>() as f64 / 2000.0
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    for (at, share) in shares.iter().enumerate() {
        assert!((share - 0.4 * at as f64 / 400.0).abs() < 0.05, "{share} at {at}");
    }
}

#[test]
fn masks_are_one_piece_of_any_width_and_place() {
    let masking = augment(|a| (a.time_mask, a.neuron_mask) = (0.3, 4));
    let (mut steps, mut neurons) = ([0; 31], [0; 5]);
    for sample in 0..3000 {
        let after = changed(&masking, &full(100, 10), 10, 100, sample);
        let silent: Vec<usize> = (0..100).filter(|&t| after[t].is_empty()).collect();
        steps[silent.len()] += 1;
        assert!(silent.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let firing = after.iter().find(|row| !row.is_empty()).unwrap();
        let silent: Vec<u32> = (0..10).filter(|j| !firing.contains(j)).collect();
        neurons[silent.len()] += 1;
        assert!(silent.windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert!(after.iter().all(|row| row.is_empty() || row == firing));
    }
    // 100 of each width but the widest, which a draw of less than 1 never reaches; 600 of each number of neurons.
    assert!(steps[..30].iter().all(|&n: &usize| n.abs_diff(100) < 50) && steps[30] == 0, "{steps:?}");
    assert!(neurons.iter().all(|&n: &usize| n.abs_diff(600) < 110), "{neurons:?}");
}

#[test]
fn no_field_changes_what_another_does() {
    let rows = full(60, 20);
    let one = |change: &dyn Fn(&mut SpikeAugment), sample| changed(&augment(change), &rows, 20, 60, sample);
    for sample in 0..50 {
        let dropped = one(&|a| a.drop = 0.5, sample);
        let shifted = one(&|a| a.max_shift = 3, sample);
        let masked = one(&|a| (a.time_mask, a.neuron_mask) = (0.2, 5), sample);
        let (first, len) = (i64::from(shifted[0][0]), shifted[0].len() as i64);
        let by = if first > 0 { first } else { len - 20 };
        let all = one(&|a| (a.drop, a.max_shift, a.time_mask, a.neuron_mask) = (0.5, 3, 0.2, 5), sample);
        for t in 0..60 {
            let expected: Vec<u32> = (0..20u32)
                .filter(|&j| {
                    let from = i64::from(j) - by;
                    shifted[t].contains(&j) && masked[t].contains(&j) && dropped[t].contains(&(from as u32))
                })
                .collect();
            assert_eq!(all[t], expected);
        }
    }
}

#[test]
fn sets_are_changed_sample_by_sample() {
    let all = augment(|a| (a.stretch, a.max_shift, a.drop, a.first_epoch) = (0.3, 2, 0.2, 2));
    let counts: Vec<u16> = (0..3 * 40 * 6).map(|at| (at * at % 7 == 1) as u16 * (1 + at % 3) as u16).collect();
    let even = SpikeTrains::from_counts(3, 40, 6, counts.into_iter()).unwrap();
    assert_eq!(all.apply_all(&even, 3, 1).unwrap(), even);
    assert_eq!(all.apply_all(&even, 3, 2).unwrap().lengths(), None);
    let window = even.clone().with_lengths(&[40, 40, 40]).unwrap();
    assert_eq!(all.apply_all(&window, 3, 2).unwrap(), all.apply_all(&even, 3, 2).unwrap());
    let mut rows = full(25, 6);
    rows.resize(40, Vec::new());
    let mut uneven = SpikeTrains::empty(40, 6).unwrap();
    for _ in 0..5 {
        uneven.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    }
    let uneven = uneven.with_lengths(&[25, 25, 30, 25, 40]).unwrap();
    let after = all.apply_all(&uneven, 3, 2).unwrap();
    let lengths = all.lengths(uneven.lengths().unwrap(), 40, 3, 2).unwrap();
    assert_eq!(after.lengths().unwrap(), lengths);
    assert!(lengths.iter().zip([25, 25, 30, 25, 40]).any(|(&a, b)| a != b));
    for (sample, &length) in (0..).zip(&lengths) {
        let train = after.sample(sample as usize);
        let expected = changed(&all, &rows[..uneven.n_steps_of(sample as usize)], 6, length as usize, sample);
        assert_eq!((0..train.n_steps()).map(|t| train.at(t).to_vec()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn errors_name_the_field() {
    let refused = |change: &dyn Fn(&mut SpikeAugment)| augment(change).validate(10).unwrap_err().to_string();
    augment(|a| (a.stretch, a.max_shift, a.drop, a.time_mask, a.neuron_mask) = (0.99, 9, 1.0, 1.0, 10))
        .validate(10)
        .unwrap();
    assert_eq!(refused(&|a| a.stretch = 1.0), "stretch must be in [0, 1), a share, got 1");
    assert!(refused(&|a| a.stretch = f64::NAN).starts_with("stretch must be"));
    assert_eq!(refused(&|a| a.max_shift = 10), "max_shift must be < 10, the number of inputs, got 10");
    assert_eq!(refused(&|a| a.drop = 1.5), "drop must be in [0, 1], a share, got 1.5");
    assert_eq!(refused(&|a| a.time_mask = -0.5), "time_mask must be in [0, 1], a share, got -0.5");
    assert_eq!(refused(&|a| a.neuron_mask = 11), "neuron_mask must be <= 10, the number of inputs, got 11");
    assert_eq!(refused(&|a| a.first_epoch = 0), "first_epoch must be >= 1, got 0");
}

#[test]
fn all_may_be_lost() {
    let most = augment(|a| (a.stretch, a.max_shift, a.drop, a.time_mask, a.neuron_mask) = (0.99, 2, 1.0, 1.0, 3));
    for sample in 0..200 {
        let n_steps = length(&most, 5, 7, sample);
        changed(&most, &full(5, 3), 3, n_steps, sample);
    }
}

fn rows() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let row = prop::collection::vec(0..9u32, 0..6).prop_map(|mut row| {
        row.sort_unstable();
        row
    });
    prop::collection::vec(row, 1..40)
}

proptest! {
    /// Rows stay sorted, in range, and a neuron fires in no step more often than it did in any.
    #[test]
    fn any_change_leaves_lists_as_kernels_read_them(
        rows in rows(), stretch in 0.0..0.99f64, drop in 0.0..1.0f64, time_mask in 0.0..1.0f64, max_shift in 0..9usize,
        neuron_mask in 0..9usize, sample in 0..1000u32,
    ) {
        let augment = SpikeAugment { stretch, max_shift, drop, time_mask, neuron_mask, first_epoch: 1 };
        augment.validate(9).unwrap();
        let n_steps = length(&augment, rows.len() as u32, 60, sample);
        let after = changed(&augment, &rows, 9, n_steps, sample);
        let most = |rows: &[Vec<u32>]| {
            let counts = rows.iter().flat_map(|row| row.chunk_by(|a, b| a == b).map(<[u32]>::len));
            counts.max().unwrap_or(0)
        };
        prop_assert!(after.iter().all(|row| row.is_sorted() && row.iter().all(|&j| j < 9)));
        prop_assert!(most(&after) <= most(&rows));
        let total = |rows: &[Vec<u32>]| rows.iter().map(Vec::len).sum::<usize>();
        prop_assert!(total(&after) <= total(&rows));
    }

    /// Two steps that coincide hold what a count by neuron says.
    #[test]
    fn merged_steps_hold_the_larger_counts(a in rows(), b in rows()) {
        let (mut row, mut other) = (a[0].clone(), b[0].clone());
        merge(&mut row, &mut other, &mut Vec::new());
        let count = |row: &[u32], j| row.iter().filter(|&&i| i == j).count();
        let expected: Vec<u32> =
            (0..9).flat_map(|j| std::iter::repeat_n(j, count(&a[0], j).max(count(&b[0], j)))).collect();
        prop_assert_eq!(row, expected);
    }
}
