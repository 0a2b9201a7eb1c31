//! Where bands are, and what of a spectrum is in each.

use super::LogMelConfig;

/// Holds a band: the points of the spectrum that are in it, and how much of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The lowest of its points.
    pub first: usize,
    /// What its points count, in (0, 1].
    pub weights: Vec<f64>,
}

impl Band {
    /// Returns the power that a spectrum has in it.
    pub fn of(&self, powers: &[f64]) -> f64 {
        self.weights.iter().zip(&powers[self.first..]).map(|(weight, power)| weight * power).sum()
    }
}

/// Returns the centres of the bands, ascending [Hz].
pub fn center_frequencies(config: &LogMelConfig) -> Vec<f64> {
    let corners = corners(config);
    corners[1..=config.n_channels].to_vec()
}

/// Returns the bands over a spectrum of `n_points / 2 + 1` points.
pub fn bands(config: &LogMelConfig, n_points: usize) -> Vec<Band> {
    let apart = config.sample_rate / n_points as f64;
    let of = |corners: &[f64]| {
        let [low, center, high] = [corners[0], corners[1], corners[2]];
        let weight = |point: usize| {
            let f = point as f64 * apart;
            ((f - low) / (center - low)).min((high - f) / (high - center))
        };
        let first = (low / apart).floor() as usize;
        let last = ((high / apart).ceil() as usize).min(n_points / 2);
        let mut within = (first..=last).skip_while(|&point| weight(point) <= 0.0).peekable();
        Band {
            first: within.peek().copied().unwrap_or(0),
            weights: within.map(weight).take_while(|&weight| weight > 0.0).collect(),
        }
    };
    corners(config).windows(3).map(of).collect()
}

/// Returns the lower end of the lowest band, the centres and the upper end of the highest.
fn corners(config: &LogMelConfig) -> Vec<f64> {
    let mel = |f: f64| 2595.0 * (1.0 + f / 700.0).log10();
    let (low, high) = (mel(config.f_min), mel(config.f_max));
    let n = config.n_channels + 1;
    let at = |k: usize| 700.0 * (10f64.powf((low + (high - low) * k as f64 / n as f64) / 2595.0) - 1.0);
    // The ends are as they were given.
    let inner = (1..n).map(at);
    std::iter::once(config.f_min).chain(inner).chain([config.f_max]).collect()
}
