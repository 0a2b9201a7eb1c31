"""Warnings of this package."""

from __future__ import annotations

import sys
import warnings

__all__ = [
    "CacheWarning",
    "QuantizationWarning",
    "RepeatedEventsWarning",
    "SaturatedLayerWarning",
    "SilentLayerWarning",
    "StrsbpWarning",
    "warn",
]


class StrsbpWarning(UserWarning):
    """Base of the warnings of this package.

    `warnings.simplefilter("error", StrsbpWarning)` makes errors of them all.
    """


class CacheWarning(StrsbpWarning):
    """Files of a cache are damaged, or cannot be read or written; the work is done without them."""


class QuantizationWarning(StrsbpWarning):
    """A network loses, in fixed point, more than a conversion should."""


class RepeatedEventsWarning(StrsbpWarning):
    """Events of one neuron in one time step have become one spike."""


class SilentLayerWarning(StrsbpWarning):
    """A layer hardly fires: nothing gets past it, and it does not learn."""


class SaturatedLayerWarning(StrsbpWarning):
    """The neurons of a layer fire as often as they can, whatever they receive."""


def warn(message: str, category: type[StrsbpWarning]) -> None:
    """Warns in the name of the line outside this package that called it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_own(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_own(module: str) -> bool:
    return module == "strsbp_rs" or module.startswith("strsbp_rs.")
