use std::f64::consts::TAU;

use rustfft::num_complex::Complex;

use super::cells::{FIBRES, bushy_spikes, fibre_spikes, firing_probability};
use super::hankel::hankel;
use super::membrane::{Wave, fall, places, resonance};
use super::*;

type Pair = [f64; 2];

/// z, H_0(z), H_1(z): `scipy.special.hankel1(order, z)`, SciPy 1.17.1, where its series and expansions join and between.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "as printed")]
const HANKEL: &[(Pair, Pair, Pair)] = &[
    ([0.001, 0.0], [0.9999997500000157, -4.471416611375924], [0.0004999999375389845, -636.6221672311394]),
    ([0.5, 0.0], [0.9384698072408126, -0.44451873350670656], [0.24226845767487393, -1.4714723926702433]),
    ([1.9, 0.3], [0.2322324613416192, 0.34692311618251104], [0.42405605830657783, -0.16356874266908578]),
    ([0.1, 1.9], [0.010130819542746545, -0.08134972699569298], [-0.10064015431357436, -0.013494678644890845]),
    ([2.1, 0.0], [0.16660698033199015, 0.5182937375137608], [0.5682921357570387, -0.05167861213042335]),
    ([2.0, 0.5], [0.16620321868198154, 0.2845072735294063], [0.3420959906141637, -0.11672305757116279]),
    ([0.3, 3.0], [0.007497096061620389, -0.02075466689089416], [-0.02385253644676328, -0.008958851179816213]),
    ([5.0, 8.0], [-7.301008338866393e-05, -4.581956374072758e-05], [-4.981867631428385e-05, 7.5010978315825e-05]),
    ([14.5, 0.2], [0.07273488142651045, 0.1552830430484242], [0.15795174052898342, -0.0674674596069039]),
    ([3.0, 24.0], [4.871878749228491e-13, 6.07445433803647e-12], [6.199072677393734e-12, -4.818102712527626e-13]),
    ([25.5, 0.0], [0.14406215754684787, -0.06485976549878351], [-0.062048536491484105, -0.14536105872304939]),
    ([15.0, 22.0], [1.7178818102192683e-11, 3.938280902237441e-11], [4.017025085732085e-11, -1.7033834021167906e-11]),
    ([40.0, 3.0], [0.000600023241400554, 0.006241691776285965], [0.0062554372462539955, -0.000523127628763642]),
    ([0.5, 39.0], [7.133090207529641e-19, -1.2861629454503812e-18], [-1.302430684019157e-18, -7.226041127571477e-19]),
];

/// (frequency [Hz], place [cm]), velocity: the equations of the module in NumPy, with G integrated in closed form, H_0 from
/// `scipy.special.hankel1` and J_0, Y_0, J_1, Y_1 from `scipy.special.j0` and the like, SciPy 1.17.1.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "as printed")]
const VELOCITY: &[(Pair, Pair)] = &[
    ([1.0, 0.0], [1.6536162593391475e-06, 7.945491875999693e-06]),
    ([1.0, 0.8], [1.3013567040806151e-05, 7.53099804680945e-05]),
    ([1.0, 1.7], [0.0001063513010249621, 0.0009154679244984936]),
    ([1.0, 3.5], [-0.017404001779763513, 0.12382639474981498]),
    ([100.0, 0.0], [0.016318558893542664, 0.030807666125619852]),
    ([100.0, 0.8], [0.07720753997447033, 0.26290164380719616]),
    ([100.0, 1.7], [-0.6040196025595704, 2.4171706275188716]),
    ([100.0, 3.5], [164.39491363817356, -150.5213533757931]),
    ([1000.0, 0.0], [1.118424011755138, 0.7018821018062421]),
    ([1000.0, 0.8], [-0.6442609851946509, 8.683376263410041]),
    ([1000.0, 1.7], [74.8560984263344, -15.368691619501735]),
    ([1000.0, 3.5], [7.066657954117869e-11, -8.414318460787821e-10]),
    ([7000.0, 0.0], [13.373148912475248, 2.286242954310928]),
    ([7000.0, 0.8], [10.158646909098916, -21.464862124492157]),
    ([7000.0, 1.7], [-1.3174743554979607e-10, 5.79193520967713e-07]),
    ([7000.0, 3.5], [-8.425923047978631e-19, 4.1111045545065004e-18]),
    ([24000.0, 0.0], [-136.89543857292963, 148.93264145180274]),
    ([24000.0, 0.8], [-1.052196599204888e-05, -3.235231673611888e-05]),
    ([24000.0, 1.7], [-1.0471543875440497e-11, -7.913170377711115e-11]),
    ([24000.0, 3.5], [-5.190324970426931e-23, -6.899694557647573e-22]),
];

const USUAL: HeidelbergConfig = HeidelbergConfig { sample_rate: 48_000.0, n_channels: 70, seed: 1 };

fn complex([re, im]: Pair) -> Complex<f64> {
    Complex::new(re, im)
}

fn tone(f: f64, n: usize) -> Vec<f64> {
    (0..n).map(|t| (TAU * f * t as f64 / 48_000.0).sin()).collect()
}

fn heard(config: HeidelbergConfig, samples: &[f64]) -> Spikes {
    hear_spikes(&config, &[samples], &AtomicUsize::new(0)).unwrap().pop().unwrap()
}

#[test]
fn hankel_functions_are_those_of_scipy() {
    for &(z, h0, h1) in HANKEL {
        for (order, expected) in [complex(h0), complex(h1)].into_iter().enumerate() {
            let got = hankel(order as u8, complex(z));
            assert!((got - expected).norm() <= 2e-13 * expected.norm(), "{got} for {expected} at {z:?}");
        }
    }
}

#[test]
fn hankel_functions_join() {
    // H_0' = -H_1 and the Wronskian J_1 Y_0 - J_0 Y_1 = 2 / (pi z), across the borders of the three ways to compute them.
    for border in [2.0, 8.0, 25.0] {
        for z in [border - 1e-9, border + 1e-9] {
            let [h0, h1] = [0, 1].map(|order| hankel(order, Complex::from(z)));
            let wronskian = h1.re * h0.im - h0.re * h1.im;
            assert!((wronskian * std::f64::consts::PI * z / 2.0 - 1.0).abs() < 1e-12, "{wronskian} at {z}");
        }
        let [below, above] = [border - 1e-9, border + 1e-9].map(|z| hankel(0, Complex::from(z)));
        let (slope, expected) = ((above - below) / 2e-9, -hankel(1, Complex::from(border)));
        assert!((slope - expected).norm() < 1e-5, "{slope} for {expected}");
    }
}

#[test]
fn the_membrane_moves_as_its_equations_have_it() {
    for &([frequency, place], velocity) in VELOCITY {
        let (got, expected) = (Wave::new(frequency).velocity(fall(place)), complex(velocity));
        let got = got.unwrap_or_default();
        assert!((got - expected).norm() <= 1e-10 * expected.norm() + 1e-7, "{got} for {expected} at {place}");
    }
}

#[test]
fn the_membrane_moves_most_a_little_before_it_resonates() {
    let places = places(700);
    assert_eq!((places.len(), places[0], places[699]), (700, 0.0, 3.5));
    assert!(places.iter().map(|&c| resonance(c)).is_sorted_by(|a, b| a > b));
    for frequency in [200.0, 1_000.0, 4_000.0, 16_000.0] {
        let wave = Wave::new(frequency);
        let speed = |c: &f64| wave.velocity(fall(*c)).map_or(0.0, Complex::norm);
        let most = places.iter().copied().max_by(|a, b| speed(a).total_cmp(&speed(b))).unwrap();
        let ratio = resonance(most) / frequency;
        assert!((1.05..1.15).contains(&ratio), "{ratio} at {frequency} Hz");
    }
}

#[test]
fn where_a_wave_is_not_felt_no_higher_one_is() {
    for place in places(50) {
        let mut velocities = (0..2_000).map(|k| Wave::new(1.0 + 24.0 * f64::from(k)).velocity(fall(place)));
        assert!(velocities.next().unwrap().is_some());
        let beyond = velocities.skip_while(Option::is_some).flatten();
        // Where the membrane resonates, speeds are about 100.
        let most = beyond.map(Complex::norm).fold(0.0, f64::max);
        assert!(most < 1e-4, "{most} at {place} cm");
    }
}

#[test]
fn a_hair_cell_at_rest_stays_so_and_adapts_to_what_lasts() {
    let mut silent = vec![0.0; 2_400];
    firing_probability(&mut silent, 24_000.0);
    let rest = silent[0];
    assert!(silent.iter().all(|p| (p / rest - 1.0).abs() < 1e-9));
    // About 65 spikes a second.
    assert!((rest * 24_000.0 - 64.8).abs() < 0.5, "{}", rest * 24_000.0);
    let mut step = vec![0.0; 2_400];
    step[1_000..].fill(200.0);
    firing_probability(&mut step, 24_000.0);
    let most = step.iter().copied().fold(0.0, f64::max);
    assert!(most > 2.0 * step[2_399] && step[2_399] > 1.5 * rest, "{most} {} {rest}", step[2_399]);
    let mut down = vec![-10.0; 2_400];
    firing_probability(&mut down, 24_000.0);
    assert!(down[2_399] < 1e-3 * rest);
}

#[test]
fn fibres_fire_as_often_as_if_every_sample_were_drawn() {
    // A renewal process: the chance that a fibre is not refractory is 1 / (1 + 24 p), less what has not begun.
    for p in [0.002, 0.02, 0.2] {
        let counts = fibre_spikes(&vec![p; 240_000], 24_000.0, &mut generator(3, 4));
        let total: f64 = counts.iter().map(|&n| f64::from(n)).sum();
        let expected = 240_000.0 * FIBRES as f64 / (1.0 / p + 23.0);
        assert!((total / expected - 1.0).abs() < 0.01, "{total} for {expected}");
    }
    // One fibre after the other: a spike in each of the first samples, then silence for a millisecond.
    let certain = fibre_spikes(&[1.0; 49], 24_000.0, &mut generator(3, 4));
    let expected: Vec<u8> = (0..49).map(|t| if t % 24 == 0 { FIBRES as u8 } else { 0 }).collect();
    assert_eq!(certain, expected);
    assert!(fibre_spikes(&[0.0; 100], 24_000.0, &mut generator(3, 4)).iter().all(|&n| n == 0));
    let mut changing = vec![0.0; 1_000];
    changing[500..600].fill(0.01);
    let counts = fibre_spikes(&changing, 24_000.0, &mut generator(3, 4));
    let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
    assert!(counts[500..600].iter().map(|&n| usize::from(n)).sum::<usize>() == total && (15..50).contains(&total));
}

#[test]
fn bushy_cells_ask_for_coincidence() {
    let at = |times: &[usize]| {
        let mut inputs = vec![0; 240];
        times.iter().for_each(|&t| inputs[t] += 1);
        inputs
    };
    // A spike of a fibre lifts the potential by 0.085 at most; eleven of twelve are not enough.
    assert!(bushy_spikes(&at(&[50; 11]), 24_000.0).is_empty());
    let one = bushy_spikes(&at(&[50; 20]), 24_000.0);
    assert_eq!(one.len(), 1);
    assert!((51..70).contains(&one[0]));
    assert!(bushy_spikes(&at(&(0..20).map(|k| 12 * k).collect::<Vec<_>>()), 24_000.0).is_empty());
    // Driven hard, a spike in every 25 samples: one, and the 24 of the refractory time.
    let driven = bushy_spikes(&[40; 240], 24_000.0);
    assert!(driven.len() > 5 && driven.windows(2).all(|pair| pair[1] - pair[0] >= 25));
}

#[test]
fn a_tone_is_heard_at_its_place() {
    for f in [300.0, 1_500.0, 6_000.0] {
        let spikes = heard(USUAL, &tone(f, 12_000));
        let centers = USUAL.center_frequencies();
        let near = |&&channel: &&u32| (0.7..2.0).contains(&(centers[channel as usize] / f));
        let (n, n_near) = (spikes.channel.len(), spikes.channel.iter().filter(near).count());
        assert!(n_near > 15 && 2 * n_near > n, "{n_near} of {n} at {f} Hz");
        assert!(spikes.t.is_sorted() && spikes.t.iter().all(|&t| t < 6_001));
    }
}

#[test]
fn spikes_depend_on_the_seed_and_the_sound_alone() {
    let sound: Vec<f64> = (0..9_000).map(|t| if t % 480 == 0 { 1.0 } else { 0.0 }).collect();
    let spikes = heard(USUAL, &sound);
    assert!(spikes.t.len() > 50, "{}", spikes.t.len());
    assert_eq!(spikes, heard(USUAL, &sound));
    assert_ne!(spikes, heard(HeidelbergConfig { seed: 2, ..USUAL }, &sound));
    let mut other = sound.clone();
    other[3_000] = 1e-9;
    assert_ne!(spikes, heard(USUAL, &other));
    let done = AtomicUsize::new(0);
    let all = hear_spikes(&USUAL, &[&other, &sound], &done).unwrap();
    assert_eq!((&all[1], done.into_inner()), (&spikes, 2));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.install(|| heard(USUAL, &sound)), spikes);
}

#[test]
fn waves_of_all_frequencies_are_finite() {
    for frequency in [1.0, 9_080.0, 22_507.9, 22_508.0, 1e5, 5e6] {
        let wave = Wave::new(frequency);
        for place in places(40) {
            let velocity = wave.velocity(fall(place)).unwrap_or_default();
            assert!(velocity.is_finite() && velocity.norm() < 1e3, "{velocity} at {frequency} Hz, {place} cm");
        }
    }
}

#[test]
fn nothing_is_heard_of_silence_and_of_next_to_nothing() {
    for samples in [&[][..], &[1.0; 3], &[0.0; 500]] {
        assert_eq!(heard(USUAL, samples), Spikes::default());
    }
}

#[test]
fn errors_name_the_argument() {
    let message = |config: HeidelbergConfig| config.validate().unwrap_err().to_string();
    let expected =
        "sample_rate must be >= 18160 Hz, below which its hair cells are not stable (resample the sound), got 16000";
    assert_eq!(message(HeidelbergConfig { sample_rate: 16_000.0, ..USUAL }), expected);
    let expected = "sample_rate must be <= 10000000 Hz, got 100000000";
    assert_eq!(message(HeidelbergConfig { sample_rate: 1e8, ..USUAL }), expected);
    assert_eq!(message(HeidelbergConfig { n_channels: 0, ..USUAL }), "n_channels must be in [1, 65536], got 0");
}
