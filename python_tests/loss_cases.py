"""Losses written as functions, and a small network and samples to learn with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr

N_IN, N_OUT, N_STEPS = 6, 3, 40
RULE = sr.StRsbp(teacher_spikes=False)


def count_mse(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """CountMSE(target=8, other=2, dead_zone=1)."""
    wanted = np.full(counts.shape, 2.0)
    wanted[np.arange(len(counts)), targets] = 8.0
    error = counts - wanted
    error[np.abs(error) <= 1.0] = 0.0
    return (0.5 * error**2).sum(axis=1), error


def cross_entropy(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """SoftmaxCrossEntropy(temperature=2)."""
    logits = counts / 2.0
    logits -= logits.max(axis=1, keepdims=True)
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(counts))
    loss = -np.log(share[rows, targets])
    share[rows, targets] -= 1.0
    return loss, share / 2.0


BUILT_IN = sr.CountMSE(target=8.0, other=2.0, dead_zone=1.0)


def squared(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """Regression: half the squared distance to wanted counts."""
    error = counts - targets
    return (0.5 * error**2).sum(axis=1), error


def network(dtype: str = "float64", recurrent: bool = True, v_th: float = 0.5) -> sr.Network:
    init = sr.Uniform(-0.3, 0.8)
    options: dict[str, Any] = {"tau_m": 20.0, "tau_s": 5.0, "v_th": v_th, "init": init}
    own = sr.Uniform(-0.2, 0.2)
    hidden = (
        sr.Recurrent(12, **options, recurrent_init=own) if recurrent else sr.Dense(12, **options)
    )
    return sr.Network(N_IN, [hidden, sr.Dense(N_OUT, **options)], dtype=dtype, seed=3)


def samples(n: int) -> tuple[sr.SpikeTrains, NDArray[np.int64]]:
    rng = np.random.default_rng(5)
    raster = rng.random((n, N_STEPS, N_IN)) < rng.uniform(0.05, 0.5, (n, 1, N_IN))
    return sr.SpikeTrains.from_dense(raster), rng.integers(0, N_OUT, n)


def weights(net: sr.Network) -> list[NDArray[Any]]:
    return [array for layer in net.weights for array in layer.values()]


def assert_same(a: sr.Network, b: sr.Network) -> None:
    for one, other in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(one, other)
