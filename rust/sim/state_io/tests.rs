//! States come back from their bytes as they were, and from no others.

use proptest::prelude::*;

use super::*;

fn state<F>(snapshot: AnySnapshot<F>) -> State<F> {
    State { graph: Fingerprint::from_words([1, 2, 3, u64::MAX]), snapshot }
}

fn floats<F: crate::simd::Real>() -> impl Strategy<Value = (F, F)> {
    (-1e9..1e9f64, -1e-9..1e-9f64).prop_map(|(p, u)| (F::from_f64(p), F::from_f64(u)))
}

fn anchors() -> impl Strategy<Value = (Anchor, Anchor)> {
    let anchor = || (any::<i32>(), any::<u16>()).prop_map(|(x, age)| Anchor { x, age });
    (anchor(), anchor())
}

fn grid<V: Stored + std::fmt::Debug>(values: impl Strategy<Value = (V, V)>) -> impl Strategy<Value = State<V>> {
    let neuron = (values, any::<u64>(), any::<u64>());
    let neuron =
        neuron.prop_map(|((p, u), last, held)| NeuronState { current: p, potential: u, last, refractory: held });
    let spikes =
        proptest::collection::btree_map((0..3usize, any::<u64>()), proptest::collection::vec(any::<u32>(), 1..4), 0..5);
    let neurons = proptest::collection::vec(proptest::collection::vec(neuron, 0..5), 0..12);
    let pending = proptest::collection::vec((any::<u64>(), any::<u32>()), 0..5);
    let arrived = proptest::collection::vec(any::<u64>(), 0..3);
    (any::<u64>(), neurons, spikes, pending, arrived).prop_map(|(now, neurons, spikes, pending, arrived)| {
        let spikes = spikes.into_iter().map(|((population, step), list)| (population, step, list)).collect();
        state(AnySnapshot::Grid(Snapshot { now, neurons, spikes, pending, arrived }))
    })
}

fn continuous() -> impl Strategy<Value = State<f32>> {
    let neuron = (-1e9..1e9f64, -1e-300..1e-300f64, 0.0..1e9f64, 0.0..1e9f64);
    let neuron =
        neuron.prop_map(|(p, u, last, held)| ContinuousState { current: p, potential: u, last, refractory: held });
    let arrival = (0.0..1e9f64, 0.0..1e9f64, 0..5usize, any::<u32>(), 0..1usize << 40);
    let arrival =
        arrival.prop_map(|(time, fired, projection, pre, place)| Arrival { time, fired, projection, pre, place });
    let neurons = proptest::collection::vec(neuron, 0..9);
    let arrivals = proptest::collection::vec(arrival, 0..5);
    let pending = proptest::collection::vec((0.0..1e9f64, any::<u32>()), 0..5);
    let arrived = proptest::collection::vec(any::<u64>(), 0..3);
    (0.0..1e9f64, neurons, arrivals, pending, arrived).prop_map(|(now, neurons, arrivals, pending, arrived)| {
        state(AnySnapshot::Continuous(ContinuousSnapshot { now, neurons, arrivals, pending, arrived }))
    })
}

proptest! {
    #[test]
    fn states_come_back(single in grid(floats::<f32>()), double in grid(floats::<f64>()), fixed in grid(anchors()), continuous in continuous(), place in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let bytes = double.to_bytes().unwrap();
        prop_assert_eq!(&State::<f64>::from_bytes(&bytes).unwrap(), &double);
        prop_assert_eq!(double.to_bytes().unwrap(), bytes.clone());
        prop_assert!(State::<f32>::from_bytes(&bytes).unwrap_err().to_string().starts_with("state must be of float32"));
        prop_assert_eq!(State::<f32>::from_bytes(&single.to_bytes().unwrap()).unwrap(), single);
        prop_assert_eq!(State::<Anchor>::from_bytes(&fixed.to_bytes().unwrap()).unwrap(), fixed);
        prop_assert_eq!(State::<f32>::from_bytes(&continuous.to_bytes().unwrap()).unwrap(), continuous);
        // Whichever byte it is, and whatever becomes of it.
        let mut damaged = bytes;
        let place = place.index(damaged.len());
        damaged[place] ^= flip;
        let read = State::<f64>::from_bytes(&damaged);
        prop_assert!(read.is_err() || read.unwrap() == double);
    }
}
