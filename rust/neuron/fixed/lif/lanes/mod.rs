//! Blocks of 16 neurons stepped in vectors: the same bits as [`FixedPopulation::step`](super::super::FixedPopulation::step).

mod arithmetic;
mod block;
mod decay;
mod neurons;
mod step;

pub use block::FixedBlock;
pub use neurons::FixedLanes;

#[cfg(test)]
mod tests;
