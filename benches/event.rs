//! Clocked and event engine over activity and size.
use std::sync::Arc;
use std::time::Instant;

use strsbp_rs::graph::{ConnectionRule, Graph};
use strsbp_rs::network::{Delay, Init};
use strsbp_rs::neuron::{Discretisation, LifParams};
use strsbp_rs::sim::{ClockedEngine, EventEngine};

fn graph(n: usize, n_in: usize, k: usize) -> Arc<Graph<f32>> {
    let params = LifParams { tau_m: 20.0, tau_s: 5.0, v_th: 1.0, t_ref: 2.0, dt: 1.0, discretisation: Discretisation::Exact };
    let mut graph = Graph::new(1.0, 1).unwrap();
    let input = graph.add_population("input", n_in, None).unwrap();
    let main = graph.add_population("main", n, Some(params)).unwrap();
    let rule = ConnectionRule::FixedOutDegree { n: k, self_loops: false };
    let delay = Delay::Fixed(1.0);
    graph.connect(input, main, &rule, &Init::Uniform { low: 0.0, high: 0.6 }, &delay).unwrap();
    graph.connect(main, main, &rule, &Init::Uniform { low: -0.2, high: 0.1 }, &delay).unwrap();
    Arc::new(graph)
}

fn inputs(n_in: usize, n_steps: u64, activity: f64) -> Vec<(u64, u32)> {
    let mut state = 12345u64;
    let mut events = Vec::new();
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let total = (n_in as f64 * n_steps as f64 * activity) as usize;
    for _ in 0..total {
        events.push(((next() * n_steps as f64) as u64, (next() * n_in as f64) as u32));
    }
    events.sort_unstable();
    events.dedup();
    events
}

fn main() {
    let args: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (n, n_in, k) = (args[0] as usize, args[1] as usize, args[2] as usize);
    let start = Instant::now();
    let graph = graph(n, n_in, k);
    println!("build {:.2} s, {} synapses", start.elapsed().as_secs_f64(), graph.n_synapses());
    for activity in args.get(3).map_or(vec![1e-4, 1e-3, 1e-2, 5e-2, 0.1], |a| vec![*a]) {
        let n_steps = ((2e9 / (n as f64 + n_in as f64 * activity * k as f64 * 10.0)) as u64).clamp(20, 20000);
        let events = inputs(n_in, n_steps, activity);
        let mut clocked = ClockedEngine::new(Arc::clone(&graph)).unwrap();
        clocked.traffic_mut().push(events.iter().copied());
        let start = Instant::now();
        clocked.advance(n_steps, &mut |_, _, _| {}, &mut || true);
        let a = start.elapsed().as_secs_f64() / n_steps as f64 * 1e6;
        let mut event = EventEngine::new(Arc::clone(&graph)).unwrap();
        event.traffic_mut().push(events.iter().copied());
        let start = Instant::now();
        event.advance(n_steps, &mut |_, _, _| {}, &mut || true);
        let b = start.elapsed().as_secs_f64() / n_steps as f64 * 1e6;
        let (c, e) = (clocked.counts(), event.counts());
        println!(
            "{activity}: clocked {a:.2} us/step, event {b:.2} us/step, ratio {:.2}; spikes/step {:.2} {:.2}; syn/step {:.1}; upd/step {:.1}; ns/syn {:.2}; ns/neuron-step {:.3}",
            a / b, c.spikes as f64 / n_steps as f64, e.spikes as f64 / n_steps as f64, e.synaptic_events as f64 / n_steps as f64,
            e.state_updates as f64 / n_steps as f64, b * 1e3 * n_steps as f64 / e.synaptic_events.max(1) as f64, a * 1e3 / n as f64
        );
    }
}
