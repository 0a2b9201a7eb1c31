//! Filters of the ear: where each is, and its coefficients.

use std::f64::consts::PI;

use super::LyonConfig;

/// Says where bandwidths stop shrinking with frequency [Hz].
const BREAK: f64 = 1000.0;

/// Says by how many steps a stage's zeros lie above its poles.
const ZERO_OFFSET: f64 = 1.5;

/// Says how much sharper zeros are than poles.
const SHARPNESS: f64 = 5.0;

/// Corner of the first stage, which is that of the outer ear [Hz].
const PREEMPHASIS: f64 = 300.0;

/// Number of stages that belong to the outer and the middle ear, and whose outputs are no channels.
pub const FRONT: usize = 2;

/// Holds a filter of second order, b over a with a_0 = 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// Of the input, from the newest on.
    pub b: [f64; 3],
    /// Of the output, from the one before on.
    pub a: [f64; 2],
}

/// Returns the centre frequencies of all channels, descending [Hz].
pub fn center_frequencies(config: &LyonConfig) -> Vec<f64> {
    let LyonConfig { ear_q, step_factor, .. } = *config;
    let top = top_frequency(config);
    let low = BREAK / (4.0 * ear_q * ear_q - 1.0).sqrt();
    let on_scale = |f: f64| (f + f.hypot(BREAK)).ln();
    let n = (ear_q / step_factor * (on_scale(top) - on_scale(low))).floor().max(0.0) as usize;
    let at_top = top + top.hypot(BREAK);
    (1..=n)
        .map(|n| {
            let step = (n as f64 * step_factor / ear_q).exp();
            (at_top / step - step * BREAK * BREAK / at_top) / 2.0
        })
        .collect()
}

/// Returns the stages in the order in which sound passes them, [`FRONT`] and then one a channel.
pub fn stages(config: &LyonConfig) -> Vec<Section> {
    let LyonConfig { sample_rate, ear_q, step_factor, .. } = *config;
    let centers = center_frequencies(config);
    let cochlea = centers.iter().enumerate().map(|(n, &center)| {
        let width = bandwidth(center, ear_q);
        let zero = center + width * step_factor * ZERO_OFFSET;
        let b = resonance(zero, SHARPNESS * zero / width, sample_rate);
        let a = resonance(center, center / width, sample_rate);
        // What the middle ear takes away from low frequencies, the ratio of neighbours gives back.
        let upper = n.max(1);
        let gain = centers.get(upper).map_or(1.0, |lower| centers[upper - 1] / lower);
        let section = Section { b: [1.0, b[0], b[1]], a };
        section.scaled(gain / section.gain_at_0())
    });
    let top = top_frequency(config);
    let first_q = centers.first().map_or(ear_q, |&center| center / bandwidth(center, ear_q));
    let outer = Section { b: [0.0, 1.0, -(-2.0 * PI * PREEMPHASIS / sample_rate).exp()], a: [0.0, 0.0] };
    let middle = Section { b: [1.0, 0.0, -1.0], a: resonance(top, first_q, sample_rate) };
    [outer, middle].map(|front| front.scaled(1.0 / front.gain_at_quarter())).into_iter().chain(cochlea).collect()
}

/// Returns the frequency at which the cascade starts: that of the poles whose zeros are at half the sample rate.
fn top_frequency(config: &LyonConfig) -> f64 {
    let nyquist = config.sample_rate / 2.0;
    let step = bandwidth(nyquist, config.ear_q) * config.step_factor;
    nyquist - step * ZERO_OFFSET + step
}

/// Returns how wide a channel at frequency `f` is [Hz].
fn bandwidth(f: f64, ear_q: f64) -> f64 {
    f.hypot(BREAK) / ear_q
}

/// Returns the second and third coefficient of a resonance.
fn resonance(f: f64, q: f64, sample_rate: f64) -> [f64; 2] {
    let rho = (-PI * f / (sample_rate * q)).exp();
    let theta = 2.0 * PI * f / sample_rate * (1.0 - 1.0 / (4.0 * q * q)).sqrt();
    [-2.0 * rho * theta.cos(), rho * rho]
}

impl Section {
    fn scaled(self, factor: f64) -> Self {
        Self { b: self.b.map(|b| b * factor), ..self }
    }

    /// Returns its gain at frequency 0.
    pub fn gain_at_0(&self) -> f64 {
        self.b.iter().sum::<f64>() / (1.0 + self.a[0] + self.a[1])
    }

    /// Returns its gain at a quarter of the sample rate, where a delay of one sample is a factor -i.
    pub fn gain_at_quarter(&self) -> f64 {
        let magnitude = |[zero, one, two]: [f64; 3]| (zero - two).hypot(one);
        magnitude(self.b) / magnitude([1.0, self.a[0], self.a[1]])
    }
}
