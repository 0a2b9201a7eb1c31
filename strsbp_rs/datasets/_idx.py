"""The idx format of MNIST and its kin."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_idx"]

_UINT8 = 0x08
_PART = 1 << 20
"""Bytes that are read at once: a header may promise more than there is."""


def read_idx(path: Path, n_dimensions: int) -> NDArray[np.uint8]:
    """Reads an idx file of bytes, gzipped or not.

    Args:
        path: The file.
        n_dimensions: Number of dimensions the array must have.

    Returns:
        uint8 array.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not an idx file of bytes, has other dimensions, is cut, or longer than
            its header says. No more of it is read, or unpacked, than that.
        MemoryError: If there is no memory for so many values.
    """
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not is_packed:
            return _read(path, raw, n_dimensions)
        try:
            with gzip.open(raw) as unpacked:
                return _read(path, unpacked, n_dimensions)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: is a damaged gzip file ({error})") from error


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, n_dimensions: int) -> NDArray[np.uint8]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise ValueError(f"{path}: is not an idx file, which starts with two bytes 0")
    kind, found = start[2], start[3]
    if kind != _UINT8:
        raise ValueError(f"{path}: holds idx type 0x{kind:02x}, expected 0x08 (unsigned bytes)")
    if found != n_dimensions:
        raise ValueError(f"{path}: has {found} dimensions, expected {n_dimensions}")
    sizes = file.read(4 * found)
    if len(sizes) < 4 * found:
        raise ValueError(f"{path}: is cut within its header of {4 + 4 * found} bytes")
    shape = struct.unpack(f">{found}I", sizes)
    size = math.prod(shape)  # not in int64, which a foreign header can overflow
    data = bytearray()
    try:
        while len(data) < size and (part := file.read(min(size - len(data), _PART))):
            data += part
    except MemoryError:
        raise MemoryError(f"{path}: no memory for {size} values, of shape {shape}") from None
    if len(data) < size:
        raise ValueError(f"{path}: holds {len(data)} values, expected {size} for {shape}")
    if file.read(1):
        raise ValueError(f"{path}: holds more values than the {size} of {shape}")
    return np.frombuffer(data, np.uint8).reshape(shape)
