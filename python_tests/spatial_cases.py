"""Random networks with convolutions and pools for the tests, in the core and in the oracle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from oracle.neuron import Layer, Raster, Steps
from oracle.synapses import Shape, Windows, convolution, pooling
from strategies import DELAYS, DelaySteps, apart, build_delay

import strsbp_rs

LARGEST = 60
"""Neurons of a layer: the oracle solves dense systems for every weight."""


@dataclass(frozen=True)
class Spatial:
    """A convolution, or a pool where there are no channels; in one dimension the height is 1.

    A pool may be one of the largest count.
    """

    windows: Windows
    channels: int = 0
    groups: int = 1
    delay: DelaySteps = 0
    is_max: bool = False


@dataclass(frozen=True)
class Flat:
    """A layer above all planes."""

    n: int
    recurrent: bool
    delay: DelaySteps = 0


@dataclass(frozen=True)
class SpatialCase:
    """A network and what it is shown.

    Attributes:
        in_shape: Channels, height and width of the inputs.
        is_line: Whether layers are the one-dimensional ones.
        spatial: Layers in a plane, bottom first.
        flat: Layers above them.
        constants: Fields that all layers have, but for thresholds.
        rasters: Input spikes, bool, shape (n_samples, T, n_in).
        labels: Target class per sample.
        dt: Time step [ms].
        seed: Of the weights.
        differ: Whether every channel or neuron has a threshold of its own.
    """

    in_shape: Shape
    is_line: bool
    spatial: tuple[Spatial, ...]
    flat: tuple[Flat, ...]
    constants: dict[str, Any]
    rasters: Raster
    labels: list[int]
    dt: float
    seed: int
    differ: bool = False


@st.composite
def windows(draw: st.DrawFn, below: Shape, *, is_line: bool, is_pool: bool) -> Windows:
    """Sizes that fit, among them strides and paddings beyond the kernel."""
    axes = []
    for n in below[1:]:
        if is_line and not axes:
            axes.append((1, 1, 0, 1))
            continue
        kernel = draw(st.integers(1, 3))
        stride = draw(st.sampled_from([1, 1, 2, kernel + 1]))
        padding = draw(st.sampled_from([0, 0, 0, 1, 1, kernel + 1]))
        dilation = 1 if is_pool else draw(st.sampled_from([1, 1, 2]))
        assume(dilation * (kernel - 1) + 1 <= n + 2 * padding)
        axes.append((kernel, stride, padding, dilation))
    (ky, sy, py, dy), (kx, sx, px, dx) = axes
    return Windows((ky, kx), (sy, sx), (py, px), (dy, dx))


@st.composite
def spatial_cases(
    draw: st.DrawFn,
    *,
    max_samples: int = 2,
    max_steps: int = 50,
    most: int = LARGEST,
    max_pools: bool = True,
) -> SpatialCase:
    """Up to three layers in a plane or on a line, perhaps a recurrent one, and an output.

    Pools may be of the largest count if `max_pools`.
    """
    is_line = draw(st.sampled_from([False, False, True]))
    dt = draw(st.sampled_from([1.0, 0.5]))
    below: Shape = (
        draw(st.integers(1, 3)),
        1 if is_line else draw(st.integers(1, 4)),
        draw(st.integers(2, 9 if is_line else 4)),
    )
    in_shape = below
    spatial: list[Spatial] = []
    for _ in range(draw(st.sampled_from([1, 2, 2, 3]))):
        is_pool = draw(st.sampled_from([False, False, True]))
        of = draw(windows(below, is_line=is_line, is_pool=is_pool))
        groups = draw(st.sampled_from([g for g in (1, 2, 3) if below[0] % g == 0]))
        channels = 0 if is_pool else groups * draw(st.integers(1, 2))
        if is_pool:
            spatial.append(Spatial(of, is_max=max_pools and draw(st.booleans())))
        else:
            spatial.append(Spatial(of, channels, groups, draw(DELAYS)))
        below = (channels or below[0], *of.sizes(below))
        assume(math.prod(below) <= most)
        if below[1] * below[2] == 1:  # Lies nowhere.
            break
    flat = [Flat(draw(st.integers(1, 8)), recurrent=True, delay=draw(DELAYS))] * draw(
        st.integers(0, 1)
    )
    flat.append(Flat(draw(st.integers(2, 4)), recurrent=False, delay=draw(DELAYS)))
    n_samples = draw(st.integers(1, max_samples))
    seed = draw(st.integers(0, 2**32 - 1))
    rate = draw(st.sampled_from([0.1, 0.3, 0.6]))
    shape = (n_samples, draw(st.integers(15, max_steps)), math.prod(in_shape))
    return SpatialCase(
        in_shape,
        is_line,
        tuple(spatial),
        tuple(flat),
        {
            "tau_m": draw(st.sampled_from([10.0, 20.0, 64.0])),
            "tau_s": draw(st.sampled_from([4.0, 8.0])),
            "t_ref": dt * draw(st.integers(0, 4)),
            "discretisation": draw(st.sampled_from(["euler", "exact"])),
        },
        np.random.default_rng(seed).random(shape) < rate,
        [draw(st.integers(0, flat[-1].n - 1)) for _ in range(n_samples)],
        dt,
        seed,
        draw(st.booleans()),
    )


def build_spatial(case: SpatialCase, dtype: str, **changes: Any) -> strsbp_rs.Network:
    """The network in the core, with the weights and delays that the core draws."""
    layers: list[Any] = []
    init = strsbp_rs.Uniform(-0.4, 1.2)
    channels = case.in_shape[0]

    def thresholds(v_th: float, n: int) -> float | tuple[float, ...]:
        return apart(v_th, n) if case.differ else v_th

    for layer in case.spatial:
        of = layer.windows
        sizes: list[Any] = [of.kernel, of.stride, of.padding]
        if case.is_line:
            sizes = [size[1] for size in sizes]
        if layer.is_max:
            layers.append((strsbp_rs.MaxPool1d if case.is_line else strsbp_rs.MaxPool2d)(*sizes))
            continue
        if layer.channels == 0:
            pool = strsbp_rs.AvgPool1d if case.is_line else strsbp_rs.AvgPool2d
            layers.append(pool(*sizes, v_th=thresholds(0.1, channels), **case.constants))
            continue
        channels = layer.channels
        conv = strsbp_rs.Conv1d if case.is_line else strsbp_rs.Conv2d
        dilation: Any = of.dilation[1] if case.is_line else of.dilation
        delay = build_delay(layer.delay, case.dt)
        v_th = thresholds(0.3, channels)
        given = {"v_th": v_th, "init": init, "delay": delay, **case.constants}
        layers.append(conv(layer.channels, *sizes, dilation, layer.groups, **given))
    for above in case.flat:
        delay = build_delay(above.delay, case.dt)
        v_th = thresholds(0.5, above.n)
        given = {"v_th": v_th, "init": init, "delay": delay, **case.constants}
        if above.recurrent:
            recurrent = {"recurrent_init": init, "recurrent_delay": delay}
            layers.append(strsbp_rs.Recurrent(above.n, **recurrent, **given))
        else:
            layers.append(strsbp_rs.Dense(above.n, **given))
    shape = (case.in_shape[0], case.in_shape[2]) if case.is_line else case.in_shape
    given = {"dt": case.dt, "dtype": dtype, "seed": case.seed, **changes}
    return strsbp_rs.Network(shape, layers, **given)


def oracle_spatial(case: SpatialCase, net: strsbp_rs.Network) -> list[Layer]:
    """The oracle's layers with the weights and delays of the network."""
    below, layers = case.in_shape, []
    arrays = zip(net.layers, net.weights, net.delays, strict=True)
    for number, (layer, weights, delays) in enumerate(arrays):
        if isinstance(layer, strsbp_rs.MaxPool2d | strsbp_rs.MaxPool1d):
            synapses, below = pooling(below, case.spatial[number].windows)
            ones = np.ones(1)
            weight = synapses.unrolled(ones)
            layers.append(
                Layer(
                    weight,
                    synapses=synapses,
                    parameters=ones,
                    is_max_pool=True,
                    v_th=1.0,
                    dt=case.dt,
                )
            )
            continue
        n = math.prod(net.shapes[number])
        v_th = np.array(layer.v_th)
        given = {"v_th": np.repeat(v_th, n // v_th.size), "dt": case.dt, **case.constants}
        steps = {name: np.round(delay / case.dt).astype(np.int64) for name, delay in delays.items()}
        wide = {name: weight.astype(np.float64) for name, weight in weights.items()}
        if number >= len(case.spatial):
            recurrent = wide.get("recurrent_weight")
            layers.append(
                Layer(
                    wide["weight"],
                    recurrent,
                    None if recurrent is None else ~np.eye(len(recurrent), dtype=np.bool_),
                    steps["delay"],
                    steps.get("recurrent_delay"),
                    **given,
                )
            )
            continue
        of = case.spatial[number]
        if of.channels == 0:
            synapses, below = pooling(below, of.windows)
            size = np.prod(of.windows.kernel)
            # In the precision of the network.
            parameters, delay = np.full(1, net.dtype.type(1.0 / size), np.float64), None
        else:
            synapses, below = convolution(below, of.channels, of.windows, of.groups)
            parameters, delay = wide["weight"], synapses.unrolled(steps["delay"].reshape(-1))
        weight = synapses.unrolled(parameters.reshape(-1))
        layers.append(Layer(weight, delay=delay, synapses=synapses, parameters=parameters, **given))
    return layers


def unrolled(
    layer: Any, weight: Steps, delay: Steps | None, below: tuple[int, ...]
) -> tuple[Steps, Steps, tuple[int, ...]]:
    """Weights and delays of all synapses of a layer, (n_out, n_in), and its shape."""

    def both(size: Any) -> tuple[int, int]:
        return size if isinstance(size, tuple) else (1, size)

    if isinstance(layer, strsbp_rs.Dense | strsbp_rs.Recurrent):
        assert delay is not None
        return weight.astype(np.int64), delay, (layer.n, 1, 1)
    line = isinstance(layer, strsbp_rs.Conv1d | strsbp_rs.AvgPool1d | strsbp_rs.MaxPool1d)
    padding = (0, layer.padding) if line else layer.padding
    sizes = (both(layer.kernel), both(layer.stride), padding)
    shape = (below[0], below[1], below[2])
    if isinstance(layer, strsbp_rs.Conv2d | strsbp_rs.Conv1d):
        windows = Windows(*sizes, both(layer.dilation))
        synapses, above = convolution(shape, layer.channels, windows, layer.groups)
    else:
        synapses, above = pooling(shape, Windows(*sizes))
    steps = np.zeros(weight.size, np.int64) if delay is None else delay.reshape(-1)
    # In integers of any size.
    matrices = [synapses.unrolled(of.reshape(-1).astype(np.int64)) for of in (weight, steps)]
    return matrices[0], matrices[1], above


def planes():
    """Layers in a plane, and one above."""
    layers = [
        strsbp_rs.Conv2d(5, 3, v_th=1.0),
        strsbp_rs.AvgPool2d(2),
        strsbp_rs.Conv2d(4, (2, 3)),
        strsbp_rs.Dense(3),
    ]
    return strsbp_rs.Network((8, 9), layers, seed=1)
