//! Trainers and spikes that tests of several modules share.

use serde_json::{Value, json};

use super::TrainerConfig;
use crate::spikes::SpikeTrains;

/// Returns a configuration of small batches; the fields of `more` take the place of its own.
pub fn config(more: Value) -> TrainerConfig {
    let mut config = json!({
        "loss": {"kind": "softmax_cross_entropy", "temperature": 1.0},
        "optimizer": {"kind": "sgd", "lr": 1.0, "momentum": 0.0, "nesterov": false},
        "schedule": {"kind": "constant"},
        "rule": rule(true, 1e-4),
        "batch_size": 2, "augment": null, "weight_penalty": null, "weight_limit": null, "clip_norm": null, "seed": 7,
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

/// Returns options of the backward pass, in closed form.
pub fn rule(teacher_spikes: bool, solver_tolerance: f64) -> Value {
    json!({"post_coupling": "closed_form", "silent_ratio": 0.0, "teacher_spikes": teacher_spikes, "teacher_count": 5,
        "solver_tolerance": solver_tolerance})
}

/// Returns four samples of six inputs, which differ.
pub fn spikes() -> SpikeTrains {
    let mut trains = SpikeTrains::empty(20, 6).unwrap();
    for sample in 0..4u32 {
        let rows: Vec<Vec<u32>> =
            (0..20).map(|t| (0..6).filter(|i| (t * (sample + 2) + i) % 5 < 2).collect()).collect();
        trains.push_sample(rows.iter().map(Vec::as_slice)).unwrap();
    }
    trains
}
