//! Encoders of frames that come one after the other, without an end.

use super::bsa::BsaWindow;
use super::level_crossing::Level;
use super::regular::{first_phase, push_overflows};
use super::{Analog, Encode, Encoder, EncoderConfig, RegularEncoder};
use crate::error::{Error, Result};
use crate::spikes::PaddedRows;

/// Encodes a time series as it comes.
///
/// All parts together are what the encoder makes of the whole, however it is cut, but that a stream is not cut at the encoder's `n_steps`.
#[derive(Clone, Debug)]
pub struct EncoderStream {
    encoder: Encoder,
    n_features: usize,
    state: State,
}

/// Holds what an encoder knows of the frames before.
#[derive(Clone, Debug)]
enum State {
    /// Accumulators.
    Regular(Vec<u32>),
    /// Every frame is by itself.
    Latency,
    /// Where features are; none before the first frame.
    LevelCrossing(Vec<Level>),
    /// What of the signal is not decided.
    Bsa(BsaWindow),
    /// That of the encoder of responses.
    Population(Box<EncoderStream>, Vec<f64>),
}

impl EncoderStream {
    /// Makes one at rest, for frames of `n_features` values.
    ///
    /// # Errors
    /// [`Error::Value`] if a field is outside its domain, or the encoder needs to know the whole series.
    pub fn new(config: &EncoderConfig, n_features: usize) -> Result<Self> {
        if !(1..1 << 31).contains(&n_features) {
            return Err(Error::value("n_features", "in [1, 2^31)", n_features));
        }
        let encoder = config.build()?;
        let held = |hold: Option<usize>| match hold {
            Some(_) => Ok(()),
            None => Err(Error::value("encoder.hold", "given for a stream", "None")),
        };
        let state = match &encoder {
            Encoder::Bernoulli(_) => {
                let expected = "one without chance for a stream, as RegularEncoder: a device repeats its spikes";
                return Err(Error::value("encoder", expected, "BernoulliEncoder"));
            }
            Encoder::Regular(regular) => {
                held(regular.timing().hold)?;
                if regular.is_random() {
                    return Err(Error::value("encoder.random_phase", "False for a stream", "True"));
                }
                State::Regular((0..n_features).map(first_phase).collect())
            }
            Encoder::Latency(latency) => {
                held(latency.timing().hold)?;
                State::Latency
            }
            Encoder::LevelCrossing(_) => State::LevelCrossing(Vec::new()),
            Encoder::Bsa(bsa) => State::Bsa(bsa.window(n_features)),
            Encoder::Population(population) => {
                let EncoderConfig::Population(config) = config else { unreachable!("as built") };
                let n_responses = population.n_responses(n_features);
                State::Population(Box::new(Self::new(&config.encoder, n_responses)?), Vec::new())
            }
        };
        Ok(Self { encoder, n_features, state })
    }

    /// Returns the number of values of a frame.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Returns the number of inputs that fire.
    pub fn n_inputs(&self) -> usize {
        self.encoder.n_inputs(self.n_features)
    }

    /// Returns how many steps pass before what a step brings is known.
    pub fn delay(&self) -> usize {
        match (&self.encoder, &self.state) {
            (Encoder::Bsa(bsa), _) => bsa.n_taps(),
            (_, State::Population(of, _)) => of.delay(),
            _ => 0,
        }
    }

    /// Encodes the next frames; row j of `by_neuron` lists the steps at which input j fires, from the first that was not given yet.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first value that the encoder does not take; then nothing has changed.
    pub fn encode(&mut self, frames: &[f64], by_neuron: &mut PaddedRows) -> Result<()> {
        if let Some((at, value)) = self.encoder.domain().first_outside(Analog::F64(frames)) {
            let name = format!("frames[{}, {}]", at / self.n_features, at % self.n_features);
            return Err(Error::value(name, self.encoder.domain().expected(), value));
        }
        self.go_on(frames, by_neuron);
        Ok(())
    }

    /// Encodes what is left at the end of the series, and starts anew.
    pub fn finish(&mut self, by_neuron: &mut PaddedRows) {
        let n_features = self.n_features;
        match (&self.encoder, &mut self.state) {
            (Encoder::Bsa(bsa), State::Bsa(window)) => bsa.finish(window, n_features, by_neuron),
            (_, State::Population(of, _)) => of.finish(by_neuron),
            (_, state) => {
                by_neuron.clear(0);
                (0..self.encoder.n_inputs(n_features)).for_each(|_| by_neuron.end_row());
                match state {
                    State::Regular(phases) => *phases = (0..n_features).map(first_phase).collect(),
                    State::LevelCrossing(levels) => levels.clear(),
                    _ => {}
                }
            }
        }
    }

    fn go_on(&mut self, frames: &[f64], by_neuron: &mut PaddedRows) {
        let (n_features, n_frames) = (self.n_features, frames.len() / self.n_features);
        match (&self.encoder, &mut self.state) {
            (Encoder::Regular(regular), State::Regular(phases)) => {
                go_on_regularly(regular, phases, frames, by_neuron);
            }
            (Encoder::Latency(latency), State::Latency) => {
                by_neuron.clear(latency.n_steps(Some(n_frames)));
                latency.fire(frames, n_features, true, by_neuron);
            }
            (Encoder::LevelCrossing(encoder), State::LevelCrossing(levels)) => {
                let n_steps = n_frames * encoder.hold();
                encoder.cross(levels, frames, n_features, n_steps, by_neuron);
            }
            (Encoder::Bsa(bsa), State::Bsa(window)) => {
                bsa.go_on(window, frames, n_features, by_neuron);
            }
            (Encoder::Population(population), State::Population(of, responses)) => {
                population.respond(Analog::F64(frames), n_features, responses);
                of.go_on(responses, by_neuron);
            }
            _ => unreachable!("the state is that of the encoder"),
        }
    }
}

fn go_on_regularly(regular: &RegularEncoder, phases: &mut [u32], frames: &[f64], by_neuron: &mut PaddedRows) {
    let hold = regular.timing().hold.unwrap_or(1);
    by_neuron.clear(frames.len() / phases.len() * hold);
    let n_features = phases.len();
    for (j, phase) in phases.iter_mut().enumerate() {
        for (f, frame) in frames.chunks_exact(n_features).enumerate() {
            *phase = push_overflows(regular.increment(frame[j]), *phase, f * hold..(f + 1) * hold, by_neuron);
        }
        by_neuron.end_row();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::*;
    use super::*;

    fn encoders() -> impl Strategy<Value = EncoderConfig> {
        let hold = 1..9usize;
        let single = prop_oneof![
            (hold.clone(), 0.1..1.0f64).prop_map(|(hold, rate_scale)| EncoderConfig::Regular(RegularConfig {
                n_steps: 1,
                rate_scale,
                random_phase: false,
                hold: Some(hold),
            })),
            (hold.clone(), prop::option::of(1.0..20.0f64)).prop_map(|(hold, tau)| EncoderConfig::Latency(
                LatencyConfig { n_steps: 1, tau, threshold: 0.2, hold: Some(hold) }
            )),
            (hold.clone(), 0.05..0.5f64, 0.0..0.3f64).prop_map(|(hold, threshold, hysteresis)| {
                EncoderConfig::LevelCrossing(LevelCrossingConfig { threshold, hysteresis, hold, n_steps: None })
            }),
            (hold, 1..30usize).prop_map(|(hold, n_taps)| EncoderConfig::Bsa(BsaConfig {
                n_steps: None,
                hold,
                gain: 1.0,
                n_taps,
                threshold: 0.3,
            })),
        ];
        (single, prop::option::of(2..5usize)).prop_map(|(single, n)| match n {
            None => single,
            Some(n) => EncoderConfig::Population(PopulationConfig { n, width: 0.8, encoder: Box::new(single) }),
        })
    }

    proptest! {
        #[test]
        fn parts_are_the_whole_however_it_is_cut(
            config in encoders(),
            n_features in 1..11usize,
            cuts in prop::collection::vec(0..12usize, 1..6),
            seed in 0..u64::MAX,
        ) {
            let n_frames: usize = cuts.iter().sum();
            prop_assume!(n_frames > 0);
            let mut rng = crate::rng::generator(seed, 0);
            let values: Vec<f64> = (0..n_frames * n_features).map(|_| crate::rng::uniform(&mut rng)).collect();
            let encoder = config.build().unwrap();
            let sample = AnalogSample::series(Analog::F64(&values), n_features);
            let whole = super::super::tests::rows(&encoder, sample);
            let mut stream = EncoderStream::new(&config, n_features).unwrap();
            prop_assert_eq!(stream.n_inputs(), encoder.n_inputs(n_features));
            // Once again after an end, as at first.
            for _ in 0..2 {
                let mut parts = vec![Vec::new(); whole.len()];
                let (mut rows, mut first, mut frame, mut n_given) = (PaddedRows::default(), 0, 0, 0);
                for n in cuts.iter().copied().chain([usize::MAX]) {
                    if n == usize::MAX {
                        stream.finish(&mut rows);
                    } else {
                        stream.encode(&values[frame * n_features..(frame + n) * n_features], &mut rows).unwrap();
                        frame += n;
                    }
                    prop_assert_eq!(rows.n_rows(), parts.len());
                    for (j, part) in parts.iter_mut().enumerate() {
                        part.extend(rows.row(j).iter().map(|&t| t + first));
                    }
                    first += rows.n_columns() as u32;
                    n_given += rows.n_columns();
                }
                prop_assert_eq!(&parts, &whole);
                prop_assert_eq!(n_given, encoder.n_steps(Some(n_frames)));
            }
        }
    }

    #[test]
    fn what_needs_the_whole_series_is_refused() {
        let message = |config: EncoderConfig| EncoderStream::new(&config, 3).unwrap_err().to_string();
        let bernoulli = BernoulliConfig { n_steps: 9, rate_scale: 1.0, hold: Some(2) };
        assert!(message(EncoderConfig::Bernoulli(bernoulli)).starts_with("encoder must be one without chance"));
        let regular = RegularConfig { n_steps: 9, rate_scale: 1.0, random_phase: false, hold: None };
        assert!(message(EncoderConfig::Regular(regular)).starts_with("encoder.hold must be given for a stream"));
        let random = RegularConfig { hold: Some(1), random_phase: true, ..regular };
        assert_eq!(
            message(EncoderConfig::Regular(random)),
            "encoder.random_phase must be False for a stream, got True"
        );
        let held = EncoderConfig::Regular(RegularConfig { hold: Some(1), ..regular });
        assert!(EncoderStream::new(&held, 0).unwrap_err().to_string().starts_with("n_features must be in [1, 2^31)"));
        let mut stream = EncoderStream::new(&held, 2).unwrap();
        let error = stream.encode(&[0.0, 1.0, 2.0, 0.0], &mut PaddedRows::default()).unwrap_err().to_string();
        assert_eq!(error, "frames[1, 0] must be in [0, 1], got 2");
    }
}
