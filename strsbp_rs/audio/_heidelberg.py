"""The cochlea of the Heidelberg data sets: from sound to spikes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer, threads
from strsbp_rs._config import Config
from strsbp_rs._fields import Count
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import SpikeTrainsCore, cochlea_frequencies, hear_spikes
from strsbp_rs.audio._cache import memory_of
from strsbp_rs.audio._sounds import Frames, Sound, checked_sounds, heard_or_recalled

__all__ = ["HeidelbergCochlea"]


@dataclass(frozen=True)
class HeidelbergCochlea(Config):
    """The cochlea that the Heidelberg spiking data sets (SHD, SSC) were made with: sound to spikes.

    Sound is brought to a root mean square of 0.3, faded in and out by Hann's window, and moves a
    basilar membrane of `n_channels` places, from 22.5 kHz (channel 0) to 110 Hz. At each a hair
    cell makes of its velocity the probability that fibres of the auditory nerve fire; forty of them
    converge on a bushy cell, whose spikes are the output. No encoder is needed.

    The membrane is a filter over the whole of a recording: there is no stream of it. It runs at
    half the sample rate, as the program that made the data sets did, and with its signs of phases:
    what a low channel fires for, it fires for some milliseconds early, where an ear would be late.
    The data sets were made from sounds of 48,000 samples a second.

    Fibres fire at random: by the seed and the sound, the same spikes on any number of threads,
    alone or among others. Spikes are not, one by one, those of SHD, whose seeds are not known.

    Source: B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke, "The Heidelberg Spiking Data Sets for
    the Systematic Evaluation of Spiking Neural Networks", IEEE TNNLS 33, 2744, 2022; N. Sieroka, H.
    G. Dosch, A. Rupp, J. Acoust. Soc. Am. 120, 297, 2006 (membrane); R. Meddis, J. Acoust. Soc. Am.
    83, 1056, 1988 (hair cells).

    Args:
        sample_rate: Samples of the sound a second [Hz], at least 18,160, below which the equations
            of the hair cells, stepped at half of it, are not stable; nothing is resampled.
        n_channels: Number of places, evenly spaced on the membrane.
        step_ms: Time step of the spike trains [ms]; a bushy cell fires at most once a millisecond.
        repeated: Whether spikes of a channel in the same step are one ("merge") or all ("count").
        seed: Seed of the fibres.
    """

    sample_rate: float = 48_000.0
    n_channels: Count = 700
    step_ms: float = 1.0
    repeated: Literal["merge", "count"] = "merge"
    seed: int = 0
    group: ClassVar[str | None] = "cochlea"
    kind: ClassVar[str] = "heidelberg"
    version: ClassVar[int] = 1
    """Version of the algorithm: with another one, spikes that were kept before are not used."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.step_ms < math.inf:
            raise ValueError(
                f"HeidelbergCochlea.step_ms must be finite and > 0 ms, got {self.step_ms}"
            )

    def _domain(self) -> dict[str, Any]:
        names = ("sample_rate", "n_channels", "seed")
        return {name: getattr(self, name) for name in names}

    @property
    def center_frequencies(self) -> NDArray[np.float64]:
        """Frequencies at which the membrane resonates at the channels [Hz], descending.

        A tone moves it most where that is a tenth above its own.
        """
        return cochlea_frequencies(self._domain())

    @property
    def frame_ms(self) -> float:
        """Time from a step to the next [ms]."""
        return self.step_ms

    def __call__(self, samples: ArrayLike) -> SpikeTrains:
        """Returns the spikes of a recording, a set of one sample.

        Args:
            samples: See `many`.

        Raises:
            TypeError: If samples are no numbers.
            ValueError: If there are more axes, as of stereo, or a sample is not finite.
        """
        return self.many([samples], progress=False)

    def many(
        self,
        recordings: Iterable[ArrayLike],
        *,
        n_steps: int | None = None,
        n_threads: int | None = None,
        progress: bool = True,
        cache: bool | str | os.PathLike[str] = False,
    ) -> SpikeTrains:
        """Returns the spikes of many recordings, each as long as its sound.

        Args:
            recordings: Samples of each, (n_samples,), of any lengths: floats, or integers as files
                of PCM hold them. How loud they are does not matter; silence has no spikes.
            n_steps: Number of time steps that count as the whole length, beyond which spikes are
                cut; None: that of the longest recording.
            n_threads: Number of threads; None means all cores.
            progress: Whether a bar is drawn.
            cache: Whether what was heard before is read from the user's cache, and what was not is
                kept there, see `Cache`; or the folder that is one.

        Raises:
            TypeError: If samples are no numbers.
            ValueError: If there are no recordings, or more axes, as of stereo, or a sample is not
                finite.
            OSError: If cache is a folder that cannot be made.
        """
        sounds = checked_sounds(recordings)
        if not sounds:
            raise ValueError("recordings must hold at least one recording, got none")
        if n_steps is not None:
            n_steps = integer("n_steps", n_steps, low=1, below=2**31)
        memory = memory_of(cache, {"kind": self.kind, **self._domain()}, self.version)

        def hear(batch: list[Sound], done: Callable[[int], object]) -> list[Frames]:
            heard = hear_spikes(self._domain(), batch, threads(n_threads), done)
            return [spikes.astype(np.int32) for spikes in heard]

        def fits(spikes: Frames, sound: Sound) -> bool:
            return spikes.dtype == np.int32 and spikes.ndim == 2 and len(spikes) == 2

        heard = heard_or_recalled(sounds, memory, hear, fits, progress)
        durations = [1e3 * len(np.asarray(sound)) / self.sample_rate for sound in sounds]
        lengths = [max(1, math.ceil(duration / self.step_ms)) for duration in durations]
        n_all = max(lengths) if n_steps is None else n_steps
        lengths = [min(length, n_all) for length in lengths]
        events = [
            self._events(at, spikes, length)
            for at, (spikes, length) in enumerate(zip(heard, lengths, strict=True))
        ]
        keep = self.repeated == "count"
        core = SpikeTrainsCore.from_events(events, n_all, self.n_channels, keep)
        return SpikeTrains(core.with_lengths(np.array(lengths, dtype=np.int64)))

    def _events(
        self, at: int, spikes: Frames, n_steps: int
    ) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
        t, x = spikes
        steps = np.floor(t * 2e3 / (self.sample_rate * self.step_ms)).astype(np.int64)
        kept = steps < n_steps
        return f"recordings[{at}]", steps[kept], x[kept].astype(np.int64)
