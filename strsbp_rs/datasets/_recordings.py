"""Recordings of events that become spike trains, each as long as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import count, one_of, time_step
from strsbp_rs._bars import steps_bar
from strsbp_rs._events import MILLISECONDS
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import RecordingsCore

__all__ = ["MOST_STEPS", "Recordings", "Repeated", "of_one_length"]

MOST_STEPS = 2**24
Repeated = Literal["merge", "count"]
"""What becomes of events of one neuron in one step: one spike, or as many."""


class Recordings:
    """The recordings of a part of a data set, so far.

    Args:
        n_neurons: Number of neurons.
        step_ms: Time step [ms].
        n_steps: Steps that all have, of which later events are left out; None if each ends with its
            last event.
        repeated: What becomes of events of one neuron in one step.

    Raises:
        TypeError: If one has the wrong type.
        ValueError: If one is out of range.
    """

    def __init__(
        self, n_neurons: int, step_ms: float, n_steps: int | None, repeated: Repeated
    ) -> None:
        self.step_ms = time_step("step_ms", step_ms)
        self.n_steps = None if n_steps is None else count("n_steps", n_steps, most=MOST_STEPS)
        keep = one_of("repeated", repeated, ("merge", "count")) == "count"
        self._core = RecordingsCore(n_neurons, self.n_steps, keep)

    @property
    def longest(self) -> int:
        """Steps of the longest one."""
        return self._core.longest

    def add(
        self,
        names: Sequence[str],
        times: Sequence[NDArray[Any]],
        neurons: Sequence[NDArray[Any]],
        time_unit: Literal["us", "ms", "s"],
    ) -> None:
        """Adds recordings, of events in any order.

        Args:
            names: What messages call them.
            times: Times of the events of each, integers or floats, from 0.
            neurons: Their neurons.
            time_unit: Unit of the times.

        Raises:
            TypeError: If times are no numbers, or neurons no integers.
            ValueError: If a time or neuron is out of range, or there are not as many.
        """
        for name, t, x in zip(names, times, neurons, strict=True):
            if len(t) != len(x):
                raise ValueError(f"{name}: has {len(t)} times, expected {len(x)}, one an event")
            if len(t) and (t.dtype.kind not in "iuf" or x.dtype.kind not in "iu"):
                raise TypeError(
                    f"{name}: has times of {t.dtype} and places of {x.dtype}, expected numbers and "
                    "integers"
                )
        if not names:
            return
        # In 64 bits before anything is computed: in 16, microseconds are infinite.
        kind: Any = np.float64 if any(t.dtype.kind == "f" for t in times) else np.int64
        self._core.push(
            names,
            np.cumsum([len(t) for t in times]).tolist(),
            np.concatenate(list(times), dtype=kind, casting="unsafe"),
            np.concatenate(list(neurons), dtype=np.int64, casting="unsafe"),
            self.step_ms / MILLISECONDS[time_unit],
        )

    def read_nmnist(self, files: list[str], n_threads: int | None, progress: bool) -> None:
        """Adds recordings of N-MNIST, a file each, read on several threads."""
        with steps_bar(len(files), "Reading", progress) as bar:
            self._core.read_nmnist(
                files, self.step_ms * 1e3, n_threads, lambda n: bar.update(n - bar.n)
            )

    def trains(self, n_steps: int) -> SpikeTrains:
        """Takes all out, as a set of `n_steps` steps."""
        return SpikeTrains(self._core.finish(n_steps))


def of_one_length(*parts: Recordings) -> list[SpikeTrains]:
    """Takes the recordings of the parts out, as sets of as many steps: those of the longest.

    So what a loss asks of a recording does not depend on which part it is in.
    """
    longest = max(1, *(part.longest for part in parts))
    return [part.trains(longest) for part in parts]
