"""The Spiking Heidelberg Digits and the Spiking Speech Commands: HDF5, 700 channels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import count
from strsbp_rs._bars import steps_bar
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Download, Entry, locate
from strsbp_rs.datasets._hdf5 import item, opened, strings
from strsbp_rs.datasets._recordings import Recordings, Repeated, of_one_length

__all__ = ["SHD", "SSC", "load_shd", "load_ssc"]

_N_CHANNELS = 700
_AT_ONCE = 500
"""Recordings that are read at once."""


def load_shd(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    step_ms: float = 4.0,
    n_steps: int | None = None,
    n_channels: int = _N_CHANNELS,
    repeated: Repeated = "merge",
    download: bool = True,
    progress: bool = True,
) -> Dataset:
    """Loads the Spiking Heidelberg Digits: 8,156 + 2,264 recordings, spoken digits in 20 classes.

    Groups are speakers. There are no validation samples: see `Dataset.split_validation`.

    Args:
        data_dir: Folder of shd_train.h5 and shd_test.h5; if None, $STRSBP_DATA, the user's cache.
        step_ms: Time step [ms].
        n_steps: Number of time steps of all, where later events are left out; if None, each
            recording is as long as it is.
        n_channels: A divisor of 700: neighbouring channels are joined to so many.
        repeated: What becomes of events of one channel in one step: "merge" makes them one spike,
            "count" keeps all.
        download: Whether it may be downloaded to the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found, or cannot be downloaded.
        ValueError: If a file is damaged, or an argument out of range.
        ImportError: Without h5py.

    References:
        Cramer, Stradmann, Schemmel & Zenke, The Heidelberg spiking data sets, IEEE TNNLS 33(7),
        2022, arXiv:1910.07407. CC BY 4.0.
    """
    return _load(SHD, data_dir, step_ms, n_steps, n_channels, repeated, download, progress)


def load_ssc(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    step_ms: float = 4.0,
    n_steps: int | None = None,
    n_channels: int = _N_CHANNELS,
    repeated: Repeated = "merge",
    download: bool = True,
    progress: bool = True,
) -> Dataset:
    """Loads the Spiking Speech Commands: 75,466 + 9,981 + 20,382 recordings, words in 35 classes.

    The second part is validation samples.

    Args:
        data_dir: Folder of ssc_train.h5, ssc_valid.h5 and ssc_test.h5; if None, $STRSBP_DATA, the
            user's cache.
        step_ms: Time step [ms].
        n_steps: As of `load_shd`.
        n_channels: As of `load_shd`.
        repeated: As of `load_shd`.
        download: Whether it may be downloaded to the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found, or cannot be downloaded.
        ValueError: If a file is damaged, or an argument out of range.
        ImportError: Without h5py.

    References:
        As of `load_shd`.
    """
    return _load(SSC, data_dir, step_ms, n_steps, n_channels, repeated, download, progress)


@dataclass(frozen=True)
class _Part:
    """What a file says of its recordings."""

    recordings: Recordings
    y: NDArray[np.int64]
    speakers: NDArray[np.int64] | None
    class_names: tuple[str, ...]


def _load(
    entry: Entry,
    data_dir: str | os.PathLike[str] | None,
    step_ms: float,
    n_steps: int | None,
    n_channels: int,
    repeated: Repeated,
    download: bool,
    progress: bool,
) -> Dataset:
    width = count("n_channels", n_channels, most=_N_CHANNELS)
    if _N_CHANNELS % width:
        raise ValueError(f"n_channels must be a divisor of {_N_CHANNELS}, got {width}")
    files = {file.removesuffix(".h5").rpartition("_")[2]: file for file in entry.layouts[0]}
    recordings = {part: Recordings(width, step_ms, n_steps, repeated) for part in files}
    folder = locate(entry, data_dir, download)
    parts = {
        part: _read(folder / file, recordings[part], width, entry.n_classes, progress)
        for part, file in files.items()
    }
    train, test, valid = parts["train"], parts["test"], parts.get("valid")
    for part, read in parts.items():
        if read.class_names != train.class_names:
            raise ValueError(f"{folder / files[part]}: has other keys than {files['train']}")
    trains = dict(
        zip(parts, of_one_length(*(part.recordings for part in parts.values())), strict=True)
    )
    names, groups_train, groups_test = _groups(train.speakers, test.speakers)
    return Dataset(
        name=entry.name,
        x_train=trains["train"],
        y_train=train.y,
        x_test=trains["test"],
        y_test=test.y,
        image_shape=None,
        class_names=train.class_names,
        source=str(folder),
        licence=entry.licence,
        groups_train=groups_train,
        groups_test=groups_test,
        group_names=names,
        sensor_size=(width, 1, 1),
        step_ms=train.recordings.step_ms,
        x_validation=trains.get("valid"),
        y_validation=None if valid is None else valid.y,
    )


def _read(
    path: Path, recordings: Recordings, n_channels: int, n_classes: int, progress: bool
) -> _Part:
    """Reads a file, some recordings at a time."""
    with opened(path) as file:
        times, units = item(path, file, "spikes/times"), item(path, file, "spikes/units")
        y = np.asarray(item(path, file, "labels")[()])
        extra = file.get("extra", {})
        keys = strings(extra["keys"][()]) if "keys" in extra else []
        speakers = np.asarray(extra["speaker"][()]) if "speaker" in extra else None
        n = len(y)
        if not len(times) == len(units) == n or n == 0:
            raise ValueError(
                f"{path}: has {len(times)} recordings of times and {len(units)} of units, "
                f"expected {n} as labels, and at least one"
            )
        if y.dtype.kind not in "iu" or y.ndim != 1 or not (0 <= y.min() <= y.max() < n_classes):
            raise ValueError(
                f"{path}: has labels from {y.min()} to {y.max()}, expected [0, {n_classes})"
            )
        if keys and len(keys) != n_classes:
            raise ValueError(f"{path}: has {len(keys)} keys, expected {n_classes}, one a class")
        if speakers is not None and speakers.shape != (n,):
            raise ValueError(f"{path}: has {speakers.size} speakers, expected {n} as labels")
        with steps_bar(n, f"Reading {path.name}", progress) as bar:
            for first in range(0, n, _AT_ONCE):
                t, x = times[first : first + _AT_ONCE], units[first : first + _AT_ONCE]
                names = [f"{path}: recording {first + at}" for at in range(len(t))]
                recordings.add(names, list(t), _joined(names, list(x), n_channels), "s")
                bar.update(len(t))
    return _Part(
        recordings,
        y.astype(np.int64),
        None if speakers is None else speakers.astype(np.int64),
        tuple(keys) or tuple(str(label) for label in range(n_classes)),
    )


def _joined(names: list[str], units: list[NDArray[Any]], n_channels: int) -> list[NDArray[Any]]:
    """Returns inputs of channels, neighbours of which are joined."""
    if n_channels == _N_CHANNELS:
        return units
    for name, x in zip(names, units, strict=True):
        if x.size and not 0 <= x.min() <= x.max() < _N_CHANNELS:
            raise ValueError(f"{name}: has a unit {x.max()}, expected [0, {_N_CHANNELS})")
    return [x.astype(np.int64) * n_channels // _N_CHANNELS for x in units]


def _groups(
    train: NDArray[np.int64] | None, test: NDArray[np.int64] | None
) -> tuple[tuple[str, ...], NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Returns names of the speakers of both parts, and the number of each sample's in them."""
    if train is None or test is None:
        return (), None, None
    names = np.unique(np.concatenate([train, test]))
    of = [np.searchsorted(names, part).astype(np.int64) for part in (train, test)]
    return tuple(map(str, names)), of[0], of[1]


_URL = "https://zenkelab.org/datasets/"
_MD5 = {
    "shd_train": "f3252aeb598ac776c1b526422d90eecb",
    "shd_test": "1503a5064faa34311c398fb0a1ed0a6f",
    "ssc_train": "d102be95e7144fcc0553d1f45ba94170",
    "ssc_valid": "b4eee3516a4a90dd0c71a6ac23a8ae43",
    "ssc_test": "a35ff1e9cffdd02a20eb850c17c37748",
}


def _downloads(start: str) -> tuple[Download, ...]:
    files = [name for name in _MD5 if name.startswith(start)]
    return tuple(
        Download(f"{_URL}{name}.h5.zip", f"md5:{_MD5[name]}", f"{name}.h5.zip", unpack=True)
        for name in files
    )


SHD = Entry(
    name="shd",
    title="SHD (Spiking Heidelberg Digits)",
    kind="events",
    load=load_shd,
    licence="CC BY 4.0",
    url="https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
    samples=(8_156, 2_264),
    n_classes=20,
    layouts=(("shd_train.h5", "shd_test.h5"),),
    downloads=_downloads("shd"),
    to_get=f"{_URL}, unpacked",
)
SSC = Entry(
    name="ssc",
    title="SSC (Spiking Speech Commands)",
    kind="events",
    load=load_ssc,
    licence="CC BY 4.0",
    url="https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
    samples=(75_466, 9_981, 20_382),
    n_classes=35,
    layouts=(("ssc_train.h5", "ssc_valid.h5", "ssc_test.h5"),),
    downloads=_downloads("ssc"),
    to_get=f"{_URL}, unpacked",
)
