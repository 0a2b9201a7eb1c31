"""Files of sound, and sounds at another rate."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer, number
from strsbp_rs._files import file_name
from strsbp_rs.audio._sounds import as_sound
from strsbp_rs.audio._sphere import MAGIC, read_sphere

__all__ = ["read_sound", "resample"]

_TO_CONVERT = "pip install 'strsbp_rs[audio]'"
_MOST_TIMES = 1_000


def read_sound(
    path: str | os.PathLike[str], *, channel: int | None = None
) -> tuple[NDArray[Any], int]:
    """Reads a file of sound: WAV, FLAC, Ogg and others, or NIST SPHERE.

    What a file is, is told by its content, not by its name: the LDC's names of SPHERE files end in
    .wav. WAV files of plain integers are read by Python itself, SPHERE files (linear, u-law, A-law)
    here, all others by the library soundfile, of the extra `audio`.

    Args:
        path: The file.
        channel: Which channel, from 0; must be given of a file that has several.

    Returns:
        Samples, (n_samples,), int16 where the file holds 16 bits (uint8, int32 or float32 of
        others), and how many there are a second [Hz].

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is damaged, cut, empty, of an unknown format, or compressed by shorten; or
            has no such channel.
        ImportError: If it needs soundfile, which is not installed.
    """
    name = file_name(path)
    wanted = None if channel is None else integer("channel", channel)
    data = Path(name).read_bytes()
    if not data:
        raise ValueError(f"{name}: is empty, expected a file of sound")
    if data.startswith(MAGIC[:7]):
        samples, rate = read_sphere(name, data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        samples, rate = _plain_wav(name, data)
    else:
        samples, rate = _by_soundfile(name, data)
    if len(samples) == 0:
        raise ValueError(f"{name}: holds no samples")
    n_channels = samples.shape[1]
    if wanted is None and n_channels > 1:
        raise ValueError(f"{name}: has {n_channels} channels, expected one; say which by channel=0")
    if wanted is not None and wanted >= n_channels:
        raise ValueError(f"channel must be < {n_channels}, the channels of {name}, got {wanted}")
    return np.ascontiguousarray(samples[:, wanted or 0]), rate


def resample(samples: ArrayLike, sample_rate: float, to_rate: float) -> NDArray[np.float64]:
    """Returns a sound at another rate, by the library soxr (of the extra `audio`).

    Args:
        samples: (n_samples,), floats in [-1, 1], or integers, in parts of the largest of their
            type.
        sample_rate: How many of them there are a second [Hz].
        to_rate: How many there shall be [Hz].

    Returns:
        Samples, float64 (n_samples * to_rate / sample_rate,), rounded; a peak may be a little
        above 1.

    Raises:
        TypeError: If samples are no numbers.
        ValueError: If there are more axes, a sample is not finite, a rate is not above 0, or one is
            more than 1,000 times the other, for which filters would be endless.
        ImportError: If soxr is not installed.
    """
    sound = as_sound("samples", samples)
    rates = []
    for name, value in (("sample_rate", sample_rate), ("to_rate", to_rate)):
        rate = number(name, value)
        if not 0.0 < rate < 1e9:
            raise ValueError(f"{name} must be finite and > 0 Hz, got {value}")
        rates.append(rate)
    if not 1 / _MOST_TIMES <= rates[1] / rates[0] <= _MOST_TIMES:
        raise ValueError(
            f"to_rate must be at most {_MOST_TIMES:,} times sample_rate, {sample_rate} Hz, or as "
            f"small a part of it, got {to_rate}"
        )
    if rates[0] == rates[1] or len(sound) == 0:
        return sound
    try:
        import soxr
    except ImportError as error:
        raise ImportError(f"resampling needs soxr: {_TO_CONVERT}", name="soxr") from error
    resampled: NDArray[np.float64] = soxr.resample(sound, rates[0], rates[1])
    return resampled


def _plain_wav(name: str, data: bytes) -> tuple[NDArray[Any], int]:
    """Reads a WAV file of integers; others by soundfile. Returns (n_samples, n_channels), rate."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            form = file.getparams()
            raw = file.readframes(form.nframes)
    except wave.Error as error:
        if "unknown" in str(error):  # A format, or an extended one, that it does not read.
            return _by_soundfile(name, data)
        raise ValueError(f"{name}: is a damaged WAV file ({error})") from error
    except (EOFError, RuntimeError) as error:
        raise ValueError(f"{name}: is a WAV file that is cut within its header") from error
    width, expected = form.sampwidth, form.nframes * form.nchannels * form.sampwidth
    if len(raw) < expected:
        raise ValueError(
            f"{name}: is cut: its header promises {expected} bytes of samples, got {len(raw)}"
        )
    if not form.framerate:
        raise ValueError(f"{name}: is a damaged WAV file (0 samples a second)")
    if width == 3:
        bytes_of = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(bytes_of), 4), np.uint8)
        wide[:, 1:] = bytes_of
        samples: NDArray[Any] = wide.view("<i4").ravel()
    elif width in (1, 2, 4):
        samples = np.frombuffer(raw, {1: "u1", 2: "<i2", 4: "<i4"}[width])
    else:
        raise ValueError(f"{name}: has {8 * width} bits a sample, expected 8, 16, 24 or 32")
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    return native.reshape(-1, form.nchannels), form.framerate


def _by_soundfile(name: str, data: bytes) -> tuple[NDArray[Any], int]:
    """Reads any format that libsndfile knows. Returns (n_samples, n_channels), rate."""
    try:
        import soundfile
    except ImportError as error:
        raise ImportError(
            f"{name}: this format needs soundfile: {_TO_CONVERT}", name="soundfile"
        ) from error
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            kinds = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}
            promised = file.frames
            kind = kinds.get(file.subtype, "float32")
            samples: NDArray[Any] = file.read(dtype=kind, always_2d=True)
            rate = int(file.samplerate)
    except soundfile.SoundFileError as error:
        raise ValueError(
            f"{name}: is no file of sound, or a damaged one ({_detail(error)})"
        ) from error
    if len(samples) < promised:
        raise ValueError(
            f"{name}: is cut: its header promises {promised} samples, got {len(samples)}"
        )
    return samples, rate


def _detail(error: Exception) -> str:
    # Without the name of what was opened, bytes in memory.
    return str(getattr(error, "error_string", error)).rstrip(".")
