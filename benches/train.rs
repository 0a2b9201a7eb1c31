//! Whole mini-batches of the paper's network: forward and backward, and the optimizer's step.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::learn::Trainer;

fn batches(c: &mut Criterion) {
    let mut group = c.benchmark_group("train");
    group.throughput(Throughput::Elements(common::N_SAMPLES as u64));
    group.sample_size(20);
    common::with_task(|data, targets| {
        for threads in [1, 2] {
            let mut net = common::paper_network();
            let mut trainer = Trainer::new(common::trainer_config(), &net, Some(threads)).expect("valid");
            common::bench_gradients(&mut group, (&net, &mut trainer), (data, targets), threads);
            group.bench_function(format!("gradients and step, {threads} threads"), |b| {
                b.iter(|| {
                    trainer.train_epoch(&mut net, data, targets, None, &mut |_| true).expect("solvable");
                });
            });
        }
    });
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
