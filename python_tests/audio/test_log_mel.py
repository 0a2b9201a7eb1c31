"""Log-mel frames: against a definition in NumPy, streams, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from strsbp_rs.audio import HeidelbergCochlea, LogMel, Stream


def sweep(sample_rate: float, n: int) -> NDArray[np.float64]:
    """A rising tone in some noise that fades in."""
    t = np.arange(n) / sample_rate
    noise = np.random.default_rng(0).standard_normal(n)
    return (0.3 * np.sin(2 * np.pi * (200 + 800 * t) * t) + 0.05 * noise) * np.linspace(0, 1, n)


def definition(ear: LogMel, samples: NDArray[np.float64], n_points: int) -> NDArray[np.float64]:
    """What the docstring says, by NumPy's transform and a full matrix of bands."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(ear.window) / ear.window)
    padded = np.concatenate([np.zeros(ear.window), samples])
    ends = np.arange(1, len(samples) // ear.decimation + 1) * ear.decimation
    windows = np.array([padded[end : end + ear.window] * hann for end in ends])
    spectra = np.abs(np.fft.fft(windows, n_points)) ** 2 / (n_points * np.sum(hann**2))
    f = np.fft.fftfreq(n_points, 1 / ear.sample_rate)
    ends_in_mel = 2595 * np.log10(1 + np.array([ear.f_min, ear.f_max]) / 700)
    corners = 700 * (10 ** (np.linspace(*ends_in_mel, ear.n_channels + 2) / 2595) - 1)
    np.testing.assert_allclose(ear.center_frequencies, corners[1:-1], rtol=1e-12)
    rows = zip(corners, corners[1:], corners[2:], strict=False)
    bands = np.array([np.interp(np.abs(f), row, [0, 1, 0]) for row in rows])
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(spectra @ bands.T)
    level = np.clip(level, ear.floor_db, ear.top_db)
    return (level - ear.floor_db) / (ear.top_db - ear.floor_db) if ear.normalize else level


@pytest.mark.parametrize(
    "sample_rate, n_points, options",
    [
        (16_000, 512, {}),
        (8_000, 256, {"n_channels": 16}),
        (8_000, 256, {"n_channels": 16, "normalize": False, "floor_db": -140.0, "top_db": 3.0}),
        (12_500, 512, {"decimation": 200, "f_min": 100.0, "f_max": 5_000.0}),
        (12_500, 64, {"decimation": 200, "window": 50, "n_channels": 5}),
        (8_000, 512, {"n_channels": 128, "f_min": 0.0}),
    ],
)
def test_is_the_definition(sample_rate: int, n_points: int, options: dict[str, Any]) -> None:
    ear, samples = LogMel(sample_rate, **options), sweep(sample_rate, 4_321)
    frames, expected = ear(samples), definition(ear, samples, n_points)
    assert frames.shape == (4_321 // ear.decimation, ear.n_channels)
    np.testing.assert_allclose(frames, expected, rtol=0, atol=1e-9)
    assert len(np.unique(frames)) > 0.5 * frames.size


def test_defaults_go_by_the_sample_rate() -> None:
    ear = LogMel(16_000)
    assert (ear.decimation, ear.window, ear.f_max, ear.n_channels) == (160, 400, 8_000.0, 40)
    assert ear == LogMel(16_000, decimation=160, window=400, f_max=8_000)
    assert ear.frame_ms == 10.0
    slow = LogMel(130, n_channels=1)
    assert (slow.decimation, slow.window, LogMel(8_000, 40).window) == (1, 2, 100)
    assert (np.diff(ear.center_frequencies) > 0).all()


def test_a_stream_gives_what_the_whole_gives() -> None:
    ear, samples = LogMel(8_000, n_channels=16), sweep(8_000, 3_456)
    for size in (1, 37, 80, 1_000, 5_000):
        stream = ear.stream()
        parts = [stream.hear(samples[at : at + size]) for at in range(0, len(samples), size)]
        np.testing.assert_array_equal(np.concatenate(parts), ear(samples))


def test_many_are_heard_alike_on_any_number_of_threads() -> None:
    ear = LogMel(8_000)
    sounds = [sweep(8_000, n) for n in (0, 79, 80, 5_000, 1_234)]
    for n_threads in (None, 1, 2):
        together = ear.many(sounds, n_threads=n_threads, progress=False)
        for got, sound in zip(together, sounds, strict=True):
            np.testing.assert_array_equal(got, ear(sound))


def test_levels_are_fractions_of_the_range() -> None:
    ear = LogMel(8_000, n_channels=16)
    assert (ear(np.zeros(800)) == 0.0).all()
    loud = ear(1e3 * sweep(8_000, 8_000))
    assert loud.min() >= 0.0 and loud[-1].max() == 1.0
    # 20 dB are 2 / 7 of the range from -80 to -10 dB.
    soft, softer = ear(0.3 * sweep(8_000, 8_000)), ear(0.03 * sweep(8_000, 8_000))
    np.testing.assert_allclose((soft - softer)[-20:, 2:].max(axis=1), 2 / 7, rtol=1e-9)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sample_rate": 0}, "LogMel.sample_rate must be finite and > 0, got 0"),
        ({"sample_rate": np.nan}, "LogMel.sample_rate must be finite and > 0, got NaN"),
        ({"sample_rate": 8_000, "decimation": 0}, r"LogMel.decimation must be in \[1, 2\^31\)"),
        ({"sample_rate": 8_000, "window": 1}, r"LogMel.window must be in \[2, 262144\], got 1"),
        ({"sample_rate": 8_000, "n_channels": 0}, "LogMel.n_channels must be in"),
        ({"sample_rate": 8_000, "f_min": 4_000.0}, "LogMel.f_max must be above f_min = 4000 Hz"),
        ({"sample_rate": 8_000, "f_max": 4_001.0}, "at most half the sample rate, got 4001"),
        ({"sample_rate": 8_000, "top_db": -80.0}, "LogMel.top_db must be finite and above"),
    ],
)
def test_others_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogMel(**options)


@pytest.mark.parametrize(
    "options", [{"sample_rate": "8000"}, {"sample_rate": 8_000, "decimation": 2.5}]
)
def test_other_types_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="LogMel"):
        LogMel(**options)


@pytest.mark.parametrize("front_end", [None, 8_000, HeidelbergCochlea()])
def test_streams_of_something_else_are_refused(front_end: object) -> None:
    with pytest.raises(TypeError, match="front_end must be LyonEar or LogMel, got"):
        Stream(front_end)  # type: ignore[arg-type]
