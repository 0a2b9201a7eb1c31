"""Connection rules of graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config
from strsbp_rs._config._kernels import Convolution
from strsbp_rs._config._masks import AllToAll

__all__ = ["ConnectionRule", "FixedInDegree", "FixedOutDegree", "FixedProbability", "OneToOne"]


@dataclass(frozen=True)
class OneToOne(Config):
    """Neuron i to neuron i of a population of the same size."""

    kind: ClassVar[str] = "one_to_one"


@dataclass(frozen=True)
class FixedProbability(Config):
    """Every pair of neurons is connected with the same probability, in (0, 1], independently.

    Args:
        probability: That probability.
        self_loops: Whether neurons of one population may receive from themselves.
    """

    probability: float
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_probability"
    group: ClassVar[str | None] = "connection"


@dataclass(frozen=True)
class FixedOutDegree(Config):
    """Every presynaptic neuron has synapses onto `n` different postsynaptic ones.

    Args:
        n: Number of synapses of a presynaptic neuron.
        self_loops: Whether neurons of one population may receive from themselves.
    """

    n: int
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_out_degree"


@dataclass(frozen=True)
class FixedInDegree(Config):
    """Every postsynaptic neuron has synapses from `n` different presynaptic ones.

    Args:
        n: Number of synapses of a postsynaptic neuron.
        self_loops: Whether neurons of one population may receive from themselves.
    """

    n: int
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_in_degree"


ConnectionRule = (
    AllToAll | OneToOne | FixedProbability | FixedOutDegree | FixedInDegree | Convolution
)
