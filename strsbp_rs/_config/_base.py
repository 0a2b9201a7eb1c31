"""What all configurations share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

from strsbp_rs._fields import Checked
from strsbp_rs._strsbp_rs import check_configuration

__all__ = ["Config", "_plain", "describe"]


@dataclass(frozen=True)
class Config(Checked):
    """A configuration the core reads as a dict.

    Raises:
        TypeError: If a field has another type; the message names it.
        ValueError: If a field is outside its domain. What depends on a network or a time step is
            told when it is used.
    """

    kind: ClassVar[str | None] = None
    group: ClassVar[str | None] = None
    """What the core knows its domain as; None if it has none."""
    kind_in_files: ClassVar[bool] = True
    """Whether files name the kind: they did not where there was only one."""
    written_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields by the names that files know them by, where these differ."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group is not None:
            check_configuration(type(self).__name__, {self.group: self._domain()})

    def _domain(self) -> dict[str, Any]:
        """Returns the values that are checked when it is made."""
        return self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values, with its kind."""
        values = {name: _plain(getattr(self, name)) for name in (f.name for f in fields(self))}
        return values if self.kind is None else {"kind": self.kind, **values}

    def to_file(self) -> dict[str, Any]:
        """Returns what files hold of the configuration."""
        values = self.to_dict()
        if not self.kind_in_files:
            values.pop("kind", None)
        return values


def _plain(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    return list(value) if isinstance(value, tuple) else value


def describe(config: Config) -> str:
    """Returns the configuration in one line, for people."""
    return f"{config.kind or type(config).__name__} {asdict(config)}"
