"""Front ends as configurations, and as what hears a stream."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import count, number, threads
from strsbp_rs._config import Config
from strsbp_rs._fields import Count
from strsbp_rs._strsbp_rs import FrontEndCore, center_frequencies, hear_all
from strsbp_rs.audio._cache import memory_of
from strsbp_rs.audio._heidelberg import HeidelbergCochlea
from strsbp_rs.audio._sounds import Frames, Sound, as_sound, checked_sounds, heard_or_recalled

__all__ = ["FRONT_ENDS", "FrontEnd", "LogMel", "LyonEar", "Stream"]


@dataclass(frozen=True)
class FrontEnd(Config):
    """What makes analog values of sound, frame by frame, a channel each.

    Args:
        sample_rate: Samples of the sound a second [Hz]; nothing is resampled.
        decimation: Samples of a frame.
    """

    group: ClassVar[str | None] = "front_end"
    version: ClassVar[int] = 1
    """Version of the algorithm: with another one, frames that were kept before are not used."""
    sample_rate: float
    decimation: Annotated[int, partial(count, most=2**31 - 1)] = 200

    def __post_init__(self) -> None:
        if self.kind is None:
            raise TypeError("FrontEnd is what front ends share, expected one of them, as LyonEar")
        super().__post_init__()

    @property
    def center_frequencies(self) -> NDArray[np.float64]:
        """Centre frequencies of the channels [Hz], in their order."""
        return center_frequencies(self.to_dict())

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return len(self.center_frequencies)

    @property
    def frame_ms(self) -> float:
        """Time from a frame to the next [ms]."""
        return 1e3 * self.decimation / self.sample_rate

    def __call__(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Returns the frames of a recording, (n_frames, n_channels).

        Args:
            samples: (n_samples,), floats in [-1, 1], or integers as files of PCM hold them,
                in parts of the largest of their type. Samples after the last whole
                frame are not heard.

        Raises:
            TypeError: If samples are no numbers.
            ValueError: If there are more axes, as of stereo, or a sample is not finite.
        """
        return self.many([samples], progress=False)[0]

    def many(
        self,
        recordings: Iterable[ArrayLike],
        *,
        n_threads: int | None = None,
        progress: bool = True,
        cache: bool | str | os.PathLike[str] = False,
    ) -> list[NDArray[np.float64]]:
        """Returns the frames of each of many recordings, each heard from rest.

        The frames do not depend on the number of threads, nor on whether they were in the cache.

        Args:
            recordings: Their samples, see `__call__`; of any lengths.
            n_threads: Number of threads; None means all cores.
            progress: Whether a bar is drawn.
            cache: Whether what was heard before is read from the user's cache, and what was not is
                kept there, see `Cache`; or the folder that is one.

        Raises:
            TypeError: If samples are no numbers.
            ValueError: If there are more axes, as of stereo, or a sample is not finite.
            OSError: If cache is a folder that cannot be made.
        """
        sounds = checked_sounds(recordings)
        memory = memory_of(cache, self.to_dict(), self.version)
        n_channels = self.n_channels

        def hear(batch: list[Sound], done: Callable[[int], object]) -> list[Frames]:
            return hear_all(self.to_dict(), batch, threads(n_threads), done)

        def fits(frames: Frames, sound: Sound) -> bool:
            expected = (len(sound) // self.decimation, n_channels)
            return frames.dtype == np.float64 and frames.shape == expected

        return heard_or_recalled(sounds, memory, hear, fits, progress)

    def stream(self) -> Stream:
        """Returns what hears a stream with this front end."""
        return Stream(self)


@dataclass(frozen=True)
class LyonEar(FrontEnd):
    """Lyon's passive ear, as Slaney's Auditory Toolbox has it.

    A cascade of filters, one a channel and each a little lower than the one before, half-wave
    rectification, four stages of automatic gain control that neighbours share, the difference to
    the channel above, smoothing and decimation. With the defaults, 78 channels at 12,500 Hz, 64 at
    8,000 and 86 at 16,000; frames of 16 ms at 12,500 Hz. Gain control asks for samples in [-1, 1].

    Equal to `lyon_passive_ear` of the PyPI package `lyon` with the same arguments, whose
    `decimation_factor`, `differ` and `agc` are `decimation`, `difference` and `gain_control`.

    Source: R. F. Lyon, "A computational model of filtering, detection, and compression in the
    cochlea", ICASSP 1982; M. Slaney, "Lyon's Cochlear Model", Apple Technical Report 13, 1988.

    Args:
        ear_q: How sharp filters are: centre frequency over bandwidth, >= 1.
        step_factor: By what part of a bandwidth neighbours are apart; if None, ear_q / 32.
        difference: Whether each channel is the difference to the one above it, or 0.
        gain_control: Whether gain is controlled.
        tau_factor: Time constant of the smoothing before decimation, in frames.
    """

    ear_q: float = 8.0
    step_factor: float | None = None
    difference: bool = True
    gain_control: bool = True
    tau_factor: float = 3.0
    kind: ClassVar[str] = "lyon"

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values, with its kind."""
        values = super().to_dict()
        if self.step_factor is None:
            values["step_factor"] = self.ear_q / 32
        return values


@dataclass(frozen=True)
class LogMel(FrontEnd):
    """Log-mel frames: the power of sound in bands that are evenly spaced in mel, in decibels.

    The light choice: a Fourier transform a frame, no memory beyond the window, and levels in
    [0, 1] by fixed ends, which need no statistics of the recording, so that an encoder takes frames
    as they come. A frame is of the last `window` samples before its end, silence before the first.

    The window is Hann's (periodic), the transform has the least power of two of points that holds
    the window and has one in every band; powers are scaled so that a sine of amplitude 1 has -3 dB,
    in all points together. Bands are triangles of height 1, straight in frequency, each from the
    centre of the one below to that of the one above (`librosa.filters.mel(htk=True, norm=None)`),
    with mel(f) = 2595 log10(1 + f / 700). Channels ascend in frequency.

    Source: S. Young et al., The HTK Book, 2006, for mel.

    Args:
        decimation: Samples from a frame to the next; if None, those of 10 ms.
        window: Samples that a frame is made of, at least 2; if None, 2.5 times decimation.
        n_channels: Number of bands.
        f_min: Lower end of the lowest band [Hz].
        f_max: Upper end of the highest band [Hz]; if None, half the sample rate.
        floor_db: Level of what is as good as silence [dB]: 0 in frames.
        top_db: Level of what is as loud as can be [dB]: 1 in frames.
        normalize: Whether frames are in [0, 1]; else in dB, from floor_db to top_db.
    """

    decimation: Annotated[int, partial(count, most=2**31 - 1)] = None  # type: ignore[assignment]
    window: int = None  # type: ignore[assignment]
    n_channels: Count = 40
    f_min: float = 60.0
    f_max: float = None  # type: ignore[assignment]
    floor_db: float = -80.0
    top_db: float = -10.0
    normalize: bool = True
    kind: ClassVar[str] = "log_mel"

    def __post_init__(self) -> None:
        rate = number("LogMel.sample_rate", self.sample_rate)
        if self.decimation is None:
            # Of a rate that is none, which the core refuses, any will do.
            hop = round(rate / 100) if 100 <= rate < math.inf else 1
            object.__setattr__(self, "decimation", hop)
        if self.window is None:
            hop = count("LogMel.decimation", self.decimation)
            object.__setattr__(self, "window", max(2, round(2.5 * hop)))
        if self.f_max is None:
            object.__setattr__(self, "f_max", rate / 2)
        super().__post_init__()


class Stream:
    """A front end that hears sound as it comes.

    What it gives does not depend on how the sound is cut into calls, and is what the front end
    gives of the whole.
    """

    def __init__(self, front_end: FrontEnd) -> None:
        """Makes one at rest.

        Args:
            front_end: Which one.

        Raises:
            TypeError: If it is none.
        """
        if not isinstance(front_end, FrontEnd):
            raise TypeError(f"front_end must be LyonEar or LogMel, got {front_end!r:.200}")
        self._front_end = front_end
        self._core = FrontEndCore(front_end.to_dict())

    @property
    def front_end(self) -> FrontEnd:
        """The front end."""
        return self._front_end

    def hear(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Hears the next samples; returns the frames that they end, (n_frames, n_channels).

        A call that is interrupted, or refused, has heard nothing.

        Args:
            samples: As of `FrontEnd.__call__`; any number of them.

        Raises:
            TypeError: If samples are no numbers.
            ValueError: If there are more axes, as of stereo, or a sample is not finite.
            RuntimeError: If another thread is at it.
        """
        return self._core.hear(as_sound("samples", samples))

    def __repr__(self) -> str:
        """The front end."""
        return f"Stream({self._front_end!r})"


FRONT_ENDS: tuple[type[Config], ...] = (LyonEar, HeidelbergCochlea, LogMel)
"""Kinds of front ends, of frames and of spikes."""
