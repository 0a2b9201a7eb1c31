//! The passes by hand, and gradients summed over several trainers.

use std::sync::{Arc, Mutex};

use super::*;
use crate::learn::Classes;
use crate::learn::test_cases::{config, rule, spikes};
use crate::network::io::tests::network;
use crate::sim::{EngineKind, SampleSimulation};
use crate::simd::{Lanes, flat};
use serde_json::json;

const LABELS: [u32; 4] = [0, 1, 0, 1];

fn trainer(net: &Network<f32>) -> Trainer<f32> {
    Trainer::new(config(json!({"rule": rule(false, 1e-4)})), net, Some(2)).unwrap()
}

#[test]
fn passes_by_hand_give_the_gradients_of_the_trainer() {
    let (net, data) = (network::<f32>(), spikes());
    let classes = Classes::new(&LABELS, 2).unwrap();
    let mut trainer = trainer(&net);
    let mut worker = Worker::new(Some(2)).unwrap();
    let source = Source::Simulate { data: Data::Spikes(&data), seed: 7, epoch: 1 };
    let simulation = SampleSimulation::new(&net, EngineKind::Clocked).unwrap();
    let coupling = Couplings::new(&net, &trainer.config().rule, 20, None).unwrap();
    let (mut pass, mut grads) = (Pass::default(), Gradients::zeros(&net));
    // Buffers of a larger batch leave nothing in a smaller one.
    for samples in [&[3, 0, 1, 2][..], &[2, 1][..]] {
        worker.forward(&net, &simulation, source, samples, &mut pass, &mut || true).unwrap();
        assert_eq!(pass.n_samples(), samples.len());
        let mut d_counts = vec![0.0f32; 2 * samples.len()];
        for (at, row) in d_counts.chunks_exact_mut(2).enumerate() {
            let class = classes.of(samples[at] as usize);
            trainer.config().loss.unwrap().evaluate(pass.counts(at), class, 1.0, row);
        }
        let (rule, mut d_input) = (trainer.config().rule.clone(), vec![f32::NAN; 6 * samples.len()]);
        let objective = Objective { rule: &rule, coupling: &coupling, n_mean: samples.len() };
        grads.clear();
        let sent = Some(&mut d_input[..]);
        let solves = worker.backward(&net, &pass, &d_counts, objective, &mut grads, sent, &mut || true).unwrap();
        let batch = Batch { source, samples, targets: Targets::Classes(&classes), weights: None };
        let mut expected_d_input = Vec::new();
        let (expected, stats) =
            trainer.gradients_and_d_input(&net, &batch, &mut expected_d_input, &mut || true).unwrap();
        assert_eq!(grads.data(), expected.data());
        assert_eq!((d_input, solves), (expected_d_input, stats.solves));
        assert!(flat(grads.data()).iter().any(|&g| g != 0.0) && solves.n_solves > 0);
        // Gradients are added onto those that are there.
        worker.backward(&net, &pass, &d_counts, objective, &mut grads, None, &mut || true).unwrap();
        let twice = |(sum, once): (&f32, &f32)| (sum - 2.0 * once).abs() <= 1e-6 * once.abs().max(1e-3);
        assert!(flat(grads.data()).iter().zip(flat(expected.data())).all(twice));
    }
}

/// The gradients of the others, in a place that all see.
type Meeting = Arc<Mutex<Vec<(Vec<Lanes<f32>>, BatchStats)>>>;

/// Adds what those before have left, and leaves the sum: as a process does that is the last of `n`.
#[derive(Debug)]
struct Together(usize, Meeting);

impl Reduce<f32> for Together {
    fn n_samples(&mut self, n_samples: usize) -> Result<usize> {
        Ok(self.0 * n_samples)
    }

    fn sum(&mut self, grads: &mut Gradients<f32>, stats: &mut BatchStats) -> Result<()> {
        let mut met = self.1.lock().unwrap();
        for (others, of_others) in met.iter() {
            for (sum, other) in grads.data_mut().iter_mut().zip(others) {
                sum.0.iter_mut().zip(&other.0).for_each(|(sum, other)| *sum += other);
            }
            stats.add(of_others);
        }
        met.push((grads.data().to_vec(), stats.clone()));
        Ok(())
    }
}

#[test]
fn trainers_that_reduce_have_the_gradients_of_all_samples() {
    let (net, data) = (network::<f32>(), spikes());
    let classes = Classes::new(&LABELS, 2).unwrap();
    let source = Source::Simulate { data: Data::Spikes(&data), seed: 7, epoch: 1 };
    let batch = |samples| Batch { source, samples, targets: Targets::Classes(&classes), weights: None };
    let mut alone = trainer(&net);
    let (expected, all) = alone.gradients(&net, &batch(&[0, 1, 2, 3]), &mut || true).unwrap();
    let meeting = Meeting::default();
    let mut last = Vec::new();
    for samples in [&[0, 1][..], &[2, 3][..]] {
        let mut trainer = trainer(&net);
        trainer.set_reduce(Box::new(Together(2, Arc::clone(&meeting))));
        let (grads, stats) = trainer.gradients(&net, &batch(samples), &mut || true).unwrap();
        last = flat(grads.data()).to_vec();
        assert_eq!(stats.n_samples, meeting.lock().unwrap().last().unwrap().1.n_samples);
    }
    let met = meeting.lock().unwrap();
    let stats = &met.last().unwrap().1;
    assert_eq!((stats.n_samples, stats.n_correct, &stats.n_spikes), (4, all.n_correct, &all.n_spikes));
    assert!((stats.loss - all.loss).abs() < 1e-12 * all.loss);
    let largest = flat(expected.data()).iter().fold(0.0, |largest: f32, g| largest.max(g.abs()));
    assert!(largest > 0.0);
    assert!(flat(expected.data()).iter().zip(&last).all(|(a, b)| (a - b).abs() <= 1e-6 * largest));
}

/// Loses the others in the middle of a batch.
#[derive(Debug)]
struct Lost;

impl Reduce<f32> for Lost {
    fn n_samples(&mut self, n_samples: usize) -> Result<usize> {
        Ok(n_samples)
    }

    fn sum(&mut self, _: &mut Gradients<f32>, _: &mut BatchStats) -> Result<()> {
        Err(Error::Interrupted)
    }
}

#[test]
fn a_sum_that_fails_changes_no_weight() {
    let (mut net, data) = (network::<f32>(), spikes());
    let before = net.layers()[1].synapses().rows();
    let classes = Classes::new(&LABELS, 2).unwrap();
    let mut trainer = trainer(&net);
    let epoch = |trainer: &mut Trainer<f32>, net: &mut Network<f32>| {
        trainer.train_epoch(net, Data::Spikes(&data), Targets::Classes(&classes), None, &mut |_| true)
    };
    trainer.set_reduce(Box::new(Lost));
    assert!(matches!(epoch(&mut trainer, &mut net), Err(Error::Interrupted)));
    assert_eq!((net.layers()[1].synapses().rows(), trainer.epoch()), (before.clone(), 0));
    trainer.set_reduce(Box::new(Alone));
    epoch(&mut trainer, &mut net).unwrap();
    assert_ne!(net.layers()[1].synapses().rows(), before);
}

#[test]
fn gradients_and_then_apply_are_a_step() {
    let data = spikes();
    let classes = Classes::new(&LABELS, 2).unwrap();
    let source = Source::Simulate { data: Data::Spikes(&data), seed: 7, epoch: 1 };
    let batch = Batch { source, samples: &[1, 2, 0], targets: Targets::Classes(&classes), weights: None };
    let mut nets = [network::<f32>(), network::<f32>()];
    let before = nets[0].layers()[1].synapses().rows();
    let [whole, parts] = &mut nets;
    let stats = trainer(whole).step(whole, &batch, Some(0.5), &mut || true).unwrap();
    let mut trainer = trainer(parts);
    let (_, of_parts) = trainer.gradients(parts, &batch, &mut || true).unwrap();
    assert_eq!(of_parts, stats.stats);
    assert_eq!(trainer.apply(parts, 0.5, 1).unwrap(), stats.grad_norm);
    let rows = nets.map(|net| net.layers()[1].synapses().rows());
    assert_eq!(rows[0], rows[1]);
    assert_ne!(rows[0], before);
}
