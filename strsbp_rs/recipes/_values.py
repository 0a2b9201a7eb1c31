"""Values of recipes' fields, as TOML has them."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["field_value", "is_numbers", "is_shape"]

Wrong = Callable[[str], Exception]
"""Makes the error of a value, of what was expected."""


def field_value(value: Any, hint: Any, wrong: Wrong) -> Any:
    """Returns the value of a field that is no table.

    Args:
        value: What TOML has.
        hint: Type of the field.
        wrong: Makes the error to raise.
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if is_numbers(hint):
            return _numbers(value, wrong)
        if is_shape(hint):
            return _shape(value, parts, wrong)
        return _size(value, parts, wrong)
    if origin is typing.Literal:
        if value not in parts:
            raise wrong(f"one of {list(parts)}")
        return value
    if origin is tuple:
        return _tuple(value, parts, wrong)
    checks: dict[Any, tuple[str, Callable[[Any], bool]]] = {
        float: ("a number", lambda v: type(v) in (int, float)),
        int: ("an integer >= 0", lambda v: type(v) is int and v >= 0),
        bool: ("true or false", lambda v: type(v) is bool),
        str: ("a string", lambda v: type(v) is str),
    }
    expected, is_right = checks[hint]
    if not is_right(value):
        raise wrong(expected)
    return float(value) if hint is float else value


def is_numbers(hint: Any) -> bool:
    """Whether a field is a number or a list of them."""
    return {float, Sequence[float]} <= set(typing.get_args(hint))


def _numbers(value: Any, wrong: Wrong) -> float | tuple[float, ...]:
    items = value if isinstance(value, list) else [value]
    if not all(type(item) in (int, float) for item in items):
        raise wrong("a number or a list of numbers")
    return tuple(map(float, items)) if isinstance(value, list) else float(value)


def is_shape(hint: Any) -> bool:
    """Whether a field is so many integers, or so many others, or None, which TOML cannot say."""
    parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
    return bool(parts) and all(typing.get_origin(part) is tuple for part in parts)


def _shape(value: Any, parts: tuple[Any, ...], wrong: Wrong) -> tuple[Any, ...]:
    lengths = [len(typing.get_args(part)) for part in parts if part is not types.NoneType]
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    if not whole or len(value) not in lengths:
        raise wrong(f"a list of {' or '.join(map(str, lengths))} integers")
    return tuple(value)


def _tuple(value: Any, parts: tuple[Any, ...], wrong: Wrong) -> tuple[Any, ...]:
    if parts == (float, ...):
        if not isinstance(value, list) or not all(type(item) in (int, float) for item in value):
            raise wrong("a list of numbers")
        return tuple(float(item) for item in value)
    if parts in ((int, ...), (str, ...)):
        item_type, _ = parts
        if not isinstance(value, list) or not all(type(item) is item_type for item in value):
            raise wrong("a list of integers" if item_type is int else "a list of strings")
        return tuple(value)
    n = len(parts)
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    if not whole or len(value) != n:
        raise wrong(f"a list of {n} integers")
    return tuple(value)


def _size(value: Any, parts: tuple[Any, ...], wrong: Wrong) -> Any:
    """A size of a kernel: an integer; two of them or a name where these are among the parts."""
    words = [word for part in parts for word in typing.get_args(part) if isinstance(word, str)]
    may_be_two = any(typing.get_origin(part) is tuple for part in parts)
    if (type(value) is int and value >= 0) or value in words:
        return value
    if may_be_two and isinstance(value, list) and [type(item) for item in value] == [int, int]:
        return tuple(value)
    also = " or a list of two" if may_be_two else ""
    raise wrong(f"an integer >= 0{also}{f' or one of {words}' if words else ''}")
