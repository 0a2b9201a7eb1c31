//! The paper's convolutional network, 15C5-P2-40C5-P2-300-10 at 400 steps: forward, and gradients of a mini-batch.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::learn::{Batch, Classes, Data, Images, Source, Targets, Trainer};
use strsbp_rs::sim::EngineKind;
use strsbp_rs::spikes::Analog;

fn cnn(c: &mut Criterion) {
    let (images, encoder) = (common::images(), common::encoder());
    let data = Data::Images(Images::new(Analog::U8(&images), common::N_IN, &encoder, None).expect("valid"));
    let samples: Vec<u32> = (0..common::N_SAMPLES as u32).collect();
    let labels: Vec<u32> = samples.iter().map(|s| s % 10).collect();
    let classes = Classes::new(&labels, 10).expect("valid");
    let targets = Targets::Classes(&classes);
    let mut group = c.benchmark_group("cnn");
    group.throughput(Throughput::Elements(common::N_SAMPLES as u64));
    group.sample_size(10);
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
        let source = Source::Simulate { data, seed: 0, epoch: 0 };
        let batch = Batch { source, samples: &samples, targets, weights: None };
        group.bench_function(format!("gradients, {threads} threads"), |b| {
            b.iter(|| {
                trainer.gradients(&net, &batch, &mut || true).expect("solvable");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cnn);
criterion_main!(benches);
