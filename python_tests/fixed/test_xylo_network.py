"""Networks by the rules of Xylo against graphs, the reference and xylosim, and trained through."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixed.test_xylo_reference import run_xylosim
from fixed_cases import connect, run
from hypothesis import given, settings
from hypothesis import strategies as st
from references.integers import Ints
from references.xylo import PopulationRecord, Xylo, XyloNeurons, xylo_reference
from xylo_cases import random_xylo, xylo_formats

import strsbp_rs as sr
from strsbp_rs import fixed
from strsbp_rs.datasets import load_demo

Rng = np.random.Generator
seeds = st.integers(0, 2**32 - 1)


def random_raster(rng: Rng, n: int, n_steps: int = 25) -> Ints:
    raster = rng.integers(0, 16, (n_steps, n))
    return np.asarray(raster * (rng.random(raster.shape) < rng.choice([0.1, 0.4])))


def random_layers(rng: Rng, sizes: list[int], device: fixed.Device) -> list[sr.FixedLayer]:
    """Weights and states that saturate in some networks."""
    layers = []
    for n_in, n in pairwise(sizes):
        reach = int(rng.choice([20, 500, 32767]))
        form = fixed.xylo_format(
            v_th=rng.integers(1, reach + 1, n),
            dash_syn=rng.integers(1, 16, n),
            dash_mem=rng.integers(0, 16, n),
            bias=0 if device == "a1" else rng.integers(-reach, reach + 1, n),
            device=device,
        )
        is_recurrent = rng.random() < 0.7
        weight, recurrent = (
            rng.integers(-reach - 1, reach + 1, (n, m), dtype=np.int32) for m in (n_in, n)
        )
        layers.append(
            sr.FixedLayer(form, weight, recurrent if is_recurrent else None, np.array([1.0]))
        )
    return layers


def network_of(n_in: int, layers: list[sr.FixedLayer]) -> sr.FixedNetwork:
    configs = [
        sr.Dense(len(layer.weight))
        if layer.recurrent_weight is None
        else sr.Recurrent(len(layer.weight), mask=sr.AllToAll(self_loops=True))
        for layer in layers
    ]
    return sr.FixedNetwork(sr.Network(n_in, configs), layers)


def graph_of(n_in: int, layers: list[sr.FixedLayer]) -> sr.Graph:
    graph = sr.Graph(dtype="int16")
    below = graph.add_input(n_in)
    for layer in layers:
        own = graph.add_population(len(layer.weight), layer.format)
        connect(graph, below, own, layer.weight, None)
        if layer.recurrent_weight is not None:
            connect(graph, own, own, layer.recurrent_weight, None)
        below = own
    return graph


@settings(max_examples=80)
@given(seed=seeds)
def test_layers_fire_as_the_graph_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, most)) for most in (6, 80, 40, 20)][: rng.integers(2, 5)]
    device: fixed.Device = "a1" if rng.random() < 0.5 else "audio3"
    layers = random_layers(rng, sizes, device)
    raster = random_raster(rng, sizes[0])
    net = network_of(sizes[0], layers)
    trains = net.run(sr.SpikeTrains.from_counts(raster[None])).spikes
    records = run(graph_of(sizes[0], layers), raster, "clocked", each_step=False)
    for got, expected, overflows in zip(trains[1:], records, net.overflows, strict=True):
        np.testing.assert_array_equal(got.to_counts()[0], expected.spikes)
        assert overflows.current == expected.current_overflows
        assert overflows.membrane == expected.membrane_overflows


def layers_of(xylo: Xylo) -> list[sr.FixedLayer]:
    hidden, output = xylo_formats(xylo)
    weight = fixed.xylo_weights(xylo.weight_in[0], xylo.shift_in)
    recurrent = fixed.xylo_weights(xylo.weight_rec[0], xylo.shift_rec)
    weight_out = fixed.xylo_weights(xylo.weight_out[0], xylo.shift_out)
    scale = np.array([1.0])
    return [
        sr.FixedLayer(hidden, weight, recurrent, scale),
        sr.FixedLayer(output, weight_out, None, scale),
    ]


def check(
    xylo: Xylo, layers: list[sr.FixedLayer], raster: Ints, expected: tuple[PopulationRecord, ...]
) -> int:
    """Spikes of all hidden layers, and of the output, a step later; returns how many there are."""
    late = np.concatenate([raster, np.zeros_like(raster[:1])])
    net = network_of(raster.shape[1], layers)
    trains = net.run(sr.SpikeTrains.from_counts(late[None])).spikes
    hidden = np.concatenate([layer.to_counts()[0] for layer in trains[1:-1]], axis=1)
    for got, record in zip((hidden, trains[-1].to_counts()[0]), expected, strict=True):
        np.testing.assert_array_equal(got[1:], record.spikes)
        assert not got[0].any()
    return int(hidden.sum())


@settings(max_examples=80)
@given(seed=seeds)
def test_is_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xylo = random_xylo(rng)
    raster = random_raster(rng, xylo.weight_in.shape[2])
    check(xylo, layers_of(xylo), raster, xylo_reference(xylo, raster))


def test_is_xylosim(rng: Rng) -> None:
    pytest.importorskip("xylosim")
    n_spikes = 0
    for _ in range(100):
        xylo = random_xylo(rng)
        raster = random_raster(rng, xylo.weight_in.shape[2])
        n_spikes += check(xylo, layers_of(xylo), raster, run_xylosim(xylo, raster))
    assert n_spikes > 10_000


def split(neurons: XyloNeurons, part: slice) -> XyloNeurons:
    bias = None if neurons.bias is None else neurons.bias[part]
    return XyloNeurons(neurons.v_th[part], neurons.dash_mem[part], neurons.dash_syn[:, part], bias)


def test_hidden_layers_are_one_recurrent_population(rng: Rng) -> None:
    """A layer behind another: the recurrent weights that lead from it."""
    for _ in range(50):
        xylo = random_xylo(rng)
        n = len(xylo.hidden.v_th)
        if n < 2:
            continue
        first, last = slice(0, n // 2), slice(n // 2, n)
        weight_in, weight_rec = xylo.weight_in.copy(), xylo.weight_rec.copy()
        weight_out = xylo.weight_out.copy()
        weight_in[:, last] = weight_rec[:, first, last] = weight_out[:, :, first] = 0
        stacked = replace(xylo, weight_in=weight_in, weight_rec=weight_rec, weight_out=weight_out)
        recurrent = fixed.xylo_weights(weight_rec[0], xylo.shift_rec)
        hidden, output = layers_of(stacked)
        halves = [
            layers_of(replace(stacked, hidden=split(xylo.hidden, part)))[0].format
            for part in (first, last)
        ]
        one = np.array([1.0])
        layers = [
            sr.FixedLayer(halves[0], hidden.weight[first], recurrent[first, first], one),
            sr.FixedLayer(halves[1], recurrent[last, first], recurrent[last, last], one),
            replace(output, weight=output.weight[:, last]),
        ]
        raster = random_raster(rng, xylo.weight_in.shape[2])
        check(stacked, layers, raster, xylo_reference(stacked, raster))


def network(*layers: Any, n_in: int = 12) -> sr.Network:
    chosen = layers or (
        sr.Recurrent(20, v_th=1.0, t_ref=0.0, init=sr.Uniform(), recurrent_init=sr.Uniform()),
        sr.Dense(4, v_th=0.5, t_ref=0.0, init=sr.Uniform()),
    )
    return sr.Network(n_in, list(chosen), seed=1)


def test_what_is_refused() -> None:
    for layers, message in [
        ([sr.Dense(500), sr.Dense(493), sr.Dense(4)], "of 1 to 992 neurons in all.*got 993"),
        ([sr.Dense(4)], "of 1 to 992 neurons in all.*got 0"),
        ([sr.Dense(9), sr.Dense(33)], "the last layer must be of at most 32 neurons"),
        ([sr.Dense(9), sr.Dense(4, lateral_inhibition=0.1)], "one without recurrent connections"),
        ([sr.Dense(9, delay=2.0), sr.Dense(4)], "delays of at most 0 steps"),
    ]:
        with pytest.raises(ValueError, match=message):
            network(*layers).to_fixed("xylo")
    net = network()
    held = net.to_fixed("xylo")
    many = sr.SpikeTrains.from_counts(np.full((2, 5, 12), 15) + np.eye(12, dtype=int)[7])
    x, y = many, np.zeros(2, int)
    message = r"x\[0, 0, 7\] must be an input that fires at most 15 times in a step"
    trainer = sr.Trainer(net, hardware="xylo", loss=sr.CountMSE())
    for call in (
        lambda: held.spike_counts(x),
        lambda: held.run(x).spikes,
        lambda: trainer.fit(x, y, epochs=1, progress=False),
        lambda: trainer.evaluate(x, y),
        lambda: trainer.gradients(x, y),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=r"x\[0, 0, 0\] must be .* at most 1 times"):
        net.to_fixed("loihi").run(many)
    below = net.to_fixed("xylo").layers[0]
    with pytest.raises(ValueError, match=r"max_spikes of layers\[0\] must be at most 1.*got 31"):
        sr.FixedNetwork(net, [below, net.to_fixed("loihi").layers[1]])
    form = net.to_fixed().layers[1].format
    several = replace(form, max_spikes=2, reset="subtract", t_ref_steps=0)
    with pytest.raises(ValueError, match='max_spikes must be 1 by the rules "lif"'):
        layers = net.to_fixed().layers
        sr.FixedNetwork(net, [layers[0], replace(layers[1], format=several)])
    form = replace(below.format, limits={})
    slow = network(sr.Recurrent(20, recurrent_delay=2.0), sr.Dense(4))
    with pytest.raises(ValueError, match="delay must be 0 steps by the rules of Xylo, got 2"):
        sr.FixedNetwork(slow, [replace(below, format=form), held.layers[1]])


def test_files_and_threads(tmp_path: Path) -> None:
    held = network().to_fixed(sr.Xylo(device="imu"))
    x = np.random.default_rng(1).random((9, 12))
    options: dict[str, Any] = {"encoder": sr.BernoulliEncoder(n_steps=60, rate_scale=1 / 5.5)}
    expected = held.run(x, n_threads=1, **options).spikes
    assert expected[1].to_counts().max() > 1
    held.save(tmp_path / "x.safetensors")
    loaded = sr.FixedNetwork.load(tmp_path / "x.safetensors")
    assert loaded.run(x, n_threads=2, **options).spikes == expected
    assert loaded.target == sr.Xylo(device="imu")


def test_training_through_xylo_brings_accuracy() -> None:
    demo = load_demo()
    # More inputs than the chip has.
    layers = [
        sr.Recurrent(60, v_th=4.0, t_ref=0.0, init=sr.Uniform(), recurrent_init=sr.Uniform()),
        sr.Dense(10, v_th=5.0, t_ref=0.0, init=sr.Uniform()),
    ]
    net = sr.Network(784, layers, seed=1)
    trainer = sr.Trainer(
        net,
        encoder=sr.BernoulliEncoder(n_steps=60, rate_scale=1 / 5.5),
        loss=sr.SoftmaxCrossEntropy(),
        optimizer=sr.Adam(lr=3e-3),
        clip_norm=1.0,
        hardware=sr.Xylo(enforce_limits=False),
    )
    x, y = demo.x_train[:1000], demo.y_train[:1000]
    before = trainer.evaluate(demo.x_test, demo.y_test).accuracy
    history = trainer.fit(x, y, epochs=4, progress=False)
    after = trainer.evaluate(demo.x_test, demo.y_test)
    assert before < 0.3 and after.accuracy > 0.55
    losses = [epoch["loss"] for epoch in history.epochs]
    assert losses[-1] < 0.7 * losses[0]
    held = net.to_fixed(trainer.hardware)  # type: ignore[arg-type]
    counts = held.spike_counts(demo.x_test, encoder=trainer.encoder)
    np.testing.assert_array_equal(counts, after.counts)
    hidden = held.run(demo.x_test[:50], encoder=trainer.encoder).spikes[1].to_counts()
    assert 1 < hidden.max() <= 31
