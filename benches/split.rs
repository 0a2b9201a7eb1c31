//! Where the time of a training step goes, and how far its two arithmetic loops are from the machine's limit; as Markdown.
//!
//! One thread, 784-400-R400-10, 400 steps, batches of 32, weights and images as in the other benchmarks. Every part is
//! timed by turns with all others, and the median of the rounds is printed: the machine may be slower at times.

mod common;

use std::hint::black_box;
use std::time::Instant;

use strsbp_rs::engine::layered::kernels::dense_panel;
use strsbp_rs::engine::layered::{ForwardScratch, Lists, SampleSpikes, forward};
use strsbp_rs::learn::optim::step::{Moments, apply_gradients};
use strsbp_rs::learn::rule::backward::{LayerAdjoint, solve_layer, tasks};
use strsbp_rs::learn::rule::scratch::BackwardScratch;
use strsbp_rs::learn::rule::traces::{AdjointTrace, GROUP, GroupLayout, Presynaptic, add_s_psps};
use strsbp_rs::learn::{Gradients, StRsbp};
use strsbp_rs::network::Network;
use strsbp_rs::neuron::lif::thresholds::One;
use strsbp_rs::rng::StreamKey;
use strsbp_rs::simd::{LANES, Lanes};
use strsbp_rs::spikes::{Analog, AnalogSample, Encode, EncoderScratch};

const ROUNDS: usize = 60;
/// Of the backward loop over a sample, so that making its trace counts little.
const PASSES: usize = 4;
const N: usize = common::N_SAMPLES;

/// Times of the parts, one a round [us/sample].
struct Parts(Vec<(&'static str, Vec<f64>)>);

impl Parts {
    fn time(&mut self, name: &'static str, part: impl FnOnce()) {
        let start = Instant::now();
        part();
        let time = start.elapsed().as_secs_f64() * 1e6 / N as f64;
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(time),
            None => self.0.push((name, vec![time])),
        }
    }

    fn median(&mut self, name: &str) -> f64 {
        let (_, times) = self.0.iter_mut().find(|(known, _)| *known == name).expect("timed");
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}

fn main() {
    let net = common::paper_network();
    let rule = StRsbp::default();
    let (images, encoder) = (common::images(), common::encoder());
    let mut samples = common::simulated(&net);
    let config = common::trainer_config();
    let mut trained = net.clone();
    let mut grads = Gradients::zeros(&net);
    let mut moments = Moments::new(&config.optimizer, &net);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let (mut encode, mut buffers) = (EncoderScratch::default(), ForwardScratch::default());
    let mut scratch = BackwardScratch::default();
    let mut trace = AdjointTrace::default();
    let one_minus_s = common::one_minus_s(&net.layers()[1], &rule);
    let z = vec![1e-3f32; 400];
    let mut adjoint = LayerAdjoint::default();
    let mut down = vec![0.0; 400];
    let mut fired = vec![0u16; 2 * common::N_STEPS];
    let mut layout = GroupLayout::default();
    let tables = [16, 256].map(|kib| vec![Lanes([1f32; 16]); kib * 1024 / 64]);

    let mut parts = Parts(Vec::new());
    for _ in 0..ROUNDS {
        parts.time("encode", || {
            for (s, sample) in samples.iter_mut().enumerate() {
                let values = Analog::U8(&images[s * common::N_IN..(s + 1) * common::N_IN]);
                let key = StreamKey { seed: 0, epoch: 0, sample: s as u32 };
                encoder.encode(AnalogSample::still(values), key, &mut encode, &mut sample.input.by_neuron);
                sample.input.list_by_time();
            }
        });
        parts.time("forward", || {
            samples.iter_mut().for_each(|spikes| forward(&net, common::N_STEPS, spikes, Lists::All, &mut buffers));
        });
        parts.time("traces", || {
            for sample in &samples {
                // Twice in the recurrent layer: for the adjoint system and for the gradients.
                [0, 1, 1].into_iter().for_each(|l| compute_traces(&net, sample, l, &mut trace));
            }
        });
        parts.time("adjoint, with traces", || {
            for sample in &samples {
                adjoint.delta.clear();
                adjoint.delta.extend((0..400).map(|i| (i % 7) as f32 - 3.0));
                solve_layer(&net.layers()[1], &sample.layers[1], &one_minus_s, &rule, &mut adjoint, &mut scratch)
                    .expect("solvable");
            }
        });
        parts.time("S-PSP, with traces", || {
            for l in 0..2 {
                for mut task in tasks(&net.layers()[l], grads.layer_mut(l)) {
                    for sample in &samples {
                        let down = (l > 0).then_some(&mut down[..]);
                        task.accumulate(&net.layers()[l], sample, l, &z, &rule, down, &mut scratch);
                    }
                }
            }
        });
        parts.time("traces of the adjoint", || {
            samples.iter().for_each(|sample| compute_traces(&net, sample, 1, &mut trace));
        });
        parts.time("optimizer", || {
            apply_gradients(&mut trained, &mut grads, &mut moments, &config.step_options(), 1e-9, &pool);
        });
        // The two loops: rows of weights by steps, rows of traces by inputs.
        let weight = net.layers()[0].weight();
        parts.time("loop forward", || {
            for sample in &samples {
                for panel in 0..weight.n_panels() {
                    let below = &sample.input.by_time;
                    dense_panel::<f32, _, 2, 2>(weight.panel(panel), below, net.layers()[0].lif(), One, 2, &mut fired);
                }
            }
        });
        parts.time("loop backward", || {
            for sample in &samples {
                let spikes = &sample.layers[0];
                let firing = &spikes.active[..GROUP.min(spikes.active.len())];
                let trace = trace.compute::<{ GROUP / LANES }>(
                    &spikes.by_neuron,
                    common::N_STEPS,
                    firing,
                    |_| 1.0,
                    net.layers()[0].lif(),
                    0,
                );
                let pre = Presynaptic { by_neuron: &sample.input.by_neuron, active: &sample.input.active };
                let sums = &mut grads.layer_mut(0).below.expect("a dense connection");
                layout.set(sums.panel_blocks(), firing.iter().map(|&i| sums.start(i as usize)));
                for _ in 0..PASSES {
                    add_s_psps::<f32, { GROUP / LANES }>(trace.delayed(0), pre, &layout, sums.data_mut());
                }
            }
        });
        parts.time("L1", || sum_often(&tables[0], N * 64));
        parts.time("L2", || sum_often(&tables[1], N * 4));
    }
    let spikes = |of: &dyn Fn(&SampleSpikes) -> usize| samples.iter().map(of).sum::<usize>() / N;
    print!("Spikes a sample: {} of the input", spikes(&|s| s.input.by_time.total()));
    (0..2).for_each(|l| print!(", {} of layer {l}", spikes(&|s| s.layers[l].by_time.total())));
    println!(".\n");
    print_split(&mut parts);
    print_limits(&mut parts, &samples);
}

/// The adjoint traces of all neurons of a layer that fire.
fn compute_traces(net: &Network<f32>, sample: &SampleSpikes, l: usize, trace: &mut AdjointTrace<f32>) {
    let spikes = &sample.layers[l];
    for group in spikes.active.chunks(GROUP) {
        trace.compute::<{ GROUP / LANES }>(
            &spikes.by_neuron,
            common::N_STEPS,
            group,
            |_| 1.0,
            net.layers()[l].lif(),
            0,
        );
    }
}

fn print_split(parts: &mut Parts) {
    let traces = parts.median("traces");
    let of_adjoint = parts.median("traces of the adjoint");
    let split = [
        ("encode", parts.median("encode")),
        ("forward", parts.median("forward")),
        ("traces", traces),
        ("S-PSP", parts.median("S-PSP, with traces") - (traces - of_adjoint)),
        ("adjoint", parts.median("adjoint, with traces") - of_adjoint),
        ("optimizer", parts.median("optimizer")),
    ];
    let total: f64 = split.iter().map(|(_, time)| time).sum();
    println!("| part | us/sample | share |\n|---|---|---|");
    for (name, time) in split {
        println!("| {name} | {time:.0} | {:.0} % |", 100.0 * time / total);
    }
    println!("| all | {total:.0} | |\n");
}

fn print_limits(parts: &mut Parts, samples: &[SampleSpikes]) {
    let padded = |rows: usize| rows.next_multiple_of(4) as f64;
    let mean = |of: &dyn Fn(&SampleSpikes) -> f64| samples.iter().map(of).sum::<f64>() / samples.len() as f64;
    // Bytes of table rows read a sample: 13 panels of 128 bytes; passes of 256.
    let forward = 13.0
        * 128.0
        * mean(&|s| s.input.by_time.lengths()[..common::N_STEPS - 1].iter().map(|&n| padded(n as usize)).sum());
    let backward =
        PASSES as f64 * 256.0 * mean(&|s| s.input.by_neuron.lengths().iter().map(|&n| padded(n as usize)).sum());
    let l1 = 64.0 * 16.0 * 1024.0 / parts.median("L1");
    let l2 = 4.0 * 256.0 * 1024.0 / parts.median("L2");
    println!("| loop | bytes/ns | of sequential reads, 16 KiB | of sequential reads, 256 KiB |\n|---|---|---|---|");
    let loops =
        [("forward, 784-400", forward, "loop forward"), ("backward, 784-400, 64 neurons", backward, "loop backward")];
    for (name, bytes, part) in loops {
        let speed = bytes / parts.median(part);
        println!(
            "| {name} | {:.0} | {:.0} % of {:.0} | {:.0} % of {:.0} |",
            speed / 1e3,
            100.0 * speed / l1,
            l1 / 1e3,
            100.0 * speed / l2,
            l2 / 1e3
        );
    }
}

/// Adds up a table, as the loops do but row after row, with the widest vectors there are.
fn sum_often(table: &[Lanes<f32>], times: usize) {
    for _ in 0..times {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: just detected.
            black_box(unsafe { sum_avx512(black_box(table)) });
            continue;
        } else if is_x86_feature_detected!("avx2") {
            // SAFETY: just detected.
            black_box(unsafe { sum_avx2(black_box(table)) });
            continue;
        }
        black_box(sum(black_box(table)));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sum_avx512(table: &[Lanes<f32>]) -> [f32; 64] {
    sum(table)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(table: &[Lanes<f32>]) -> [f32; 64] {
    sum(table)
}

#[inline(always)]
fn sum(table: &[Lanes<f32>]) -> [f32; 64] {
    let mut sums = [0.0; 64];
    for rows in table.as_chunks::<4>().0 {
        for r in 0..4 {
            for l in 0..16 {
                sums[16 * r + l] += rows[r][l];
            }
        }
    }
    sums
}
