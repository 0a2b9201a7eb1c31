//! ST-RSBP: gradients at the level of whole spike trains. The derivation is in `learn/README.md`.

mod checkpoint;
mod gradients;
mod hardware;
mod loss;
pub mod optim;
pub mod rule;
mod trainer;

pub use checkpoint::{Checkpoint, checkpoint_from_bytes, checkpoint_to_bytes, write_checkpoint};
pub use gradients::{Gradients, LayerGradients};
pub use hardware::HardwareModel;
pub use loss::Loss;
pub use optim::{ExponentialPenalty, OptimizerConfig, Schedule};
pub use rule::{PostCoupling, PostCouplingModel, StRsbp, psp_table, s_psp};
pub use trainer::{
    Activity, Batch, BatchStats, CountedSpikes, Data, EpochStats, Evaluation, ImageAugment, Images, Present, Progress,
    Source, StepStats, Trainee, Trainer, TrainerConfig, Worker, check_inputs, check_labels, count_spikes, predict,
};

#[cfg(test)]
mod oracle_tests;
