//! Images as they are encoded, and what is refused.

use super::super::augment::tests::augment;
use super::*;
use crate::spikes::BernoulliEncoder;

#[test]
fn images_are_changed_from_their_first_epoch_on_whatever_their_type() {
    let encoder = Encoder::Bernoulli(BernoulliEncoder::new(30, 1.0).unwrap());
    // Bytes that are whole parts of 255, so that all types hold them: 0 and 255 alone are certain.
    let bytes: Vec<u8> = (0..70).map(|at| if at * at % 7 < 3 { 255 } else { 0 }).collect();
    let singles: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let doubles: Vec<f64> = bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
    let augment = augment(|a| a.first_epoch = 3);
    for values in [Analog::U8(&bytes), Analog::F32(&singles), Analog::F64(&doubles)] {
        let data = Data::Images(Images::new(values, 35, &encoder, Some(&augment)).unwrap());
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
    let encoder = Encoder::Bernoulli(BernoulliEncoder::new(10, 1.0).unwrap());
    let message = |values: Analog<'_>| Images::new(values, 2, &encoder, None).unwrap_err().to_string();
    assert_eq!(message(Analog::F32(&[0.0, 1.0, 0.5, 0.5, 0.5, 1.5])), "x[2, 1] must be in [0, 1], got 1.5");
    assert_eq!(message(Analog::F64(&[0.0, 1.0, 0.5, 0.5, -0.5, 1.5])), "x[2, 0] must be in [0, 1], got -0.5");
    assert_eq!(message(Analog::F64(&[0.0, f64::NAN])), "x[0, 1] must be in [0, 1], got NaN");
    assert!(Images::new(Analog::U8(&[0; 36]), 36, &encoder, Some(&augment(|_| ()))).is_err());
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
