//! What the user says of transmission delays.

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::Taps;
use super::synapses::entry;
use crate::error::{Error, Result, check_non_negative};
use crate::memory::{product, with_room};
use crate::neuron::{STEP_TOLERANCE, whole_steps};
use crate::rng::generator;

/// Logarithm of the longest delay, in steps: the whole numbers up to it are exact in single precision, as files hold them.
pub(super) const LOG2_MAX_DELAY_STEPS: u32 = 24;

/// Delay of the synapses of a connection group, beyond the one step that every spike takes; whole steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a delay must be a number [ms] or a uniform_delay with low and high [ms]")]
pub enum Delay {
    /// The same for all synapses [ms].
    Fixed(f64),
    /// Drawn for every synapse.
    Drawn(DelayDistribution),
}

/// Distribution of the delays of a connection group; they are drawn independently.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DelayDistribution {
    /// Each whole number of steps in \[low, high\] is equally likely.
    UniformDelay {
        /// Lower end [ms].
        low: f64,
        /// Upper end [ms].
        high: f64,
    },
}

impl Default for Delay {
    fn default() -> Self {
        Self::Fixed(0.0)
    }
}

impl Delay {
    /// Whether no synapse has one.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Checks what does not depend on the time step; `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn check_alone(&self, name: &str) -> Result<()> {
        match self {
            Self::Fixed(delay) => check_non_negative(name, "ms", *delay),
            Self::Drawn(distribution) => distribution.check_alone().map_err(|error| error.within(name)),
        }
    }

    /// Checks the numbers; `name` is for the message.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub(super) fn validate(&self, name: &str, dt: f64) -> Result<()> {
        match self {
            Self::Fixed(delay) => delay_steps(name, *delay, dt).map(drop),
            Self::Drawn(distribution) => distribution.range(name, dt).map(drop),
        }
    }

    /// Returns the delays of `n_out` neurons with `n_in` inputs each, drawn from stream `stream` of `seed` where they are drawn.
    ///
    /// `exists` says which synapses there are, (n_out, n_in) row-major; `None` if all. What is drawn for one does not
    /// depend on it.
    pub(super) fn taps(
        &self,
        name: &str,
        dt: f64,
        [n_out, n_in]: [usize; 2],
        exists: Option<&[bool]>,
        [seed, stream]: [u64; 2],
    ) -> Result<Taps> {
        let distribution = match *self {
            Self::Fixed(delay) => return Ok(Taps::all(delay_steps(name, delay, dt)?)),
            Self::Drawn(distribution) => distribution,
        };
        let (first, last) = distribution.range(name, dt)?;
        let mut rng = generator(seed, stream);
        let span = u128::from(last - first) + 1;
        // A multiply-shift draw: its bias of span / 2^64 is nothing.
        let mut draw = || first + ((u128::from(rng.next_u64()) * span) >> 64) as u32;
        let n = product(&[n_out, n_in]);
        let mut steps = with_room(&format!("{name}: n_out * n_in"), n)?;
        steps.extend((0..n_out * n_in).map(|_| draw()));
        Taps::new(name, &steps, [n_out, n_in], exists)
    }
}

impl DelayDistribution {
    /// Checks what does not depend on the time step.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first field outside its domain.
    pub fn check_alone(&self) -> Result<()> {
        let Self::UniformDelay { low, high } = *self;
        check_non_negative("low", "ms", low)?;
        check_non_negative("high", "ms", high)?;
        match high < low {
            true => Err(Error::value("high", format!(">= low = {low} ms"), high)),
            false => Ok(()),
        }
    }

    /// Returns the first and last number of steps.
    pub(crate) fn range(&self, name: &str, dt: f64) -> Result<(u32, u32)> {
        self.check_alone().map_err(|error| error.within(name))?;
        let Self::UniformDelay { low, high } = *self;
        let (low_steps, high_steps) = (low / dt, high / dt);
        if high_steps > f64::from(1u32 << LOG2_MAX_DELAY_STEPS) {
            let expected = format!("at most 2^{LOG2_MAX_DELAY_STEPS} steps of dt = {dt} ms");
            return Err(Error::value(format!("{name}.high"), expected, high));
        }
        let first = (low_steps - STEP_TOLERANCE * low_steps.max(1.0)).ceil();
        let last = (high_steps + STEP_TOLERANCE * high_steps.max(1.0)).floor();
        if first > last {
            let expected = format!("at or above the next whole step of dt = {dt} ms from low = {low} ms on");
            return Err(Error::value(format!("{name}.high"), expected, high));
        }
        Ok((first as u32, last as u32))
    }
}

/// Returns a delay [ms] in steps; `name` is for the message.
///
/// # Errors
/// [`Error::Value`] if it is negative, not finite, not a whole number of steps (to 1e-9) or above 2^24 steps.
pub(crate) fn delay_steps(name: &str, delay: f64, dt: f64) -> Result<u32> {
    whole_steps(delay, dt, LOG2_MAX_DELAY_STEPS).map_err(|expected| Error::value(name, expected, delay))
}

/// Returns the delays [ms] of synapses, in steps; `name` and the axes of their array are for the message.
///
/// # Errors
/// Those of [`delay_steps`], naming the synapse; [`Error::Memory`].
pub fn delays_in_steps(name: &str, delays: &[f64], axes: &[usize], dt: f64) -> Result<Vec<u32>> {
    let steps = |(at, &delay): (usize, &f64)| {
        whole_steps(delay, dt, LOG2_MAX_DELAY_STEPS)
            .map_err(|expected| Error::value(entry(name, axes, at), expected, delay))
    };
    let mut all = with_room(name, Some(delays.len()))?;
    for entry in delays.iter().enumerate() {
        all.push(steps(entry)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(low: f64, high: f64) -> Delay {
        Delay::Drawn(DelayDistribution::UniformDelay { low, high })
    }

    fn message(delay: Delay, dt: f64) -> String {
        delay.taps("delay", dt, [2, 3], None, [0, 0]).unwrap_err().to_string()
    }

    #[test]
    fn every_number_of_steps_in_the_interval_is_equally_likely() {
        let taps = uniform(1.0, 3.5).taps("delay", 0.5, [200, 300], None, [7, 1]).unwrap();
        assert_eq!(taps.steps(), [2, 3, 4, 5, 6, 7]);
        let drawn = taps.of_synapses([200, 300], None);
        for steps in 2..=7 {
            let hits = drawn.iter().filter(|&&drawn| drawn == steps).count() as f64;
            // Four standard deviations of a binomial number.
            assert!((hits - 10_000.0).abs() < 4.0 * (60_000.0 * 5.0 / 36.0f64).sqrt(), "{steps}: {hits}");
        }
    }

    #[test]
    fn draws_depend_on_seed_and_stream_not_on_which_synapses_exist() {
        let draw = |seed, stream, exists: Option<&[bool]>| {
            uniform(0.0, 9.0)
                .taps("delay", 1.0, [20, 20], exists, [seed, stream])
                .unwrap()
                .of_synapses([20, 20], exists)
        };
        let all = draw(1, 2, None);
        assert_eq!(all, draw(1, 2, None));
        assert_ne!(all, draw(1, 3, None));
        assert_ne!(all, draw(2, 2, None));
        let exists: Vec<bool> = (0..400).map(|at| at % 3 == 0).collect();
        let some = draw(1, 2, Some(&exists));
        assert!((0..400).all(|at| some[at] == if exists[at] { all[at] } else { 0 }));
    }

    #[test]
    fn ends_of_an_interval_need_not_be_whole_steps() {
        let taps = uniform(0.25, 1.9).taps("delay", 0.5, [50, 50], None, [0, 0]).unwrap();
        assert_eq!(taps.steps(), [1, 2, 3]);
        // 0.3 / 0.1 and 0.7 / 0.1 are a rounding error off 3 and 7.
        let taps = uniform(0.3, 0.7).taps("delay", 0.1, [50, 50], None, [0, 0]).unwrap();
        assert_eq!(taps.steps(), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn errors_name_the_field() {
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(message(Delay::Fixed(value), 1.0), format!("delay must be finite and >= 0 ms, got {value}"));
            assert!(message(uniform(value, 5.0), 1.0).starts_with("delay.low must be finite and >= 0 ms"));
            assert!(message(uniform(0.0, value), 1.0).starts_with("delay.high must be finite and >= 0 ms"));
        }
        assert_eq!(message(Delay::Fixed(1.5), 1.0), "delay must be a whole number of steps of dt = 1 ms, got 1.5");
        assert_eq!(message(Delay::Fixed(2e7), 1.0), "delay must be at most 2^24 steps of dt = 1 ms, got 20000000");
        assert_eq!(message(uniform(0.0, 2e7), 1.0), "delay.high must be at most 2^24 steps of dt = 1 ms, got 20000000");
        assert_eq!(message(uniform(3.0, 2.0), 1.0), "delay.high must be >= low = 3 ms, got 2");
        assert!(message(uniform(1.2, 1.8), 1.0).contains("next whole step of dt = 1 ms from low = 1.2 ms on, got 1.8"));
        let error = delays_in_steps("delay", &[0.0, 1.0, 2.0, 0.5], &[2, 2], 1.0).unwrap_err().to_string();
        assert_eq!(error, "delay[1, 1] must be a whole number of steps of dt = 1 ms, got 0.5");
    }

    #[test]
    fn reads_numbers_and_distributions_and_refuses_all_else() {
        let read = serde_json::from_str::<Delay>;
        assert_eq!(read("2").unwrap(), Delay::Fixed(2.0));
        let text = r#"{"kind":"uniform_delay","low":0.0,"high":4.5}"#;
        assert_eq!(read(text).unwrap(), uniform(0.0, 4.5));
        assert_eq!(serde_json::to_string(&uniform(0.0, 4.5)).unwrap(), text);
        for bad in [r#""fast""#, r#"{"kind": "uniform", "low": 0, "high": 1}"#, &text.replace("low", "lo")] {
            assert!(read(bad).unwrap_err().to_string().starts_with("a delay must be a number [ms] or"), "{bad}");
        }
    }
}
