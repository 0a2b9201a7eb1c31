"""What training tells its callers while it runs, and afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strsbp_rs._trainer import Trainer

__all__ = ["Callback", "History"]


@dataclass
class History:
    """One dict an epoch: epoch (from 1), lr, loss, accuracy, firing_rate, seconds, samples_per_s.

    Also grad_norm and grad_norm_max, the mean and the largest norm of the gradient of a step before
    clipping; solver_iterations a sample and recurrent layer, and solver_fallbacks, how often a
    dense solver had to step in. With validation data val_loss, val_accuracy and val_samples_per_s.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)


class Callback:
    """Base of training callbacks; override what is needed."""

    def on_train_begin(self, trainer: Trainer) -> None:
        """Called before the first epoch of a `fit`."""

    def on_batch_end(self, trainer: Trainer, progress: dict[str, Any]) -> None:
        """Called some ten times a second, and at the end of an epoch.

        The network is being trained: its weights cannot be read here.

        Args:
            trainer: The trainer.
            progress: epoch, samples_done, samples_total, samples_per_s, and the running means
                loss, accuracy and firing_rate (a list, one value a layer).
        """

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Called after an epoch, with its entry of the history."""

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Called after the last epoch."""
