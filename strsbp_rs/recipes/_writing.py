"""Sections of recipes as TOML."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

__all__ = ["toml_table"]


def toml_table(section: Any) -> str:
    """Returns the fields of a section as lines of TOML."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in _items(section))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # TOML's escapes are JSON's, but for DEL, which only JSON allows bare.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if dataclasses.is_dataclass(value):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in _items(value)) + " }"
    return repr(value)


def _items(section: Any) -> list[tuple[str, Any]]:
    kind = getattr(section, "kind", None)
    named = kind is not None and getattr(section, "kind_in_files", True)
    items = [("kind", kind)] if named else []
    values = [
        (f.name, value)
        for f in dataclasses.fields(section)
        if (value := getattr(section, f.name)) != f.default or not f.metadata.get("later")
    ]
    # TOML has no word for None: what is left out has its default.
    return items + [(name, value) for name, value in values if value is not None]
