"""The best epoch, in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strsbp_rs.training._history import History
from strsbp_rs.training._monitor import Monitored

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["BestCheckpoint"]


class BestCheckpoint(Monitored):
    """Writes a checkpoint, atomically, after every epoch that is better than all before.

    `Network.load` reads the network of it, and `Trainer.load` the whole trainer as it was after
    that epoch. When training is resumed, what is in the file stays until an epoch is better; a run
    from its beginning replaces it with its first epoch.

    Args:
        path: The file; its folder must exist.
        monitor: Name of a quantity of the history; a callback before this one may have added it.
        mode: "min" if a smaller value is better, "max" if a larger one is; "auto" knows it of names
            that end with loss or accuracy.
        min_delta: By how much more than this an epoch must be better to count.

    Attributes:
        path: The file.
        best: The value of the epoch in the file; None if there is none.
        best_epoch: That epoch.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the mode is unknown, or "auto" does not know it, or min_delta is negative.
            `fit` raises it without validation data if these are needed, and when it resumes a run
            and the file is of another one.
        OSError: `fit` raises it if the file cannot be read or written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str = "val_loss",
        *,
        mode: str = "auto",
        min_delta: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.path = Path(path)
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Finds out what the file holds, and writes the last epoch if that is better."""
        folder = self.path.absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(f"path: the folder {folder} does not exist")
        self.best = self.best_epoch = None
        if trainer.epoch == 0:
            return
        if self.path.exists():
            self._read(trainer)
        # Training may have been killed after the checkpoint of its last epoch, and before this one.
        if trainer._resumed and len(trainer.history) and self.monitor in trainer.history[-1]:
            self._compare(trainer, trainer.history[-1])

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Writes the file, if the epoch is better."""
        self._compare(trainer, record)

    def _compare(self, trainer: Trainer, record: dict[str, Any]) -> None:
        value = self.value(record)
        if self.is_better(value, self.best):
            trainer.save(self.path)
            self.best, self.best_epoch = value, record["epoch"]

    def _read(self, trainer: Trainer) -> None:
        found = type(trainer).load(self.path, n_threads=1, loss=trainer._own_loss)
        if not _same_run(found.history, trainer.history):
            raise ValueError(
                f"path: {self.path} holds the best epoch of another run than the one that is "
                "resumed; choose another path, or remove it"
            )
        last = found.history[-1] if len(found.history) else {}
        if self.monitor in last:
            self.best, self.best_epoch = self.value(last), last["epoch"]


def _same_run(a: History, b: History) -> bool:
    """Whether one history is the beginning of the other."""
    return all(
        (x.get("epoch"), x.get("loss")) == (y.get("epoch"), y.get("loss"))
        for x, y in zip(a, b, strict=False)
    )
