//! Rates, gaps and draws of Bernoulli spikes.

use super::*;

#[test]
fn exponential_is_minus_ln() {
    let words: Vec<u32> = (0..1_000_000u32).map(|i| i.wrapping_mul(4_294_967)).chain([0, u32::MAX]).collect();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut out = vec![0.0; words.len()];
    exponential(&bytes, &mut out);
    for (&word, &got) in words.iter().zip(&out) {
        let u = f64::from(((word >> 8) as f32 + 0.5) * (1.0 / 16_777_216.0));
        let expected = -u.ln();
        assert!((f64::from(got) - expected).abs() <= 4e-7 * expected + 1e-9, "{word}: {got} {expected}");
    }
}

#[test]
fn rates_and_gaps_are_bernoulli() {
    let encoder = BernoulliEncoder::of_steps(400, 0.5).unwrap();
    let values: Vec<f32> = (0..5).map(|i| i as f32 / 4.0).collect();
    let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
    let mut total = [0u64; 5];
    let mut consecutive = 0u64;
    let n = 2_000;
    for sample in 0..n {
        encoder.encode(
            AnalogSample::still(Analog::F32(&values)),
            StreamKey { seed: 1, epoch: 0, sample },
            &mut scratch,
            &mut rows,
        );
        for (j, total) in total.iter_mut().enumerate() {
            *total += rows.row(j).len() as u64;
            assert!(rows.row(j).windows(2).all(|pair| pair[0] < pair[1]));
        }
        consecutive += rows.row(4).windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() as u64;
    }
    let steps = f64::from(n) * 400.0;
    for (j, &total) in total.iter().enumerate() {
        let p = j as f64 / 8.0;
        let sigma = (p * (1.0 - p) / steps).sqrt();
        assert!((total as f64 / steps - p).abs() <= 4.0 * sigma, "input {j}: {} for {p}", total as f64 / steps);
    }
    let p = consecutive as f64 / (f64::from(n) * 399.0);
    assert!((p - 0.25).abs() < 0.003, "consecutive spikes {p}, expected 0.25");
}

#[test]
fn over_a_series_rates_follow_the_frames() {
    // Two inputs, four frames of 25 steps: rates that change, certainty and silence.
    let series = [0.1, 1.0, 0.6, 0.0, 0.0, 0.3, 1.0, 0.05];
    let config = BernoulliConfig { n_steps: 7, rate_scale: 1.0, hold: Some(25) };
    let encoder = BernoulliEncoder::new(config).unwrap();
    let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
    let mut total = [[0u32; 100]; 2];
    let n = 4000;
    for sample in 0..n {
        let key = StreamKey { seed: 1, epoch: 0, sample };
        encoder.encode(AnalogSample::series(Analog::F64(&series), 2), key, &mut scratch, &mut rows);
        for (j, total) in total.iter_mut().enumerate() {
            assert!(rows.row(j).windows(2).all(|pair| pair[0] < pair[1]));
            rows.row(j).iter().for_each(|&t| total[t as usize] += 1);
        }
    }
    for (j, total) in total.iter().enumerate() {
        for (t, &count) in total.iter().enumerate() {
            let (p, n) = (series[2 * (t / 25) + j], f64::from(n));
            let sigma = (n * p * (1.0 - p)).sqrt();
            assert!((f64::from(count) - n * p).abs() <= 4.5 * sigma, "input {j}, step {t}: {count}, p {p}");
        }
    }
}

#[test]
fn zero_never_fires_whatever_its_sign() {
    let encoder = BernoulliEncoder::of_steps(10, 1.0).unwrap();
    let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
    let key = StreamKey { seed: 0, epoch: 0, sample: 0 };
    encoder.encode(AnalogSample::still(Analog::F32(&[0.0, -0.0, 1.0])), key, &mut scratch, &mut rows);
    assert_eq!(rows.lengths(), [0, 0, 10]);
    encoder.encode(AnalogSample::still(Analog::F64(&[0.0, -0.0, 1.0])), key, &mut scratch, &mut rows);
    assert_eq!(rows.lengths(), [0, 0, 10]);
}

#[test]
fn certain_spikes_fire_at_every_step() {
    let encoder = BernoulliEncoder::of_steps(10, 1.0).unwrap();
    let (mut rows, mut scratch) = (PaddedRows::default(), EncoderScratch::default());
    let key = StreamKey { seed: 0, epoch: 0, sample: 0 };
    encoder.encode(AnalogSample::still(Analog::U8(&[255, 0])), key, &mut scratch, &mut rows);
    assert_eq!(rows.row(0), (0..10).collect::<Vec<u32>>());
    assert!(rows.row(1).is_empty());
}

#[test]
fn a_byte_is_its_255th() {
    let encoder = BernoulliEncoder::of_steps(2000, 1.0).unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    let values: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
    let (mut of_bytes, mut of_values) = (PaddedRows::default(), PaddedRows::default());
    let (key, mut scratch) = (StreamKey { seed: 3, epoch: 1, sample: 2 }, EncoderScratch::default());
    encoder.encode(AnalogSample::still(Analog::U8(&bytes)), key, &mut scratch, &mut of_bytes);
    encoder.encode(AnalogSample::still(Analog::F64(&values)), key, &mut scratch, &mut of_values);
    for byte in 0..256 {
        assert_eq!(of_bytes.row(byte), of_values.row(byte), "of byte {byte}");
    }
    // Certain, and rare enough to tell 254/255 from 255/256.
    assert_eq!(of_bytes.row(255).len(), 2000);
    assert!(of_bytes.row(254).len() < 2000);
}

#[test]
fn all_types_of_a_value_fire_alike() {
    for rate_scale in [1.0, 0.3] {
        let encoder = BernoulliEncoder::of_steps(4000, rate_scale).unwrap();
        assert_eq!(encoder.n_steps(None), 4000);
        let singles: Vec<f32> = (0..=64).map(|k| k as f32 / 64.0).collect();
        let doubles: Vec<f64> = singles.iter().map(|&value| value.into()).collect();
        let (mut of_singles, mut of_doubles) = (PaddedRows::default(), PaddedRows::default());
        let (key, mut scratch) = (StreamKey { seed: 3, epoch: 1, sample: 2 }, EncoderScratch::default());
        encoder.encode(AnalogSample::still(Analog::F32(&singles)), key, &mut scratch, &mut of_singles);
        encoder.encode(AnalogSample::still(Analog::F64(&doubles)), key, &mut scratch, &mut of_doubles);
        for (k, value) in doubles.iter().enumerate() {
            let (row, p) = (of_doubles.row(k), value * rate_scale);
            assert_eq!(row, of_singles.row(k));
            let deviation = (4000.0 * p * (1.0 - p)).sqrt();
            assert!((row.len() as f64 - 4000.0 * p).abs() <= 5.0 * deviation, "{value}: {} spikes", row.len());
            assert!(row.is_sorted_by(|a, b| a < b) && row.iter().all(|&t| t < 4000));
        }
    }
}

#[test]
fn errors_name_the_argument() {
    let message = |n_steps, rate_scale| BernoulliEncoder::of_steps(n_steps, rate_scale).unwrap_err().to_string();
    assert_eq!(message(0, 1.0), "n_steps must be in [1, 2^24], got 0");
    assert_eq!(message((1 << 24) + 1, 1.0), "n_steps must be in [1, 2^24], got 16777217");
    assert_eq!(message(1, 0.0), "rate_scale must be in (0, 1], got 0");
    assert_eq!(message(1, 1.01), "rate_scale must be in (0, 1], got 1.01");
    assert_eq!(message(1, f64::NAN), "rate_scale must be in (0, 1], got NaN");
    BernoulliEncoder::of_steps(1 << 24, 1.0).unwrap();
}
