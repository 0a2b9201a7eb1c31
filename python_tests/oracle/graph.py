"""Graphs of populations, simulated neuron by neuron and step by step from lists of synapses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oracle.neuron import Array, Raster, Steps, propagator


@dataclass(frozen=True)
class Synapses:
    """Synapses between two populations, four arrays of one length; repeated pairs add up.

    Attributes:
        pre, post: Numbers of the populations.
        source, target: Neuron of either that each synapse connects.
        weight: What a spike adds to the target's current.
        delay: Steps that a spike takes beyond the one it always does.
    """

    pre: int
    post: int
    source: Steps
    target: Steps
    weight: Array
    delay: Steps


@dataclass(frozen=True)
class GraphModel:
    """Populations and what connects them.

    Attributes:
        sizes: Number of neurons of each population.
        constants: Of each, the keywords of `propagator` and v_th; None for inputs.
        synapses: The projections.
        dt: Time step [ms].
    """

    sizes: list[int]
    constants: list[dict[str, Any] | None]
    synapses: list[Synapses] = field(default_factory=list)
    dt: float = 1.0


@dataclass(frozen=True)
class GraphRecord:
    """What a graph did.

    Attributes:
        spikes: Of each population, bool (n_steps, n); of inputs, whether any event came.
        arrivals: Synapses that spikes arrived through.
        closest: How near a potential came to its threshold, relative to it.
    """

    spikes: list[Raster]
    arrivals: int
    closest: float


def simulate_graph(model: GraphModel, inputs: list[Steps | None], n_steps: int) -> GraphRecord:
    """Simulates a graph.

    p[t] = syn_decay p[t-1] + sum of w s[t-1-d];  u[t] = mem_decay u[t-1] + mem_gain p[t].

    Args:
        model: The graph.
        inputs: Of each population, the number of events of each input at each step, (n_steps, n);
            None for neurons.
        n_steps: Number of steps, of which nothing fires at the first.
    """
    fired = [
        np.zeros((n_steps, n), dtype=np.int64) if given is None else given
        for n, given in zip(model.sizes, inputs, strict=True)
    ]
    steps = [
        None if c is None else propagator(**{k: c[k] for k in c if k != "v_th"}, dt=model.dt)
        for c in model.constants
    ]
    p, u = ([np.zeros(n) for n in model.sizes] for _ in range(2))
    held_for = [np.zeros(n, dtype=np.int64) for n in model.sizes]
    arrived, closest = 0, np.inf
    for t in range(1, n_steps):
        total = [np.zeros(n) for n in model.sizes]
        for s in model.synapses:
            fired_at = t - 1 - s.delay
            heard = np.where(fired_at >= 0, fired[s.pre][np.maximum(fired_at, 0), s.source], 0)
            np.add.at(total[s.post], s.target, s.weight * heard)
            arrived += int(heard.sum())
        for at, (step, c) in enumerate(zip(steps, model.constants, strict=True)):
            if step is None or c is None:
                continue
            p[at] = step.syn_decay * p[at] + total[at]
            u[at] = step.mem_decay * u[at] + step.mem_gain * p[at]
            u[at][held_for[at] > 0] = 0.0
            closest = min(closest, float(np.abs(u[at] / c["v_th"] - 1.0).min()))
            fires = u[at] > c["v_th"]
            fired[at][t] = fires
            u[at][fires] = 0.0
            held_for[at] = np.where(fires, step.t_ref_steps, np.maximum(held_for[at] - 1, 0))
    return GraphRecord([spikes > 0 for spikes in fired], arrived, closest)
