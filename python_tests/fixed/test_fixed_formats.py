"""What fixed-point formats, presets and graphs refuse, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fixed_cases import (
    events_of,
)

import strsbp_rs as sr
from strsbp_rs import fixed

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
    ("change", "error", "message"),
    [
        (
            {"rounding": "up"},
            ValueError,
            r"Format\.rounding must be one of \['toward_zero', .*'up'",
        ),
        ({"rounding": "neerest"}, ValueError, "got 'neerest'; did you mean 'nearest'"),
        ({"v_th": 1.5}, TypeError, r"Format\.v_th must be an integer, got 1\.5"),
        ({"v_th": [1, 2.5]}, TypeError, r"Format\.v_th\[1\] must be an integer, got 2\.5"),
        ({"v_th": 2**31}, ValueError, r"Format\.v_th must be < 2\^31, got 2147483648"),
        ({"bias": [0, -(2**31) - 1]}, ValueError, r"Format\.bias\[1\] must be >= -2\^31, got"),
        ({"limits": {"cores": 3}}, ValueError, r"a key of Format\.limits must be one of .*'cores'"),
        ({"limits": {"n": 3.0}}, TypeError, r"Format\.limits\['n'\] must be an integer, got 3\.0"),
        ({"limits": 3}, TypeError, r"Format\.limits must be a dict, got 3"),
        ({"reset": "none"}, ValueError, r"Format\.reset must be one of .*got 'none'"),
        ({"max_spikes": 2**32}, ValueError, r"Format\.max_spikes must be < 2\^32"),
        ({"current_decay": 3}, TypeError, "current_decay must be Multiply, Shift or Table, got 3"),
    ],
)
def test_formats_of_wrong_types_are_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fixed.Format(**{**PLAIN, **change})


def test_decays_of_wrong_types_are_refused() -> None:
    for factors in ([1.5], [True], ["1"]):
        with pytest.raises(TypeError, match=r"Table\.factors\[0\] must be an integer, got"):
            fixed.Table(factors, 12)
    for factors, message in (([-1], r">= 0, got -1"), ([2**32], r"< 2\^32, got 4294967296")):
        with pytest.raises(ValueError, match=rf"Table\.factors\[0\] must be {message}"):
            fixed.Table(factors, 12)
    with pytest.raises(TypeError, match=r"Shift\.least_one must be True or False, got 1"):
        fixed.Shift(1, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: fixed.loihi_format(du=[], dv=0, v_th=1),
            "du must be one integer, or one for each",
        ),
        (
            lambda: replace(fixed.loihi_format(du=1, dv=0, v_th=1), v_th=[]),
            r"Format\.v_th must be one",
        ),
        (lambda: fixed.Multiply([], 12), r"Multiply\.factor must be one integer, or one for each"),
        (lambda: fixed.Shift(np.array([], int)), r"Shift\.shift must be one integer, or one for"),
        (lambda: fixed.loihi_format(du=4096, dv=0, v_th=1), r"du must be in \[0, 4095\], got 4096"),
        (lambda: fixed.loihi_format(du=0, dv=0, v_th=131072), r"v_th must be in \[0, 131071\]"),
        (lambda: fixed.loihi_format(du=0, dv=0, v_th=1, t_ref_steps=63), r"t_ref_steps must be in"),
        (lambda: fixed.loihi_weights([1], exponent=-1), r"exponent must be in \[0, 7\], got -1"),
        (lambda: fixed.loihi_weights([1], weight_bits=9), r"weight_bits must be in \[1, 8\]"),
        (
            lambda: fixed.xylo_format(v_th=0, dash_syn=1, dash_mem=1),
            r"v_th must be in \[1, 32767\]",
        ),
        (
            lambda: fixed.xylo_format(v_th=1, dash_syn=0, dash_mem=1),
            r"dash_syn must be in \[1, 15\]",
        ),
        (
            lambda: fixed.xylo_format(v_th=1, dash_syn=1, dash_mem=1, bias=1, device="a1"),
            "bias must be 0 on Xylo-A1",
        ),
        (lambda: fixed.xylo_weights([128]), r"weights must be in \[-128, 127\], got 128"),
        (
            lambda: fixed.spinnaker_format(tau_m=0.0, tau_s=1.0, v_th=1.0),
            "tau_m must be finite and > 0",
        ),
        (
            lambda: fixed.spinnaker_format(tau_m=1.0, tau_s=float("inf"), v_th=1.0),
            "tau_s must be finite",
        ),
        (lambda: fixed.spinnaker_format(tau_m=1.0, tau_s=1.0, v_th=65535.99), "v_th must be in"),
        (lambda: fixed.spinnaker_format(tau_m=1.0, tau_s=1.0, v_th=1e-9), "v_th must be in"),
        (
            lambda: fixed.spinnaker_format(tau_m=0.01, tau_s=1.0, v_th=1.0),
            r"enough for exp\(-dt / tau_m\)",
        ),
        (
            lambda: fixed.cortex_m_format(
                current_decay=fixed.Shift(16), membrane_decay=fixed.Shift(3), v_th=3
            ),
            r"current_decay.shift must be in \[1, 15\], got 16",
        ),
        (
            lambda: fixed.cortex_m_format(
                current_decay=fixed.Table([3], 2),  # type: ignore[arg-type]
                membrane_decay=fixed.Shift(3),
                v_th=3,
            ),
            "current_decay must be by shift or by a factor, got a table",
        ),
        (
            lambda: replace(
                fixed.xylo_format(v_th=1, dash_syn=1, dash_mem=1), current_decay=fixed.Table([1], 1)
            ).check(1),
            "the format must be that of the xylo rules",
        ),
        (lambda: fixed.qformat_format(tau_m=0.01, tau_s=1.0, v_th=1), "decay_bits must be enough"),
    ],
)
def test_what_hardware_does_not_hold_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_plain_values_are_copies() -> None:
    form = fixed.xylo_format(dash_syn=3, dash_mem=3, v_th=[5, 6], bias=2)
    values = form.to_dict()
    assert fixed.Format.from_dict(values) == form
    assert values["limits"]["n"] == form.limits["n"] > 1 and values["v_th"] == [5, 6]
    values["limits"]["n"] = 1
    values["current_decay"]["shift"] = 9
    assert fixed.Format.from_dict(form.to_dict()) == form
    assert form.limits["n"] > 1


def test_limits_of_hardware() -> None:
    hidden = fixed.xylo_format(v_th=10, dash_syn=2, dash_mem=2)
    graph = sr.Graph(dtype="int16")
    with pytest.raises(ValueError, match="n must be <= 1000, the neurons that the hardware has"):
        graph.add_population(1001, hidden)
    inputs, neurons = graph.add_input(2), graph.add_population(65, hidden)
    graph.connect(inputs, neurons, weight=1)
    simulator = sr.Simulator(graph)
    simulator.push(events_of(np.full((1, 2), 15)))
    with pytest.raises(ValueError, match="at most 15 spikes of input 1 at step 0, got 16"):
        simulator.push(np.array([(0, 1)], dtype=[("t", "i8"), ("x", "i8")]))
    graph.connect(neurons, neurons, sr.AllToAll(self_loops=True), weight=1)
    with pytest.raises(ValueError, match="fan-out must be <= 64 synapses of a neuron of"):
        sr.Simulator(graph)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = (
        graph.add_input(2),
        graph.add_population(2, fixed.loihi_format(du=1, dv=1, v_th=1)),
    )
    graph.connect(inputs, neurons, weight=1, delay=63.0)
    with pytest.raises(ValueError, match="delay must be <= 62 steps onto 'population 1'"):
        sr.Simulator(graph)


def test_what_graphs_refuse() -> None:
    graph = sr.Graph(dtype="int8")
    form = fixed.qformat_format(tau_m=20.0, tau_s=5.0, v_th=100, weight_bits=4)
    with pytest.raises(TypeError, match="a graph of int8 holds fixed-point neurons"):
        graph.add_population(3)
    with pytest.raises(TypeError, match="fixed-point neurons need a graph of integers"):
        sr.Graph().add_population(3, form)
    inputs, neurons = graph.add_input(2), graph.add_population(2, form)
    with pytest.raises(ValueError, match=r"weight\[0\] must be in \[-8, 7\], of weight_bits = 4"):
        graph.connect(inputs, neurons, weight=8)
    with pytest.raises(ValueError, match="for fixed-point neurons, which have steps"):
        sr.Simulator(graph, engine="continuous")
    simulator = sr.Simulator(graph)
    for bad in (100.5, 101, -32769, float("nan"), float("-inf")):
        message = r"potentials\[1\] must be a whole number in \[-32768, 100\], at which no neuron"
        with pytest.raises(ValueError, match=message):
            simulator.set_potentials(neurons, [0.0, bad])
    with pytest.raises(ValueError, match=r"potentials has shape \(1,\), expected \(n=2,\)"):
        simulator.set_potentials(neurons, [0])
    simulator.advance(1)
    with pytest.raises(ValueError, match="potentials must be set at the start"):
        simulator.set_potentials(neurons, [0, 0])
    assert simulator.potentials(neurons).dtype == np.int32
    assert sr.Simulator(float_graph()).overflows is None


def float_graph() -> sr.Graph:
    graph = sr.Graph()
    graph.add_population(3)
    return graph


def test_formats_come_back() -> None:
    form = fixed.loihi_format(du=[1, 2, 3], dv=np.array([4, 5, 6]), v_th=7)
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
