"""Errors name what the user gave, in the user's words."""

from __future__ import annotations

import re

import numpy as np
import pytest

import strsbp_rs as sr


def test_recorded_spikes_are_named_by_their_place() -> None:
    net = sr.Network(20, [sr.Dense(3), sr.Dense(4)])
    spikes = net.run(np.ones((10, 50, 20), bool)).spikes
    y = np.zeros(10, int)
    expected = re.escape("spikes[0] has shape (10, 50, 4), expected (n_samples, n_steps, n_in=20)")
    with pytest.raises(ValueError, match=f"^{expected}$"):
        sr.Trainer(net).step(spikes[::-1], y)
    with pytest.raises(ValueError, match=f"^{expected}$"):
        sr.gradients_from_spikes(net, spikes[::-1], y)
    with pytest.raises(
        ValueError, match=r"^spikes\[0\] has shape \(0, 50, 20\), expected at least"
    ):
        sr.Trainer(net).step([trains[:0] for trains in spikes], y[:0])


@pytest.mark.parametrize(("engine", "time"), [("clocked", "60 steps"), ("continuous", "60 ms")])
def test_potentials_are_refused_in_plain_words(engine: str, time: str) -> None:
    graph = sr.Graph()
    graph.add_population(2)
    simulator = sr.Simulator(graph, engine=engine)
    simulator.advance(ms=60)
    with pytest.raises(ValueError, match=f"set at the start, at time 0, got {time}$"):
        simulator.set_potentials(0, [0.0, 0.0])
