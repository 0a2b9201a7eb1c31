"""What callbacks may put into the records of a history: what a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

__all__ = ["plain_record"]


def plain_record(record: dict[str, Any]) -> None:
    """Turns the values of a record into plain ones, in place.

    Numbers and arrays of NumPy's, or of anything that has `tolist`, become Python's. What is not
    finite becomes None, which is what a checkpoint would read back as.

    Raises:
        TypeError: If a value, or a key, is of another kind; the message names the key, which the
            record then has no longer.
        ValueError: If an integer has more than 64 bits; likewise.
    """
    for key in list(record):
        value = record.pop(key)
        if not isinstance(key, str):
            raise TypeError(f"keys of a record must be strings, got {key!r}")
        record[key] = _plain(f"record[{key!r}]", value)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)) or (
        hasattr(value, "tolist") and not isinstance(value, (str, bytes))
    ):
        value = value.tolist()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise ValueError(f"{name} must be an integer of 64 bits, got {value}")
        return int(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_plain(f"{name}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        inner = dict(value)
        for key in inner:
            if not isinstance(key, str):
                raise TypeError(f"keys of {name} must be strings, got {key!r}")
            inner[key] = _plain(f"{name}[{key!r}]", inner[key])
        return inner
    raise TypeError(
        f"{name} must be a number, string, truth value, None, or a list or dict of these, "
        f"got {value!r}"
    )
