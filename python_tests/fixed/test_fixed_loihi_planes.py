"""Convolutions and pools on Loihi, bit for bit against the rules of Lava; limits of the chip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references.generic import Record
from references.integers import Ints
from references.loihi import Connection, LoihiNeuron, loihi_reference, sign_mode, truncated
from spatial_cases import SpatialCase, build_spatial, spatial_cases, unrolled

import strsbp_rs as sr
from strsbp_rs import fixed

ENCODER = sr.BernoulliEncoder(n_steps=80, rate_scale=0.3)


def assert_layer(run: sr.Recording, at: int, expected: Record) -> None:
    """Spikes, currents and voltages of one sample; those of a step with a spike are from before."""
    spikes = run.spikes[at + 1].to_dense()[0].astype(np.int64)
    np.testing.assert_array_equal(spikes, expected.spikes)
    np.testing.assert_array_equal(run.current[at][0], expected.current)
    silent = spikes == 0
    np.testing.assert_array_equal(run.potential[at][0][silent], expected.membrane[silent])


def traced(held: sr.FixedNetwork, x: Any, **options: Any) -> sr.Recording:
    """A run with the states of all neurons."""
    everyone = {at: list(range(int(np.prod(shape)))) for at, shape in enumerate(held.shapes)}
    return held.run(x, record_traces=everyone, **options)


def drawn_layer(
    template: Any, rng: np.random.Generator
) -> tuple[Any, LoihiNeuron, dict[str, Ints], dict[str, Any]]:
    """Any neurons and weights of Loihi: as the package takes them, and as Lava does."""
    neuron = LoihiNeuron.drawn(rng)
    options = {"weight_bits": int(rng.integers(1, 9)), "exponent": int(rng.integers(0, 8))}
    low = int(rng.choice([-256, -256, 0]))
    weights = {"weight": rng.integers(low, 256, template.weight.shape)}
    if template.recurrent_weight is not None:
        weights["recurrent_weight"] = rng.integers(low, 256, template.recurrent_weight.shape)
        # No neuron has a synapse onto itself.
        np.fill_diagonal(weights["recurrent_weight"], 0)
    held = {name: fixed.loihi_weights(weight, **options) for name, weight in weights.items()}
    # Delays may be longer than those of the chip.
    form = replace(fixed.loihi_format(**vars(neuron)), limits={})
    return replace(template, format=form, step=1, **held), neuron, weights, options


@settings(max_examples=60)
@given(case=spatial_cases(max_samples=1, max_steps=20, max_pools=False), seed=st.integers(0, 2**32))
def test_planes_of_any_neurons_are_lavas(case: SpatialCase, seed: int) -> None:
    net, rng = build_spatial(case, "float32"), np.random.default_rng(seed)
    drawn = [drawn_layer(template, rng) for template in net.to_fixed().layers]
    held = sr.FixedNetwork(net, [layer for layer, *_ in drawn])
    run = traced(held, sr.SpikeTrains.from_dense(case.rasters))
    below: tuple[int, ...] = case.in_shape
    for at, (layer, (_, neuron, weights, options)) in enumerate(
        zip(net.layers, drawn, strict=True)
    ):
        delays = {
            name: np.round(delay / case.dt).astype(np.int64)
            for name, delay in net.delays[at].items()
        }
        mode = sign_mode(weights["weight"])
        weight, delay, below = unrolled(layer, weights["weight"], delays.get("delay"), below)
        connection = Connection(weight, sign_mode=mode, delay=delay, **options)
        recurrent = weights.get("recurrent_weight")
        onto_itself = (
            None
            if recurrent is None
            else Connection(recurrent, delay=delays["recurrent_delay"], **options)
        )
        raster = run.spikes[at].to_dense()[0].astype(np.int64)
        expected = loihi_reference(neuron, connection, raster, onto_itself)
        # Where Lava, which wraps once, leaves 24 bits, nothing is defined.
        if (np.abs(expected.current) > 2**23).any():
            return
        assert_layer(run, at, expected)
        lost = fixed.Overflows(expected.current_overflows, expected.membrane_overflows)
        assert held.overflows[at] == lost


def network() -> sr.Network:
    """Kernels with delays, windows over them, kernels and neurons, with thresholds of all sizes."""
    wide = sr.Uniform(-0.5, 1.0)
    layers = [
        sr.Conv2d(5, (3, 2), padding=(1, 0), v_th=1.0, init=wide, delay=sr.UniformDelay(0.0, 3.0)),
        sr.AvgPool2d(2, v_th=0.3, t_ref=0.0),
        sr.Conv2d(6, 3, v_th=40.0, init=sr.Uniform(-20.0, 30.0)),
        sr.Dense(7, tau_m=20.0, tau_s=4.0, v_th=2.0, init=wide),
    ]
    return sr.Network((2, 10, 11), layers, seed=4)


@pytest.mark.parametrize("weight_bits", [8, 5, 3])
@pytest.mark.parametrize("granularity", ["layer", "neuron"])
def test_networks_brought_to_loihi_are_lavas(weight_bits: int, granularity: Any) -> None:
    net = network()
    held = net.to_fixed(sr.Loihi(weight_bits=weight_bits, granularity=granularity))
    x = np.random.default_rng(1).random((1, 2, 10, 11))
    run = traced(held, x, encoder=ENCODER, seed=5)
    below: tuple[int, ...] = (2, 10, 11)
    for at, (layer, integers) in enumerate(zip(net.layers, held.layers, strict=True)):
        du, dv = round(4096 * net.dt / layer.tau_s) - 1, round(4096 * net.dt / layer.tau_m)
        exponent = int(np.log2(integers.step)) - 9 + weight_bits
        assert 0 <= exponent <= 7 and integers.step == 1 << 9 - weight_bits + exponent
        mantissas = integers.weight >> exponent
        mode = sign_mode(mantissas)
        # What the chip holds, of these bits and signs.
        options: dict[str, Any] = {"weight_bits": weight_bits, "exponent": exponent}
        held_there = truncated(Connection(mantissas, weight_bits, exponent, mode)) << exponent
        np.testing.assert_array_equal(held_there, integers.weight)
        delays = {name: delay.astype(np.int64) for name, delay in net.delays[at].items()}
        weight, delay, above = unrolled(layer, mantissas, delays.get("delay"), below)
        raster = run.spikes[at].to_dense()[0].astype(np.int64)
        n_of_row = len(weight) // len(integers.weight)
        if len(integers.scale) == 1:
            scales = np.repeat(integers.scale, len(weight))
        else:
            scales = np.repeat(integers.scale, n_of_row)
        records = []
        for scale in dict.fromkeys(scales.tolist()):
            own = scales == scale
            v_th = round(layer.v_th * layer.tau_s / (net.dt * scale))
            neuron = LoihiNeuron(du, dv, v_th, t_ref_steps=round(layer.t_ref / net.dt))
            connection = Connection(weight[own], sign_mode=mode, delay=delay[own], **options)
            records.append((own, loihi_reference(neuron, connection, raster)))
        expected = joined(records, len(weight))
        assert_layer(run, at, expected)
        assert expected.spikes.sum() > 10
        assert held.overflows[at] == fixed.Overflows(
            expected.current_overflows, expected.membrane_overflows
        )
        below = above


def joined(records: list[tuple[Any, Record]], n: int) -> Record:
    """The records of parts of a layer, as one."""
    arrays = []
    for name in ("spikes", "current", "membrane"):
        whole = np.zeros((len(getattr(records[0][1], name)), n), np.int64)
        for own, record in records:
            whole[:, own] = getattr(record, name)
        arrays.append(whole)
    lost = [
        sum(getattr(record, f"{name}_overflows") for _, record in records)
        for name in ("current", "membrane")
    ]
    return Record(*arrays, *lost)


@pytest.mark.parametrize(
    ("in_shape", "layers", "message"),
    [
        (
            (1, 70, 70),
            [sr.Conv2d(2, 3), sr.AvgPool2d(65), sr.Dense(2)],
            r"layers\[1\] must be of at most 4096 synapses onto a neuron, .* got 4225",
        ),
        (
            (1, 30, 30),
            [sr.AvgPool2d(2), sr.Conv2d(19, 1), sr.Dense(2)],
            r"layers\[2\] must be of at most 4096 synapses onto a neuron, .* got 4275",
        ),
        (
            (1, 9, 9),
            [
                sr.Conv2d(2, 3),
                sr.Conv2d(3, 3, delay=sr.UniformDelay(63.0, 63.0)),
            ],
            r"layers\[1\] must be of delays of at most 62 steps, .* got 63",
        ),
        (
            (1, 257, 257),
            [sr.Conv2d(2, 2), sr.AvgPool2d(64)],
            r"layers must be of at most 131072 neurons in all, those of Loihi, got 131104",
        ),
        (
            (1, 9, 9),
            [sr.Conv2d(2, 3), sr.AvgPool2d(2, t_ref=63.0)],
            r"t_ref_steps must be in \[0, 62\], got 63",
        ),
    ],
)
def test_what_loihi_has_no_room_for(in_shape: Any, layers: Any, message: str) -> None:
    net = sr.Network(in_shape, layers)
    with pytest.raises(ValueError, match=message):
        net.to_fixed("loihi")
