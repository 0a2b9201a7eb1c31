"""The oracle against itself: its three ways to the same gradient must agree before it may judge.

The analytic gradient (one linear solve per layer) against finite differences of the non-linear
spike-train level model (Newton): a check of the mathematics, not of any code of the core.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import analytic, coupling, losses, recorded
from oracle.losses import CountMSE, Loss
from oracle.model import Gradients, finite_difference_gradients
from oracle.neuron import Array, Layer, Raster, spike_trains
from oracle.recorded import Rule
from strategies import Case, cases, random_oracle_layers
from strategies import losses as loss_strategy

RELATIVE = 1e-6


def largest_condition(
    layers: list[Layer],
    samples: list[list[Raster]],
    labels: list[int],
    rule: Rule,
    gain: analytic.Gain | None,
) -> float:
    """Largest condition number of the systems the backward pass solves."""
    return max(
        float(np.linalg.cond(analytic.system_matrix(point, gain)))
        for trains, label in zip(samples, labels, strict=True)
        for point in recorded.sample_point(layers, trains, label, rule).layers
    )


def assert_close(got: Gradients, expected: Gradients) -> None:
    """Each array to RELATIVE of its largest entry; the second term is the differences' rounding."""
    assert got.loss == pytest.approx(expected.loss, rel=1e-12, abs=1e-12)
    for of_layer, expected_layer in zip(got.weights, expected.weights, strict=True):
        assert of_layer.keys() == expected_layer.keys()
        for name, gradient in of_layer.items():
            error = np.abs(gradient - expected_layer[name]).max()
            scale = np.abs(expected_layer[name]).max()
            assert error <= RELATIVE * scale + 1e-9 * (1.0 + expected.loss), name


def dead_time(layer: Layer, counts: Array, duration: float) -> Array:
    """d(o) with refractoriness."""
    return coupling.closed_form_psp(counts, tau_m=layer.tau_m, duration=duration, t_ref=layer.t_ref)


def dead_time_gain(layer: Layer, counts: Array, duration: float) -> Array:
    """1/(1 - S) with refractoriness."""
    return coupling.closed_form_gain(
        counts, tau_m=layer.tau_m, duration=duration, t_ref=layer.t_ref
    )


POST_COUPLINGS: dict[str, tuple[recorded.MeanPsp | None, analytic.Gain | None]] = {
    "closed_form": (recorded.closed_form, analytic.closed_form),
    "dead_time": (dead_time, dead_time_gain),
    "none": (None, None),
}


@settings(max_examples=80)
@given(
    case=cases(),
    loss=loss_strategy(),
    post_coupling=st.sampled_from(sorted(POST_COUPLINGS)),
    silent_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    teacher_spikes=st.booleans(),
    sample_weights=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=2, max_size=2),
)
def test_analytic_gradient_is_the_models_derivative(
    case: Case,
    loss: Loss,
    post_coupling: str,
    silent_ratio: float,
    teacher_spikes: bool,
    sample_weights: list[float],
) -> None:
    """Finite differences of the Newton-solved model equal the linear solve, all options."""
    layers = random_oracle_layers(case)
    samples = [spike_trains(layers, raster) for raster in case.rasters]
    mean_psp, gain = POST_COUPLINGS[post_coupling]
    rule = Rule(mean_psp, silent_ratio, teacher_spikes, teacher_count=3)
    # Near-singular systems have gradients that no finite difference can follow.
    assume(largest_condition(layers, samples, case.labels, rule, gain) < 300.0)
    weights = sample_weights[: len(samples)]
    expected = analytic.analytic_gradients(
        layers, samples, case.labels, loss=loss, rule=rule, gain=gain, sample_weight=weights
    )
    differences = finite_difference_gradients(
        layers, samples, case.labels, loss=loss, rule=rule, sample_weight=weights
    )
    assert_close(differences, expected)


def test_teacher_spikes_reach_a_silent_target() -> None:
    """Without them the gradient of a silent target's weights is zero, with them it pushes up."""
    rng = np.random.default_rng(5)
    layer = Layer(weight=np.array([[0.3, 0.1], [-0.5, -0.2]]), v_th=2.0)
    trains = spike_trains([layer], rng.random((100, 2)) < 0.3)
    assert not trains[-1][:, 1].any()
    for teacher_spikes in (False, True):
        rule = Rule(teacher_spikes=teacher_spikes)
        gradients = analytic.analytic_gradients([layer], [trains], [1], loss=CountMSE(), rule=rule)
        gradient = gradients.weights[0]["weight"][1]
        assert gradients.loss > 0.5 * 35.0**2
        assert np.all(gradient < 0.0) if teacher_spikes else np.all(gradient == 0.0)


@pytest.mark.parametrize(
    ("n_steps", "n_firings", "steps"),
    [(10, 2, [2, 7]), (4, 4, [1, 2, 3]), (3, 12, [1, 2]), (400, 1, [200]), (1, 1, [])],
)
def test_teacher_train(n_steps: int, n_firings: int, steps: list[int]) -> None:
    """Middles of equal parts, never step 0, at most one firing a step."""
    assert np.flatnonzero(recorded.teacher_train(n_steps, n_firings)).tolist() == steps


def test_penalty_gradient_is_its_derivative() -> None:
    """Central differences of the exponential penalty."""
    weight = np.random.default_rng(3).normal(size=(3, 4))
    gradient = losses.exponential_penalty_gradient(weight, lam=10.0, beta=0.3, scale=2.0)
    for index in np.ndindex(*weight.shape):
        step = np.zeros_like(weight)
        step[index] = 1e-5
        up, down = (
            losses.exponential_penalty(weight + sign * step, lam=10.0, beta=0.3, scale=2.0)
            for sign in (1.0, -1.0)
        )
        assert gradient[index] == pytest.approx((up - down) / 2e-5, rel=1e-7, abs=1e-8)
