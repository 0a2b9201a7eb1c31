"""What a checkpoint holds beside weights and trainer: encoder and history, checked when read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strsbp_rs._config import Encoder, encoder_from_file
from strsbp_rs.training._history import History

__all__ = ["encoder_and_history", "read_encoder"]


def encoder_and_history(path: str, user: Any) -> tuple[Encoder | None, History]:
    """Returns what `Trainer.save` has added to a checkpoint.

    Args:
        path: The file, for messages.
        user: Plain values.

    Raises:
        ValueError: If it is another thing; the message names what is wrong.
    """
    if not isinstance(user, dict):
        raise ValueError(f"{path}: what Trainer added must be a table, got {user!r}")
    for name in ("encoder", "history"):
        if name not in user:
            raise ValueError(f"{path}: lacks the {name}")
    try:
        return read_encoder(user["encoder"]), _history(user["history"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def read_encoder(values: Any) -> Encoder | None:
    """Returns the encoder of a file's plain values; None if there is none.

    Raises:
        TypeError: If a value has another type.
        ValueError: If one is outside its domain, or there are others.
    """
    return None if values is None else encoder_from_file(values)


def _history(records: Any) -> History:
    if not isinstance(records, list):
        raise ValueError(f"history must be a list, got {records!r}")
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            raise ValueError(f"history[{index}] must be a table, got {record!r}")
        for name in _ALWAYS:
            if name not in record:
                raise ValueError(f"history[{index}] lacks {name!r}")
        # Callbacks may have added others, of any kind.
        for name in record.keys() & _KINDS.keys():
            kind, is_one = _KINDS[name]
            if not is_one(record[name]):
                raise ValueError(f"history[{index}]['{name}'] must be {kind}, got {record[name]!r}")
    return History(records)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_maybe_number(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_list_of(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, list) and all(map(is_one, values))


def _is_pair(value: Any) -> bool:
    return _is_list_of(_is_count)(value) and len(value) == 2


_ALWAYS = ("epoch", "lr", "loss", "accuracy", "firing_rate", "seconds", "samples_per_s")
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "epoch": ("an epoch", _is_count),
    "engine": ("a name", lambda value: isinstance(value, str)),
    "firing_rate": ("a list of numbers", _is_list_of(_is_number)),
    "overflows": ("a list of pairs of counts", _is_list_of(_is_pair)),
    "solver_fallbacks": ("a count", _is_count),
    # What is not finite is None in a record.
    **dict.fromkeys(
        ("loss", "val_loss", "accuracy", "val_accuracy", "grad_norm", "grad_norm_max"),
        ("a number or nothing", _is_maybe_number),
    ),
    **dict.fromkeys(
        (
            *("lr", "seconds", "samples_per_s", "solver_iterations"),
            "val_samples_per_s",
        ),
        ("a number", _is_number),
    ),
}
