//! Layers that lie in a plane, whose definition is a list of synapses that share parameters.

use serde_json::{Value, json};

use super::{Case, case, dense, recurrent, rule};

fn spatial(kind: &str, more: Value) -> Value {
    let mut layer =
        json!({"kind": kind, "tau_m": 20.0, "tau_s": 5.0, "v_th": 0.7, "t_ref": 2.0, "discretisation": "exact"});
    layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    layer
}

pub fn conv(channels: usize, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], more: Value) -> Value {
    let mut layer = spatial(
        "conv2d",
        json!({"channels": channels, "kernel": kernel, "stride": stride, "padding": padding, "dilation": [1, 1],
            "groups": 1, "init": {"kind": "uniform", "low": -0.5, "high": 0.9}}),
    );
    layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    layer
}

pub fn pool(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Value {
    spatial("avg_pool2d", json!({"kernel": kernel, "stride": stride, "padding": padding, "v_th": 0.2}))
}

fn max_pool(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Value {
    json!({"kind": "max_pool2d", "kernel": kernel, "stride": stride, "padding": padding})
}

pub fn spatial_case(in_shape: [usize; 3], layers: &[Value], rule: Value) -> Case {
    let mut case = case(in_shape.iter().product(), layers, rule);
    case.network["in_shape"] = json!(in_shape);
    case
}

#[test]
fn convolutions_and_pools() {
    let all = || json!({"kind": "all_to_all", "self_loops": false});
    let none = || json!({});
    let top = || [recurrent(12, 0.5, all()), dense(3, 0.4, 0.0)];
    let stacks = [
        vec![conv(5, [3, 3], [1, 1], [0, 0], none()), pool([2, 2], [2, 2], [0, 0])],
        // Two convolutions above each other; odd sizes, strides and padding that differ by axis.
        vec![conv(4, [3, 2], [2, 1], [1, 3], none()), conv(18, [2, 3], [1, 2], [0, 1], none())],
        // A stride beyond the kernel, and padding beyond it.
        vec![conv(3, [2, 1], [3, 2], [2, 4], none()), pool([2, 3], [1, 2], [1, 0])],
        vec![
            conv(6, [2, 2], [1, 1], [1, 1], json!({"dilation": [2, 3]})),
            conv(8, [2, 2], [1, 1], [0, 0], json!({"groups": 2})),
        ],
        // A layer in a plane above one that lies in none.
        vec![dense(9, 0.4, 0.0), conv(70, [1, 1], [1, 1], [0, 0], none())],
    ];
    for (number, stack) in stacks.iter().enumerate() {
        let layers: Vec<Value> = stack.iter().cloned().chain(top()).collect();
        for (rule, delays) in
            [(rule("closed_form", 0.0, true), 0), (rule("none", 0.5, false), 0), (rule("closed_form", 0.0, false), 4)]
        {
            let mut case = Case { delays, ..spatial_case([2, 5, 7], &layers, rule) };
            case.network["seed"] = json!(number);
            case.check::<f64>(1e-9);
            case.check::<f32>(2e-3);
        }
    }
}

#[test]
fn max_pools() {
    let none = || json!({});
    let stacks = [
        vec![conv(4, [3, 3], [1, 1], [0, 0], none()), max_pool([2, 2], [2, 2], [0, 0])],
        // Windows that overlap, in the padding too, and above another max pool.
        vec![
            conv(3, [2, 2], [1, 1], [1, 1], none()),
            max_pool([2, 3], [1, 2], [1, 0]),
            max_pool([3, 2], [2, 1], [0, 1]),
        ],
        // A stride beyond the kernel, and windows of padding alone; right above the input.
        vec![max_pool([1, 2], [2, 3], [2, 4]), conv(3, [2, 2], [1, 1], [0, 0], none())],
        vec![conv(4, [2, 2], [1, 1], [0, 0], none()), max_pool([2, 2], [2, 2], [0, 0]), pool([2, 2], [1, 1], [0, 0])],
    ];
    for (number, stack) in stacks.iter().enumerate() {
        let top = dense(3, 0.4, 0.0);
        let layers: Vec<Value> = stack.iter().cloned().chain([top]).collect();
        for (rule, delays) in [(rule("closed_form", 0.0, true), 0), (rule("none", 0.5, false), 3)] {
            let mut case = Case { delays, ..spatial_case([2, 5, 5], &layers, rule) };
            case.network["seed"] = json!(number);
            case.check::<f64>(1e-9);
            case.check::<f32>(2e-3);
        }
    }
    let kernels = spatial(
        "conv1d",
        json!({"channels": 3, "kernel": 4, "stride": 1, "padding": 0, "dilation": 1, "groups": 1,
            "init": {"kind": "uniform", "low": -0.5, "high": 0.9}}),
    );
    let line = json!({"kind": "max_pool1d", "kernel": 3, "stride": 2, "padding": 1});
    let layers = [kernels, line, dense(3, 0.4, 0.0)];
    spatial_case([1, 1, 17], &layers, rule("closed_form", 0.0, true)).check::<f64>(1e-9);
}

#[test]
fn convolutions_along_a_line() {
    let neuron = json!({"channels": 6, "kernel": 4, "stride": 2, "padding": 1, "dilation": 1, "groups": 1,
        "init": {"kind": "uniform", "low": -0.5, "high": 0.9}});
    let layers = [
        spatial("conv1d", neuron),
        spatial("avg_pool1d", json!({"kernel": 3, "stride": 2, "padding": 0, "v_th": 0.2})),
        dense(3, 0.4, 0.0),
    ];
    spatial_case([2, 1, 17], &layers, rule("closed_form", 0.0, true)).check::<f64>(1e-9);
}

#[test]
fn batches_of_several_parts_above_convolutions() {
    let layers = [conv(3, [2, 2], [1, 1], [0, 0], json!({})), dense(3, 0.4, 0.0)];
    let mut case = spatial_case([1, 4, 4], &layers, rule("closed_form", 0.0, true));
    case.labels = (0..70).map(|s| s % 3).collect();
    case.weights = (0..70).map(|s| f64::from(s % 4) * 0.5).collect();
    case.samples = (0..70).rev().collect();
    case.check::<f64>(1e-9);
}
