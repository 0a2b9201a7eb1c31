"""What training tells its callers while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strsbp_rs.training._history import History

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["Callback"]


class Callback:
    """Base of training callbacks; override what is needed.

    Any object with some of these methods will do. `trainer.stop()` in one of them ends training
    after the running epoch. What a method changes in an epoch's record, later callbacks see.
    """

    def on_train_begin(self, trainer: Trainer) -> None:
        """Called before the first epoch of a `fit`."""

    def on_batch_end(self, trainer: Trainer, progress: dict[str, Any]) -> None:
        """Called some ten times a second, and at the end of an epoch.

        The network is being trained: its weights cannot be read here.

        Args:
            trainer: The trainer.
            progress: epoch, samples_done, samples_total, samples_per_s, and the running means
                loss, accuracy (None if targets are no classes) and firing_rate (a list, one value
                a layer).
        """

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Called after an epoch, with its entry of the history.

        Args:
            trainer: The trainer.
            record: May be added to: strings, numbers and arrays of any type, lists and dicts of
                them. They become plain, what is not finite None; other things are refused.
        """

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Called after the last epoch."""
