"""The idx format of MNIST and its kin."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_idx"]

_UINT8 = 0x08


def read_idx(path: Path, n_dimensions: int) -> NDArray[np.uint8]:
    """Reads an idx file of bytes, gzipped or not.

    Args:
        path: The file.
        n_dimensions: Number of dimensions the array must have.

    Returns:
        uint8 array.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not an idx file of bytes, has other dimensions, or is cut.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: is a damaged gzip file ({error})") from error
    if len(data) < 4 or data[:2] != b"\0\0":
        raise ValueError(f"{path}: is not an idx file, which starts with two bytes 0")
    kind, found = data[2], data[3]
    if kind != _UINT8:
        raise ValueError(f"{path}: holds idx type 0x{kind:02x}, expected 0x08 (unsigned bytes)")
    if found != n_dimensions:
        raise ValueError(f"{path}: has {found} dimensions, expected {n_dimensions}")
    header = 4 + 4 * found
    if len(data) < header:
        raise ValueError(f"{path}: is cut within its header of {header} bytes")
    shape = struct.unpack(f">{found}I", data[4:header])
    size = math.prod(shape)  # not in int64, which a foreign header can overflow
    if len(data) - header != size:
        raise ValueError(f"{path}: holds {len(data) - header} values, expected {size} for {shape}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
