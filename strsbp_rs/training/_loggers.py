"""The history, in files of other programs."""

from __future__ import annotations

import csv
import io
import os
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strsbp_rs._files import write_text
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._history import History, flat

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["CSVLogger", "TensorBoard"]


class CSVLogger(Callback):
    """Writes a row an epoch to a CSV file, with a header; what is a list gets numbered columns.

    When training is resumed, rows are appended: those of epochs that had been trained beyond the
    checkpoint are dropped, and those that are missing come from its history. A run from its
    beginning replaces the file with its first epoch.

    Args:
        path: The file; its folder must exist.

    Raises:
        OSError: `fit` raises it if the file cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._names: list[str] = []
        self._rows: list[dict[str, Any]] = []

    def on_train_begin(self, trainer: Trainer) -> None:
        """Goes on with the file of a resumed run."""
        folder = self.path.absolute().parent
        if not folder.is_dir():
            raise FileNotFoundError(f"path: the folder {folder} does not exist")
        self._names, self._rows = [], []
        if trainer.epoch:
            rows = {row["epoch"]: row for row in trainer.history.rows()}
            rows |= {epoch: row for epoch, row in self._read().items() if epoch <= trainer.epoch}
            self._rows = [rows[epoch] for epoch in sorted(rows)]
            self._rewrite()

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Appends a row."""
        row = flat(record)
        self._rows.append(row)
        if set(row) <= set(self._names):
            with self.path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self._names, lineterminator="\n").writerow(row)
        else:
            self._rewrite()

    def _rewrite(self) -> None:
        """Writes the whole file, with the columns that there are now."""
        self._names = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, self._names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_text(self.path, text.getvalue())

    def _read(self) -> dict[int, dict[str, Any]]:
        """Returns the whole rows of the file, by epoch."""
        if not self.path.exists():
            return {}
        data = self.path.read_bytes()
        # A row that was being written when the process was killed has no end, which may be within a
        # character.
        whole = data[: data.rfind(b"\n") + 1].decode()
        rows = {}
        for row in csv.DictReader(io.StringIO(whole)):
            epoch = row.get("epoch") or ""
            if epoch.isdigit():
                rows[int(epoch)] = row
        return rows


class TensorBoard(Callback):
    """Writes the numbers of every epoch for TensorBoard. Needs the extra `tensorboard`.

    When training is resumed, TensorBoard is told to forget the epochs beyond the checkpoint.

    Args:
        log_dir: Folder of the run; made if it is not there.

    Raises:
        ImportError: Without tensorboardX.
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard needs tensorboardX: pip install 'strsbp_rs[tensorboard]'",
                name="tensorboardX",
            ) from error
        self.log_dir = Path(log_dir)
        self._make: Any = SummaryWriter
        self._writer: Any = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Begins a file of events."""
        beyond = trainer.epoch + 1 if trainer.epoch else None
        self._writer = self._make(str(self.log_dir), purge_step=beyond)

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Writes the numbers of the epoch, with the epoch as the step."""
        for tag, value in flat(record, "/").items():
            if tag != "epoch" and isinstance(value, Real):
                self._writer.add_scalar(tag, value, record["epoch"])
        self._writer.flush()

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Closes the file."""
        self._writer.close()
        self._writer = None
