"""What a result is told by: a few words for the reader of a diff, and a hash of all its bits."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["of_bytes", "of_floats", "of_integers", "of_spikes", "of_text"]


def of_spikes(trains: Sequence[np.ndarray[Any, Any]], *more: Any) -> str:
    """Of events (t, x) of populations or layers, one array of two columns each."""
    n = " ".join(str(len(train)) for train in trains)
    return f"{n} spikes {_hash([list(trains), *more])}"


def of_floats(values: Any, *more: Any) -> str:
    """Of floats, or arrays of them in lists and dicts."""
    total = math.fsum(abs(float(value)) for array in _arrays(values) for value in array.ravel())
    return f"{total:.6g} absolute sum {_hash([values, *more])}"


def of_integers(values: Any, *more: Any) -> str:
    """Of integers, or arrays of them in lists and dicts."""
    total = sum(abs(int(value)) for array in _arrays(values) for value in array.ravel())
    return f"{total} absolute sum {_hash([values, *more])}"


def of_bytes(data: bytes) -> str:
    """Of a file or a state."""
    return f"{len(data)} bytes {_hash(data)}"


def of_text(text: str) -> str:
    """Of a file of text."""
    return of_bytes(text.encode())


def _arrays(values: Any) -> Iterable[np.ndarray[Any, Any]]:
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _arrays(value)
    elif values is not None and not isinstance(values, str):
        yield np.asarray(values)


def _hash(values: Any) -> str:
    digest = hashlib.sha256()
    _feed(digest, values)
    return digest.hexdigest()[:16]


def _feed(digest: Any, value: Any) -> None:
    """Feeds a value with its type and size, so that different ones cannot look alike."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"array {array.dtype.kind}{array.itemsize} {array.shape} ".encode())
        digest.update(array.tobytes())
    elif isinstance(value, Mapping):
        digest.update(f"dict {len(value)} ".encode())
        for key in sorted(value):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(f"list {len(value)} ".encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, bytes):
        digest.update(f"bytes {len(value)} ".encode() + value)
    elif isinstance(value, float):
        digest.update(f"float {value.hex()} ".encode())
    elif value is None or isinstance(value, (bool, int, str)):
        digest.update(f"{type(value).__name__} {value!r} ".encode())
    else:
        raise TypeError(f"cannot be hashed: {value!r}")
