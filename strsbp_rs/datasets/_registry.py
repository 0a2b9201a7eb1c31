"""Data sets by name."""

from __future__ import annotations

import difflib
import inspect
import os
from typing import Any

from strsbp_rs._arguments import suggestion
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Entry
from strsbp_rs.datasets._gesture import DVS_GESTURE
from strsbp_rs.datasets._heidelberg import SHD, SSC
from strsbp_rs.datasets._images import FASHION_MNIST, MNIST, load_demo
from strsbp_rs.datasets._nmnist import NMNIST
from strsbp_rs.datasets._ntidigits import N_TIDIGITS
from strsbp_rs.datasets._sounds import SOUNDS_BY_CLASS
from strsbp_rs.datasets._spoken_digits import FREE_SPOKEN_DIGITS
from strsbp_rs.datasets._ti46 import TI46_ALPHA, TI46_DIGITS

__all__ = ["DATASETS", "load_dataset"]

_ENTRIES = (
    *(FASHION_MNIST, MNIST),
    *(FREE_SPOKEN_DIGITS, TI46_ALPHA, TI46_DIGITS, SOUNDS_BY_CLASS),
    *(DVS_GESTURE, NMNIST, N_TIDIGITS, SHD, SSC),
)
DATASETS: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""All that are not in the package, by name."""


def load_dataset(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progress: bool = True,
    **options: Any,
) -> Dataset:
    """Loads a data set by name: "demo", which ships with the package, or one of docs/datasets.md.

    Args:
        name: The data set.
        data_dir: The only folder to look in, and what is called `name` in it; if None,
            $STRSBP_DATA, then the user's cache.
        download: Whether it may be downloaded, where its licence allows that.
        progress: Whether bars are drawn while files are read.
        options: Of its loader, as `step_ms` of recordings of events.

    Raises:
        ValueError: If the name is unknown, or a file is damaged.
        TypeError: If the loader has no such option.
        OSError: If the data is not found.
    """
    known = ["demo", *DATASETS]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise ValueError(f"data set '{name}' is not one of {known}; did you mean '{near}'?")
    load = load_demo if name == "demo" else DATASETS[name].load
    takes = [name for name in inspect.signature(load).parameters if name != "data_dir"]
    for option in options:
        if option not in takes:
            others = [one for one in takes if one not in ("download", "progress")]
            raise TypeError(
                f"{option} is no option of {name}, which has {', '.join(others) or 'none'}"
                f"{suggestion(option, others)}"
            )
    if name == "demo":
        return load_demo()
    for option, value in (("download", download), ("progress", progress)):
        if option in takes:
            options[option] = value
    return DATASETS[name].load(data_dir, **options)
