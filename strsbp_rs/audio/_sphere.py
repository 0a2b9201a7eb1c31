"""NIST SPHERE, the format of the LDC's speech data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGIC", "read_sphere"]

MAGIC = b"NIST_1A\n"
_SHORTEN_MAGIC = b"ajkg"
_MOST_HEADER = 1 << 20
_CURE = (
    "convert it with sph2pipe -f rif IN.wav OUT.wav (of the LDC), or sox IN.sph -e signed OUT.wav"
)


def read_sphere(name: str, data: bytes) -> tuple[NDArray[np.int16 | np.int32], int]:
    """Reads a file of linear, u-law or A-law samples.

    Args:
        name: What messages call the file.
        data: Its content.

    Returns:
        Samples, int16 (int32 of 4 bytes), (n_samples, n_channels), and their number a second [Hz].

    Raises:
        ValueError: If it is damaged or cut, or compressed by shorten.
    """
    fields, start = _header(name, data)
    coding = str(fields.get("sample_coding", "pcm")).lower()
    if "shorten" in coding or data[start : start + 4] == _SHORTEN_MAGIC:
        raise ValueError(f"{name}: is compressed by shorten, which is not read here; {_CURE}")
    if coding not in ("pcm", "ulaw", "mu-law", "alaw"):
        raise ValueError(
            f"{name}: has sample_coding {coding!r}, expected pcm, ulaw or alaw; {_CURE}"
        )
    n_channels = _count(name, fields, "channel_count", 1)
    rate = _count(name, fields, "sample_rate", None)
    n_bytes = _count(name, fields, "sample_n_bytes", 2 if coding == "pcm" else 1)
    n_samples = _count(name, fields, "sample_count", None)
    if n_bytes not in ((1, 2, 4) if coding == "pcm" else (1,)):
        raise ValueError(f"{name}: has {n_bytes} bytes a sample of {coding}, which is not known")
    size = n_samples * n_channels * n_bytes
    if len(data) - start < size:
        raise ValueError(
            f"{name}: is cut: its header promises {size} bytes of samples, got {len(data) - start}"
        )
    raw = data[start : start + size]
    if coding == "pcm":
        samples = _linear(name, fields, raw, n_bytes)
    else:
        table = _A_LAW if coding == "alaw" else _U_LAW
        samples = table[np.frombuffer(raw, np.uint8)]
    return samples.reshape(-1, n_channels), rate


def _header(name: str, data: bytes) -> tuple[dict[str, str | int | float], int]:
    """Returns the fields of the header, and its length [bytes]."""
    lines = data[:_MOST_HEADER].split(b"\n", 2)
    if len(lines) < 3 or not data.startswith(MAGIC) or not lines[1].strip().isdigit():
        raise ValueError(f"{name}: is no SPHERE file, which starts with NIST_1A and its length")
    length = int(lines[1])
    if not 16 <= length <= min(len(data), _MOST_HEADER):
        raise ValueError(f"{name}: is cut within its header of {length} bytes")
    fields: dict[str, str | int | float] = {}
    for line in data[16:length].decode("latin-1").split("\n"):
        words = line.split(None, 2)
        if words[:1] == ["end_head"]:
            return fields, length
        if len(words) < 3 or line.startswith(";"):
            continue
        key, kind, value = words
        try:
            if kind == "-i":
                fields[key] = int(value)
            elif kind == "-r":
                fields[key] = float(value)
            else:
                fields[key] = value.strip()
        except ValueError:
            raise ValueError(f"{name}: has {key} {value!r} in its header, no number") from None
    raise ValueError(f"{name}: has a header without end_head")


def _count(
    name: str, fields: Mapping[str, str | int | float], key: str, default: int | None
) -> int:
    value = fields.get(key, default)
    if value is None:
        raise ValueError(f"{name}: lacks {key} in its header")
    if isinstance(value, str) and value.isdecimal():
        value = int(value)  # As libsndfile writes sample_n_bytes.
    if isinstance(value, str) or not 0 < value < 2**40 or value != int(value):
        raise ValueError(f"{name}: has {key} {value!r} in its header, expected a number >= 1")
    return int(value)


def _linear(
    name: str, fields: Mapping[str, str | int | float], raw: bytes, n_bytes: int
) -> NDArray[np.int16 | np.int32]:
    if n_bytes == 1:
        return np.frombuffer(raw, np.int8).astype(np.int16) << 8
    order = str(fields.get("sample_byte_format", ""))
    orders = {"01": "<", "10": ">", "0123": "<", "3210": ">"}
    if order not in orders:
        raise ValueError(
            f"{name}: has sample_byte_format {order!r}, expected one of {list(orders)}"
        )
    kind = np.int16 if n_bytes == 2 else np.int32
    return np.frombuffer(raw, np.dtype(f"{orders[order]}i{n_bytes}")).astype(kind)


# ITU-T G.711 ----------------------------------------------------------------------------------


def _expanded(code: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns segment and step within it of 7-bit codes."""
    return (code >> 4) & 7, code & 15


def _u_law() -> NDArray[np.int16]:
    """Values of the 256 codes of u-law: 14 bits, at the upper end of 16."""
    code = np.arange(256, dtype=np.int32) ^ 0xFF
    segment, step = _expanded(code)
    size = (((step << 3) + 132) << segment) - 132
    return np.where(code & 128, -size, size).astype(np.int16)


def _a_law() -> NDArray[np.int16]:
    """Values of the 256 codes of A-law: 13 bits, at the upper end of 16."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = _expanded(code)
    size = np.where(
        segment == 0, (step << 4) + 8, ((step << 4) + 264) << np.maximum(segment - 1, 0)
    )
    return np.where(code & 128, size, -size).astype(np.int16)


_U_LAW, _A_LAW = _u_law(), _a_law()
