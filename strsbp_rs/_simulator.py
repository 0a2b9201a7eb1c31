"""Streaming simulation: events in, time on, events out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._arrays import as_floats
from strsbp_rs._events import event_columns
from strsbp_rs._graph import Graph, Population
from strsbp_rs._network import Network
from strsbp_rs._recording import Operations
from strsbp_rs._spikes import EVENT_DTYPE
from strsbp_rs._strsbp_rs import SimulatorCore
from strsbp_rs.fixed import Overflows
from strsbp_rs.fixed._network import FixedNetwork

__all__ = ["Simulator"]

CONTINUOUS_EVENT_DTYPE = np.dtype([("t", np.float64), ("x", np.int64)])


class Simulator:
    """A running simulation of a graph or network.

    Events are structured arrays with fields t and x, as the neuromorphic data libraries hold them:
    t in whole time steps or, in continuous time, floats in ms; x counts through all inputs (going
    in) or through all recorded neurons (coming out). The simulator's memory is bounded by the
    spikes under way, not by the length of the stream.

    Args:
        network: A Graph; a Network, whose weights are copied; or a FixedNetwork, whose spikes and
            overflows are those of its own runs, to the bit.
        engine: "clocked" computes every neuron at every step; "event", on the same time grid, only
            neurons that something reaches; "auto" either of them, whichever the activity so far
            makes faster; "continuous" puts spikes where the neurons' differential equations have
            them, in float64. There, neurons that excite each other without delay or refractory
            time may fire ever faster, exponentially so: such a run is not worth waiting for.
            Fixed-point neurons have the same bits in "clocked" and "event", and no "continuous".
        record: Populations whose spikes come out, numbered through in this order, or their numbers:
            `Population.index` for a Graph, the layer's for a Network or FixedNetwork. All of a
            graph, the output layer of a network, if None.

    A simulator may be used by one thread at a time.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the engine is unknown, a delay is not a whole number of steps on the grid,
            `record` names an input, or weights are so large that potentials might not be finite.
        MemoryError: If there is no room for so many neurons.
        RuntimeError: From any method, while another thread runs the simulation.
    """

    def __init__(
        self,
        network: Graph | Network | FixedNetwork,
        *,
        engine: str = "auto",
        record: Sequence[Population | int] | None = None,
    ) -> None:
        config.check_engine(engine)
        is_network = isinstance(network, (Network, FixedNetwork))
        if isinstance(network, (Network, FixedNetwork)):
            graph = network.to_graph()
        elif isinstance(network, Graph):
            graph = network
        else:
            raise TypeError(
                f"network must be a Graph, a Network or a FixedNetwork, got {network!r}"
            )
        neurons = [population for population in graph.populations if not population.is_input]
        self._numbered = neurons if is_network else graph.populations
        """What a number names: a layer, or a population of a graph."""
        default = neurons[-1:] if is_network else neurons
        chosen = default if record is None else record
        if not isinstance(chosen, Iterable):
            raise TypeError(f"record must be populations or their numbers, got {record!r}")
        self.recorded = [self._population("record", population) for population in chosen]
        """The recorded populations, in the order that events number their neurons."""
        indices = [population.index for population in self.recorded]
        self._graph, self._engine = graph._copy(), engine
        self._core = SimulatorCore(graph._core, engine, indices)
        self._dt = graph.dt
        self._dtype = graph.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        # As `state`: without spikes that were not read, and without counts.
        of = self._graph, self._engine, self.recorded, self._numbered
        return _restored, (*of, self.state())

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
    def ties_are_proven(self) -> bool | None:
        """Whether `operations.near_ties` holds all spikes on which rounding may have decided.

        None for the engines that count no near ties: clocked and continuous. With engine "auto" it
        is False once the clocked engine has run, until the next `reset`.
        """
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

    def advance(
        self, until: float | None = None, *, steps: int | None = None, ms: float | None = None
    ) -> NDArray[Any]:
        """Runs on, up to and without a time, said in one of three ways.

        A time in the past changes nothing.

        Args:
            until: An integer is as `steps`, with any engine; a float, in continuous time only, as
                `ms`: `advance(1000)` and `advance(1000.0)` differ unless dt is 1 ms.
            steps: Number of steps to have done since the start.
            ms: Time since the start [ms]; on the grid a whole number of steps.

        Returns:
            The spikes of the recorded populations since the last call, a structured array of t
            (steps, or ms in continuous time) and x, sorted by t, on the grid also by x within a
            population. A fixed-point neuron that fires several times in a step is there as often.

        Raises:
            TypeError: If not one number is given, or on the grid a float as `until`.
            ValueError: If it is negative or not finite, or not whole steps on the grid.
            MemoryError: If spikes under way, or those nobody has read, find no room. Where that
                comes in the middle of a step, calls raise RuntimeError until `reset` or
                `set_state`.
            KeyboardInterrupt: On Ctrl-C; the simulation may be continued.
        """
        given = {"until": until, "steps": steps, "ms": ms}
        names = [name for name, value in given.items() if value is not None]
        if len(names) != 1:
            said = " and ".join(names) or "none"
            raise TypeError(f"advance takes one of until, steps and ms, got {said}")
        self._core.advance(self._time(names[0], given[names[0]]))
        return self._read()

    def _time(self, name: str, value: Any) -> int | float:
        """Steps as an integer, ms as a float."""
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} must be a number, got {value!r}")
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be finite and >= 0, got {value}")
        if value >= 2**63:
            raise ValueError(f"{name} must be < 2^63, got {value}")
        if isinstance(value, (int, np.integer)) and name != "ms":
            return int(value)
        if name == "steps":
            raise TypeError(f"steps must be an integer, got {value!r}")
        if self.engine == "continuous":
            return float(value)
        if name == "until":
            raise TypeError(
                f"until must be an integer, time steps, got {value!r} (or say ms={value!r})"
            )
        in_steps = float(value) / self._dt
        whole = round(in_steps)
        if abs(in_steps - whole) > 1e-9 * max(whole, 1):
            raise ValueError(f"ms must be a whole number of steps of {self._dt:g} ms, got {value}")
        return whole

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
            population: The population, or its number, as in `record`.
            potentials: Relative to rest, shape (n,), each at most the threshold. On the grid they
                are those after step 0, at which nothing can arrive. Of fixed-point neurons they are
                whole numbers, in units of their format, at which a neuron does not fire.

        Raises:
            ValueError: If time is not 0, the shape disagrees, or a potential is not finite (on the
                grid in the graph's dtype), not of the format, or above the threshold.
        """
        found = self._population("population", population)
        values = as_floats("potentials", potentials, np.dtype(np.float64))
        if values.ndim != 1:
            raise ValueError(f"potentials has shape {values.shape}, expected (n={found.n},)")
        self._core.set_potentials(found.index, values)

    def potentials(self, population: Population | int) -> NDArray[Any]:
        """Returns the membrane potentials of a population at the present, relative to rest.

        On the grid they are those after step `now` - 1, 0 for a neuron that has just fired or is
        refractory; in the graph's dtype, in continuous time float64. All engines tell the same, to
        rounding. Of fixed-point neurons they are int32, in units of their format.

        Args:
            population: The population, or its number, as in `record`.

        Raises:
            ValueError: If it does not exist or is an input.
        """
        return self._present(population)[1]

    def currents(self, population: Population | int) -> NDArray[Any]:
        """Returns the synaptic currents of a population at the present, as `potentials`."""
        return self._present(population)[0]

    def _present(self, population: Population | int) -> tuple[NDArray[Any], NDArray[Any]]:
        found = self._population("population", population)
        currents, potentials = self._core.currents_and_potentials(found.index)
        dtype = np.dtype(np.float64) if self.engine == "continuous" else self._dtype
        # States of fixed-point neurons are wider than their weights.
        dtype = np.dtype(np.int32) if dtype.kind == "i" else dtype
        return currents.astype(dtype, copy=False), potentials.astype(dtype, copy=False)

    def state(self) -> bytes:
        """Returns everything that a later run depends on: neurons, spikes under way, the clock.

        Spikes that `advance` has not yet returned, and counts, are not part of it.
        """
        return self._core.state()

    def set_state(self, state: bytes) -> None:
        """Goes on from what `state` gave, of a simulator of the same graph and kind of time.

        The run that follows has the same bits as the one that was left; with "auto" up to
        rounding, as the engine may be another one. The graph may be made anew, and its weights may
        be others: dt, populations with their constants, synapses and delays are compared.

        Raises:
            TypeError: If `state` is not bytes.
            ValueError: If the state is damaged or of another graph, and what differs; nothing is
                changed then.
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

    def _population(self, name: str, population: Population | int) -> Population:
        known = self._numbered
        if isinstance(population, Population):
            if population not in known or population.is_input:
                raise ValueError(f"{name} must be of neurons of the network, got {population!r}")
            return population
        if isinstance(population, bool) or not isinstance(population, (int, np.integer)):
            raise TypeError(f"{name} must be a Population or its number, got {population!r}")
        if not 0 <= population < len(known):
            raise ValueError(f"{name} must be in [0, {len(known)}), got {population}")
        found = known[int(population)]
        if found.is_input:
            raise ValueError(
                f"{name} must be of neurons, got {population}, the input {found.name!r}"
            )
        return found


def _restored(
    graph: Graph,
    engine: str,
    recorded: list[Population],
    numbered: list[Population],
    state: bytes,
) -> Simulator:
    """Makes a simulator anew of what `Simulator.__reduce__` took apart."""
    simulator = Simulator(graph, engine=engine, record=recorded)
    simulator._numbered = numbered
    simulator.set_state(state)
    return simulator
