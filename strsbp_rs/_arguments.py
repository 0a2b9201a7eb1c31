"""Checks of arguments: every message names the one that is wrong."""

from __future__ import annotations

import difflib
import itertools
import operator
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arrays import as_array
from strsbp_rs._strsbp_rs import check_classes

__all__ = [
    "count",
    "flag",
    "integer",
    "integers",
    "labels",
    "number",
    "one_of",
    "strings",
    "suggestion",
    "threads",
    "time_step",
]


def integer(name: str, value: Any, *, low: int = 0, below: int = 2**64) -> int:
    """Returns an integer of any type, NumPy's and arrays without dimensions included.

    Args:
        name: Name of the argument.
        value: What came.
        low: The least that is accepted.
        below: One more than the largest that is accepted.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is too small or too large.
    """
    whole = _whole(name, value)
    if whole < low:
        raise ValueError(f"{name} must be >= {_power(low)}, got {whole}")
    if whole >= below:
        raise ValueError(f"{name} must be < {_power(below)}, got {whole}")
    return whole


def count(name: str, value: Any, *, most: int = 2**31 - 1) -> int:
    """Returns the number of things of which there must be one: an integer in [1, most].

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is too small or too large; the message says both bounds.
    """
    whole = _whole(name, value)
    if not 1 <= whole <= most:
        end = f"{_power(most + 1)})" if _power(most).isdecimal() else f"{_power(most)}]"
        raise ValueError(f"{name} must be in [1, {end}, got {whole}")
    return whole


def _whole(name: str, value: Any) -> int:
    try:
        if isinstance(value, (bool, np.bool_, np.timedelta64)):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def _power(limit: int) -> str:
    exponent = abs(limit).bit_length() - 1
    if exponent < 20 or abs(limit) != 2**exponent:
        return str(limit)
    return f"{'-' * (limit < 0)}2^{exponent}"


def number(name: str, value: Any) -> float:
    """Returns a number of any type, NumPy's and arrays without dimensions included, as a float.

    Raises:
        TypeError: If it is none, or a truth value.
    """
    try:
        # What NumPy has of numbers that are no plain ones turns into floats without a word.
        dtype = getattr(value, "dtype", None)
        plain = not isinstance(dtype, np.dtype) or (dtype.kind in "iuf" and np.ndim(value) == 0)
        if plain and not isinstance(value, (str, bytes, bytearray, bool)):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name} must be a number, got {value!r}")


def flag(name: str, value: Any) -> bool:
    """Returns a truth value, NumPy's included.

    Raises:
        TypeError: If it is another thing.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {value!r}")


def integers(name: str, values: Any, *, low: int, below: int) -> tuple[int, ...]:
    """Returns integers from any sequence or array of them.

    Raises:
        TypeError: If they are not a sequence of integers.
        ValueError: If one is out of range; the message names it.
    """
    other = isinstance(values, (str, bytes, Mapping, Set))
    if other or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be integers, got {values!r}")
    if not isinstance(values, np.ndarray):
        values = list(values)
    array = as_array(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
    # Item by item only where an item is wrong, a truth value among numbers (which NumPy takes for
    # one) or so large that NumPy has no type for it.
    if array.size and (
        array.dtype.kind not in "iu"
        or int(array.min()) < low
        or int(array.max()) >= below
        or (isinstance(values, list) and bool in map(type, values))
    ):
        return tuple(
            integer(f"{name}[{index}]", value, low=low, below=below)
            for index, value in enumerate(values)
        )
    whole: list[int] = array.tolist()
    return tuple(whole)


def strings(name: str, values: Any) -> list[str]:
    """Returns strings from any sequence of them.

    Raises:
        TypeError: If they are something else.
    """
    listed = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    found = list(values) if listed else []
    if not listed or not all(isinstance(value, str) for value in found):
        raise TypeError(f"{name} must be a list of strings, got {values!r}")
    return [str(value) for value in found]


def time_step(name: str, value: Any) -> float:
    """Returns a time step [ms].

    Raises:
        TypeError: If it is no number.
        ValueError: If it is not finite, or not more than 0.
    """
    step = number(name, value)
    if not 0.0 < step < float("inf"):
        raise ValueError(f"{name} must be finite and > 0 ms, got {value!r}")
    return step


def one_of(name: str, value: Any, known: Sequence[str]) -> str:
    """Returns a name if it is a known one.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is another; the message suggests the nearest.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {list(known)}, got {value!r}")
    if value not in known:
        raise ValueError(
            f"{name} must be one of {list(known)}, got {value!r}{suggestion(value, known)}"
        )
    return str(value)


def suggestion(value: str, known: Sequence[str]) -> str:
    """Returns "; did you mean ...?" for the known name that is like another, or nothing."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(value.lower(), list(lower), n=1, cutoff=0.5)
    near = near or [name for name in lower if value and name.startswith(value.lower())]
    return f"; did you mean '{lower[near[0]]}'?" if near else ""


def threads(n_threads: int | None) -> int | None:
    """Checks a number of threads; None means all cores."""
    if n_threads is None:
        return None
    whole = _whole("n_threads", n_threads)
    if not 0 <= whole < 2**64:
        # Which the core is not handed, and would refuse like this.
        raise ValueError(f"n_threads must be in [1, {max(256, os.cpu_count() or 1)}], got {whole}")
    return whole


def _classes_of(array: NDArray[Any]) -> str:
    """Returns how what are no classes becomes some, for the message; or what is in it."""
    found = (item for item in array.flat if not isinstance(item, (int, np.integer)))
    others = list(itertools.islice(found, 1))
    if others and isinstance(others[0], (str, bytes)):
        return "; of names: names, y = np.unique(y, return_inverse=True)"
    if array.dtype == object:
        return f", got {type(others[0]).__name__} in it" if others else "; give y.astype(int)"
    if array.ndim == 2:
        return "; other targets than classes need a loss of your own (docs/guides/own-losses.md)"
    return ""


def labels(
    name: str, y: ArrayLike, n_samples: int | None = None, n_out: int | None = None
) -> NDArray[np.int64]:
    """Returns classes as int64 of shape (n_samples,), in [0, n_out) where that is given.

    Raises:
        TypeError: If they are no integers.
        ValueError: If their shape or one of them is another.
    """
    array = as_array(name, y)
    if y is None:
        raise TypeError(f"{name} must be given, integers (n_samples,), got None")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers{_classes_of(array)}")
    if array.ndim != 1 or n_samples not in (None, len(array)):
        n = "n_samples" if n_samples is None else f"n_samples={n_samples}"
        cure = "; classes of rows that are one-hot are y.argmax(axis=1)" if array.ndim == 2 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected ({n},){cure}")
    classes = array.astype(np.int64)
    if n_out is not None:
        check_classes(classes, n_out)
    return classes
