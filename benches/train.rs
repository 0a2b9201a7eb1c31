//! Whole mini-batches of the paper's network: forward and backward, and the optimizer's step.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::learn::{Batch, Classes, Data, Images, Source, Targets, Trainer};
use strsbp_rs::spikes::Analog;

fn batches(c: &mut Criterion) {
    let (images, encoder) = (common::images(), common::encoder());
    let data = Data::Images(Images::new(Analog::U8(&images), common::N_IN, &encoder, None).expect("valid"));
    let samples: Vec<u32> = (0..common::N_SAMPLES as u32).collect();
    let labels: Vec<u32> = samples.iter().map(|s| s % 10).collect();
    let classes = Classes::new(&labels, 10).expect("valid");
    let targets = Targets::Classes(&classes);
    let mut group = c.benchmark_group("train");
    group.throughput(Throughput::Elements(common::N_SAMPLES as u64));
    group.sample_size(20);
    for threads in [1, 2] {
        let mut net = common::paper_network();
        let mut trainer = Trainer::new(common::trainer_config(), &net, Some(threads)).expect("valid");
        let source = Source::Simulate { data, seed: 0, epoch: 0 };
        let batch = Batch { source, samples: &samples, targets, weights: None };
        group.bench_function(format!("gradients, {threads} threads"), |b| {
            b.iter(|| {
                trainer.gradients(&net, &batch, &mut || true).expect("solvable");
            });
        });
        group.bench_function(format!("gradients and step, {threads} threads"), |b| {
            b.iter(|| {
                trainer.train_epoch(&mut net, data, targets, None, &mut |_| true).expect("solvable");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
