//! Simulation of fixed-point neurons: the engines of the time grid, with integer weights and states.
//!
//! Both engines make the same steps, so they agree in every bit, and in every count of what has not fitted.

mod simulator;

pub use simulator::FixedSimulator;

#[cfg(test)]
mod tests;
