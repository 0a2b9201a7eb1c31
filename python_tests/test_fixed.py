"""Fixed-point neurons of both engines against the independent references."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fixed_cases import (
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
from references.generic import Format, MultiplyDecay, ShiftDecay, generic_reference
from references.integers import Ints
from references.loihi import Connection, LoihiNeuron, loihi_reference
from references.xylo import Xylo, XyloNeurons, xylo_reference
from test_xylo_reference import run_xylosim
from xylo_cases import random_xylo

import strsbp_rs as sr
from strsbp_rs import fixed

ENGINES = ["clocked", "event", "auto"]
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
        assert not got.spikes[0].any() and not got.membrane[0].any()


@settings(max_examples=100, deadline=None)
@given(seed=seeds, engine=st.sampled_from(ENGINES))
def test_xylo_is_the_reference(seed: int, engine: str) -> None:
    rng = np.random.default_rng(seed)
    xylo = random_xylo(rng)
    raster = rng.integers(0, 16, (25, xylo.weight_in.shape[2]))
    raster *= rng.random(raster.shape) < 0.4
    check_xylo(xylo, raster, engine, xylo_reference(xylo, raster))


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


def test_cortex_m_is_the_reference() -> None:
    form = fixed.cortex_m(
        current_decay=fixed.Shift(3, least_one=True),
        membrane_decay=fixed.Multiply(64000, 16),
        v_th=900,
        input_shift=2,
        reset="subtract",
        t_ref_steps=1,
    )
    for seed in range(20):
        layer = layers(-128, 127, seed)
        expected = generic_reference(
            Format(
                8,
                32,
                32,
                # The same, by the reference's names.
                *(ours_to_reference(decay) for decay in (form.current_decay, form.membrane_decay)),
                v_th=900,
                input_shift=2,
                rounding="floor",
                reset="subtract",
                t_ref_steps=1,
            ),
            layer.weight,
            layer.raster,
            layer.recurrent,
            delay=layer.delay,
            recurrent_delay=layer.recurrent_delay,
        )
        for dtype in ("int8", "int16", "int32"):
            (got,) = run(graph_of(layer, form, dtype), layer.raster, "clocked")
            assert_same(got, expected)


def ours_to_reference(decay: fixed.Multiply | fixed.Shift) -> Any:
    if isinstance(decay, fixed.Multiply):
        return MultiplyDecay(decay.factor, decay.bits)
    return ShiftDecay(decay.shift, decay.least_one)


def test_spinnaker_runs_alike_in_both_engines() -> None:
    form = fixed.spinnaker(tau_m=20.0, tau_s=5.0, v_th=1.0, left_shift=3, t_ref_steps=2)
    assert form.current_decay == fixed.Multiply(int(2**32 * np.exp(-0.2)), 32)
    for seed in range(10):
        layer = layers(-3000, 9000, seed)
        (a,), (b,) = (run(graph_of(layer, form), layer.raster, e) for e in ("clocked", "event"))
        assert_same(a, b)


def test_every_limit_is_counted() -> None:
    """One neuron that is driven beyond its formats at each step, up and down."""
    for sign in (1, -1):
        form = fixed.Format(
            8, 9, 10, fixed.Multiply(1, 0), fixed.Multiply(1, 0), v_th=510, fires_at=">="
        )
        graph = sr.Graph(dtype="int8")
        inputs, neurons = graph.add_input(1), graph.add_fixed(1, form)
        graph.connect(inputs, neurons, weight=sign * 127)
        simulator = sr.Simulator(graph, engine="event")
        simulator.push(events_of(np.ones((5, 1), np.int64)))
        simulator.advance(1000)
        (overflows,) = simulator.overflows or []
        # The current: 127, 254, 255 (381), 255 (382), 255 (382): it stays there.
        assert overflows.current == 3
        if sign < 0:
            # The membrane: -127, -381, then beyond -512 at each of the 997 steps that follow.
            assert overflows.membrane == 997


def test_states_go_on() -> None:
    layer = layers(-128, 127, 5, n_steps=60)
    form = fixed.qformat(tau_m=20.0, tau_s=5.0, v_th=200, t_ref_steps=1)
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
    "change", [{"rounding": "up"}, {"v_th": 1.5}, {"limits": {"cores": 3}}, {"reset": "none"}]
)
def test_formats_of_wrong_types_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="format: "):
        fixed.Format(**{**PLAIN, **change}).check(3)
    with pytest.raises(TypeError, match="current_decay must be Multiply or Shift, got 3"):
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
import numpy as np
import strsbp_rs as sr
from strsbp_rs import fixed

rng = np.random.default_rng(1)
events = np.empty(4000, dtype=[("t", "i8"), ("x", "i8")])
events["t"], events["x"] = np.sort(rng.integers(0, 500, 4000)), rng.integers(0, 50, 4000)
digest, spikes = hashlib.sha256(), 0
shifts = {"current_decay": fixed.Shift(3, True), "membrane_decay": fixed.Shift(6)}
for neuron in (
    fixed.loihi(du=400, dv=60, v_th=900),
    fixed.cortex_m(v_th=3000, input_shift=4, **shifts),
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
