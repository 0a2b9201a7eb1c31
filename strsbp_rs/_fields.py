"""Dataclasses that check and convert their fields, by the types these are declared with."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Set
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from typing import Annotated, Any

from strsbp_rs._arguments import count, flag, integer, integers, number, one_of, suggestion

__all__ = ["LATER", "U32", "Checked", "Count", "named", "refuse_subclass"]

U32 = Annotated[int, partial(integer, below=2**32)]
"""A number that the core keeps in 32 bits."""
LATER: Mapping[str, bool] = types.MappingProxyType({"later": True})
"""Metadata of fields that were not always there: recipes leave them out where they say nothing."""

Count = Annotated[int, count]
"""Number of neurons, of which there is at least one."""


@dataclass(frozen=True)
class Checked:
    """A dataclass whose fields have the types they are declared with.

    Numbers of any type, NumPy's included, become Python's; a name becomes the configuration it
    names, with its defaults. An annotation may bring a check of its own: a function of a field's
    name and value that returns what is kept.

    Raises:
        TypeError: If a field has another type; the message names it.
        ValueError: If a number is too large or a name unknown.
    """

    def __post_init__(self) -> None:
        cls: Any = type(self)
        for name, check in _checks(cls).items():
            value = check(f"{cls.__name__}.{name}", getattr(self, name))
            object.__setattr__(self, name, value)


@cache
def _checks(cls: type[Checked]) -> dict[str, Callable[[str, Any], Any]]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: _check(hints[field.name]) for field in fields(cls)}


def _check(hint: Any) -> Callable[[str, Any], Any]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        check: Callable[[str, Any], Any] = parts[1]
        return check
    if origin is typing.Literal:
        return partial(one_of, known=parts)
    if origin is tuple:
        return partial(_tuple, of=parts)
    if origin in (types.UnionType, typing.Union):
        return partial(_choice, parts=parts)
    simple: dict[Any, Callable[[str, Any], Any]] = {
        bool: flag,
        int: integer,
        float: number,
        str: _string,
    }
    return simple[hint] if hint in simple else partial(named, kinds=(hint,))


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    return str(value)


def _tuple(name: str, value: Any, of: tuple[Any, ...]) -> tuple[Any, ...]:
    """So many integers, or any number of one type."""
    if of[-1] is Ellipsis:
        if isinstance(value, (str, bytes, Mapping, Set)) or not hasattr(value, "__iter__"):
            many = {float: "numbers", int: "integers", str: "strings"}[of[0]]
            raise TypeError(f"{name} must be a list of {many}, got {value!r}")
        check = _check(of[0])
        return tuple(check(f"{name}[{index}]", item) for index, item in enumerate(value))
    found = integers(name, value, low=0, below=2**64)
    if len(found) != len(of):
        raise ValueError(f"{name} must be {len(of)} integers, got {value!r}")
    return found


def _choice(name: str, value: Any, parts: tuple[Any, ...]) -> Any:
    """One of several configurations; or a number, or None, where that is among the parts."""
    kinds = tuple(part for part in parts if part not in (float, types.NoneType))
    if value is None and types.NoneType in parts:
        return None
    is_name = isinstance(value, str) and value in [getattr(kind, "kind", None) for kind in kinds]
    if float not in parts or isinstance(value, kinds) or is_name:
        return named(name, value, kinds)
    try:
        return number(name, value)
    except TypeError:
        others = [kind.__name__ for kind in kinds] + ["None"] * (types.NoneType in parts)
        raise TypeError(f"{name} must be a number or {', '.join(others)}, got {value!r}") from None


def named(name: str, value: Any, kinds: tuple[Any, ...], cure: str = "") -> Any:
    """Returns a configuration of one of `kinds`: as it is, or with defaults that of a name.

    Args:
        name: Name of the argument.
        value: What came.
        kinds: Classes of configurations.
        cure: What to do in place of a subclass, for the message.

    Raises:
        TypeError: If it is neither, is of a subclass, whose methods the core would not call, or the
            name is one of a configuration without defaults.
        ValueError: If the name is unknown; the message suggests the nearest.
    """
    if isinstance(value, kinds):
        refuse_subclass(name, value, kinds, cure)
        return value
    classes = ", ".join(cls.__name__ for cls in kinds)
    names = {cls.kind: cls for cls in kinds if getattr(cls, "kind", None) is not None}
    if not isinstance(value, str) or not names:
        known = f" or one of {list(names)}" if names else ""
        raise TypeError(f"{name} must be {classes}{known}, got {value!r}")
    if value not in names:
        raise ValueError(
            f"{name} must be {classes} or one of {list(names)}, got {value!r}"
            f"{suggestion(value, list(names))}"
        )
    cls = names[value]
    needed = [field.name for field in fields(cls) if field.default is MISSING]
    if needed:
        told = ", ".join(f"{field}=..." for field in needed)
        raise TypeError(f"{name} must be {cls.__name__}({told}): {value!r} alone does not say it")
    return cls()


def refuse_subclass(name: str, value: Any, kinds: tuple[Any, ...], cure: str = "") -> None:
    """Refuses an object of a subclass of `kinds`: the core would not call its methods.

    Args:
        name: Name of the argument.
        value: What came.
        kinds: Classes of configurations.
        cure: What to do instead, for the message.

    Raises:
        TypeError: If its class is none of `kinds` itself.
    """
    if type(value) not in kinds:
        classes = ", ".join(cls.__name__ for cls in kinds)
        raise TypeError(
            f"{name} must be {classes} itself, got {type(value).__name__}, a subclass: what it "
            f"overrides would be ignored{cure}"
        )
