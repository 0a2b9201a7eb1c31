use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

const USUAL: LogMelConfig = LogMelConfig {
    sample_rate: 8_000.0,
    decimation: 80,
    window: 200,
    n_channels: 16,
    f_min: 60.0,
    f_max: 4_000.0,
    floor_db: -90.0,
    top_db: 0.0,
    normalize: false,
};

fn heard(config: LogMelConfig, samples: &[f64]) -> Vec<Vec<f64>> {
    let mut ear = LogMel::new(config).unwrap();
    let mut frames = Vec::new();
    ear.hear(samples, &mut frames);
    frames.chunks(ear.n_channels()).map(<[f64]>::to_vec).collect()
}

fn tone(f: f64, n: usize) -> Vec<f64> {
    (0..n).map(|t| (TAU * f * t as f64 / 8_000.0).sin()).collect()
}

#[test]
fn spectra_have_the_power_of_the_sound() {
    for (window, n_points) in [(200, 256), (256, 256), (255, 1024)] {
        let mut spectrum = Spectrum::new(window, n_points);
        let sum = |samples: &[f64], spectrum: &mut Spectrum| spectrum.of(samples).iter().sum::<f64>();
        assert!((sum(&tone(1_000.0, window), &mut spectrum) - 0.5).abs() < 1e-3);
        assert!((sum(&vec![-1.0; window], &mut spectrum) - 1.0).abs() < 1e-9);
        let alternating: Vec<f64> = (0..window).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!((sum(&alternating, &mut spectrum) - 1.0).abs() < 1e-9);
    }
}

#[test]
fn bands_share_what_is_between_their_centres() {
    let n_points = USUAL.n_points().unwrap();
    let (bands, centers) = (bands(&USUAL, n_points), center_frequencies(&USUAL));
    assert_eq!((n_points, bands.len(), centers.len()), (256, 16, 16));
    let mut total = vec![0.0; n_points / 2 + 1];
    for band in &bands {
        band.weights.iter().enumerate().for_each(|(at, weight)| total[band.first + at] += weight);
    }
    for (point, total) in total.into_iter().enumerate() {
        let f = point as f64 * 8_000.0 / n_points as f64;
        if (centers[0]..centers[15]).contains(&f) {
            assert!((total - 1.0).abs() < 1e-12, "{total} at {f} Hz");
        }
    }
    // 1,000 mel are 1,000 Hz.
    let one = LogMelConfig { n_channels: 1, f_min: 0.0, f_max: 3_428.746_5, ..USUAL };
    assert!((center_frequencies(&one)[0] - 1_000.0).abs() < 0.1, "{:?}", center_frequencies(&one));
}

#[test]
fn a_tone_is_heard_where_it_belongs_and_as_loud_as_it_is() {
    let centers = center_frequencies(&USUAL);
    assert!(centers.is_sorted_by(|a, b| a < b));
    for channel in [4, 9, 15] {
        for (amplitude, expected) in [(1.0, -3.01), (0.01, -43.01)] {
            let samples: Vec<f64> = tone(centers[channel], 800).iter().map(|x| x * amplitude).collect();
            let frames = heard(USUAL, &samples);
            let last = &frames[9];
            let loudest = (0..16).max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
            assert_eq!(loudest, channel);
            // A little of it is in the neighbours.
            assert!(last[channel] < expected && last[channel] > expected - 2.0, "{last:?}");
        }
    }
}

#[test]
fn silence_and_what_is_too_loud_are_the_ends_of_the_range() {
    let config = LogMelConfig { normalize: true, ..USUAL };
    assert_eq!(heard(config, &[0.0; 160]), vec![vec![0.0; 16]; 2]);
    let loud: Vec<f64> = tone(1_000.0, 400).iter().map(|x| x * 1e3).collect();
    let frames = heard(config, &loud);
    assert!(frames.iter().flatten().all(|level| (0.0..=1.0).contains(level)));
    assert!(frames[4].contains(&1.0));
    let in_db = heard(USUAL, &tone(700.0, 400));
    for (level, db) in heard(config, &tone(700.0, 400)).iter().flatten().zip(in_db.iter().flatten()) {
        assert!((level - (db + 90.0) / 90.0).abs() < 1e-12);
    }
}

#[test]
fn frames_end_with_their_last_sample() {
    let mut click = vec![0.0; 800];
    // Loud, as a Hann window rises from 0.
    click[399] = 1e3;
    let silent: Vec<bool> = heard(USUAL, &click).iter().map(|frame| frame.iter().all(|&x| x == -90.0)).collect();
    assert_eq!(silent, [true, true, true, true, false, false, false, true, true, true]);
}

#[test]
fn many_bands_have_a_longer_transform() {
    let config = LogMelConfig { n_channels: 128, ..USUAL };
    let n_points = config.n_points().unwrap();
    assert!(n_points > 256 && bands(&config, n_points).iter().all(|band| !band.weights.is_empty()));
    assert!(heard(config, &tone(500.0, 400))[4].iter().any(|&x| x > -20.0));
}

proptest! {
    #[test]
    fn what_is_heard_does_not_depend_on_how_samples_are_cut(
        cuts in prop::collection::vec(0..700usize, 1..6),
        decimation in prop_oneof![Just(80usize), Just(333), 1..50usize],
    ) {
        let config = LogMelConfig { decimation, ..USUAL };
        let samples: Vec<f64> = (0..1_500).map(|t| (1e-3 * (t * t) as f64).sin()).collect();
        let mut ear = LogMel::new(config).unwrap();
        let (mut frames, mut rest) = (Vec::new(), &samples[..]);
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            ear.hear(now, &mut frames);
            rest = later;
        }
        ear.hear(rest, &mut frames);
        prop_assert_eq!(frames.len(), 1_500 / decimation * 16);
        prop_assert_eq!(frames, heard(config, &samples).concat());
    }
}

#[test]
fn errors_name_the_argument() {
    let message = |config: LogMelConfig| LogMel::new(config).unwrap_err().to_string();
    assert_eq!(message(LogMelConfig { decimation: 0, ..USUAL }), "decimation must be >= 1, got 0");
    assert_eq!(message(LogMelConfig { window: 1, ..USUAL }), "window must be in [2, 262144], got 1");
    assert_eq!(message(LogMelConfig { n_channels: 0, ..USUAL }), "n_channels must be in [1, 4096], got 0");
    assert_eq!(message(LogMelConfig { f_min: -1.0, ..USUAL }), "f_min must be finite and >= 0 Hz, got -1");
    let expected = "f_max must be above f_min = 60 Hz and at most half the sample rate, got 4001";
    assert_eq!(message(LogMelConfig { f_max: 4_001.0, ..USUAL }), expected);
    assert_eq!(message(LogMelConfig { floor_db: f64::NAN, ..USUAL }), "floor_db must be finite, got NaN");
    let expected = "top_db must be finite and above floor_db = -90 dB, got -90";
    assert_eq!(message(LogMelConfig { top_db: -90.0, ..USUAL }), expected);
    let narrow = LogMelConfig { f_min: 1_000.0, f_max: 1_000.1, n_channels: 4_096, ..USUAL };
    assert!(message(narrow).starts_with("n_channels must be few enough"));
}
