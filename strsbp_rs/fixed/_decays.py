"""What a step leaves of a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, integers, number
from strsbp_rs._fields import U32, Checked
from strsbp_rs.fixed._values import UnsignedPerNeuron, plain

__all__ = [
    "Decay",
    "Multiply",
    "Shift",
    "Table",
    "as_decay",
    "decay_dict",
    "decay_from",
    "factor_of",
]


@dataclass(frozen=True)
class Multiply(Checked):
    """A decay: x becomes x factor / 2^bits, rounded.

    Attributes:
        factor: In [0, 2^bits], and below 2^32; of a membrane not 0. One, or one for each neuron.
        bits: In [0, 32].
    """

    factor: UnsignedPerNeuron
    bits: U32


@dataclass(frozen=True)
class Shift(Checked):
    """A decay: x becomes x - x / 2^shift, the quotient rounded.

    Attributes:
        shift: In [0, 31]; of a membrane not 0. One, or one for each neuron.
        least_one: Whether what is not 0 loses at least 1, so that all ends in 0.
    """

    shift: UnsignedPerNeuron
    least_one: bool = False


@dataclass(frozen=True)
class Table(Checked):
    """A decay by a table of powers, as hardware looks them up that works by events.

    A state that was last changed k steps ago, to x, is x factors[k - 1] / 2^bits, rounded once and
    not at every step. What changes a state, and so begins a new count, is the same in every engine:

    - the current: that something arrives whose sum is not 0;
    - the membrane: that what is added to it, bias and current, is not 0, or that the neuron fires;
      while it is refractory it does not age;
    - both: that the last entry has been used. So any gap is defined, and where that entry is 0
      every state ends in 0.

    A membrane is changed at every step at which its neuron has a current: tables of powers suit
    currents, and membranes of neurons whose currents are gone at once (`Multiply(0, 0)`).

    Attributes:
        factors: 1 to 4096 integers in [0, 2^bits] and below 2^32, none larger than the one before;
            the first of a membrane not 0. The same for all neurons of a population.
        bits: In [0, 32].
    """

    factors: Annotated[
        Sequence[int] | NDArray[np.integer[Any]], partial(integers, low=0, below=2**32)
    ]
    bits: U32

    @classmethod
    def exponential(
        cls, tau: float, dt: float = 1.0, *, length: int | None = None, bits: int = 12
    ) -> Table:
        """The powers of an exponential decay: round(2^bits exp(-k dt / tau)) for k = 1, 2, ...

        Args:
            tau: Time constant [ms].
            dt: Time step [ms].
            length: Number of entries, in [1, 4096]. If None, up to the first that is 0, so that
                every state ends in 0, or 4096.
            bits: Fractional bits of the factors, in [1, 31].

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If one is outside its domain, or bits are so few that the first factor is 0.
        """
        bits = integer("bits", bits)
        if not 1 <= bits <= 31:
            raise ValueError(f"bits must be in [1, 31], got {bits}")
        tau, dt = number("tau", tau), number("dt", dt)
        factors = [factor_of("tau", tau, dt, "bits", bits)]
        most = _MOST_FACTORS if length is None else integer("length", length)
        if not 1 <= most <= _MOST_FACTORS:
            raise ValueError(f"length must be in [1, {_MOST_FACTORS}], got {length}")
        while len(factors) < most and (length is not None or factors[-1] > 0):
            factors.append(round(2.0**bits * exp(-(len(factors) + 1) * dt / tau)))
        return cls(factors, bits)


_MOST_FACTORS = 4096
"""Entries of a table."""

Decay = Multiply | Shift | Table
"""What a step leaves of a state."""

_DECAYS: dict[str, type[Decay]] = {"multiply": Multiply, "shift": Shift, "table": Table}


def factor_of(name: str, tau: float, dt: float, bits_name: str, bits: int) -> int:
    """Returns 2^bits exp(-dt / tau), to the nearest integer, which must not be 0."""
    if not (0 < tau < inf and 0 < dt < inf):
        raise ValueError(f"{name} and dt must be finite and > 0 ms, got {tau} and {dt}")
    factor = round(2.0**bits * exp(-dt / tau))
    if factor == 0:
        raise ValueError(
            f"{bits_name} must be enough for exp(-dt / {name}) = {exp(-dt / tau):.3g}, "
            f"got {bits}, with which it is 0"
        )
    return factor


def as_decay(name: str, decay: Any) -> Decay:
    """Returns a decay, and refuses another thing with a `TypeError`."""
    if not isinstance(decay, Decay):
        raise TypeError(f"{name} must be Multiply, Shift or Table, got {decay!r}")
    return decay


def decay_dict(decay: Decay) -> dict[str, Any]:
    """Returns a decay as plain values."""
    kind = next(kind for kind, cls in _DECAYS.items() if isinstance(decay, cls))
    return {"kind": kind, **{key: plain(value) for key, value in vars(decay).items()}}


def decay_from(name: str, values: Mapping[str, Any]) -> Decay:
    """Returns the decay that `decay_dict` gave.

    Raises:
        TypeError: If its kind, or a field, is missing or unknown.
    """
    decay = dict(values)
    kind = decay.pop("kind", None)
    if kind not in _DECAYS:
        raise TypeError(f"{name}['kind'] must be one of {', '.join(_DECAYS)}, got {kind!r}")
    return _DECAYS[kind](**decay)
