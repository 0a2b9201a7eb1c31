//! Files of networks: what is written is read, and what no network could have written is refused.

use std::collections::{BTreeMap, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use super::*;
use crate::files::container::METADATA_KEY;

/// Arrays of a file by name: type, shape, bytes.
pub(crate) type Stored = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// The bytes of a file with other arrays or another header.
pub(crate) fn changed(bytes: &[u8], change: impl FnOnce(&mut Stored, &mut Value)) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let mut header = serde_json::from_str(&metadata.metadata().as_ref().unwrap()[METADATA_KEY]).unwrap();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let of = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
    let mut arrays = file.tensors().into_iter().map(|(name, view)| (name, of(view))).collect();
    change(&mut arrays, &mut header);
    let views = arrays
        .iter()
        .map(|(name, (dtype, shape, data))| (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), header.to_string())]);
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// Sets a number of an array.
pub(crate) fn set(arrays: &mut Stored, name: &str, at: usize, value: f32) {
    let (dtype, _, bytes) = arrays.get_mut(name).unwrap();
    assert_eq!(*dtype, Dtype::F32);
    bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Six inputs, five neurons that receive from each other, and two onto which synapses have delays.
pub(crate) fn network<F: Real>() -> Network<F> {
    let neuron = json!({"tau_m": 20.0, "tau_s": 5.0, "v_th": 0.5, "t_ref": 1.0, "discretisation": "euler",
        "init": {"kind": "uniform", "low": -0.2, "high": 1.0}});
    let layer = |more: Value| {
        let mut layer = neuron.clone();
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let recurrent = json!({"kind": "recurrent", "n": 5, "mask": {"kind": "all_to_all", "self_loops": false},
        "recurrent_init": {"kind": "uniform", "low": 0.1, "high": 0.3}, "recurrent_delay": 2.0});
    let layers = [layer(recurrent), layer(json!({"kind": "dense", "n": 2, "lateral_inhibition": 0.1}))];
    let config = json!({"n_in": 6, "layers": layers, "dt": 1.0, "seed": 4});
    Network::new(serde_json::from_value(config).unwrap()).unwrap()
}

fn delayed<F: Real>() -> Network<F> {
    let mut net = network();
    let delays = [
        vec![(0..30).map(|at| at % 4).collect(), (0..25).map(|at| at % 3).collect()],
        vec![(0..10).map(|at| at % 2 * 7).collect()],
    ];
    net.set_delays(&delays).unwrap();
    net
}

fn assert_same<F: Real>(a: &Network<F>, b: &Network<F>) {
    assert_eq!((a.config(), a.delays(), a.explicit_delays()), (b.config(), b.delays(), b.explicit_delays()));
    let rows = |net: &Network<F>| net.trainable().map(|(_, c)| c.synapses().rows()).collect::<Vec<_>>();
    assert_eq!(rows(a), rows(b));
}

fn comes_back<F: Real>(folder: &Path, net: &Network<F>) {
    let path = folder.join("net.safetensors");
    write_network(&path, net, json!({"some": [1, "words"]})).unwrap();
    let bytes = read(&path).unwrap();
    assert_eq!(bytes, std::fs::read(&path).unwrap());
    // What Rust has written, the library of the format reads; all arrays are aligned to their type.
    let (n, _) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!((n + 8) % 8, 0);
    assert_same(net, &read_network(&path).unwrap());
    assert_same(net, &network_from_bytes(&path, &changed(&bytes, |_, _| ())).unwrap());
    assert_eq!(content(&path).unwrap(), ("network".to_owned(), json!({"some": [1, "words"]})));
    assert_eq!(dtype_of(&path, &bytes).unwrap(), F::DTYPE);
    let names: Vec<String> = SafeTensors::deserialize(&bytes).unwrap().names().iter().map(|n| n.to_string()).collect();
    assert_eq!(names.len(), if net.explicit_delays() { 6 } else { 3 });
    for name in ["layers.0.weight", "layers.0.recurrent_weight", "layers.1.weight"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    comes_back::<f32>(folder.path(), &network());
    comes_back::<f64>(folder.path(), &network());
    comes_back::<f32>(folder.path(), &delayed());
    comes_back::<f64>(folder.path(), &delayed());
}

#[test]
fn what_no_network_could_have_written_is_refused() {
    let path = Path::new("net.safetensors");
    let bytes = network_to_bytes(&delayed::<f32>(), Value::Null).unwrap();
    let message = |change: &dyn Fn(&mut Stored, &mut Value)| {
        network_from_bytes::<f32>(path, &changed(&bytes, change)).unwrap_err().to_string()
    };
    let names = ["weight", "recurrent_weight", "delay_steps", "rec_delay_steps"].map(|name| format!("layers.0.{name}"));
    for name in names.iter().map(String::as_str).chain(["layers.1.weight", "layers.1.delay_steps"]) {
        let lacks = message(&|arrays, _| drop(arrays.remove(name)));
        assert!(lacks.ends_with(&format!("lacks the array '{name}'")), "{lacks}");
        let turned = message(&|arrays, _| {
            arrays.get_mut(name).unwrap().1.push(1);
        });
        assert!(turned.contains(&format!("{name} has shape")), "{turned}");
        let doubles = message(&|arrays, _| {
            let (dtype, shape, bytes) = arrays.get_mut(name).unwrap();
            (*dtype, *bytes) = (Dtype::F64, vec![0; 8 * shape.iter().product::<usize>()]);
        });
        assert!(doubles.ends_with(&format!("array '{name}' is F64, expected F32")), "{doubles}");
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let of_weight = message(&|arrays, _| set(arrays, "layers.1.weight", 6, bad));
        assert!(of_weight.ends_with(&format!("layers.1.weight[1, 1] must be finite, got {bad}")), "{of_weight}");
        let of_recurrent = message(&|arrays, _| set(arrays, "layers.0.recurrent_weight", 5, bad));
        assert!(of_recurrent.ends_with(&format!("layers.0.recurrent_weight[1, 0] must be finite, got {bad}")));
        message(&|arrays, _| set(arrays, "layers.0.delay_steps", 3, bad));
    }
    let loops = message(&|arrays, _| set(arrays, "layers.0.recurrent_weight", 6, 0.5));
    assert!(loops.ends_with("recurrent_weight[1, 1] must be 0, as no synapse exists there, got 0.5"), "{loops}");
    for bad in [-1.0, 0.5, 2e7] {
        let delay = message(&|arrays, _| set(arrays, "layers.0.rec_delay_steps", 5, bad));
        assert!(delay.contains("layers.0.rec_delay_steps[1, 0]"), "{delay}");
    }
    assert!(message(&|_, header| header["version"] = json!(2)).ends_with("has format version 2, expected 1"));
    let spikes = message(&|_, header| header["content"] = json!("spike_trains"));
    assert!(spikes.ends_with("holds spike trains, expected a network"));
    assert!(
        message(&|_, header| header["dtype"] = json!("float64")).ends_with("holds float64 weights, expected float32")
    );
    let invalid = message(&|_, header| header["network"]["n_in"] = json!(0));
    assert!(invalid.contains("has an invalid network: n_in must be in [1, 2^31), got 0"), "{invalid}");
    let damaged = message(&|_, header| header["network"] = json!("none"));
    assert!(damaged.contains("has damaged metadata, at character"), "{damaged}");
    let other = changed(&bytes, |_, header| header["content"] = json!("checkpoint"));
    network_from_bytes::<f32>(path, &other).unwrap();
    assert!(network_from_bytes::<f64>(path, &bytes).is_err());
    let foreign = safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), None).unwrap();
    let foreign = network_from_bytes::<f32>(path, &foreign).unwrap_err().to_string();
    assert!(foreign.contains("is a safetensors file without strsbp_rs metadata"), "{foreign}");
}

#[test]
fn files_end_where_their_header_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let bytes = network_to_bytes(&network::<f32>(), Value::Null).unwrap();
    let message = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read(&path).unwrap_err().to_string()
    };
    for end in [0, 7] {
        assert!(message(&bytes[..end]).contains("shorter than any"));
    }
    assert!(message(&bytes[..100]).contains("its header is cut off, or lists no arrays"));
    assert!(message(&bytes[..bytes.len() - 1]).contains(&format!("({} bytes)", bytes.len() - 1)));
    assert!(message(&[&bytes[..], &[0]].concat()).contains(&format!("({} bytes)", bytes.len() + 1)));
    for (length, words) in
        [(100_000_001u64, "would have 100000001 bytes, of at most"), (100_000_000, "its header is cut off")]
    {
        let long = [&length.to_le_bytes()[..], &bytes[8..]].concat();
        assert!(message(&long).contains(words), "{}", message(&long));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(read(&path), Err(Error::Io { .. })));
}

#[test]
fn integers_are_as_narrow_as_they_may_be() {
    let net = network::<f32>();
    for (values, dtype) in [
        (vec![-128, 127], Dtype::I8),
        (vec![-129, 127], Dtype::I16),
        (vec![0, 128], Dtype::I16),
        (vec![-32768, 32767], Dtype::I16),
        (vec![-32769, 0], Dtype::I32),
        (vec![i32::MIN, i32::MAX], Dtype::I32),
    ] {
        let integers = IntegerArrays::from([("some".to_owned(), (vec![1, 2], values.clone()))]);
        let bytes = to_bytes("network", &net, &Value::Null, Vec::new(), integers).unwrap();
        assert_eq!(SafeTensors::deserialize(&bytes).unwrap().tensor("some").unwrap().dtype(), dtype);
        let (_, arrays) = parse::<Value, f32>(Path::new("file"), &bytes).unwrap();
        assert_eq!(arrays.integers("some", [1, 2]).unwrap(), values);
        arrays.check_integers("some", [1, 2]).unwrap();
        assert!(arrays.check_integers("some", [2, 1]).is_err());
        assert!(arrays.check_integers("layers.1.weight", [2, 5]).is_err());
        assert!(arrays.has("some") && !arrays.has("none"));
    }
}
