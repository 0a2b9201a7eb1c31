"""Fixed-point neurons of both engines against the independent references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fixed_cases import (
    Layer,
    assert_same,
    events_of,
    formats,
    graph_of,
    layers,
    ours,
    philox,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from references.generic import (
    Format,
    generic_reference,
)

import strsbp_rs as sr
from strsbp_rs import fixed

ENGINES = ["clocked", "event", "auto"]
seeds = st.integers(0, 2**32)


@settings(max_examples=150)
@given(form=formats(), seed=seeds, engine=st.sampled_from(ENGINES), each_step=st.booleans())
def test_formats_are_the_reference(form: Format, seed: int, engine: str, each_step: bool) -> None:
    layer = layers(-(2 ** (form.weight_bits - 1)), 2 ** (form.weight_bits - 1) - 1, seed)
    key = [seed % 2**32, seed >> 32]
    expected = generic_reference(
        form,
        layer.weight,
        layer.raster,
        layer.recurrent,
        delay=layer.delay,
        recurrent_delay=layer.recurrent_delay,
        # The neurons are population 1 of the graph.
        draw=lambda step, neuron, use: philox([neuron, 1, step, 0], key)[use],
    )
    (got,) = run(graph_of(layer, ours(form, seed)), layer.raster, engine, each_step)
    assert_same(got, expected)


def driven(form: Format, sign: int) -> Layer:
    """Four neurons whose inputs and neighbours all send the largest weights, in bursts."""
    low, high = -(2 ** (form.weight_bits - 1)), 2 ** (form.weight_bits - 1) - 1
    weight = np.full((4, 6), high if sign > 0 else low)
    raster = np.zeros((80, 6), np.int64)
    raster[:20] = raster[50:55] = 1
    return Layer(weight, weight[:, :4], 0 * weight, 0 * weight[:, :4], raster)


@settings(max_examples=200)
@given(
    form=formats(),
    sign=st.sampled_from([1, -1]),
    engine=st.sampled_from(ENGINES),
    each_step=st.booleans(),
)
def test_no_overflow_goes_uncounted(form: Format, sign: int, engine: str, each_step: bool) -> None:
    if form.rounding == "stochastic":
        form = replace(form, rounding="nearest")
    # So narrow that the first burst is too much for a current.
    bits = min(form.current_bits, form.weight_bits + form.input_shift + 1)
    form = replace(form, current_bits=max(bits, 2))
    layer = driven(form, sign)
    expected = generic_reference(form, layer.weight, layer.raster, layer.recurrent)
    assert expected.current_overflows >= 4
    (got,) = run(graph_of(layer, ours(form)), layer.raster, engine, each_step)
    assert_same(got, expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_limit_is_counted(engine: str) -> None:
    """One neuron that is driven beyond its formats at each step, up and down."""
    for sign in (1, -1):
        form = fixed.Format(
            8, 9, 10, fixed.Multiply(1, 0), fixed.Multiply(1, 0), v_th=510, fires_at=">="
        )
        graph = sr.Graph(dtype="int8")
        inputs, neurons = graph.add_input(1), graph.add_population(1, form)
        graph.connect(inputs, neurons, weight=sign * 127)
        simulator = sr.Simulator(graph, engine=engine)
        simulator.push(events_of(np.ones((5, 1), np.int64)))
        simulator.advance(1000)
        (overflows,) = simulator.overflows or []
        # The current: 127, 254, 255 (381), 255 (382), 255 (382): it stays there.
        assert overflows.current == 3
        if sign < 0:
            # The membrane: -127, -381, then beyond -512 at each of the 997 steps that follow.
            assert overflows.membrane == 997


@pytest.mark.parametrize("has_tables", [False, True])
def test_states_go_on(has_tables: bool) -> None:
    layer = layers(-128, 127, 5, n_steps=60)
    form = fixed.qformat_format(tau_m=20.0, tau_s=5.0, v_th=200, t_ref_steps=1)
    if has_tables:
        form = replace(
            form,
            current_decay=fixed.Table.exponential(5.0),
            membrane_decay=fixed.Table.exponential(20.0),
        )
    graph = graph_of(layer, form)
    whole = sr.Simulator(graph, engine="event")
    whole.push(events_of(layer.raster))
    expected = whole.advance(60)
    first = sr.Simulator(graph, engine="clocked")
    first.push(events_of(layer.raster))
    before = first.advance(23)
    second = sr.Simulator(graph, engine="event")
    second.set_state(first.state())
    np.testing.assert_array_equal(np.concatenate([before, second.advance(60)]), expected)
    assert second.state() == whole.state()
    whole.reset()
    whole.push(events_of(layer.raster))
    np.testing.assert_array_equal(whole.advance(60), expected)
    floating = sr.Simulator(sr.Graph(dtype="float64"), engine="event")
    with pytest.raises(ValueError, match="state must be of int32, got float64"):
        second.set_state(floating.state())


def test_rules_draw_whole_weights() -> None:
    graph = sr.Graph(dtype="int8", seed=3)
    inputs = graph.add_input(30)
    neurons = graph.add_population(40, fixed.qformat_format(tau_m=20.0, tau_s=5.0, v_th=100))
    projection = graph.connect(
        inputs, neurons, sr.FixedProbability(0.5), weight=sr.Uniform(-50.0, 50.0)
    )
    weight = graph.synapses(projection)["weight"]
    assert weight.dtype == np.int8
    assert weight.min() < -40 and weight.max() > 40
    graph.connect(neurons, neurons, weight=-3)
    with pytest.raises(ValueError, match=r"weight must be whole, and of int8, got 1\.5"):
        graph.connect(inputs, neurons, weight=1.5)
    with pytest.raises(ValueError, match="weight must be in the range of int8, got"):
        graph.connect(inputs, neurons, weight=sr.Uniform(0.0, 1000.0))
    with pytest.raises(TypeError, match="weight has dtype bool, expected whole numbers"):
        graph.connect(inputs, neurons, ([0], [0]), weight=[True])
    with pytest.raises(ValueError, match="weight must be whole, and of int8, got 128"):
        graph.connect(inputs, neurons, ([0], [0]), weight=[128])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("decay", [fixed.Multiply(8, 4), fixed.Table([8, 4, 2], 4)])
def test_neurons_start_from_potentials(engine: str, decay: fixed.Decay) -> None:
    graph = sr.Graph(dtype="int8")
    inputs = graph.add_input(1)
    form = fixed.Format(8, 16, 16, fixed.Multiply(0, 0), decay, v_th=100, bias=0)
    neurons = graph.add_population(3, form)
    biased = graph.add_population(1, replace(form, bias=7, fires_at=">="))
    graph.connect(inputs, neurons, weight=51)
    simulator = sr.Simulator(graph, engine=engine)
    simulator.set_potentials(neurons, [100, 96, -32768])
    simulator.set_potentials(biased, [99])
    simulator.push(events_of(np.ones((1, 1), np.int64)))
    found = []
    for until in range(1, 4):
        spikes = simulator.advance(until)["x"].tolist()
        potentials = [simulator.potentials(p).tolist() for p in (neurons, biased)]
        found.append((spikes, *potentials))
    assert found == [
        ([], [100, 96, -32768], [99]),
        # Half of each, and 51 or the bias.
        ([0], [0, 99, -16333], [56]),
        ([], [0, 49, -8166], [35]),
    ]
