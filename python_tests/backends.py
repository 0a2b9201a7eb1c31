"""Every way to run neurons, so that the same tests run all of them.

A test that takes `backend` runs once with every engine of floating-point and of fixed-point graphs,
one that takes `layered` once with everything that runs a network of layers; see conftest.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from graph_cases import ENGINES, Events, chain, in_one_go

import strsbp_rs as sr


@dataclass(frozen=True)
class Backend:
    """An engine, and the arithmetic of the neurons it runs."""

    engine: str
    is_fixed: bool = False

    @property
    def name(self) -> str:
        return f"fixed {self.engine}" if self.is_fixed else self.engine

    @property
    def in_ms(self) -> bool:
        """Whether time is in ms, not in steps."""
        return self.engine == "continuous"

    def graph(self, **options: Any) -> sr.Graph:
        """A graph without populations, of neurons that this one runs."""
        return sr.Graph(dtype="int16" if self.is_fixed else "float64", **options)

    def add_population(self, graph: sr.Graph, n: int) -> sr.Population:
        return graph.add_population(n, NEURON) if self.is_fixed else graph.add_population(n)

    def chain(self) -> sr.Graph:
        """Three inputs, 20 neurons that are recurrent and 5 above them, with delays."""
        return fixed_chain() if self.is_fixed else chain()

    def simulator(self, graph: sr.Graph, **options: Any) -> sr.Simulator:
        return sr.Simulator(graph, engine=self.engine, **options)

    def in_one_go(self, graph: sr.Graph, pushed: Events, until: float) -> Events:
        return in_one_go(graph, pushed, until, self.engine)


NEURON = sr.fixed.qformat_format(tau_m=64.0, tau_s=8.0, v_th=400, t_ref_steps=1, input_shift=4)


def fixed_chain() -> sr.Graph:
    """As `graph_cases.chain`, of integers."""
    graph = sr.Graph(dtype="int16", seed=2)
    inputs = graph.add_input(3)
    below, above = (graph.add_population(n, NEURON) for n in (20, 5))
    graph.connect(inputs, below, weight=sr.Uniform(-30.0, 120.0), delay=1.0)
    rule, delay = sr.FixedProbability(0.3), sr.UniformDelay(0, 30)
    graph.connect(below, below, rule, weight=sr.Uniform(-60.0, 12.0), delay=delay)
    graph.connect(below, above, weight=sr.Uniform(-12.0, 36.0), delay=7.0)
    return graph


BACKENDS = [
    *(Backend(engine) for engine in ENGINES),
    *(Backend(engine, is_fixed=True) for engine in ("clocked", "event", "auto")),
]


@dataclass(frozen=True)
class Layered:
    """What runs a network of layers: an engine, or fixed point."""

    name: str

    def holds(self, net: sr.Network) -> Held:
        if self.name == "fixed":
            return Held(net.to_fixed(), "clocked")
        return Held(net, self.name)


@dataclass(frozen=True)
class Held:
    """A network with the engine that runs it; options are those of all networks."""

    network: sr.SpikingNetwork
    engine: str

    def run(self, x: Any, **options: Any) -> sr.Recording:
        return self.network.run(x, engine=self.engine, **options)

    def spikes(self, x: Any, **options: Any) -> list[sr.SpikeTrains]:
        """Spike trains of the input and of every layer."""
        return self.run(x, **options).spikes

    def spike_counts(self, x: Any, **options: Any) -> np.ndarray[Any, Any]:
        return self.network.spike_counts(x, engine=self.engine, **options)

    def predict(self, x: Any, **options: Any) -> np.ndarray[Any, Any]:
        return self.network.predict(x, engine=self.engine, **options)

    def evaluate(self, x: Any, y: Any, **options: Any) -> sr.Evaluation:
        return self.network.evaluate(x, y, engine=self.engine, **options)


LAYERED = [Layered(name) for name in (*ENGINES, "fixed")]
