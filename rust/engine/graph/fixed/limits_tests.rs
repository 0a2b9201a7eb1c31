//! What hardware has room for, and how much may arrive at once.

use super::*;
use crate::fixed::targets::{XyloDevice, XyloNeurons};
use crate::graph::Connectivity;
use crate::neuron::fixed::{Decay, PerNeuron, Reset};

fn format(limits: Limits) -> FixedParams {
    let decay = |factor: u32| Decay::Multiply { factor: PerNeuron::Same(factor), bits: 12 };
    FixedParams { limits, ..FixedParams::new(16, 16, 16, decay(3500), decay(4000), 1000) }
}

/// (pre, post, synapses of (from, onto, weight, delay))
type Projections<'a> = &'a [(usize, usize, &'a [(u32, u32, i16, f64)])];

/// Two populations of inputs, 0 and 1, and two of neurons, 2 and 3, four of each.
fn graph(first: FixedParams, second: FixedParams, projections: Projections<'_>) -> Graph<i16> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    for (name, params) in [("x", None), ("y", None), ("a", Some(first)), ("b", Some(second))] {
        graph.add(name, 4, params.map(Into::into)).unwrap();
    }
    for (pre, post, synapses) in projections {
        let [from, onto] = [0, 1].map(|end| synapses.iter().map(|s| [s.0, s.1][end]).collect::<Vec<_>>());
        let (weights, delays): (Vec<i16>, Vec<f64>) = synapses.iter().map(|s| (s.2, s.3)).unzip();
        let synapses = Connectivity::from_lists(4, 4, &from, &onto, &weights, &delays).unwrap();
        graph.add_projection(*pre, *post, synapses).unwrap();
    }
    graph
}

fn refused(limits: Limits, projections: Projections<'_>) -> Option<String> {
    let graph = graph(format(Limits::default()), format(limits), projections);
    SumLimits::new(&graph).err().map(|error| error.to_string())
}

#[test]
fn rooms_are_counted_over_all_projections() {
    let any = Limits::default();
    // Onto b: from three inputs of x, of which one has two synapses, from one of y, and from two neurons; onto a: another.
    let projections: Projections<'_> = &[
        (0, 3, &[(0, 0, 1, 0.0), (1, 0, 1, 2.0), (1, 1, 1, 0.0), (3, 2, 1, 0.0)]),
        (1, 3, &[(2, 0, 1, 0.0)]),
        (2, 3, &[(0, 0, 1, 0.0), (2, 3, 1, 3.0)]),
        (3, 3, &[(1, 0, 1, 0.0), (1, 2, 1, 0.0)]),
        (3, 2, &[(1, 1, 1, 9.0), (2, 1, 1, 0.0)]),
        (0, 2, &[(0, 1, 1, 0.0), (1, 1, 1, 0.0), (2, 1, 1, 0.0), (3, 1, 1, 0.0)]),
    ];
    let words = "as the hardware has it, got";
    for (least, refusal, of) in [
        (
            4,
            format!("inputs must be <= 3 onto 'b', {words} 4"),
            (|n| Limits { inputs: Some(n), ..Limits::default() }) as fn(usize) -> Limits,
        ),
        (5, format!("fan-in must be <= 4 synapses of a neuron of 'b', {words} 5"), |n| Limits {
            fan_in: Some(n),
            ..Limits::default()
        }),
        (3, format!("fan-out must be <= 2 synapses of a neuron of 'b', {words} 3"), |n| Limits {
            fan_out: Some(n),
            ..Limits::default()
        }),
        (3, format!("delay must be <= 2 steps onto 'b', {words} 3"), |n| Limits {
            delay: Some(n as u32),
            ..Limits::default()
        }),
    ] {
        assert_eq!(refused(of(least), projections), None);
        assert_eq!(refused(of(least - 1), projections), Some(refusal));
    }
    assert_eq!(refused(any, projections), None);
}

#[test]
fn synapses_onto_outputs_of_xylo_take_no_room() {
    let limits = Limits { fan_out: Some(1), ..Limits::default() };
    let synapses: &[(u32, u32, i16, f64)] = &[(0, 0, 1, 0.0), (0, 1, 1, 0.0)];
    let rules = |is_output| {
        let [dash_syn, dash_mem] = [3, 4].map(PerNeuron::Same);
        let device = XyloDevice::Audio2;
        XyloNeurons { device, is_output, v_th: 100.into(), dash_syn, dash_mem, bias: 0.into() }.format().unwrap()
    };
    let check = |above| SumLimits::new(&graph(format(limits), above, &[(2, 3, synapses)])).is_ok();
    assert!(check(rules(true)));
    assert!(!check(rules(false)));
    assert!(!check(format(Limits::default())));
}

#[test]
fn inputs_may_send_what_32_bits_hold() {
    // A current of 31 bits cannot be added to narrowly, so that all of 32 bits are there.
    let wide = |max_spikes| FixedParams {
        current_bits: 32,
        membrane_bits: 32,
        max_spikes,
        reset: Reset::Subtract,
        ..format(Limits::default())
    };
    // Onto neuron 0: 10,000 and -5,000 from inputs, 2,000 from a neuron that fires up to five times.
    let projections: Projections<'_> = &[
        (0, 3, &[(0, 0, 10_000, 0.0), (1, 0, -5000, 0.0), (2, 1, 100, 0.0)]),
        (2, 3, &[(1, 0, -2000, 0.0), (1, 1, 300, 0.0)]),
    ];
    let limits = SumLimits::new(&graph(wide(5), wide(1), projections)).unwrap();
    assert_eq!(limits.most, [0, 0, i64::from(i32::MAX), i64::from(i32::MAX)]);
    assert_eq!(i64::from(limits.input_spikes), (i64::from(i32::MAX) - 10_000) / 15_000);
    // Never more than a million, and not more than the hardware takes.
    let few: Projections<'_> = &[(0, 3, &[(0, 0, 1, 0.0)])];
    assert_eq!(SumLimits::new(&graph(wide(1), wide(1), few)).unwrap().input_spikes, 1 << 20);
    let some = FixedParams { limits: Limits { input_spikes: Some(15), ..Limits::default() }, ..wide(1) };
    assert_eq!(SumLimits::new(&graph(wide(1), some, few)).unwrap().input_spikes, 15);
    // Narrow where sixteen spikes of each input are no more than 32 bits hold beside the current.
    let narrow = |weight: i16, bits: u32, input_shift: u32| {
        let format = FixedParams { current_bits: bits, input_shift, ..format(Limits::default()) };
        SumLimits::new(&graph(format.clone(), format, &[(0, 3, &[(0, 0, weight, 0.0)])])).unwrap()
    };
    let limits = narrow(1000, 24, 6);
    let most = ((1i64 << 31) - 1 - (1 << 23)) >> 6;
    assert_eq!((limits.most[3], i64::from(limits.input_spikes)), (most, most / 1000));
    let wide = narrow(i16::MAX, 24, 13);
    assert_eq!(wide.most[3], i64::from(i32::MAX));
    assert_eq!(i64::from(wide.input_spikes), i64::from(i32::MAX) / i64::from(i16::MAX));
}

#[test]
fn spikes_of_inputs_beside_those_of_neurons() {
    let of = |neurons, inputs| Arriving { neurons, inputs };
    assert_eq!(spikes(&[], 10), MOST);
    assert_eq!(spikes(&[of(0, 0)], 10), MOST);
    assert_eq!(spikes(&[of(10, 0)], 10), MOST);
    assert_eq!(spikes(&[of(11, 0)], 10), 0);
    assert_eq!(spikes(&[of(4, 2), of(0, 3)], 10), 3);
    assert_eq!(spikes(&[of(4, 4), of(0, 3)], 10), 1);
    assert_eq!(spikes(&[of(10, 1)], 10), 0);
    assert_eq!(spikes(&[of(0, 1)], i64::MAX), MOST);
}
