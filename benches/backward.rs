//! The parts of the backward pass, one sample at a time, and the optimizer's step.

mod common;

use criterion::{Criterion, criterion_group, criterion_main};
use strsbp_rs::engine::layered::SampleSpikes;
use strsbp_rs::learn::optim::step::{Moments, apply_gradients};
use strsbp_rs::learn::rule::backward::{LayerAdjoint, solve_layer, tasks};
use strsbp_rs::learn::rule::scratch::BackwardScratch;
use strsbp_rs::learn::rule::traces::{AdjointTrace, GROUP};
use strsbp_rs::learn::{Gradients, StRsbp};
use strsbp_rs::simd::LANES;

fn passes(c: &mut Criterion) {
    let net = common::paper_network();
    let samples = common::simulated(&net);
    let rule = StRsbp::default();
    let mut group = c.benchmark_group("backward");
    let mut at = 0;
    let mut next = || {
        at = (at + 1) % samples.len();
        &samples[at]
    };

    let hidden = &net.layers()[0];
    let mut trace = AdjointTrace::<f32>::default();
    group.bench_function("adjoint traces, 400 neurons", |b| {
        b.iter(|| {
            let spikes = &next().layers[0];
            for firing in spikes.active.chunks(GROUP) {
                trace.compute::<{ GROUP / LANES }>(
                    &spikes.by_neuron,
                    common::N_STEPS,
                    firing,
                    |_| 1.0,
                    hidden.lif(),
                    0,
                );
            }
        });
    });

    let one_minus_s = common::one_minus_s(&net.layers()[1], &rule);
    let (mut adjoint, mut scratch) = (LayerAdjoint::default(), BackwardScratch::default());
    group.bench_function("adjoint system of R400", |b| {
        b.iter(|| {
            adjoint.delta.clear();
            adjoint.delta.extend((0..400).map(|i| (i % 7) as f32 - 3.0));
            solve_layer(&net.layers()[1], &next().layers[1], &one_minus_s, &rule, &mut adjoint, &mut scratch)
                .expect("solvable");
        });
    });

    let mut grads = Gradients::zeros(&net);
    for (name, l, n_in) in [("784-400", 0, None), ("400-R400, and send down", 1, Some(400))] {
        let (z, mut down) = (vec![1e-3f32; 400], vec![0.0; n_in.unwrap_or(0)]);
        group.bench_function(format!("S-PSPs into gradients, {name}"), |b| {
            b.iter(|| {
                let sample: &SampleSpikes = next();
                for mut task in tasks(&net.layers()[l], grads.layer_mut(l)) {
                    let down = n_in.map(|_| &mut down[..]);
                    task.accumulate(&net.layers()[l], sample, l, &z, &rule, down, &mut scratch);
                }
            });
        });
    }

    let config = common::trainer_config();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let (mut net, mut moments) = (net.clone(), Moments::new(&config.optimizer, &net));
        group.bench_function(format!("Adam step of the network, {threads} threads"), |b| {
            b.iter(|| apply_gradients(&mut net, &mut grads, &mut moments, &config.step_options(), 1e-9, &pool));
        });
    }
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
