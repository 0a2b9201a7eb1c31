"""Networks of any topology, for simulation: populations and sparse projections with delays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._arguments import count, integer, number
from strsbp_rs._arrays import dtype_name
from strsbp_rs._fields import named
from strsbp_rs._strsbp_rs import GraphCore
from strsbp_rs._synapses import delay_rule, kernel_arrays, pair_arrays, weight_rule
from strsbp_rs.fixed import Format
from strsbp_rs.fixed._targets import refuse_target

__all__ = ["Graph", "Population", "Projection"]


@dataclass(frozen=True)
class Population:
    """Neurons of one kind in a `Graph`, or its inputs.

    Attributes:
        index: Number of the population in its graph.
        name: Its name.
        n: Number of neurons.
        is_input: Whether its spikes come from outside.
    """

    index: int
    name: str
    n: int
    is_input: bool
    _graph: object = field(repr=False)
    """Stands for the graph: populations of two graphs are not equal."""


@dataclass(frozen=True)
class Projection:
    """Synapses from one population of a `Graph` onto another.

    Attributes:
        index: Number of the projection in its graph.
        pre: The presynaptic population.
        post: The postsynaptic population.
        n_synapses: Number of synapses.
    """

    index: int
    pre: Population
    post: Population
    n_synapses: int


class Graph:
    """Populations of LIF neurons and inputs, and projections between any of them, loops included.

    Those of networks may have max pools, which have the one projection that they came with.

    A graph is simulated by a `Simulator`. Synapses are kept in compressed rows: 8 bytes each in
    float32, 12 in float64; 1 more where delays differ from synapse to synapse, 4 more where there
    are more than 256 different ones in a projection. All to all with one delay takes 4 or 8.
    A `Convolution` takes the memory of its kernels.

    Args:
        dt: Time step [ms].
        dtype: "float32" or "float64": type of weights and potentials; or "int8", "int16" or
            "int32": type of the weights of fixed-point neurons (`fixed.Format`).
        seed: Seed of what projections are drawn from.

    Raises:
        ValueError: If an argument is outside its domain.
    """

    def __init__(self, *, dt: float = 1.0, dtype: DTypeLike = "float32", seed: int = 0) -> None:
        self._adopt(GraphCore(number("dt", dt), integer("seed", seed), dtype_name(dtype)))

    @classmethod
    def _wrap(cls, core: GraphCore) -> Graph:
        graph = cls.__new__(cls)
        graph._adopt(core)
        return graph

    def _copy(self) -> Graph:
        """The graph as it is now: what is added to one later is not in the other."""
        graph = Graph.__new__(Graph)
        graph._core, graph._identity = self._core.copy(), self._identity
        graph._populations, graph._projections = self.populations, self.projections
        return graph

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core.copy()
        seed, constants = core.constants()
        arrays = [
            (*core.parts(index), core.sliding(index)) for index in range(len(self._projections))
        ]
        known = self._identity, self._populations, self._projections
        return _restored, (core.dt, core.dtype, seed, constants, arrays, *known)

    def _adopt(self, core: GraphCore) -> None:
        self._core, self._identity = core, object()
        self._populations = [
            Population(index, name, n, is_input, self._identity)
            for index, (name, n, is_input) in enumerate(core.populations())
        ]
        self._projections = [
            Projection(index, self._populations[pre], self._populations[post], n)
            for index, (pre, post, n) in enumerate(core.projections())
        ]

    # What it is ------------------------------------------------------------------------------

    @property
    def dt(self) -> float:
        """Time step [ms]."""
        return self._core.dt

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of weights and potentials."""
        return np.dtype(self._core.dtype)

    @property
    def populations(self) -> list[Population]:
        """The populations, in the order they were added."""
        return list(self._populations)

    @property
    def projections(self) -> list[Projection]:
        """The projections, in the order they were added."""
        return list(self._projections)

    @property
    def n_inputs(self) -> int:
        """Number of inputs of all populations; events count them through, in order."""
        return sum(population.n for population in self._populations if population.is_input)

    @property
    def n_neurons(self) -> int:
        """Number of neurons of all populations, inputs not counted."""
        return sum(population.n for population in self._populations if not population.is_input)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return sum(projection.n_synapses for projection in self._projections)

    def synapses(self, projection: Projection) -> NDArray[Any]:
        """Returns the synapses of a projection: an array of fields pre, post, weight, delay [ms].

        Raises:
            TypeError: If it is not a projection.
            ValueError: If it is not one of this graph.
        """
        if not isinstance(projection, Projection):
            raise TypeError(f"projection must be a Projection, got {projection!r}")
        if not _holds(self._projections, projection):
            raise ValueError(f"projection must be one of this graph, got {projection!r}")
        columns = self._core.synapses(projection.index)
        fields = [("pre", "u4"), ("post", "u4"), ("weight", self.dtype), ("delay", "f8")]
        array = np.empty(len(columns["pre"]), dtype=fields)
        for name, _ in fields:
            array[name] = columns[name]
        return array

    def __repr__(self) -> str:
        lines = [
            f"Graph of {self.n_inputs:,} inputs, {self.n_neurons:,} neurons, "
            f"{self.n_synapses:,} synapses, dt {self.dt:g} ms, {self.dtype}"
        ]
        for population in self._populations:
            kind = "inputs" if population.is_input else "neurons"
            lines.append(f"  {population.index}: {population.name}, {population.n:,} {kind}")
        lines.extend(
            f"  {projection.pre.name} -> {projection.post.name}: {projection.n_synapses:,} synapses"
            for projection in self._projections
        )
        return "\n".join(lines)

    # Building it -----------------------------------------------------------------------------

    def add_input(self, n: int, *, name: str | None = None) -> Population:
        """Adds `n` inputs, whose spikes are pushed into the simulator.

        Raises:
            ValueError: If `n` is 0 or too large, or the name is taken.
        """
        return self._add(n, name, "input", None)

    def add_population(
        self, n: int, neuron: config.LIF | Format | str = "lif", *, name: str | None = None
    ) -> Population:
        """Adds `n` neurons.

        Args:
            n: Number of neurons.
            neuron: `LIF`, or "lif" for its defaults, in a graph of floats; a `fixed.Format`, which
                says number format and neuron, in one of integers.
            name: Name, unique in the graph.

        Raises:
            TypeError: If `neuron` is none, or the graph holds neurons of the other kind.
            ValueError: If a field is outside its domain, or the name is taken.
        """
        refuse_target("neuron", neuron)
        chosen: config.LIF | Format = named("neuron", neuron, (config.LIF, Format))
        if isinstance(chosen, Format) and self.dtype.kind != "i":
            raise TypeError(
                f"neuron must be LIF: fixed-point neurons need a graph of integers, got {chosen!r} "
                f"for {self.dtype}"
            )
        if not isinstance(chosen, Format) and self.dtype.kind == "i":
            raise TypeError(
                f"neuron must be a fixed.Format: a graph of {self.dtype} holds fixed-point "
                f"neurons, got {chosen!r}"
            )
        return self._add(n, name, "population", _params(chosen, self.dt))

    def _add(
        self, n: int, name: str | None, kind: str, params: dict[str, Any] | None
    ) -> Population:
        name = f"{kind} {len(self._populations)}" if name is None else str(name)
        n = count("n", n)
        index = self._core.add_population(name, n, params)
        population = Population(index, name, n, params is None, self._identity)
        self._populations.append(population)
        return population

    def connect(
        self,
        pre: Population,
        post: Population,
        rule: config.ConnectionRule | str | tuple[ArrayLike, ArrayLike] | None = None,
        *,
        weight: float | config.Init | ArrayLike = 1.0,
        delay: float | config.UniformDelay | ArrayLike = 0.0,
    ) -> Projection:
        """Connects two populations.

        Args:
            pre: The presynaptic population.
            post: The postsynaptic population, not an input.
            rule: AllToAll, OneToOne, FixedProbability, FixedOutDegree, FixedInDegree, or
                "all_to_all" or "one_to_one"; Convolution; or explicit pairs of neurons: two integer
                arrays of shape (n_synapses,). All to all if None.
            weight: One weight for all; a distribution (Uniform, Normal, ...); or an array: with
                explicit pairs (n_synapses,), of a Convolution its `weight_shape`. What a spike adds
                to the synaptic current. In a graph of integers whole numbers, to which
                distributions are rounded.
            delay: Transmission delay [ms], beyond the one step every spike takes on the time grid:
                one for all, `UniformDelay` (at most 256 different ones), or an array as of
                `weight`. On the grid whole numbers of steps, at most 2^24; in continuous time any,
                but those of `UniformDelay` are whole steps there too.

        Returns:
            The projection.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a field is outside its domain, a neuron does not exist, or populations or
                arrays are not of the sizes that a rule needs.
            MemoryError: If there is no room for so many synapses.
        """
        for name, population in (("pre", pre), ("post", post)):
            if not isinstance(population, Population):
                raise TypeError(f"{name} must be a Population, got {population!r}")
            if not _holds(self._populations, population):
                raise ValueError(f"{name} must be of this graph, got {population!r}")
        if isinstance(rule, tuple):
            arrays = pair_arrays(rule, (pre.n, post.n), weight, delay, self.dtype)
            index = self._core.connect_pairs(pre.index, post.index, *arrays)
        else:
            index = self._connect_by_rule(pre, post, rule, weight, delay)
        projection = Projection(index, pre, post, self._core.n_synapses(index))
        self._projections.append(projection)
        return projection

    def _connect_by_rule(
        self, pre: Population, post: Population, rule: Any, weight: Any, delay: Any
    ) -> int:
        rule = config.AllToAll() if rule is None else rule
        if not isinstance(rule, (config.ConnectionRule, str)):
            raise TypeError(f"rule must be a connection rule or two arrays, got {rule!r}")
        chosen = named("rule", rule, get_args(config.ConnectionRule))
        if isinstance(chosen, config.Convolution):
            kernels = kernel_arrays(chosen, weight, delay, self.dtype)
            if kernels is not None:
                pair = pre.index, post.index
                return self._core.connect_kernels(*pair, chosen.to_dict(), *kernels)
        weights = weight_rule(weight, self.dtype)
        return self._core.connect(
            pre.index, post.index, chosen.to_dict(), weights, delay_rule(delay)
        )


def _restored(
    dt: float,
    dtype: str,
    seed: int,
    constants: list[dict[str, Any] | None],
    arrays: list[tuple[Any, ...]],
    identity: object,
    populations: list[Population],
    projections: list[Projection],
) -> Graph:
    """Makes a graph anew of what `Graph.__reduce__` took apart."""
    graph = Graph.__new__(Graph)
    graph._core, graph._identity = GraphCore(dt, seed, dtype), identity
    graph._populations, graph._projections = list(populations), list(projections)
    for population, params in zip(populations, constants, strict=True):
        graph._core.add_population(population.name, population.n, params)
    for projection, (start, target, *rest) in zip(projections, arrays, strict=True):
        rows = None if start is None else (start, target)
        graph._core.add_parts(projection.pre.index, projection.post.index, rows, *rest)
    return graph


def _params(neuron: config.LIF | Format, dt: float) -> dict[str, Any]:
    """Returns a neuron as the core takes it."""
    if isinstance(neuron, Format):
        return {"model": "fixed", **neuron.to_dict()}
    values = neuron.to_dict()
    del values["kind"]
    return {"model": "lif", **values, "dt": dt}


def _holds(known: Sequence[Any], one: Any) -> bool:
    return 0 <= one.index < len(known) and bool(known[one.index] == one)
