"""Fixed-point neurons of both engines against the independent references."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from fixed_cases import (
    Layer,
    assert_same,
    connect,
    events_of,
    formats,
    graph_of,
    layers,
    ours,
    philox,
    raster_of,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from references.generic import (
    Decay,
    Format,
    MultiplyDecay,
    ShiftDecay,
    TableDecay,
    generic_reference,
)
from references.integers import Ints
from references.loihi import Connection, LoihiNeuron, loihi_reference
from references.xylo import Xylo, XyloNeurons, xylo_reference
from test_xylo_reference import run_xylosim

import strsbp_rs as sr
from strsbp_rs import fixed

ENGINES = ["clocked", "event", "auto"]
SHIFT = fixed.Shift(3, least_one=True)
seeds = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
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


@settings(max_examples=100, deadline=None)
@given(seed=seeds, engine=st.sampled_from(ENGINES), each_step=st.booleans())
def test_loihi_is_the_reference(seed: int, engine: str, each_step: bool) -> None:
    layer, rng = layers(-256, 255, seed), np.random.default_rng(seed)
    if seed % 3 == 0:
        layer = replace(layer, weight=np.abs(layer.weight))
    v_th = int(2 ** rng.uniform(0, 17)) - 1
    neuron = LoihiNeuron(
        du=int(rng.integers(0, 4096)),
        dv=int(rng.integers(0, 4096)),
        v_th=v_th,
        bias_mantissa=int(rng.integers(max(-4096, -(v_th << 6)), min(4095, v_th << 6) + 1)),
        t_ref_steps=int(rng.integers(0, 4)),
    )
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
    form = fixed.loihi(**vars(neuron))
    held = replace(
        layer,
        weight=fixed.loihi_weights(layer.weight, **options[0]),
        recurrent=fixed.loihi_weights(layer.recurrent, **options[1]),
    )
    (got,) = run(graph_of(held, form, "int16"), layer.raster, engine, each_step)
    # Where Lava, which wraps once, leaves 24 bits, nothing is defined.
    if (np.abs(expected.current) <= 2**23).all():
        assert_same(got, expected)


def random_xylo(rng: np.random.Generator) -> Xylo:
    """A network with one synapse a neuron and no aliases."""
    version = int(rng.integers(1, 3))
    n_in, n_hidden, n_out = (int(n) for n in rng.integers(1, [6, 20, 4]))
    extreme = rng.random() < 0.5
    reach = 32767 if extreme else int(rng.choice([3, 100, 2000]))

    def neurons(n: int) -> XyloNeurons:
        return XyloNeurons(
            v_th=rng.integers(1, reach + 1, n),
            dash_mem=rng.integers(0, 16 if extreme else 6, n),
            dash_syn=rng.integers(1, 16 if extreme else 6, (1, n)),
            bias=rng.integers(-reach - 1, reach + 1, n) if version == 2 else None,
        )

    def weight(n_post: int, n_pre: int) -> Ints:
        return rng.integers(-128, 128, (1, n_post, n_pre))

    shifts = rng.integers(0, 10 if extreme else 4, 3)
    return Xylo(
        version,
        weight(n_hidden, n_in),
        weight(n_hidden, n_hidden),
        weight(n_out, n_hidden),
        *(int(shift) for shift in shifts),
        neurons(n_hidden),
        neurons(n_out),
        [[] for _ in range(n_hidden)],
    )


def xylo_graph(xylo: Xylo) -> sr.Graph:
    device: fixed.Device = "a1" if xylo.version == 1 else "audio2"

    def neurons(of: XyloNeurons, output: bool) -> fixed.Format:
        bias = 0 if of.bias is None else of.bias
        return fixed.xylo(
            v_th=of.v_th,
            dash_syn=of.dash_syn[0],
            dash_mem=of.dash_mem,
            bias=bias,
            device=device,
            output=output,
        )

    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(xylo.weight_in.shape[2])
    hidden = graph.add_fixed(len(xylo.hidden.v_th), neurons(xylo.hidden, False))
    output = graph.add_fixed(len(xylo.output.v_th), neurons(xylo.output, True))
    connect(graph, inputs, hidden, fixed.xylo_weights(xylo.weight_in[0], xylo.shift_in), None)
    connect(graph, hidden, hidden, fixed.xylo_weights(xylo.weight_rec[0], xylo.shift_rec), None)
    connect(graph, hidden, output, fixed.xylo_weights(xylo.weight_out[0], xylo.shift_out), None)
    return graph


def check_xylo(xylo: Xylo, raster: Ints, engine: str, expected: Any) -> None:
    # A step later, as input takes one too.
    late = np.concatenate([raster, np.zeros_like(raster[:1])])
    for got, record in zip(run(xylo_graph(xylo), late, engine), expected, strict=True):
        np.testing.assert_array_equal(got.spikes[1:], record.spikes)
        np.testing.assert_array_equal(got.current[1:], record.current[0])
        np.testing.assert_array_equal(got.membrane[1:], record.membrane)
        assert got.current_overflows == record.current_overflows
        assert got.membrane_overflows == record.membrane_overflows
        assert not got.spikes[0].any() and not got.membrane[0].any()


@settings(max_examples=100, deadline=None)
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
    form = fixed.xylo(v_th=32767, dash_syn=1, dash_mem=15, device=device)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_fixed(1, form)
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
        check_xylo(xylo, raster, engine, run_xylosim(xylo, raster))


def test_order_of_pushed_spikes_does_not_matter_to_xylo() -> None:
    form = fixed.xylo(v_th=32767, dash_syn=15, dash_mem=15)
    spikes = np.array([(0, 1), (0, 0), (0, 1)], dtype=[("t", "i8"), ("x", "i8")])
    found = []
    for parts in ([spikes], [spikes[:1], spikes[1:]]):
        graph = sr.Graph(dtype="int16")
        inputs, neurons = graph.add_input(2), graph.add_fixed(1, form)
        connect(graph, inputs, neurons, np.array([[-32768, 30000]]), None)
        simulator = sr.Simulator(graph)
        for part in parts:
            simulator.push(part)
        simulator.advance(2)
        found.append((int(simulator.currents(neurons)[0]), simulator.overflows))
    # -32768, then 30000 twice: 27232, of which the decay takes 1.
    assert found == [(27231, found[0][1])] * 2


cortex_decays = st.one_of(
    st.builds(fixed.Shift, st.integers(1, 15), st.booleans()),
    st.builds(fixed.Multiply, st.integers(1, 65535), st.just(16)),
)


@st.composite
def cortex_formats(draw: st.DrawFn) -> fixed.Format:
    v_th = draw(st.integers(1, 2 ** draw(st.integers(1, 31)) - 2 or 1))
    return fixed.cortex_m(
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
    return fixed.spinnaker(
        tau_m=draw(st.floats(0.2, 100.0)),
        tau_s=draw(st.floats(0.1, 50.0)),
        v_th=draw(st.floats(2**-15, 2 ** draw(st.integers(-5, 15)))),
        left_shift=draw(st.integers(0, 15)),
        t_ref_steps=draw(st.integers(0, 3)),
    )


@st.composite
def qformats(draw: st.DrawFn) -> fixed.Format:
    state_bits = draw(st.integers(8, 32))
    return fixed.qformat(
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


@settings(max_examples=200, deadline=None)
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


def theirs(form: fixed.Format) -> Format:
    """The same format, by the reference's names."""

    def decay(of: fixed.Decay) -> Decay:
        if isinstance(of, fixed.Multiply):
            return MultiplyDecay(as_int(of.factor), of.bits)
        if isinstance(of, fixed.Table):
            return TableDecay(tuple(of.factors), of.bits)
        return ShiftDecay(as_int(of.shift), of.least_one)

    decays = {
        "current_decay": decay(form.current_decay),
        "membrane_decay": decay(form.membrane_decay),
    }
    same = {field.name: getattr(form, field.name) for field in fields(Format)}
    return Format(**{**same, **decays})


def as_int(value: fixed.PerNeuron) -> int:
    assert isinstance(value, int)
    return value


def test_presets_are_what_their_docstrings_say() -> None:
    form = fixed.spinnaker(tau_m=20.0, tau_s=5.0, v_th=1.0, left_shift=3, t_ref_steps=2)
    assert form.current_decay == fixed.Multiply(int(2**32 * np.exp(-0.2)), 32)
    assert form.membrane_decay == fixed.Multiply(round(2**15 * np.exp(-0.05)), 15)
    assert (form.weight_bits, form.current_bits, form.membrane_bits) == (17, 32, 32)
    assert (form.v_th, form.fires_at, form.rounding) == (2**15, ">=", "floor")
    form = fixed.cortex_m(current_decay=SHIFT, membrane_decay=SHIFT, v_th=9, weight_bits=16)
    assert (form.weight_bits, form.current_bits, form.membrane_bits) == (16, 32, 32)
    assert (form.fires_at, form.rounding, form.reset) == (">", "floor", "zero")
    form = fixed.qformat(tau_m=20.0, tau_s=5.0, v_th=9, dt=0.5, decay_bits=10)
    assert form.current_decay == fixed.Multiply(round(2**10 * np.exp(-0.1)), 10)
    assert form.membrane_decay == fixed.Multiply(round(2**10 * np.exp(-0.025)), 10)


def test_cortex_m_has_the_same_bits_for_weights_of_any_type() -> None:
    form = fixed.cortex_m(
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


@pytest.mark.parametrize("engine", ENGINES)
def test_powers_by_hand(engine: str) -> None:
    """Of a current of 101: halved, quartered, ...; a membrane that is held does not age."""
    halves = fixed.Table([8, 4, 2, 1], 4)
    form = fixed.Format(12, 16, 16, halves, fixed.Multiply(0x8000, 15), v_th=32000)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_fixed(1, form)
    gone = fixed.Format(12, 16, 16, fixed.Multiply(0, 0), halves, v_th=1000, reset="subtract")
    firing = graph.add_fixed(1, replace(gone, t_ref_steps=2))
    graph.connect(inputs, neurons, weight=101)
    graph.connect(inputs, firing, weight=1101)
    current, other = run(graph, np.array([[1], [0], [0], [0], [0], [0], [0]]), engine)
    assert current.current[:, 0].tolist() == [0, 101, 50, 25, 12, 6, 3]
    assert other.membrane[:, 0].tolist() == [0, 101, 101, 101, 50, 25, 12]


def test_exponential_tables() -> None:
    table = fixed.Table.exponential(2.0, dt=0.5, bits=8)
    powers = [round(256 * np.exp(-k / 4)) for k in range(1, 26)]
    assert table == fixed.Table(powers, 8)
    assert powers[-2:] == [1, 0]
    assert fixed.Table.exponential(2.0, length=3, bits=8).factors == (155, 94, 57)
    assert len(fixed.Table.exponential(1e6).factors) == 4096
    assert fixed.Table.exponential(0.3, length=5, bits=8).factors == (9, 0, 0, 0, 0)
    assert fixed.Table(np.array([3, 1]), 2) == fixed.Table([3, 1], 2)
    assert hash(fixed.Table([3, 1], 2)) == hash(fixed.Table((3, 1), 2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"tau": 0.0}, ValueError, "tau and dt must be finite and > 0 ms, got 0.0 and 1.0"),
        ({"tau": float("nan")}, ValueError, "tau and dt must be finite and > 0 ms, got nan"),
        ({"tau": 1.0, "dt": -1.0}, ValueError, "tau and dt must be finite and > 0 ms, got 1.0"),
        ({"tau": "1"}, TypeError, "tau must be a number, got '1'"),
        ({"tau": 1.0, "bits": 0}, ValueError, r"bits must be in \[1, 31\], got 0"),
        ({"tau": 1.0, "bits": 32}, ValueError, r"bits must be in \[1, 31\], got 32"),
        ({"tau": 1.0, "bits": 1.5}, TypeError, "bits must be an integer, got 1.5"),
        ({"tau": 1.0, "length": 0}, ValueError, r"length must be in \[1, 4096\], got 0"),
        ({"tau": 1.0, "length": 4097}, ValueError, r"length must be in \[1, 4096\], got 4097"),
        ({"tau": 0.1}, ValueError, r"bits must be enough for exp\(-dt / tau\) = 4.54e-05"),
    ],
)
def test_bad_tables_are_refused(arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        fixed.Table.exponential(**arguments)


def test_tables_are_lists() -> None:
    for factors in (5, [[1, 2], [3, 4]], None):
        with pytest.raises(TypeError, match="factors must be a list of integers, got"):
            fixed.Table(factors, 12)  # type: ignore[arg-type]


def driven(form: Format, sign: int) -> Layer:
    """Four neurons whose inputs and neighbours all send the largest weights, in bursts."""
    low, high = -(2 ** (form.weight_bits - 1)), 2 ** (form.weight_bits - 1) - 1
    weight = np.full((4, 6), high if sign > 0 else low)
    raster = np.zeros((80, 6), np.int64)
    raster[:20] = raster[50:55] = 1
    return Layer(weight, weight[:, :4], 0 * weight, 0 * weight[:, :4], raster)


@settings(max_examples=200, deadline=None)
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
    bits = min(form.current_bits, form.weight_bits + form.input_shift + 2)
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
        inputs, neurons = graph.add_input(1), graph.add_fixed(1, form)
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
    form = fixed.qformat(tau_m=20.0, tau_s=5.0, v_th=200, t_ref_steps=1)
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
    neurons = graph.add_fixed(40, fixed.qformat(tau_m=20.0, tau_s=5.0, v_th=100))
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
    with pytest.raises(ValueError, match="weight must be whole, and of int8, got 128"):
        graph.connect(inputs, neurons, ([0], [0]), weight=[128])


PLAIN: dict[str, Any] = {
    "weight_bits": 8,
    "current_bits": 16,
    "membrane_bits": 16,
    "current_decay": fixed.Multiply(3500, 12),
    "membrane_decay": fixed.Multiply(4000, 12),
    "v_th": 1000,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_bits": 0}, r"weight_bits must be in \[1, 32\], got 0"),
        ({"membrane_bits": 65}, r"membrane_bits must be in \[2, 32\], got 65"),
        ({"v_th": 32767}, r"v_th must be in \[0, 32766\], which a membrane of 16 bits passes"),
        ({"v_th": [1, 2]}, r"v_th has shape \(2,\), expected one number, or \(3,\)"),
        ({"v_th": [1, 2, -3]}, r"v_th\[2\] must be in"),
        ({"membrane_decay": fixed.Multiply(0, 12)}, r"membrane_decay.factor must be in \[1, 2\^"),
        ({"membrane_decay": fixed.Shift(0)}, r"membrane_decay.shift must be in \[1, 31\]"),
        ({"current_decay": fixed.Multiply(4097, 12)}, r"current_decay.factor must be in \[0, 2\^"),
        ({"current_decay": fixed.Multiply(1, 33)}, r"current_decay.bits must be in \[0, 32\]"),
        ({"current_bits": 0}, r"current_bits must be in \[2, 32\], got 0"),
        ({"weight_bits": 65}, r"weight_bits must be in \[1, 32\], got 65"),
        ({"current_decay": fixed.Table([], 12)}, r"factors has shape \(0,\), expected 1 to 4096"),
        (
            {"current_decay": fixed.Table([1] * 4097, 12)},
            r"current_decay.factors has shape \(4097,\), expected 1 to 4096 numbers",
        ),
        (
            {"current_decay": fixed.Table([1], 33)},
            r"current_decay.bits must be in \[0, 32\], got 33",
        ),
        (
            {"current_decay": fixed.Table([5], 2)},
            r"factors\[0\] must be in \[0, 2\^bits = 4\], got 5",
        ),
        (
            {"current_decay": fixed.Table([4, 2, 3], 2)},
            r"factors\[2\] must be <= current_decay.factors\[1\] = 2, got 3",
        ),
        (
            {"membrane_decay": fixed.Table([0], 2)},
            r"factors\[0\] must be in \[1, 2\^bits = 4\] \(0 keeps nothing of it\), got 0",
        ),
        ({"bias": 1001}, r"bias must be no more than passes v_th = 1000 in the first step"),
        ({"bias": 40000}, r"bias must be in \[-32768, 32767\], of 16 bits, got 40000"),
        ({"max_spikes": 3}, "max_spikes must be 1 unless spikes subtract"),
        ({"t_ref_steps": 2**24 + 1}, r"t_ref_steps must be <= 2\^24"),
        ({"rules": "xylo_v2"}, "the format must be that of the xylo rules"),
    ],
)
def test_bad_formats_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fixed.Format(**{**PLAIN, **change}).check(3)


@pytest.mark.parametrize(
    "change",
    [
        {"rounding": "up"},
        {"v_th": 1.5},
        {"limits": {"cores": 3}},
        {"reset": "none"},
        {"current_decay": fixed.Table([1.5], 12)},  # type: ignore[list-item]
        {"current_decay": fixed.Table([-1], 12)},
    ],
)
def test_formats_of_wrong_types_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="format: "):
        fixed.Format(**{**PLAIN, **change}).check(3)
    with pytest.raises(TypeError, match="current_decay must be Multiply, Shift or Table, got 3"):
        fixed.Format(**{**PLAIN, "current_decay": 3}).check(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fixed.loihi(du=4096, dv=0, v_th=1), r"du must be in \[0, 4095\], got 4096"),
        (lambda: fixed.loihi(du=0, dv=0, v_th=131072), r"v_th must be in \[0, 131071\]"),
        (lambda: fixed.loihi(du=0, dv=0, v_th=1, t_ref_steps=63), r"t_ref_steps must be in"),
        (lambda: fixed.loihi_weights([1], exponent=-1), r"exponent must be in \[0, 7\], got -1"),
        (lambda: fixed.loihi_weights([1], weight_bits=9), r"weight_bits must be in \[1, 8\]"),
        (lambda: fixed.xylo(v_th=0, dash_syn=1, dash_mem=1), r"v_th must be in \[1, 32767\]"),
        (lambda: fixed.xylo(v_th=1, dash_syn=0, dash_mem=1), r"dash_syn must be in \[1, 15\]"),
        (
            lambda: fixed.xylo(v_th=1, dash_syn=1, dash_mem=1, bias=1, device="a1"),
            "bias must be 0 on Xylo-A1",
        ),
        (lambda: fixed.xylo_weights([128]), r"weights must be in \[-128, 127\], got 128"),
        (lambda: fixed.spinnaker(tau_m=0.0, tau_s=1.0, v_th=1.0), "tau_m must be > 0 ms"),
        (lambda: fixed.spinnaker(tau_m=1.0, tau_s=1.0, v_th=1e6), "v_th must be in"),
        (
            lambda: fixed.cortex_m(
                current_decay=fixed.Shift(16), membrane_decay=fixed.Shift(3), v_th=3
            ),
            r"current_decay.shift must be in \[1, 15\], got 16",
        ),
        (
            lambda: fixed.cortex_m(
                current_decay=fixed.Table([3], 2),  # type: ignore[arg-type]
                membrane_decay=fixed.Shift(3),
                v_th=3,
            ),
            "current_decay must be by shift or by a factor, got a table",
        ),
        (
            lambda: replace(
                fixed.xylo(v_th=1, dash_syn=1, dash_mem=1), current_decay=fixed.Table([1], 1)
            ).check(1),
            "the format must be that of the xylo rules",
        ),
        (lambda: fixed.qformat(tau_m=0.01, tau_s=1.0, v_th=1), "decay_bits must be enough"),
    ],
)
def test_what_hardware_does_not_hold_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_limits_of_hardware() -> None:
    hidden = fixed.xylo(v_th=10, dash_syn=2, dash_mem=2)
    graph = sr.Graph(dtype="int16")
    with pytest.raises(ValueError, match="n must be <= 1000, the neurons that the hardware has"):
        graph.add_fixed(1001, hidden)
    inputs, neurons = graph.add_input(2), graph.add_fixed(65, hidden)
    graph.connect(inputs, neurons, weight=1)
    simulator = sr.Simulator(graph)
    simulator.push(events_of(np.full((1, 2), 15)))
    with pytest.raises(ValueError, match="at most 15 spikes of input 1 at step 0, got 16"):
        simulator.push(np.array([(0, 1)], dtype=[("t", "i8"), ("x", "i8")]))
    graph.connect(neurons, neurons, sr.AllToAll(self_loops=True), weight=1)
    with pytest.raises(ValueError, match="fan-out must be <= 64 synapses of a neuron of"):
        sr.Simulator(graph)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(2), graph.add_fixed(2, fixed.loihi(du=1, dv=1, v_th=1))
    graph.connect(inputs, neurons, weight=1, delay=63.0)
    with pytest.raises(ValueError, match="delay must be <= 62 steps onto 'population 1'"):
        sr.Simulator(graph)


def test_what_graphs_refuse() -> None:
    graph = sr.Graph(dtype="int8")
    form = fixed.qformat(tau_m=20.0, tau_s=5.0, v_th=100, weight_bits=4)
    with pytest.raises(TypeError, match="a graph of int8 holds fixed-point neurons"):
        graph.add_population(3)
    with pytest.raises(TypeError, match="fixed-point neurons need a graph of integers"):
        sr.Graph().add_fixed(3, form)
    inputs, neurons = graph.add_input(2), graph.add_fixed(2, form)
    with pytest.raises(ValueError, match=r"weight\[0\] must be in \[-8, 7\], of weight_bits = 4"):
        graph.connect(inputs, neurons, weight=8)
    with pytest.raises(ValueError, match="for fixed-point neurons, which have steps"):
        sr.Simulator(graph, engine="continuous")
    simulator = sr.Simulator(graph)
    with pytest.raises(TypeError, match="fixed-point neurons start from 0"):
        simulator.set_potentials(neurons, [0.0, 0.0])
    assert simulator.potentials(neurons).dtype == np.int32
    assert sr.Simulator(float_graph()).overflows is None


def float_graph() -> sr.Graph:
    graph = sr.Graph()
    graph.add_population(3)
    return graph


def test_formats_come_back() -> None:
    form = fixed.loihi(du=[1, 2, 3], dv=np.array([4, 5, 6]), v_th=7)
    assert fixed.Format.from_dict(form.to_dict()) == form
    form = replace(
        form, current_decay=fixed.Table([3, 1], 2), membrane_decay=fixed.Shift(3, least_one=True)
    )
    assert fixed.Format.from_dict(form.to_dict()) == form
    values = {**form.to_dict(), "current_decay": {"kind": "halving"}}
    with pytest.raises(TypeError, match="must be one of multiply, shift, table, got 'halving'"):
        fixed.Format.from_dict(values)
    with pytest.raises(TypeError, match=r"current_decay\['kind'\] must be one of"):
        fixed.Format.from_dict({})


def test_repeated_spikes_are_counts() -> None:
    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(1)
    neurons = graph.add_fixed(1, fixed.xylo(v_th=10, dash_syn=15, dash_mem=15))
    graph.connect(inputs, neurons, weight=fixed.xylo_weights([100]).item())
    simulator = sr.Simulator(graph)
    simulator.push(events_of(np.ones((1, 1), np.int64)))
    assert raster_of(simulator.advance(2), 2, 1).tolist() == [[0], [9]]


PROGRAM = """
import hashlib
from dataclasses import replace

import numpy as np
import strsbp_rs as sr
from strsbp_rs import fixed

def larger(layer):
    # Four times the weights, which then have more than 16 bits, in wider states.
    shift, form = 2, layer.format
    form = replace(
        form,
        weight_bits=20,
        current_bits=form.current_bits + shift,
        membrane_bits=form.membrane_bits + shift,
        v_th=np.left_shift(form.v_th, shift),
    )
    weights = (layer.weight, layer.recurrent_weight)
    weight, recurrent = (None if w is None else w << shift for w in weights)
    return replace(layer, weight=weight, recurrent_weight=recurrent, format=form)


rng = np.random.default_rng(1)
events = np.empty(4000, dtype=[("t", "i8"), ("x", "i8")])
events["t"], events["x"] = np.sort(rng.integers(0, 500, 4000)), rng.integers(0, 50, 4000)
digest, spikes = hashlib.sha256(), 0
shifts = {"current_decay": fixed.Shift(3, True), "membrane_decay": fixed.Shift(6)}
for neuron in (
    fixed.loihi(du=400, dv=60, v_th=900),
    fixed.cortex_m(v_th=3000, input_shift=4, **shifts),
    fixed.spinnaker(tau_m=20.0, tau_s=5.0, v_th=0.4, left_shift=4),
    fixed.Format(
        8, 16, 16, fixed.Table.exponential(4.0), fixed.Table.exponential(30.0), v_th=700
    ),
    *(
        fixed.qformat(tau_m=30.0, tau_s=4.0, v_th=700, rounding=rounding, decay_bits=bits)
        for rounding in ("floor", "nearest", "nearest_even", "stochastic")
        for bits in (12, 20)
    ),
):
    for engine in ("clocked", "event"):
        graph = sr.Graph(dtype="int8", seed=2)
        inputs, neurons = graph.add_input(50), graph.add_fixed(37, neuron)
        graph.connect(inputs, neurons, weight=sr.Uniform(-80.0, 100.0))
        graph.connect(neurons, neurons, sr.FixedProbability(0.3), weight=sr.Uniform(-60.0, 50.0))
        simulator = sr.Simulator(graph, engine=engine)
        simulator.push(events)
        found = simulator.advance(500)
        spikes += len(found)
        digest.update(found.tobytes() + simulator.state())
        digest.update(repr(simulator.overflows).encode())
# Networks of layers sum weights of 8, 16 and 32 bits each in its own way.
for weight_bits in (8, 16, 32):
    layers = [sr.Dense(70, v_th=1.0), sr.Recurrent(37, v_th=0.8)]
    net = sr.Network(50, layers, seed=2)
    fixed_net = net.to_fixed(sr.QFormat(weight_bits=min(weight_bits, 16), state_bits=24))
    if weight_bits == 32:
        fixed_net = sr.FixedNetwork(net, [larger(layer) for layer in fixed_net.layers])
    encoder = sr.BernoulliEncoder(n_steps=80)
    for record in fixed_net.record(rng.random((5, 50)), encoder=encoder, seed=1):
        spikes += record.counts().sum()
        digest.update(record.to_dense().tobytes())
    digest.update(repr(fixed_net.overflows).encode())
print(sr.simd_level(), spikes > 1000, digest.hexdigest())
"""


@pytest.mark.skipif(sr.simd_level() in ("baseline", "NEON"), reason="one instruction set only")
def test_same_bits_on_every_instruction_set() -> None:
    found = {}
    for level in ("baseline", "avx2", "avx512"):
        env = {**os.environ, "STRSBP_SIMD": level}
        out = subprocess.check_output([sys.executable, "-c", PROGRAM], env=env, text=True)
        name, spiked, digest = out.split()
        found[name] = (spiked, digest)
    assert "SSE2" in found
    assert set(found.values()) == {("True", found["SSE2"][1])}
