use serde_json::json;

use super::epoch::shuffled;
use super::*;
use crate::fixed::Quantization;
use crate::learn::Classes;
use crate::learn::test_cases::{config, rule};
use crate::learn::{ExponentialPenalty, Loss};
use crate::network::{Connection, Network, Origin, PanelsView};
use crate::sim::EngineKind;
use crate::spikes::SpikeTrains;

const N_STEPS: usize = 20;
const N_SAMPLES: usize = 6;

/// A layer of five neurons and one of two onto three inputs.
fn network() -> Network<f32> {
    let layer = |n: usize| {
        json!({"kind": "dense", "n": n, "tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0,
            "discretisation": "euler", "init": {"kind": "uniform", "low": -0.2, "high": 1.0},
            "lateral_inhibition": 0.0})
    };
    let config = json!({"n_in": 3, "layers": [layer(5), layer(2)], "dt": 1.0, "seed": 4});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

/// Samples that differ in their spikes, so that their losses do.
fn spikes() -> SpikeTrains {
    let mut trains = SpikeTrains::empty(N_STEPS, 3).unwrap();
    for sample in 0..N_SAMPLES {
        let rows: Vec<Vec<u32>> =
            (0..N_STEPS).map(|t| (0..3).filter(|&i| (t * (sample + 2) + i as usize) % 5 < 2).collect()).collect();
        trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    }
    trains
}

const LABELS: [u32; N_SAMPLES] = [0, 1, 0, 1, 0, 1];

fn classes() -> Classes {
    Classes::new(&LABELS, 2).unwrap()
}

/// Weights that tell the losses of samples apart.
const WEIGHTS: [f64; N_SAMPLES] = [1.0, 1.3, 1.7, 2.3, 2.9, 3.7];

/// A trainer of one sample a step; weights hardly move, unless `lr` is given.
fn trainer(net: &Network<f32>, change: impl FnOnce(&mut TrainerConfig)) -> Trainer<f32> {
    let optimizer = json!({"kind": "sgd", "lr": 1e-12, "momentum": 0.0, "nesterov": false});
    let mut config = config(json!({"optimizer": optimizer, "rule": rule(false, 1e-4), "batch_size": 1}));
    change(&mut config);
    Trainer::new(config, net, Some(1)).unwrap()
}

/// What an epoch tells, and the loss of each of its samples, in the order that they were taken in.
fn epoch(trainer: &mut Trainer<f32>, net: &mut Network<f32>, data: &SpikeTrains) -> (EpochStats, Vec<f64>) {
    let mut sums = Vec::new();
    let stats = trainer
        .train_epoch(net, Data::Spikes(data), Targets::Classes(&classes()), Some(&WEIGHTS), &mut |progress| {
            if sums.len() < progress.stats.n_samples {
                sums.push(progress.stats.loss);
            }
            true
        })
        .unwrap();
    let losses = (0..sums.len()).map(|i| sums[i] - if i > 0 { sums[i - 1] } else { 0.0 }).collect();
    (stats, losses)
}

#[test]
fn the_schedule_is_followed_within_an_epoch() {
    let mut net = network();
    let schedule = Schedule::Cosine { epochs: 2.0, min_factor: 0.0, warmup_epochs: 0.0 };
    let mut trainer = trainer(&net, |config| config.schedule = schedule);
    for done in 0..2 {
        let (stats, _) = epoch(&mut trainer, &mut net, &spikes());
        let last_step = f64::from(done) + (N_SAMPLES - 1) as f64 / N_SAMPLES as f64;
        assert_eq!(stats.lr, 1e-12 * schedule.factor(last_step));
    }
}

#[test]
fn every_step_has_the_learning_rate_of_its_time() {
    // What the weights move by is lr times gradient: with a constant gradient, the sum of the factors.
    let data = spikes();
    let moved = |schedule: Schedule| {
        let mut net = network();
        let before = net.layers()[1].synapses().rows();
        let mut trainer = trainer(&net, |config| {
            config.schedule = schedule;
            config.optimizer =
                serde_json::from_value(json!({"kind": "sgd", "lr": 1e-4, "momentum": 0.0, "nesterov": false})).unwrap();
        });
        let same = data.slice(0, 1).unwrap();
        let mut trains = SpikeTrains::empty(N_STEPS, 3).unwrap();
        for _ in 0..N_SAMPLES {
            let sample = same.sample(0);
            trains.push_sample((0..N_STEPS).map(|t| sample.at(t))).unwrap();
        }
        let classes = Classes::new(&[0; N_SAMPLES], 2).unwrap();
        trainer.train_epoch(&mut net, Data::Spikes(&trains), Targets::Classes(&classes), None, &mut |_| true).unwrap();
        let after = net.layers()[1].synapses().rows();
        after.iter().zip(&before).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
    };
    let schedule = Schedule::Cosine { epochs: 1.0, min_factor: 0.0, warmup_epochs: 0.0 };
    let mean = (0..N_SAMPLES).map(|i| schedule.factor(i as f64 / N_SAMPLES as f64)).sum::<f64>() / N_SAMPLES as f64;
    let (with, without) = (moved(schedule), moved(Schedule::Constant { warmup_epochs: 0.0 }));
    assert!(without > 1e-5, "{without}");
    assert!((with / without - mean).abs() < 0.02, "{} of the constant rate, expected {mean}", with / without);
}

#[test]
fn every_epoch_has_an_order_of_its_own() {
    let (mut net, data) = (network(), spikes());
    let mut trainer = trainer(&net, |_| {});
    let orders: Vec<Vec<f64>> = (0..3).map(|_| epoch(&mut trainer, &mut net, &data).1).collect();
    let sorted = |losses: &[f64]| {
        let mut sorted: Vec<i64> = losses.iter().map(|loss| (loss * 1e6).round() as i64).collect();
        sorted.sort_unstable();
        sorted
    };
    assert!(sorted(&orders[0]).windows(2).all(|pair| pair[0] != pair[1]), "losses that tell samples apart: {orders:?}");
    for other in &orders[1..] {
        assert_eq!(sorted(&orders[0]), sorted(other));
        assert!(orders[0].iter().zip(other).any(|(a, b)| (a - b).abs() > 1e-4), "the same order twice: {orders:?}");
    }
}

#[test]
fn orders_are_permutations_of_seed_and_epoch() {
    let shuffled = |n, seed, epoch| shuffled(n, seed, epoch).unwrap();
    for (n, seed, epoch) in [(1, 0, 1), (50, 3, 1), (50, 3, 2), (50, 4, 1)] {
        let mut order = shuffled(n, seed, epoch);
        assert_eq!(order, shuffled(n, seed, epoch));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..n as u32));
    }
    assert_ne!(shuffled(50, 3, 1), shuffled(50, 3, 2));
    assert_ne!(shuffled(50, 3, 1), shuffled(50, 4, 1));
}

#[test]
fn overflows_of_all_batches_are_counted() {
    let (mut net, data) = (network(), spikes());
    let target = json!({"kind": "qformat", "weight_bits": 8, "state_bits": 9, "decay_bits": 12, "rounding": "floor"});
    let hardware = json!({"target": target, "scale": {"kind": "max"}, "granularity": "layer"});
    let hardware: Quantization = serde_json::from_value(hardware).unwrap();
    let mut trainer = trainer(&net, |config| config.hardware = Some(hardware));
    let all = trainer
        .evaluate(&net, Data::Spikes(&data), Targets::Classes(&classes()), 0, EngineKind::Clocked, &mut |_| true)
        .unwrap();
    let (stats, _) = epoch(&mut trainer, &mut net, &data);
    assert!(all.overflows.iter().any(|lost| lost.current + lost.membrane > 10), "{:?}", all.overflows);
    assert_eq!(stats.overflows, all.overflows);
}

#[test]
fn an_evaluation_has_the_seed_it_is_given() {
    let net = network();
    let trainer = trainer(&net, |_| {});
    let values = [0.3f32, 0.5, 0.8].repeat(N_SAMPLES);
    let encoder = crate::spikes::Encoder::Bernoulli(crate::spikes::BernoulliEncoder::of_steps(N_STEPS, 1.0).unwrap());
    let images = crate::learn::AnalogData::new(crate::spikes::Analog::F32(&values), 3, None, &encoder, None).unwrap();
    let classes = classes();
    let counts = |seed| {
        trainer
            .evaluate(&net, Data::Analog(images), Targets::Classes(&classes), seed, EngineKind::Clocked, &mut |_| true)
            .unwrap()
            .counts
    };
    assert_eq!(counts(0), counts(0));
    assert_ne!(counts(0), counts(7));
}

#[test]
fn norms_of_an_epoch_are_those_of_its_steps() {
    let (mut net, data) = (network(), spikes());
    let mut trainer = trainer(&net, |config| config.batch_size = 4);
    let (order, classes) = (shuffled(N_SAMPLES, 7, 1).unwrap(), classes());
    let targets = Targets::Classes(&classes);
    let norms: Vec<f64> = order
        .chunks(4)
        .map(|samples| {
            let source = Source::Simulate { data: Data::Spikes(&data), seed: 7, epoch: 1 };
            let batch = Batch { source, samples, targets, weights: None };
            let (grads, _) = trainer.gradients(&net, &batch, &mut || true).unwrap();
            let squares = |((_, connection), grads): ((usize, &Connection<f32>), PanelsView<'_, f32>)| {
                let rows = connection.synapses().rows_of(&grads);
                rows.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>()
            };
            net.trainable().zip(grads.parts()).map(squares).sum::<f64>().sqrt()
        })
        .collect();
    assert!(norms.len() == 2 && (norms[0] / norms[1] - 1.0).abs() > 0.1, "{norms:?}");
    let mut told = Vec::new();
    let stats = trainer
        .train_epoch(&mut net, Data::Spikes(&data), targets, None, &mut |progress| {
            told.push((progress.epoch, progress.n_total, progress.stats.n_samples));
            true
        })
        .unwrap();
    assert!((stats.grad_norm / ((norms[0] + norms[1]) / 2.0) - 1.0).abs() < 1e-5, "{} {norms:?}", stats.grad_norm);
    assert!((stats.grad_norm_max / norms[0].max(norms[1]) - 1.0).abs() < 1e-5);
    assert_eq!((stats.epoch, stats.stats.n_samples, trainer.epoch()), (1, N_SAMPLES, 1));
    assert!(told.iter().all(|&(epoch, n_total, done)| (epoch, n_total) == (1, N_SAMPLES) && [0, 4, 6].contains(&done)));
    assert!([0, 4, 6].iter().all(|n| told.iter().any(|&(.., done)| done == *n)), "{told:?}");
}

#[test]
fn an_epoch_that_is_stopped_does_not_count() {
    let (mut net, data) = (network(), spikes());
    let mut trainer = trainer(&net, |_| {});
    for stop_at in [0, 3, N_SAMPLES] {
        let keep_going = &mut |progress: &Progress| progress.stats.n_samples < stop_at;
        let stopped =
            trainer.train_epoch(&mut net, Data::Spikes(&data), Targets::Classes(&classes()), None, keep_going);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stop_at}");
        assert_eq!(trainer.epoch(), 0);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let net = network();
    let trainer = trainer(&net, |_| {});
    let data = spikes();
    let message = |data: &SpikeTrains, labels: &[u32]| {
        let evaluated = Classes::new(labels, 2).and_then(|classes| {
            let targets = Targets::Classes(&classes);
            trainer.evaluate(&net, Data::Spikes(data), targets, 0, EngineKind::Clocked, &mut |_| true)
        });
        evaluated.unwrap_err().to_string()
    };
    assert_eq!(message(&data, &[0; 5]), "y has shape (5,), expected (n_samples=6,)");
    assert_eq!(message(&data, &[0, 1, 0, 1, 2, 0]), "y[4] must be a class in [0, 2), got 2");
    let other = SpikeTrains::empty(N_STEPS, 3).unwrap();
    assert_eq!(message(&other, &[]), "x has shape (0, 3), expected at least one sample");
    let wide = SpikeTrains::from_counts(1, 20, 4, [0; 80].into_iter()).unwrap();
    assert_eq!(message(&wide, &[0]), "x has shape (1, 4), expected (n_samples, n_in=3)");
    let short = |n_steps| SpikeTrains::from_counts(1, n_steps, 3, vec![0; 3 * n_steps].into_iter()).unwrap();
    assert_eq!(message(&short(1), &[0]), "n_steps must be >= 2, as nothing fires at step 0, got 1");
    let classes = Classes::new(&[1], 2).unwrap();
    let targets = Targets::Classes(&classes);
    trainer.evaluate(&net, Data::Spikes(&short(2)), targets, 0, EngineKind::Clocked, &mut |_| true).unwrap();
    let classes = Classes::new(&[0, 1, 1], 2).unwrap();
    let weights = |weights: &[f64]| {
        Targets::Classes(&classes).check(3, 2, Some(weights), true).map_err(|error| error.to_string())
    };
    weights(&[0.0, 1.0, 1e300]).unwrap();
    assert_eq!(weights(&[1.0; 2]).unwrap_err(), "sample_weight has shape (2,), expected (n_samples=3,)");
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            weights(&[0.0, bad, 1.0]).unwrap_err(),
            format!("sample_weight[1] must be finite and >= 0, got {bad}")
        );
    }
}

#[test]
fn configurations_are_checked_field_by_field() {
    let net = network();
    let config = trainer(&net, |_| {}).config().clone();
    let message = |change: &dyn Fn(&mut TrainerConfig)| {
        let mut config = config.clone();
        change(&mut config);
        config.validate().map_err(|error| error.to_string())
    };
    message(&|_| ()).unwrap();
    assert_eq!(message(&|c| c.batch_size = 0).unwrap_err(), "batch_size must be >= 1, got 0");
    for bad in [0.0, -1.0, f64::NAN] {
        assert!(message(&|c| c.weight_limit = Some(bad)).unwrap_err().starts_with("weight_limit"));
        assert!(message(&|c| c.clip_norm = Some(bad)).unwrap_err().starts_with("clip_norm"));
        assert!(message(&|c| c.rule.solver_tolerance = bad).unwrap_err().starts_with("solver_tolerance"));
        let penalty = ExponentialPenalty { lam: bad, beta: 1.0, scale: 1.0 };
        assert!(message(&|c| c.weight_penalty = Some(penalty)).unwrap_err().starts_with("lam"));
        let schedule = Schedule::Cosine { epochs: bad, min_factor: 0.0, warmup_epochs: 0.0 };
        assert!(message(&|c| c.schedule = schedule).unwrap_err().starts_with("epochs"));
    }
    assert_eq!(message(&|c| c.rule.solver_tolerance = 1.0).unwrap_err(), "solver_tolerance must be in (0, 1), got 1");
    assert_eq!(message(&|c| c.rule.teacher_count = 0).unwrap_err(), "teacher_count must be >= 1, got 0");
    assert!(message(&|c| c.rule.silent_ratio = -0.1).unwrap_err().starts_with("silent_ratio"));
    let loss = Loss::SoftmaxCrossEntropy { temperature: 0.0 };
    assert!(message(&|c| c.loss = Some(loss)).unwrap_err().starts_with("temperature"));
    let target = json!({"kind": "qformat", "weight_bits": 8, "state_bits": 16, "decay_bits": 12, "rounding": "floor"});
    let hardware = json!({"target": target, "scale": {"kind": "max"}, "granularity": "layer"});
    let hardware: Quantization = serde_json::from_value(hardware).unwrap();
    message(&|c| c.hardware = Some(hardware.clone())).unwrap();
    message(&|c| c.engine = EngineKind::Event).unwrap();
    let both = message(&|c| (c.hardware, c.engine) = (Some(hardware.clone()), EngineKind::Event));
    assert_eq!(both.unwrap_err(), "engine must be \"clocked\" with hardware, got event");
}

#[test]
fn teacher_spikes_are_the_middles_of_equal_parts() {
    let rule = |teacher_count| crate::learn::StRsbp { teacher_count, ..Default::default() };
    let times = |n_steps, count| rule(count).teacher_times(n_steps).collect::<Vec<_>>();
    assert_eq!(times(10, 2), [2, 7]);
    assert_eq!(times(4, 4), [1, 2, 3]);
    assert_eq!(times(3, 12), [1, 2]);
    assert_eq!(times(400, 1), [200]);
    assert!(times(1, 1).is_empty());
}

#[test]
fn runs_of_another_length_have_a_coupling_of_their_own() {
    let net = network();
    let mut trainer = trainer(&net, |_| {});
    for (n_steps, twice) in [(20, 1), (33, 2), (20, 2)] {
        let mut trains = SpikeTrains::empty(n_steps, 3).unwrap();
        let rows: Vec<Vec<u32>> = (0..n_steps as u32).map(|t| (0..3).filter(|i| (t + i) % 3 > 0).collect()).collect();
        trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
        let source = Source::Simulate { data: Data::Spikes(&trains), seed: 1, epoch: 1 };
        let classes = Classes::new(&[1], 2).unwrap();
        let batch = Batch { source, samples: &[0], targets: Targets::Classes(&classes), weights: None };
        let rows_of = |trainer: &mut Trainer<f32>| {
            let (grads, _) = trainer.gradients(&net, &batch, &mut || true).unwrap();
            net.layers()[1].synapses().rows_of(&grads.of(1, Origin::Below).unwrap())
        };
        let expected = rows_of(&mut self::trainer(&net, |_| {}));
        for _ in 0..twice {
            assert_eq!(rows_of(&mut trainer), expected, "{n_steps} steps");
        }
    }
}

#[test]
fn teacher_spikes_come_inside_refractory_periods_in_short_runs_alone() {
    for teacher_count in 3..40 {
        let rule = crate::learn::StRsbp { teacher_count, ..Default::default() };
        let count = teacher_count as usize;
        for t_ref in 1..6 {
            let any_inside = |n_steps| {
                let times: Vec<usize> = rule.teacher_times(n_steps).collect();
                times.windows(2).any(|pair| pair[1] - pair[0] <= t_ref)
            };
            let enough = count * (t_ref + 1);
            assert!((enough..enough + 2 * count).all(|n_steps| !any_inside(n_steps)), "{count} {t_ref}");
            // A step less is still enough where rounding takes it from before the first.
            assert!((count..enough - 1).all(any_inside), "{count} {t_ref}");
        }
    }
}
