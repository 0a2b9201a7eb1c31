use serde_json::json;

use super::*;
use crate::engine::layered::membrane_trace;
use crate::sim::SampleScratch;

const N_STEPS: usize = 30;
/// More than are simulated at once.
const N_SAMPLES: usize = CHUNK + 3;

/// A recurrent layer of five neurons and a dense one of two onto three inputs.
fn network() -> Network<f64> {
    let layer = |kind: &str, n: usize| {
        json!({"kind": kind, "n": n, "tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0,
            "discretisation": "euler", "init": {"kind": "uniform", "low": -0.2, "high": 1.0}})
    };
    let (mut own, mut dense) = (layer("recurrent", 5), layer("dense", 2));
    own["mask"] = json!({"kind": "all_to_all", "self_loops": true});
    own["recurrent_init"] = json!({"kind": "uniform", "low": -0.4, "high": 0.4});
    dense["lateral_inhibition"] = json!(0.0);
    let config = json!({"n_in": 3, "layers": [own, dense], "dt": 1.0, "seed": 4});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

/// Samples that differ in their spikes.
fn inputs() -> SpikeTrains {
    let mut trains = SpikeTrains::empty(N_STEPS, 3).unwrap();
    for sample in 0..N_SAMPLES {
        let fires = |t: usize, i: u32| (t * (sample + 2) + i as usize) % 5 < 2;
        let rows: Vec<Vec<u32>> = (0..N_STEPS).map(|t| (0..3).filter(|&i| fires(t, i)).collect()).collect();
        trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    }
    trains
}

fn traced(layer: usize, neurons: &[usize]) -> Traced {
    Traced { layer, neurons: neurons.to_vec() }
}

fn run(kind: EngineKind, traced: &[Traced], keep_going: &mut dyn FnMut() -> bool) -> Result<Recording<f64>> {
    let (net, inputs) = (network(), inputs());
    let worker = Worker::new(Some(2)).unwrap();
    let simulation = SampleSimulation::new(&net, kind).unwrap();
    let trace = |spikes: &SampleSpikes, l: usize, i: usize| membrane_trace(&net, spikes, N_STEPS, l, i);
    record(&worker, &net, &simulation, Data::Spikes(&inputs), 0, traced, trace, keep_going)
}

#[test]
fn spikes_traces_and_operations_are_those_of_the_samples_one_by_one() {
    let (net, inputs) = (network(), inputs());
    let asked = [traced(1, &[1]), traced(0, &[4, 0])];
    for kind in [EngineKind::Clocked, EngineKind::Event] {
        let found = run(kind, &asked, &mut || true).unwrap();
        let simulation = SampleSimulation::new(&net, kind).unwrap();
        let (mut scratch, mut spikes) = (SampleScratch::default(), SampleSpikes::new(2));
        let mut expected = Counts::default();
        for s in 0..N_SAMPLES {
            spikes.input.set(inputs.sample(s), 3);
            let counted = simulation.run(&net, N_STEPS, &mut spikes, Lists::All, &mut scratch);
            let graph = || Graph::from_network(&net).unwrap();
            expected += counted.unwrap_or_else(|| operations(&graph(), N_STEPS, &spikes));
            for (trains, layer) in found.spikes[1..].iter().zip(&spikes.layers) {
                for t in 0..N_STEPS {
                    assert_eq!(trains.sample(s).at(t), layer.by_time.row(t));
                }
            }
            for (of, traces) in asked.iter().zip(&found.traces) {
                for (n, &neuron) in of.neurons.iter().enumerate() {
                    let alone = membrane_trace(&net, &spikes, N_STEPS, of.layer, neuron);
                    for t in 0..N_STEPS {
                        let at = (s * N_STEPS + t) * of.neurons.len() + n;
                        assert_eq!(traces.current[at], alone.current[t]);
                        assert_eq!(traces.potential[at], alone.potential[t]);
                    }
                }
            }
        }
        assert_eq!(found.spikes[0], inputs);
        assert_eq!(found.operations, expected);
        assert!(found.operations.synaptic_events > 1000 && found.spikes[2].n_spikes() > 100);
    }
}

#[test]
fn is_stopped_between_parts() {
    let mut asked = 0;
    let stopped = run(EngineKind::Clocked, &[], &mut || {
        asked += 1;
        asked < 2
    });
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

#[test]
fn errors_name_the_layer_and_the_neuron() {
    let net = network();
    let message = |kind, of: Traced| check_traced(&net, kind, &[of]).unwrap_err().to_string();
    let clocked = EngineKind::Clocked;
    assert_eq!(message(clocked, traced(2, &[])), "record_traces must be layers in [0, 2), got 2");
    assert_eq!(message(clocked, traced(1, &[0, 2])), "record_traces[1] must be neurons in [0, 2), got 2");
    assert_eq!(
        message(EngineKind::Continuous, traced(0, &[0])),
        "record_traces must be empty in continuous time, got 1 layers"
    );
    check_traced(&net, EngineKind::Event, &[traced(0, &[4]), traced(1, &[])]).unwrap();
    check_traced(&net, EngineKind::Continuous, &[]).unwrap();
}
