"""Names of the engines."""

from __future__ import annotations

from typing import Literal, get_args

from strsbp_rs._arguments import one_of

__all__ = ["ENGINES", "Engine", "check_engine"]


Engine = Literal["clocked", "event", "continuous", "auto"]

ENGINES = get_args(Engine)
"""Names of the engines that simulate networks."""


def check_engine(engine: str) -> str:
    """Returns the name of an engine if it is one.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is another.
    """
    return one_of("engine", engine, ENGINES)
