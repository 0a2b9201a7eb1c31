//! Analog values to spikes, and the transposition the simulation needs.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::rng::StreamKey;
use strsbp_rs::spikes::{Analog, Encode, EncoderScratch, PaddedRows};

fn encode(c: &mut Criterion) {
    let (images, encoder) = (common::images(), common::encoder());
    let (mut scratch, mut by_neuron, mut by_time) =
        (EncoderScratch::default(), PaddedRows::default(), PaddedRows::default());
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    let mut sample = 0;
    group.bench_function("bernoulli, 784 x 400", |b| {
        b.iter(|| {
            sample = (sample + 1) % common::N_SAMPLES;
            let values = Analog::U8(&images[sample * common::N_IN..(sample + 1) * common::N_IN]);
            encoder.encode(
                values,
                StreamKey { seed: 0, epoch: 0, sample: sample as u32 },
                &mut scratch,
                &mut by_neuron,
            );
        });
    });
    group.bench_function("transpose", |b| b.iter(|| by_time.transpose_of(&by_neuron)));
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
