//! ST-RSBP: gradients at the level of whole spike trains. The derivation is in `learn/README.md`.

mod checkpoint;
mod classes;
mod gradients;
mod hardware;
mod loss;
pub mod optim;
pub mod rule;
mod trainer;

pub use checkpoint::{Checkpoint, checkpoint_from_bytes, checkpoint_to_bytes, write_checkpoint};
pub use classes::{Classes, predict};
pub use gradients::{Gradients, LayerGradients};
pub use hardware::HardwareModel;
pub use loss::{Loss, total_loss};
pub use optim::{ExponentialPenalty, OptimizerConfig, Schedule};
pub use rule::{PostCoupling, PostCouplingModel, StRsbp, psp_table, s_psp};
pub use trainer::{
    Activity, Alone, AnalogData, AugmentScratch, Batch, BatchStats, CountedSpikes, Couplings, Data, EpochStats,
    Evaluation, ImageAugment, Objective, OwnLoss, Pass, Present, Progress, Recording, Reduce, Series, Solves, Source,
    StepStats, Targets, Traced, Traces, Trainee, Trainer, TrainerConfig, Worker, check_images, check_inputs,
    check_n_samples, check_recorded, check_traced, count_spikes, encoded, graph_to_count, record,
};

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod test_cases;
