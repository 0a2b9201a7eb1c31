"""The cases: functions that yield names and what their results are told by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from golden.digest import of_floats

__all__ = ["CASES", "KINDS", "Case", "Entries", "case", "compute", "kept", "probes"]

Kind = Literal["bits", "libm", "numpy"]
"""What the bits of a result depend on: nothing that differs between machines; exp, log and the like
of the platform's libm; or also NumPy's powers and sums of floats."""

KINDS: tuple[Kind, ...] = ("bits", "libm", "numpy")

Entries = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A function that takes the number of threads, and yields names and values of entries.

    Attributes:
        kind: What the bits depend on.
        threads: Whether anything is computed by several threads at all.
        function: It.
    """

    kind: Kind
    threads: bool
    function: Callable[[int], Entries]


CASES: dict[str, Case] = {}
"""By name."""


def case(
    name: str, kind: Kind = "bits", *, threads: bool = False
) -> Callable[[Callable[[int], Entries]], Callable[[int], Entries]]:
    def add(function: Callable[[int], Entries]) -> Callable[[int], Entries]:
        # Entries are found by the name that they begin with.
        for other in CASES:
            assert not f"{name}/".startswith(f"{other}/") and not other.startswith(f"{name}/"), name
        CASES[name] = Case(kind, threads, function)
        return function

    return add


def compute(name: str, n_threads: int) -> dict[str, str]:
    """The entries of a case, by their full names."""
    found: dict[str, str] = {}
    for entry, value in CASES[name].function(n_threads):
        full = f"{name}/{entry}"
        assert full not in found, full
        found[full] = value
    return found


def probes() -> dict[Kind, str]:
    """Tells one libm from another, and its paths for different processors, by what it returns."""
    points = [k / 7 + k * k / 1024 for k in range(1, 200)]
    functions = (math.expm1, math.log, math.log1p, math.log2, math.cos, math.sin)
    libm = [[function(x) for x in points] for function in functions]
    libm += [[math.exp(-x) for x in points], [math.exp(x) for x in points]]
    powers = 0.875 ** np.arange(1.0, 60.0)
    return {"libm": of_floats(libm), "numpy": of_floats([libm, powers, (powers**2).sum()])}


def kept(name: str, hashes: dict[str, dict[str, str]]) -> dict[str, str]:
    """The entries of a case, of those that are kept."""
    held = hashes[CASES[name].kind]
    return {entry: value for entry, value in held.items() if entry.startswith(f"{name}/")}
