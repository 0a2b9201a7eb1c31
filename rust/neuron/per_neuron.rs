//! Numbers that neurons of a population share, or have each.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Holds one number for all neurons of a population, or one for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerNeuron<T> {
    /// The same for all.
    Same(T),
    /// Of each neuron.
    Each(Vec<T>),
}

impl<T: Copy> PerNeuron<T> {
    /// Returns the number of a neuron.
    #[inline(always)]
    pub fn get(&self, neuron: usize) -> T {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[neuron],
        }
    }

    /// Returns all numbers there are.
    pub fn values(&self) -> &[T] {
        match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }

    /// Makes of each number another one.
    pub fn map<U>(&self, f: impl Fn(T) -> U) -> PerNeuron<U> {
        match self {
            Self::Same(value) => PerNeuron::Same(f(*value)),
            Self::Each(values) => PerNeuron::Each(values.iter().map(|&value| f(value)).collect()),
        }
    }
}

impl<T: Copy + ToString> PerNeuron<T> {
    /// Refuses a list that is not of `n` numbers, and the first number that is not `allowed`.
    pub(in crate::neuron) fn check(
        &self,
        name: &str,
        n: usize,
        expected: &str,
        allowed: impl Fn(T) -> bool,
    ) -> Result<()> {
        if let Self::Each(values) = self
            && values.len() != n
        {
            return Err(Error::shape(name, &[values.len()], format!("one number, or ({n},)")));
        }
        match (self.values().iter().position(|&value| !allowed(value)), self) {
            (None, _) => Ok(()),
            (Some(_), Self::Same(value)) => Err(Error::value(name, expected, *value)),
            (Some(i), Self::Each(values)) => Err(Error::value(format!("{name}[{i}]"), expected, values[i])),
        }
    }
}

impl<T> From<T> for PerNeuron<T> {
    fn from(value: T) -> Self {
        Self::Same(value)
    }
}
