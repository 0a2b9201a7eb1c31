//! Distortions against mathematics: planes stay planes, quarter turns are exact, smoothed noise is as rough as it should be.

use super::*;
use crate::rng::generator;

const STILL: Placement = Placement { from: [0, 0], flip: false };

fn shape(height: usize, width: usize) -> Shape {
    Shape { channels: 1, height, width }
}

fn rigid<T: Pixel>(image: &[T], shape: Shape, warp: &Warp) -> Vec<T> {
    let mut out = Vec::new();
    super::warp(image, shape, STILL, warp, (&ElasticFields::default(), 0.0), &mut out);
    out
}

#[test]
fn quarter_turns_are_exact_and_counter_clockwise() {
    let image: Vec<u8> = (1..=9).collect();
    let turned = |angle| rigid(&image, shape(3, 3), &Warp::new(angle, [1.0, 1.0]));
    assert_eq!(turned(0.0), image);
    assert_eq!(turned(90.0), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    assert_eq!(turned(-90.0), [7, 4, 1, 8, 5, 2, 9, 6, 3]);
    assert_eq!(turned(180.0), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_slope_is_rotated_and_scaled_as_in_a_plane() {
    let (height, width) = (24, 31);
    let (middle_y, middle_x) = (11.5, 15.0);
    // Of what is at the right and above, as in mathematics.
    let slope = |right: f64, up: f64| 0.5 + 0.012 * right + 0.017 * up;
    let pixel = |at: usize| ((at % width) as f64 - middle_x, middle_y - (at / width) as f64);
    let image: Vec<f64> = (0..height * width).map(|at| slope(pixel(at).0, pixel(at).1)).collect();
    for (angle, tall, wide) in [(30.0, 1.0, 1.0), (0.0, 1.25, 0.9), (-12.0, 0.88, 1.12), (170.0, 1.5, 1.3)] {
        let out = rigid(&image, shape(height, width), &Warp::new(angle, [tall, wide]));
        let mut n_inside = 0;
        for (at, &value) in out.iter().enumerate() {
            let (right, up) = pixel(at);
            // As a complex number, turned back, then scaled back.
            let (sin, cos) = f64::sin_cos(-angle * std::f64::consts::PI / 180.0);
            let (right, up) = ((right * cos - up * sin) / wide, (right * sin + up * cos) / tall);
            if right.abs() < 14.9 && up.abs() < 11.4 {
                assert!((value - slope(right, up)).abs() < 1e-6, "{angle}: {value} at {at}");
                n_inside += 1;
            } else if right.abs() > 16.1 || up.abs() > 12.6 {
                assert_eq!(value, 0.0, "{angle}: outside at {at}");
            }
        }
        assert!(n_inside > 300, "{angle}: {n_inside}");
    }
}

#[test]
fn between_the_edge_and_the_outside_values_fall_to_nothing() {
    let image = [1.0f64; 9];
    // Twice as large in height: rows at -1/2, 0, 1/2 from the middle; half as large in width: at -2, 0, 2.
    let out = rigid(&image, shape(3, 3), &Warp::new(0.0, [2.0, 0.5]));
    assert_eq!(out, [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    let out = rigid(&image, shape(3, 3), &Warp::new(0.0, [1.0, 0.8]));
    assert!(out.iter().zip([0.75, 1.0, 0.75].iter().cycle()).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?}");
}

#[test]
fn fields_are_smoothed_as_by_a_sum_over_all_places() {
    for (size, sigma) in [([6, 9], 1.3), ([5, 4], 5.0), ([1, 7], 2.0)] {
        let [height, width] = size;
        let mut fields = ElasticFields::default();
        fields.draw(size, sigma, &mut generator(5, 6));
        let mut rng = generator(5, 6);
        for field in &fields.fields {
            let noise: Vec<f64> =
                (0..height * width).map(|_| f64::from(rng.next_u32() as i32) / f64::from(1u32 << 31)).collect();
            assert!(noise.iter().any(|v| *v < -0.3) && noise.iter().any(|v| *v > 0.3));
            let reach = (3.0 * sigma).ceil() as isize;
            let weight = |at: isize| (-((at * at) as f64) / (2.0 * sigma * sigma)).exp();
            let whole: f64 = (-reach..=reach).map(weight).sum();
            for (at, &value) in field.iter().enumerate() {
                let mut sum = 0.0;
                for dy in -reach..=reach {
                    for dx in -reach..=reach {
                        let y = ((at / width) as isize + dy).rem_euclid(height as isize) as usize;
                        let x = ((at % width) as isize + dx).rem_euclid(width as isize) as usize;
                        sum += weight(dy) * weight(dx) * noise[y * width + x];
                    }
                }
                assert!((f64::from(value) - sum / whole / whole).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn displacements_are_as_large_as_documented_everywhere() {
    let (mut fields, sigma) = (ElasticFields::default(), 4.0);
    let mut squares = vec![0.0; 784];
    for sample in 0..400 {
        fields.draw([28, 28], sigma, &mut generator(1, sample));
        for field in &fields.fields {
            squares.iter_mut().zip(field).for_each(|(sum, v)| *sum += f64::from(v * v) / 800.0);
        }
    }
    let expected = 1.0 / (12.0 * std::f64::consts::PI * sigma * sigma);
    let mean = squares.iter().sum::<f64>() / 784.0;
    // The Gaussian is cut at three standard deviations.
    assert!((mean / expected - 1.0).abs() < 0.06, "{mean} {expected}");
    assert!(squares.iter().all(|square| (square / expected - 1.0).abs() < 0.35));
}

#[test]
fn displaced_pixels_come_from_where_the_fields_say() {
    let (height, width, alpha) = (12, 10, 20.0);
    let mut fields = ElasticFields::default();
    fields.draw([height, width], 2.0, &mut generator(2, 1));
    let slope = |y: f64, x: f64| 0.3 + 0.01 * y + 0.02 * x;
    let image: Vec<f64> = (0..120).map(|at| slope((at / width) as f64, (at % width) as f64)).collect();
    let (shifted, mut out) = (Placement { from: [1, -2], flip: true }, Vec::new());
    super::warp(&image, shape(height, width), shifted, &Warp::new(0.0, [1.0, 1.0]), (&fields, alpha), &mut out);
    let mut n_inside = 0;
    for (at, &value) in out.iter().enumerate() {
        let (y, x) = ((at / width) as isize + 1, 9 - (at % width) as isize - 2);
        let place = (y % 12) as usize * width + ((x + 10) % 10) as usize;
        let [down, right] = [0, 1].map(|axis| alpha * f64::from(fields.fields[axis][place]));
        let (y, x) = (y as f64 + down, x as f64 + right);
        if (0.0..=11.0).contains(&y) && (0.0..=9.0).contains(&x) {
            assert!((value - slope(y, x)).abs() < 1e-9);
            n_inside += 1;
        }
    }
    assert!(n_inside > 50, "{n_inside}");
}

#[test]
fn means_stay_within_the_range_of_values() {
    assert_eq!([0.49, 0.5, 254.6, 255.0].map(u8::from_mean), [0, 1, 255, 255]);
    assert_eq!([f64::from_mean(1.0 + 1e-15), f64::from_mean(-1e-18)], [1.0, 0.0]);
    assert_eq!(f32::from_mean(0.1f32.to_float()), 0.1);
}
