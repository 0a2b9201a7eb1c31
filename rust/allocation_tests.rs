//! Once warm, a simulation allocates nothing: pushing, advancing and reading, and samples in fixed point.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use crate::engine::fixed::{Compiled, FixedScratch};
use crate::engine::layered::{Lists, SampleSpikes};
use crate::fixed::strategies::layer;
use crate::fixed::{FixedConnection, FixedLayer, FixedNetwork};
use crate::graph::{ConnectionRule, Connectivity, Graph};
use crate::learn::{AugmentScratch, ImageAugment};
use crate::network::{
    AvgPool2d, Conv2d, ConvSizes, Delay, DelayDistribution, Geometry, Init, MaxPool2d, Origin, Pattern, Place, Shape,
    Taps,
};
use crate::neuron::fixed::{Decay, FixedParams, Rounding};
use crate::neuron::{Discretisation, LifParams, NeuronParams};
use crate::rng::StreamKey;
use crate::sim::{EngineKind, Events, FloatSimulator, Time};
use crate::spikes::{PaddedRows, SpikeAugment, SpikeAugmentScratch};

/// The system's allocator, counting for each thread, as other tests run at the same time.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

fn allocations() -> usize {
    ALLOCATIONS.get()
}

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One population receives everything, one by one synapse and delay after the other; both receive from each other, and one through
/// kernels.
fn graph() -> Arc<Graph<f32>> {
    let params =
        LifParams { tau_m: 20.0, tau_s: 5.0, v_th: 1.0, t_ref: 2.0, dt: 1.0, discretisation: Discretisation::Exact };
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("input", 10).unwrap();
    graph.add_population("whole", 70, params).unwrap();
    graph.add_population("sparse", 50, params).unwrap();
    let weight = Init::Uniform { low: -0.3, high: 0.6 };
    let drawn = Delay::Drawn(DelayDistribution::UniformDelay { low: 0.0, high: 20.0 });
    let (all, few) =
        (ConnectionRule::AllToAll { self_loops: false }, ConnectionRule::FixedOutDegree { n: 5, self_loops: false });
    graph.connect(0, 1, &all, &weight, &Delay::Fixed(3.0)).unwrap();
    graph.connect(1, 2, &few, &weight, &drawn).unwrap();
    graph.connect(2, 2, &few, &weight, &drawn).unwrap();
    graph.connect(2, 2, &few, &Init::Uniform { low: -0.5, high: 0.0 }, &Delay::Fixed(1.0)).unwrap();
    let plane = Shape { channels: 1, height: 2, width: 5 };
    let sizes = ConvSizes { channels: 4, kernel: [2, 3], stride: [1, 1], padding: [0, 1], dilation: [1, 1], groups: 1 };
    let conv = Conv2d::new("conv", plane, sizes).unwrap();
    let plane = graph.add_population("plane", conv.post().n(), params).unwrap();
    // Every other weight has a delay, and one is 0.
    let weight = |Place { row, column }: Place, delay| {
        if (row + column) as usize % 2 == delay { column as f32 / 8.0 } else { 0.0 }
    };
    graph.add_projection(0, plane, Connectivity::kernels((&conv).into(), vec![0.0, 7.0], weight)).unwrap();
    graph.connect(plane, 2, &few, &Init::Uniform { low: -0.3, high: 0.6 }, &drawn).unwrap();
    let pool = MaxPool2d::new("pool", conv.post(), [1, 2], [1, 1], [0, 1]).unwrap();
    let largest = graph.add_population("largest", pool.post().n(), NeuronParams::MaxPool).unwrap();
    let synapses = Connectivity::kernels(pool.windows().into(), vec![0.0], |_, _| 1.0);
    graph.add_projection(plane, largest, synapses).unwrap();
    graph.connect(largest, 2, &few, &Init::Uniform { low: -0.3, high: 0.6 }, &drawn).unwrap();
    Arc::new(graph)
}

/// Runs `n` periods of 100 steps that are all alike in their inputs; the spikes.
fn run(simulator: &mut FloatSimulator<f32>, kind: EngineKind, periods: std::ops::Range<i64>) -> usize {
    let (mut t, mut ms, mut x, mut n_spikes) = ([0i64; 60], [0.0; 60], [0i64; 60], 0);
    for period in periods {
        for at in 0..60 {
            (t[at], x[at]) = (period * 100 + at as i64, at as i64 * 7 % 10);
            ms[at] = t[at] as f64;
        }
        let until = (period as u64 + 1) * 100;
        let until = if kind == EngineKind::Continuous {
            simulator.push_times("events", &ms, &x).unwrap();
            Time::Ms(until as f64)
        } else {
            simulator.push_steps("events", &t, &x).unwrap();
            Time::Steps(until)
        };
        simulator.advance(until, &mut || true).unwrap();
        n_spikes += match simulator.events() {
            Events::Grid(t, _) => t.len(),
            Events::Continuous(t, _) => t.len(),
        };
        simulator.clear_events();
    }
    n_spikes
}

/// A feed-forward layer below one that receives from itself two steps later.
fn fixed(state_bits: u32) -> Compiled {
    let decay = |factor: u32| Decay::Multiply { factor: factor.into(), bits: 12 };
    let format = FixedParams {
        rounding: Rounding::Nearest,
        t_ref_steps: 2,
        ..FixedParams::new(8, state_bits, state_bits, decay(3584), decay(4032), 1000)
    };
    let synapses = |n: usize, delay| ((0..200 * n as i32).map(|at| at * 37 % 101 - 30).collect(), Taps::all(delay));
    let layers = vec![
        layer(&format, [200, 300], synapses(300, 0), None),
        layer(&format, [200, 200], synapses(200, 0), Some(synapses(200, 2))),
    ];
    Compiled::new(&FixedNetwork::new(layers).unwrap()).unwrap()
}

/// Kernels over channels of 15 x 10, windows over theirs, and the largest counts of these.
fn planes(state_bits: u32) -> Compiled {
    let decay = |factor: u32| Decay::Multiply { factor: factor.into(), bits: 12 };
    let format = FixedParams {
        rounding: Rounding::Nearest,
        ..FixedParams::new(8, state_bits, state_bits, decay(3584), decay(4032), 100)
    };
    let (kernel, padding) = ([5, 5], [2, 2]);
    let pre = Shape { channels: 2, height: 15, width: 10 };
    let sizes = ConvSizes { channels: 20, kernel, stride: [1, 1], padding, dilation: [1, 1], groups: 1 };
    let conv = Conv2d::new("conv", pre, sizes).unwrap();
    let pool = AvgPool2d::new("pool", conv.post(), [2, 2], [2, 2], [0, 0]).unwrap();
    let largest = MaxPool2d::new("largest", pool.post(), [3, 2], [1, 1], [1, 1]).unwrap();
    let layer = |pattern, weight, taps| FixedLayer {
        params: format.clone(),
        connections: vec![FixedConnection { origin: Origin::Below, pattern, weight, taps }],
        scale: vec![1.0],
        step: 1,
    };
    let kernels = (0..1000).map(|at| at * 37 % 101 - 30).collect();
    let layers = vec![
        layer(Pattern::Conv2d(conv), kernels, Taps::all(2)),
        layer(Pattern::AvgPool2d(pool), vec![100], Taps::all(0)),
        FixedLayer { params: FixedParams::of_max_pool(), ..layer(Pattern::MaxPool2d(largest), vec![1], Taps::all(0)) },
    ];
    Compiled::new(&FixedNetwork::new(layers).unwrap()).unwrap()
}

/// Samples of fixed-point networks, those of words and others.
fn run_fixed() {
    for (network, name) in
        [(fixed(16), "words"), (fixed(24), "lanes"), (planes(16), "planes"), (planes(24), "lanes in planes")]
    {
        let (mut spikes, mut scratch) = (SampleSpikes::new(network.n_layers()), FixedScratch::default());
        spikes.input.by_time.clear(300);
        for t in 0..100 {
            // At some steps more than words hold the sum of.
            let row: Vec<u32> = (0..300).filter(|j| t % 10 == 0 || (j * 7 + t) % 19 == 0).collect();
            spikes.input.by_time.push_row(&row);
        }
        network.forward(100, &mut spikes, Lists::Counts, &mut scratch);
        let before = allocations();
        network.forward(100, &mut spikes, Lists::Counts, &mut scratch);
        assert_eq!(allocations() - before, 0, "{name}");
        assert!(spikes.layers[1..].iter().all(|layer| layer.by_time.total() > 100));
    }
}

/// Images that are changed in every way.
fn run_augment() {
    let augment: ImageAugment = serde_json::from_value(serde_json::json!({
        "image_shape": [28, 28], "channels": 2, "max_shift": 2, "flip_horizontal": true,
        "rotation": 12.0, "scale": 0.12, "elastic": 13.6,
    }))
    .unwrap();
    let image: Vec<u8> = (0..1568).map(|at| (at % 256) as u8).collect();
    let (mut scratch, mut out) = (AugmentScratch::default(), Vec::new());
    let mut run = |sample| {
        let before = allocations();
        let changed = augment.apply(&image, StreamKey { seed: 1, epoch: 1, sample }, &mut scratch, &mut out);
        assert_ne!(changed, image);
        allocations() - before
    };
    assert!(run(0) > 0, "the counter does not count");
    assert_eq!((1..20).map(run).sum::<usize>(), 0, "of images");
}

/// Spikes that are changed in every way.
fn run_spike_augment() {
    let augment =
        SpikeAugment { stretch: 0.3, max_shift: 3, drop: 0.2, time_mask: 0.1, neuron_mask: 5, first_epoch: 1 };
    let (mut scratch, mut by_time) = (SpikeAugmentScratch::default(), PaddedRows::default());
    let mut run = |sample| {
        by_time.clear(70);
        for t in 0..100 {
            let row: Vec<u32> = (0..70).filter(|j| (j * 7 + t) % 5 == 0).collect();
            by_time.push_row(&row);
        }
        let before = allocations();
        augment.apply(StreamKey { seed: 1, epoch: 1, sample }, 120, &mut by_time, &mut scratch);
        assert_eq!(by_time.n_rows(), 120);
        allocations() - before
    };
    assert!(run(0) > 0, "the counter does not count");
    let _warm: usize = (1..20).map(&mut run).sum();
    assert_eq!((20..200).map(run).sum::<usize>(), 0, "of spikes");
}

#[test]
fn nothing_is_allocated_once_warm() {
    run_fixed();
    run_augment();
    run_spike_augment();
    for kind in [EngineKind::Clocked, EngineKind::Event, EngineKind::Continuous] {
        let mut simulator = FloatSimulator::new(graph(), kind, &[1, 2, 4]).unwrap();
        let warm = allocations();
        run(&mut simulator, kind, 0..100);
        let before = allocations();
        assert!(before > warm, "{kind:?}: the counter does not count");
        let n_spikes = run(&mut simulator, kind, 100..200);
        let more = allocations() - before;
        assert!(n_spikes > 10_000, "{kind:?}: {n_spikes} spikes");
        assert_eq!(more, 0, "{kind:?}");
    }
}
