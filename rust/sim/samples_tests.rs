//! Samples of a layered network: engine against engine, and what they count.

use serde_json::{Value, json};

use super::*;
use crate::spikes::SpikeTrains;

const N_STEPS: usize = 60;

fn network(explicit_delays: bool) -> Network<f64> {
    let neuron = |more: Value| {
        let mut layer = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0, "discretisation": "exact",
            "init": {"kind": "uniform", "low": -0.5, "high": 1.0}});
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let recurrent = json!({"kind": "recurrent", "n": 30, "mask": {"kind": "sparse", "density": 0.5, "self_loops": false},
        "recurrent_init": {"kind": "uniform", "low": -0.2, "high": 0.2}, "recurrent_delay": 1.5});
    let layers = [neuron(recurrent), neuron(json!({"kind": "dense", "n": 4, "lateral_inhibition": 0.1}))];
    let config = json!({"n_in": 8, "layers": layers, "dt": 0.5, "seed": 4});
    let mut net = Network::new(serde_json::from_value(config).unwrap()).unwrap();
    if explicit_delays {
        let some = |n: usize, most: u32| (0..n as u32).map(|at| at * 7 % most).collect::<Vec<_>>();
        let mut delays = net.delays();
        for (delays, most) in delays.iter_mut().flat_map(|layer| layer.iter_mut().zip([5, 3])) {
            *delays = some(delays.len(), most);
        }
        net.set_delays(&delays).unwrap();
    }
    net
}

/// Kernels, a pool above them, and recurrent neurons on top; delays of single taps of the kernels, if any.
fn planes(explicit_delays: bool) -> Network<f64> {
    let neuron = |v_th: f64, more: Value| {
        let mut layer = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": v_th, "t_ref": 1.0, "discretisation": "exact"});
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let init = json!({"kind": "uniform", "low": -0.3, "high": 0.5});
    let layers = [
        neuron(
            0.7,
            json!({"kind": "conv2d", "channels": 6, "kernel": [3, 2], "stride": [1, 2], "padding": [1, 0],
            "dilation": [1, 1], "groups": 2, "init": init, "delay": 0.5}),
        ),
        neuron(0.3, json!({"kind": "avg_pool2d", "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]})),
        neuron(
            0.4,
            json!({"kind": "recurrent", "n": 10, "init": init, "mask": {"kind": "all_to_all", "self_loops": true},
            "recurrent_init": init, "recurrent_delay": 1.0}),
        ),
    ];
    let config = json!({"n_in": 60, "in_shape": [2, 6, 5], "layers": layers, "dt": 0.5, "seed": 4});
    let mut net = Network::new(serde_json::from_value(config).unwrap()).unwrap();
    if explicit_delays {
        let mut delays = net.delays();
        for (delays, most) in delays.iter_mut().flatten().zip([4, 3, 2]) {
            let n = delays.len() as u32;
            *delays = (0..n).map(|at| at * 7 % most).collect();
        }
        net.set_delays(&delays).unwrap();
    }
    net
}

/// Kernels, a max pool above them, another below them, and recurrent neurons on top.
fn max_pools() -> Network<f64> {
    let config = json!({"kind": "max_pool2d", "kernel": [2, 2], "stride": [1, 1], "padding": [0, 1]});
    let mut config = vec![serde_json::from_value(config).unwrap()];
    let planes = planes(false).config().clone();
    config.extend(planes.layers.iter().cloned());
    config[2] =
        serde_json::from_value(json!({"kind": "max_pool2d", "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}))
            .unwrap();
    Network::new(crate::network::NetworkConfig { layers: config, ..planes }).unwrap()
}

fn run(
    net: &Network<f64>,
    simulation: &SampleSimulation<f64>,
    lists: Lists,
    scratch: &mut SampleScratch<f64>,
    sample: u32,
) -> (SampleSpikes, Option<Counts>) {
    let n_in = net.n_in() as u32;
    let mut trains = SpikeTrains::empty(N_STEPS, net.n_in()).unwrap();
    let fires = |t: u32, i: u32| (t * (sample + 3) + i * 5) % 11 < 3;
    let rows: Vec<Vec<u32>> = (0..N_STEPS as u32).map(|t| (0..n_in).filter(|&i| fires(t, i)).collect()).collect();
    trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    let mut spikes = SampleSpikes::new(net.layers().len());
    spikes.input.set(trains.sample(0), net.n_in());
    let counts = simulation.run(net, N_STEPS, &mut spikes, lists, scratch);
    (spikes, counts)
}

/// Neurons that fire at each step, layer by layer.
fn by_time(spikes: &SampleSpikes) -> Vec<Vec<Vec<u32>>> {
    let rows = |rows: &PaddedRows| (0..rows.n_rows()).map(|t| rows.row(t).to_vec()).collect();
    spikes.layers.iter().map(|layer| rows(&layer.by_time)).collect()
}

#[test]
fn engines_on_the_grid_agree() {
    for explicit_delays in [false, true] {
        let net = network(explicit_delays);
        let graph = Graph::from_network(&net).unwrap();
        let [clocked, event] =
            [EngineKind::Clocked, EngineKind::Event].map(|kind| SampleSimulation::new(&net, kind).unwrap());
        assert_eq!((clocked.kind(), event.kind()), (EngineKind::Clocked, EngineKind::Event));
        let mut scratch = SampleScratch::default();
        for (sample, lists) in [(0, Lists::All), (1, Lists::Counts), (2, Lists::All)] {
            let (expected, none) = run(&net, &clocked, lists, &mut scratch, sample);
            assert_eq!(none, None);
            let (spikes, counts) = run(&net, &event, lists, &mut scratch, sample);
            assert_eq!(by_time(&spikes), by_time(&expected));
            assert!(by_time(&spikes).iter().all(|rows| rows.len() == N_STEPS && rows.iter().flatten().count() > 10));
            for (l, (layer, other)) in spikes.layers.iter().zip(&expected.layers).enumerate() {
                // Of layers below the last one, nothing is listed by neuron where only its counts are wanted.
                let is_listed = lists == Lists::All || l == 1;
                assert_eq!(layer.counts().len(), if is_listed { [30, 4][l] } else { 0 });
                assert_eq!(layer.counts(), other.counts());
            }
            // Counted on the way, and from the spikes.
            let (counts, done) = (counts.unwrap(), operations(&graph, N_STEPS, &expected));
            let same = |c: Counts| (c.input_events, c.spikes, c.synaptic_events);
            assert_eq!(same(counts), same(done));
            assert_eq!(done.input_events as usize, expected.input.by_time.total());
            assert_eq!(done.spikes as usize, by_time(&expected).iter().flatten().flatten().count());
            assert_eq!((done.state_updates, done.near_ties), (59 * 34, 0));
        }
    }
}

#[test]
fn engines_on_the_grid_agree_on_kernels() {
    for net in [planes(false), planes(true), max_pools()] {
        let graph = Graph::from_network(&net).unwrap();
        assert!(graph.projections()[..2].iter().all(|projection| projection.synapses.has_kernels()));
        let [clocked, event] =
            [EngineKind::Clocked, EngineKind::Event].map(|kind| SampleSimulation::new(&net, kind).unwrap());
        let mut scratch = SampleScratch::default();
        for sample in 0..3 {
            let (expected, _) = run(&net, &clocked, Lists::All, &mut scratch, sample);
            let (spikes, counts) = run(&net, &event, Lists::All, &mut scratch, sample);
            // Layers in a plane list neurons position by position.
            let mut by_number = by_time(&expected);
            by_number.iter_mut().flatten().for_each(|row| row.sort_unstable());
            assert_eq!(by_time(&spikes), by_number);
            assert!(by_time(&spikes).iter().all(|rows| rows.iter().flatten().count() > 10));
            let (counts, done) = (counts.unwrap(), operations(&graph, N_STEPS, &expected));
            let same = |c: Counts| (c.input_events, c.spikes, c.synaptic_events);
            assert_eq!(same(counts), same(done));
        }
    }
}

#[test]
fn continuous_spikes_are_seen_at_the_end_of_their_step() {
    for net in [network(true), planes(true), max_pools()] {
        check_continuous(&net);
    }
}

fn check_continuous(net: &Network<f64>) {
    let simulation = SampleSimulation::new(net, EngineKind::Continuous).unwrap();
    let graph = Arc::new(Graph::from_network(net).unwrap());
    let mut scratch = SampleScratch::default();
    for sample in 0..3 {
        let (spikes, counts) = run(net, &simulation, Lists::All, &mut scratch, sample);
        let mut engine = ContinuousEngine::new(Arc::clone(&graph)).unwrap();
        let input = &spikes.input.by_time;
        engine.push((0..N_STEPS).flat_map(|t| input.row(t).iter().map(move |&x| (t as f64 * 0.5, x)))).unwrap();
        let mut expected = vec![vec![Vec::new(); N_STEPS]; net.layers().len()];
        let mut record = |time: f64, population: usize, neuron: u32| {
            let step = (1..N_STEPS).find(|&step| time <= step as f64 * 0.5).unwrap();
            expected[population - 1][step].push(neuron);
        };
        engine.advance(29.5f64.next_up(), &mut record, &mut || true);
        for row in expected.iter_mut().flatten() {
            row.sort_unstable();
            row.dedup();
        }
        assert_eq!(by_time(&spikes), expected);
        assert_eq!(counts, Some(engine.counts()));
        assert!(expected.iter().all(|rows| rows.iter().flatten().count() > 10));
    }
}

#[test]
fn steps_of_times() {
    for (time, step) in [(0.0, 1), (1e-9, 1), (0.5, 1), (0.5001, 2), (1.0, 2), (29.5, 59), (40.0, 59)] {
        assert_eq!(grid_step(time, 0.5, N_STEPS), step, "of {time}");
    }
}
