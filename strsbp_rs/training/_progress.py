"""Progress of training, for people: in terminals, notebooks and log files."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

from tqdm.std import tqdm

from strsbp_rs._bars import columns, in_notebook, new_bar
from strsbp_rs.training._callback import Callback

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["ProgressBar", "epoch_line"]

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {remaining}"
_WIDE = 110
"""Columns from which a bar has room for firing rates."""


class ProgressBar(Callback):
    """Shows a bar for every epoch and leaves a line behind; in a log file, only the line.

    Args:
        total_epochs: Number of epochs to show beside the running one.
    """

    def __init__(self, total_epochs: int) -> None:
        self.total_epochs = total_epochs
        self._bar: Any = None

    def on_batch_end(self, trainer: Trainer, progress: dict[str, Any]) -> None:
        """Moves the bar."""
        if self._bar is None:
            # Delayed: it is shown with the first text.
            total = progress["samples_total"]
            self._bar = new_bar(total, "", bar_format=_FORMAT, delay=1e-9)
        # Short enough to leave room for the bar at 80 columns.
        text = (
            f"epoch {progress['epoch']}/{self.total_epochs}: loss {progress['loss']:.4g}"
            f"{_accuracy(progress['accuracy'])}, {progress['samples_per_s']:.0f}/s"
        )
        if columns() >= _WIDE:
            text += f", rates {_rates(progress['firing_rate'])}"
        self._bar.set_description_str(text, refresh=False)
        self._bar.n = progress["samples_done"]
        self._bar.refresh()

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Replaces the bar by a line."""
        self._close()
        line = epoch_line(record, self.total_epochs)
        if in_notebook():
            print(line, flush=True)
        elif sys.stderr.isatty():
            tqdm.write(textwrap.fill(line, columns(), subsequent_indent="    "), file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def on_train_end(self, trainer: Trainer, history: Any) -> None:
        """Takes an unfinished bar away."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def epoch_line(record: dict[str, Any], total_epochs: int) -> str:
    """Returns an epoch's entry of the history in one line."""
    test = ""
    if "val_loss" in record:
        accuracy = _accuracy(record["val_accuracy"], "test accuracy")
        test = f", test loss {record['val_loss']:.4g}{accuracy}"
    return (
        f"epoch {record['epoch']}/{total_epochs}: loss {record['loss']:.4g}"
        f"{_accuracy(record['accuracy'])}{test}, {record['samples_per_s']:.0f} samples/s, "
        f"rates {_rates(record['firing_rate'])}"
    )


def _accuracy(share: float | None, name: str = "accuracy") -> str:
    """The accuracy, if there is one."""
    return "" if share is None else f", {name} {share:.2%}"


def _rates(rates: list[float]) -> str:
    """Firing rates as per cent of the steps."""
    return " ".join(f"{rate:.1%}" for rate in rates)
