"""Random networks and spike trains for the tests.

A case is drawn as a few readable choices (kinds and sizes of layers, neuron constants) and a seed
for the many numbers (weights, spikes), so that hypothesis shrinks what a reader looks at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from oracle.losses import CountMSE, Loss, SoftmaxCrossEntropy
from oracle.neuron import Array, Layer, Raster, Steps

import strsbp_rs

Kind = Literal["dense", "all_to_all", "sparse", "reservoir"]
KINDS: tuple[Kind, ...] = ("dense", "all_to_all", "sparse", "reservoir")

WEIGHT_RANGE = (-0.4, 1.2)
"""Uniform initial weights: mostly excitatory, so that small networks fire."""

SPARSE_DENSITY = 0.5

DelaySteps = int | tuple[int, int]
"""Of a connection group: one for all synapses, or the least and the most of drawn ones."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer before its weights are drawn; the fields of strsbp_rs.Dense and Recurrent."""

    kind: Kind
    shape: tuple[int, int, int]
    tau_m: float
    tau_s: float
    v_th: float | tuple[float, ...]
    t_ref: float
    discretisation: Literal["euler", "exact"]
    self_loops: bool = False
    lateral_inhibition: float = 0.0
    delay: DelaySteps = 0
    recurrent_delay: DelaySteps = 0

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(frozen=True)
class Case:
    """A network and what it is shown.

    Attributes:
        specs: Layers, bottom first.
        rasters: Input spikes, bool, shape (n_samples, T, n_in).
        labels: Target class per sample.
        dt: Time step [ms].
        seed: Of the weights.
    """

    specs: tuple[LayerSpec, ...]
    rasters: Raster
    labels: list[int]
    dt: float
    seed: int

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.rasters.shape[2])


DELAYS: st.SearchStrategy[DelaySteps] = st.sampled_from([0, 0, 1, 4, (0, 2), (3, 12), (0, 200)])
"""None more often than each other one; up to longer than any run."""


def apart(v_th: float, n: int) -> tuple[float, ...]:
    """Thresholds around one, of `n` neurons or channels."""
    return tuple(v_th * (1.0, 1.75, 0.5, 1.25, 0.8)[i % 5] for i in range(n))


@st.composite
def layer_specs(
    draw: st.DrawFn, *, kinds: tuple[Kind, ...], max_side: int, dt: float, output: bool
) -> LayerSpec:
    """One layer; an output layer is dense, has two neurons at least and may inhibit itself."""
    kind = "dense" if output else draw(st.sampled_from(kinds))
    smallest = 2 if output else 1
    if kind == "reservoir":
        shape = (draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, max_side)))
    else:
        shape = (1, 1, draw(st.integers(smallest, 2 * max_side)))
    v_th = draw(st.sampled_from([0.3, 0.7, 1.5]))
    return LayerSpec(
        kind=kind,
        shape=shape,
        tau_m=draw(st.sampled_from([10.0, 20.0, 64.0])),
        tau_s=draw(st.sampled_from([4.0, 8.0, 10.0])),
        v_th=apart(v_th, math.prod(shape)) if draw(st.booleans()) else v_th,
        t_ref=dt * draw(st.integers(0, 5)),
        discretisation=draw(st.sampled_from(["euler", "exact"])),
        self_loops=draw(st.booleans()),
        lateral_inhibition=draw(st.sampled_from([0.0, 0.0, 0.2, 0.5])) if output else 0.0,
        delay=draw(DELAYS),
        recurrent_delay=0 if kind == "dense" else draw(DELAYS),
    )


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    max_layers: int = 3,
    max_side: int = 3,
    max_samples: int = 2,
    max_steps: int = 70,
) -> Case:
    """A network of up to `max_layers` layers and a few random samples."""
    dt = draw(st.sampled_from([1.0, 0.5]))
    n_hidden = draw(st.integers(0, max_layers - 1))
    specs = [
        draw(layer_specs(kinds=kinds, max_side=max_side, dt=dt, output=False))
        for _ in range(n_hidden)
    ]
    specs.append(draw(layer_specs(kinds=kinds, max_side=max_side, dt=dt, output=True)))
    n_samples = draw(st.integers(1, max_samples))
    n_steps = draw(st.integers(20, max_steps))
    n_in = draw(st.integers(1, 2 * max_side))
    rate = draw(st.sampled_from([0.1, 0.3, 0.6]))
    labels = draw(st.lists(st.integers(0, specs[-1].n - 1), min_size=n_samples, max_size=n_samples))
    seed = draw(st.integers(0, 2**32 - 1))
    rasters = np.random.default_rng(seed).random((n_samples, n_steps, n_in)) < rate
    return Case(tuple(specs), rasters, labels, dt, seed)


@st.composite
def losses(draw: st.DrawFn) -> Loss:
    """Every loss; whole desired counts and half a dead zone, so that no count is on its edge."""
    kind = draw(st.sampled_from(["count_mse", "dead_zone", "softmax"]))
    if kind == "softmax":
        return SoftmaxCrossEntropy(draw(st.sampled_from([2.0, 5.0])))
    dead_zone = 0.0 if kind == "count_mse" else 2.5
    return CountMSE(
        draw(st.sampled_from([8.0, 35.0])), draw(st.sampled_from([0.0, 5.0])), dead_zone
    )


def oracle_layer(
    spec: LayerSpec,
    dt: float,
    weight: Array,
    recurrent_weight: Array | None,
    delay: Steps,
    recurrent_delay: Steps | None,
) -> Layer:
    """The oracle's layer for given weights. Absent synapses are those of weight exactly 0."""
    return Layer(
        weight=weight,
        recurrent_weight=recurrent_weight,
        mask=None if recurrent_weight is None else recurrent_weight != 0.0,
        delay=delay,
        recurrent_delay=recurrent_delay,
        lateral_inhibition=spec.lateral_inhibition,
        tau_m=spec.tau_m,
        tau_s=spec.tau_s,
        v_th=np.array(spec.v_th),
        t_ref=spec.t_ref,
        dt=dt,
        discretisation=spec.discretisation,
    )


def random_delays(rng: np.random.Generator, delay: DelaySteps, shape: tuple[int, int]) -> Steps:
    """Delays of the synapses of a group [steps]."""
    low, high = (delay, delay) if isinstance(delay, int) else delay
    return rng.integers(low, high, shape, endpoint=True)


def random_oracle_layers(case: Case) -> list[Layer]:
    """Layers with weights, masks and delays drawn here: for tests of the oracle alone."""
    rng = np.random.default_rng(case.seed + 1)
    layers = []
    n_in = case.n_in
    for spec in case.specs:
        weight = rng.uniform(*WEIGHT_RANGE, (spec.n, n_in))
        delay = random_delays(rng, spec.delay, weight.shape)
        recurrent_weight = recurrent_delay = None
        if spec.kind != "dense":
            recurrent_delay = random_delays(rng, spec.recurrent_delay, (spec.n, spec.n))
            recurrent_weight = rng.uniform(*WEIGHT_RANGE, (spec.n, spec.n))
            density = 1.0 if spec.kind == "all_to_all" else SPARSE_DENSITY
            recurrent_weight[rng.random((spec.n, spec.n)) >= density] = 0.0
            if not spec.self_loops:
                np.fill_diagonal(recurrent_weight, 0.0)
        layers.append(oracle_layer(spec, case.dt, weight, recurrent_weight, delay, recurrent_delay))
        n_in = spec.n
    return layers


def build_mask(
    spec: LayerSpec,
) -> strsbp_rs.AllToAll | strsbp_rs.Sparse | strsbp_rs.Reservoir:
    """The core's mask of a recurrent layer."""
    if spec.kind == "all_to_all":
        return strsbp_rs.AllToAll(self_loops=spec.self_loops)
    if spec.kind == "sparse":
        return strsbp_rs.Sparse(SPARSE_DENSITY, self_loops=spec.self_loops)
    return strsbp_rs.Reservoir(shape=spec.shape, self_loops=spec.self_loops)


def build_delay(delay: DelaySteps, dt: float) -> float | strsbp_rs.UniformDelay:
    """The core's delay of a connection group."""
    if isinstance(delay, int):
        return delay * dt
    return strsbp_rs.UniformDelay(delay[0] * dt, delay[1] * dt)


def build_network(case: Case, dtype: str) -> strsbp_rs.Network:
    """The same network in the core, with the weights, masks and delays the core draws."""
    init = strsbp_rs.Uniform(*WEIGHT_RANGE)
    layers: list[strsbp_rs.Dense | strsbp_rs.Recurrent] = []
    for spec in case.specs:
        constants: dict[str, Any] = {
            "tau_m": spec.tau_m,
            "tau_s": spec.tau_s,
            "v_th": spec.v_th,
            "t_ref": spec.t_ref,
            "delay": build_delay(spec.delay, case.dt),
        }
        if spec.kind == "dense":
            layers.append(
                strsbp_rs.Dense(
                    spec.n,
                    init=init,
                    discretisation=spec.discretisation,
                    lateral_inhibition=spec.lateral_inhibition,
                    **constants,
                )
            )
            continue
        layers.append(
            strsbp_rs.Recurrent(
                spec.n,
                init=init,
                mask=build_mask(spec),
                recurrent_init=init,
                recurrent_delay=build_delay(spec.recurrent_delay, case.dt),
                discretisation=spec.discretisation,
                **constants,
            )
        )
    return strsbp_rs.Network(case.n_in, layers, dt=case.dt, dtype=dtype, seed=case.seed)


def oracle_layers(case: Case, net: strsbp_rs.Network) -> list[Layer]:
    """The oracle's layers with the weights and delays of the network."""

    def steps(delays: Array) -> Steps:
        return np.round(delays / case.dt).astype(np.int64)

    layers = []
    for spec, weights, delays in zip(case.specs, net.weights, net.delays, strict=True):
        recurrent = spec.kind != "dense"
        layers.append(
            oracle_layer(
                spec,
                case.dt,
                weights["weight"].astype(np.float64),
                weights["recurrent_weight"].astype(np.float64) if recurrent else None,
                steps(delays["delay"]),
                steps(delays["recurrent_delay"]) if recurrent else None,
            )
        )
    return layers
