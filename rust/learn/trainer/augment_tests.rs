//! Shifts and reflections by brute force, distortions against other ways to make them, and what is refused.

use std::collections::HashMap;

use super::*;

pub(in super::super) const SHAPE: [usize; 2] = [5, 7];

pub(in super::super) fn augment(change: impl FnOnce(&mut ImageAugment)) -> ImageAugment {
    let mut augment = ImageAugment {
        image_shape: SHAPE,
        max_shift: 2,
        shift_probability: 1.0,
        flip_horizontal: true,
        first_epoch: 1,
        channels: 1,
        rotation: 0.0,
        scale: 0.0,
        elastic: 0.0,
        elastic_sigma: 1.0,
        distort_probability: 1.0,
    };
    change(&mut augment);
    augment
}

pub(in super::super) fn key(sample: u32) -> StreamKey {
    StreamKey { seed: 3, epoch: 2, sample }
}

fn changed<T: Pixel>(augment: &ImageAugment, image: &[T], sample: u32) -> Vec<T> {
    augment.apply(image, key(sample), &mut AugmentScratch::default(), &mut Vec::new()).to_vec()
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
    let (mut changes, mut scratch) = (HashMap::new(), AugmentScratch::default());
    for sample in 0..4000 {
        let mut out = vec![9; 3];
        let changed = augment.apply(&image, key(sample), &mut scratch, &mut out).to_vec();
        assert_eq!(changed, self::changed(augment, &image, sample), "the same of the same key");
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
    let of = |augment: &ImageAugment, sample| found(&image, &changed(augment, &image, sample), 2);
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
fn errors_name_the_field() {
    let of = |change: &dyn Fn(&mut ImageAugment)| augment(change).validate(35).map_err(|error| error.to_string());
    of(&|_| ()).unwrap();
    of(&|a| (a.max_shift, a.shift_probability) = (4, 0.0)).unwrap();
    let refused = |change: &dyn Fn(&mut ImageAugment)| of(change).unwrap_err();
    assert_eq!(refused(&|a| a.image_shape = [5, 8]), "image_shape must be of 35 pixels, as the input, got (5, 8)");
    assert_eq!(refused(&|a| a.max_shift = 5), "max_shift must be < 5, the image's side, got 5");
    assert_eq!(refused(&|a| a.shift_probability = 1.1), "shift_probability must be in [0, 1], got 1.1");
    assert!(refused(&|a| a.shift_probability = f64::NAN).starts_with("shift_probability"));
    assert_eq!(refused(&|a| a.first_epoch = 0), "first_epoch must be >= 1, got 0");
    assert_eq!(refused(&|a| a.channels = 3), "image_shape must be of 35 pixels, as the input, got (3, 5, 7)");
    augment(|a| a.channels = 3).validate(105).unwrap();
    assert_eq!(refused(&|a| a.rotation = 181.0), "rotation must be in [0, 180] degrees, got 181");
    assert_eq!(refused(&|a| a.rotation = -1.0), "rotation must be in [0, 180] degrees, got -1");
    assert_eq!(refused(&|a| a.scale = 1.0), "scale must be in [0, 1), a share, got 1");
    assert!(refused(&|a| a.scale = f64::NAN).starts_with("scale must be"));
    assert_eq!(refused(&|a| a.elastic = -0.5), "elastic must be in [0, 1e6] pixels, got -0.5");
    let wide = |sigma| move |a: &mut ImageAugment| (a.elastic, a.elastic_sigma) = (1.0, sigma);
    assert_eq!(refused(&wide(7.5)), "elastic_sigma must be > 0 and <= 7, the image's larger side, got 7.5");
    assert_eq!(refused(&wide(0.0)), "elastic_sigma must be > 0 and <= 7, the image's larger side, got 0");
    // It counts for nothing without a distortion.
    augment(|a| a.elastic_sigma = 7.5).validate(35).unwrap();
    assert_eq!(refused(&|a| a.distort_probability = -0.1), "distort_probability must be in [0, 1], got -0.1");
}

#[test]
fn distortions_of_nothing_are_the_shifts_and_reflections_alone() {
    let image: Vec<u8> = (1..=35).collect();
    let (plain, none) = (augment(|_| ()), augment(|a| (a.rotation, a.distort_probability) = (90.0, 0.0)));
    // Angles and displacements too small to be seen, which go the whole way of pixels between pixels.
    let tiny = augment(|a| (a.rotation, a.scale, a.elastic) = (1e-9, 1e-9, 1e-9));
    let some = augment(|a| (a.rotation, a.distort_probability) = (90.0, 0.3));
    let mut n_distorted = 0;
    for sample in 0..2000 {
        let expected = changed(&plain, &image, sample);
        assert_eq!(changed(&none, &image, sample), expected);
        assert_eq!(changed(&tiny, &image, sample), expected);
        n_distorted += usize::from(changed(&some, &image, sample) != expected);
    }
    // 0.3 of them, and five standard deviations.
    assert!(usize::abs_diff(n_distorted, 600) < 105, "{n_distorted}");
}

#[test]
fn channels_are_changed_alike_and_types_agree() {
    let most = |a: &mut ImageAugment| (a.rotation, a.scale, a.elastic) = (30.0, 0.3, 4.0);
    let (one, three) = (augment(most), augment(|a| (most(a), a.channels = 3).1));
    let channels: Vec<u8> = (0..105).map(|at| (at * at % 251) as u8).collect();
    let singles: Vec<f32> = channels.iter().map(|&v| f32::from(v) / 255.0).collect();
    let doubles: Vec<f64> = singles.iter().map(|&v| f64::from(v)).collect();
    for sample in 0..100 {
        let bytes = changed(&three, &channels, sample);
        let apart: Vec<u8> = channels.chunks(35).flat_map(|channel| changed(&one, channel, sample)).collect();
        assert_eq!(bytes, apart);
        let (singles, doubles) = (changed(&three, &singles, sample), changed(&three, &doubles, sample));
        for ((byte, single), double) in bytes.iter().zip(singles).zip(doubles) {
            assert!((f64::from(*byte) - 255.0 * double).abs() < 0.5 + 1e-4);
            assert_eq!(single, double as f32);
        }
    }
}

#[test]
fn files_leave_out_what_is_not_asked_for() {
    let old = r#"{"image_shape":[5,7],"max_shift":2,"shift_probability":1.0,"flip_horizontal":true,"first_epoch":1}"#;
    let plain = augment(|a| a.elastic_sigma = 4.0);
    assert_eq!(serde_json::to_string(&plain).unwrap(), old);
    assert_eq!(serde_json::from_str::<ImageAugment>(old).unwrap(), plain);
    let all = ImageAugment {
        image_shape: [6, 5],
        channels: 2,
        max_shift: 1,
        shift_probability: 0.5,
        flip_horizontal: false,
        first_epoch: 3,
        rotation: 12.0,
        scale: 0.12,
        elastic: 13.6,
        elastic_sigma: 3.0,
        distort_probability: 0.25,
    };
    let written = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<ImageAugment>(&written).unwrap(), all);
    assert!(serde_json::from_str::<ImageAugment>(&written.replace("rotation", "rotate")).is_err());
}
