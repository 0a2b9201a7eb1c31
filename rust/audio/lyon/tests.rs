use std::f64::consts::PI;

use proptest::prelude::*;

use super::*;

fn config(sample_rate: f64, decimation: usize) -> LyonConfig {
    LyonConfig {
        sample_rate,
        decimation,
        ear_q: 8.0,
        step_factor: 0.25,
        difference: true,
        gain_control: true,
        tau_factor: 3.0,
    }
}

fn heard(config: LyonConfig, samples: &[f64]) -> Vec<Vec<f64>> {
    let mut ear = LyonEar::new(config).unwrap();
    let mut frames = Vec::new();
    ear.hear(samples, &mut frames);
    frames.chunks(ear.n_channels()).map(<[f64]>::to_vec).collect()
}

/// A chirp that fades in, loud enough for gain control.
fn chirp(n: usize) -> Vec<f64> {
    (0..n).map(|t| 1e-4 * t as f64 * (1e-4 * (t * t) as f64 + 0.3 * t as f64).sin()).collect()
}

/// What the module's description says, a sample, a stage and a channel after the other.
fn definition(config: LyonConfig, samples: &[f64]) -> Vec<Vec<f64>> {
    let stages = stages(&config);
    let n = stages.len();
    let epsilon = |tau: f64| 1.0 - (-1.0 / (tau * config.sample_rate)).exp();
    let mut memory = vec![[0.0; 2]; n];
    let mut held = vec![vec![0.0; n]; 4];
    let (mut smoothed, mut frames) = (vec![[0.0; 2]; n], Vec::new());
    for (t, &sample) in samples.iter().enumerate() {
        let mut x = sample;
        let mut row: Vec<f64> = Vec::new();
        for (section, memory) in stages.iter().zip(&mut memory) {
            let y = section.b[0] * x + memory[0];
            memory[0] = section.b[1] * x - section.a[0] * y + memory[1];
            memory[1] = section.b[2] * x - section.a[1] * y;
            row.push(y.max(0.0));
            x = y;
        }
        if t % config.decimation == 0 {
            row[0] = 0.0;
            row[1] = 0.0;
        }
        for ((target, tau), held) in GAINS.into_iter().zip(&mut held).filter(|_| config.gain_control) {
            let (epsilon, before) = (epsilon(tau), held.clone());
            for c in 0..n {
                row[c] = (row[c] * (1.0 - before[c])).abs();
                let neighbours = before[c.max(1) - 1] + before[c] + before[(c + 1).min(n - 1)];
                held[c] = (row[c] * (epsilon / target) + (1.0 - epsilon) / 3.0 * neighbours).min(0.9);
            }
        }
        if config.difference {
            row = (0..n).map(|c| if c == 0 { row[0] } else { (row[c - 1] - row[c]).max(0.0) }).collect();
        }
        if config.decimation > 1 {
            let epsilon = epsilon(config.decimation as f64 / config.sample_rate * config.tau_factor);
            for (x, memory) in row.iter_mut().zip(&mut smoothed) {
                let y = memory[0];
                memory[0] = 2.0 * (1.0 - epsilon) * y + memory[1];
                memory[1] = epsilon * epsilon * *x - (1.0 - epsilon) * (1.0 - epsilon) * y;
                *x = y;
            }
        }
        if t % config.decimation == config.decimation - 1 {
            frames.push(row[2..].to_vec());
        }
    }
    frames
}

#[test]
fn ears_have_the_channels_of_the_auditory_toolbox() {
    for (sample_rate, n) in [(8_000.0, 64), (12_500.0, 78), (16_000.0, 86), (20_000.0, 93), (48_000.0, 121)] {
        let ear = LyonEar::new(config(sample_rate, 200)).unwrap();
        assert_eq!(ear.n_channels(), n);
        let centers = center_frequencies(&ear.config);
        assert_eq!(centers.len(), n);
        assert!(centers.is_sorted_by(|a, b| a > b), "{centers:?}");
        assert!(centers[0] < sample_rate / 2.0 && *centers.last().unwrap() > 60.0);
    }
}

#[test]
fn stages_have_the_gains_they_are_made_for() {
    let stages = stages(&config(16_000.0, 200));
    let centers = center_frequencies(&config(16_000.0, 200));
    assert!(stages[..FRONT].iter().all(|stage| (stage.gain_at_quarter() - 1.0).abs() < 1e-12));
    for (n, stage) in stages[FRONT..].iter().enumerate() {
        let upper = n.max(1);
        assert!((stage.gain_at_0() / (centers[upper - 1] / centers[upper]) - 1.0).abs() < 1e-12, "channel {n}");
        // Poles within the unit circle.
        assert!(stage.a[1] < 1.0 && stage.a[0].abs() < 1.0 + stage.a[1]);
    }
}

#[test]
fn a_gain_holds_back_what_lasts() {
    // Of Slaney's agc.c: twenty ones, target 0.5, epsilon 0.5.
    let mut gain = [Gain::new(0.5, 0.5, 1)];
    let mut rows = vec![0.0; 20 * LANES];
    rows.iter_mut().step_by(LANES).for_each(|channel| *channel = 1.0);
    hold_back(&mut gain, &mut rows, LANES, 1);
    let got: Vec<f64> = rows.into_iter().step_by(LANES).collect();
    for (got, expected) in got.iter().zip([1.0, 0.1, 0.45, 0.275, 0.3625, 0.3187]) {
        assert!((got - expected).abs() < 1e-4, "{got} for {expected}");
    }
    assert!((got[19] - 1.0 / 3.0).abs() < 1e-4);
}

#[test]
fn all_of_it_is_the_definition() {
    for (decimation, n) in [(1, 300), (7, 1_000), (200, 2_500), (600, 1_900)] {
        for (difference, gain_control) in [(true, true), (false, true), (true, false)] {
            let config = LyonConfig { difference, gain_control, ..config(12_500.0, decimation) };
            let (got, expected) = (heard(config, &chirp(n)), definition(config, &chirp(n)));
            assert_eq!(got.len(), n / decimation);
            assert_eq!(got, expected, "every {decimation} samples");
            assert!(got.iter().flatten().any(|&x| x > 1e-6));
        }
    }
}

#[test]
fn a_tone_is_heard_where_it_belongs_and_silence_nowhere() {
    let config = LyonConfig { gain_control: false, ..config(16_000.0, 160) };
    let centers = center_frequencies(&config);
    for channel in [20, 40, 60] {
        let tone: Vec<f64> =
            (0..8_000).map(|t| (2.0 * PI * centers[channel] * f64::from(t) / 16_000.0).sin()).collect();
        let frames = heard(config, &tone);
        let last = frames.last().unwrap();
        let loudest = (0..last.len()).max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
        assert!(loudest.abs_diff(channel) <= 4, "{loudest} for {channel}");
    }
    assert!(heard(config, &[0.0; 1_000]).iter().flatten().all(|&x| x == 0.0));
}

proptest! {
    #[test]
    fn what_is_heard_does_not_depend_on_how_samples_are_cut(cuts in prop::collection::vec(0..700usize, 1..6)) {
        let (config, samples) = (config(8_000.0, 90), chirp(1_500));
        let mut ear = LyonEar::new(config).unwrap();
        let (mut frames, mut rest) = (Vec::new(), &samples[..]);
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            ear.hear(now, &mut frames);
            rest = later;
        }
        ear.hear(rest, &mut frames);
        prop_assert_eq!(frames, heard(config, &samples).concat());
    }
}

#[test]
fn errors_name_the_argument() {
    let message = |config: LyonConfig| LyonEar::new(config).unwrap_err().to_string();
    let usual = config(12_500.0, 200);
    assert_eq!(message(LyonConfig { decimation: 0, ..usual }), "decimation must be >= 1, got 0");
    assert_eq!(message(LyonConfig { ear_q: 0.5, ..usual }), "ear_q must be finite and >= 1, got 0.5");
    assert_eq!(message(LyonConfig { tau_factor: f64::NAN, ..usual }), "tau_factor must be finite and > 0, got NaN");
    assert_eq!(message(LyonConfig { sample_rate: 0.0, ..usual }), "sample_rate must be finite and > 0, got 0");
    assert!(message(LyonConfig { sample_rate: 50.0, ..usual }).starts_with("sample_rate must be high enough"));
    assert!(message(LyonConfig { step_factor: 1e-9, ..usual }).starts_with("step_factor must be large enough"));
}
