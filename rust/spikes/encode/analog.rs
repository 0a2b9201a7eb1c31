//! Analog values of any type, and those of a sample.

/// Holds analog values, of one sample or of many (a byte stands for value / 255).
#[derive(Clone, Copy, Debug)]
pub enum Analog<'a> {
    /// Bytes, value / 255.
    U8(&'a [u8]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// Holds the analog values of one sample.
#[derive(Clone, Copy, Debug)]
pub struct AnalogSample<'a> {
    /// Values, frame after frame.
    pub values: Analog<'a>,
    /// Values of a frame.
    pub n_features: usize,
    /// Whether frames follow each other in time; else there is one frame, which stays as it is.
    pub is_series: bool,
}

/// Says which values an encoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Those in [0, 1].
    Unit,
    /// All that are finite.
    Finite,
}

impl<'a> Analog<'a> {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Tells whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns some of the values.
    pub fn part(&self, range: std::ops::Range<usize>) -> Analog<'a> {
        match self {
            Self::U8(values) => Analog::U8(&values[range]),
            Self::F32(values) => Analog::F32(&values[range]),
            Self::F64(values) => Analog::F64(&values[range]),
        }
    }

    /// Gives every value, a byte as its 255th.
    pub fn each(&self, mut take: impl FnMut(f64)) {
        match self {
            Self::U8(values) => values.iter().for_each(|&byte| take(f64::from(byte) / 255.0)),
            Self::F32(values) => values.iter().for_each(|&value| take(f64::from(value))),
            Self::F64(values) => values.iter().for_each(|&value| take(value)),
        }
    }

    /// Puts every value into `out`, a byte as its 255th.
    pub(super) fn copy_to(&self, out: &mut Vec<f64>) {
        out.clear();
        out.reserve(self.len());
        self.each(|value| out.push(value));
    }
}

impl<'a> AnalogSample<'a> {
    /// Makes one of values that do not change.
    pub fn still(values: Analog<'a>) -> Self {
        Self { values, n_features: values.len(), is_series: false }
    }

    /// Makes one of frames of `n_features` values.
    pub fn series(values: Analog<'a>, n_features: usize) -> Self {
        Self { values, n_features, is_series: true }
    }

    /// Returns the number of frames; `None` of values that do not change.
    pub fn n_frames(&self) -> Option<usize> {
        self.is_series.then(|| self.values.len() / self.n_features)
    }
}

impl Domain {
    /// Returns the first value outside and its place, if there is one.
    pub fn first_outside(self, values: Analog<'_>) -> Option<(usize, f64)> {
        let is_outside = |value: f64| match self {
            Self::Unit => !(0.0..=1.0).contains(&value),
            Self::Finite => !value.is_finite(),
        };
        match values {
            Analog::U8(_) => None,
            Analog::F32(v) => v.iter().position(|&v| is_outside(v.into())).map(|at| (at, f64::from(v[at]))),
            Analog::F64(v) => v.iter().position(|&v| is_outside(v)).map(|at| (at, v[at])),
        }
    }

    /// Says what is expected.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Unit => "in [0, 1]",
            Self::Finite => "finite",
        }
    }
}
