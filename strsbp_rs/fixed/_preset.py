"""Formats of hardware, which the core makes of the constants of its neurons."""

from __future__ import annotations

from typing import Any

from strsbp_rs import _strsbp_rs as _core
from strsbp_rs._arguments import integer
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._values import per_neuron, plain

__all__ = ["preset"]


_SIGNED = ("v_th", "bias", "bias_mantissa")
"""Of a preset's values that there may be one of for each neuron."""

_UNSIGNED = ("du", "dv", "dash_syn", "dash_mem")

_CHECKED = ("device", "is_output", "reset", "current_decay", "membrane_decay")
"""Those that are no numbers, and were checked by the preset."""


def preset(kind: str, **values: Any) -> Format:
    """Returns a format of hardware; values are numbers but for those above."""
    constants: dict[str, Any] = {"kind": kind}
    for name, value in values.items():
        if name in _SIGNED:
            constants[name] = plain(per_neuron(name, value, -(2**31), 2**31))
        elif name in _UNSIGNED:
            constants[name] = plain(per_neuron(name, value, 0, 2**32))
        elif name in _CHECKED:
            constants[name] = value
        else:
            constants[name] = integer(name, value, below=2**32)
    return Format.from_dict(_core.fixed_preset(constants))
