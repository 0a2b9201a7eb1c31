//! Which synapses a recurrent layer has.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::memory::{filled, product, with_room};
use crate::rng::{generator, uniform};
use crate::stop::check;

/// Share of excitatory neurons in a reservoir.
const EXCITATORY_SHARE: f64 = 0.8;

/// Which recurrent synapses exist; only these are simulated and trained.
///
/// Whether one of neuron k onto neuron i exists does not depend on `self_loops`, which only adds or removes k = i.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RecurrentMask {
    /// Every neuron receives from every other one.
    AllToAll {
        /// Whether neurons connect to themselves.
        self_loops: bool,
    },
    /// Every synapse exists with the same probability, independently.
    Sparse {
        /// That probability, in (0, 1].
        density: f64,
        /// Whether neurons may connect to themselves.
        self_loops: bool,
    },
    /// Neurons on a grid, connected by distance: the reservoir of the ST-RSBP paper.
    ///
    /// 80 % of the neurons, drawn at random, are excitatory. A synapse exists with probability
    /// `1.5 C exp(-distance^2 / 4)`, distances in grid steps, C by the kinds of the presynaptic and the postsynaptic
    /// neuron: 0.3 excitatory to excitatory, 0.2 excitatory to inhibitory, 0.4 inhibitory to excitatory, 0.1 inhibitory
    /// to inhibitory (Maass, Natschlaeger & Markram, Neural Computation 2002).
    Reservoir {
        /// Size of the grid (d1, d2, d3); neuron i is at (i / (d2 d3), i / d3 % d2, i % d3), the last one fastest.
        shape: [usize; 3],
        /// Whether neurons may connect to themselves.
        self_loops: bool,
    },
}

impl RecurrentMask {
    /// Checks what does not depend on the layer.
    ///
    /// # Errors
    /// [`Error::Value`] naming the field outside its domain.
    pub fn check_alone(&self) -> Result<()> {
        match *self {
            Self::Sparse { density, .. } if !(density > 0.0 && density <= 1.0) => {
                Err(Error::value("density", "in (0, 1]", density))
            }
            _ => Ok(()),
        }
    }

    /// Checks the mask for a layer of `n` neurons.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain; [`Error::Shape`] if a grid does not hold `n` neurons.
    pub fn validate(&self, n: usize) -> Result<()> {
        match *self {
            Self::AllToAll { .. } | Self::Sparse { .. } => self.check_alone(),
            Self::Reservoir { shape, .. } => {
                let cells = shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
                if cells == Some(n) && n > 0 {
                    return Ok(());
                }
                Err(Error::shape("reservoir grid", &shape, format!("three sizes with the product n={n}")))
            }
        }
    }

    /// Draws the synapses of a layer of `n` neurons: (n, n), row k its targets, true where neuron i receives from neuron k.
    ///
    /// # Errors
    /// Those of [`RecurrentMask::validate`]; [`Error::Memory`].
    pub fn build(&self, n: usize, seed: u64, stream: u64) -> Result<Vec<bool>> {
        self.validate(n)?;
        let mut rng = generator(seed, stream);
        let mut exists = filled("n * n", product(&[n, n]), true)?;
        let self_loops = match *self {
            Self::AllToAll { self_loops } => self_loops,
            Self::Sparse { density, self_loops } => {
                for row in exists.chunks_exact_mut(n) {
                    check()?;
                    row.fill_with(|| uniform(&mut rng) < density);
                }
                self_loops
            }
            Self::Reservoir { shape, self_loops } => {
                let excitatory = draw_excitatory(n, &mut rng)?;
                draw_reservoir(shape, &excitatory, &mut rng, &mut exists);
                self_loops
            }
        };
        if !self_loops {
            exists.iter_mut().step_by(n + 1).for_each(|own| *own = false);
        }
        Ok(exists)
    }
}

/// Draws exactly the share of excitatory neurons, every choice equally likely (selection sampling).
fn draw_excitatory(n: usize, rng: &mut ChaCha8Rng) -> Result<Vec<bool>> {
    let mut wanted = (EXCITATORY_SHARE * n as f64).round();
    let mut draw = |left: usize| {
        let chosen = uniform(rng) * (left as f64) < wanted;
        wanted -= f64::from(u8::from(chosen));
        chosen
    };
    let mut excitatory = with_room("n", Some(n))?;
    excitatory.extend((1..=n).rev().map(&mut draw));
    Ok(excitatory)
}

/// Draws `exists`, (n, n).
fn draw_reservoir(shape: [usize; 3], excitatory: &[bool], rng: &mut ChaCha8Rng, exists: &mut [bool]) {
    let n = excitatory.len();
    let position = |i: usize| [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]];
    for k in 0..n {
        for i in 0..n {
            let distance_squared: f64 =
                (position(k).iter().zip(position(i))).map(|(&a, b)| num_traits::pow(a as f64 - b as f64, 2)).sum();
            let probability = 1.5 * connectivity(excitatory[k], excitatory[i]) * (-distance_squared / 4.0).exp();
            exists[k * n + i] = uniform(rng) < probability;
        }
    }
}

/// Returns C of a pair, by whether the presynaptic and the postsynaptic neuron are excitatory.
fn connectivity(pre: bool, post: bool) -> f64 {
    match (pre, post) {
        (true, true) => 0.3,
        (true, false) => 0.2,
        (false, true) => 0.4,
        (false, false) => 0.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RecurrentMask {
        /// Tells which neurons of the reservoir that [`build`](Self::build) draws are excitatory, (n); `None` for other masks.
        fn excitatory(&self, n: usize, seed: u64, stream: u64) -> Option<Vec<bool>> {
            let is_reservoir = matches!(self, Self::Reservoir { .. });
            is_reservoir.then(|| draw_excitatory(n, &mut generator(seed, stream)).unwrap())
        }
    }

    fn count(mask: &[bool]) -> f64 {
        mask.iter().filter(|&&exists| exists).count() as f64
    }

    /// Whether `hits` is within four standard deviations of independent draws with these probabilities.
    fn plausible(hits: f64, probabilities: impl Iterator<Item = f64> + Clone) -> bool {
        let mean: f64 = probabilities.clone().sum();
        let variance: f64 = probabilities.map(|p| p * (1.0 - p)).sum();
        (hits - mean).abs() <= 4.0 * variance.sqrt()
    }

    #[test]
    fn all_to_all_with_and_without_self_loops() {
        assert_eq!(RecurrentMask::AllToAll { self_loops: true }.build(3, 0, 0).unwrap(), [true; 9]);
        let mask = RecurrentMask::AllToAll { self_loops: false }.build(3, 0, 0).unwrap();
        assert_eq!(mask, [false, true, true, true, false, true, true, true, false]);
    }

    #[test]
    fn sparse_has_its_density() {
        for density in [0.01, 0.3, 0.9, 1.0] {
            let mask = RecurrentMask::Sparse { density, self_loops: true }.build(400, 3, 1).unwrap();
            assert!(plausible(count(&mask), (0..160_000).map(|_| density)), "{density}");
        }
    }

    #[test]
    fn self_loops_change_nothing_else() {
        for mask in [
            |self_loops| RecurrentMask::Sparse { density: 0.5, self_loops },
            |self_loops| RecurrentMask::Reservoir { shape: [3, 4, 5], self_loops },
        ] {
            let [without, with] = [false, true].map(|self_loops| mask(self_loops).build(60, 9, 2).unwrap());
            for at in 0..3600 {
                assert_eq!(without[at], with[at] && at / 60 != at % 60);
            }
            assert!(with.iter().step_by(61).any(|&own| own));
        }
    }

    #[test]
    fn reservoir_has_the_share_of_excitatory_neurons_wherever_they_are() {
        let mask = RecurrentMask::Reservoir { shape: [8, 10, 5], self_loops: false };
        let mut by_neuron = vec![0.0; 400];
        for seed in 0..200 {
            let excitatory = mask.excitatory(400, seed, 1).unwrap();
            assert_eq!(count(&excitatory), 320.0);
            by_neuron.iter_mut().zip(excitatory).for_each(|(sum, e)| *sum += f64::from(u8::from(e)));
        }
        // 200 draws each: a standard deviation is 5.7.
        assert!(by_neuron.iter().all(|&hits| (hits - 160.0).abs() < 30.0));
        assert_eq!(RecurrentMask::AllToAll { self_loops: true }.excitatory(4, 0, 0), None);
    }

    #[test]
    fn reservoir_connects_by_kind_and_distance() {
        let shape = [8, 10, 5];
        let mask = RecurrentMask::Reservoir { shape, self_loops: true };
        let (exists, excitatory) = (mask.build(400, 5, 7).unwrap(), mask.excitatory(400, 5, 7).unwrap());
        let at = |i: usize| ((i / 50) as i64, (i / 5 % 10) as i64, (i % 5) as i64);
        let distance_squared = |k: usize, i: usize| {
            let ((x, y, z), (a, b, c)) = (at(k), at(i));
            (x - a).pow(2) + (y - b).pow(2) + (z - c).pow(2)
        };
        for (kinds, c) in [((true, true), 0.3), ((true, false), 0.2), ((false, true), 0.4), ((false, false), 0.1)] {
            for near in [0..1, 1..2, 2..5, 5..1000] {
                let pairs: Vec<usize> = (0..160_000)
                    .filter(|p| (excitatory[p / 400], excitatory[p % 400]) == kinds)
                    .filter(|p| near.contains(&distance_squared(p / 400, p % 400)))
                    .collect();
                let probability = |&p: &usize| 1.5 * c * (-(distance_squared(p / 400, p % 400) as f64) / 4.0).exp();
                let hits = pairs.iter().filter(|&&p| exists[p]).count() as f64;
                assert!(
                    plausible(hits, pairs.iter().map(probability)),
                    "{kinds:?} {near:?}: {hits} of {}",
                    pairs.len()
                );
            }
        }
    }

    #[test]
    fn depends_on_seed_and_stream_only() {
        let mask = RecurrentMask::Sparse { density: 0.5, self_loops: false };
        let first = mask.build(50, 1, 2).unwrap();
        assert_eq!(first, mask.build(50, 1, 2).unwrap());
        assert_ne!(first, mask.build(50, 1, 3).unwrap());
        assert_ne!(first, mask.build(50, 2, 2).unwrap());
    }

    #[test]
    fn errors_name_the_field() {
        for density in [0.0, -0.1, 1.1, f64::NAN] {
            let message = RecurrentMask::Sparse { density, self_loops: false }.build(4, 0, 0).unwrap_err().to_string();
            assert_eq!(message, format!("density must be in (0, 1], got {density}"));
        }
        for shape in [[2, 2, 2], [0, 0, 0], [usize::MAX, 2, 1]] {
            let message = RecurrentMask::Reservoir { shape, self_loops: false }.build(9, 0, 0).unwrap_err().to_string();
            assert!(message.starts_with("reservoir grid has shape (") && message.contains("n=9"), "{message}");
        }
        assert!(RecurrentMask::Reservoir { shape: [0, 1, 1], self_loops: false }.validate(0).is_err());
    }

    #[test]
    fn reads_its_kinds_and_refuses_unknown_fields() {
        let read = serde_json::from_str::<RecurrentMask>;
        let reservoir = RecurrentMask::Reservoir { shape: [8, 10, 5], self_loops: false };
        assert_eq!(read(r#"{"kind": "reservoir", "shape": [8, 10, 5], "self_loops": false}"#).unwrap(), reservoir);
        assert!(read(r#"{"kind": "all_to_all", "self_loops": false, "density": 1}"#).is_err());
    }
}
