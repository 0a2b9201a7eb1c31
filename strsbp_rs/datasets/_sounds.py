"""Sets of sounds: what is read of their files, and folders of them by class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, number
from strsbp_rs._bars import steps_bar
from strsbp_rs.audio import read_sound
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Entry, user_folders
from strsbp_rs.datasets._splits import chosen, held_out

__all__ = ["SOUNDS_BY_CLASS", "Recording", "as_dataset", "load_sounds_by_class"]

_SOUNDS = (".wav", ".flac", ".ogg", ".sph", ".mp3", ".aif", ".aiff")


@dataclass(frozen=True)
class Recording:
    """A file of sound, and what it is.

    Attributes:
        path: The file.
        label: Its class.
        group: Its speaker.
        is_test: Whether it is for testing.
    """

    path: Path
    label: int
    group: int
    is_test: bool


def as_dataset(
    name: str,
    recordings: Sequence[Recording],
    *,
    class_names: tuple[str, ...],
    group_names: tuple[str, ...],
    source: str,
    licence: str,
    channel: int | None = None,
    progress: bool = True,
) -> Dataset:
    """Reads recordings, and makes a data set of them.

    Args:
        name: Name of the data set.
        recordings: Its files.
        class_names: Names of the classes.
        group_names: Names of the speakers; where there are none, groups are not known.
        source: Where they are.
        licence: Their licence.
        channel: Which channel, where there are several.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is damaged or of another rate than the first; or there is none for
            training, or for testing.
    """
    for part, wanted in (("training", False), ("testing", True)):
        if not any(one.is_test == wanted for one in recordings):
            raise ValueError(f"{source}: has no recording for {part}")
    sounds: list[NDArray[Any]] = []
    rates: list[int] = []
    with steps_bar(len(recordings), "Reading", progress) as bar:
        for one in recordings:
            samples, rate = read_sound(one.path, channel=channel)
            if rates and rate != rates[0]:
                raise ValueError(
                    f"{one.path}: has {rate} samples a second, expected {rates[0]}, as "
                    f"{recordings[0].path}"
                )
            sounds.append(samples)
            rates.append(rate)
            bar.update()
    is_test = np.array([one.is_test for one in recordings])
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    y = np.array([one.label for one in recordings], np.int64)
    groups = np.array([one.group for one in recordings], np.int64) if group_names else None
    return Dataset(
        name=name,
        x_train=chosen(sounds, train),
        y_train=y[train],
        x_test=chosen(sounds, test),
        y_test=y[test],
        image_shape=None,
        class_names=class_names,
        source=source,
        licence=licence,
        groups_train=None if groups is None else groups[train],
        groups_test=None if groups is None else groups[test],
        group_names=group_names,
        sample_rate=float(rates[0]),
    )


def load_sounds_by_class(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    test_share: float = 0.2,
    seed: int = 0,
    channel: int | None = None,
    progress: bool = True,
) -> Dataset:
    """Loads files of sound of one's own, in folders that are named as their classes.

    data_dir/CLASS/FILE, of which a share of each class is kept for testing, chosen by chance; or
    data_dir/train/CLASS/FILE and data_dir/test/CLASS/FILE. Classes are in the order of the
    alphabet; files are of the formats that `audio.read_sound` reads, all of one rate.

    Args:
        data_dir: The folder; if None, sounds-by-class in $STRSBP_DATA.
        test_share: Share of the files kept for testing, in (0, 1), where they are not in parts.
        seed: Seed of the choice.
        channel: Which channel, from 0, of files that have several.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If there is no such folder.
        ValueError: If it has no classes, a class has no files, or a file is damaged.
    """
    folder = next(iter(user_folders(SOUNDS_BY_CLASS.name, data_dir)[data_dir is None :]), None)
    if folder is None:
        raise FileNotFoundError("data_dir must be given, a folder with one for every class")
    share, chance = number("test_share", test_share), integer("seed", seed)
    parts = {part: folder / part for part in ("train", "test") if (folder / part).is_dir()}
    in_parts = len(parts) == 2
    roots = parts if in_parts else {"": folder}
    names = sorted({place.name for root in roots.values() for place in _folders(root)})
    found = [
        Recording(path, names.index(place.name), 0, part == "test")
        for part, root in roots.items()
        for place in _folders(root)
        for path in _files(place)
    ]
    if not in_parts:
        y = np.array([one.label for one in found], np.int64)
        _, held = held_out(y, None, share, chance)
        is_test = np.isin(np.arange(len(y)), held)
        found = [
            Recording(one.path, one.label, 0, bool(test))
            for one, test in zip(found, is_test, strict=True)
        ]
    return as_dataset(
        folder.name,
        found,
        class_names=tuple(names),
        group_names=(),
        source=str(folder),
        licence=SOUNDS_BY_CLASS.licence,
        channel=channel,
        progress=progress,
    )


def _folders(root: Path) -> list[Path]:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise ValueError(f"{root}: has no folders, expected one for every class")
    return folders


def _files(place: Path) -> list[Path]:
    files = sorted(path for path in place.iterdir() if path.suffix.lower() in _SOUNDS)
    if not files:
        raise ValueError(f"{place}: has no files of sound ({', '.join(_SOUNDS)}), expected some")
    return files


SOUNDS_BY_CLASS = Entry(
    name="sounds-by-class",
    title="a folder of sounds by class",
    kind="sounds",
    load=load_sounds_by_class,
    licence="the user's",
    url="",
    samples=(),
    n_classes=0,
    layouts=(),
    to_get="files in folders that are named as their classes",
)
