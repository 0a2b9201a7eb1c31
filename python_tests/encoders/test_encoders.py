"""Encoders against plain Python, on values that do not change and on time series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr

SERIES = np.random.default_rng(0).random((3, 20, 5))


def regular(series: NDArray[Any], hold: int, rate_scale: float = 1.0) -> NDArray[np.bool_]:
    """Accumulators of 32 bits, as the docstring says."""
    accumulator = np.arange(series.shape[1], dtype=np.uint64) * np.uint64(2654435769)
    accumulator %= np.uint64(2**32)
    steps = []
    for frame in series.repeat(hold, axis=0):
        accumulator += np.round(frame * rate_scale * 2.0**32).astype(np.uint64)
        steps.append(accumulator >= 2**32)
        accumulator %= np.uint64(2**32)
    return np.array(steps)


def latency(values: NDArray[Any], n: int, tau: float | None, threshold: float) -> NDArray[np.bool_]:
    raster = np.zeros((n, len(values)), bool)
    for j, x in enumerate(values):
        if x > threshold:
            step = (
                np.floor((1 - x) * (n - 1) + 0.5)
                if tau is None
                else np.floor(tau * np.log(x / (x - threshold)))
            )
            if step < n:
                raster[int(step), j] = True
    return raster


def level_crossing(series: NDArray[Any], threshold: float, hysteresis: float) -> NDArray[np.bool_]:
    """With a step a frame, by plain Python."""
    n_frames, n = series.shape
    raster = np.zeros((n_frames, 2 * n), bool)
    for j in range(n):
        level, last = series[0, j], 0
        for t in range(n_frames):
            by = series[t, j] - level
            if by >= threshold + (hysteresis if last < 0 else 0.0):
                level, last, raster[t, j] = level + threshold, 1, True
            elif -by >= threshold + (hysteresis if last > 0 else 0.0):
                level, last, raster[t, n + j] = level - threshold, -1, True
    return raster


def bsa(series: NDArray[Any], encoder: sr.BsaEncoder) -> NDArray[np.bool_]:
    n = encoder.n_taps
    taps = np.exp(-((np.arange(n) - n // 2) ** 2) / 25.0)
    taps /= taps.sum()
    signal = np.repeat(series * encoder.gain, encoder.hold, axis=0)
    n_steps = len(signal)
    signal = np.concatenate([signal, np.zeros((n, series.shape[1]))])
    raster = np.zeros((n_steps + 1, series.shape[1]), bool)
    for j in range(series.shape[1]):
        s = signal[:, j].copy()
        for i in range(n_steps):
            window = s[i : i + n]
            with_it = 0.0
            without = 0.0
            for value, tap in zip(window, taps, strict=True):
                with_it += abs(value - tap)
                without += abs(value)
            if with_it < without - encoder.threshold:
                raster[i + 1, j] = True
                window -= taps
    return raster


def population(series: NDArray[Any], n: int, width: float) -> NDArray[Any]:
    """Responses (n_frames, n * n_features)."""
    away = series[:, None, :] * (n - 1) - np.arange(n)[None, :, None]
    return np.exp(-(away**2) * 0.5 / (width * width)).reshape(len(series), -1)


CASES = [
    (sr.RegularEncoder(hold=3, rate_scale=0.8), lambda s, e: regular(s, 3, 0.8)),
    (
        sr.LatencyEncoder(hold=6, threshold=0.3),
        lambda s, e: np.concatenate([latency(f, 6, None, 0.3) for f in s]),
    ),
    (
        sr.LatencyEncoder(hold=30, tau=9.0, threshold=0.4),
        lambda s, e: np.concatenate([latency(f, 30, 9.0, 0.4) for f in s]),
    ),
    (sr.LevelCrossingEncoder(0.15), lambda s, e: level_crossing(s, 0.15, 0.0)),
    (sr.LevelCrossingEncoder(0.1, 0.2), lambda s, e: level_crossing(s, 0.1, 0.2)),
    (sr.BsaEncoder(gain=1.0), bsa),
    (sr.BsaEncoder(gain=2.0, hold=2, n_taps=7, threshold=0.4), bsa),
    (
        sr.PopulationEncoder(4, 0.6, sr.RegularEncoder(hold=2)),
        lambda s, e: regular(population(s, 4, 0.6), 2),
    ),
]


@pytest.mark.parametrize(("encoder", "reference"), CASES, ids=lambda case: repr(case)[:40])
def test_series_are_encoded_as_the_docstrings_say(encoder: Any, reference: Any) -> None:
    expected = np.array([reference(series, encoder) for series in SERIES])
    assert 0.01 < expected.mean() < 0.9
    trains = sr.encode(SERIES, encoder)
    np.testing.assert_array_equal(trains.to_dense(), expected)
    assert trains.shape[2] == encoder.n_inputs(5) == 5 * encoder.inputs_per_feature
    # Of samples of different lengths each is by itself.
    uneven = sr.encode([SERIES[0], SERIES[1, :7], SERIES[2, :1]], encoder)
    for sample, n_frames in enumerate((20, 7, 1)):
        alone = sr.encode(SERIES[sample : sample + 1, :n_frames], encoder)
        n_steps = alone.shape[1]
        assert uneven.lengths[sample] == n_steps
        np.testing.assert_array_equal(uneven.to_dense()[sample, :n_steps], alone.to_dense()[0])
    # Those that a network is given.
    net = sr.Network(encoder.n_inputs(5), [sr.Dense(4)], encoder=encoder)
    np.testing.assert_array_equal(net.run(SERIES).spikes[0].to_dense(), expected)


@pytest.mark.parametrize(("encoder", "reference"), CASES, ids=lambda case: repr(case)[:40])
def test_streams_give_what_the_whole_gives(encoder: Any, reference: Any) -> None:
    stream = sr.EncoderStream(encoder, 5)
    assert (stream.n_features, stream.n_inputs) == (5, encoder.n_inputs(5))
    for series in SERIES[:2]:
        parts = [stream.encode(part) for part in np.split(series, [0, 1, 4, 11])]
        parts.append(stream.finish())
        np.testing.assert_array_equal(np.concatenate(parts), reference(series, encoder))
    assert stream.delay == (encoder.n_taps if isinstance(encoder, sr.BsaEncoder) else 0)
    assert repr(stream) == f"EncoderStream({encoder!r}, n_features=5)"


def test_latencies_of_values_that_do_not_change() -> None:
    values = np.random.default_rng(1).random((4, 30))
    for encoder in (sr.LatencyEncoder(40), sr.LatencyEncoder(40, 11.0, 0.2)):
        expected = [latency(row, 40, encoder.tau, encoder.threshold) for row in values]
        np.testing.assert_array_equal(sr.encode(values, encoder).to_dense(), expected)
    bytes_ = (values * 255).astype(np.uint8)
    np.testing.assert_array_equal(
        sr.encode(bytes_, sr.LatencyEncoder(40)).to_dense(),
        sr.encode(bytes_ / 255.0, sr.LatencyEncoder(40)).to_dense(),
    )


def test_rates_of_a_series_follow_it_and_its_seed() -> None:
    encoder = sr.BernoulliEncoder(rate_scale=0.5, hold=100)
    series = np.linspace(0, 1, 12).reshape(1, 6, 2)
    counts = sum(
        sr.encode(series, encoder, seed=seed).to_dense()[0].reshape(6, 100, 2).sum(axis=1)
        for seed in range(30)
    )
    np.testing.assert_allclose(counts / 3000, series[0] * 0.5, atol=0.04)
    first, again, other = (sr.encode(series, encoder, seed=seed) for seed in (0, 0, 1))
    assert first == again and first != other


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_dtypes_of_a_series(dtype: Any) -> None:
    series = (SERIES * 255).astype(np.uint8)
    given = series if dtype == np.uint8 else (series / 255.0).astype(dtype)
    for encoder in (sr.RegularEncoder(hold=5), sr.LevelCrossingEncoder(0.2)):
        trains = sr.encode(given, encoder)
        exact = np.asarray(given, np.float64) / (255.0 if dtype == np.uint8 else 1.0)
        assert trains == sr.encode(exact, encoder)
    mixed = [series[0], series[1, :4] / 255.0]
    assert sr.encode(mixed, sr.RegularEncoder(hold=5)).lengths.tolist() == [100, 20]


def test_the_number_of_threads_changes_nothing() -> None:
    series = np.random.default_rng(3).random((600, 4, 3))
    for encoder in (sr.BernoulliEncoder(hold=4), sr.BsaEncoder(gain=1.0, hold=4)):
        assert sr.encode(series, encoder, n_threads=1) == sr.encode(series, encoder, n_threads=2)


def test_frames_of_shape_are_flattened_and_channels_multiply() -> None:
    frames = np.random.default_rng(4).random((2, 10, 6, 7))
    encoder = sr.LevelCrossingEncoder(0.3)
    net = sr.Network((2, 6, 7), [sr.Conv2d(3, 3), sr.Dense(2)], encoder=encoder)
    flat = sr.encode(frames.reshape(2, 10, 42), encoder)
    np.testing.assert_array_equal(net.run(frames).spikes[0].to_dense(), flat.to_dense())
    np.testing.assert_array_equal(sr.encode(frames, encoder).to_dense(), flat.to_dense())
