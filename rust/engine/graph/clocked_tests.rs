//! Rows kept as masks against lists of the same synapses.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::neuron::Discretisation;

/// An input and neurons; every neuron's synapses share their weight.
fn graph<F: Real>(n: usize, delay: f64, t_ref: f64, synapses: &[(bool, u32, u32)], weight: &[f64]) -> Arc<Graph<F>> {
    let mut graph = Graph::new(1.0, 1).unwrap();
    graph.add_input("in", n).unwrap();
    let params =
        LifParams { tau_m: 20.0, tau_s: 5.0, v_th: 1.0, t_ref, dt: 1.0, discretisation: Discretisation::Exact };
    graph.add_population("lif", n, params).unwrap();
    for pre in [0, 1] {
        let own = synapses.iter().filter(|&&(input, ..)| input == (pre == 0));
        let (from, to): (Vec<u32>, Vec<u32>) = own.map(|&(_, j, i)| (j, i)).unzip();
        let weight: Vec<F> = from.iter().map(|&j| F::from_f64(weight[j as usize])).collect();
        let synapses = Connectivity::from_lists(n, n, &from, &to, &weight, &[delay]).unwrap();
        graph.add_projection(pre, 1, synapses).unwrap();
    }
    Arc::new(graph)
}

proptest! {
    /// Masks and lists of the same synapses give the same bits.
    #[test]
    fn masks_are_lists(
        n in 1..140usize,
        (delay, t_ref) in (0..20u8, 0..20u8),
        synapses in prop::collection::btree_set((any::<bool>(), 0..140u32, 0..140u32), 0..400),
        weight in prop::collection::vec(-1.0..3.0, 140),
        events in prop::collection::vec((0..60u64, 0..140u32), 0..300),
        cut in 1..80u64,
    ) {
        // A pair of neurons once: what is twice is a list in either engine, and sums go in another order.
        let synapses: BTreeSet<_> = synapses.into_iter().map(|(input, j, i)| (input, j % n as u32, i % n as u32)).collect();
        let synapses: Vec<_> = synapses.into_iter().collect();
        fn run<F: Real>(mut engine: ClockedEngine<F>, events: &[(u64, u32)], cut: u64) -> (Vec<(u64, u32)>, Snapshot<F>) {
            engine.transit_mut().push(events.iter().copied()).unwrap();
            let mut spikes = Vec::new();
            let mut record = |step, _, fired: &[u32]| spikes.extend(fired.iter().map(|&i| (step, i)));
            engine.advance(cut, &mut record, &mut || true);
            engine.advance(90, &mut record, &mut || true);
            let snapshot = engine.snapshot();
            (spikes, snapshot)
        }
        let mut events: Vec<_> = events.into_iter().map(|(step, x)| (step, x % n as u32)).collect();
        events.sort_unstable();
        let graph = graph::<f32>(n, delay.into(), t_ref.into(), &synapses, &weight);
        let masks = run(ClockedEngine::sharing(Arc::clone(&graph), 0.0).unwrap(), &events, cut);
        let lists = run(ClockedEngine::sharing(graph, f64::INFINITY).unwrap(), &events, cut);
        prop_assert_eq!(&masks.0, &lists.0);
        prop_assert_eq!(masks.1.neurons, lists.1.neurons);
    }
}
