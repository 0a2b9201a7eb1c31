"""Fixed-point neurons of hardware against the independent references, in both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fixed.test_xylo_reference import run_xylosim
from fixed_cases import (
    assert_same,
    connect,
    events_of,
    graph_of,
    layers,
    raster_of,
    run,
    theirs,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from references.generic import (
    generic_reference,
)
from references.integers import Ints
from references.loihi import Connection, LoihiNeuron, loihi_reference
from references.xylo import Xylo, xylo_reference
from xylo_cases import random_xylo, xylo_formats

import strsbp_rs as sr
from strsbp_rs import fixed

ENGINES = ["clocked", "event", "auto"]
SHIFT = fixed.Shift(3, least_one=True)
seeds = st.integers(0, 2**32)


@settings(max_examples=100)
@given(seed=seeds, engine=st.sampled_from(ENGINES), each_step=st.booleans())
def test_loihi_is_the_reference(seed: int, engine: str, each_step: bool) -> None:
    layer, rng = layers(-256, 255, seed), np.random.default_rng(seed)
    if seed % 3 == 0:
        layer = replace(layer, weight=np.abs(layer.weight))
    neuron = LoihiNeuron.drawn(rng)
    options = [
        {"weight_bits": int(rng.integers(1, 9)), "exponent": int(rng.integers(0, 8))}
        for _ in range(2)
    ]
    expected = loihi_reference(
        neuron,
        Connection(layer.weight, delay=layer.delay, **options[0]),
        layer.raster,
        Connection(layer.recurrent, delay=layer.recurrent_delay, **options[1]),
    )
    form = fixed.loihi_format(**vars(neuron))
    held = replace(
        layer,
        weight=fixed.loihi_weights(layer.weight, **options[0]),
        recurrent=fixed.loihi_weights(layer.recurrent, **options[1]),
    )
    (got,) = run(graph_of(held, form, "int16"), layer.raster, engine, each_step)
    # Where Lava, which wraps once, leaves 24 bits, nothing is defined.
    if (np.abs(expected.current) <= 2**23).all():
        assert_same(got, expected)


def xylo_graph(xylo: Xylo) -> sr.Graph:
    hidden_format, output_format = xylo_formats(xylo)
    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(xylo.weight_in.shape[2])
    hidden = graph.add_population(len(xylo.hidden.v_th), hidden_format)
    output = graph.add_population(len(xylo.output.v_th), output_format)
    connect(graph, inputs, hidden, fixed.xylo_weights(xylo.weight_in[0], xylo.shift_in), None)
    connect(graph, hidden, hidden, fixed.xylo_weights(xylo.weight_rec[0], xylo.shift_rec), None)
    connect(graph, hidden, output, fixed.xylo_weights(xylo.weight_out[0], xylo.shift_out), None)
    return graph


def check_xylo(
    xylo: Xylo, raster: Ints, engine: str, expected: Any, has_counts: bool = True
) -> None:
    # A step later, as input takes one too.
    late = np.concatenate([raster, np.zeros_like(raster[:1])])
    for got, record in zip(run(xylo_graph(xylo), late, engine), expected, strict=True):
        np.testing.assert_array_equal(got.spikes[1:], record.spikes)
        np.testing.assert_array_equal(got.current[1:], record.current[0])
        np.testing.assert_array_equal(got.membrane[1:], record.membrane)
        if has_counts:
            assert got.current_overflows == record.current_overflows
            assert got.membrane_overflows == record.membrane_overflows
        assert not got.spikes[0].any() and not got.membrane[0].any()


@settings(max_examples=100)
@given(seed=seeds, engine=st.sampled_from(ENGINES))
def test_xylo_is_the_reference(seed: int, engine: str) -> None:
    rng = np.random.default_rng(seed)
    xylo = random_xylo(rng)
    raster = rng.integers(0, 16, (25, xylo.weight_in.shape[2]))
    raster *= rng.random(raster.shape) < 0.4
    check_xylo(xylo, raster, engine, xylo_reference(xylo, raster))


@pytest.mark.parametrize("device", ["a1", "audio2", "audio3", "imu"])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_xylo_counts_every_spike_that_does_not_fit(engine: str, sign: int, device: Any) -> None:
    # The first step brings 15 spikes of 2^13 each, up to 2^15 - 1 or down to -2^15.
    form = fixed.xylo_format(v_th=32767, dash_syn=1, dash_mem=15, device=device)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_population(1, form)
    graph.connect(inputs, neurons, weight=fixed.xylo_weights([sign * 64], 7).item())
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(events_of(np.full((3, 1), 15)))
    simulator.advance(1000)
    (overflows,) = simulator.overflows or []
    # From 0 the fourth spike fits downwards only; from half of the limit, later, the second.
    assert overflows.current == (12 + 14 + 14 if sign > 0 else 11 + 13 + 13)
    # Upwards the membrane fires at the limit.
    assert (overflows.membrane > 0) == (sign < 0)


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_xylo_is_xylosim(engine: str, rng: np.random.Generator) -> None:
    pytest.importorskip("xylosim")
    for _ in range(50):
        xylo = random_xylo(rng)
        raster = rng.integers(0, 16, (25, xylo.weight_in.shape[2]))
        check_xylo(xylo, raster, engine, run_xylosim(xylo, raster), has_counts=False)


def test_order_of_pushed_spikes_does_not_matter_to_xylo() -> None:
    form = fixed.xylo_format(v_th=32767, dash_syn=15, dash_mem=15)
    spikes = np.array([(0, 1), (0, 0), (0, 1)], dtype=[("t", "i8"), ("x", "i8")])
    found = []
    for parts in ([spikes], [spikes[:1], spikes[1:]]):
        graph = sr.Graph(dtype="int16")
        inputs, neurons = graph.add_input(2), graph.add_population(1, form)
        connect(graph, inputs, neurons, np.array([[-32768, 30000]]), None)
        simulator = sr.Simulator(graph)
        for part in parts:
            simulator.push(part)
        simulator.advance(2)
        found.append((int(simulator.currents(neurons)[0]), simulator.overflows))
    # -32768, then 30000 twice: 27232, of which the decay takes 1.
    assert found == [(27231, found[0][1])] * 2


def test_repeated_spikes_are_counts() -> None:
    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(1)
    neurons = graph.add_population(1, fixed.xylo_format(v_th=10, dash_syn=15, dash_mem=15))
    graph.connect(inputs, neurons, weight=fixed.xylo_weights([100]).item())
    simulator = sr.Simulator(graph)
    simulator.push(events_of(np.ones((1, 1), np.int64)))
    assert raster_of(simulator.advance(2), 2, 1).tolist() == [[0], [9]]


cortex_decays = st.one_of(
    st.builds(fixed.Shift, st.integers(1, 15), st.booleans()),
    st.builds(fixed.Multiply, st.integers(1, 65535), st.just(16)),
)


@st.composite
def cortex_formats(draw: st.DrawFn) -> fixed.Format:
    v_th = draw(st.integers(1, 2 ** draw(st.integers(1, 31)) - 2 or 1))
    return fixed.cortex_m_format(
        current_decay=draw(cortex_decays),
        membrane_decay=draw(cortex_decays),
        v_th=v_th,
        weight_bits=draw(st.sampled_from([8, 16])),
        bias=draw(st.integers(-v_th, v_th)),
        input_shift=draw(st.integers(0, 20)),
        gain_shift=draw(st.integers(0, 8)),
        reset=draw(st.sampled_from(["zero", "subtract"])),
        t_ref_steps=draw(st.integers(0, 3)),
    )


@st.composite
def spinnaker_formats(draw: st.DrawFn) -> fixed.Format:
    return fixed.spinnaker_format(
        tau_m=draw(st.floats(0.2, 100.0)),
        tau_s=draw(st.floats(0.1, 50.0)),
        v_th=draw(st.floats(2**-15, 2 ** draw(st.integers(-5, 15)))),
        left_shift=draw(st.integers(0, 15)),
        t_ref_steps=draw(st.integers(0, 3)),
    )


@st.composite
def qformats(draw: st.DrawFn) -> fixed.Format:
    state_bits = draw(st.integers(8, 32))
    return fixed.qformat_format(
        tau_m=draw(st.floats(1.0, 100.0)),
        tau_s=draw(st.floats(1.0, 50.0)),
        v_th=draw(st.integers(1, 2 ** (state_bits - 1) - 2)),
        weight_bits=draw(st.integers(2, 16)),
        state_bits=state_bits,
        decay_bits=draw(st.integers(2, 31)),
        rounding=draw(st.sampled_from(["toward_zero", "floor", "nearest", "nearest_even"])),
        current_overflow=draw(st.sampled_from(["saturate", "wrap"])),
        membrane_overflow=draw(st.sampled_from(["saturate", "wrap"])),
    )


@settings(max_examples=200)
@given(
    form=st.one_of(cortex_formats(), spinnaker_formats(), qformats()),
    seed=seeds,
    engine=st.sampled_from(ENGINES),
    each_step=st.booleans(),
)
def test_presets_are_the_reference(
    form: fixed.Format, seed: int, engine: str, each_step: bool
) -> None:
    reach = 2 ** (form.weight_bits - 1)
    layer = layers(-reach, reach - 1, seed)
    expected = generic_reference(
        theirs(form),
        layer.weight,
        layer.raster,
        layer.recurrent,
        delay=layer.delay,
        recurrent_delay=layer.recurrent_delay,
    )
    (got,) = run(graph_of(layer, form), layer.raster, engine, each_step)
    assert_same(got, expected)


def test_presets_are_what_their_docstrings_say() -> None:
    form = fixed.spinnaker_format(tau_m=20.0, tau_s=5.0, v_th=1.0, left_shift=3, t_ref_steps=2)
    assert form.current_decay == fixed.Multiply(int(2**32 * np.exp(-0.2)), 32)
    assert form.membrane_decay == fixed.Multiply(round(2**15 * np.exp(-0.05)), 15)
    assert (form.weight_bits, form.current_bits, form.membrane_bits) == (17, 32, 32)
    assert (form.v_th, form.fires_at, form.rounding) == (2**15, ">=", "floor")
    fixed.spinnaker_format(tau_m=1e30, tau_s=1e30, v_th=65535.0).check(3)
    form = fixed.cortex_m_format(current_decay=SHIFT, membrane_decay=SHIFT, v_th=9, weight_bits=16)
    assert (form.weight_bits, form.current_bits, form.membrane_bits) == (16, 32, 32)
    assert (form.fires_at, form.rounding, form.reset) == (">", "floor", "zero")
    form = fixed.qformat_format(tau_m=20.0, tau_s=5.0, v_th=9, dt=0.5, decay_bits=10)
    assert form.current_decay == fixed.Multiply(round(2**10 * np.exp(-0.1)), 10)
    assert form.membrane_decay == fixed.Multiply(round(2**10 * np.exp(-0.025)), 10)


def test_cortex_m_has_the_same_bits_for_weights_of_any_type() -> None:
    form = fixed.cortex_m_format(
        current_decay=SHIFT, membrane_decay=fixed.Multiply(64000, 16), v_th=900, input_shift=2
    )
    layer = layers(-128, 127, 4)
    records = [
        run(graph_of(layer, form, dtype), layer.raster, "clocked")[0]
        for dtype in ("int8", "int16", "int32")
    ]
    assert records[0].spikes.sum() > 0
    for record in records[1:]:
        assert_same(record, records[0])
