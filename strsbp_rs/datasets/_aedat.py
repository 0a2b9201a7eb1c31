"""AEDAT 3.1, the format of recordings of event cameras of iniVation."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["POLARITY", "read_aedat"]

_HEADER = struct.Struct("<hhiiiiii")
"""Of a packet: type, source, size of an event, where its time is in it, how often the clock has run
over, room for events, number of them, number of valid ones."""
_POLARITY_EVENT = 1
POLARITY = np.dtype([("x", "i4"), ("y", "i4"), ("p", "i4"), ("t", "i8")])
"""Pixel, polarity and time [us] of an event."""


def read_aedat(path: Path) -> NDArray[Any]:
    """Reads the polarity events of a file of version 3.1.

    Returns:
        Their fields x, y, p and t [us], in the order of the file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is of another version, damaged, or cut.
    """
    data = path.read_bytes()
    at = _start(path, data)
    address: list[NDArray[Any]] = []
    time: list[NDArray[Any]] = []
    while at < len(data):
        if len(data) - at < _HEADER.size:
            raise ValueError(f"{path}: is cut within the header of a packet, at byte {at}")
        kind, _, size, _, overflow, room, number, n_valid = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        # Packets in files have no room left, and some writers say one of both numbers only.
        n = max(room, number)
        if size < 8 or n < 0 or min(room, number) not in (0, n) or overflow < 0:
            raise ValueError(
                f"{path}: has a packet of {number} events in room for {room}, of {size} bytes "
                f"each, at byte {at - _HEADER.size}: damaged, or no AEDAT 3.1"
            )
        if len(data) - at < n * size:
            raise ValueError(f"{path}: is cut within a packet of {n} events, at byte {at}")
        if kind == _POLARITY_EVENT:
            raw = np.frombuffer(data, np.uint8, n * size, at).reshape(n, size)
            words = np.ascontiguousarray(raw[:, :8]).view("<u4")
            if n_valid != n:
                words = words[(words[:, 0] & 1) == 1]
            address.append(words[:, 0])
            time.append(words[:, 1].astype(np.int64) + (overflow << 31))
        at += n * size
    word = np.concatenate([np.zeros(0, np.uint32), *address])
    events: NDArray[Any] = np.empty(len(word), POLARITY)
    events["x"], events["y"] = (word >> 17) & 0x7FFF, (word >> 2) & 0x7FFF
    events["p"] = (word >> 1) & 1
    events["t"] = np.concatenate([np.zeros(0, np.int64), *time])
    return events


def _start(path: Path, data: bytes) -> int:
    """Returns where the packets begin: behind the lines that start with #."""
    if not data.startswith(b"#!AER-DAT"):
        raise ValueError(f"{path}: is no AEDAT file, which starts with #!AER-DAT3.1")
    first = data.split(b"\n", 1)[0].decode("latin-1").strip()
    if not first.startswith("#!AER-DAT3"):
        raise ValueError(f"{path}: is {first[1:30]!r}, expected '!AER-DAT3.1'")
    at = 0
    while data[at : at + 1] == b"#":
        end = data.find(b"\n", at)
        if end < 0:
            raise ValueError(f"{path}: is cut within its header")
        at = end + 1
    return at
