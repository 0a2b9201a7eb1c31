"""Gradients of the core against the oracle: every kind of layer, mask, loss and option.

In float64 to 1e-6 of the largest entry of each array, in float32 to 1e-3. Small networks are
judged by finite differences of the spike-train level model; wider ones, which cross the blocks of
neurons the core works in, by the analytic oracle that test_oracle.py holds against the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradient_cases import (
    OPTIONS,
    TOLERANCE,
    Options,
    assert_close,
    by_sample,
    check_analytic,
    check_differences,
    core_loss,
    sum_of_samples,
)
from hypothesis import given, settings
from oracle import analytic, recorded
from oracle.losses import CountMSE, Loss, SoftmaxCrossEntropy
from strategies import (
    Case,
    DelaySteps,
    LayerSpec,
    build_network,
    cases,
    losses,
    oracle_layers,
)

import strsbp_rs


@settings(max_examples=120)
@given(case=cases(), loss=losses(), options=OPTIONS)
def test_equal_finite_differences(case: Case, loss: Loss, options: Options) -> None:
    """float64, from recorded spikes and from the trainer's own simulation."""
    net = build_network(case, "float64")
    check_differences(net, oracle_layers(case, net), case, loss, options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=60)
@given(
    case=cases(max_side=10, max_samples=6, max_steps=100),
    loss=losses(),
    options=OPTIONS,
)
def test_wide_layers(dtype: str, case: Case, loss: Loss, options: Options) -> None:
    """Up to 40 neurons a layer, in both precisions, against the analytic oracle."""
    net = build_network(case, dtype)
    check_analytic(net, oracle_layers(case, net), case, loss, options)


@settings(max_examples=20)
@given(case=cases(kinds=("sparse", "reservoir"), max_side=5), loss=losses())
def test_absent_synapses_have_no_gradient(case: Case, loss: Loss) -> None:
    """Exactly 0 where the mask has no synapse, and on the diagonal without self-loops."""
    net = build_network(case, "float32")
    trainer = strsbp_rs.Trainer(net, loss=core_loss(loss))
    gradients = trainer.gradients(case.rasters, case.labels)
    for spec, weights, gradient in zip(case.specs, net.weights, gradients.weights, strict=True):
        assert gradient.keys() == weights.keys()
        if spec.kind == "dense":
            assert "recurrent_weight" not in gradient
            continue
        absent = weights["recurrent_weight"] == 0.0
        assert spec.self_loops or np.all(np.diag(absent))
        assert np.all(gradient["recurrent_weight"][absent] == 0.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_default_tolerance_on_a_large_recurrent_layer(dtype: str) -> None:
    """More samples than the core works on at once, and its default solver tolerance of 1e-4."""
    constants: dict[str, Any] = {
        "tau_m": 64.0,
        "tau_s": 8.0,
        "t_ref": 2.0,
        "discretisation": "euler",
    }
    specs = (
        LayerSpec("all_to_all", (1, 1, 90), v_th=20.0, **constants),
        LayerSpec("dense", (1, 1, 5), v_th=15.0, **constants),
    )
    rng = np.random.default_rng(11)
    rasters = rng.random((70, 120, 20)) < 0.05
    labels = rng.integers(0, 5, len(rasters)).tolist()
    case = Case(specs, rasters, labels, dt=1.0, seed=4)
    net = build_network(case, dtype)
    spikes = net.run(rasters).spikes
    assert spikes[1].counts().mean() > 2.0
    got = strsbp_rs.gradients_from_spikes(
        net,
        spikes,
        labels,
        loss=strsbp_rs.CountMSE(target=35.0, other=5.0, dead_zone=5.0),
        rule=strsbp_rs.StRsbp(post_coupling="closed_form"),
    )
    expected = analytic.analytic_gradients(
        oracle_layers(case, net),
        by_sample(spikes),
        labels,
        loss=CountMSE(target=35.0, other=5.0, dead_zone=5.0),
        rule=recorded.Rule(),
    )
    assert_close(got, expected, 1e-3)


@pytest.mark.parametrize("delay", [0, (0, 5)])
@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layers_of_several_groups_and_tasks(
    dtype: str, silent_ratio: float, delay: DelaySteps
) -> None:
    """Two trained layers of 150 neurons, most of which fire: more than the core takes at once."""
    constants: dict[str, Any] = {
        "tau_m": 32.0,
        "tau_s": 4.0,
        "t_ref": 2.0,
        "discretisation": "euler",
        "delay": delay,
    }
    specs = (
        LayerSpec("dense", (1, 1, 150), v_th=4.0, **constants),
        LayerSpec("all_to_all", (1, 10, 15), v_th=30.0, recurrent_delay=delay, **constants),
        LayerSpec("dense", (1, 1, 4), v_th=30.0, **constants),
    )
    rng = np.random.default_rng(12)
    rasters = rng.random((5, 80, 30)) < 0.05
    labels = [0, 1, 2, 3, 0]
    case = Case(specs, rasters, labels, dt=1.0, seed=5)
    net = build_network(case, dtype)
    spikes = net.run(rasters).spikes
    firing = [(trains.counts() > 0).sum(axis=1) for trains in spikes[1:3]]
    assert all(65 < n <= 150 for counts in firing for n in counts)
    options = Options("closed_form", silent_ratio, True, 12, None)
    samples, loss = by_sample(spikes), SoftmaxCrossEntropy(temperature=4.0)
    layers = oracle_layers(case, net)
    expected, scale = sum_of_samples(case, layers, samples, loss, options)
    got = strsbp_rs.gradients_from_spikes(
        net, spikes, labels, loss=core_loss(loss), rule=options.rule(dtype)
    )
    assert_close(got, expected, TOLERANCE[dtype], scale=scale)


def test_a_singular_system_is_reported() -> None:
    """Two silent neurons whose inhibition cancels 1 - S exactly: an error, no made-up gradient."""
    net = strsbp_rs.Network(
        1, [strsbp_rs.Dense(2, v_th=0.5, lateral_inhibition=1.0)], dtype="float64"
    )
    raster = np.zeros((1, 10, 1), dtype=np.bool_)
    rule = strsbp_rs.StRsbp(silent_ratio=0.5, teacher_spikes=False)
    trainer = strsbp_rs.Trainer(net, loss=strsbp_rs.CountMSE(), rule=rule)
    with pytest.raises(ValueError, match="singular"):
        trainer.gradients(raster, [0])
