"""The neurons that populations of a graph are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr


@pytest.mark.parametrize("neuron", [None, 3, [1.0], sr.Dense(3), sr.LIF, {"tau_m": 9.0}])
def test_what_is_no_neuron_is_refused(neuron: Any) -> None:
    graph = sr.Graph()
    with pytest.raises(TypeError, match=r"neuron must be LIF, Format or one of \['lif'\], got"):
        graph.add_population(4, neuron)
    assert graph.populations == []


def test_a_neuron_by_name_has_its_defaults() -> None:
    spikes = []
    for neuron in ("lif", sr.LIF(), sr.LIF(tau_m=64, tau_s=8, v_th=20, t_ref=2)):
        graph = sr.Graph(dtype="float64", seed=3)
        eye, brain = graph.add_input(1), graph.add_population(5, neuron)
        graph.connect(eye, brain, weight=sr.Uniform(50.0, 200.0))
        simulator = sr.Simulator(graph)
        simulator.push(np.array([(t, 0) for t in range(40)], [("t", "i8"), ("x", "i8")]))
        spikes.append(simulator.advance(60).tolist())
    assert spikes[0] == spikes[1] == spikes[2] and len(spikes[0]) > 20
    with pytest.raises(
        ValueError, match=r"neuron must be LIF, Format or one of \['lif'\], got 'life'"
    ):
        sr.Graph().add_population(3, "life")
