//! Gradients against ST-RSBP in the words of its definition: dense steps, one S-PSP at a time, one dense system a layer.

mod definition;
mod spatial;
mod thresholds;

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use self::definition::{Plain, Raster, count, plain, s_psp, simulate, v_th};
use super::{Batch, BatchStats, Classes, Data, Source, Targets, Trainer, TrainerConfig};
use crate::error::Error;
use crate::network::{Layer, Network};
use crate::sim::EngineKind;
use crate::simd::{Real, Weight};
use crate::spikes::SpikeTrains;

/// Gradients, layer by layer (weights, recurrent weights), with what the batch went through.
struct Expected {
    gradients: Vec<[Vec<f64>; 2]>,
    stats: BatchStats,
    /// Of the input and of every layer, sample after sample.
    rasters: Vec<Vec<Raster>>,
}

fn expected<F: Real>(net: &Network<F>, case: &Case, config: &TrainerConfig) -> Expected {
    let rule = &config.rule;
    let layers: Vec<Plain> = net.layers().iter().map(|l| plain(l, case.lateral, rule, case.n_steps)).collect();
    let zeros = |(l, plain): (&Layer<F>, &Plain)| [vec![0.0; plain.n_parameters], vec![0.0; l.n_out() * l.n_out()]];
    let mut gradients: Vec<_> = net.layers().iter().zip(&layers).map(zeros).collect();
    let mut stats = BatchStats { n_spikes: vec![0; layers.len()], ..Default::default() };
    let mut all = Vec::new();
    for input in case.rasters() {
        let mut rasters = vec![input];
        for (layer, plain) in net.layers().iter().zip(&layers) {
            rasters.push(simulate(layer, plain, rasters.last().unwrap()));
        }
        all.push(rasters);
    }
    for &sample in &case.samples {
        let mut rasters = all[sample as usize].clone();
        let label = case.labels[sample as usize] as usize;
        let counts: Vec<u32> = (0..net.n_out()).map(|i| count(&rasters[layers.len()], i)).collect();
        let mut d_counts = vec![0.0; counts.len()];
        stats.loss += config.loss.unwrap().evaluate(&counts, label, case.weights[sample as usize], &mut d_counts);
        stats.n_samples += 1;
        let best = (0..counts.len()).rev().max_by_key(|&i| counts[i]).unwrap();
        stats.n_correct += usize::from(best == label);
        for (n, raster) in stats.n_spikes.iter_mut().zip(&rasters[1..]) {
            *n += raster.iter().flatten().filter(|fired| **fired).count() as u64;
        }
        for (l, raster) in rasters[1..].iter().enumerate() {
            let n = raster[0].len();
            stats.activity.add_firing(l, n, (0..n as u32).filter(|&i| count(raster, i as usize) > 0));
        }
        if rule.teacher_spikes && counts[label] == 0 {
            rule.teacher_times(case.n_steps).for_each(|t| rasters[layers.len()][t][label] = true);
        }
        let mut delta: Vec<f64> = d_counts.iter().map(|d| d / case.samples.len() as f64).collect();
        for (l, (layer, plain)) in net.layers().iter().zip(&layers).enumerate().rev() {
            let (below, own, n) = (&rasters[l], &rasters[l + 1], layer.n_out());
            let ratio = |pre: &Raster, k: usize, i: usize, e: f64| match (count(pre, k), count(own, i)) {
                (0, _) | (_, 0) => rule.silent_ratio,
                (o, _) => e / f64::from(o),
            };
            if plain.is_max {
                let mut sent = vec![0.0; plain.n_in];
                (0..n).filter_map(|i| Some((i, plain.winner(below, i)?))).for_each(|(i, j)| sent[j] += delta[i]);
                delta = sent;
                continue;
            }
            let delta_a = DVector::from_iterator(n, delta.iter().enumerate().map(|(i, d)| d / v_th(layer, i)));
            let within: Vec<f64> = (0..n * n)
                .map(|at| {
                    let exists = plain.within[at] != 0.0;
                    if exists { s_psp(layer, own, at % n, own, at / n, plain.within_delay[at]) } else { 0.0 }
                })
                .collect();
            let system = DMatrix::from_fn(n, n, |k, i| {
                let one_minus_s = if i == k { plain.one_minus_s[count(own, i) as usize] } else { 0.0 };
                one_minus_s - plain.within[i * n + k] * ratio(own, k, i, within[i * n + k]) / v_th(layer, k)
            });
            let z = system.lu().solve(&delta_a).unwrap();
            delta = vec![0.0; plain.n_in];
            for i in 0..n {
                for j in 0..plain.n_in {
                    let at = i * plain.n_in + j;
                    let Some(parameter) = plain.parameter[at] else { continue };
                    let e = s_psp(layer, below, j, own, i, plain.delay[at]);
                    gradients[l][0][parameter] += z[i] * e;
                    delta[j] += z[i] * plain.weight[at] * ratio(below, j, i, e);
                }
                for k in 0..n {
                    gradients[l][1][i * n + k] += z[i] * within[i * n + k];
                }
            }
        }
    }
    Expected { gradients, stats, rasters: all }
}

/// A network, a batch for it, and options of the rule.
#[derive(Clone)]
struct Case {
    network: Value,
    /// Every synapse gets its own delay, below this.
    delays: u32,
    lateral: f64,
    n_steps: usize,
    /// P(spike per step) of an input.
    rate: f64,
    labels: Vec<u32>,
    weights: Vec<f64>,
    samples: Vec<u32>,
    rule: Value,
}

impl Case {
    fn rasters(&self) -> Vec<Raster> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let n_in = self.network["n_in"].as_u64().unwrap() as usize;
        let below = (self.rate * 2f64.powi(32)) as u64;
        let mut step = |_| (0..n_in).map(|_| u64::from(rng.next_u32()) < below).collect();
        self.labels.iter().map(|_| (0..self.n_steps).map(&mut step).collect()).collect()
    }

    fn config(&self) -> TrainerConfig {
        let config = json!({
            "loss": {"kind": "softmax_cross_entropy", "temperature": 3.0},
            "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.0, "nesterov": false},
            "schedule": {"kind": "constant"}, "rule": self.rule, "batch_size": 3, "augment": null,
            "weight_penalty": null, "weight_limit": null, "clip_norm": null, "seed": 7,
        });
        serde_json::from_value(config).unwrap()
    }

    fn network<F: Real>(&self) -> Network<F> {
        let mut net = Network::new(serde_json::from_value(self.network.clone()).unwrap()).unwrap();
        if self.delays > 0 {
            let mut rng = ChaCha8Rng::seed_from_u64(6);
            let mut some = |n: usize| (0..n).map(|_| rng.next_u32() % self.delays).collect::<Vec<_>>();
            let mut delays = net.delays();
            delays.iter_mut().flatten().for_each(|delays| *delays = some(delays.len()));
            net.set_delays(&delays).unwrap();
        }
        net
    }

    /// `precision` is of the largest entry of an array.
    fn check<F: Real>(&self, precision: f64) {
        let (net, config) = (self.network::<F>(), self.config());
        let expected = expected(&net, self, &config);
        let trains: Vec<SpikeTrains> = (0..=net.layers().len()).map(|l| trains(&expected.rasters, l)).collect();
        let recorded: Vec<&SpikeTrains> = trains.iter().collect();
        let mut sources = vec![Source::Recorded(&recorded)];
        if F::DTYPE == f64::DTYPE {
            // In the other type a spike may be elsewhere.
            sources.push(Source::Simulate { data: Data::Spikes(&trains[0]), seed: 1, epoch: 1 });
        }
        for source in sources {
            let mut trainer = Trainer::<F>::new(config.clone(), &net, Some(2)).unwrap();
            let classes = Classes::new(&self.labels, net.n_out()).unwrap();
            let (samples, targets) = (&self.samples[..], Targets::Classes(&classes));
            let batch = Batch { source, samples, targets, weights: Some(&self.weights) };
            // The second time nothing of the first may be left.
            trainer.gradients(&net, &batch, &mut || true).unwrap();
            let (gradients, stats) = trainer.gradients(&net, &batch, &mut || true).unwrap();
            for ((l, connection), got) in net.trainable().zip(gradients.parts()) {
                let (synapses, rows) = (connection.synapses(), connection.synapses().rows());
                let (name, exists) = (connection.origin().weight_key(), synapses.exists());
                let expected = &expected.gradients[l][connection.origin() as usize];
                close(&format!("{name} of {l}"), &synapses.rows_of(&got), expected, precision, |at| {
                    exists.is_none() || rows[at] != F::zero()
                });
            }
            let of =
                |stats: &BatchStats| (stats.n_correct, stats.n_samples, stats.n_spikes.clone(), stats.activity.clone());
            assert_eq!(of(&stats), of(&expected.stats));
            assert!(
                (stats.loss - expected.stats.loss).abs() < 1e-9 * stats.loss,
                "{} {}",
                stats.loss,
                expected.stats.loss
            );
            let n_systems = self.samples.len() * net.layers().iter().filter(|l| l.recurrent().is_some()).count();
            assert!(stats.solves.n_solves + stats.solves.n_direct <= n_systems);
            assert!(stats.solves.n_iterations >= stats.solves.n_solves);
            if matches!(source, Source::Simulate { .. }) {
                self.check_evaluation(&trainer, &net, &trains[0], &expected);
            }
        }
    }
}

impl Case {
    /// Losses without weights, counts and spikes of all samples, by every engine that has the network's steps.
    fn check_evaluation<F: Real>(&self, trainer: &Trainer<F>, net: &Network<F>, input: &SpikeTrains, all: &Expected) {
        let top = net.layers().len();
        let n_out = net.n_out();
        let counts: Vec<u32> =
            all.rasters.iter().flat_map(|rasters| (0..n_out).map(|i| count(&rasters[top], i))).collect();
        let (mut loss, mut n_correct, mut scratch) = (0.0, 0, vec![0.0; n_out]);
        for (counts, &label) in counts.chunks_exact(n_out).zip(&self.labels) {
            loss += trainer.config().loss.unwrap().evaluate(counts, label as usize, 1.0, &mut scratch);
            let best = (0..n_out).rev().max_by_key(|&i| counts[i]).unwrap();
            n_correct += usize::from(best == label as usize);
        }
        let fired = |raster: &Raster| raster.iter().flatten().filter(|fired| **fired).count() as u64;
        let n_spikes: Vec<u64> =
            (1..=top).map(|l| all.rasters.iter().map(|rasters| fired(&rasters[l])).sum()).collect();
        let classes = Classes::new(&self.labels, n_out).unwrap();
        let targets = Targets::Classes(&classes);
        for kind in [EngineKind::Clocked, EngineKind::Event, EngineKind::Auto] {
            let mut asked = Vec::new();
            let keep_going = &mut |done: usize| {
                asked.push(done);
                true
            };
            let found = trainer.evaluate(net, Data::Spikes(input), targets, 0, kind, keep_going).unwrap();
            assert_eq!(
                (found.counts, found.n_correct, found.n_spikes),
                (counts.clone(), Some(n_correct), n_spikes.clone())
            );
            assert!((found.loss - loss).abs() < 1e-9 * loss, "{} {loss}", found.loss);
            assert!(found.engine != EngineKind::Auto && (kind == EngineKind::Auto || found.engine == kind));
            let silent = (1..=top).map(|l| {
                let n = all.rasters[0][l][0].len();
                (0..n).filter(|&i| all.rasters.iter().all(|rasters| count(&rasters[l], i) == 0)).count()
            });
            assert_eq!(found.activity.silent(), silent.collect::<Vec<_>>());
            assert!(!asked.is_empty() && asked.iter().all(|&done| done == 0));
            let stopped = trainer.evaluate(net, Data::Spikes(input), targets, 0, kind, &mut |_| false);
            assert!(matches!(stopped, Err(Error::Interrupted)));
        }
    }
}

fn trains(rasters: &[Vec<Raster>], l: usize) -> SpikeTrains {
    let mut trains = SpikeTrains::empty(rasters[0][l].len(), rasters[0][l][0].len()).unwrap();
    for sample in rasters {
        let list = |fired: &Vec<bool>| (0..fired.len() as u32).filter(|&i| fired[i as usize]).collect::<Vec<_>>();
        let rows: Vec<Vec<u32>> = sample[l].iter().map(list).collect();
        trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    }
    trains
}

fn close<F: Real>(name: &str, got: &[F], expected: &[f64], precision: f64, exists: impl Fn(usize) -> bool) {
    assert_eq!(got.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0, |sum: f64, e| sum.max(e.abs()));
    assert!(largest > 0.0, "{name}: no gradient to compare");
    for at in (0..got.len()).filter(|&at| exists(at)) {
        let (got, expected) = (got[at].widen(), expected[at]);
        assert!((got - expected).abs() <= precision * largest, "{name}[{at}]: {got}, expected {expected} of {largest}");
    }
}

fn dense(n: usize, scale: f64, lateral: f64) -> Value {
    json!({"kind": "dense", "n": n, "tau_m": 20.0, "tau_s": 5.0, "v_th": 0.7, "t_ref": 2.0, "discretisation": "exact",
        "init": {"kind": "uniform", "low": -scale, "high": 1.6 * scale}, "lateral_inhibition": lateral})
}

fn recurrent(n: usize, scale: f64, mask: Value) -> Value {
    json!({"kind": "recurrent", "n": n, "tau_m": 12.0, "tau_s": 4.0, "v_th": 1.3, "t_ref": 1.0, "discretisation": "euler",
        "init": {"kind": "uniform", "low": -scale, "high": 2.0 * scale}, "mask": mask,
        "recurrent_init": {"kind": "uniform", "low": -0.05, "high": 0.05}})
}

fn rule(post_coupling: &str, silent_ratio: f64, teacher_spikes: bool) -> Value {
    json!({"post_coupling": post_coupling, "silent_ratio": silent_ratio, "teacher_spikes": teacher_spikes,
        "teacher_count": 4, "solver_tolerance": 1e-13})
}

fn case(n_in: usize, layers: &[Value], rule: Value) -> Case {
    Case {
        network: json!({"n_in": n_in, "layers": layers, "dt": 1.0, "seed": 4}),
        delays: 0,
        lateral: 0.0,
        n_steps: 30,
        rate: 0.2,
        labels: vec![0, 2, 1],
        weights: vec![1.0, 0.5, 3.0],
        samples: vec![2, 0, 1],
        rule,
    }
}

#[test]
fn layers_of_several_tasks() {
    // Of 16 or 32 neurons a panel and four panels a task, with groups of 64 of one to four blocks.
    for n in [40, 150] {
        let case = case(9, &[dense(n, 0.8, 0.0), dense(n + 7, 0.3, 0.0), dense(3, 0.2, 0.0)], rule("none", 0.0, false));
        case.check::<f64>(1e-10);
        case.check::<f32>(1e-4);
    }
    // What silent pairs send down comes from every task too.
    let case = case(7, &[dense(20, 0.8, 0.0), dense(150, 0.15, 0.0), dense(3, 0.2, 0.0)], rule("none", 0.5, false));
    case.check::<f64>(1e-10);
}

#[test]
fn recurrent_layers() {
    let all = || json!({"kind": "all_to_all", "self_loops": false});
    for (rule, delays) in [
        (rule("closed_form", 0.0, true), 0),
        (rule("none", 0.5, false), 0),
        (rule("closed_form", 0.5, true), 3),
        (rule("none", 0.0, false), 5),
    ] {
        let layers = [recurrent(70, 0.6, all()), dense(20, 0.3, 0.0), dense(3, 0.3, 0.0)];
        let case = Case { delays, ..case(8, &layers, rule) };
        case.check::<f64>(1e-9);
        case.check::<f32>(1e-3);
    }
}

#[test]
fn lateral_inhibition_and_silent_layers() {
    for (silent_ratio, teacher) in [(0.0, true), (0.25, false), (0.5, true)] {
        // The last layer is so weak that some outputs are silent.
        let layers = [dense(33, 0.4, 0.02), dense(4, 0.09, 0.05)];
        let mut case = Case { lateral: 0.02, ..case(6, &layers, rule("closed_form", silent_ratio, teacher)) };
        case.network["layers"][1]["lateral_inhibition"] = json!(0.02);
        case.check::<f64>(1e-9);
    }
}

#[test]
fn batches_of_more_than_are_worked_on_at_once() {
    let layers = [recurrent(12, 0.6, json!({"kind": "all_to_all", "self_loops": false})), dense(3, 0.4, 0.0)];
    let mut case = case(5, &layers, rule("closed_form", 0.0, true));
    case.labels = (0..70).map(|s| s % 3).collect();
    case.weights = (0..70).map(|s| f64::from(s % 4) * 0.5).collect();
    case.samples = (0..70).rev().collect();
    case.check::<f64>(1e-9);
}
