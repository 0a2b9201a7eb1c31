"""N-TIDIGITS18: digits that a silicon cochlea of 64 channels has heard; HDF5."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Entry, locate
from strsbp_rs.datasets._hdf5 import item, opened, strings
from strsbp_rs.datasets._recordings import Recordings, Repeated, of_one_length

__all__ = ["N_TIDIGITS", "load_n_tidigits"]

_FILE = "n-tidigits.hdf5"
_N_CHANNELS = 64
_CLASSES = ("o", "1", "2", "3", "4", "5", "6", "7", "8", "9", "z")
_LABEL = re.compile(r"([a-z]+)-([a-z0-9]+)-([a-z0-9]+)-([o1-9z]+)")
_AT_ONCE = 200


def load_n_tidigits(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    step_ms: float = 2.0,
    n_steps: int | None = None,
    repeated: Repeated = "merge",
) -> Dataset:
    """Loads the single digits of N-TIDIGITS18: about 2,475 + 2,486 recordings, 64 channels.

    There are 11 classes, in this order: o, 1 to 9, z ("oh" is class 0, "zero" class 10, as the
    library tonic has it; other loaders have z first). Groups are speakers, and those of the test
    samples are not among those of the training samples. Samples are in the order of the file's
    labels. Strings of several digits are left out.

    Args:
        data_dir: Folder of n-tidigits.hdf5; if None, $STRSBP_DATA, the user's cache.
        step_ms: Time step [ms].
        n_steps: Number of time steps of all, where later events are left out; if None, each
            recording is as long as it is.
        repeated: What becomes of events of one channel in one step: "merge" makes them one spike,
            "count" keeps all.

    Raises:
        OSError: If it is not found.
        ValueError: If the file is damaged, or an argument out of range.
        ImportError: Without h5py.

    References:
        Anumula, Neil, Delbruck & Liu, Feature representations for neuromorphic audio spike streams,
        Frontiers in Neuroscience 12:23, 2018.
    """
    parts = {
        part: Recordings(_N_CHANNELS, step_ms, n_steps, repeated) for part in ("train", "test")
    }
    folder = locate(N_TIDIGITS, data_dir, False)
    path = folder / _FILE
    with opened(path) as file:
        read = {part: _read(path, file, part, recordings) for part, recordings in parts.items()}
    speakers = sorted({one for _, of in read.values() for one in of})
    groups = {
        part: np.array([speakers.index(one) for one in of], np.int64)
        for part, (_, of) in read.items()
    }
    x_train, x_test = of_one_length(*parts.values())
    return Dataset(
        name=N_TIDIGITS.name,
        x_train=x_train,
        y_train=read["train"][0],
        x_test=x_test,
        y_test=read["test"][0],
        image_shape=None,
        class_names=_CLASSES,
        source=str(path),
        licence=N_TIDIGITS.licence,
        groups_train=groups["train"],
        groups_test=groups["test"],
        group_names=tuple(speakers),
        sensor_size=(_N_CHANNELS, 1, 1),
        step_ms=parts["train"].step_ms,
    )


def _read(
    path: Path, file: Any, part: str, recordings: Recordings
) -> tuple[NDArray[np.int64], list[str]]:
    """Reads the single digits of a part, and returns their classes and speakers."""
    labels = strings(item(path, file, f"{part}_labels")[()])
    single, y, speakers = [], [], []
    for label in labels:
        match = _LABEL.fullmatch(label)
        if match is None:
            raise ValueError(
                f"{path}: {part}_labels has {label!r}, expected gender-speaker-production-digits"
            )
        gender, speaker, _, digits = match.groups()
        if len(digits) == 1:
            single.append(label)
            y.append(_CLASSES.index(digits))
            speakers.append(f"{gender}-{speaker}")
    if not single:
        raise ValueError(f"{path}: {part}_labels has no single digits")
    for first in range(0, len(single), _AT_ONCE):
        # By name: the groups are in the order of the alphabet, the labels are not.
        chunk = single[first : first + _AT_ONCE]
        recordings.add(
            [f"{path}: {part} {label}" for label in chunk],
            [item(path, file, f"{part}_timestamps/{label}")[()] for label in chunk],
            [item(path, file, f"{part}_addresses/{label}")[()] for label in chunk],
            "s",
        )
    return np.array(y, np.int64), speakers


N_TIDIGITS = Entry(
    name="n-tidigits",
    title="N-TIDIGITS18",
    kind="events",
    load=load_n_tidigits,
    licence="not stated; made of TIDIGITS, LDC93S10",
    url="https://doi.org/10.3389/fnins.2018.00023",
    samples=(2_475, 2_486),
    n_classes=11,
    layouts=((_FILE,),),
    to_get="n-tidigits.hdf5 (md5 360a2d11e5429555c9197381cf6b58e0), from its authors or by the "
    "library tonic",
)
