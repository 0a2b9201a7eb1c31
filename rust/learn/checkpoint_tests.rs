//! Checkpoints: what is written goes on as it was, and what no training could have written is refused.

use serde_json::{Value, json};

use super::*;
use crate::learn::test_cases::{config, spikes};
use crate::learn::{Batch, Classes, Data, Source, Targets};
use crate::network::Panels;
use crate::network::io::tests::{Stored, changed, network, set};

fn trainer(net: &Network<f32>, kind: &str) -> Trainer<f32> {
    let optimizer = match kind {
        "sgd" => json!({"kind": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": false}),
        _ => json!({"kind": "adam", "lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    };
    let config = config(json!({"optimizer": optimizer, "schedule": {"kind": "inverse_sqrt"}}));
    Trainer::new(config, net, Some(1)).unwrap()
}

fn train(trainer: &mut Trainer<f32>, net: &mut Network<f32>) {
    let classes = Classes::new(&[0, 1, 0, 1], net.n_out()).unwrap();
    trainer.train_epoch(net, Data::Spikes(&spikes()), Targets::Classes(&classes), None, &mut |_| true).unwrap();
}

fn bytes(kind: &str) -> (Network<f32>, Trainer<f32>, Vec<u8>) {
    let mut net = network();
    let mut trainer = trainer(&net, kind);
    train(&mut trainer, &mut net);
    train(&mut trainer, &mut net);
    let bytes = checkpoint_to_bytes(&net, &trainer, json!({"own": 1})).unwrap();
    (net, trainer, bytes)
}

#[test]
fn training_goes_on_as_it_was() {
    for kind in ["sgd", "adam"] {
        let (mut net, mut trainer, bytes) = bytes(kind);
        let Checkpoint { mut network, trainer: mut other, user } =
            checkpoint_from_bytes::<f32>(Path::new("file"), &bytes, Some(1)).unwrap();
        assert_eq!((user, other.epoch(), other.moments().step), (json!({"own": 1}), 2, 4));
        assert_eq!(other.config(), trainer.config());
        assert_eq!(other.moments().second.is_some(), kind == "adam");
        train(&mut trainer, &mut net);
        train(&mut other, &mut network);
        let again =
            [(&net, &trainer), (&network, &other)].map(|(n, t)| checkpoint_to_bytes(n, t, Value::Null).unwrap());
        assert!(again[0] == again[1] && again[0] != bytes, "{kind}");
    }
}

#[test]
fn what_no_training_could_have_written_is_refused() {
    let (_, _, bytes) = bytes("adam");
    let message = |change: &dyn Fn(&mut Stored, &mut Value)| {
        let bytes = changed(&bytes, change);
        checkpoint_from_bytes::<f32>(Path::new("file"), &bytes, Some(1)).unwrap_err().to_string()
    };
    let names = ["layers.0.weight", "layers.0.recurrent_weight", "layers.1.weight"];
    for name in ["optimizer.first.", "optimizer.second."].iter().flat_map(|p| names.map(|n| format!("{p}{n}"))) {
        let lacks = message(&|arrays, _| drop(arrays.remove(&name)));
        assert!(lacks.ends_with(&format!("lacks the array '{name}'")), "{lacks}");
        for bad in [f32::INFINITY, f32::NAN] {
            let infinite = message(&|arrays, _| set(arrays, &name, 3, bad));
            assert!(infinite.ends_with(&format!("array '{name}' holds {bad}, expected finite values")), "{infinite}");
        }
    }
    let infinite = message(&|arrays, _| set(arrays, "layers.1.weight", 1, f32::INFINITY));
    assert!(infinite.ends_with("layers.1.weight[0, 1] must be finite, got inf"), "{infinite}");
    let other = message(&|_, header| header["content"] = json!("network"));
    assert!(other.ends_with("holds a network, expected a checkpoint (network and trainer)"), "{other}");
    assert!(message(&|_, header| header["extra"]["step"] = json!(-1)).contains("has damaged metadata"));
    assert!(
        message(&|_, header| header["extra"]["trainer"]["batch_size"] = json!(0)).contains("batch_size must be >= 1")
    );
}

#[test]
fn what_could_not_be_read_is_not_written() {
    for (layer, recurrent) in [(0, false), (0, true), (1, false)] {
        let (mut net, trainer, _) = bytes("adam");
        let connections = net.layers_mut()[layer].connections_mut();
        let infinite = |weight: &mut Panels<f32>, _: Option<&Panels<f32>>| weight.data_mut()[0].0[0] = f32::INFINITY;
        connections[usize::from(recurrent)].update_weight(infinite);
        let error = checkpoint_to_bytes(&net, &trainer, Value::Null).unwrap_err().to_string();
        let expected = format!("the weights of layers[{layer}] after 4 steps must be finite (try a lower lr), got inf");
        assert_eq!(error, expected);
    }
    for (layer, second) in [(0, false), (1, false), (0, true), (1, true)] {
        let (net, mut trainer, _) = bytes("adam");
        let mut moments = trainer.moments().clone();
        let of = if second { moments.second.as_mut().unwrap() } else { &mut moments.first };
        of.layer_mut(layer).below.unwrap().data_mut()[0].0[0] = f32::NAN;
        trainer.restore(1, moments);
        let error = checkpoint_to_bytes(&net, &trainer, Value::Null).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the optimizer's moments of layers[{layer}] after 4 steps")), "{error}");
    }
    // Delays are the layout of the moments.
    let (mut net, trainer, _) = bytes("sgd");
    let mut delays = net.delays();
    delays[1][0].fill(3);
    net.set_delays(&delays).unwrap();
    let error = checkpoint_to_bytes(&net, &trainer, Value::Null).unwrap_err().to_string();
    assert!(error.starts_with("delays of layers[1] must be as they were"), "{error}");
}

#[test]
fn steps_that_fail_say_where() {
    let mut net = network::<f32>();
    let mut trainer = trainer(&net, "sgd");
    train(&mut trainer, &mut net);
    let (trains, classes) = (spikes(), Classes::new(&[0, 1, 0, 1], net.n_out()).unwrap());
    let source = Source::Simulate { data: Data::Spikes(&trains), seed: 1, epoch: 1 };
    let batch = Batch { source, samples: &[0, 1], targets: Targets::Classes(&classes), weights: Some(&[f64::MAX; 4]) };
    let before = net.layers()[1].synapses().rows();
    let error = trainer.step(&mut net, &batch, None, &mut || true).unwrap_err();
    assert!(matches!(error, Error::NotFinite { epoch: 2, step: 3, .. }), "{error:?}");
    assert_eq!(net.layers()[1].synapses().rows(), before);
    let batch = Batch { weights: None, ..batch };
    let stats = trainer.step(&mut net, &batch, None, &mut || true).unwrap();
    assert_eq!(stats.lr, 0.01 / 2f64.sqrt());
    assert_eq!(trainer.step(&mut net, &batch, Some(0.25), &mut || true).unwrap().lr, 0.25);
    for bad in [f64::NAN, 1e39] {
        let error = trainer.step(&mut net, &batch, Some(bad), &mut || true).unwrap_err().to_string();
        assert_eq!(error, format!("lr must be finite in float32, got {bad}"));
    }
    trainer.set_schedule(crate::learn::Schedule::Cosine { epochs: 1.0, min_factor: 0.0, warmup_epochs: 0.0 }).unwrap();
    let error = trainer.step(&mut net, &batch, None, &mut || true).unwrap_err().to_string();
    assert!(error.starts_with("lr must be given, as that of the schedule is 0 after 1 epochs"), "{error}");
    trainer.step(&mut net, &batch, Some(0.1), &mut || true).unwrap();
    assert!(matches!(trainer.step(&mut net, &batch, Some(0.1), &mut || false), Err(Error::Interrupted)));
}
