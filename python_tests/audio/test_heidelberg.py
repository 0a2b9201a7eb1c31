"""The cochlea of the Heidelberg data sets: spikes, seeds, steps, the cache, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.audio import Cache, HeidelbergCochlea, _heidelberg

COCHLEA = HeidelbergCochlea(20_000, n_channels=40)


def tone(f: float, n: int, sample_rate: float = 20_000) -> NDArray[np.float64]:
    """A tone in little noise."""
    t = np.arange(n) / sample_rate
    return np.sin(2 * np.pi * f * t) + 1e-3 * np.random.default_rng(0).standard_normal(n)


SOUNDS = [tone(1_000, 4_000), tone(3_000, 2_500), np.zeros(1_010), np.zeros(0)]


def test_a_tone_is_heard_where_the_membrane_resonates() -> None:
    centers = COCHLEA.center_frequencies
    assert len(centers) == 40 and (np.diff(centers) < 0).all()
    assert centers[[0, -1]] == pytest.approx([22_508, 110.3], rel=1e-3)
    for f in (500.0, 2_000.0):
        counts = COCHLEA(tone(f, 6_000)).to_counts().sum(axis=(0, 1))
        near = (centers > 0.7 * f) & (centers < 2 * f)
        assert counts[near].sum() > 20
        assert counts[near].mean() > 3 * counts[~near].mean()


def test_loudness_and_type_do_not_matter() -> None:
    pcm = (20_000 * tone(1_000, 3_000) / 1.1).astype(np.int16)
    spikes = COCHLEA(pcm)
    assert spikes.n_spikes > 20 and spikes == COCHLEA(pcm / 32_768)
    # Another sound to its random numbers, but of the same kind.
    assert 0.7 < COCHLEA(pcm / 8).n_spikes / spikes.n_spikes < 1.4


def test_recordings_have_their_own_lengths() -> None:
    spikes = COCHLEA.many(SOUNDS, progress=False)
    assert isinstance(spikes, sr.SpikeTrains)
    assert spikes.shape == (4, 200, 40)
    assert spikes.lengths.tolist() == [200, 125, 51, 1]
    counts = spikes.to_counts().sum(axis=(1, 2))
    assert (counts[:2] > 20).all() and (counts[2:] == 0).all()
    cut = COCHLEA.many(SOUNDS, n_steps=100)
    assert cut.lengths.tolist() == [100, 100, 51, 1]
    np.testing.assert_array_equal(cut.to_dense(), spikes[:, :100].to_dense())
    long = COCHLEA.many(SOUNDS, n_steps=300)
    assert long.shape[1] == 300 and long.lengths.tolist() == [200, 125, 51, 1]


def test_steps_are_of_the_time_asked_for() -> None:
    fine = HeidelbergCochlea(20_000, 40, step_ms=0.1, repeated="count")(SOUNDS[0])
    coarse = HeidelbergCochlea(20_000, 40, step_ms=10.0, repeated="count")(SOUNDS[0])
    merged = HeidelbergCochlea(20_000, 40, step_ms=10.0)(SOUNDS[0])
    assert (fine.shape[1], coarse.shape[1]) == (2_000, 20)
    summed = fine.to_counts().reshape(1, 20, 100, 40).sum(axis=2)
    np.testing.assert_array_equal(coarse.to_counts(), summed)
    np.testing.assert_array_equal(merged.to_counts(), np.minimum(summed, 1))
    assert summed.max() > 1
    assert HeidelbergCochlea(step_ms=2.0).frame_ms == 2.0


def test_spikes_depend_on_the_seed_and_the_sound_alone() -> None:
    spikes = COCHLEA.many(SOUNDS)
    assert spikes == COCHLEA.many(SOUNDS, n_threads=1) == COCHLEA.many(SOUNDS, n_threads=2)
    assert COCHLEA(SOUNDS[1]) == spikes[1:2, :125]
    assert HeidelbergCochlea(20_000, 40, seed=1).many(SOUNDS) != spikes


def test_what_was_heard_is_not_heard_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    core = _heidelberg.hear_spikes

    def hear_spikes(cochlea: Any, sounds: list[Any], *rest: Any) -> Any:
        counts.append(len(sounds))
        return core(cochlea, sounds, *rest)

    monkeypatch.setattr(_heidelberg, "hear_spikes", hear_spikes)
    first = COCHLEA.many(SOUNDS, cache=tmp_path)
    assert COCHLEA.many(SOUNDS, cache=tmp_path) == first == COCHLEA.many(SOUNDS)
    # Steps are made of what is kept; other seeds are not.
    HeidelbergCochlea(20_000, 40, step_ms=5.0).many(SOUNDS, cache=tmp_path)
    HeidelbergCochlea(20_000, 40, seed=2).many(SOUNDS[:2], cache=tmp_path)
    assert counts == [4, 0, 4, 0, 2]
    assert Cache(tmp_path).n_recordings == 6


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"sample_rate": 8_000}, ValueError, "HeidelbergCochlea.sample_rate must be >= 18160 Hz"),
        ({"n_channels": 0}, ValueError, "HeidelbergCochlea.n_channels must be in"),
        ({"n_channels": 2**17}, ValueError, r"n_channels must be in \[1, 65536\], got 131072"),
        ({"step_ms": 0.0}, ValueError, "HeidelbergCochlea.step_ms must be finite and > 0 ms"),
        ({"step_ms": np.inf}, ValueError, "HeidelbergCochlea.step_ms must be finite and > 0 ms"),
        ({"repeated": "sum"}, ValueError, "HeidelbergCochlea.repeated must be"),
        ({"seed": -1}, ValueError, "HeidelbergCochlea.seed must be >= 0"),
        ({"sample_rate": "48k"}, TypeError, "HeidelbergCochlea.sample_rate must be a number"),
    ],
)
def test_others_are_refused(options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        HeidelbergCochlea(**options)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="recordings must hold at least one recording, got none"):
        COCHLEA.many([])
    with pytest.raises(ValueError, match=r"recordings\[0\] has shape \(9, 2\), expected"):
        COCHLEA(np.zeros((9, 2)))
    with pytest.raises(ValueError, match=r"recordings\[1\]\[0\] must be finite"):
        COCHLEA.many([[0.0], [np.nan]])
    with pytest.raises(ValueError, match="n_steps must be >= 1, got 0"):
        COCHLEA.many(SOUNDS, n_steps=0)
