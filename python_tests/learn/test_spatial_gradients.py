"""Gradients of convolutions, pools and what lies above them against the oracle.

The oracle has lists of synapses, several of which share a weight; see test_gradients.py for the
rest. Sizes are odd and even, strides and paddings beyond the kernel, kernels dilated and in groups,
synapses delayed.
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
    assume_solvable,
    by_sample,
    check_analytic,
    check_differences,
    core_loss,
    sum_of_samples,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import analytic
from oracle.losses import Loss, SoftmaxCrossEntropy
from oracle.neuron import Counts
from oracle.synapses import Windows
from spatial_cases import (
    Flat,
    Spatial,
    SpatialCase,
    build_spatial,
    oracle_spatial,
    spatial_cases,
)
from strategies import losses

import strsbp_rs as sr


@settings(max_examples=60)
@given(case=spatial_cases(most=30, max_steps=40), loss=losses(), options=OPTIONS)
def test_equal_finite_differences(case: SpatialCase, loss: Loss, options: Options) -> None:
    """float64, from recorded spikes and from the trainer's own simulation."""
    net = build_spatial(case, "float64")
    check_differences(net, oracle_spatial(case, net), case, loss, options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=60)
@given(case=spatial_cases(most=150, max_samples=5, max_steps=80), loss=losses(), options=OPTIONS)
def test_wider_layers(dtype: str, case: SpatialCase, loss: Loss, options: Options) -> None:
    """Both precisions, against the analytic oracle."""
    net = build_spatial(case, dtype)
    check_analytic(net, oracle_spatial(case, net), case, loss, options)


@settings(max_examples=40)
@given(
    case=spatial_cases(most=80),
    loss=losses(),
    options=OPTIONS,
    rate=st.sampled_from([0.02, 0.1, 0.4]),
    most=st.sampled_from([1, 3, 31]),
)
def test_spikes_recorded_elsewhere(
    case: SpatialCase, loss: Loss, options: Options, rate: float, most: int
) -> None:
    """Trains that have nothing to do with the network, several spikes in a step among them."""
    net = build_spatial(case, "float64")
    layers = oracle_spatial(case, net)
    rng = np.random.default_rng(case.seed + 2)
    sizes = [case.rasters.shape[2], *(layer.n_out for layer in layers)]
    shapes = [(*case.rasters.shape[:2], n) for n in sizes]
    counts = [
        (rng.random(shape) < rate) * rng.integers(1, most, shape, endpoint=True) for shape in shapes
    ]
    samples: list[list[Counts]] = [
        [trains[sample] for trains in counts] for sample in range(len(case.labels))
    ]
    assume_solvable(layers, samples, case, options, "float64")
    expected = analytic.analytic_gradients(
        layers, samples, case.labels, loss=loss, rule=options.oracle_rule(), gain=options.gain()
    )
    trains = [sr.SpikeTrains.from_counts(array) for array in counts]
    got = sr.gradients_from_spikes(
        net, trains, case.labels, loss=core_loss(loss), rule=options.rule("float64")
    )
    assert_close(got, expected, TOLERANCE["float64"])


CONSTANTS = {"tau_m": 32.0, "tau_s": 4.0, "t_ref": 2.0, "discretisation": "euler"}
LAYERS = (
    Spatial(Windows((3, 3), padding=(1, 1)), channels=20),
    Spatial(Windows((2, 2), stride=(2, 2))),
    Spatial(Windows((3, 2), dilation=(1, 2)), channels=36, groups=2, delay=(0, 3)),
)


@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layers_of_several_vectors_and_tasks(dtype: str, silent_ratio: float) -> None:
    """Channels beyond one vector, many of whose neurons fire; a recurrent layer above."""
    rng = np.random.default_rng(3)
    rasters = rng.random((3, 60, 2 * 9 * 7)) < 0.08
    flat = (Flat(24, recurrent=True), Flat(4, recurrent=False))
    case = SpatialCase((2, 9, 7), False, LAYERS, flat, CONSTANTS, rasters, [0, 3, 1], 1.0, 8)
    net = build_spatial(case, dtype)
    layers = oracle_spatial(case, net)
    spikes = net.run(rasters).spikes
    assert all(trains.counts().any(axis=0).mean() > 0.3 for trains in spikes[1:])
    options = Options("closed_form", silent_ratio, True, 12, None)
    samples, loss = by_sample(spikes), SoftmaxCrossEntropy(temperature=4.0)
    expected, scale = sum_of_samples(case, layers, samples, loss, options)
    got = [
        sr.gradients_from_spikes(
            net,
            spikes,
            case.labels,
            loss=core_loss(loss),
            rule=options.rule(dtype),
            n_threads=n_threads,
        )
        for n_threads in (1, 2, 5)
    ]
    assert_close(got[0], expected, TOLERANCE[dtype], scale=scale)
    for other in got[1:]:
        for of_layer, same in zip(got[0].weights, other.weights, strict=True):
            for name, gradient in of_layer.items():
                np.testing.assert_array_equal(gradient, same[name])


def test_pools_have_no_gradients_and_pass_them_on() -> None:
    rng = np.random.default_rng(4)
    layers: list[Any] = [sr.Conv2d(3, 3, v_th=1.0), sr.AvgPool2d(2), sr.Dense(3, v_th=1.0)]
    net = sr.Network((8, 8), layers, seed=2)
    found = sr.Trainer(net).gradients(rng.random((4, 60, 64)) < 0.1, [0, 1, 2, 0])
    assert [sorted(of_layer) for of_layer in found.weights] == [["weight"], [], ["weight"]]
    assert found.weights[0]["weight"].shape == (3, 1, 3, 3)
    assert (found.weights[0]["weight"] != 0.0).all()
