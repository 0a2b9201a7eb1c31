//! How far spike trains are apart.

use rayon::prelude::*;

use super::{SpikeTrain, SpikeTrains};
use crate::error::{Error, Result, check_positive};
use crate::memory::{OrUnwind, catch, filled, product};
use crate::stop::{Stop, check};

/// Returns the squared van Rossum distance of the spike trains of every neuron, (n_samples, n_neurons) row-major.
///
/// Every spike is the start of an exponential of time constant `tau`, in steps; the distance is the integral of the squared
/// difference of the two sums, over `tau`: 1/2 for a spike too many. van Rossum, A novel spike distance, Neural Computation 2001.
///
/// # Errors
/// [`Error::Shape`] if the trains differ in shape, [`Error::Value`] if they do in lengths, or unless `tau` is positive; [`Error::Memory`].
pub fn van_rossum(a: &SpikeTrains, b: &SpikeTrains, tau: f64) -> Result<Vec<f64>> {
    check_positive("tau / dt", "steps", tau)?;
    let shape = |trains: &SpikeTrains| [trains.n_samples(), trains.n_steps(), trains.n_neurons()];
    if shape(a) != shape(b) {
        let [n_samples, n_steps, n] = shape(a);
        return Err(Error::shape("b", &shape(b), format!("({n_samples}, {n_steps}, {n}), that of a")));
    }
    b.check_lengths("b", a, "a")?;
    let mut distance = filled("n_samples * n_neurons", product(&[a.n_samples(), a.n_neurons()]), 0.0)?;
    catch(|| {
        let rows = distance.par_chunks_exact_mut(a.n_neurons().max(1)).enumerate();
        let stop = Stop::current();
        rows.for_each(|(sample, row)| of_sample(a.sample(sample), b.sample(sample), tau, &stop, row));
        check()?;
        Ok(distance)
    })
}

fn of_sample(a: SpikeTrain<'_>, b: SpikeTrain<'_>, tau: f64, stop: &Stop, distance: &mut [f64]) {
    // Difference of the exponentials of each neuron, just after the step it last changed at.
    let mut difference = filled("n_neurons", Some(distance.len()), (0.0, 0)).or_unwind();
    let mut add = |neuron: u32, t: usize, spike: f64| {
        let (value, last) = &mut difference[neuron as usize];
        let left = (-((t - *last) as f64) / tau).exp();
        distance[neuron as usize] += 0.5 * *value * *value * (1.0 - left * left);
        (*value, *last) = (*value * left + spike, t);
    };
    for t in 0..a.n_steps() {
        if stop.is_set() {
            return;
        }
        a.at(t).iter().for_each(|&neuron| add(neuron, t, 1.0));
        b.at(t).iter().for_each(|&neuron| add(neuron, t, -1.0));
    }
    distance.iter_mut().zip(difference).for_each(|(sum, (value, _))| *sum += 0.5 * value * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trains(times: &[usize]) -> SpikeTrains {
        SpikeTrains::from_counts(1, 10, 1, (0..10).map(|t| u16::from(times.contains(&t)))).unwrap()
    }

    #[test]
    fn distances_by_hand() {
        let distance = |a: &[usize], b: &[usize]| van_rossum(&trains(a), &trains(b), 4.0).unwrap()[0];
        assert_eq!(distance(&[1, 5], &[1, 5]), 0.0);
        assert_eq!(distance(&[3], &[]), 0.5);
        // Two that are d apart: 1 - exp(-d / tau).
        let apart = distance(&[2], &[7]);
        assert!((apart - (1.0 - (-5.0f64 / 4.0).exp())).abs() < 1e-12, "{apart}");
        assert_eq!(apart, distance(&[7], &[2]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let longer = SpikeTrains::empty(11, 1).unwrap();
        assert!(van_rossum(&trains(&[]), &longer, 4.0).is_err());
        assert!(van_rossum(&trains(&[]), &trains(&[]), 0.0).is_err());
    }
}
