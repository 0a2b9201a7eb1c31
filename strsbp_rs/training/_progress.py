"""Progress of training, for people: in terminals, notebooks and log files."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from tqdm.std import tqdm

from strsbp_rs.training._callback import Callback

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["ProgressBar", "epoch_line", "steps_bar"]

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
            self._bar = _new_bar(total, "", bar_format=_FORMAT, delay=1e-9)
        # Short enough to leave room for the bar at 80 columns.
        text = (
            f"epoch {progress['epoch']}/{self.total_epochs}: loss {progress['loss']:.4g}"
            f"{_accuracy(progress['accuracy'])}, {progress['samples_per_s']:.0f}/s"
        )
        if _columns() >= _WIDE:
            text += f", rates {_rates(progress['firing_rate'])}"
        self._bar.set_description_str(text, refresh=False)
        self._bar.n = progress["samples_done"]
        self._bar.refresh()

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Replaces the bar by a line."""
        self._close()
        line = epoch_line(record, self.total_epochs)
        if _in_notebook():
            print(line, flush=True)
        elif sys.stderr.isatty():
            tqdm.write(textwrap.fill(line, _columns(), subsequent_indent="    "), file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def on_train_end(self, trainer: Trainer, history: Any) -> None:
        """Takes an unfinished bar away."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def steps_bar(total: int, what: str, shown: bool) -> Any:
    """Returns a bar for some steps, as a context manager with a method `update`."""
    return _new_bar(total, what, hidden=not shown)


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


def _new_bar(total: int, what: str, hidden: bool = False, **options: Any) -> Any:
    """Returns a bar that vanishes in the end, of the kind that works where the program runs."""
    options = {"total": total, "desc": what, "leave": False, "disable": hidden, **options}
    if not _in_notebook():
        options["disable"] = hidden or not sys.stderr.isatty()
        return tqdm(**options, file=sys.stderr, dynamic_ncols=True)
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        # A line of text that is written over and over: notebooks understand carriage returns.
        return tqdm(**options, file=sys.stdout, ncols=_columns())
    from tqdm.notebook import tqdm as widget

    return widget(**options)


def _in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter, whose output is no terminal but shows bars."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _columns() -> int:
    """The width of the terminal; in a notebook, one that fits everywhere."""
    if _in_notebook():
        return 80
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):  # No terminal, or closed.
        return 80


def _accuracy(share: float | None, name: str = "accuracy") -> str:
    """The accuracy, if there is one."""
    return "" if share is None else f", {name} {share:.2%}"


def _rates(rates: list[float]) -> str:
    """Firing rates as per cent of the steps."""
    return " ".join(f"{rate:.1%}" for rate in rates)
