"""Gradients of the core against the oracle: every kind of layer, mask, loss and option.

In float64 to 1e-6 of the largest entry of each array, in float32 to 1e-3. Small networks are
judged by finite differences of the spike-train level model; wider ones, which cross the blocks of
neurons the core works in, by the analytic oracle that test_oracle.py holds against the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import analytic, recorded
from oracle.losses import CountMSE, Loss, SoftmaxCrossEntropy
from oracle.model import Gradients, finite_difference_gradients
from oracle.neuron import Array, Counts, Layer, Raster
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


@settings(max_examples=120)
@given(case=cases(), loss=losses(), options=OPTIONS)
def test_equal_finite_differences(case: Case, loss: Loss, options: Options) -> None:
    """float64, from recorded spikes and from the trainer's own simulation."""
    net = build_network(case, "float64")
    layers = oracle_layers(case, net)
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
        for name, gradient in of_layer.items():
            np.testing.assert_array_equal(gradient, same[name])


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
    layers = oracle_layers(case, net)
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
