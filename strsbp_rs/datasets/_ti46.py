"""TI46: letters and digits of 16 speakers, LDC93S9; SPHERE or WAV files."""

from __future__ import annotations

import os
import re
from pathlib import Path

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Entry, locate
from strsbp_rs.datasets._sounds import Recording, as_dataset

__all__ = ["TI46_ALPHA", "TI46_DIGITS", "load_ti46_alpha", "load_ti46_digits"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SPEAKERS = tuple(f"{sex}{n}" for sex in "fm" for n in range(1, 9))
_OTHER_WORDS = ("en", "er", "go", "hp", "no", "rb", "rp", "sp", "st", "ys")
"""The commands of TI20, which are no digits."""
_TRAIN = re.compile(r"(0[a-z]|0\d|[a-z]{2})([fm][1-8])set\d\.(?:wav|sph)")
_TEST = re.compile(r"(0[a-z]|0\d|[a-z]{2})([fm][1-8])s[1-8]t[01]\.(?:wav|sph)")


def load_ti46_alpha(
    data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> Dataset:
    """Loads TI46-Alpha: 4,142 + 6,628 recordings of 12.5 kHz, the letters of 16 speakers.

    Groups are speakers, f1 to f8 and m1 to m8, the same in training and test.

    Args:
        data_dir: Folder with ti_alpha/{train,test}/SPEAKER/*.wav, or one with a folder TI46 or
            ti46-alpha that has it; if None, $STRSBP_DATA, the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found.
        ValueError: If a file is damaged, compressed by shorten, or named otherwise.

    References:
        Liberman et al., TI 46-Word, LDC93S9, Linguistic Data Consortium 1993.
    """
    classes = {f"0{letter}": at for at, letter in enumerate(_LETTERS)}
    return _load(TI46_ALPHA, data_dir, classes, tuple(_LETTERS), (), progress)


def load_ti46_digits(
    data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> Dataset:
    """Loads TI46-Digits: 1,594 + 2,542 recordings of 12.5 kHz, the digits of 16 speakers.

    Groups are speakers, f1 to f8 and m1 to m8, the same in training and test. TI20's other ten
    words are left out.

    Args:
        data_dir: Folder with ti20/{train,test}/SPEAKER/*.wav, or one with a folder TI46 or
            ti46-digits that has it; if None, $STRSBP_DATA, the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found.
        ValueError: If a file is damaged, compressed by shorten, or named otherwise.

    References:
        As of `load_ti46_alpha`.
    """
    classes = {f"0{digit}": digit for digit in range(10)}
    return _load(TI46_DIGITS, data_dir, classes, tuple("0123456789"), _OTHER_WORDS, progress)


def _load(
    entry: Entry,
    data_dir: str | os.PathLike[str] | None,
    classes: dict[str, int],
    class_names: tuple[str, ...],
    others: tuple[str, ...],
    progress: bool,
) -> Dataset:
    folder = locate(entry, data_dir, False)
    layout = entry.layout(folder)
    assert layout is not None
    root = folder / layout[0].split("train")[0]
    recordings = []
    for part, names in (("train", _TRAIN), ("test", _TEST)):
        for path in sorted(path for path in (root / part).rglob("*") if path.is_file()):
            word, speaker = _named(path, names)
            if word in classes:
                label, group = classes[word], _SPEAKERS.index(speaker)
                recordings.append(Recording(path, label, group, part == "test"))
            elif word not in others:
                raise ValueError(f"{path}: is of the word {word!r}, expected {_known(classes)}")
    return as_dataset(
        entry.name,
        recordings,
        class_names=class_names,
        group_names=_SPEAKERS,
        source=str(root),
        licence=entry.licence,
        progress=progress,
    )


def _named(path: Path, names: re.Pattern[str]) -> tuple[str, str]:
    """Returns word and speaker by the name of a file."""
    match = names.fullmatch(path.name.lower())
    if match is None or match[2] != path.parent.name.lower():
        form = "set{0-9}" if names is _TRAIN else "s{1-8}t{0,1}"
        raise ValueError(
            f"{path}: is named otherwise than {{word}}{{speaker}}{form}.wav in its speaker's folder"
        )
    return match[1], match[2]


def _known(classes: dict[str, int]) -> str:
    words = list(classes)
    return f"{words[0]} to {words[-1]}"


def _entry(name: str, title: str, folder: str, samples: tuple[int, int], n_classes: int) -> Entry:
    roots = (f"{folder}/", f"TI46/{folder}/", "")
    return Entry(
        name=name,
        title=title,
        kind="sounds",
        load=load_ti46_alpha if name == "ti46-alpha" else load_ti46_digits,
        licence="LDC User Agreement",
        url="https://catalog.ldc.upenn.edu/LDC93S9",
        samples=samples,
        n_classes=n_classes,
        layouts=tuple((f"{root}train/[fm][1-8]/", f"{root}test/[fm][1-8]/") for root in roots),
        to_get="https://catalog.ldc.upenn.edu/LDC93S9",
    )


TI46_ALPHA = _entry("ti46-alpha", "TI46-Alpha", "ti_alpha", (4_142, 6_628), 26)
TI46_DIGITS = _entry("ti46-digits", "TI46-Digits", "ti20", (1_594, 2_542), 10)
