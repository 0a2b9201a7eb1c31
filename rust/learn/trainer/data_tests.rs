//! Images as they are encoded, and what is refused.

use super::super::augment::tests::augment;
use super::*;
use crate::spikes::BernoulliEncoder;

#[test]
fn images_are_changed_from_their_first_epoch_on_whatever_their_type() {
    let encoder = Encoder::Bernoulli(BernoulliEncoder::of_steps(30, 1.0).unwrap());
    // Bytes that are whole parts of 255, so that all types hold them: 0 and 255 alone are certain.
    let bytes: Vec<u8> = (0..70).map(|at| if at * at % 7 < 3 { 255 } else { 0 }).collect();
    let singles: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let doubles: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
    let augment = augment(|a| a.first_epoch = 3);
    for values in [Analog::U8(&bytes), Analog::F32(&singles), Analog::F64(&doubles)] {
        let data = Data::Analog(AnalogData::new(values, 35, None, &encoder, Some(&augment)).unwrap());
        assert_eq!((data.n_samples(), data.n_in(), data.n_steps()), (2, 35, 30));
        data.check_spikes(1).unwrap();
        for (epoch, sample) in [(0, 1), (2, 0), (3, 0), (3, 1), (7, 1)] {
            let (mut spikes, mut scratch) = (SampleSpikes::new(1), LoadScratch::default());
            let key = StreamKey { seed: 3, epoch, sample };
            data.load(key, true, &mut spikes, &mut scratch);
            let image = &bytes[35 * sample as usize..][..35];
            let mut out = Vec::new();
            let expected =
                if epoch < 3 { image } else { augment.apply(image, key, &mut AugmentScratch::default(), &mut out) };
            let n_steps = |value: u8| if value == 255 { 30 } else { 0 };
            assert_eq!(spikes.input.counts(), expected.iter().map(|&v| n_steps(v)).collect::<Vec<u32>>());
            // The same by time, but for step 0, which holds no inputs either.
            let by_time: usize = (0..30).map(|t| spikes.input.by_time.row(t).len()).sum();
            assert_eq!(by_time, spikes.input.counts().iter().sum::<u32>() as usize);
        }
    }
}

#[test]
fn errors_name_the_value() {
    let encoder = Encoder::Bernoulli(BernoulliEncoder::of_steps(10, 1.0).unwrap());
    let message = |values: Analog<'_>| AnalogData::new(values, 2, None, &encoder, None).unwrap_err().to_string();
    assert_eq!(message(Analog::F32(&[0.0, 1.0, 0.5, 0.5, 0.5, 1.5])), "x[2, 1] must be in [0, 1], got 1.5");
    assert_eq!(message(Analog::F64(&[0.0, 1.0, 0.5, 0.5, -0.5, 1.5])), "x[2, 0] must be in [0, 1], got -0.5");
    assert_eq!(message(Analog::F64(&[0.0, f64::NAN])), "x[0, 1] must be in [0, 1], got NaN");
    assert!(AnalogData::new(Analog::U8(&[0; 36]), 36, None, &encoder, Some(&augment(|_| ()))).is_err());
}

#[test]
fn series_have_the_steps_of_their_frames() {
    let held = {
        let config =
            crate::spikes::encode::RegularConfig { n_steps: 99, rate_scale: 1.0, random_phase: false, hold: Some(5) };
        crate::spikes::EncoderConfig::Regular(config).build().unwrap()
    };
    let values: Vec<f32> = (0..24).map(|at| at as f32 / 24.0).collect();
    let starts = vec![0, 3, 4, 12];
    let series = Series::new(starts.clone(), &held).unwrap();
    let data = Data::Analog(AnalogData::new(Analog::F32(&values), 2, Some(&series), &held, None).unwrap());
    assert_eq!((data.n_samples(), data.n_in(), data.n_steps(), data.total_steps()), (3, 2, 40, 60));
    assert_eq!(data.lengths(), Some([15, 5, 40].as_slice()));
    let (mut spikes, mut scratch) = (SampleSpikes::new(1), LoadScratch::default());
    for (sample, frames) in [(0, 0..3), (1, 3..4), (2, 4..12)] {
        data.load(StreamKey { seed: 3, epoch: 0, sample }, true, &mut spikes, &mut scratch);
        for (j, &count) in spikes.input.counts().iter().enumerate() {
            let sum: f32 = frames.clone().map(|f| 5.0 * values[2 * f + j]).sum();
            assert!((count as f32 - sum).abs() < 1.0, "sample {sample}, input {j}: {count}, {sum}");
        }
        assert_eq!(spikes.input.by_time.n_rows(), 5 * frames.len());
    }
    let even = Series::new(vec![0, 6, 12], &held).unwrap();
    let data = Data::Analog(AnalogData::new(Analog::F32(&values), 2, Some(&even), &held, None).unwrap());
    assert_eq!((data.n_steps(), data.lengths(), data.total_steps()), (30, None, 60));
}

#[test]
fn series_that_do_not_fit_are_refused() {
    let still = Encoder::Bernoulli(BernoulliEncoder::of_steps(3, 1.0).unwrap());
    let error = Series::new(vec![0, 2, 6], &still).unwrap_err().to_string();
    assert_eq!(error, "encoder.hold must be given where x is a time series, got None");
    let config = crate::spikes::encode::BernoulliConfig { n_steps: 3, rate_scale: 1.0, hold: Some(2) };
    let encoder = Encoder::Bernoulli(BernoulliEncoder::new(config).unwrap());
    let message = |starts: &[usize]| Series::new(starts.to_vec(), &encoder).unwrap_err().to_string();
    for starts in [&[0][..], &[0, 2, 2], &[1, 2]] {
        assert!(message(starts).starts_with("x must be at least one series"));
    }
    let series = Series::new(vec![0, 2, 3], &encoder).unwrap();
    let of = |values: &[f64], augment| {
        AnalogData::new(Analog::F64(values), 2, Some(&series), &encoder, augment).unwrap_err().to_string()
    };
    assert_eq!(of(&[0.0, 1.0, 0.5, 0.5, 0.5, 1.5], None), "x[1][0, 1] must be in [0, 1], got 1.5");
    assert_eq!(of(&[0.0, 1.0, -0.5, 0.5, 0.5, 1.5], None), "x[0][1, 0] must be in [0, 1], got -0.5");
    assert!(of(&[0.0; 4], None).starts_with("x has shape"));
    assert!(of(&[0.0; 6], Some(&augment(|_| ()))).starts_with("augment must be None where x holds time series"));
}

#[test]
fn inputs_that_fire_too_often_are_named() {
    let trains = SpikeTrains::from_counts(2, 2, 3, [0, 2, 0, 1, 0, 0, 0, 0, 3, 0, 0, 1].into_iter()).unwrap();
    let data = Data::Spikes(&trains);
    assert_eq!((data.n_samples(), data.n_steps(), data.n_in()), (2, 2, 3));
    data.check_spikes(3).unwrap();
    let message = |most| data.check_spikes(most).unwrap_err().to_string();
    assert!(message(2).starts_with("x[1, 0, 2] must be an input that fires at most 2 times in a step"));
    assert!(message(1).starts_with("x[0, 0, 1] must be an input that fires at most 1 times in a step"));
}
