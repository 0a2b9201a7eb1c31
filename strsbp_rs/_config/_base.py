"""What all configurations share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

from strsbp_rs._fields import Checked

__all__ = ["Config", "_plain", "describe"]


@dataclass(frozen=True)
class Config(Checked):
    """A configuration the core reads as a dict."""

    kind: ClassVar[str | None] = None
    kind_in_files: ClassVar[bool] = True
    """Whether files name the kind: they did not where there was only one."""
    written_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields by the names that files know them by, where these differ."""

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
