"""N-MNIST: digits that an event camera has seen in three saccades, a file each."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import threads
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Download, Entry, locate
from strsbp_rs.datasets._recordings import Recordings, Repeated, of_one_length

__all__ = ["NMNIST", "load_nmnist"]

_SENSOR = (34, 34, 2)
_NAME = re.compile(r"\d+\.bin")


def load_nmnist(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    step_ms: float = 1.0,
    n_steps: int | None = None,
    repeated: Repeated = "merge",
    n_threads: int | None = None,
    download: bool = True,
    progress: bool = True,
) -> Dataset:
    """Loads N-MNIST: 60,000 + 10,000 recordings of 34 x 34 pixels and two polarities, 10 classes.

    Input x + 34 * (y + 34 * p) is pixel (x, y) of polarity p, 1 where it grows lighter. A recording
    takes about 300 ms. Samples are in the order of classes, then of their files' names.

    Args:
        data_dir: Folder with Train/DIGIT/*.bin and Test/DIGIT/*.bin; if None, $STRSBP_DATA, the
            user's cache.
        step_ms: Time step [ms].
        n_steps: Number of time steps of all, where later events are left out; if None, each
            recording is as long as it is.
        repeated: What becomes of events of one pixel and polarity in one step: "merge" makes them
            one spike, "count" keeps all.
        n_threads: Threads that read files; None means all cores.
        download: Whether it may be downloaded to the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found, or cannot be downloaded.
        ValueError: If a file is damaged, or an argument out of range.

    References:
        Orchard, Jayawant, Cohen & Thakor, Converting static image datasets to spiking neuromorphic
        datasets using saccades, Frontiers in Neuroscience 9:437, 2015. CC BY-SA 4.0.
    """
    parts = {
        part: Recordings(int(np.prod(_SENSOR)), step_ms, n_steps, repeated)
        for part in ("Train", "Test")
    }
    n = threads(n_threads)
    folder = locate(NMNIST, data_dir, download)
    labels = {
        part: _read(folder / part, recordings, n, progress) for part, recordings in parts.items()
    }
    x_train, x_test = of_one_length(*parts.values())
    return Dataset(
        name=NMNIST.name,
        x_train=x_train,
        y_train=labels["Train"],
        x_test=x_test,
        y_test=labels["Test"],
        image_shape=None,
        class_names=tuple("0123456789"),
        source=str(folder),
        licence=NMNIST.licence,
        sensor_size=_SENSOR,
        step_ms=parts["Train"].step_ms,
    )


def _read(
    folder: Path, recordings: Recordings, n_threads: int | None, progress: bool
) -> NDArray[np.int64]:
    """Reads the files of a part, and returns their classes."""
    files: list[str] = []
    counts = []
    for digit in range(10):
        place = os.path.join(folder, str(digit))
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        # Of 70,000 names a regular expression is asked, as paths are slow to make.
        stray = next((name for name in names if _NAME.fullmatch(name) is None), None)
        if stray is not None:
            raise ValueError(f"{os.path.join(place, stray)}: is named otherwise than NUMBER.bin")
        if not names:
            raise ValueError(f"{place}: has no files, expected NUMBER.bin of digit {digit}")
        files += [os.path.join(place, name) for name in names]
        counts.append(len(names))
    recordings.read_nmnist(files, n_threads, progress)
    return np.repeat(np.arange(10), counts).astype(np.int64)


_URL = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/"
NMNIST = Entry(
    name="n-mnist",
    title="N-MNIST",
    kind="events",
    load=load_nmnist,
    licence="CC BY-SA 4.0",
    url="https://www.garrickorchard.com/datasets/n-mnist",
    samples=(60_000, 10_000),
    n_classes=10,
    layouts=(("Train/", "Test/"),),
    downloads=(
        Download(
            f"{_URL}39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
            "md5:20959b8e626244a1b502305a9e6e2031",
            "train.zip",
            unpack=True,
        ),
        Download(
            f"{_URL}05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
            "md5:69ca8762b2fe404d9b9bad1103e97832",
            "test.zip",
            unpack=True,
        ),
    ),
    to_get="https://data.mendeley.com/datasets/468j46mzdv, unpacked",
)
