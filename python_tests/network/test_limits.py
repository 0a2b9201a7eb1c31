"""Numbers at the ends of their types, and arguments of another type: right, or an error."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr

LIF: dict[str, Any] = {"tau_m": 64.0, "tau_s": 8.0, "t_ref": 2.0}


def test_the_lowest_integer_has_no_negative() -> None:
    assert sr.fixed.loihi_weights([-(2**63)]).tolist() == [-255]
    assert sr.fixed.loihi_weights([-(2**63), -3, 0], weight_bits=7).tolist() == [-254, -2, 0]
    assert sr.fixed.loihi_weights([-(2**63), 2**63 - 1], exponent=1).tolist() == [-512, 508]
    assert sr.fixed.loihi_weights([2**63 - 1]).tolist() == [255]


@pytest.mark.parametrize("n_samples", [2**63, 2**64 - 1])
@pytest.mark.parametrize("n_steps", [1, 2, 2**64 - 1])
def test_shapes_beyond_all_numbers(n_samples: int, n_steps: int) -> None:
    nothing = np.zeros(0, int)
    n = n_samples * n_steps + 1
    expected = rf"indptr has shape \(0,\), expected \(n_samples \* n_steps \+ 1 = {n},\)"
    with pytest.raises(ValueError, match=expected):
        sr.SpikeTrains.from_csr(nothing, nothing, (n_samples, n_steps, 1))


@pytest.mark.parametrize("n_steps", [2**32 - 1, 2**63, 2**64 - 1])
def test_more_steps_than_are_counted(n_steps: int) -> None:
    message = rf"n_steps must be < 2\^32 - 1, got {n_steps}"
    with pytest.raises(ValueError, match=message):
        sr.psp_table(n_steps=n_steps, **LIF)
    for kind in ("closed_form", "table", "none"):
        with pytest.raises(ValueError, match=message):
            sr.post_coupling(kind, n_steps=n_steps, **LIF)


def test_other_types_are_named() -> None:
    trains, raster = sr.SpikeTrains.from_dense(np.ones((1, 3, 2), bool)), np.ones((1, 3, 2), bool)
    with pytest.raises(TypeError, match="a must be SpikeTrains, got ndarray"):
        sr.van_rossum(raster, trains, tau=5.0)
    with pytest.raises(TypeError, match="b must be SpikeTrains, got ndarray"):
        sr.van_rossum(trains, raster, tau=5.0)
    with pytest.raises(TypeError, match="pre must be SpikeTrains, got list"):
        sr.s_psp([], trains, **LIF)
    with pytest.raises(TypeError, match="post must be SpikeTrains, got NoneType"):
        sr.s_psp(trains, None, **LIF)
    net = sr.Network(2, [sr.Dense(3)])
    fixed = net.to_fixed("cortex_m")
    with pytest.raises(TypeError, match="network must be a Network, got"):
        sr.FixedNetwork(fixed, fixed.layers)
    with pytest.raises(TypeError, match="layers must be a list of FixedLayer, got FixedLayer"):
        sr.FixedNetwork(net, fixed.layers[0])
    with pytest.raises(TypeError, match=r"layers\[0\] must be a FixedLayer, got Dense"):
        sr.FixedNetwork(net, net.layers)
    with pytest.raises(TypeError, match="target must be a target or one of"):
        sr.FixedNetwork(net, fixed.layers, 3)
    assert sr.FixedNetwork(net, fixed.layers, "loihi").target == sr.Loihi()


@pytest.mark.parametrize(
    ("value", "is_right"), [("avx2", True), ("", True), ("AVX2", False), ("\udcff", False)]
)
def test_names_of_instruction_sets(value: str, is_right: bool) -> None:
    code = "import strsbp_rs"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "STRSBP_SIMD": value},
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == is_right, done.stderr
    expected = "ValueError: STRSBP_SIMD must be 'baseline', 'avx2' or 'avx512', got '"
    assert is_right or expected in done.stderr


FIRST_CALL = """
import os, signal, threading
import strsbp_rs as sr
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        sr.psp_table(n_steps=4000, tau_m=64.0, tau_s=8.0, t_ref=2.0)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_in_the_very_first_call() -> None:
    """When NumPy's functions are first looked up, which must not be as late as after a call."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALL], capture_output=True, text=True, timeout=200
    )
    assert done.stdout == "interrupted\n", done.stderr[-2000:]
