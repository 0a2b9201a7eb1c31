"""Times the front ends on one core, Lyon's ear and BSA against the PyPI package `lyon` and NumPy.

Usage: python benches/audio.py [--seconds N] [--repetitions N] [--quick]

`pip install lyon==1.0.0` (x86-64 Linux) for the comparison; without it, ours alone is timed. BSA
has no package of its own: the peer is what a user of `lyon` writes, NumPy over all channels at
once, step by step. Ear and BSA are timed apart, so that either may be judged.

Sounds are made: a gliding voice of nineteen harmonics in syllables, noise between them, 12,500
samples a second, utterances of half a second to two. What the ears do does not depend on them, BSA
takes a little longer the more it fires. All are timed by turns, recording after recording as a user
would have it, ours by `many` and `encode` on one thread; the least time counts. That both hear the
same, and BSA of both gives the same spikes but for near ties, is checked. The cochlea of the
Heidelberg data sets hears a thirtieth of the time, at 48,000 samples a second.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.audio import HeidelbergCochlea, LogMel, LyonEar

SAMPLE_RATE, DECIMATION = 12_500, 200
EAR, PEER = "Lyon's ear", "Lyon's ear, PyPI lyon 1.0.0"


def utterances(seconds: float, sample_rate: int) -> list[NDArray[np.float64]]:
    """Makes recordings of so many seconds in all."""
    rng = np.random.default_rng(0)
    made: list[NDArray[np.float64]] = []
    left = seconds
    while not made or left > 0.1:  # A frame at least of the last.
        n = int(sample_rate * min(left, rng.uniform(0.5, 2.0)) + 1)
        t = np.arange(n) / sample_rate
        phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(5 * t)) / sample_rate
        voice = sum(np.sin(k * phase) / k for k in range(1, 20))
        loud = np.clip(np.sin(2 * np.pi * 3 * t), 0, 1)
        made.append(0.1 * loud * voice + 0.02 * (1 - loud) * rng.standard_normal(n))
        left -= n / sample_rate
    return made


def numpy_bsa(frames: NDArray[np.float64]) -> NDArray[np.bool_]:
    """BSA as its description has it, (n_steps, n_channels), all channels at once."""
    hold, gain, n_taps, threshold = 10, 2000.0, 24, 0.6
    bell = np.exp(-((np.arange(n_taps) - 12) ** 2) / 25)
    bell /= bell.sum()
    n = hold * len(frames)
    signal = np.zeros((frames.shape[1], n + n_taps))
    signal[:, :n] = np.repeat(gain * frames.T, hold, axis=1)
    spikes = np.zeros((n + 1, frames.shape[1]), dtype=bool)
    for i in range(n):
        part = signal[:, i : i + n_taps]
        fires = np.abs(part - bell).sum(axis=1) < np.abs(part).sum(axis=1) - threshold
        part[fires] -= bell
        spikes[i + 1] = fires
    return spikes


def least_times(tasks: dict[str, Callable[[], Any]], repetitions: int) -> dict[str, float]:
    """Returns the least time of each task [s], timed by turns."""
    least = dict.fromkeys(tasks, float("inf"))
    for _ in range(repetitions):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            least[name] = min(least[name], time.perf_counter() - start)
    return least


def main() -> None:
    """Times, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of sound")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a second of sound, once")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.repetitions = 1.0, 1
    sounds = utterances(options.seconds, SAMPLE_RATE)
    few = utterances(options.seconds / 30, 48_000)
    ear, mel, cochlea = LyonEar(SAMPLE_RATE, DECIMATION), LogMel(SAMPLE_RATE), HeidelbergCochlea()
    bsa = sr.BsaEncoder()
    frames = ear.many(sounds, n_threads=1, progress=False)
    tasks: dict[str, Callable[[], Any]] = {
        EAR: lambda: ear.many(sounds, n_threads=1, progress=False),
        "BSA": lambda: sr.encode(frames, bsa, n_threads=1),
        "log-mel, 40 bands": lambda: mel.many(sounds, n_threads=1, progress=False),
        "Heidelberg cochlea": lambda: cochlea.many(few, n_threads=1, progress=False),
        "BSA, NumPy": lambda: [numpy_bsa(part) for part in frames],
    }
    ours = sr.encode(frames, bsa)
    n_differ = sum(
        int((spikes.to_dense()[0, : len(part) * 10 + 1] != numpy_bsa(part)).sum())
        for spikes, part in zip(ours, frames, strict=True)
    )
    assert n_differ <= 1e-3 * ours.n_spikes, f"{n_differ} of {ours.n_spikes} spikes differ"
    try:
        from lyon.calc import LyonCalc
    except (ImportError, OSError) as error:
        print(f"the package lyon is not here: {error}")
    else:
        calc = LyonCalc()
        theirs = [calc.lyon_passive_ear(sound, SAMPLE_RATE, DECIMATION) for sound in sounds]
        for one, other in zip(frames, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
        tasks[PEER] = lambda: [
            calc.lyon_passive_ear(sound, SAMPLE_RATE, DECIMATION) for sound in sounds
        ]
    least = least_times(tasks, options.repetitions)
    seconds = dict.fromkeys(least, sum(map(len, sounds)) / SAMPLE_RATE)
    seconds["Heidelberg cochlea"] = sum(map(len, few)) / 48_000
    print(
        f"{seconds['BSA']:.1f} s of sound in {len(sounds)} recordings, {ours.n_spikes} spikes of "
        f"BSA, one core, {sr.simd_level()}"
    )
    print("| | ms for a second of sound | hours of sound a minute |")
    print("|---|---|---|")
    for name, took in least.items():
        per_second = took / seconds[name]
        print(f"| {name} | {1e3 * per_second:.2f} | {1 / 60 / per_second:.2f} |")
    both = least[EAR] + least["BSA"]
    hours = seconds["BSA"] / 60 / both
    print(f"Lyon's ear and BSA: {hours:.2f} hours of sound a minute")
    if PEER in least:
        peer = least[PEER]
        print(f"the ear alone: {peer / least[EAR]:.1f} times as fast")
        print(f"ear and BSA: {(peer + least['BSA, NumPy']) / both:.1f} times as fast")


if __name__ == "__main__":
    main()
