"""Progress of training, for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from strsbp_rs._callback import Callback

if TYPE_CHECKING:
    from strsbp_rs._trainer import Trainer

__all__ = ["ProgressBar", "epoch_line"]


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
            self._bar = tqdm(
                total=progress["samples_total"],
                desc=f"epoch {progress['epoch']}/{self.total_epochs}",
                unit=" samples",
                leave=False,
                disable=not sys.stderr.isatty(),
                dynamic_ncols=True,
            )
        self._bar.set_postfix_str(
            f"loss {progress['loss']:.4g}, accuracy {progress['accuracy']:.2%}, "
            f"rates {_rates(progress['firing_rate'])}",
            refresh=False,
        )
        self._bar.update(progress["samples_done"] - self._bar.n)

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Replaces the bar by a line."""
        self._close()
        tqdm.write(epoch_line(record, self.total_epochs), file=sys.stderr)

    def on_train_end(self, trainer: Trainer, history: Any) -> None:
        """Takes an unfinished bar away."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def steps_bar(total: int, what: str, shown: bool) -> Any:
    """Returns a bar for some steps, as a context manager with a method `update`."""
    hidden = not (shown and sys.stderr.isatty())
    return tqdm(total=total, desc=what, leave=False, disable=hidden, dynamic_ncols=True)


def epoch_line(record: dict[str, Any], total_epochs: int) -> str:
    """Returns an epoch's entry of the history in one line."""
    test = ""
    if "val_accuracy" in record:
        test = f", test loss {record['val_loss']:.4g}, test accuracy {record['val_accuracy']:.2%}"
    return (
        f"epoch {record['epoch']}/{total_epochs}: loss {record['loss']:.4g}, "
        f"accuracy {record['accuracy']:.2%}{test}, {record['samples_per_s']:.0f} samples/s, "
        f"rates {_rates(record['firing_rate'])}"
    )


def _rates(rates: list[float]) -> str:
    """Firing rates as per cent of the steps."""
    return " ".join(f"{rate:.1%}" for rate in rates)
