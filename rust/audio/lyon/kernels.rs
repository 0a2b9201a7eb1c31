//! What the ear does with a sample, all stages or all channels at once.
//!
//! All arithmetic is element by element in f64: the same bits with any instruction set.

use super::design::Section;
use crate::simd::multiversion;

/// Holds the stages of a cascade as arrays, and what each remembers: transposed direct form II.
#[derive(Clone, Debug)]
pub struct Cascade {
    b: [Vec<f64>; 3],
    a: [Vec<f64>; 2],
    memory: [Vec<f64>; 2],
    /// What goes into each stage, and, one place on, what came out of it.
    from: Vec<f64>,
    to: Vec<f64>,
}

impl Cascade {
    /// Makes a cascade at rest.
    pub fn new(stages: &[Section]) -> Self {
        let n = stages.len();
        Self {
            b: [0, 1, 2].map(|k| stages.iter().map(|stage| stage.b[k]).collect()),
            a: [0, 1].map(|k| stages.iter().map(|stage| stage.a[k]).collect()),
            memory: [vec![0.0; n], vec![0.0; n]],
            from: vec![0.0; n + 1],
            to: vec![0.0; n + 1],
        }
    }

    /// Returns the number of stages.
    pub fn n_stages(&self) -> usize {
        self.b[0].len()
    }

    /// Writes what every stage makes of `samples`: a row of stages for each.
    ///
    /// A stage hears what the one before it said a tick ago, so that all of them work at once; the first ticks, and the last, are those of a part.
    pub fn run(&mut self, samples: &[f64], out: &mut [f64]) {
        let n = self.n_stages();
        for tick in 0..samples.len() + n - 1 {
            let (first, end) = ((tick + 1).saturating_sub(samples.len()), (tick + 1).min(n));
            if let Some(&sample) = samples.get(tick) {
                self.from[0] = sample;
            }
            tick_stages(
                self.b.each_ref().map(|b| &b[first..end]),
                self.a.each_ref().map(|a| &a[first..end]),
                self.memory.each_mut().map(|memory| &mut memory[first..end]),
                &self.from[first..end],
                &mut self.to[first + 1..=end],
            );
            for stage in first..end {
                out[(tick - stage) * n + stage] = self.to[stage + 1];
            }
            std::mem::swap(&mut self.from, &mut self.to);
        }
    }
}

#[inline(always)]
fn tick_stages_body(b: [&[f64]; 3], a: [&[f64]; 2], memory: [&mut [f64]; 2], from: &[f64], to: &mut [f64]) {
    let n = from.len();
    let ([b0, b1, b2], [a1, a2], [first, second]) = (b.map(|b| &b[..n]), a.map(|a| &a[..n]), memory);
    let (first, second, to) = (&mut first[..n], &mut second[..n], &mut to[..n]);
    for i in 0..n {
        let x = from[i];
        let y = b0[i] * x + first[i];
        first[i] = b1[i] * x - a1[i] * y + second[i];
        second[i] = b2[i] * x - a2[i] * y;
        to[i] = y;
    }
}

multiversion! {
    fn tick_stages(b: [&[f64]; 3], a: [&[f64]; 2], memory: [&mut [f64]; 2], from: &[f64], to: &mut [f64]) = tick_stages_body
}

/// Holds a stage of the automatic gain control: how much of the sound each channel holds back.
#[derive(Clone, Debug)]
pub struct Gain {
    /// What a sound adds.
    rise: f64,
    /// What is kept, shared among three neighbours.
    keep: f64,
    /// With the outermost channels twice.
    state: Vec<f64>,
    next: Vec<f64>,
}

/// Bounds what a channel holds back.
const MOST: f64 = 0.9;

impl Gain {
    /// Makes a stage at rest that aims at `target`, with a time constant of `1 / -ln(1 - epsilon)` samples.
    pub fn new(target: f64, epsilon: f64, n_channels: usize) -> Self {
        let at_rest = vec![0.0; n_channels + 2];
        Self { rise: epsilon / target, keep: (1.0 - epsilon) / 3.0, state: at_rest.clone(), next: at_rest }
    }

    /// Advances by a sample, in place.
    pub fn step(&mut self, channels: &mut [f64]) {
        let n = channels.len();
        hold_back(self.rise, self.keep, &self.state, &mut self.next[1..=n], channels);
        self.next[0] = self.next[1];
        self.next[n + 1] = self.next[n];
        std::mem::swap(&mut self.state, &mut self.next);
    }
}

#[inline(always)]
fn hold_back_body(rise: f64, keep: f64, state: &[f64], next: &mut [f64], channels: &mut [f64]) {
    let n = channels.len();
    let (lower, own, upper) = (&state[..n], &state[1..][..n], &state[2..][..n]);
    let next = &mut next[..n];
    for i in 0..n {
        let out = (channels[i] * (1.0 - own[i])).abs();
        let held = out * rise + keep * (lower[i] + own[i] + upper[i]);
        next[i] = if held < MOST { held } else { MOST };
        channels[i] = out;
    }
}

multiversion! {
    fn hold_back(rise: f64, keep: f64, state: &[f64], next: &mut [f64], channels: &mut [f64]) = hold_back_body
}

/// Holds a low-pass of every channel, two equal stages in a row.
#[derive(Clone, Debug)]
pub struct LowPass {
    keep: f64,
    gain: f64,
    memory: [Vec<f64>; 2],
    out: Vec<f64>,
}

impl LowPass {
    /// Makes one at rest, with a time constant of `1 / -ln(1 - epsilon)` samples.
    pub fn new(epsilon: f64, n_channels: usize) -> Self {
        let zeros = vec![0.0; n_channels];
        Self { keep: 1.0 - epsilon, gain: epsilon * epsilon, memory: [zeros.clone(), zeros.clone()], out: zeros }
    }

    /// Advances by a sample, and returns what comes out.
    pub fn step(&mut self, channels: &[f64]) -> &[f64] {
        let [first, second] = &mut self.memory;
        smooth(self.keep, self.gain, channels, first, second, &mut self.out);
        &self.out
    }
}

#[inline(always)]
fn smooth_body(keep: f64, gain: f64, channels: &[f64], first: &mut [f64], second: &mut [f64], out: &mut [f64]) {
    let n = channels.len();
    let (first, second, out) = (&mut first[..n], &mut second[..n], &mut out[..n]);
    for i in 0..n {
        let y = first[i];
        first[i] = 2.0 * keep * y + second[i];
        second[i] = gain * channels[i] - keep * keep * y;
        out[i] = y;
    }
}

multiversion! {
    fn smooth(keep: f64, gain: f64, channels: &[f64], first: &mut [f64], second: &mut [f64], out: &mut [f64]) = smooth_body
}

#[inline(always)]
fn rectify_body(channels: &mut [f64]) {
    for x in channels {
        *x = if *x > 0.0 { *x } else { 0.0 };
    }
}

multiversion! {
    /// Sets what is below 0 to 0.
    pub fn rectify(channels: &mut [f64]) = rectify_body
}

#[inline(always)]
fn subtract_body(channels: &[f64], out: &mut [f64]) {
    let n = channels.len();
    out[0] = channels[0];
    let (above, own, out) = (&channels[..n - 1], &channels[1..], &mut out[1..n]);
    for i in 0..n - 1 {
        let difference = above[i] - own[i];
        out[i] = if difference > 0.0 { difference } else { 0.0 };
    }
}

multiversion! {
    /// Writes by how much each channel is weaker than the one above it.
    pub fn subtract(channels: &[f64], out: &mut [f64]) = subtract_body
}
