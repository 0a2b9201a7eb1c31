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

rng = np.random.default_rng(1)
x, y = rng.random((40, 50)), rng.integers(0, 4, 40)
for dtype in ("float32", "float64"):
    layers = [sr.Dense(37, v_th=3.0), sr.Recurrent(20, v_th=3.0), sr.Dense(4, v_th=3.0)]
    net = sr.Network(50, layers, dtype=dtype, seed=2)
    trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(80, 0.3), batch_size=8, n_threads=1)
    trainer.fit(x, y, epochs=2, progress=False)
    assert trainer.history.epochs[-1]["firing_rate"][-1] > 0
    digest = hashlib.sha256()
    for layer in net.weights:
        for key in sorted(layer):
            digest.update(layer[key].tobytes())
    print(sr.simd_level(), dtype, digest.hexdigest())
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
