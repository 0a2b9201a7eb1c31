//! Networks and inputs the benchmarks share: the paper's sizes, with images made up to have Fashion-MNIST's statistics.

#![allow(dead_code, reason = "every benchmark uses a part")]

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use strsbp_rs::engine::layered::{ForwardScratch, Lists, SampleSpikes, forward};
use strsbp_rs::learn::{
    AnalogData, Batch, Classes, Data, Loss, OptimizerConfig, PostCouplingModel, Schedule, Source, StRsbp, Targets,
    Trainer, TrainerConfig,
};
use strsbp_rs::network::{
    AvgPool2dConfig, Conv2dConfig, Delay, DelayDistribution, DenseConfig, Init, Layer, LayerConfig, Network,
    NetworkConfig, RecurrentConfig, RecurrentMask,
};
use strsbp_rs::neuron::Discretisation;
use strsbp_rs::rng::StreamKey;
use strsbp_rs::sim::EngineKind;
use strsbp_rs::spikes::{Analog, AnalogSample, BernoulliEncoder, Encode, Encoder, EncoderScratch};

/// Samples of a benchmark: enough that weights, not one sample's spikes, fill the caches.
pub const N_SAMPLES: usize = 32;
/// Time steps.
pub const N_STEPS: usize = 400;
/// Inputs.
pub const N_IN: usize = 784;

/// A feed-forward layer with the paper's time constants.
pub fn dense(n: usize, v_th: f64) -> LayerConfig {
    LayerConfig::Dense(DenseConfig {
        n,
        tau_m: 64.0,
        tau_s: 8.0,
        v_th: v_th.into(),
        t_ref: 2.0,
        discretisation: Discretisation::Euler,
        init: Init::Uniform { low: -1.0, high: 1.0 },
        delay: Delay::default(),
        lateral_inhibition: 0.0,
    })
}

/// A recurrent layer with the paper's time constants.
pub fn recurrent(n: usize, v_th: f64) -> LayerConfig {
    LayerConfig::Recurrent(RecurrentConfig {
        n,
        tau_m: 64.0,
        tau_s: 8.0,
        v_th: v_th.into(),
        t_ref: 2.0,
        discretisation: Discretisation::Euler,
        init: Init::Uniform { low: -1.0, high: 1.0 },
        mask: RecurrentMask::AllToAll { self_loops: false },
        delay: Delay::default(),
        recurrent_init: Init::Uniform { low: -0.1, high: 0.1 },
        recurrent_delay: Delay::default(),
    })
}

/// The layer with drawn delays of 0 to 9 steps in every group.
pub fn delayed(mut layer: LayerConfig) -> LayerConfig {
    let drawn = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 9.0 });
    match &mut layer {
        LayerConfig::Dense(dense) => dense.delay = drawn,
        LayerConfig::Recurrent(recurrent) => (recurrent.delay, recurrent.recurrent_delay) = (drawn, drawn),
        _ => {}
    }
    layer
}

/// A convolution with the paper's time constants, of kernels of 5 x 5.
pub fn conv(channels: usize, v_th: f64) -> LayerConfig {
    LayerConfig::Conv2d(Conv2dConfig {
        channels,
        kernel: [5; 2],
        stride: [1; 2],
        padding: [0; 2],
        dilation: [1; 2],
        groups: 1,
        tau_m: 64.0,
        tau_s: 8.0,
        v_th: v_th.into(),
        t_ref: 2.0,
        discretisation: Discretisation::Euler,
        init: Init::Uniform { low: -0.6, high: 1.0 },
        delay: Delay::default(),
    })
}

/// A pool of 2 x 2 with the paper's time constants.
pub fn pool(v_th: f64) -> LayerConfig {
    LayerConfig::AvgPool2d(AvgPool2dConfig {
        kernel: [2; 2],
        stride: [2; 2],
        padding: [0; 2],
        tau_m: 64.0,
        tau_s: 8.0,
        v_th: v_th.into(),
        t_ref: 2.0,
        discretisation: Discretisation::Euler,
    })
}

/// The paper's convolutional network, at thresholds with which all layers fire.
pub fn paper_cnn() -> Network<f32> {
    let layers = vec![conv(15, 5.0), pool(0.6), conv(40, 25.0), pool(0.6), dense(300, 10.0), dense(10, 8.0)];
    Network::new(NetworkConfig { n_in: N_IN, in_shape: Some([1, 28, 28]), layers, dt: 1.0, seed: 1 }).expect("valid")
}

/// An untrained network.
pub fn network(n_in: usize, layers: Vec<LayerConfig>) -> Network<f32> {
    Network::new(NetworkConfig { n_in, in_shape: None, layers, dt: 1.0, seed: 1 }).expect("valid")
}

/// The paper's network, with the weights and thresholds that the shipped recipe starts with.
pub fn paper_network() -> Network<f32> {
    network(N_IN, vec![dense(400, 20.0), recurrent(400, 8.0), dense(10, 15.0)])
}

/// Bytes of `N_SAMPLES` images: half of the pixels dark, as in Fashion-MNIST, the others evenly spread.
pub fn images() -> Vec<u8> {
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24
    };
    let pixel = |at: usize| if at % 28 < 7 || at % 28 > 20 { 0 } else { 55 + random() as u8 % 200 };
    (0..N_SAMPLES * N_IN).map(pixel).collect()
}

/// The encoder of the paper.
pub fn encoder() -> Encoder {
    Encoder::Bernoulli(BernoulliEncoder::of_steps(N_STEPS, 1.0 / 5.5).expect("valid"))
}

/// Hands out the images, encoded, and the classes that they are trained for.
pub fn with_task(measure: impl FnOnce(Data<'_>, Targets<'_>)) {
    let (images, encoder) = (images(), encoder());
    let data = Data::Analog(AnalogData::new(Analog::U8(&images), N_IN, None, &encoder, None).expect("valid"));
    let labels: Vec<u32> = (0..N_SAMPLES as u32).map(|sample| sample % 10).collect();
    let classes = Classes::new(&labels, 10).expect("valid");
    measure(data, Targets::Classes(&classes));
}

/// Measures the gradients of a batch of all samples.
pub fn bench_gradients(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (net, trainer): (&Network<f32>, &mut Trainer<f32>),
    (data, targets): (Data<'_>, Targets<'_>),
    threads: usize,
) {
    let samples: Vec<u32> = (0..N_SAMPLES as u32).collect();
    let source = Source::Simulate { data, seed: 0, epoch: 0 };
    let batch = Batch { source, samples: &samples, targets, weights: None };
    group.bench_function(format!("gradients, {threads} threads"), |b| {
        b.iter(|| {
            trainer.gradients(net, &batch, &mut || true).expect("solvable");
        });
    });
}

/// The images as spikes, and what the network makes of them.
pub fn simulated(net: &Network<f32>) -> Vec<SampleSpikes> {
    let (images, encoder) = (images(), encoder());
    let (mut scratch, mut buffers) = (EncoderScratch::default(), ForwardScratch::default());
    let simulate = |sample: usize| {
        let mut spikes = SampleSpikes::new(net.layers().len());
        let key = StreamKey { seed: 0, epoch: 0, sample: sample as u32 };
        let values = AnalogSample::still(Analog::U8(&images[sample * N_IN..(sample + 1) * N_IN]));
        encoder.encode(values, key, &mut scratch, &mut spikes.input.by_neuron);
        spikes.input.list_by_time();
        forward(net, N_STEPS, &mut spikes, Lists::All, &mut buffers);
        spikes
    };
    (0..N_SAMPLES).map(simulate).collect()
}

/// Training with the shipped recipe's loss and optimizer, at a learning rate that changes nothing.
pub fn trainer_config() -> TrainerConfig {
    TrainerConfig {
        loss: Some(Loss::SoftmaxCrossEntropy { temperature: 4.0 }),
        optimizer: OptimizerConfig::Adam { lr: 1e-9, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
        schedule: Schedule::Constant { warmup_epochs: 0.0 },
        rule: StRsbp::default(),
        batch_size: N_SAMPLES,
        augment: None,
        spike_augment: None,
        weight_penalty: None,
        weight_limit: None,
        clip_norm: None,
        seed: 0,
        engine: EngineKind::Clocked,
        hardware: None,
    }
}

/// 1 - S of a layer by firing count.
pub fn one_minus_s(layer: &Layer<f32>, rule: &StRsbp) -> Vec<f32> {
    let model = PostCouplingModel::new(rule.post_coupling, layer.params(), N_STEPS).expect("valid");
    (0..=N_STEPS as u32).map(|count| model.one_minus_s(count) as f32).collect()
}
