//! The choice of an engine: the formulas of the costs, term by term.

use super::cost::*;
use super::*;
use crate::graph::{ConnectionRule, Connectivity};
use crate::network::{Conv2d, ConvSizes, Delay, Init, Shape};
use crate::neuron::{Discretisation, LifParams};

fn params() -> LifParams {
    LifParams { tau_m: 20.0, tau_s: 5.0, v_th: 1.0, t_ref: 1.0, dt: 1.0, discretisation: Discretisation::Exact }
}

/// 30 inputs and populations of 33 and 7 neurons; `whole` onto all of the first, 60 synapses onto the second.
fn graph(whole: bool) -> Graph<f64> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    for (n, params) in [(30, None), (33, Some(params())), (7, Some(params()))] {
        graph.add(&format!("{n}"), n, params.map(Into::into)).unwrap();
    }
    if whole {
        graph.add_projection(0, 1, Connectivity::all(30, 33, vec![1.0; 990], 0.0)).unwrap();
    }
    let rule = ConnectionRule::FixedOutDegree { n: 2, self_loops: true };
    graph.connect(0, 2, &rule, &Init::Constant { value: 1.0 }, &Delay::Fixed(0.0)).unwrap();
    graph
}

fn window(steps: u64, synaptic_events: u64) -> Window {
    Window { steps, counts: Counts { synaptic_events, ..Counts::default() } }
}

fn close(got: f64, expected: f64) {
    assert!((got / expected - 1.0).abs() < 1e-12, "{got}, expected {expected}");
}

#[test]
fn models_count_blocks_and_fan_out() {
    let CostModel { n_neurons, n_blocks, n_sample_blocks, in_blocks, fan_out } = CostModel::new(&graph(true));
    // Blocks of 16: three and one. Rows: one of each input in each projection.
    assert_eq!((n_neurons, n_blocks, in_blocks, fan_out), (40.0, 4.0, true, 1050.0 / 60.0));
    assert_eq!(n_sample_blocks, 4.0);
    let CostModel { in_blocks, fan_out, .. } = CostModel::new(&graph(false));
    assert_eq!((in_blocks, fan_out), (false, 2.0));
}

#[test]
fn models_count_synapses_and_positions_of_kernels() {
    let pre = Shape { channels: 1, height: 1, width: 30 };
    let sizes =
        ConvSizes { channels: 20, kernel: [1, 3], stride: [1, 2], padding: [0, 1], dilation: [1, 1], groups: 1 };
    let conv = Conv2d::new("conv", pre, sizes).unwrap();
    let mut graph = graph(false);
    let plane = graph.add("plane", 20 * 15, Some(params().into())).unwrap();
    graph.add_projection(0, plane, Connectivity::kernels((&conv).into(), vec![0.0], |_, _| 1.0)).unwrap();
    let CostModel { n_neurons, n_blocks, n_sample_blocks, in_blocks, fan_out } = CostModel::new(&graph);
    // 300 neurons in 19 blocks; in samples, two blocks at each of 15 positions. One tap of the first window lies in the padding.
    assert_eq!((n_neurons, n_blocks, n_sample_blocks, in_blocks), (340.0, 23.0, 34.0, false));
    assert_eq!(fan_out, (60.0 + 20.0 * (45.0 - 1.0)) / 60.0);
    let costs = CostModel::new(&graph);
    close(costs.clocked(window(100, 7000)), 2300.0 * CLOCKED_BLOCK + 7000.0 * CLOCKED_SYNAPSE);
    close(costs.clocked_samples(window(100, 7000)), 3400.0 * SAMPLE_BLOCK + 7000.0 * SAMPLE_SYNAPSE);
}

#[test]
fn costs_are_sums_of_what_is_done() {
    let (blocks, single) = (CostModel::new(&graph(true)), CostModel::new(&graph(false)));
    close(blocks.clocked(window(100, 7000)), 400.0 * CLOCKED_BLOCK + 7000.0 * CLOCKED_WHOLE_SYNAPSE);
    close(single.clocked(window(100, 7000)), 400.0 * CLOCKED_BLOCK + 7000.0 * CLOCKED_SYNAPSE);
    close(blocks.clocked_samples(window(100, 7000)), 400.0 * SAMPLE_BLOCK + 7000.0 * SAMPLE_SYNAPSE);
    // 7,000 events are 400 spikes of 17.5: 4 a step, so that few steps have none.
    let active = 100.0 * (1.0 - (-4.0f64).exp());
    let of_steps = active * EVENT_STEP;
    let touched = active * (17.5 / 16.0) * BLOCK + 7000.0 * CLOCKED_WHOLE_SYNAPSE;
    close(blocks.event(window(100, 7000)), of_steps + touched);
    let active = 100.0 * (1.0 - (-2.0f64).exp());
    // 4 events a step on 40 neurons.
    let share = 1.0 - (-0.1f64).exp();
    close(single.event(window(100, 400)), active * EVENT_STEP + 100.0 * 40.0 * share * NEURON + 400.0 * SYNAPSE);
    assert_eq!(single.event(window(100, 0)), 0.0);
    assert_eq!(single.event(window(0, 0)), 0.0);
}

#[test]
fn memory_that_is_far_costs_more() {
    let far = CostModel {
        n_neurons: 4.0 * 30_000.0,
        n_blocks: 7500.0,
        n_sample_blocks: 7500.0,
        in_blocks: false,
        fan_out: 10.0,
    };
    // Two doublings of what is near for states; for inputs as many as 120,000 / 16,384 has.
    let doublings = (120_000.0f64 / 16_384.0).log2();
    let own = 10.0 * 7500.0 * CLOCKED_BLOCK + 5000.0 * CLOCKED_SYNAPSE * (1.0 + 0.5 * doublings);
    close(far.clocked(window(10, 5000)), own);
    let active = 10.0 * (1.0 - (-50.0f64).exp());
    let share = 1.0 - (-500.0 / 120_000.0f64).exp();
    let touched = (10.0 * 120_000.0 * share * NEURON + 5000.0 * SYNAPSE) * (1.0 + 0.18 * 2.0);
    close(far.event(window(10, 5000)), active * EVENT_STEP + touched);
    let furthest = CostModel { n_neurons: 1e12, ..far };
    assert_eq!((furthest.distance(NEAR_STATES), far.distance(1e9)), (6.0, 0.0));
    // No row of synapses touches more blocks than there are.
    let few = CostModel { n_neurons: 20.0, n_blocks: 2.0, n_sample_blocks: 2.0, in_blocks: true, fan_out: 1e3 };
    let active = 10.0 * (1.0 - (-0.5f64).exp());
    close(few.event(window(10, 5000)), active * (EVENT_STEP + 2.0 * BLOCK) + 5000.0 * CLOCKED_WHOLE_SYNAPSE);
}

#[test]
fn engines_change_where_the_other_promises_enough() {
    let model = CostModel::new(&graph(false));
    // Silence is for events, a storm for the clock.
    assert!(model.should_change(false, window(256, 0)) && !model.should_change(true, window(256, 0)));
    assert!(model.should_change(true, window(256, 256 * 60)) && !model.should_change(false, window(256, 256 * 60)));
    // Within the margin neither is left.
    let costs = |n: u64| (model.event(window(10_000, n)), model.clocked(window(10_000, n)));
    let even = (1..100_000).find(|&n| costs(n).0 >= costs(n).1).unwrap();
    assert!(!model.should_change(true, window(10_000, even)) && !model.should_change(false, window(10_000, even)));
    for n in (0..4 * even).step_by(even as usize / 50) {
        let (event, clocked) = costs(n);
        assert_eq!(model.should_change(true, window(10_000, n)), event > 1.3 * clocked, "{n}");
        assert_eq!(model.should_change(false, window(10_000, n)), clocked > 1.3 * event, "{n}");
    }
}
