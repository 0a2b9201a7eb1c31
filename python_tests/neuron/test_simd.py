"""Every instruction set gives the same bits."""

import os
import subprocess
import sys

import pytest

import strsbp_rs as sr

PROGRAM = """
import hashlib
import numpy as np
import strsbp_rs as sr

def digest(net):
    digest = hashlib.sha256()
    for layer in net.weights:
        for key in sorted(layer):
            digest.update(layer[key].tobytes())
    return digest.hexdigest()

rng = np.random.default_rng(1)
x, y = rng.random((40, 50)), rng.integers(0, 4, 40)
for dtype in ("float32", "float64"):
    layers = [sr.Dense(37, v_th=3.0), sr.Recurrent(20, v_th=3.0), sr.Dense(4, v_th=3.0)]
    net = sr.Network(50, layers, dtype=dtype, seed=2)
    trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(80, 0.3), batch_size=8, n_threads=1)
    trainer.fit(x, y, epochs=2, progress=False)
    assert trainer.history.epochs[-1]["firing_rate"][-1] > 0
    print(sr.simd_level(), dtype, digest(net))
# Thresholds of each channel and neuron.
layers = [
    sr.Conv2d(20, 3, v_th=np.linspace(1.0, 3.0, 20)),
    sr.AvgPool2d(2, v_th=np.linspace(0.2, 0.4, 20)),
    sr.Recurrent(37, v_th=np.linspace(1.0, 3.0, 37)),
    sr.Dense(4, v_th=np.linspace(2.0, 3.0, 4)),
]
for dtype in ("float32", "float64"):
    net = sr.Network((5, 10), layers, dtype=dtype, seed=2)
    trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(80, 0.3), batch_size=8, n_threads=1)
    trainer.fit(x, y, epochs=2, progress=False)
    assert trainer.history.epochs[-1]["firing_rate"][-1] > 0
    print(sr.simd_level(), dtype, digest(net), trainer.evaluate(x, y, engine="event").loss)
# Layers of more neurons than are taken at once, bytes as input, silent neurons in the systems.
for silent_ratio in (0.0, 0.5):
    init = sr.Uniform(-0.6, 1.0)
    layers = [
        sr.Dense(150, v_th=2.0, init=init),
        sr.Recurrent(150, v_th=20.0, init=init, recurrent_init=sr.Uniform(-0.1, 0.1)),
        sr.Dense(4, v_th=20.0),
    ]
    net = sr.Network(50, layers, seed=2)
    trainer = sr.Trainer(
        net,
        encoder=sr.BernoulliEncoder(60, 0.3),
        rule=sr.StRsbp(silent_ratio=silent_ratio),
        batch_size=20,
        clip_norm=1.0,
        n_threads=1,
    )
    trainer.fit((255 * x).astype(np.uint8), y, epochs=2, progress=False)
    print(sr.simd_level(), silent_ratio, digest(net))
"""


def run(level):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "STRSBP_SIMD": level},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split() for line in result.stdout.splitlines()]
    return lines[0][0], [line[1:] for line in lines]


@pytest.mark.skipif(sr.simd_level() in ("baseline", "NEON"), reason="one instruction set only")
def test_same_bits_on_every_instruction_set():
    name, expected = run("baseline")
    assert name == "SSE2"
    for level in ("avx2", "avx512"):
        name, digests = run(level)
        if name != "SSE2":
            assert digests == expected, name
