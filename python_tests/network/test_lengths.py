"""Samples of different lengths: each as if it were alone."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr

RNG = np.random.default_rng(3)
LENGTHS = [40, 25, 60, 31, 2, 60]
RASTERS = [RNG.random((n, 8)) < 0.3 for n in LENGTHS]
CLASSES = np.arange(len(LENGTHS)) % 3
LAYERS = [sr.Recurrent(30, v_th=1.0, delay=sr.UniformDelay(0, 3)), sr.Dense(3, v_th=1.0)]


def network(seed: int = 1) -> sr.Network:
    return sr.Network(8, LAYERS, seed=seed)


def alone(sample: int) -> NDArray[np.bool_]:
    return RASTERS[sample][None]


@pytest.mark.parametrize("engine", ["clocked", "event", "continuous", "auto"])
def test_every_sample_runs_as_if_alone(engine: str) -> None:
    net, trains = network(), sr.SpikeTrains.from_rasters(RASTERS)
    for n_threads in (1, 2):
        run = net.run(trains, engine=engine, n_threads=n_threads)
        counts = net.spike_counts(trains, engine=engine, n_threads=n_threads)
        np.testing.assert_array_equal(run.counts, counts)
        for sample in range(len(LENGTHS)):
            single = net.run(alone(sample), engine=engine)
            np.testing.assert_array_equal(counts[sample : sample + 1], single.counts)
            for got, expected in zip(run.spikes, single.spikes, strict=True):
                np.testing.assert_array_equal(got.lengths, LENGTHS)
                assert got[sample][:, : LENGTHS[sample]] == expected
                assert got[sample].n_spikes == expected.n_spikes
    assert run.spikes[1].n_spikes > 100


def test_integers_run_every_sample_as_if_alone() -> None:
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    fixed = network().to_fixed("loihi")
    together = fixed.run(trains)
    for sample in range(len(LENGTHS)):
        single = fixed.run(alone(sample))
        assert together.spikes[1][sample][:, : LENGTHS[sample]] == single.spikes[1]
    np.testing.assert_array_equal(fixed.spike_counts(trains), together.counts)


def test_reports_of_fixed_point_take_samples_of_any_length() -> None:
    net, trains = network(), sr.SpikeTrains.from_rasters(RASTERS)
    report = net.to_fixed("loihi").report(trains, CLASSES)
    assert all(np.isfinite(layer.distance) for layer in report.layers)


def test_what_was_done_is_counted_for_the_steps_that_were_run() -> None:
    net = network()
    together = net.run(sr.SpikeTrains.from_rasters(RASTERS))
    singles = [net.run(alone(sample)) for sample in range(len(LENGTHS))]
    assert together.operations.state_updates == sum(r.operations.state_updates for r in singles)
    assert together.operations.synaptic_events == sum(r.operations.synaptic_events for r in singles)


def test_traces_rest_behind_the_end() -> None:
    net = network()
    run = net.run(sr.SpikeTrains.from_rasters(RASTERS), record_traces={0: [3, 7]})
    for sample, length in enumerate(LENGTHS):
        single = net.run(alone(sample), record_traces={0: [3, 7]})
        np.testing.assert_array_equal(run.potential[0][sample, :length], single.potential[0][0])
        assert (run.potential[0][sample, length:] == 0).all()


@pytest.mark.parametrize(
    "loss, shorter",
    [
        (sr.CountMSE(12.0, 3.0, 1.0), lambda r: sr.CountMSE(12.0 * r, 3.0 * r, 1.0 * r)),
        (sr.SoftmaxCrossEntropy(2.0), lambda r: sr.SoftmaxCrossEntropy(2.0 * r)),
    ],
)
def test_gradients_are_the_mean_of_those_of_every_sample(loss: Any, shorter: Any) -> None:
    """Where the coupling knows nothing of lengths; counts are meant for the longest."""
    options = {"rule": sr.StRsbp(post_coupling="none", solver_tolerance=1e-9)}
    trains, net = sr.SpikeTrains.from_rasters(RASTERS), network()
    together = sr.Trainer(net, loss=loss, **options).gradients(trains, CLASSES)
    again = sr.gradients_from_spikes(net, net.run(trains).spikes, CLASSES, loss=loss, **options)
    mean: Any = 0.0
    losses = []
    for sample, length in enumerate(LENGTHS):
        trainer = sr.Trainer(net, loss=shorter(length / 60), **options)
        single = trainer.gradients(alone(sample), CLASSES[sample : sample + 1])
        losses.append(single.loss)
        mean = mean + single.weights[0]["weight"].astype(float) / len(LENGTHS)
    assert np.abs(mean).max() > 1e-4
    for found in (together, again):
        assert found.loss == pytest.approx(np.mean(losses), rel=1e-6)
        np.testing.assert_allclose(found.weights[0]["weight"], mean, rtol=1e-3, atol=1e-6)
    evaluated = sr.Trainer(net, loss=loss).evaluate(trains, CLASSES)
    assert evaluated.loss == pytest.approx(together.loss, rel=1e-6)
    assert net.evaluate(trains, CLASSES, loss=loss).loss == pytest.approx(together.loss, rel=1e-6)


@pytest.mark.parametrize("coupling", ["closed_form", "table", "auto"])
def test_couplings_are_those_of_the_length(coupling: Any) -> None:
    """Lengths of five binary digits have a coupling that is exactly theirs."""
    rule = sr.StRsbp(post_coupling=coupling, solver_tolerance=1e-9)
    lengths = [20, 60, 48, 31]
    rasters = [RNG.random((n, 8)) < 0.3 for n in lengths]
    net = sr.Network(8, [sr.Dense(20, v_th=1.0), sr.Dense(3, v_th=1.0)], seed=4)
    trains = sr.SpikeTrains.from_rasters(rasters)
    together = sr.Trainer(net, rule=rule).gradients(trains, [0, 1, 2, 0])
    mean: Any = 0.0
    for raster, y in zip(rasters, [0, 1, 2, 0], strict=True):
        # Of the same loss: a temperature is that of the longest.
        loss = sr.SoftmaxCrossEntropy(sr.SoftmaxCrossEntropy().temperature * len(raster) / 60)
        single = sr.Trainer(net, rule=rule, loss=loss).gradients(raster[None], [y])
        mean = mean + single.weights[0]["weight"].astype(float) / 4
    np.testing.assert_allclose(together.weights[0]["weight"], mean, rtol=1e-3, atol=1e-6)


def test_training_goes_by_the_steps_that_were_run() -> None:
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    bits = []
    for n_threads in (1, 2):
        net = network()
        trainer = sr.Trainer(net, n_threads=n_threads, batch_size=4)
        history = trainer.fit(trains, CLASSES, epochs=2, progress=False)
        bits.append(net.weights[0]["weight"])
    np.testing.assert_array_equal(*bits)
    evaluation = trainer.evaluate(trains, CLASSES)
    spikes = net.run(trains).spikes
    expected = [s.n_spikes / (sum(LENGTHS) * s.shape[2]) for s in spikes[1:]]
    np.testing.assert_allclose(evaluation.firing_rate, expected)
    np.testing.assert_allclose(net.evaluate(trains, CLASSES).firing_rate, expected)
    assert len(history["loss"]) == 2


def test_rates_are_drawn_by_the_steps_that_were_run() -> None:
    pytest.importorskip("matplotlib")
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    axes = sr.plot.rates([trains])
    found = axes.collections[0].get_offsets()[:, 0]
    expected = 100 * trains.counts().sum(axis=0) / sum(LENGTHS)
    np.testing.assert_allclose(found, expected)


def test_lists_of_rasters_are_samples_of_different_lengths() -> None:
    net, trains = network(), sr.SpikeTrains.from_rasters(RASTERS)
    np.testing.assert_array_equal(net.spike_counts(RASTERS), net.spike_counts(trains))
    counts = [raster.astype(int) for raster in RASTERS]
    np.testing.assert_array_equal(net.spike_counts(counts), net.spike_counts(trains))
    with pytest.raises(ValueError, match=r"x\[0\] has shape \(40, 7\), expected \(n_steps, n_in=8"):
        net.spike_counts([raster[:, :7] for raster in RASTERS])


def test_a_set_is_selected_from_joined_copied_and_kept(tmp_path: Path) -> None:
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    np.testing.assert_array_equal(trains.lengths, LENGTHS)
    assert trains.shape == (6, 60, 8)
    for sample in range(6):
        np.testing.assert_array_equal(
            trains[sample].to_dense()[0, : LENGTHS[sample]], RASTERS[sample]
        )
    np.testing.assert_array_equal(trains[[3, 0]].lengths, [31, 40])
    np.testing.assert_array_equal(trains[1:4].lengths, [25, 60, 31])
    np.testing.assert_array_equal(trains[:4, 10:30].lengths, [20, 15, 20, 20])
    assert trains[[2, 5]] == sr.SpikeTrains.from_dense(np.stack([RASTERS[2], RASTERS[5]]))
    joined = sr.SpikeTrains.concatenate([trains[:2], trains[2:]])
    trains.save(tmp_path / "trains.safetensors")
    again = (
        *(joined, copy.copy(trains), copy.deepcopy(trains), pickle.loads(pickle.dumps(trains))),
        sr.SpikeTrains.load(tmp_path / "trains.safetensors"),
    )
    for other in again:
        assert other == trains
    assert trains != trains.with_lengths([60] * 6)
    assert "n_steps=2 to 60" in repr(trains)
    assert [len(events["t"]) for events in trains.to_events()] == [r.sum() for r in RASTERS]
    longer = sr.SpikeTrains.from_rasters(RASTERS, n_steps=80)
    assert longer.shape == (6, 80, 8)
    np.testing.assert_array_equal(longer.lengths, LENGTHS)


def test_distances_are_of_samples_as_long() -> None:
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    distance = sr.van_rossum(trains, trains, tau=5.0)
    np.testing.assert_array_equal(distance, np.zeros((6, 8)))
    with pytest.raises(ValueError, match="sample 0 of b must be 40 steps, as in a, got 60"):
        sr.van_rossum(trains, trains.with_lengths([60] * 6), tau=5.0)


def test_what_is_no_length_is_refused() -> None:
    trains = sr.SpikeTrains.from_rasters(RASTERS)
    cases: list[tuple[Any, type[Exception], str]] = [
        ([60] * 5, ValueError, r"lengths has shape \(5,\), expected \(n_samples=6,\)"),
        (
            [60, 60, 60, 60, 60, 61],
            ValueError,
            r"lengths\[5\] must be in \[1, n_steps=60\], got 61",
        ),
        ([0] * 6, ValueError, r"lengths\[0\] must be in \[1, n_steps=60\], got 0"),
        ([60, 60, 5, 60, 60, 60], ValueError, r"lengths\[2\] must be > 5., the step of the sample"),
        ([[60] * 6], ValueError, r"lengths has shape \(1, 6\), expected \(n_samples,\)"),
        ([6.5] * 6, TypeError, "lengths has dtype float64, expected integers"),
    ]
    for lengths, error, message in cases:
        with pytest.raises(error, match=message):
            trains.with_lengths(lengths)
    with pytest.raises(ValueError, match="the first step must be < 25, the length of sample 1"):
        trains[:4, 25:]
    with pytest.raises(ValueError, match="n_steps must be >= 60, the length of rasters"):
        sr.SpikeTrains.from_rasters(RASTERS, n_steps=50)
    with pytest.raises(ValueError, match=r"rasters\[1\] has 7 neurons, expected 8"):
        sr.SpikeTrains.from_rasters([RASTERS[0], RASTERS[1][:, :7]])
    with pytest.raises(ValueError, match="rasters must hold at least one sample"):
        sr.SpikeTrains.from_rasters([])
    silent = sr.SpikeTrains.from_dense(np.zeros((2, 5, 8), bool)).with_lengths([5, 1])
    with pytest.raises(ValueError, match="number of steps of sample 1 must be >= 2"):
        network().spike_counts(silent)
    recorded = network().run(trains).spikes
    with pytest.raises(ValueError, match=r"sample 0 of spikes\[2\] must be 40 steps"):
        others = [*recorded[:2], recorded[2].with_lengths([60] * 6)]
        sr.gradients_from_spikes(network(), others, CLASSES)
