"""Files of recordings of events, written as their makers' programs do, of a few events each.

`python event_files.py FOLDER` writes a small set of each kind, and of TI46 and spoken digits, into
FOLDER/NAME, as `load_dataset(NAME, FOLDER)` finds them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from sound_files import tone, write_sphere, write_wav

Events = Sequence[tuple[int, int, int, int]]
"""(x, y, p, t) each."""


def draw(rng: np.random.Generator, n: int, size: tuple[int, int, int], end: int) -> Events:
    """Events by chance, in the order of time [us]."""
    t = np.sort(rng.integers(0, end, n))
    places = [rng.integers(0, most, n) for most in size]
    return [(int(x), int(y), int(p), int(time)) for x, y, p, time in zip(*places, t, strict=True)]


# N-MNIST ----------------------------------------------------------------------------------------


def nmnist_bytes(events: Events) -> bytes:
    """The bytes of a recording; a pixel of y = 240 is the marker of an overflow."""
    return b"".join(
        bytes([x, y, p << 7 | t >> 16 & 0x7F, t >> 8 & 0xFF, t & 0xFF]) for x, y, p, t in events
    )


def write_nmnist(folder: Path, n_train: int = 2, n_test: int = 1) -> Path:
    """N-MNIST, of so many recordings of each digit."""
    rng = np.random.default_rng(0)
    for part, n in (("Train", n_train), ("Test", n_test)):
        for digit in range(10):
            place = folder / part / str(digit)
            place.mkdir(parents=True)
            for number in range(n):
                events = draw(rng, 300 + 40 * digit, (34, 34, 2), 250_000 + 5_000 * digit)
                (place / f"{number * 7 + digit + 1:05}.bin").write_bytes(nmnist_bytes(events))
    return folder


# The Heidelberg sets, N-TIDIGITS ------------------------------------------------------------------


def write_hsd(
    path: Path,
    recordings: Sequence[tuple[Any, Any]],
    labels: Sequence[int],
    keys: Sequence[str] = (),
    speakers: Sequence[int] = (),
) -> Path:
    """A file of SHD or SSC: times [s] as float16 and units of each recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, kind, at in (("times", np.float16, 0), ("units", np.uint16, 1)):
            made = file.create_dataset(
                f"spikes/{name}", (len(recordings),), dtype=h5py.vlen_dtype(kind)
            )
            for index, recording in enumerate(recordings):
                made[index] = np.asarray(recording[at], kind)
        file["labels"] = np.asarray(labels, np.int64)
        if len(keys):
            file["extra/keys"] = np.array(keys, "S")
        if len(speakers):
            file["extra/speaker"] = np.asarray(speakers, np.int64)
            file["extra/meta_info/age"] = np.arange(3)
    return path


def replace_item(path: Path, name: str, value: Any) -> None:
    """Puts another value into an HDF5 file; None takes what is there out."""
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value


def _heard(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.sort(rng.random(n) * 0.9), rng.integers(0, 700, n)


def write_heidelberg(folder: Path, name: str = "shd", n: int = 2) -> Path:
    """SHD or SSC, of n recordings of each class in every part."""
    rng = np.random.default_rng(1)
    n_classes = {"shd": 20, "ssc": 35}[name]
    for part in ("train", "test") if name == "shd" else ("train", "valid", "test"):
        y = rng.permutation(np.tile(np.arange(n_classes), n))
        recordings = [_heard(rng, 400 + 5 * int(label)) for label in y]
        keys = [f"word {label}" for label in range(n_classes)]
        speakers = rng.integers(0, 6, len(y)) * 2 if name == "shd" else []
        write_hsd(folder / f"{name}_{part}.h5", recordings, y, keys, speakers)
    return folder


def write_ntidigits(path: Path, parts: Mapping[str, Mapping[str, tuple[Any, Any]]]) -> Path:
    """N-TIDIGITS18: of each part (times [s], addresses) by label, in the order they are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for part, recordings in parts.items():
            file[f"{part}_labels"] = np.array(list(recordings), "S")
            for label, (times, addresses) in recordings.items():
                file[f"{part}_timestamps/{label}"] = np.asarray(times, np.float32)
                file[f"{part}_addresses/{label}"] = np.asarray(addresses, np.int64)
    return path


def write_digits_heard(folder: Path) -> Path:
    """N-TIDIGITS18 of two speakers in each part, and some strings of digits."""
    rng = np.random.default_rng(2)
    parts: dict[str, dict[str, tuple[Any, Any]]] = {}
    for part, speakers in (("train", ("man-im", "woman-ac")), ("test", ("boy-bd", "girl-xz"))):
        parts[part] = {}
        for speaker in speakers:
            for digits in ("z", "7557", *"987654321", "o", "zo"):
                t = np.sort(rng.random(300) * 0.8)
                parts[part][f"{speaker}-a-{digits}"] = (t, rng.integers(0, 64, 300))
    write_ntidigits(folder / "n-tidigits.hdf5", parts)
    return folder


# DVS-Gesture ------------------------------------------------------------------------------------


def aedat(
    events: Events, per_packet: int = 100, *, invalid: Sequence[int] = (), told: bool = True
) -> bytes:
    """AEDAT 3.1: lines of a header, a packet of another kind, and packets of polarity events.

    Those that are invalid are marked, and counted in the headers of packets if that is `told`.
    """
    lines = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 0: DVS128\r\n#!END-HEADER\r\n"
    special = struct.pack("<hhiiiiii", 0, 0, 8, 4, 0, 1, 1, 1) + struct.pack("<II", 3, 0)
    data = lines.encode() + special
    for first in range(0, len(events), per_packet):
        part = events[first : first + per_packet]
        bad = [at for at in range(first, first + len(part)) if at in invalid]
        n = len(part)
        data += struct.pack("<hhiiiiii", 1, 0, 8, 4, part[0][3] >> 31, n, n, n - told * len(bad))
        for at, (x, y, p, t) in enumerate(part, first):
            word = x << 17 | y << 2 | p << 1 | (at not in invalid)
            data += struct.pack("<II", word, t & 0x7FFFFFFF)
    return data


def write_gesture(folder: Path) -> Path:
    """DVS-Gesture as published: two users, three gestures each."""
    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    for part, user in (("train", 1), ("test", 24)):
        name = f"user{user:02}_fluorescent"
        events = draw(rng, 2_000, (128, 128, 2), 900_000)
        (folder / f"{name}.aedat").write_bytes(aedat(events))
        rows = ["class,startTime_usec,endTime_usec", "8,100000,350000", "1,400000,500000"]
        (folder / f"{name}_labels.csv").write_text("\n".join([*rows, "11,600000,880000", ""]))
        (folder / f"trials_to_{part}.txt").write_text(f"{name}.aedat\n")
    return folder


# Sounds -----------------------------------------------------------------------------------------


def write_ti46(folder: Path, name: str) -> Path:
    """TI46-Alpha or -Digits in SPHERE: two speakers, a recording of each word in either part."""
    digits = [f"{n:02}" for n in range(10)]
    letters = [f"0{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    words = [*digits, "en", "ys"] if name == "ti46-digits" else letters
    root = folder / ("ti20" if name == "ti46-digits" else "ti_alpha")
    for speaker in ("m3", "f1"):
        for part, ending in (("train", "set0"), ("test", "s1t0")):
            place = root / part / speaker
            place.mkdir(parents=True)
            for at, word in enumerate(words):
                write_sphere(place / f"{word}{speaker}{ending}.wav", tone(1_500 + 10 * at, at))
    return folder


def write_spoken_digits(folder: Path) -> Path:
    """Free Spoken Digits: two speakers, recordings 0 and 5 of each digit."""
    (folder / "recordings").mkdir(parents=True)
    for digit in range(10):
        for speaker in ("theo", "jackson"):
            for index in (0, 5):
                path = folder / "recordings" / f"{digit}_{speaker}_{index}.wav"
                write_wav(path, tone(2_000 + 100 * digit, digit))
    return folder


WRITERS = {
    "dvs-gesture": write_gesture,
    "free-spoken-digits": write_spoken_digits,
    "n-mnist": write_nmnist,
    "n-tidigits": write_digits_heard,
    "shd": write_heidelberg,
    "ssc": lambda folder: write_heidelberg(folder, "ssc", 1),
    "ti46-alpha": lambda folder: write_ti46(folder, "ti46-alpha"),
    "ti46-digits": lambda folder: write_ti46(folder, "ti46-digits"),
}
"""What writes a small set of each kind into a folder."""

if __name__ == "__main__":
    for name, write in WRITERS.items():
        print(write(Path(sys.argv[1]) / name))
