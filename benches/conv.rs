//! The paper's convolutional network, 15C5-P2-40C5-P2-300-10 at 400 steps: forward, and gradients of a mini-batch.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::learn::Trainer;
use strsbp_rs::sim::EngineKind;

fn cnn(c: &mut Criterion) {
    let mut group = c.benchmark_group("cnn");
    group.throughput(Throughput::Elements(common::N_SAMPLES as u64));
    group.sample_size(10);
    common::with_task(|data, targets| {
        for threads in [1, 2] {
            let net = common::paper_cnn();
            let mut trainer = Trainer::new(common::trainer_config(), &net, Some(threads)).expect("valid");
            let found = trainer.evaluate(&net, data, targets, 0, EngineKind::Clocked, &mut |_| true).expect("runs");
            let rates = net.layers().iter().zip(&found.n_spikes).map(|(layer, &n)| {
                format!("{:.1}%", 100.0 * n as f64 / (layer.n_out() * common::N_SAMPLES * common::N_STEPS) as f64)
            });
            println!("firing rates {}", rates.collect::<Vec<_>>().join(", "));
            group.bench_function(format!("inference, {threads} threads"), |b| {
                b.iter(|| trainer.evaluate(&net, data, targets, 0, EngineKind::Clocked, &mut |_| true).expect("runs"));
            });
            common::bench_gradients(&mut group, (&net, &mut trainer), (data, targets), threads);
        }
    });
    group.finish();
}

criterion_group!(benches, cnn);
criterion_main!(benches);
