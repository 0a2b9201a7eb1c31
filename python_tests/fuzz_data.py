"""Damaged files of data sets, for fuzz.py: sounds and recordings of events."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from damage import damaged_bytes
from event_files import aedat, draw, nmnist_bytes
from sound_files import sphere, tone, write_wav

from strsbp_rs.audio import read_sound
from strsbp_rs.datasets._aedat import read_aedat
from strsbp_rs.datasets._recordings import Recordings, of_one_length

__all__ = ["TARGETS"]

Case = Callable[[], None]


def sound_case(rng: random.Random, path: Path) -> Case:
    samples = tone(40, rng.randrange(9))
    kind = rng.choice(("wav", "pcm", "ulaw"))
    if kind == "wav":
        wide = samples.astype(rng.choice(("i2", "i4")))
        data = write_wav(path, wide, rng.choice((8_000, 44_100))).read_bytes()
    elif kind == "pcm":
        data = sphere(samples.astype("<i2").tobytes(), 40)
    else:
        data = sphere(rng.randbytes(40), 40, sample_n_bytes="-i 1", sample_coding="-s4 ulaw")
    # Most of a SPHERE file's header is empty: damage is to be where something is.
    data = damaged_bytes(rng, data[:420] + data[1_000:]) if rng.random() < 0.2 else data
    if kind != "wav":
        head = damaged_bytes(rng, data[:300].rstrip(b" "))
        data = head.ljust(1024)[:1024] + data[1024:]
    path.write_bytes(damaged_bytes(rng, data) if kind == "wav" else data)

    def use() -> None:
        got, rate = read_sound(path)
        assert got.ndim == 1 and got.size > 0 and rate > 0
        assert got.dtype.kind in "iuf"

    return use


def nmnist_case(rng: random.Random, path: Path) -> Case:
    events = list(draw(np.random.default_rng(rng.randrange(99)), 30, (34, 34, 2), 20_000))
    if rng.random() < 0.5:
        events.insert(rng.randrange(30), (0, 240, 0, 8_191))
    path.write_bytes(damaged_bytes(rng, nmnist_bytes(events)))

    def use() -> None:
        recordings = Recordings(2312, rng.choice((1.0, 0.3)), rng.choice((None, 50)), "count")
        recordings.read_nmnist([str(path)] * 2, 1, False)
        (trains,) = of_one_length(recordings)
        assert len(trains) == 2 and trains[0] == trains[1]
        assert trains.counts().sum() == trains.n_spikes

    return use


def aedat_case(rng: random.Random, path: Path) -> Case:
    events = draw(np.random.default_rng(rng.randrange(99)), 40, (128, 128, 2), 20_000)
    path.write_bytes(damaged_bytes(rng, aedat(events, 15)))

    def use() -> None:
        got = read_aedat(path)
        assert got.ndim == 1 and (got["t"] >= 0).all() and (got["x"] < 2**15).all()

    return use


TARGETS: dict[str, Callable[[random.Random, Path], Case]] = {
    "sound": sound_case,
    "N-MNIST": nmnist_case,
    "AEDAT": aedat_case,
}
