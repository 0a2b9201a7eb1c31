"""Free Spoken Digits: English digits, a WAV file each."""

from __future__ import annotations

import os
import re

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Entry, locate
from strsbp_rs.datasets._sounds import Recording, as_dataset

__all__ = ["FREE_SPOKEN_DIGITS", "load_free_spoken_digits"]

_NAME = re.compile(r"(\d)_([^_]+)_(\d+)\.wav")
_N_TEST = 5
"""Recordings 0 to 4 of each digit and speaker are for testing, as the authors have it."""


def load_free_spoken_digits(
    data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> Dataset:
    """Loads Free Spoken Digits: 2,700 + 300 recordings of 8 kHz, of 6 speakers, in 10 classes.

    The test samples are the recordings 0 to 4 of each digit and speaker, as the authors have it.
    Samples are in the order of their files' names, groups are speakers, in that of the alphabet.

    Args:
        data_dir: Folder of the files {digit}_{speaker}_{index}.wav, or with a folder recordings
            (or free-spoken-digits) that has them; if None, $STRSBP_DATA, the user's cache.
        progress: Whether a bar is drawn.

    Raises:
        OSError: If it is not found.
        ValueError: If a file is damaged or named otherwise.

    References:
        Jackson et al., Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401. CC BY-SA 4.0.
    """
    entry = FREE_SPOKEN_DIGITS
    folder = locate(entry, data_dir, False)
    files = sorted(folder.glob("recordings/*.wav")) or sorted(folder.glob("*.wav"))
    matches = [_NAME.fullmatch(path.name) for path in files]
    for path, match in zip(files, matches, strict=True):
        if match is None:
            raise ValueError(f"{path}: is named otherwise than {{digit}}_{{speaker}}_{{index}}.wav")
    named = [match.groups() for match in matches if match is not None]
    speakers = sorted({speaker for _, speaker, _ in named})
    recordings = [
        Recording(path, int(digit), speakers.index(speaker), int(index) < _N_TEST)
        for path, (digit, speaker, index) in zip(files, named, strict=True)
    ]
    return as_dataset(
        entry.name,
        recordings,
        class_names=tuple("0123456789"),
        group_names=tuple(speakers),
        source=str(folder),
        licence=entry.licence,
        progress=progress,
    )


FREE_SPOKEN_DIGITS = Entry(
    name="free-spoken-digits",
    title="Free Spoken Digits",
    kind="sounds",
    load=load_free_spoken_digits,
    licence="CC BY-SA 4.0",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset",
    samples=(2_700, 300),
    n_classes=10,
    layouts=(("recordings/[0-9]_*_*.wav",), ("[0-9]_*_*.wav",)),
    to_get="git clone https://github.com/Jakobovski/free-spoken-digit-dataset",
)
