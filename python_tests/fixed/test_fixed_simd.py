"""Fixed-point neurons have the same bits on every instruction set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import strsbp_rs as sr

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
    fixed.loihi_format(du=400, dv=60, v_th=900),
    fixed.cortex_m_format(v_th=3000, input_shift=4, **shifts),
    fixed.spinnaker_format(tau_m=20.0, tau_s=5.0, v_th=0.4, left_shift=4),
    fixed.Format(
        8, 16, 16, fixed.Table.exponential(4.0), fixed.Table.exponential(30.0), v_th=700
    ),
    *(
        fixed.qformat_format(tau_m=30.0, tau_s=4.0, v_th=700, rounding=rounding, decay_bits=bits)
        for rounding in ("floor", "nearest", "nearest_even", "stochastic")
        for bits in (12, 20)
    ),
):
    for engine in ("clocked", "event"):
        graph = sr.Graph(dtype="int8", seed=2)
        inputs, neurons = graph.add_input(50), graph.add_population(37, neuron)
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
    for record in fixed_net.run(rng.random((5, 50)), encoder=encoder, seed=1).spikes:
        spikes += record.counts().sum()
        digest.update(record.to_dense().tobytes())
    digest.update(repr(fixed_net.overflows).encode())
# Every kind of step, in words of 16 bits and wider.
init = sr.Uniform(-0.6, 1.0)
layers = [sr.Dense(300, v_th=20.0, init=init), sr.Recurrent(170, v_th=20.0), sr.Dense(40, v_th=3.0)]
net = sr.Network(50, layers, seed=2)
for weight_bits, state_bits in ((8, 16), (8, 12), (4, 16), (8, 24), (12, 30)):
    for rounding in ("nearest", "floor", "toward_zero", "nearest_even"):
        target = sr.QFormat(weight_bits=weight_bits, state_bits=state_bits, rounding=rounding)
        fixed_net = net.to_fixed(target)
        for record in fixed_net.run(rng.random((5, 50)), encoder=encoder, seed=1).spikes:
            digest.update(record.to_dense().tobytes())
        digest.update(repr(fixed_net.overflows).encode())
# Kernels and windows, some of whose sums words do not hold.
layers = [
    sr.Conv2d(20, 5, padding=2, v_th=3.0, init=init),
    sr.AvgPool2d(2, v_th=0.3),
    sr.Conv2d(40, 3, groups=2, v_th=20.0, init=init, delay=sr.UniformDelay(0.0, 3.0)),
    sr.Dense(10, v_th=10.0, init=init),
]
net = sr.Network((2, 12, 13), layers, seed=2)
for weight_bits, state_bits in ((8, 16), (4, 12), (8, 24), (16, 30)):
    for rounding in ("nearest", "floor", "stochastic"):
        target = sr.QFormat(
            weight_bits=weight_bits, state_bits=state_bits, rounding=rounding, granularity="neuron"
        )
        fixed_net = net.to_fixed(target)
        run = fixed_net.run(rng.random((3, 2, 12, 13)), encoder=encoder, seed=1)
        assert all(record.n_spikes > 100 for record in run.spikes)
        for record in run.spikes:
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
