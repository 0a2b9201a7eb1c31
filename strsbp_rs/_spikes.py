"""Sparse spike trains of many samples."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer, integers, one_of
from strsbp_rs._arrays import as_array
from strsbp_rs._events import Columns, columns_of, sensor
from strsbp_rs._files import file_name
from strsbp_rs._indexing import samples_of, split, window_of
from strsbp_rs._rasters import joined_rows, spike_numbers
from strsbp_rs._strsbp_rs import SpikeTrainsCore
from strsbp_rs._warnings import RepeatedEventsWarning, warn

__all__ = ["EVENT_DTYPE", "SpikeTrains"]

EVENT_DTYPE = np.dtype([("t", np.int64), ("x", np.int64)])
"""Fields of the event lists `to_events` gives: the step `t` and the neuron `x` of each spike."""


class SpikeTrains:
    """Sparse spike trains of shape (n_samples, n_steps, n_neurons), immutable.

    Made by `from_dense`, `from_counts`, `from_rasters`, `from_events` or `from_csr`. A neuron may
    fire several times in a step, as those of some hardware do. Samples may differ in length, as
    recordings do: `n_steps` is that of the longest, `lengths` has them all, and each is run for its
    own steps.

    An index selects samples as one of an array does: an integer, a slice, a mask, or an array of
    integers, in its order. The result is always SpikeTrains: `trains[3]`, and what iterating gives,
    is a set of one sample. A second index selects steps: `trains[:, 10:50]` is 40 steps of every
    sample. scikit-learn's `train_test_split` and `KFold` work on them.
    """

    __slots__ = ("_core",)

    def __init__(self, core: SpikeTrainsCore) -> None:
        if not isinstance(core, SpikeTrainsCore):
            raise TypeError(
                "SpikeTrains are made by their from_dense, from_counts, from_events or from_csr, "
                f"got {type(core).__name__}"
            )
        self._core = core

    @classmethod
    def from_dense(cls, raster: ArrayLike) -> SpikeTrains:
        """Takes a raster.

        Args:
            raster: Truth values, or how often each neuron fires at each step as integers or whole
                floats in [0, 65535], of shape (n_samples, n_steps, n_neurons). Further axes, as of
                frames (n_samples, n_steps, P, H, W), are flattened in C order: a pixel is neuron
                x + W * (y + H * p).

        Raises:
            TypeError: If the dtype is another.
            ValueError: If it has fewer than three dimensions, or no steps or neurons, a number is
                not whole or out of range, or all that are not 0 are 255 in uint8: a mask.
        """
        return cls._of_raster("raster", raster)

    @classmethod
    def _of_raster(cls, name: str, raster: Any) -> SpikeTrains:
        """As `from_dense`, of an argument of another name."""
        numbers = spike_numbers(name, raster)
        if numbers.dtype == np.bool_:
            return cls(SpikeTrainsCore.from_dense(numbers.view(np.uint8)))
        return cls(SpikeTrainsCore.from_counts(numbers))

    @classmethod
    def from_counts(cls, counts: ArrayLike) -> SpikeTrains:
        """Takes how often each neuron fires at each step.

        Args:
            counts: Integers in [0, 65535], of shape (n_samples, n_steps, n_neurons).

        Raises:
            TypeError: If they are no integers.
            ValueError: If one is out of range, or they have not three dimensions, or no steps or
                neurons.
        """
        array = as_array("counts", counts)
        if array.dtype.kind not in "iu":
            raise TypeError(f"counts has dtype {array.dtype}, expected integers")
        if array.ndim != 3:
            raise ValueError(
                f"counts has shape {array.shape}, expected (n_samples, n_steps, n_neurons)"
            )
        # 255 in uint8 here is a count, as the caller says.
        wide = array.astype(np.uint16) if array.dtype == np.uint8 else array
        return cls(SpikeTrainsCore.from_counts(spike_numbers("counts", wide)))

    @classmethod
    def from_rasters(cls, rasters: Sequence[ArrayLike], n_steps: int | None = None) -> SpikeTrains:
        """Takes samples of different lengths, a raster each.

        Args:
            rasters: Each of shape (n_steps_of_the_sample, n_neurons), or with further axes, of what
                `from_dense` takes.
            n_steps: Number of time steps that count as the whole length, see `with_lengths`; of the
                longest sample if None.

        Raises:
            TypeError: If a dtype is another.
            ValueError: If there is no raster, they differ in neurons, or one has no steps or more
                than `n_steps`.
        """
        if not isinstance(rasters, Iterable):
            raise TypeError(f"rasters must be a list of rasters, got {type(rasters).__name__}")
        parts = [
            cls._of_raster(f"rasters[{at}]", as_array(f"rasters[{at}]", raster)[None])
            for at, raster in enumerate(rasters)
        ]
        rows = [part.to_csr() for part in parts]
        indptr, indices, shape, lengths = joined_rows("rasters", rows, n_steps)
        return cls.from_csr(indptr, indices, shape).with_lengths(lengths)

    @classmethod
    def from_events(
        cls,
        events: Sequence[NDArray[Any]],
        *,
        n_steps: int | None = None,
        n_neurons: int | None = None,
        sensor_size: tuple[int, int, int] | None = None,
        time_unit: Literal["step", "us", "ms", "s"] | None = None,
        dt: float = 1.0,
        repeated: Literal["merge", "count"] | None = None,
    ) -> SpikeTrains:
        """Takes event lists, as the neuromorphic data libraries hold them.

        Tonic's as they are: `from_events(events, sensor_size=(34, 34, 2), time_unit="us")`.

        Args:
            events: One structured array a sample, sorted by its field t (time, of at least 0). The
                neuron is the integer field x or, with `sensor_size`, of x, y and p.
            n_steps: Number of time steps; every event is in one of [0, n_steps). Up to the last
                event of all, if None; `trains[:, :n_steps]` then cuts longer recordings.
            n_neurons: Number of neurons, where x alone says which; every x is in [0, n_neurons).
            sensor_size: Width W, height H and number of polarities P of a sensor with x in [0, W),
                y in [0, H) and p in [0, P), integers or truth values: neuron x + W * (y + H * p),
                as an array (P, H, W) lies in memory. With P = 1 polarities count for nothing; a
                sensor of one line (W, 1, P) needs no y.
            time_unit: What t counts: "us", "ms", "s", or "step", which is meant if None; with
                `sensor_size` it must be said.
            dt: Time step [ms]; an event is in step floor(t / dt).
            repeated: What becomes of events of one neuron in one step: "count" keeps all, as
                several spikes; "merge" makes them one. If None they are one, and a warning says how
                many were lost.

        Raises:
            TypeError: If an array lacks a field, or a field has the wrong type.
            ValueError: If an event is out of range or unsorted, and the message names the first; or
                not one of `n_neurons` and `sensor_size` is given.

        Warns:
            RepeatedEventsWarning: If events of a neuron coincided and `repeated` is None.
        """
        if (n_neurons is None) == (sensor_size is None):
            raise ValueError("either n_neurons or sensor_size must be given")
        if sensor_size is None:
            size, n = None, integer("n_neurons", n_neurons)
        else:
            size = sensor(sensor_size)
            n = math.prod(size)
        if repeated is not None:
            one_of("repeated", repeated, ("merge", "count"))
        columns = columns_of("events", events, size, time_unit, dt)
        if n_steps is None:
            n_steps = 1 + max((int(t.max()) for _, t, _ in columns if len(t)), default=-1)
            if n_steps < 1:
                raise ValueError("n_steps must be given where no event says it")
        return cls._of_columns(columns, integer("n_steps", n_steps), n, repeated)

    @classmethod
    def _of_columns(
        cls, columns: Columns, n_steps: int, n_neurons: int, repeated: str | None
    ) -> SpikeTrains:
        """As `from_events`, of the step and the neuron of every event."""
        trains = cls(SpikeTrainsCore.from_events(columns, n_steps, n_neurons, repeated == "count"))
        n_events = sum(len(t) for _, t, _ in columns)
        if repeated is None and n_events > trains.n_spikes:
            lost = n_events - trains.n_spikes
            warn(
                f"{lost:,} of {n_events:,} events ({lost / n_events:.2%}) coincided with another "
                "of the same neuron in the same step, and are one spike with it: "
                "SpikeTrains.from_events(repeated='count') keeps them, a smaller dt parts them, "
                "repeated='merge' says that this is meant",
                RepeatedEventsWarning,
            )
        return trains

    @classmethod
    def from_csr(
        cls,
        indptr: NDArray[np.integer[Any]],
        indices: NDArray[np.integer[Any]],
        shape: tuple[int, int, int],
    ) -> SpikeTrains:
        """Takes compressed sparse rows; row `sample * n_steps + t` holds the spikes of step t.

        Args:
            indptr: Row starts, integers of shape (n_samples * n_steps + 1,).
            indices: Neurons, integers, sorted within a row; one that fires k times is there k
                times.
            shape: (n_samples, n_steps, n_neurons).

        Raises:
            TypeError: If an array is not of integers.
            ValueError: If the arrays disagree with each other or with the shape.
        """
        arrays = []
        for name, array in (("indptr", indptr), ("indices", indices)):
            array = as_array(name, array)
            if array.dtype.kind not in "iu":
                raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
            if array.ndim != 1:
                raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
            arrays.append(array.astype(np.int64))
        sizes = integers("shape", shape, low=0, below=2**64)
        if len(sizes) != 3:
            raise ValueError(f"shape must be (n_samples, n_steps, n_neurons), got {shape}")
        return cls(SpikeTrainsCore.from_csr(arrays[0], arrays[1], (sizes[0], sizes[1], sizes[2])))

    def to_dense(self) -> NDArray[np.bool_]:
        """Returns a bool raster of shape (n_samples, n_steps, n_neurons): who fires at all."""
        return self._core.to_dense()

    def to_counts(self) -> NDArray[np.uint32]:
        """Returns how often each neuron fires at each step, (n_samples, n_steps, n_neurons)."""
        return self._core.to_counts()

    def to_events(self) -> list[NDArray[Any]]:
        """Returns one structured array a sample, with fields t and x, sorted by t, then x.

        A neuron that fires k times in a step has k events.
        """
        lists = []
        for sample in range(len(self)):
            t, x = self._core.events(sample)
            events = np.empty(len(t), EVENT_DTYPE)
            events["t"], events["x"] = t, x
            lists.append(events)
        return lists

    def to_csr(self) -> tuple[NDArray[np.int64], NDArray[np.int32], tuple[int, int, int]]:
        """Returns (indptr, indices, shape), as `from_csr` takes them."""
        indptr, indices = self._core.to_csr()
        return indptr, indices, self.shape

    def counts(self) -> NDArray[np.uint32]:
        """Returns the number of spikes of every neuron, shape (n_samples, n_neurons)."""
        return self._core.counts()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_samples, n_steps, n_neurons)."""
        return self._core.shape

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of time steps of each sample, (n_samples,)."""
        return self._core.lengths

    def with_lengths(self, lengths: ArrayLike) -> SpikeTrains:
        """Returns the same spikes of samples that end earlier.

        A sample is simulated and trained on for its own steps, and nothing fires behind its end.
        Counts that a loss of this package speaks of (`CountMSE.target`,
        `SoftmaxCrossEntropy.temperature`) are those of `n_steps` steps: of a sample half as long,
        half of them. Firing rates go by the steps that were run.

        Args:
            lengths: Number of time steps of each sample, integers in [1, n_steps], (n_samples,).

        Raises:
            TypeError: If they are no integers.
            ValueError: If there is not one for each sample, or a sample has spikes behind its end.
        """
        array = as_array("lengths", lengths)
        if array.dtype.kind not in "iu":
            raise TypeError(f"lengths has dtype {array.dtype}, expected integers")
        if array.ndim != 1:
            raise ValueError(f"lengths has shape {array.shape}, expected (n_samples,)")
        return SpikeTrains(self._core.with_lengths(array.astype(np.int64)))

    @property
    def n_spikes(self) -> int:
        """Number of spikes of all samples."""
        return self._core.n_spikes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> SpikeTrains:
        samples, steps = split(key)
        chosen = samples_of(samples, len(self))
        if chosen == range(len(self)):
            core = self._core
        elif isinstance(chosen, range) and chosen.step == 1:
            core = self._core.slice(chosen.start, max(chosen.start, chosen.stop))
        else:
            core = self._core.take(list(chosen))
        if not (isinstance(steps, slice) and steps == slice(None)):
            core = core.steps(*window_of(steps, self.shape[1]))
        return SpikeTrains(core)

    def __iter__(self) -> Iterator[SpikeTrains]:
        return (self[sample] for sample in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        # Sparse on purpose: an array of them is often too large to make without being asked for.
        raise TypeError(
            "SpikeTrains do not become an array by themselves: call to_dense() or to_counts()"
        )

    @staticmethod
    def concatenate(trains: Sequence[SpikeTrains]) -> SpikeTrains:
        """Returns the samples of all of `trains`, one set after the other.

        Raises:
            TypeError: If one of them is not SpikeTrains.
            ValueError: If there is none, or they differ in steps or neurons.
        """
        if not isinstance(trains, Iterable):
            raise TypeError(f"trains must be a list of SpikeTrains, got {type(trains).__name__}")
        sets = list(trains)
        for index, one in enumerate(sets):
            if not isinstance(one, SpikeTrains):
                raise TypeError(f"trains[{index}] must be SpikeTrains, got {type(one).__name__}")
        return SpikeTrains(SpikeTrainsCore.concatenate([one._core for one in sets]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a safetensors file: rows as arrays `indptr` and `indices`.

        It is written by the rules of `Network.save`.

        Raises:
            OSError: If the file cannot be written.
        """
        self._core.save(file_name(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SpikeTrains:
        """Reads what `save` wrote.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not such a file of this package, is damaged, or of another version.
        """
        return cls(SpikeTrainsCore.load(file_name(path)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpikeTrains) and self._core == other._core

    def __hash__(self) -> int:
        return hash((self.shape, self.n_spikes))

    def __repr__(self) -> str:
        n_samples, n_steps, n_neurons = self.shape
        shortest = "" if self._core.is_even else f"{self.lengths.min()} to "
        return (
            f"SpikeTrains(n_samples={n_samples}, n_steps={shortest}{n_steps}, "
            f"n_neurons={n_neurons}, n_spikes={self.n_spikes})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        if self._core.is_even:
            return SpikeTrains.from_csr, self.to_csr()
        return _with_lengths, (*self.to_csr(), self.lengths)


def _with_lengths(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    shape: tuple[int, int, int],
    lengths: NDArray[np.int64],
) -> SpikeTrains:
    """Returns what was pickled."""
    return SpikeTrains.from_csr(indptr, indices, shape).with_lengths(lengths)
