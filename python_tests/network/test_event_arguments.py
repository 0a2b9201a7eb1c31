"""Events that a simulator refuses: the first bad one is named, and none is pushed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Backend
from graph_cases import events, some_events

NAN, INF = float("nan"), float("inf")

BAD_STEPS: list[tuple[Any, Any, str]] = [
    ([10, 12, 11], [0, 0, 0], r"events\['t'\]\[2\] must be >= events\['t'\]\[1\] = 12 .*got 11"),
    ([10, 11, 12], [0, 3, 4], r"events\['x'\]\[1\] must be an input in \[0, 3\), got 3"),
    ([10, 11], [-1, 9], r"events\['x'\]\[0\] must be an input in \[0, 3\), got -1"),
    ([9, 30], [0, 0], r"events\['t'\]\[0\] must be >= 10.*got 9"),
    ([-1, 30], [0, 0], r"events\['t'\]\[0\] must be >= 10.*got -1"),
]

BAD_TIMES: list[tuple[Any, Any, str]] = [
    (
        [10.0, 12.0, 11.5],
        [0, 0, 0],
        r"events\['t'\]\[2\] must be >= events\['t'\]\[1\] = 12 .*got 11.5",
    ),
    ([10.0, NAN, 12.0], [0, 0, 0], r"events\['t'\]\[1\] must be .*got NaN"),
    ([NAN], [0], r"events\['t'\]\[0\] must be .*got NaN"),
    ([10.0, 11.0, INF], [0, 0, 0], r"events\['t'\]\[2\] must be a finite time, got inf"),
    ([INF, 11.0], [0, 9], r"events\['t'\]\[0\] must be a finite time, got inf"),
    ([-INF, 11.0], [0, 0], r"events\['t'\]\[0\] must be >= 10.*got -inf"),
    ([9.999], [0], r"events\['t'\]\[0\] must be >= 10 ms.*got 9.999"),
]


def test_bad_events_are_named_and_none_is_pushed(backend: Backend) -> None:
    graph, pushed = backend.chain(), some_events()
    expected = backend.in_one_go(graph, pushed, 300)
    simulator = backend.simulator(graph)
    cut = int(np.searchsorted(pushed["t"], 10))
    simulator.push(pushed[:cut])
    first = simulator.advance(10)
    for t, x, message in BAD_STEPS + BAD_TIMES * backend.in_ms:
        with pytest.raises(ValueError, match=message):
            simulator.push(events(t, x))
    # Nothing before what waits, either.
    simulator.push(pushed[cut:])
    with pytest.raises(ValueError, match=r"events\['t'\]\[0\] must be >= .*got 20"):
        simulator.push(events([20], [0]))
    rest = simulator.advance(300)
    np.testing.assert_array_equal(np.concatenate([first, rest]), expected)
    assert simulator.operations.input_events == len(pushed)


def test_other_arrays_are_refused(backend: Backend) -> None:
    simulator = backend.simulator(backend.chain())
    both = [("t", "i8"), ("x", "i8")]
    for array, message in [
        ([(0, 0)], "events has list, expected a structured array with t and x"),
        (np.zeros((1, 2)), "events has ndarray, expected a structured array with t and x"),
        (np.zeros(1, [("t", "i8")]), r"events has fields \('t',\), expected"),
        (np.zeros(1, [("x", "i8"), ("y", "i8")]), r"events has fields \('x', 'y'\), expected"),
        (np.zeros((1, 1), both), r"events has shape \(1, 1\), expected one dimension"),
        (np.zeros(1, [("t", "i8"), ("x", "f8")]), r"events\['x'\] has dtype float64, expected"),
        (np.zeros(1, [("t", "c16"), ("x", "i8")]), r"events\['t'\] has dtype complex128, expected"),
        (np.zeros(1, [("t", "M8[ms]"), ("x", "i8")]), r"events\['t'\] has dtype datetime64"),
    ]:
        with pytest.raises(TypeError, match=message):
            simulator.push(array)
    pixels = [("x", "i8"), ("y", "i8"), ("t", "i8")]
    for fields, also in [
        (pixels, r"x \+ width \* y$"),
        ([*pixels, ("p", "i8")], r"height \* p\)$"),
    ]:
        with pytest.raises(TypeError, match=f"events has fields .* a pixel is one number.*{also}"):
            simulator.push(np.zeros(1, fields))
    for name in ("t", "x"):
        array = np.ones(3, [("t", "u8"), ("x", "u8")])
        array[name][1] = 2**63
        with pytest.raises(ValueError, match=rf"events\['{name}'\]\[1\] must be < 2\^63, got 9223"):
            simulator.push(array)
    if not backend.in_ms:
        with pytest.raises(TypeError, match=r"events\['t'\] has dtype float64, expected integers"):
            simulator.push(events([0.0], [0]))
    simulator.advance(50)
    assert simulator.operations.input_events == 0
