use super::super::idle::NEVER;
use super::*;

fn table(factors: &[u32], bits: u32) -> Decay {
    Decay::Table { factors: factors.to_vec(), bits }
}

/// States of 16 bits, rounded toward zero.
fn neuron(current_decay: Decay, membrane_decay: Decay) -> FixedParams {
    FixedParams::new(16, 16, 16, current_decay, membrane_decay, 1000)
}

fn lif(format: &FixedParams) -> FixedPopulation {
    FixedPopulation::new(format, 1, 0).unwrap()
}

/// Currents and membranes with what arrives at each step, from rest.
fn run(format: &FixedParams, input: &[i32]) -> Vec<(i64, i64)> {
    let (lif, mut overflows) = (lif(format), Overflows::default());
    let mut neuron = FixedNeuron { state: lif.rest(0), refractory: 0 };
    let step = |(step, &input): (u64, &i32)| {
        let at = At { neuron: 0, step };
        lif.advance(at, &mut neuron, input, &mut overflows);
        lif.values(at, neuron.state)
    };
    (1..).zip(input).map(step).collect()
}

/// Halves of 101: 50, 25, 12. What arrives, if not 0, starts anew from the sum.
#[test]
fn a_current_begins_anew_with_what_arrives() {
    let format = neuron(table(&[8, 4, 2, 1], 4), table(&[1], 0));
    let currents: Vec<i64> = run(&format, &[101, 0, 0, 0, 29, 0, 0]).iter().map(|&(u, _)| u).collect();
    // 101 / 16 is 6.
    assert_eq!(currents, [101, 50, 25, 12, 6 + 29, 17, 8]);
    // Even where 256 more is the same number of 8 bits: of 25, a half; of 99, an eighth would be 12.
    let narrow =
        FixedParams { current_bits: 8, current_overflow: Overflow::Wrap, rounding: Rounding::Nearest, ..format };
    let currents: Vec<i64> = run(&narrow, &[99, 0, 256, 0]).iter().map(|&(u, _)| u).collect();
    assert_eq!(currents, [99, 50, 25, 13]);
}

/// A current that is gone at once leaves 101 to decay; a bias would renew the anchor at every step, and rounds at each.
#[test]
fn a_membrane_begins_anew_with_what_is_added() {
    let gone = Decay::Multiply { factor: 0.into(), bits: 0 };
    let format = neuron(gone, table(&[8, 4, 2, 1], 4));
    let membranes =
        |format: &FixedParams, input: &[i32]| run(format, input).iter().map(|&(_, v)| v).collect::<Vec<_>>();
    assert_eq!(membranes(&format, &[101, 0, 0, 0, 0, 0, 0]), [101, 50, 25, 12, 6, 3, 1]);
    assert_eq!(membranes(&FixedParams { bias: 1.into(), ..format.clone() }, &[100, 0, 0]), [101, 51, 26]);
    // -1 arrives, but 1 is added as well: nothing is.
    let balanced = FixedParams { bias: 1.into(), ..format.clone() };
    assert_eq!(membranes(&balanced, &[100, -1, -1, -1]), [101, 50, 25, 12]);
    // 1101 fires and leaves 101, which is refractory for two steps and does not age.
    let refractory = FixedParams { reset: Reset::Subtract, t_ref_steps: 2, ..format };
    assert_eq!(membranes(&refractory, &[1101, 500, 0, 0, 0, 0]), [101, 101, 101, 50, 25, 12]);
}

/// 2500 fires and leaves 1500, of which 15/16, 1406, fires again though nothing is added: 406 begins anew.
#[test]
fn a_membrane_begins_anew_when_it_fires() {
    let gone = Decay::Multiply { factor: 0.into(), bits: 0 };
    let format = FixedParams { reset: Reset::Subtract, ..neuron(gone, table(&[15, 14, 13], 4)) };
    let membranes: Vec<i64> = run(&format, &[2500, 0, 0, 0]).iter().map(|&(_, v)| v).collect();
    assert_eq!(membranes, [1500, 406, 380, 355]);
}

/// As many steps as nobody waits for, in no time, and in the same state as after a few.
#[test]
fn quiet_neurons_cost_nothing() {
    let powers: Vec<u32> = (1..=4096).map(|k| (65536.0 * (-f64::from(k) / 300.0).exp()) as u32).collect();
    let gone = Decay::Multiply { factor: 0.into(), bits: 0 };
    let kept = Decay::Multiply { factor: 1.into(), bits: 0 };
    let long = || table(&powers, 16);
    for (format, state) in [
        (neuron(long(), long()), FixedState::new(0, 0)),
        (neuron(gone.clone(), long()), FixedState::new(0, 900)),
        (neuron(gone.clone(), long()), FixedState::new(0, -900)),
        // Both decay, then the membrane alone.
        (neuron(long(), long()), FixedState::new(-900, 900)),
        // -1 stays, and is added for ever.
        (FixedParams { rounding: Rounding::Floor, ..neuron(table(&[8, 8, 7], 3), long()) }, FixedState::new(-9, 0)),
        // It stays, and is too small to be added.
        (FixedParams { gain_shift: 8, ..neuron(kept, long()) }, FixedState::new(7, 900)),
        (FixedParams { rounding: Rounding::Stochastic, ..neuron(gone.clone(), long()) }, FixedState::new(0, 0)),
        (neuron(gone, table(&[8; 9], 3)), FixedState::new(0, 900)),
    ] {
        let (lif, mut overflows) = (lif(&format), Overflows::default());
        let after = |to, overflows: &mut Overflows| lif.skip(0, state, 0, 0, to, overflows);
        let soon = after(100_000, &mut overflows);
        assert_eq!(after(1 << 60, &mut overflows), soon, "{format:?}");
        assert_eq!(lif.next_due(0, soon, 100_000, 0), NEVER, "{format:?}");
    }
}
