"""Lyon's passive ear: against the package `lyon` where that runs, streams, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from strsbp_rs.audio import FrontEnd, LyonEar, Stream


def sweep(sample_rate: float, n: int) -> NDArray[np.float64]:
    """A rising tone in some noise."""
    t = np.arange(n) / sample_rate
    noise = np.random.default_rng(0).standard_normal(n)
    return 0.3 * np.sin(2 * np.pi * (200 + 800 * t) * t) + 0.05 * noise


@pytest.mark.parametrize(
    "sample_rate, decimation, options, theirs",
    [
        (12_500, 200, {}, {}),
        (8_000, 128, {}, {}),
        (16_000, 1, {}, {}),
        (16_000, 160, {"ear_q": 4.0, "tau_factor": 2.0}, {"ear_q": 4, "tau_factor": 2}),
        (16_000, 160, {"step_factor": 0.5}, {"step_factor": 0.5}),
        (12_500, 100, {"difference": False}, {"differ": False}),
        (12_500, 100, {"gain_control": False}, {"agc": False}),
    ],
)
def test_equals_the_package_lyon(
    sample_rate: int, decimation: int, options: dict[str, float], theirs: dict[str, float]
) -> None:
    calc = pytest.importorskip("lyon.calc", exc_type=ImportError)
    samples = sweep(sample_rate, 6_000)
    got = LyonEar(sample_rate, decimation, **options)(samples)
    expected = calc.LyonCalc().lyon_passive_ear(samples, sample_rate, decimation, **theirs)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12 * expected.max())


@pytest.mark.parametrize(
    "sample_rate, n", [(8_000, 64), (12_500, 78), (16_000, 86), (20_000, 93), (48_000, 121)]
)
def test_channels_are_those_of_the_auditory_toolbox(sample_rate: int, n: int) -> None:
    ear = LyonEar(sample_rate)
    assert ear.n_channels == n
    assert (np.diff(ear.center_frequencies) < 0).all()
    assert ear(np.zeros(1_000)).shape == (5, n)
    assert ear.frame_ms == pytest.approx(200e3 / sample_rate)


def test_a_stream_gives_what_the_whole_gives() -> None:
    ear, samples = LyonEar(8_000, 100), sweep(8_000, 3_456)
    for size in (1, 37, 100, 1_000, 5_000):
        stream = ear.stream()
        parts = [stream.hear(samples[at : at + size]) for at in range(0, len(samples), size)]
        np.testing.assert_array_equal(np.concatenate(parts), ear(samples))
    assert isinstance(stream, Stream) and stream.front_end == ear
    assert stream.hear([]).shape == (0, 64)


def test_many_are_heard_alike_on_any_number_of_threads() -> None:
    ear = LyonEar(8_000, 100)
    sounds = [sweep(8_000, n)[::-1] for n in (0, 99, 100, 5_000, 1_234)]
    alone = [ear(sound) for sound in sounds]
    assert [len(frames) for frames in alone] == [0, 0, 1, 50, 12]
    for n_threads in (None, 1, 2):
        together = ear.many(sounds, n_threads=n_threads, progress=False)
        for got, expected in zip(together, alone, strict=True):
            np.testing.assert_array_equal(got, expected)
    assert ear.many([]) == []


def test_integers_are_parts_of_the_largest() -> None:
    ear = LyonEar(8_000, 100)
    pcm = (sweep(8_000, 1_000) * 20_000).astype(np.int16)
    np.testing.assert_array_equal(ear(pcm), ear(pcm / 32_768))
    np.testing.assert_array_equal(ear(pcm.astype(np.float32)), ear(pcm.astype(float)))
    eight = (pcm // 256 + 128).astype(np.uint8)
    np.testing.assert_array_equal(ear(eight), ear((eight - 128.0) / 128))


@pytest.mark.parametrize(
    "samples, error, message",
    [
        (np.zeros((500, 2)), ValueError, r"recordings\[0\] has shape \(500, 2\), .*mean\(axis=1\)"),
        (np.zeros((2, 500)), ValueError, r"of stereo, give recordings\[0\].mean\(axis=0\)"),
        ([0.0, np.nan], ValueError, r"recordings\[0\]\[1\] must be finite, got nan"),
        (3.0, ValueError, r"recordings\[0\] has shape \(\), expected \(n_samples,\)"),
        (["a"], TypeError, r"recordings\[0\] has dtype <U1, expected floats or integers"),
        ([1j], TypeError, "expected floats or integers"),
    ],
)
def test_what_is_no_sound_is_refused(samples: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        LyonEar(8_000)(samples)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sample_rate": 0}, "LyonEar.sample_rate must be finite and > 0, got 0"),
        ({"sample_rate": 30}, "LyonEar.sample_rate must be high enough"),
        ({"sample_rate": 8_000, "decimation": 0}, "LyonEar.decimation must be"),
        ({"sample_rate": 8_000, "ear_q": 0.5}, "LyonEar.ear_q must be finite and >= 1, got 0.5"),
        ({"sample_rate": 8_000, "step_factor": -1.0}, "LyonEar.step_factor must be finite and > 0"),
    ],
)
def test_other_ears_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LyonEar(**options)  # type: ignore[arg-type]


def test_what_front_ends_share_is_none() -> None:
    with pytest.raises(TypeError, match="FrontEnd is what front ends share, expected one of them"):
        FrontEnd(8_000)
