//! From gradients to weights: optimizers, schedules, the penalty, and the step that applies them.

mod optimizer;
mod penalty;
mod schedule;
#[doc(hidden)]
pub mod step;

pub use optimizer::OptimizerConfig;
pub use penalty::ExponentialPenalty;
pub use schedule::Schedule;
