"""Time series through networks, trainers and files, and what is refused of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr

ENCODER = sr.LevelCrossingEncoder(0.1, hold=2)


def tones(n: int, seed: int = 0) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """Slow and fast waves of three features, of different lengths."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = []
    for label in y:
        t = np.arange(rng.integers(30, 60))[:, None]
        x.append(np.sin(t * (0.15 + 0.35 * label) + rng.random(3) * 6.0) * 0.5)
    return x, y


def network(**options: Any) -> sr.Network:
    layers = [sr.Dense(20, v_th=2.0, tau_m=16.0), sr.Dense(2, v_th=2.0)]
    return sr.Network(6, layers, seed=1, **options)


def test_series_of_different_lengths_are_learned_kept_and_read_again(tmp_path: Path) -> None:
    x, y = tones(60)
    trainer = sr.Trainer(network(encoder=ENCODER), batch_size=10, n_threads=2)
    history = trainer.fit(x, y, epochs=12, progress=False)
    x_test, y_test = tones(40, seed=1)
    found = trainer.evaluate(x_test, y_test)
    assert found.accuracy > 0.9
    # The same as of the spikes.
    trains = sr.encode(x_test, ENCODER)
    same = trainer.evaluate(trains, y_test)
    assert (same.loss, same.accuracy) == (found.loss, found.accuracy)
    again = sr.Trainer(network(encoder=ENCODER), batch_size=10, n_threads=1)
    of_spikes = again.fit(sr.encode(x, ENCODER), y, epochs=12, progress=False)
    assert of_spikes["loss"] == history["loss"]
    for save in (trainer.save, trainer.network.save):
        save(tmp_path / "file.safetensors")
        net = sr.Network.load(tmp_path / "file.safetensors")
        assert net.encoder == ENCODER
        np.testing.assert_array_equal(net.predict(x_test), trainer.network.predict(x_test))
    loss = net.evaluate(x_test, y_test, loss=trainer.loss).loss
    assert loss == pytest.approx(found.loss)


def test_fixed_networks_take_series() -> None:
    x, _ = tones(5)
    net = network(encoder=ENCODER)
    fixed = net.to_fixed()
    np.testing.assert_array_equal(
        fixed.spike_counts(x), network().to_fixed().spike_counts(sr.encode(x, ENCODER))
    )


@pytest.mark.parametrize(
    "encoder",
    [
        sr.RegularEncoder(hold=3),
        sr.BsaEncoder(n_steps=50),
        sr.PopulationEncoder(3, encoder=sr.LatencyEncoder(tau=4.0)),
        sr.PopulationEncoder(3, 0.5, "regular"),
    ],
)
def test_every_kind_goes_through_files(encoder: Any, tmp_path: Path) -> None:
    net = sr.Network(6, [sr.Dense(2)], encoder=encoder)
    net.save(tmp_path / "net.safetensors")
    assert sr.Network.load(tmp_path / "net.safetensors").encoder == encoder
    sr.Trainer(net).save(tmp_path / "trainer.safetensors")
    assert sr.Trainer.load(tmp_path / "trainer.safetensors").encoder == encoder


def test_floats_are_series_and_truth_values_rasters_where_a_network_carries_an_encoder() -> None:
    rng = np.random.default_rng(0)
    net = network(encoder=ENCODER)
    series = rng.random((2, 9, 3))
    np.testing.assert_array_equal(
        net.spike_counts(series), net.spike_counts(sr.encode(series, ENCODER))
    )
    raster = rng.random((2, 9, 6)) < 0.4
    np.testing.assert_array_equal(
        net.spike_counts(raster), net.spike_counts(sr.SpikeTrains.from_dense(raster))
    )
    with pytest.raises(TypeError, match="x has dtype bool, expected a time series of uint8 or flo"):
        sr.Network(3, [sr.Dense(2)]).spike_counts(raster[:, :, :3], encoder=sr.BsaEncoder())


STILL = sr.RegularEncoder()


@pytest.mark.parametrize(
    ("x", "encoder", "error", "message"),
    [
        (np.zeros((2, 9, 6)), STILL, ValueError, "time series of 9 frames of 6 features, give the"),
        (np.zeros((2, 9, 6)), ENCODER, ValueError, r"expected a time series \(n_samples, n_frames"),
        (
            np.zeros((2, 9, 6)),
            ENCODER,
            ValueError,
            "LevelCrossingEncoder has 2 inputs a fe",
        ),
        (np.zeros((2, 3)), ENCODER, ValueError, r"x has shape \(2, 3\), expected a time series"),
        (np.zeros((2, 0, 3)), ENCODER, ValueError, r"x\[0\] must have at least one frame, got non"),
        ([np.zeros((4, 3)), np.zeros((0, 3))], ENCODER, ValueError, r"x\[1\] must have at least o"),
        ([np.zeros((4, 3)), np.zeros((4, 2))], ENCODER, ValueError, r"x\[1\] has shape \(4, 2\), "),
        (
            np.full((2, 9, 3), np.nan),
            ENCODER,
            ValueError,
            r"x\[0\]\[0, 0\] must be finite, got",
        ),
        (
            np.zeros((2, 9, 3), np.int64),
            ENCODER,
            TypeError,
            "x has dtype int64, expected uint8",
        ),
        (
            np.zeros((2, 9, 4)),
            sr.PopulationEncoder(4),
            ValueError,
            "n_in must be a multiple of 4",
        ),
        (np.zeros((2, 6)), sr.BsaEncoder(), ValueError, r"expected a time series \(n_samples, n_f"),
    ],
)
def test_what_does_not_fit_is_told(x: Any, encoder: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        network().spike_counts(x, encoder=encoder)
    trainer = sr.Trainer(network(), encoder=encoder)
    with pytest.raises(error, match=message):
        trainer.fit(x, np.zeros(len(x), int), epochs=1, progress=False)
    assert trainer.epoch == 0


def test_values_outside_are_told_by_sample_frame_and_feature() -> None:
    series = [np.zeros((4, 3)), np.zeros((6, 3))]
    series[1][2, 1] = 1.5
    with pytest.raises(ValueError, match=r"x\[1\]\[2, 1\] must be in \[0, 1\], got 1.5"):
        sr.encode(series, sr.RegularEncoder(hold=2))
    sr.encode(series, sr.BsaEncoder())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: sr.LevelCrossingEncoder(0.0),
            r"LevelCrossingEncoder\.threshold must be f",
        ),
        (lambda: sr.LevelCrossingEncoder(hysteresis=-1), "hysteresis must be finite and >= 0, got"),
        (lambda: sr.LevelCrossingEncoder(hold=0), r"hold must be in \[1, 4097\), got 0"),
        (lambda: sr.BsaEncoder(n_taps=0), r"n_taps must be in \[1, 4097\), got 0"),
        (lambda: sr.BsaEncoder(n_steps=1), r"n_steps must be in \[2, 2\^24\], got 1"),
        (lambda: sr.LatencyEncoder(threshold=1.0), r"threshold must be in \[0, 1\), got 1"),
        (lambda: sr.LatencyEncoder(tau=3.0, threshold=0.0), "threshold must be > 0 with tau"),
        (lambda: sr.PopulationEncoder(1), r"n must be in \[2, 1024\], got 1"),
        (lambda: sr.PopulationEncoder(4, 0.0), "width must be finite and > 0, got 0"),
        (lambda: sr.RegularEncoder(hold=5000), r"hold must be in \[1, 4097\), got 5000"),
        (lambda: sr.EncoderStream(STILL, 3), "encoder.hold must be given for a stream, got None"),
        (lambda: sr.EncoderStream(sr.BernoulliEncoder(hold=1), 3), "encoder must be one without c"),
        (lambda: sr.EncoderStream(ENCODER, 0), "n_features must be"),
        (lambda: sr.encode(np.zeros(3), STILL), r"x has shape \(3,\), expected \(n_samples, n_fe"),
    ],
)
def test_errors_name_the_argument(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_population_of_populations_is_refused() -> None:
    with pytest.raises(TypeError, match=r"PopulationEncoder\.encoder must be"):
        sr.PopulationEncoder(4, encoder=sr.PopulationEncoder(2))  # type: ignore[arg-type]


def test_a_stream_that_refuses_has_encoded_nothing() -> None:
    stream = sr.EncoderStream(ENCODER, 3)
    series = np.random.default_rng(0).random((8, 3))
    first = stream.encode(series[:4])
    bad = series[4:].copy()
    bad[1, 2] = np.inf
    for frames, message in ((bad, r"frames\[1, 2\] must be finite"), (series[:, :2], "has shape")):
        with pytest.raises(ValueError, match=message):
            stream.encode(frames)
    with pytest.raises(TypeError, match="frames has dtype int64, expected uint8 or floats"):
        stream.encode(np.zeros((2, 3), int))
    whole = np.concatenate([first, stream.encode(series[4:])])
    np.testing.assert_array_equal(whole, sr.encode(series[None], ENCODER).to_dense()[0])
