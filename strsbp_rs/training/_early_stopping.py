"""Training ends where it no longer gets better."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from strsbp_rs._arguments import integer
from strsbp_rs._warnings import StrsbpWarning, warn
from strsbp_rs.training._history import History
from strsbp_rs.training._monitor import Monitored

if TYPE_CHECKING:
    from strsbp_rs._network import Weights
    from strsbp_rs.training._trainer import Trainer

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitored):
    """Ends training when a quantity has not become better for some epochs.

    What was best before a checkpoint that is resumed is read from its history: the resumed run ends
    where the uninterrupted one does. A `fit` after it has ended one starts with all its patience.

    Args:
        monitor: Name of a quantity of the history; a callback before this one may have added it.
        patience: Epochs without a better one after which training ends.
        min_delta: By how much more than this an epoch must be better to count.
        mode: "min" if a smaller value is better, "max" if a larger one is; "auto" knows it of names
            that end with loss or accuracy.
        restore_best_weights: Whether the network gets the weights of the best epoch when `fit`
            ends, however it ends. The optimizer's state, and what `checkpoint` writes, stay those
            of the last epoch.

    Attributes:
        best: The best value so far; None before the first epoch.
        best_epoch: Its epoch.
        stopped_epoch: The epoch that training was ended after; None if it was not.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the mode is unknown, or "auto" does not know it, patience is 0 or min_delta
            negative. `fit` raises it without validation data if these are needed.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 3,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = integer("patience", patience)
        if self.patience == 0:
            raise ValueError("patience must be >= 1, got 0")
        self.restore_best_weights = bool(restore_best_weights)
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0
        # Of the best epoch, if known; and whose they are.
        self._weights: tuple[int, Weights] | None = None
        self._trainer: weakref.ref[Trainer] | None = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Reads the history."""
        if self._trainer is None or self._trainer() is not trainer:
            self._weights, self._trainer = None, weakref.ref(trainer)
        self.best = self.best_epoch = self.stopped_epoch = None
        self._waited = 0
        for record in trainer.history:
            # A callback adds what it measures after the checkpoint of an epoch has been written.
            if self.monitor in record:
                self._look(record)
        if self.best_epoch == trainer.epoch:
            self._keep(trainer)

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Compares the epoch with the best one."""
        ended = self._look(record)
        if self.best_epoch == record["epoch"]:
            self._keep(trainer)
        if ended:
            self.stopped_epoch = record["epoch"]
            trainer.stop()

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Restores the best weights, if that was asked for."""
        if not self.restore_best_weights or self.best_epoch is None:
            return
        if self._weights is None or self._weights[0] != self.best_epoch:
            warn(
                f"restore_best_weights: the weights of epoch {self.best_epoch}, the best, were "
                "there before this fit and are not known; the network keeps its last ones "
                "(BestCheckpoint keeps the best in a file)",
                StrsbpWarning,
            )
        else:
            trainer.network.set_weights(self._weights[1])

    def _look(self, record: dict[str, Any]) -> bool:
        """Counts an epoch; whether patience has ended with it."""
        value = self.value(record)
        if self.is_better(value, self.best):
            self.best, self.best_epoch, self._waited = value, record["epoch"], 0
            return False
        self._waited += 1
        ended = self._waited >= self.patience
        if ended:
            self._waited = 0
        return ended

    def _keep(self, trainer: Trainer) -> None:
        if self.restore_best_weights:
            self._weights = trainer.epoch, trainer.network.weights
