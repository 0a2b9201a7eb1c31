"""A quantity of the history that a callback watches."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

from strsbp_rs._arguments import number
from strsbp_rs.training._callback import Callback

__all__ = ["Monitored"]

_VALIDATED = ("val_loss", "val_accuracy", "val_samples_per_s")


class Monitored(Callback):
    """Base of callbacks that look for the best epoch.

    Args:
        monitor: Name of a quantity of the history; a callback before this one may have added it.
        mode: "min" if a smaller value is better, "max" if a larger one is; "auto" knows it of names
            that end with loss or accuracy.
        min_delta: By how much more than this an epoch must be better to count.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the mode is unknown, or "auto" does not know it, or min_delta is negative.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be a string, got {monitor!r}")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        if mode == "auto":
            if not monitor.endswith(("loss", "accuracy")):
                raise ValueError(
                    f"mode must be 'min' or 'max': is less of {monitor!r} better, or more?"
                )
            mode = "min" if monitor.endswith("loss") else "max"
        delta = number("min_delta", min_delta)
        if not 0.0 <= delta < math.inf:
            raise ValueError(f"min_delta must be finite and >= 0, got {min_delta}")
        self.monitor, self.mode, self.min_delta = monitor, mode, delta

    def check_data(self, validated: bool, unclassified: Container[str] = ()) -> None:
        """Refuses a fit that will not have the quantity, before it begins.

        Args:
            validated: Whether there is validation data.
            unclassified: Accuracies that there will not be, as targets are no classes.

        Raises:
            ValueError: If it is of validation data and there is none, or an accuracy and targets
                are no classes.
        """
        if self.monitor in _VALIDATED and not validated:
            raise ValueError(f"monitor {self.monitor!r} needs validation_data, got None")
        if self.monitor in unclassified:
            raise ValueError(f"monitor {self.monitor!r} needs targets that are classes")

    def value(self, record: Mapping[str, Any]) -> float:
        """Returns the quantity in an epoch's record.

        Raises:
            ValueError: If it is not there.
            TypeError: If it is no number.
        """
        if self.monitor not in record:
            names = ", ".join(record)
            raise ValueError(f"monitor {self.monitor!r} is not in the epoch's record ({names})")
        value = record[self.monitor]
        # What is not finite is None in a record.
        return math.nan if value is None else number(f"record[{self.monitor!r}]", value)

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value is better than the best so far; one that is not a number never is."""
        if math.isnan(value):
            return False
        if best is None:
            return True
        gain = value - best if self.mode == "max" else best - value
        return gain > self.min_delta
