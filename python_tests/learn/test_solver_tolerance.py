"""What the solver's tolerance leaves of the gradients, as `Trainer.gradients` says."""

from __future__ import annotations

import numpy as np
import pytest

import strsbp_rs as sr

CONSTANTS = {"tau_m": 64.0, "tau_s": 8.0, "t_ref": 2.0}


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0])
def test_gradients_are_off_by_about_the_tolerance(scale: float) -> None:
    uniform = sr.Uniform(-1.0, 1.0)
    layers = [
        sr.Recurrent(
            60, v_th=20.0, init=uniform, recurrent_init=sr.Uniform(-scale, scale), **CONSTANTS
        ),
        sr.Dense(5, v_th=15.0, init=uniform, **CONSTANTS),
    ]
    net = sr.Network(20, layers, seed=4, dtype="float64")
    rng = np.random.default_rng(11)
    spikes = net.run(rng.random((20, 200, 20)) < 0.2).spikes
    labels = rng.integers(0, 5, 20)
    assert spikes[1].counts().mean() > 0.5

    def gradients(sample: int, tolerance: float) -> np.ndarray:
        found = sr.gradients_from_spikes(
            net,
            [trains[sample : sample + 1] for trains in spikes],
            labels[sample : sample + 1],
            rule=sr.StRsbp(solver_tolerance=tolerance),
            n_threads=1,
        )
        return np.concatenate([g.ravel() for layer in found.weights for g in layer.values()])

    exact = [gradients(sample, 1e-13) for sample in range(20)]
    assert all(np.linalg.norm(g) > 0 for g in exact)
    for tolerance in (1e-4, 1e-6, 1e-8):
        errors = [
            np.linalg.norm(gradients(sample, tolerance) - g) / np.linalg.norm(g)
            for sample, g in enumerate(exact)
        ]
        assert 0 < max(errors) < 3 * tolerance, (tolerance, max(errors))
