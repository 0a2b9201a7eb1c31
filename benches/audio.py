"""Times the front ends on one core, Lyon's ear against the PyPI package `lyon` in the same run.

Usage: python benches/audio.py [--seconds N] [--repetitions N] [--quick]

`pip install lyon==1.0.0` (x86-64 Linux) for the comparison; without it, ours alone is timed. Sounds
are made: syllables of noise and of a gliding tone with its harmonics, 12,500 samples a second,
utterances of half a second to two. What both ears do does not depend on them. The two are timed by
turns, recording after recording as a user would have it, `LyonEar.many` on one thread; the least
time counts. That both hear the same is checked.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.audio import LogMel, LyonEar

SAMPLE_RATE, DECIMATION = 12_500, 200


def utterances(seconds: float) -> list[NDArray[np.float64]]:
    """Makes recordings of so many seconds in all."""
    rng = np.random.default_rng(0)
    made: list[NDArray[np.float64]] = []
    left = seconds
    while left > 0:
        n = int(SAMPLE_RATE * min(left, rng.uniform(0.5, 2.0)) + 1)
        t = np.arange(n) / SAMPLE_RATE
        phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(5 * t)) / SAMPLE_RATE
        voice = sum(np.sin(k * phase) / k for k in range(1, 20))
        loud = np.clip(np.sin(2 * np.pi * 3 * t), 0, 1)
        made.append(0.1 * loud * voice + 0.02 * (1 - loud) * rng.standard_normal(n))
        left -= n / SAMPLE_RATE
    return made


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
    sounds = utterances(options.seconds)
    ear, mel = LyonEar(SAMPLE_RATE, DECIMATION), LogMel(SAMPLE_RATE)
    tasks: dict[str, Callable[[], Any]] = {
        "Lyon's ear, this package": lambda: ear.many(sounds, n_threads=1, progress=False),
        "log-mel, 40 bands, this package": lambda: mel.many(sounds, n_threads=1, progress=False),
    }
    try:
        from lyon.calc import LyonCalc
    except (ImportError, OSError) as error:
        print(f"the package lyon is not here: {error}")
    else:
        calc = LyonCalc()
        theirs = [calc.lyon_passive_ear(sound, SAMPLE_RATE, DECIMATION) for sound in sounds]
        for one, other in zip(ear.many(sounds, progress=False), theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
        tasks["Lyon's ear, PyPI lyon 1.0.0"] = lambda: [
            calc.lyon_passive_ear(sound, SAMPLE_RATE, DECIMATION) for sound in sounds
        ]
    least = least_times(tasks, options.repetitions)
    seconds = sum(map(len, sounds)) / SAMPLE_RATE
    print(f"{seconds:.1f} s of sound in {len(sounds)} recordings, one core, {sr.simd_level()}")
    print("| front end | ms for a second of sound | hours of sound a minute |")
    print("|---|---|---|")
    for name, took in least.items():
        print(f"| {name} | {1e3 * took / seconds:.2f} | {seconds / 60 / took:.2f} |")
    ours, *_, last = least.values()
    if len(least) > 2:
        print(f"Lyon's ear: {last / ours:.1f} times as fast as the package lyon")


if __name__ == "__main__":
    main()
