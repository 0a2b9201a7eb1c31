"""Which recurrent synapses exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config

__all__ = ["AllToAll", "Mask", "Reservoir", "Sparse"]


@dataclass(frozen=True)
class AllToAll(Config):
    """Every neuron receives from every other one (and itself with `self_loops`)."""

    self_loops: bool = False
    kind: ClassVar[str] = "all_to_all"


@dataclass(frozen=True)
class Sparse(Config):
    """Every recurrent synapse exists with probability `density`, in (0, 1]."""

    density: float = 0.1
    self_loops: bool = False
    kind: ClassVar[str] = "sparse"
    group: ClassVar[str | None] = "mask"


@dataclass(frozen=True)
class Reservoir(Config):
    """The paper's 3-D reservoir: neurons on a grid, 80 % excitatory, near ones connected.

    A synapse exists with probability 1.5 C exp(-distance^2 / 4); from excitatory to excitatory
    neurons C = 0.3, excitatory to inhibitory 0.2, inhibitory to excitatory 0.4, among inhibitory
    ones 0.1.

    Args:
        shape: Neurons along the three axes; their product is the layer's size.
        self_loops: Whether every neuron also receives from itself.
    """

    shape: tuple[int, int, int]
    self_loops: bool = False
    kind: ClassVar[str] = "reservoir"


Mask = AllToAll | Sparse | Reservoir
