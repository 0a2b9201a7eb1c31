"""Gradients of spikes that no network has fired, against the oracle: any trains, any counts."""

from __future__ import annotations

import numpy as np
import pytest
from gradient_cases import OPTIONS, TOLERANCE, Options, assert_close, assume_solvable, core_loss
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import analytic
from oracle.losses import Loss
from oracle.model import finite_difference_gradients
from oracle.neuron import Counts, Layer
from strategies import Case, build_network, cases, losses, oracle_layers

import strsbp_rs


def trains_from_elsewhere(
    case: Case, layers: list[Layer], rate: float, most: int
) -> list[list[Counts]]:
    """Input of the case and made-up spikes of all layers, up to `most` in a step; by samples."""
    rng = np.random.default_rng(case.seed + 2)
    rasters = [case.rasters]
    for layer in layers:
        trains = rng.random((*case.rasters.shape[:2], layer.n_out)) < rate
        rasters.append(trains & (rng.random((len(trains), 1, layer.n_out)) < 0.8))
    counts = [trains * rng.integers(1, most, trains.shape, endpoint=True) for trains in rasters]
    return [[trains[sample] for trains in counts] for sample in range(len(case.labels))]


def spike_trains(samples: list[list[Counts]]) -> list[strsbp_rs.SpikeTrains]:
    """The same for the core."""
    return [
        strsbp_rs.SpikeTrains.from_counts(np.stack(trains)) for trains in zip(*samples, strict=True)
    ]


@settings(max_examples=80)
@given(
    case=cases(max_side=10, max_samples=3, max_steps=100),
    loss=losses(),
    options=OPTIONS,
    rate=st.sampled_from([0.01, 0.1, 0.4]),
    most=st.sampled_from([1, 3, 31]),
)
def test_spikes_recorded_elsewhere(
    case: Case, loss: Loss, options: Options, rate: float, most: int
) -> None:
    """Trains that have nothing to do with the network, inside refractory periods and at step 0."""
    net = build_network(case, "float64")
    layers = oracle_layers(case, net)
    samples = trains_from_elsewhere(case, layers, rate, most)
    assume_solvable(layers, samples, case, options, "float64")
    expected = analytic.analytic_gradients(
        layers, samples, case.labels, loss=loss, rule=options.oracle_rule(), gain=options.gain()
    )
    got = strsbp_rs.gradients_from_spikes(
        net, spike_trains(samples), case.labels, loss=core_loss(loss), rule=options.rule("float64")
    )
    assert_close(got, expected, TOLERANCE["float64"])


@settings(max_examples=40)
@given(
    case=cases(max_samples=1),
    loss=losses(),
    options=OPTIONS,
    rate=st.sampled_from([0.1, 0.4, 0.9]),
    most=st.sampled_from([2, 31]),
)
def test_several_spikes_in_a_step(
    case: Case, loss: Loss, options: Options, rate: float, most: int
) -> None:
    """Finite differences of the model, with more firings than steps too."""
    net = build_network(case, "float64")
    layers = oracle_layers(case, net)
    samples = trains_from_elsewhere(case, layers, rate, most)
    assume_solvable(layers, samples, case, options, "float64")
    expected = finite_difference_gradients(
        layers, samples, case.labels, loss=loss, rule=options.oracle_rule()
    )
    got = strsbp_rs.gradients_from_spikes(
        net, spike_trains(samples), case.labels, loss=core_loss(loss), rule=options.rule("float64")
    )
    assert_close(got, expected, TOLERANCE["float64"], rounding=1e-9 * (1.0 + expected.loss))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("post_coupling", ["closed_form", "table", "none"])
@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
def test_thirty_one_spikes_in_every_step(
    post_coupling: str, silent_ratio: float, dtype: str
) -> None:
    layers = [strsbp_rs.Recurrent(20, t_ref=2.0), strsbp_rs.Dense(3, lateral_inhibition=0.1)]
    net = strsbp_rs.Network(7, layers, dtype=dtype, seed=1)
    spikes = [strsbp_rs.SpikeTrains.from_counts(np.full((2, 50, n), 31)) for n in (7, 20, 3)]
    rule = strsbp_rs.StRsbp(post_coupling=post_coupling, silent_ratio=silent_ratio)
    got = strsbp_rs.gradients_from_spikes(net, spikes, [0, 2], rule=rule)
    gradients = [gradient for of_layer in got.weights for gradient in of_layer.values()]
    assert np.isfinite(got.loss) and all(np.isfinite(gradient).all() for gradient in gradients)
    assert all(np.abs(gradient).max() > 0.0 for gradient in gradients)
