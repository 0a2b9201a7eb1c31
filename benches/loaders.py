"""Reads recordings of events, in the formats of N-MNIST and SHD, here and by tonic, by turns.

Usage: python benches/loaders.py [--nmnist N] [--shd N] [--rounds N] [--threads N] [--json FILE]
                                 [--quick]

Files are drawn by chance, with as many events as the data sets' own have on average: 4,200 in
300 ms of N-MNIST, 7,900 in 0.8 s of SHD; half of them are the test part. They are read once before
the first round, so that they are in the system's memory. Ours are read by `load_nmnist` and
`load_shd`, into spike trains. tonic gives structured arrays; what a network takes is made of them
by `from_tonic` (spike trains) or by tonic's own ToFrame (dense frames), rows of their own. The best
of the rounds counts. Before, it is checked that both give the same spikes. tonic (pip install
tonic==1.7.0) is left out where it does not import. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from strsbp_rs.datasets import Dataset, from_tonic, load_nmnist, load_shd

NMNIST_EVENTS, NMNIST_US = 4_200, 300_000
SHD_EVENTS, SHD_S = 7_900, 0.8


def write_nmnist(folder: Path, n: int) -> int:
    """Writes n recordings, half of them for testing; returns their number of events."""
    rng, total = np.random.default_rng(0), 0
    for index in range(n):
        n_events = int(rng.poisson(NMNIST_EVENTS))
        t = np.sort(rng.integers(0, NMNIST_US, n_events))
        data = np.empty((n_events, 5), np.uint8)
        data[:, :2] = rng.integers(0, 34, (n_events, 2))
        data[:, 2] = rng.integers(0, 2, n_events) << 7 | t >> 16
        data[:, 3], data[:, 4] = t >> 8 & 0xFF, t & 0xFF
        place = folder / "NMNIST" / ("Train", "Test")[index % 2] / str(index // 2 % 10)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:05}.bin").write_bytes(data.tobytes())
        total += n_events
    return total


def write_shd(folder: Path, n: int) -> int:
    """Writes n recordings, half of them for testing; returns their number of events."""
    rng, total = np.random.default_rng(1), 0
    (folder / "SHD").mkdir()
    for part in ("train", "test"):
        with h5py.File(folder / "SHD" / f"shd_{part}.h5", "w") as file:
            times = file.create_dataset("spikes/times", (n // 2,), h5py.vlen_dtype(np.float16))
            units = file.create_dataset("spikes/units", (n // 2,), h5py.vlen_dtype(np.uint16))
            for index in range(n // 2):
                n_events = int(rng.poisson(SHD_EVENTS))
                times[index] = np.sort(rng.random(n_events) * SHD_S).astype(np.float16)
                units[index] = rng.integers(0, 700, n_events).astype(np.uint16)
                total += n_events
            file["labels"] = np.arange(n // 2) % 20
            file["extra/keys"] = np.array([f"key {label}" for label in range(20)], "S")
            file["extra/speaker"] = np.arange(n // 2) % 12
    return total


def tonic_sets(name: str, folder: Path, frames_ms: float | None = None) -> tuple[Any, Any] | None:
    """Returns tonic's training and test part, as events or frames; None without tonic."""
    try:
        import tonic.datasets
        import tonic.transforms
    except ImportError as error:
        print(f"tonic does not import ({error}): it is left out")
        return None
    kind = getattr(tonic.datasets, name)
    # It asks for the archives that it would download, and for all 70,000 files.
    kind._check_exists = lambda self: True
    made = None
    if frames_ms is not None:
        made = tonic.transforms.ToFrame(kind.sensor_size, time_window=frames_ms * 1e3)
    return tuple(kind(str(folder), train=train, transform=made) for train in (True, False))


def all_events(parts: tuple[Any, Any]) -> int:
    """Reads all recordings of tonic's, and returns their number of events."""
    return sum(len(data[at][0]) for data in parts for at in range(len(data)))


def best(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Returns the least time [s] of each, run by turns."""
    seconds = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def measure(
    name: str,
    folder: Path,
    n_events: int,
    runs: dict[str, Callable[[], Dataset]],
    step_ms: float,
    rounds: int,
) -> dict[str, Any]:
    """Measures the loaders of one data set; prints and returns events a second."""
    loaded = {key: run() for key, run in runs.items()}
    all_runs: dict[str, Callable[[], object]] = dict(runs)
    theirs = tonic_sets(name, folder)
    if theirs is not None:
        parts = theirs
        assert all_events(parts) == n_events
        loaded["tonic"] = from_tonic(*parts, step_ms=step_ms)
        all_runs["tonic, events"] = lambda: all_events(parts)
        all_runs["tonic, spike trains"] = lambda: from_tonic(*parts, step_ms=step_ms)
        frames = tonic_sets(name, folder, step_ms)
        assert frames is not None
        all_runs["tonic, frames"] = lambda: all_events(frames)
    first = next(iter(loaded.values()))
    for key, data in loaded.items():
        same = data.x_train == first.x_train and data.x_test == first.x_test
        assert same and (data.y_test == first.y_test).all(), key
    rates = {key: n_events / seconds for key, seconds in best(all_runs, rounds).items()}
    peer = rates.get("tonic, events")
    for key, rate in rates.items():
        against = "" if peer is None else f", {rate / peer:5.1f} x tonic's events"
        print(f"{name:7} {key:20} {rate / 1e6:8.2f} million events/s{against}", flush=True)
    return {"n_events": n_events, "events_per_s": rates}


def main() -> None:
    """Writes the files, and measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nmnist", type=int, default=2_000, help="recordings of N-MNIST")
    parser.add_argument("--shd", type=int, default=1_000, help="recordings of SHD")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--quick", action="store_true", help="few recordings, one round")
    args = parser.parse_args()
    if args.quick:
        args.nmnist, args.shd, args.rounds = 40, 20, 1
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        nmnist = folder / "NMNIST"
        n_nmnist, n_shd = write_nmnist(folder, args.nmnist), write_shd(folder, args.shd)
        result = {
            "n-mnist": measure(
                "NMNIST",
                folder,
                n_nmnist,
                {
                    "strsbp_rs, 1 thread": lambda: load_nmnist(nmnist, n_threads=1),
                    f"strsbp_rs, {args.threads} threads": lambda: load_nmnist(
                        nmnist, n_threads=args.threads
                    ),
                },
                1.0,
                args.rounds,
            ),
            "shd": measure(
                "SHD",
                folder,
                n_shd,
                {"strsbp_rs": lambda: load_shd(folder / "SHD")},
                4.0,
                args.rounds,
            ),
        }
    if args.json:
        args.json.write_text(json.dumps({"processor": platform.processor(), **result}, indent=1))


if __name__ == "__main__":
    main()
