"""Files of sound, as others write them, of few samples."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def tone(n: int = 800, seed: int = 0) -> NDArray[np.int16]:
    """A tone in noise, of the range that int16 has."""
    rng = np.random.default_rng(seed)
    wave_form = 0.6 * np.sin(np.arange(n) / (3 + seed % 5)) + 0.1 * rng.standard_normal(n)
    return np.clip(wave_form * 32767, -32768, 32767).astype(np.int16)


def write_wav(path: Path, samples: NDArray[Any], rate: int = 8_000) -> Path:
    """A WAV file of integers: uint8, int16, int32, (n,) or (n, n_channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.astype(samples.dtype.newbyteorder("<")).tobytes())
    return path


def sphere(samples: bytes, n: int, rate: int = 12_500, **fields: str) -> bytes:
    """A NIST SPHERE file: a header of 1,024 bytes, then samples."""
    known = {
        "channel_count": "-i 1",
        "sample_count": f"-i {n}",
        "sample_rate": f"-i {rate}",
        "sample_n_bytes": "-i 2",
        "sample_byte_format": "-s2 01",
        "sample_sig_bits": "-i 16",
        "sample_coding": "-s3 pcm",
        **fields,
    }
    lines = [f"{name} {value}" for name, value in known.items() if value]
    header = "NIST_1A\n   1024\n" + "\n".join(["speaker_id -s2 f1", *lines, "end_head", ""])
    return header.encode().ljust(1024) + samples


def write_sphere(path: Path, samples: NDArray[np.int16], rate: int = 12_500) -> Path:
    """A NIST SPHERE file of linear samples, the lower byte first."""
    path.write_bytes(sphere(samples.astype("<i2").tobytes(), len(samples), rate))
    return path
