"""The arrays of a data set."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, one_of
from strsbp_rs.audio import FrontEnd, HeidelbergCochlea, resample
from strsbp_rs.datasets._splits import Samples, chosen, held_out, joined

__all__ = ["Dataset"]


@dataclass(frozen=True, repr=False)
class Dataset:
    """Samples and their classes.

    Attributes:
        name: Name of the data set.
        x_train: Values to encode, (n_train, n_features); or spikes; or a list of n_train sounds,
            (n_samples,) each, or of what a front end has heard in them, (n_frames, n_channels).
        y_train: Classes, int64 (n_train,).
        x_test: Likewise, of n_test.
        y_test: Classes, int64 (n_test,).
        image_shape: Height and width of images [pixels]; None of other samples.
        class_names: Names of the classes.
        source: Where the data was found.
        licence: Its licence.
        groups_train: Who each sample is of, as its speaker: int64 (n_train,); None if not known.
        groups_test: Likewise (n_test,).
        group_names: Names of the groups.
        sensor_size: Width, height and polarities of what recorded events; input x + width * (y +
            height * p) is pixel (x, y) of polarity p. None of other samples.
        sample_rate: Samples of sounds a second [Hz]; None of others.
        step_ms: Time step of spikes, or time from a frame to the next [ms]; None of others.
        x_validation: Samples to choose by, of n_validation; None if there are none.
        y_validation: Their classes, int64 (n_validation,).
    """

    name: str
    x_train: Samples
    y_train: NDArray[np.int64]
    x_test: Samples
    y_test: NDArray[np.int64]
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]
    source: str
    licence: str
    groups_train: NDArray[np.int64] | None = None
    groups_test: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()
    sensor_size: tuple[int, int, int] | None = None
    sample_rate: float | None = None
    step_ms: float | None = None
    x_validation: Samples | None = None
    y_validation: NDArray[np.int64] | None = None

    @property
    def n_in(self) -> int:
        """Number of inputs of a network for these samples.

        Raises:
            ValueError: If they are sounds, which have none until a front end has heard them.
        """
        if self.sample_rate is not None:
            raise ValueError(
                f"the sounds of {self.name} are no inputs of a network: "
                "give heard_by(front_end) of them"
            )
        if isinstance(self.x_train, list):
            return int(self.x_train[0].shape[-1])
        return int(self.x_train.shape[-1])

    def heard_by(
        self,
        front_end: FrontEnd | HeidelbergCochlea,
        *,
        n_threads: int | None = None,
        progress: bool = True,
        cache: bool | str | os.PathLike[str] = True,
    ) -> Dataset:
        """Returns what a front end hears in the sounds: lists of (n_frames, n_channels), float64.

        A `HeidelbergCochlea` hears spikes: samples are `SpikeTrains`, each as long as its sound.
        Sounds of another rate than the front end's are resampled to that.

        Args:
            front_end: What hears them, as `LyonEar(12_500)`.
            n_threads: Number of threads; None means all cores.
            progress: Whether a bar is drawn.
            cache: Whether what was heard before is read from the user's cache, and what was not is
                kept there; or the folder that is one. See `audio.Cache`.

        Raises:
            TypeError: If that is no front end.
            ValueError: If the samples are no sounds.
            ImportError: If they are to be resampled and soxr is not installed.
        """
        if not isinstance(front_end, (FrontEnd, HeidelbergCochlea)):
            raise TypeError(f"front_end must be one of strsbp_rs.audio, got {front_end!r:.200}")
        if self.sample_rate is None:
            raise ValueError(f"{self.name} must hold sounds, which have a sample_rate, to be heard")
        parts = [self.x_train, self.x_test, self.x_validation or []]
        sounds = [
            resample(sound, self.sample_rate, front_end.sample_rate)
            for part in parts
            for sound in part
        ]
        heard = front_end.many(sounds, n_threads=n_threads, progress=progress, cache=cache)
        n_train, n_known = len(parts[0]), len(parts[0]) + len(parts[1])
        return replace(
            self,
            x_train=heard[:n_train],
            x_test=heard[n_train:n_known],
            x_validation=None if self.x_validation is None else heard[n_known:],
            sample_rate=None,
            step_ms=front_end.frame_ms,
        )

    def split_validation(self, share: float = 0.1, seed: int = 0) -> Dataset:
        """Returns the data set with a share of the training samples as its validation samples.

        Where groups are known and there are several, these are samples of whole groups, at least
        one: of speakers that are not trained on. Otherwise every class gives its share.

        Args:
            share: Share of the training samples, in (0, 1).
            seed: Seed of the choice.

        Raises:
            TypeError: If share or seed are no numbers.
            ValueError: If there are validation samples already, or share leaves none for either.
        """
        if self.x_validation is not None:
            n = len(self.x_validation)
            raise ValueError(f"{self.name} has {n} validation samples already, expected none")
        kept, held = held_out(self.y_train, self.groups_train, share, seed)
        return replace(
            self,
            x_train=chosen(self.x_train, kept),
            y_train=self.y_train[kept],
            groups_train=None if self.groups_train is None else self.groups_train[kept],
            x_validation=chosen(self.x_train, held),
            y_validation=self.y_train[held],
        )

    def leave_out(self, group: int | str) -> Dataset:
        """Returns the data set with all samples of one group for testing, all others for training.

        So a speaker is tested of whom nothing was trained on. Which samples were for testing before
        counts for nothing; validation samples, if there are any, are left as they are.

        Args:
            group: Its name, or its index in `group_names`.

        Raises:
            TypeError: If group is neither.
            ValueError: If groups are not known, there is no such group, or no other.
        """
        if self.groups_train is None or self.groups_test is None:
            raise ValueError(f"the groups of {self.name} are not known: none can be left out")
        if isinstance(group, str):
            at = self.group_names.index(one_of("group", group, self.group_names))
        else:
            at = integer("group", group, below=len(self.group_names))
        groups = np.concatenate([self.groups_train, self.groups_test])
        left, kept = np.flatnonzero(groups == at), np.flatnonzero(groups != at)
        if not len(left) or not len(kept):
            raise ValueError(f"group must leave samples on both sides, got {group!r}")
        x, y = joined(self.x_train, self.x_test), np.concatenate([self.y_train, self.y_test])
        return replace(
            self,
            x_train=chosen(x, kept),
            y_train=y[kept],
            groups_train=groups[kept],
            x_test=chosen(x, left),
            y_test=y[left],
            groups_test=groups[left],
        )

    def __repr__(self) -> str:
        if self.image_shape is not None:
            what = f"images of {' x '.join(map(str, self.image_shape))} pixels"
        elif self.sample_rate is not None:
            what = f"sounds of {self.sample_rate:,g} Hz"
        else:
            what = f"samples of {self.n_in:,} inputs"
        counts = [f"{len(self.x_train):,} training"]
        if self.x_validation is not None:
            counts.append(f"{len(self.x_validation):,} validation")
        counts.append(f"{len(self.x_test):,} test")
        return (
            f"<Dataset {self.name}: {', '.join(counts[:-1])} and {counts[-1]} "
            f"{what}, {len(self.class_names)} classes, from {self.source}>"
        )
