//! Hair cells, fibres of the auditory nerve, and the bushy cells they converge on.

use rand_chacha::ChaCha8Rng;

use crate::rng::uniform;

/// Constants of a hair cell, with the names of the papers; times in s.
const SUPPLY: f64 = 5.05;
const RELEASE: f64 = 2000.0;
const LOSS: f64 = 2500.0;
const RETURN: f64 = 6580.0;
const REPROCESS: f64 = 66.3;
const A: f64 = 5.0;
const B: f64 = 300.0;
const FIRING: f64 = 50_000.0;
const MOST: f64 = 1.0;

/// Fibres that converge on a bushy cell.
pub const FIBRES: usize = 40;
/// For how long a fibre and a bushy cell are silent after a spike [s].
const REFRACTORY: f64 = 1e-3;
const TAU_MEMBRANE: f64 = 1e-3;
const TAU_SYNAPSE: f64 = 5e-4;
/// What a spike of a fibre gives: a current [1/s].
const WEIGHT: f64 = 13_000.0 / FIBRES as f64;

/// Returns the slowest rate at which the equations of the hair cell are stable: the loss of its cleft, by explicit steps [Hz].
pub fn slowest_rate() -> f64 {
    LOSS + RETURN
}

/// Turns the velocity of the membrane, sample by sample, into the probability that a fibre fires in a sample.
///
/// R. Meddis, J. Acoust. Soc. Am. 79, 702 (1986) and 83, 1056 (1988): transmitter goes from a pool q into the cleft c, from where it is lost or
/// taken back, to be reprocessed in w. The cell starts where it is at rest.
pub fn firing_probability(velocity: &mut [f64], rate: f64) {
    let at_rest = RELEASE * A / (A + B);
    let mut cleft = MOST * SUPPLY * at_rest / (LOSS * at_rest + SUPPLY * (LOSS + RETURN));
    let mut pool = cleft * (LOSS + RETURN) / at_rest;
    let mut store = cleft * RETURN / REPROCESS;
    let firing = FIRING / rate;
    let [release, supply, reprocess, leave, come_back] =
        [RELEASE, SUPPLY, REPROCESS, LOSS + RETURN, RETURN].map(|per_second| per_second / rate);
    for value in velocity {
        let open = *value + A;
        let permeability = if open > 0.0 { release * open / (open + B) } else { 0.0 };
        let supplied = (supply * (MOST - pool)).max(0.0);
        let (released, reprocessed) = (permeability * pool, reprocess * store);
        let (left, returned) = (leave * cleft, come_back * cleft);
        pool = (pool + supplied - released + reprocessed).max(0.0);
        cleft = (cleft + released - left).max(0.0);
        store = (store + returned - reprocessed).max(0.0);
        *value = cleft * firing;
    }
}

/// Draws how many fibres fire in each sample. A fibre fires in a sample with its probability, unless it has just fired.
///
/// The draws are of times, not of samples: that of the next spike is where the sum of -ln(1 - p) has risen by an exponential number.
pub fn fibre_spikes(probability: &[f64], rate: f64, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut hazard = Vec::with_capacity(probability.len() + 1);
    let mut sum = 0.0;
    hazard.push(sum);
    for &p in probability {
        sum -= (-p.min(1.0 - f64::EPSILON)).ln_1p();
        hazard.push(sum);
    }
    let silent = silent_samples(rate);
    let mut counts = vec![0; probability.len()];
    for _ in 0..FIBRES {
        let mut from = 0;
        while from < counts.len() {
            let until = hazard[from] - (-uniform(rng)).ln_1p();
            from += hazard[from + 1..].partition_point(|&sum| sum < until);
            if let Some(count) = counts.get_mut(from) {
                *count += 1;
            }
            from += silent;
        }
    }
    counts
}

/// Lists the samples in which a bushy cell fires: a leaky integrator of decaying currents with a threshold of 1.
pub fn bushy_spikes(inputs: &[u8], rate: f64) -> Vec<u32> {
    let (keep, keep_current) = ((-1.0 / (rate * TAU_MEMBRANE)).exp(), (-1.0 / (rate * TAU_SYNAPSE)).exp());
    let (mut potential, mut current, mut silent) = (0.0, 0.0, 0);
    let mut spikes = Vec::new();
    for (t, &input) in inputs.iter().enumerate() {
        current = current * keep_current + f64::from(input);
        if silent > 0 {
            silent -= 1;
            continue;
        }
        potential = potential * keep + current * (WEIGHT / rate);
        if potential >= 1.0 {
            spikes.push(t as u32);
            (potential, silent) = (0.0, silent_samples(rate));
        }
    }
    spikes
}

fn silent_samples(rate: f64) -> usize {
    (REFRACTORY * rate).ceil() as usize
}
