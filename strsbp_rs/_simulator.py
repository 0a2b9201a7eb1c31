"""Streaming simulation: events in, time on, events out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._graph import Graph, Population
from strsbp_rs._network import Network, Operations
from strsbp_rs._spikes import EVENT_DTYPE, event_columns
from strsbp_rs._strsbp_rs import SimulatorCore
from strsbp_rs.fixed import Overflows

__all__ = ["Simulator"]

CONTINUOUS_EVENT_DTYPE = np.dtype([("t", np.float64), ("x", np.int64)])


class Simulator:
    """A running simulation of a graph or network.

    Events are structured arrays with fields t and x, as the neuromorphic data libraries hold them:
    t in whole time steps or, in continuous time, floats in ms; x counts through all inputs (going
    in) or through all recorded neurons (coming out). The simulator's memory is bounded by the
    spikes under way, not by the length of the stream.

    Args:
        network: A Graph, or a Network, whose weights are copied.
        engine: "clocked" computes every neuron at every step; "event", on the same time grid, only
            neurons that something reaches; "auto" either of them, whichever the activity so far
            makes faster; "continuous" puts spikes where the neurons' differential equations have
            them, in float64. There, neurons that excite each other without delay or refractory
            time may fire without end in finite time: that is what the equations say.
            Fixed-point neurons have the same bits in "clocked" and "event", and no "continuous".
        record: Populations whose spikes come out, numbered through in this order; for a Network
            also numbers of layers. All of a graph, the output layer of a network, if None.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the engine is unknown, a delay is not a whole number of steps on the grid, or
            `record` names an input.
    """

    def __init__(
        self,
        network: Graph | Network,
        *,
        engine: str = "auto",
        record: Sequence[Population | int] | None = None,
    ) -> None:
        config.check_engine(engine)
        if isinstance(network, Network):
            graph = Graph.from_network(network)
        elif isinstance(network, Graph):
            graph = network
        else:
            raise TypeError(f"network must be a Graph or a Network, got {network!r}")
        self._neurons = [population for population in graph.populations if not population.is_input]
        default = self._neurons[-1:] if isinstance(network, Network) else self._neurons
        chosen = default if record is None else record
        self.recorded = [_population(population, self._neurons) for population in chosen]
        """The recorded populations, in the order that events number their neurons."""
        indices = [population.index for population in self.recorded]
        self._core = SimulatorCore(graph._core, engine, indices)
        self._dt = graph.dt

    @property
    def engine(self) -> str:
        """The engine that runs at present: "clocked", "event" or "continuous"."""
        return self._core.engine

    @property
    def now(self) -> int | float:
        """Time reached: the number of steps done or, in continuous time, ms."""
        return self._core.now()

    @property
    def time(self) -> float:
        """Time reached [ms]."""
        now = self._core.now()
        return now if isinstance(now, float) else now * self._dt

    @property
    def operations(self) -> Operations:
        """What was done since the start or the last reset."""
        return Operations(**self._core.counts())

    @property
    def ties_are_proven(self) -> bool:
        """Whether `operations.near_ties` holds all spikes on which rounding may have decided."""
        return self._core.ties_are_proven

    @property
    def overflows(self) -> list[Overflows] | None:
        """What did not fit its number format since the start or the last reset.

        Of every recorded population, in their order; None for floating-point neurons.
        """
        found = self._core.overflows()
        if found is None:
            return None
        return [Overflows(*found[population.index]) for population in self.recorded]

    def integer_states(
        self, population: Population | int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Returns currents and membranes of fixed-point neurons, int32 of shape (n,).

        They are those after the last step done, the membrane after its reset.

        Raises:
            TypeError: If the graph is of floating-point neurons.
        """
        return self._core.integer_states(_population(population, self._neurons).index)

    # Running it ------------------------------------------------------------------------------

    def push(self, events: NDArray[Any]) -> None:
        """Appends input events; all of them or, if one is refused, none.

        An event at step t reaches its targets at step t + 1, plus their delays; an input that
        fires twice in a step counts twice. Those pushed and not yet reached wait in a queue.

        Args:
            events: Structured array with fields t (integers, time steps; or floats, ms, in
                continuous time only) and x (integers, the input), sorted by t, none earlier than
                `now` or than the events pushed before.

        Raises:
            TypeError: If a field is missing or has the wrong type.
            ValueError: If an event is unsorted, in the past, or of an input that does not exist;
                the message names the first. In a graph of integers also if an input fires more
                often in a step than sums of 32 bits, or the hardware, have room for.
        """
        self._core.push("events", *event_columns("events", events, allow_float=True))

    def advance(self, until: float) -> NDArray[Any]:
        """Runs on, up to and without time `until`; a time in the past changes nothing.

        Args:
            until: Number of steps to have done; in continuous time an integer still counts steps,
                a float is a time in ms.

        Returns:
            The spikes of the recorded populations since the last call, a structured array of t
            (steps, or ms in continuous time) and x, sorted by t, on the grid also by x within a
            population. A fixed-point neuron that fires several times in a step is there as often.

        Raises:
            TypeError: If `until` is not a number.
            ValueError: If `until` is negative or not finite, or not whole steps on the grid.
            KeyboardInterrupt: On Ctrl-C; the simulation may be continued.
        """
        self._core.advance(_time(until))
        return self._read()

    def _read(self) -> NDArray[Any]:
        t, x = self._core.take_events()
        events = np.empty(len(t), CONTINUOUS_EVENT_DTYPE if t.dtype.kind == "f" else EVENT_DTYPE)
        events["t"], events["x"] = t, x
        return events

    def stream(self, chunks: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Pushes event arrays one after the other and yields the spikes that are certain by then.

        Time advances to the last event of every chunk: later chunks may still hold events at that
        moment. What follows the last chunk is left to `advance`.

        Raises:
            TypeError, ValueError: As `push`.
        """
        for chunk in chunks:
            self.push(chunk)
            if len(chunk):
                last = chunk["t"][-1]
                yield self.advance(float(last) if chunk["t"].dtype.kind == "f" else int(last))

    # State -----------------------------------------------------------------------------------

    def set_potentials(self, population: Population | int, potentials: ArrayLike) -> None:
        """Sets the membrane potentials that the neurons of a population start from.

        Args:
            population: The population; for a Network also the number of a layer.
            potentials: Relative to rest, shape (n,), each at most the threshold.

        Raises:
            ValueError: If time is not 0, the shape disagrees, or a potential is not finite or
                above the threshold.
        """
        found = _population(population, self._neurons)
        values = np.ascontiguousarray(potentials, dtype=np.float64)
        if values.ndim != 1:
            raise ValueError(f"potentials has shape {values.shape}, expected (n={found.n},)")
        self._core.set_potentials(found.index, values)

    def state(self) -> bytes:
        """Returns everything that a later run depends on: neurons, spikes under way, the clock.

        Spikes that `advance` has not yet returned, and counts, are not part of it.
        """
        return self._core.state()

    def set_state(self, state: bytes) -> None:
        """Goes on from what `state` gave, of a simulator of the same graph and kind of time.

        With the same engine the run that follows has the same bits as the one that was left.

        Raises:
            TypeError: If `state` is not bytes.
            ValueError: If the state is damaged or does not fit the graph; nothing is changed then.
        """
        if not isinstance(state, bytes):
            raise TypeError(f"state must be bytes, got {type(state).__name__}")
        self._core.set_state(state)

    def reset(self) -> None:
        """Goes back to rest at time 0: nothing under way, nothing counted."""
        self._core.reset()

    def __repr__(self) -> str:
        names = ", ".join(population.name for population in self.recorded)
        return f"<Simulator: engine {self.engine}, {self.time:g} ms, records {names}>"


def _population(population: Population | int, layers: list[Population]) -> Population:
    if isinstance(population, Population):
        if population not in layers:
            raise ValueError(
                f"record must hold populations of neurons of the network, got {population!r}"
            )
        return population
    if isinstance(population, bool) or not isinstance(population, (int, np.integer)):
        raise TypeError(f"record must hold populations or layer numbers, got {population!r}")
    if not 0 <= population < len(layers):
        raise ValueError(f"record must hold layers in [0, {len(layers)}), got {population}")
    return layers[int(population)]


def _time(until: float) -> int | float:
    if isinstance(until, bool) or not isinstance(until, (int, float, np.integer, np.floating)):
        raise TypeError(f"until must be a number, got {until!r}")
    if not 0 <= until < float("inf"):
        raise ValueError(f"until must be finite and >= 0, got {until}")
    if until >= 2**63:
        raise ValueError(f"until must be < 2^63, got {until}")
    return int(until) if isinstance(until, (int, np.integer)) else float(until)
