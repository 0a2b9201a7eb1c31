"""HDF5 files, by h5py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["item", "opened", "strings"]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Opens a file to read; what h5py says of it while it is open, is said of the file.

    Raises:
        ImportError: Without h5py.
        OSError: If it cannot be read.
        ValueError: If it is no HDF5 file, or a damaged one.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path}: HDF5 files need h5py: pip install 'strsbp_rs[events]'", name="h5py"
        ) from error
    # What the system says of it, it says itself.
    path.open("rb").close()
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        detail = str(error).splitlines()[0]
        raise ValueError(f"{path}: is no HDF5 file, or a damaged one ({detail})") from error


def item(path: Path, file: Any, name: str) -> Any:
    """Returns a data set or group of a file.

    Raises:
        ValueError: If there is none.
    """
    try:
        return file[name]
    except KeyError:
        raise ValueError(f"{path}: lacks {name}") from None


def strings(values: NDArray[Any]) -> list[str]:
    """Returns strings that a file holds as bytes or as text."""
    found = np.ravel(values).tolist()
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in found
    ]
