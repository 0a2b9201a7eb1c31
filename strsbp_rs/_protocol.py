"""What all networks of layers have in common, as a type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from strsbp_rs import _config as config
from strsbp_rs._evaluation import Evaluation
from strsbp_rs._files import PathLike
from strsbp_rs._inputs import Input
from strsbp_rs._recording import Recording
from strsbp_rs.training._own_loss import OwnLoss

if TYPE_CHECKING:
    from strsbp_rs._graph import Graph

__all__ = ["SpikingNetwork"]


@runtime_checkable
class SpikingNetwork(Protocol):
    """A network of layers that runs on samples: `Network` and `FixedNetwork` are such.

    For annotations: a function that takes a SpikingNetwork takes either, calls its methods with the
    same arguments, and gets results of the same types. What methods do is said there. Engines that
    compute floating point alone, "event" and "continuous", are refused in fixed point; "clocked"
    and "auto" are not. Files are read by the class: `Network.load`, `FixedNetwork.load`.
    `isinstance(network, SpikingNetwork)` tells whether something has all of this by name.
    """

    @property
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of a sample's inputs."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the layers."""

    @property
    def n_out(self) -> int:
        """Number of output neurons."""

    @property
    def dt(self) -> float:
        """Time step [ms]."""

    @property
    def encoder(self) -> config.Encoder | None:
        """Makes spikes of analog samples where a call is given no other."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the outputs, the first ones if there are fewer."""

    def run(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        record_spikes: bool = True,
        record_traces: Mapping[int, Sequence[int]] | None = None,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> Recording:
        """Runs the network and records spikes, counts, traces, the engine and what it has done."""

    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> NDArray[np.uint32]:
        """Runs the network and counts the spikes of the output neurons, (n_samples, n_out)."""

    def predict(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> NDArray[np.int64]:
        """Runs the network and returns the output neurons that fired most, (n_samples,)."""

    def evaluate(
        self,
        x: Input,
        y: Any,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        loss: config.Loss | OwnLoss | str | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> Evaluation:
        """Runs the network on a test set."""

    def to_graph(self) -> Graph:
        """Returns the network as a graph, which a `Simulator` runs."""

    def summary(self) -> str:
        """Returns the network as a table, for people."""

    def save(self, path: PathLike) -> None:
        """Writes the network to a file."""
