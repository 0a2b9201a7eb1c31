"""Recordings: as the core takes them, and heard in batches or found in a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arrays import as_array
from strsbp_rs._bars import steps_bar
from strsbp_rs.audio._cache import Memory, in_batches

__all__ = ["Frames", "Sound", "as_sound", "checked_sounds", "heard_or_recalled"]

Sound = NDArray[np.float64]
Frames = NDArray[Any]

_BATCH = 1 << 24
"""Samples that are float64 at once; also how much is lost of what an interrupted call has heard."""


def checked_sounds(recordings: Iterable[ArrayLike]) -> list[ArrayLike]:
    """Returns recordings as they are, all of which `as_sound` takes.

    Raises:
        TypeError: If they are no list, or samples are no numbers.
        ValueError: If there are more axes, as of stereo, or a sample is not finite.
    """
    if not isinstance(recordings, Iterable):
        kind = type(recordings).__name__
        raise TypeError(f"recordings must be a list of samples, got {kind}")
    sounds = list(recordings)
    for at, sound in enumerate(sounds):
        as_sound(f"recordings[{at}]", sound)
    return sounds


def heard_or_recalled(
    sounds: list[ArrayLike],
    memory: Memory | None,
    hear: Callable[[list[Sound], Callable[[int], object]], list[Frames]],
    fits: Callable[..., bool],
    progress: bool,
) -> list[Frames]:
    """Returns what is heard of each recording, from memory where that has it, and remembered else.

    Args:
        sounds: What `checked_sounds` returned.
        memory: What was heard before, if that counts.
        hear: Hears some; told what to call with the number that are done.
        fits: Whether frames can be those of `sound`.
        progress: Whether a bar is drawn.
    """
    found: list[Frames] = []
    with steps_bar(len(sounds), "Hearing", progress) as bar:
        for batch in in_batches(sounds, _BATCH):
            given = [as_sound(f"recordings[{at}]", sounds[at]) for at in batch]
            found += _batch(given, memory, hear, fits, bar)
    if memory is not None:
        memory.tell()
    return found


def _batch(
    sounds: list[Sound],
    memory: Memory | None,
    hear: Callable[[list[Sound], Callable[[int], object]], list[Frames]],
    fits: Callable[..., bool],
    bar: Any,
) -> list[Frames]:
    start = bar.n
    if memory is None:
        heard = hear(sounds, lambda n: bar.update(start + n - bar.n))
        bar.update(start + len(sounds) - bar.n)
        return heard
    paths = [memory.path(sound) for sound in sounds]
    found = [
        memory.recall(path, partial(fits, sound=sound))
        for path, sound in zip(paths, sounds, strict=True)
    ]
    new = [at for at, frames in enumerate(found) if frames is None]
    known = start + len(sounds) - len(new)
    bar.update(known - bar.n)
    heard = hear([sounds[at] for at in new], lambda n: bar.update(known + n - bar.n))
    for at, frames in zip(new, heard, strict=True):
        found[at] = frames
        memory.keep(paths[at], frames)
    bar.update(start + len(sounds) - bar.n)
    return [frames for frames in found if frames is not None]


def as_sound(name: str, samples: ArrayLike) -> NDArray[np.float64]:
    """Returns samples as the core takes them: finite float64, integers in parts of the largest."""
    array = as_array(name, samples)
    if array.ndim != 1:
        cure = ""
        if array.ndim == 2:
            axis = int(np.argmin(array.shape))
            cure = f": of stereo, give {name}.mean(axis={axis})"
        raise ValueError(f"{name} has shape {array.shape}, expected (n_samples,){cure}")
    if array.dtype.kind not in "fiu" and array.size:
        raise TypeError(f"{name} has dtype {array.dtype}, expected floats or integers")
    middle, scale = 0.0, 1.0
    if array.dtype.kind in "iu":
        info = np.iinfo(array.dtype)
        # Unsigned ones rest at the middle, as those of WAV files of 8 bits.
        middle = (info.max + 1) / 2 if info.min == 0 else 0.0
        scale = middle or info.max + 1.0
    sound = (np.ascontiguousarray(array, dtype=np.float64) - middle) / scale
    if not np.isfinite(sound).all():
        at = int(np.flatnonzero(~np.isfinite(sound))[0])
        raise ValueError(f"{name}[{at}] must be finite, got {sound[at]}")
    return sound
