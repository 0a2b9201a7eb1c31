"""Options of the backward pass for the core and for the oracle, and how their gradients compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from oracle import analytic, recorded
from oracle.losses import CountMSE, Loss
from oracle.model import Gradients, finite_difference_gradients
from oracle.neuron import Array, Counts, Layer, Raster
from strategies import Case

import strsbp_rs

TOLERANCE = {"float64": 1e-6, "float32": 1e-3}
SOLVER_TOLERANCE = {"float64": 1e-12, "float32": 1e-6}

# Rounding grows with the condition of the layers' systems: float32 needs benign ones, and where a
# system is near singular no finite difference can follow its gradient.
LARGEST_CONDITION = {"float64": 300.0, "float32": 30.0}


Samples = list[list[Raster]] | list[list[Counts]]
"""Spikes of the input and of every layer, sample by sample."""


@dataclass(frozen=True)
class Options:
    """What can be asked of the backward pass, and the factor of each sample."""

    post_coupling: str
    silent_ratio: float
    teacher_spikes: bool
    teacher_count: int
    sample_weight: tuple[float, ...] | None

    def rule(self, dtype: str) -> strsbp_rs.StRsbp:
        """The core's options."""
        return strsbp_rs.StRsbp(
            post_coupling=self.post_coupling,
            silent_ratio=self.silent_ratio,
            teacher_spikes=self.teacher_spikes,
            teacher_count=self.teacher_count,
            solver_tolerance=SOLVER_TOLERANCE[dtype],
        )

    def oracle_rule(self) -> recorded.Rule:
        """The oracle's options."""
        mean_psp = {"closed_form": recorded.closed_form, "table": table_psp, "none": None}
        return recorded.Rule(
            mean_psp[self.post_coupling],
            self.silent_ratio,
            self.teacher_spikes,
            self.teacher_count,
        )

    def gain(self) -> analytic.Gain | None:
        """The gain of the oracle's analytic gradient."""
        gains = {"closed_form": analytic.closed_form, "table": table_gain, "none": None}
        return gains[self.post_coupling]

    def sample_weights(self, n_samples: int) -> list[float] | None:
        """One factor per sample, drawn ones repeated."""
        if self.sample_weight is None:
            return None
        return [self.sample_weight[i % len(self.sample_weight)] for i in range(n_samples)]


OPTIONS = st.builds(
    Options,
    post_coupling=st.sampled_from(["closed_form", "table", "none"]),
    silent_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    teacher_spikes=st.booleans(),
    teacher_count=st.sampled_from([3, 12, 35]),
    sample_weight=st.none() | st.tuples(*[st.sampled_from([0.0, 0.25, 1.0, 4.0])] * 2),
)


def table_slope(layer: Layer, counts: Array, duration: float) -> Array:
    """S of the core's table at the nearest whole counts: a table has nothing to derive it from."""
    s = strsbp_rs.post_coupling(
        "table",
        tau_m=layer.tau_m,
        tau_s=layer.tau_s,
        t_ref=layer.t_ref,
        n_steps=round(duration / layer.dt),
        dt=layer.dt,
        discretisation=layer.discretisation,
    )
    return np.asarray(s[np.minimum(np.round(counts).astype(int), len(s) - 1)])


def table_psp(layer: Layer, counts: Array, duration: float) -> Array:
    """d(o) proportional to o^S around every whole count."""
    return np.asarray(counts ** table_slope(layer, counts, duration))


def table_gain(layer: Layer, counts: Array, duration: float) -> Array:
    """1/(1 - S) of the table."""
    return np.asarray(1.0 / (1.0 - table_slope(layer, counts, duration)))


def core_loss(loss: Loss) -> strsbp_rs.CountMSE | strsbp_rs.SoftmaxCrossEntropy:
    """The same loss in the core."""
    if isinstance(loss, CountMSE):
        return strsbp_rs.CountMSE(target=loss.target, other=loss.other, dead_zone=loss.dead_zone)
    return strsbp_rs.SoftmaxCrossEntropy(temperature=loss.temperature)


def by_sample(spikes: list[strsbp_rs.SpikeTrains]) -> list[list[Raster]]:
    """Recorded trains of the input and of every layer, sample by sample."""
    dense = [trains.to_dense() for trains in spikes]
    return [[trains[sample] for trains in dense] for sample in range(len(dense[0]))]


def assume_solvable(
    layers: list[Layer], samples: Samples, case: Case, options: Options, dtype: str
) -> None:
    """Leaves out examples whose gradient the precision does not determine."""
    rule, gain = options.oracle_rule(), options.gain()
    for trains, label in zip(samples, case.labels, strict=True):
        for point in recorded.sample_point(layers, trains, label, rule).layers:
            condition = np.linalg.cond(analytic.system_matrix(point, gain))
            assume(condition < LARGEST_CONDITION[dtype])


def assert_close(
    got: strsbp_rs.Gradients,
    expected: Gradients,
    tolerance: float,
    *,
    scale: Gradients | None = None,
    rounding: float = 0.0,
) -> None:
    """Every array to the tolerance, relative to the largest entry of it, or of it in scale."""
    assert got.loss == pytest.approx(expected.loss, rel=1e-9, abs=1e-12)
    for number, (of_layer, expected_layer) in enumerate(
        zip(got.weights, expected.weights, strict=True)
    ):
        assert of_layer.keys() == expected_layer.keys()
        for name, gradient in of_layer.items():
            assert gradient.shape == expected_layer[name].shape
            error = np.abs(gradient - expected_layer[name]).max()
            largest = np.abs((scale or expected).weights[number][name]).max()
            assert error <= tolerance * largest + rounding, name


def sum_of_samples(
    case: Case, layers: list[Layer], samples: list[list[Raster]], loss: Loss, options: Options
) -> tuple[Gradients, Gradients]:
    """Analytic gradients, and the same with the absolute values of every sample's summed.

    Where samples cancel, the rounding of their sum in float32 is still that of its terms.
    """
    weights = options.sample_weights(len(samples)) or [1.0] * len(samples)
    of_samples = [
        analytic.analytic_gradients(
            layers,
            [trains],
            [label],
            loss=loss,
            rule=options.oracle_rule(),
            gain=options.gain(),
            sample_weight=[weight / len(samples)],
        )
        for trains, label, weight in zip(samples, case.labels, weights, strict=True)
    ]

    def summed(part: Callable[[Array], Array]) -> Gradients:
        arrays = [
            {
                name: np.sum([part(g.weights[number][name]) for g in of_samples], axis=0)
                for name in of_samples[0].weights[number]
            }
            for number in range(len(layers))
        ]
        return Gradients(sum(g.loss for g in of_samples), arrays)

    return summed(np.asarray), summed(np.abs)


def check_differences(
    net: strsbp_rs.Network, layers: list[Layer], case: Any, loss: Loss, options: Options
) -> None:
    """Finite differences, of recorded spikes and of the trainer's own simulation, in float64."""
    spikes = net.run(case.rasters).spikes
    samples = by_sample(spikes)
    assume_solvable(layers, samples, case, options, "float64")
    weights = options.sample_weights(len(samples))
    expected = finite_difference_gradients(
        layers,
        samples,
        case.labels,
        loss=loss,
        rule=options.oracle_rule(),
        sample_weight=weights,
    )
    of_spikes = strsbp_rs.gradients_from_spikes(
        net,
        spikes,
        case.labels,
        loss=core_loss(loss),
        rule=options.rule("float64"),
        sample_weight=weights,
    )
    # The rounding of the differences, which a small gradient under a large loss does not swamp.
    assert_close(of_spikes, expected, TOLERANCE["float64"], rounding=1e-9 * (1.0 + expected.loss))

    trainer = strsbp_rs.Trainer(net, loss=core_loss(loss), rule=options.rule("float64"))
    simulated = trainer.gradients(case.rasters, case.labels, sample_weight=weights)
    assert simulated.loss == of_spikes.loss
    for of_layer, same in zip(simulated.weights, of_spikes.weights, strict=True):
        assert of_layer.keys() == same.keys()
        for name, gradient in of_layer.items():
            np.testing.assert_array_equal(gradient, same[name])


def check_analytic(
    net: strsbp_rs.Network,
    layers: list[Layer],
    case: Any,
    loss: Loss,
    options: Options,
) -> None:
    """From recorded spikes, in the network's precision, against the analytic oracle."""
    dtype = str(net.dtype)
    spikes = net.run(case.rasters).spikes
    samples = by_sample(spikes)
    assume_solvable(layers, samples, case, options, dtype)
    expected, scale = sum_of_samples(case, layers, samples, loss, options)
    got = strsbp_rs.gradients_from_spikes(
        net,
        spikes,
        case.labels,
        loss=core_loss(loss),
        rule=options.rule(dtype),
        sample_weight=options.sample_weights(len(samples)),
    )
    assert_close(got, expected, TOLERANCE[dtype], scale=scale)
    assert all(g.dtype == dtype for of_layer in got.weights for g in of_layer.values())
