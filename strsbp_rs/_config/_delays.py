"""Delays of synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config

__all__ = ["Delay", "UniformDelay"]


@dataclass(frozen=True)
class UniformDelay(Config):
    """A delay for every synapse: each whole number of steps in [low, high] is equally likely [ms].

    Drawn from the network's or graph's seed; what is drawn does not change any weight. Whole steps
    in continuous time too. A projection of a graph has at most 256 different delays drawn this way
    (25.5 ms from low to high at dt 0.1 ms): for more, connect explicit pairs of neurons with an
    array of delays, or several projections.
    """

    low: float = 0.0
    high: float = 10.0
    kind: ClassVar[str] = "uniform_delay"
    group: ClassVar[str | None] = "delay"


Delay = float | UniformDelay
"""Of the synapses of a group, beyond the one time step that every spike takes; a number in ms is
that of all of them and a whole number of time steps."""
