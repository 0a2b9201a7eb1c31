"""Which step is which: clocks of fixed-point neurons and of the simulators their rules are from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixed_cases import events_of
from references.loihi import Connection, LoihiNeuron, loihi_reference
from references.xylo import Xylo, XyloNeurons, xylo_reference

import strsbp_rs as sr
from strsbp_rs import fixed

N_STEPS = 5
SHIFT = fixed.Shift(1)
LIF = {
    "qformat": fixed.qformat_format(tau_m=9.0, tau_s=9.0, v_th=99, bias=7),
    "cortex_m": fixed.cortex_m_format(current_decay=SHIFT, membrane_decay=SHIFT, v_th=99, bias=7),
    "loihi": fixed.loihi_format(du=0, dv=0, v_th=99, bias_mantissa=7),
}
XYLO = fixed.xylo_format(v_th=99, dash_syn=1, dash_mem=1, bias=7)


def traces(form: Any, engine: str, weight: int = 0) -> tuple[list[int], list[int]]:
    """Current and membrane after every step, from one input spike at step 1."""
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(1), graph.add_population(1, form)
    graph.connect(inputs, neurons, weight=weight)
    simulator = sr.Simulator(graph, engine=engine)
    raster = np.zeros((N_STEPS, 1), dtype=int)
    raster[1] = 1
    simulator.push(events_of(raster))
    current, membrane = [], []
    for step in range(N_STEPS):
        simulator.advance(steps=step + 1)
        current.append(int(simulator.currents(neurons)[0]))
        membrane.append(int(simulator.potentials(neurons)[0]))
    return current, membrane


@pytest.mark.parametrize("engine", ["clocked", "event"])
@pytest.mark.parametrize("name", LIF)
def test_biases_are_added_at_step_0(name: str, engine: str) -> None:
    assert traces(LIF[name], engine)[1][0] == 7


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_xylo_does_nothing_at_step_0(engine: str) -> None:
    _, membrane = traces(XYLO, engine)
    assert membrane[:2] == [0, 7]


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_step_k_of_loihi_is_lavas_k_plus_1(engine: str) -> None:
    """The reference's row k is Lava's step k + 1, the first of which it calls 1."""
    neuron = LoihiNeuron(du=1000, dv=500, v_th=9999, bias_mantissa=7)
    raster = np.zeros((N_STEPS, 1), dtype=int)
    raster[1] = 1
    expected = loihi_reference(neuron, Connection(np.array([[2]])), raster)
    current, membrane = traces(fixed.loihi_format(**vars(neuron)), engine, 2)
    assert current == expected.current[:, 0].tolist()
    assert membrane == expected.membrane[:, 0].tolist()
    # A spike of step 1 arrives at step 2, its weight with 6 more bits.
    assert current[:2] == [0, 0] and current[2] == 2 << 6


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_step_k_of_xylo_is_xylosims_k_minus_1(engine: str) -> None:
    """There an input spike is heard in its own step, here a step later."""
    one = np.array([99])
    hidden = XyloNeurons(np.array([999]), np.array([1]), np.array([[1]]), np.array([7]))
    output = XyloNeurons(one, np.array([1]), np.array([[1]]), np.array([0]))
    none = np.zeros((1, 1, 1), dtype=int)
    xylo = Xylo(
        version=2,
        weight_in=none + 20,
        weight_rec=none,
        weight_out=none,
        shift_in=0,
        shift_rec=0,
        shift_out=0,
        hidden=hidden,
        output=output,
        aliases=[[]],
    )
    raster = np.zeros((N_STEPS, 1), dtype=int)
    raster[1] = 1
    expected = xylo_reference(xylo, raster)[0]
    form = fixed.xylo_format(v_th=999, dash_syn=1, dash_mem=1, bias=7)
    current, membrane = traces(form, engine, 20)
    assert current == [0, *expected.current[0][:-1, 0].tolist()]
    assert membrane == [0, *expected.membrane[:-1, 0].tolist()]
