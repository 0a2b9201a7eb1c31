//! Analog values to spikes, the transposition the simulation needs, and what is done to training images before.

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use strsbp_rs::learn::{AugmentScratch, ImageAugment};
use strsbp_rs::rng::StreamKey;
use strsbp_rs::spikes::{Analog, AnalogSample, Encode, EncoderScratch, PaddedRows};

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
                AnalogSample::still(values),
                StreamKey { seed: 0, epoch: 0, sample: sample as u32 },
                &mut scratch,
                &mut by_neuron,
            );
        });
    });
    group.bench_function("transpose", |b| b.iter(|| by_time.transpose_of(&by_neuron)));
    group.finish();
}

fn augment(c: &mut Criterion) {
    let images = common::images();
    let (mut scratch, mut out) = (AugmentScratch::default(), Vec::new());
    let plain = ImageAugment {
        image_shape: [28, 28],
        channels: 1,
        max_shift: 2,
        shift_probability: 1.0,
        flip_horizontal: true,
        first_epoch: 1,
        rotation: 0.0,
        scale: 0.0,
        elastic: 0.0,
        elastic_sigma: 4.0,
        distort_probability: 1.0,
    };
    let rigid = ImageAugment { rotation: 12.0, scale: 0.12, ..plain.clone() };
    let elastic = ImageAugment { elastic: 13.6, ..rigid.clone() };
    let mut group = c.benchmark_group("augment");
    group.throughput(Throughput::Elements(1));
    for (name, augment) in [("shift", plain), ("rotation and scale", rigid), ("elastic too", elastic)] {
        let mut sample = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                sample = (sample + 1) % common::N_SAMPLES;
                let image = &images[sample * common::N_IN..(sample + 1) * common::N_IN];
                let key = StreamKey { seed: 0, epoch: 1, sample: sample as u32 };
                augment.apply(image, key, &mut scratch, &mut out).len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, encode, augment);
criterion_main!(benches);
