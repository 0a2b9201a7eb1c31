"""DVS-Gesture: hand and arm gestures before an event camera, in two layouts of files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import count
from strsbp_rs._bars import steps_bar
from strsbp_rs._events import pixel_columns
from strsbp_rs.datasets._aedat import read_aedat
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Download, Entry, locate
from strsbp_rs.datasets._own import read_array
from strsbp_rs.datasets._recordings import Recordings, Repeated, of_one_length

__all__ = ["DVS_GESTURE", "load_dvs_gesture"]

_SIDE = 128
_CLASSES = (
    *("hand clapping", "right hand wave", "left hand wave", "right arm clockwise"),
    *("right arm counter-clockwise", "left arm clockwise", "left arm counter-clockwise"),
    *("arm roll", "air drums", "air guitar", "other gestures"),
)
_USER = re.compile(r"user(\d\d)_(.+?)")
_LISTS = {"train": "trials_to_train.txt", "test": "trials_to_test.txt"}
_CUT = {"train": "ibmGestureTrain", "test": "ibmGestureTest"}

Gesture = tuple[str, NDArray[Any], Literal["us", "ms"], int, int]
"""Name, events, unit of their times, class and user."""


def load_dvs_gesture(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    step_ms: float = 10.0,
    n_steps: int | None = None,
    side: int = _SIDE,
    repeated: Repeated = "merge",
    download: bool = True,
    progress: bool = True,
) -> Dataset:
    """Loads DVS-Gesture: 29 users, 11 gestures before a camera of 128 x 128 pixels.

    Either as published: AEDAT 3.1 files of several gestures, each with a file _labels.csv that says
    when which begins and ends, and trials_to_train.txt and trials_to_test.txt; or as the library
    tonic has it: a file .npy a gesture, in ibmGestureTrain/USER_LIGHT and ibmGestureTest, with
    times in ms. Times count from a gesture's begin (of the second layout, its first event); groups
    are users. Input x + side * (y + side * p) is pixel (x, y) of polarity p.

    Args:
        data_dir: The folder; if None, $STRSBP_DATA, the user's cache.
        step_ms: Time step [ms].
        n_steps: Number of time steps of all, where later events are left out; if None, each
            recording is as long as it is, some 6 s.
        side: A divisor of 128: neighbouring pixels are joined to so many in width and height.
        repeated: What becomes of events of one pixel and polarity in one step: "merge" makes them
            one spike, "count" keeps all.
        download: Whether the second layout may be downloaded to the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found, or cannot be downloaded.
        ValueError: If a file is damaged or named otherwise, or an argument out of range.

    References:
        Amir et al., A low power, fully event-based gesture recognition system, CVPR 2017.
        CC BY 4.0.
    """
    width = count("side", side, most=_SIDE)
    if _SIDE % width:
        raise ValueError(f"side must be a divisor of {_SIDE}, got {width}")
    parts = {part: Recordings(2 * width**2, step_ms, n_steps, repeated) for part in _LISTS}
    folder = locate(DVS_GESTURE, data_dir, download)
    is_cut = DVS_GESTURE.layout(folder) != DVS_GESTURE.layouts[0]
    y: dict[str, list[int]] = {part: [] for part in parts}
    users: dict[str, list[int]] = {part: [] for part in parts}
    for part, recordings in parts.items():
        if is_cut:
            gestures = _npy(folder / _CUT[part], progress)
        else:
            gestures = _aedat(folder, folder / _LISTS[part], progress)
        for name, events, unit, label, user in gestures:
            recordings.add([name], [events["t"]], [_inputs(name, events, width)], unit)
            y[part].append(label)
            users[part].append(user)
        if not y[part]:
            raise ValueError(f"{folder}: has no gestures for part {part}")
    names = sorted({*users["train"], *users["test"]})
    x_train, x_test = of_one_length(*parts.values())
    return Dataset(
        name=DVS_GESTURE.name,
        x_train=x_train,
        y_train=np.array(y["train"], np.int64),
        x_test=x_test,
        y_test=np.array(y["test"], np.int64),
        image_shape=None,
        class_names=_CLASSES,
        source=str(folder),
        licence=DVS_GESTURE.licence,
        groups_train=np.searchsorted(names, users["train"]).astype(np.int64),
        groups_test=np.searchsorted(names, users["test"]).astype(np.int64),
        group_names=tuple(f"user{user:02}" for user in names),
        sensor_size=(width, width, 2),
        step_ms=parts["train"].step_ms,
    )


def _inputs(name: str, events: NDArray[Any], side: int) -> NDArray[np.int64]:
    """Returns the input of every event, where neighbouring pixels are joined."""
    pixel = pixel_columns(name, events, (_SIDE, _SIDE, 2))[1]
    x, y, p = pixel % _SIDE, pixel // _SIDE % _SIDE, pixel // _SIDE**2
    return x * side // _SIDE + side * (y * side // _SIDE + side * p)


def _user(path: Path, name: str) -> int:
    match = _USER.fullmatch(name)
    if match is None:
        raise ValueError(f"{path}: is named otherwise than userNN_LIGHT")
    return int(match[1])


def _aedat(folder: Path, trials: Path, progress: bool) -> Iterator[Gesture]:
    """Yields the gestures of the recordings that a list names."""
    names = trials.read_text("utf-8", "replace").split()
    with steps_bar(len(names), f"Reading for {trials.stem}", progress) as bar:
        for name in names:
            path = folder / name
            user, events = _user(path, path.stem), read_aedat(path)
            events = events[np.argsort(events["t"])]
            for at, (label, start, end) in enumerate(_labels(path)):
                a, b = np.searchsorted(events["t"], [start, end])
                gesture = events[a:b].copy()
                gesture["t"] -= start
                yield f"{path}: gesture {at}", gesture, "us", label - 1, user
            bar.update()


def _labels(path: Path) -> list[tuple[int, int, int]]:
    """Returns class, from 1, begin and end [us] of the gestures of a recording."""
    of = path.with_name(f"{path.stem}_labels.csv")
    rows = []
    with of.open(encoding="utf-8", errors="replace", newline="") as file:
        for n, row in enumerate(csv.reader(file), 1):
            if not row or (n == 1 and not row[0].strip().isdecimal()):
                continue
            try:
                label, start, end = (int(value) for value in row)
            except ValueError:
                raise ValueError(f"{of}: line {n} is {row}, expected class, begin, end") from None
            if not 1 <= label <= len(_CLASSES) or not 0 <= start < end:
                raise ValueError(
                    f"{of}: line {n} is {row}, expected a class in [1, {len(_CLASSES)}] and a "
                    "begin before the end"
                )
            rows.append((label, start, end))
    return rows


def _npy(folder: Path, progress: bool) -> Iterator[Gesture]:
    """Yields the gestures of folders of users, a file CLASS.npy each, classes from 0."""
    files = sorted(folder.glob("*/*.npy"), key=lambda path: (path.parent.name, path.name))
    with steps_bar(len(files), f"Reading {folder.name}", progress) as bar:
        for path in files:
            if not path.stem.isdecimal() or int(path.stem) >= len(_CLASSES):
                raise ValueError(
                    f"{path}: is named otherwise than CLASS.npy, of a class below {len(_CLASSES)}"
                )
            columns = read_array(path)
            if columns.ndim != 2 or columns.shape[1] != 4 or columns.dtype.kind not in "iuf":
                raise ValueError(
                    f"{path}: has shape {columns.shape}, expected (n_events, 4), x, y, p and t"
                )
            if len(columns) == 0 or not np.isfinite(columns).all():
                raise ValueError(f"{path}: holds no events, or values that are not finite")
            events = np.empty(len(columns), [(key, "i8") for key in "xyp"] + [("t", "f8")])
            for at, key in enumerate("xypt"):
                events[key] = columns[:, at]
            events["t"] -= events["t"].min()
            user = _user(path.parent, path.parent.name)
            yield str(path), events, "ms", int(path.stem), user
            bar.update()


DVS_GESTURE = Entry(
    name="dvs-gesture",
    title="DVS-Gesture",
    kind="events",
    load=load_dvs_gesture,
    licence="CC BY 4.0",
    url="https://research.ibm.com/interactive/dvsgesture/",
    samples=(1_077, 264),
    n_classes=len(_CLASSES),
    layouts=(
        (*_LISTS.values(), "*.aedat", "*_labels.csv"),
        tuple(f"{name}/*/*.npy" for name in _CUT.values()),
    ),
    downloads=(
        Download(
            "https://figshare.com/ndownloader/files/38022171",
            "md5:3a8f0d4120a166bac7591f77409cb105",
            "ibmGestureTrain.tar.gz",
            unpack=True,
        ),
        Download(
            "https://figshare.com/ndownloader/files/38020584",
            "md5:56070e45dadaa85fff82e0fbfbc06de5",
            "ibmGestureTest.tar.gz",
            unpack=True,
        ),
    ),
    to_get="https://research.ibm.com/interactive/dvsgesture/",
)
