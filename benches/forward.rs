//! The clocked simulation, layer by layer.

mod common;

use common::{delayed, dense, network, recurrent};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::engine::layered::{ForwardScratch, Lists, SampleSpikes, forward};

fn layers(c: &mut Criterion) {
    let net = common::paper_network();
    let samples = common::simulated(&net);
    let mut group = c.benchmark_group("forward");
    group.throughput(Throughput::Elements(1));
    let cases = [
        ("dense 784-400", network(784, vec![dense(400, 20.0)]), 0),
        ("recurrent 400-R400", network(400, vec![recurrent(400, 8.0)]), 1),
        ("dense 400-10", network(400, vec![dense(10, 15.0)]), 2),
        ("dense 784-400, delays of 0 to 9 steps", network(784, vec![delayed(dense(400, 20.0))]), 0),
        ("recurrent 400-R400, delays of 0 to 9 steps", network(400, vec![delayed(recurrent(400, 8.0))]), 1),
    ];
    for (name, net, l) in cases {
        let below = |sample: &SampleSpikes| {
            let mut spikes = SampleSpikes::new(1);
            spikes.input = sample.below(l).clone();
            spikes
        };
        let mut inputs: Vec<SampleSpikes> = samples.iter().map(below).collect();
        let mut scratch = ForwardScratch::default();
        let mut at = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                at = (at + 1) % inputs.len();
                forward(&net, common::N_STEPS, &mut inputs[at], Lists::Counts, &mut scratch);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, layers);
criterion_main!(benches);
