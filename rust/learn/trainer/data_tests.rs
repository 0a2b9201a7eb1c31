//! Changes of images by brute force, and what is refused.

use std::collections::HashMap;

use super::*;
use crate::spikes::BernoulliEncoder;

const SHAPE: [usize; 2] = [5, 7];

fn augment(change: impl FnOnce(&mut ImageAugment)) -> ImageAugment {
    let mut augment = ImageAugment {
        image_shape: SHAPE,
        max_shift: 2,
        shift_probability: 1.0,
        flip_horizontal: true,
        first_epoch: 1,
    };
    change(&mut augment);
    augment
}

fn key(sample: u32) -> StreamKey {
    StreamKey { seed: 3, epoch: 2, sample }
}

/// The shift down and to the right, and whether the image is mirrored, that make `changed` of an image of different pixels.
fn found(image: &[u8], changed: &[u8], most: isize) -> (isize, isize, bool) {
    let [height, width] = SHAPE.map(|side| side as isize);
    let of = |down: isize, right: isize, flip: bool| {
        let pixel = |y: isize, x: isize| {
            // Mirrored first, then shifted.
            let (y, x) = (y - down, x - right);
            let x = if flip { width - 1 - x } else { x };
            let inside = (0..height).contains(&y) && (0..width).contains(&x);
            if inside { image[(y * width + x) as usize] } else { 0 }
        };
        (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| pixel(y, x)).collect::<Vec<_>>()
    };
    let all = (-most..=most).flat_map(|down| (-most..=most).map(move |right| (down, right)));
    let mut all = all.flat_map(|(down, right)| [(down, right, false), (down, right, true)]);
    all.find(|&(down, right, flip)| of(down, right, flip) == changed).expect("a shifted, mirrored image")
}

/// How often each change is made to 4,000 samples.
fn changes(augment: &ImageAugment) -> HashMap<(isize, isize, bool), usize> {
    let image: Vec<u8> = (1..=35).collect();
    let mut changes = HashMap::new();
    for sample in 0..4000 {
        let mut out = vec![9; 3];
        let changed = augment.apply(&image, key(sample), &mut out).to_vec();
        assert_eq!(changed, augment.apply(&image, key(sample), &mut Vec::new()), "the same of the same key");
        *changes.entry(found(&image, &changed, augment.max_shift as isize)).or_default() += 1;
    }
    changes
}

#[test]
fn shifts_and_reflections_are_equally_likely() {
    let even = changes(&augment(|_| ()));
    assert_eq!(even.len(), 50);
    // 80 of each, and five standard deviations.
    assert!(even.values().all(|n| n.abs_diff(80) < 45), "{even:?}");
    let unmirrored = changes(&augment(|a| a.flip_horizontal = false));
    assert!(unmirrored.len() == 25 && unmirrored.keys().all(|change| !change.2));
    let still = changes(&augment(|a| a.max_shift = 0));
    assert_eq!(still.len(), 2);
    let rare = changes(&augment(|a| a.shift_probability = 0.3));
    let shifted: usize = rare.iter().filter(|((down, right, _), _)| (*down, *right) != (0, 0)).map(|(_, n)| n).sum();
    // 0.3 * 24 / 25 of them.
    assert!(shifted.abs_diff(1152) < 145, "{shifted}");
    assert_eq!(changes(&augment(|a| a.shift_probability = 0.0)).len(), 2);
}

#[test]
fn which_images_are_mirrored_depends_on_no_shift() {
    let image: Vec<u8> = (1..=35).collect();
    let of = |augment: &ImageAugment, sample| found(&image, augment.apply(&image, key(sample), &mut Vec::new()), 2);
    let (all, none) = (augment(|_| ()), augment(|a| a.shift_probability = 0.0));
    let (some, unmirrored) = (augment(|a| a.shift_probability = 0.5), augment(|a| a.flip_horizontal = false));
    for sample in 0..200 {
        let [a, b, c, d] = [&all, &none, &some, &unmirrored].map(|augment| of(augment, sample));
        assert!(a.2 == b.2 && b.2 == c.2 && (b.0, b.1) == (0, 0));
        assert!((c.0, c.1) == (a.0, a.1) || (c.0, c.1) == (0, 0));
        // What is mirrored is shifted the other way.
        assert_eq!((d.0, d.1), (a.0, if a.2 { -a.1 } else { a.1 }));
    }
}

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
            let expected = if epoch < 3 { image } else { augment.apply(image, key, &mut out) };
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
    let of = |change: &dyn Fn(&mut ImageAugment)| augment(change).validate(35).map_err(|error| error.to_string());
    of(&|_| ()).unwrap();
    of(&|a| (a.max_shift, a.shift_probability) = (4, 0.0)).unwrap();
    let refused = |change: &dyn Fn(&mut ImageAugment)| of(change).unwrap_err();
    assert_eq!(refused(&|a| a.image_shape = [5, 8]), "image_shape must be of 35 pixels, as the input, got (5, 8)");
    assert_eq!(refused(&|a| a.max_shift = 5), "max_shift must be < 5, the image's side, got 5");
    assert_eq!(refused(&|a| a.shift_probability = 1.1), "shift_probability must be in [0, 1], got 1.1");
    assert!(refused(&|a| a.shift_probability = f64::NAN).starts_with("shift_probability"));
    assert_eq!(refused(&|a| a.first_epoch = 0), "first_epoch must be >= 1, got 0");
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
