//! The one error type of the crate.

use std::path::PathBuf;

/// Everything that can go wrong, each message with what came and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number outside its domain: `tau_s must be > 0 ms, got -2`.
    #[error("{name} must be {expected}, got {got}")]
    Value {
        /// Name of the argument, as the caller wrote it.
        name: String,
        /// The domain, with its unit.
        expected: String,
        /// The offending value, printed.
        got: String,
    },
    /// An array of the wrong shape: `weight has shape (128, 40), expected (n_out=128, n_in=41)`.
    #[error("{name} has shape {got}, expected {expected}")]
    Shape {
        /// Name of the argument.
        name: String,
        /// The shape that came, printed as a tuple.
        got: String,
        /// The shape that was expected, with the names of its axes.
        expected: String,
    },
    /// An array or number of the wrong type: `images has dtype int64, expected uint8, float32 or float64`.
    #[error("{name} has dtype {got}, expected {expected}")]
    Type {
        /// Name of the argument.
        name: String,
        /// The type that came.
        got: String,
        /// The types that are accepted.
        expected: String,
    },
    /// More than there is memory for: `n_synapses = 4611686014132420609 of 8 bytes each: no memory for so many`.
    #[error("{name} = {n} of {bytes} bytes each: no memory for so many")]
    Memory {
        /// What is counted.
        name: String,
        /// How many, printed.
        n: String,
        /// Bytes that each takes.
        bytes: usize,
    },
    /// A linear system of the backward pass without a unique solution.
    #[error("the spike-train level system of layer {layer} is singular for sample {sample}: {detail}")]
    Singular {
        /// Index of the layer, 0 = the first one above the input.
        layer: usize,
        /// Index of the sample in the data handed in.
        sample: usize,
        /// What the solver saw.
        detail: String,
    },
    /// A gradient that is infinite or not a number.
    #[error("the gradient of step {step} of epoch {epoch} has norm {norm}, expected a finite one (try a lower lr)")]
    NotFinite {
        /// Epoch, from 1.
        epoch: u32,
        /// Step within the epoch, from 1.
        step: usize,
        /// The norm.
        norm: f64,
    },
    /// A file that is not ours, is damaged, or is of another version.
    #[error("{path}: {detail}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what was expected.
        detail: String,
    },
    /// The operating system refused to read or write a file.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A long call was stopped from outside (Ctrl-C in Python, or a callback).
    #[error("interrupted")]
    Interrupted,
    /// Something that cannot happen has happened: a panic.
    #[error("a bug of strsbp_rs, please report it: {detail}")]
    Bug {
        /// The message of the panic.
        detail: String,
    },
}

/// `Result` with the crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes the error of a number outside its domain.
    pub fn value(name: impl Into<String>, expected: impl Into<String>, got: impl ToString) -> Self {
        Self::Value { name: name.into(), expected: expected.into(), got: got.to_string() }
    }

    /// Says whose field is meant: `tau_m` becomes `layers[1].tau_m`.
    pub fn within(mut self, owner: &str) -> Self {
        match &mut self {
            Self::Value { name, .. } => *name = format!("{owner}.{name}"),
            Self::Shape { name, .. } => *name = format!("{name} of {owner}"),
            _ => {}
        }
        self
    }

    /// Makes an array of the wrong shape.
    pub fn shape(name: impl Into<String>, got: &[usize], expected: impl Into<String>) -> Self {
        let inner = got.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let got = if got.len() == 1 { format!("({inner},)") } else { format!("({inner})") };
        Self::Shape { name: name.into(), got, expected: expected.into() }
    }

    /// Makes the error of an array or number of the wrong type.
    pub fn dtype(name: impl Into<String>, expected: impl Into<String>, got: impl ToString) -> Self {
        Self::Type { name: name.into(), expected: expected.into(), got: got.to_string() }
    }

    /// Makes the error of a file that is not ours, is damaged, or is of another version.
    pub fn format(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self::Format { path: path.into(), detail: detail.into() }
    }

    /// Makes the error of a refusal of the operating system.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

/// Refuses what is not a finite number `> 0`.
pub fn check_positive(name: &str, unit: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    Err(Error::value(name, format!("finite and > 0{unit}"), value))
}

/// Refuses what is not a finite number `>= 0`.
pub fn check_non_negative(name: &str, unit: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    Err(Error::value(name, format!("finite and >= 0{unit}"), value))
}
