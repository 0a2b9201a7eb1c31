//! The continuous neuron: its evolution between events, and the time of its next spike by what the answer takes.
//!
//! States are drawn at random, and gone through in turn; times are those of one state.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use strsbp_rs::neuron::{ContinuousLif, Discretisation, LifParams};

/// More than a branch predictor learns by heart.
const N_STATES: usize = 4096;
const TAU_M: f64 = 20.0;
const V_TH: f64 = 15.0;

fn neuron(tau_s: f64) -> ContinuousLif {
    let params =
        LifParams { tau_m: TAU_M, tau_s, v_th: V_TH, t_ref: 2.0, dt: 0.1, discretisation: Discretisation::Exact };
    ContinuousLif::new(&params).expect("valid")
}

/// States `(p, u)` with u in [-v_th, v_th) and p in [0, `p_max`) that satisfy a condition.
fn states(p_max: f64, keep: impl Fn(f64, f64) -> bool) -> Vec<(f64, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || f64::from(rng.next_u32()) / 2f64.powi(32);
    std::iter::repeat_with(|| (p_max * uniform(), V_TH * (2.0 * uniform() - 1.0)))
        .filter(|&(p, u)| keep(p, u))
        .take(N_STATES)
        .collect()
}

fn crossings(c: &mut Criterion) {
    let mut group = c.benchmark_group("continuous");
    group.throughput(Throughput::Elements(N_STATES as u64));
    for tau_s in [2.0, 5.0, 10.0, 20.0] {
        let lif = neuron(tau_s);
        let crosses = |p: f64, u: f64| lif.next_crossing(p, u).is_some();
        // What is asked: the bound alone; the bound, then the peak; the bound, the peak and the time.
        let cases = [
            ("weak inputs, none crosses", states(0.25 * V_TH, |p, u| !crosses(p, u))),
            ("strong inputs, none crosses", states(8.0 * V_TH, |p, u| !crosses(p, u))),
            ("strong inputs, all cross", states(8.0 * V_TH, crosses)),
        ];
        for (name, states) in &cases {
            group.bench_function(format!("next_crossing, tau_s = {tau_s} ms, {name}"), |b| {
                b.iter(|| states.iter().filter_map(|&(p, u)| lif.next_crossing(p, u)).sum::<f64>());
            });
        }
        let states = &cases[2].1;
        for (name, step) in [("short", 0.05), ("long", 2.0)] {
            group.bench_function(format!("advance, tau_s = {tau_s} ms, {name}"), |b| {
                b.iter(|| {
                    let after = states.iter().map(|&(p, u)| lif.advance(p, u, step * (V_TH - u)));
                    after.fold((0.0, 0.0), |sum, (p, u)| (sum.0 + p, sum.1 + u))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, crossings);
criterion_main!(benches);
