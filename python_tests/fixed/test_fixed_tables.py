"""Decay by tables of powers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fixed_cases import run, theirs
from references.generic import generic_reference

import strsbp_rs as sr
from strsbp_rs import fixed

ENGINES = ["clocked", "event", "auto"]


@pytest.mark.parametrize("engine", ENGINES)
def test_powers_by_hand(engine: str) -> None:
    """Of a current of 101: halved, quartered, ...; a membrane that is held does not age."""
    halves = fixed.Table([8, 4, 2, 1], 4)
    form = fixed.Format(12, 16, 16, halves, fixed.Multiply(0x8000, 15), v_th=32000)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_population(1, form)
    gone = fixed.Format(12, 16, 16, fixed.Multiply(0, 0), halves, v_th=1000, reset="subtract")
    firing = graph.add_population(1, replace(gone, t_ref_steps=2))
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
    for factors in (5, None, "12"):
        with pytest.raises(TypeError, match=r"Table\.factors must be integers, got"):
            fixed.Table(factors, 12)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Table\.factors has shape \(2, 2\), expected one dim"):
        fixed.Table([[1, 2], [3, 4]], 12)  # type: ignore[list-item]


def test_membranes_of_events_go_on_after_any_gap() -> None:
    """What event-driven hardware does: currents gone at once, one look-up for each event."""
    table = fixed.Table.exponential(30.0)
    form = fixed.Format(12, 24, 24, fixed.Multiply(0, 0), table, v_th=2**22, rounding="nearest")
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_population(1, form)
    graph.connect(inputs, neurons, weight=2000)
    events, expected, v, last = [], [], 0, 0
    for step in (3, 4, 10, 60, 200, 10**9, 10**9 + 7, 10**15):
        events.append((step - 1, 0))
        gap = step - last
        # The last factor is 0.
        left = v * table.factors[gap - 1] if gap <= len(table.factors) else 0
        v, last = ((left + 2**11) >> 12) + 2000, step
        expected.append(v)
    simulator = sr.Simulator(graph, engine="event")
    simulator.push(np.array(events, dtype=[("t", "i8"), ("x", "i8")]))
    found = []
    for sent, _ in events:
        simulator.advance(sent + 2)
        found.append(int(simulator.potentials(neurons)[0]))
    assert found == expected
    assert simulator.operations.state_updates < 100


def test_layers_with_tables_fire_as_the_reference(rng: np.random.Generator) -> None:
    wide = sr.Uniform()
    net = sr.Network(30, [sr.Recurrent(20, v_th=0.5, init=wide, recurrent_init=wide)], seed=3)
    layer = net.to_fixed("qformat").layers[0]
    tables = {
        "current_decay": fixed.Table.exponential(4.0),
        "membrane_decay": fixed.Table.exponential(20.0, length=7),
    }
    layer = replace(layer, format=replace(layer.format, **tables))
    network = sr.FixedNetwork(net, [layer])
    x = (rng.random((1, 120, 30)) < 0.1).astype(np.uint8)
    expected = generic_reference(
        theirs(layer.format), layer.weight, x[0].astype(np.int64), layer.recurrent_weight
    )
    trains = network.run(sr.SpikeTrains.from_dense(x)).spikes
    np.testing.assert_array_equal(trains[-1].to_dense()[0], expected.spikes)
    assert expected.spikes.sum() > 50
    assert network.overflows[0].current == expected.current_overflows
