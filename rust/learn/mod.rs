//! ST-RSBP: gradients at the level of whole spike trains. The derivation is in `learn/README.md`.

mod activity;
#[doc(hidden)]
pub mod backward;
mod batch;
mod checkpoint;
mod choice;
mod coupling;
mod data;
mod gradients;
mod hardware;
mod horizon;
mod loss;
mod optimizer;
mod penalty;
mod rule;
mod s_psp;
mod schedule;
mod solve;
#[doc(hidden)]
pub mod step;
mod table;
#[doc(hidden)]
pub mod traces;
mod trainee;
mod trainer;

pub use activity::Activity;
pub use batch::{Batch, BatchStats, Source, Worker, predict};
pub use checkpoint::{Checkpoint, checkpoint_from_bytes, checkpoint_to_bytes, write_checkpoint};
pub use coupling::{PostCoupling, PostCouplingModel};
pub use data::{Data, ImageAugment, Images};
pub use gradients::{Gradients, LayerGradients};
pub use hardware::HardwareModel;
pub use loss::Loss;
pub use optimizer::OptimizerConfig;
pub use penalty::ExponentialPenalty;
pub use rule::StRsbp;
pub use s_psp::s_psp;
pub use schedule::Schedule;
pub use table::psp_table;
pub use trainee::{Present, Trainee};
pub use trainer::{
    CountedSpikes, EpochStats, Evaluation, Progress, StepStats, Trainer, TrainerConfig, check_inputs, check_labels,
    count_spikes,
};

#[cfg(test)]
mod oracle_tests;
