"""Sparse spike trains of many samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, number, one_of, threads
from strsbp_rs._strsbp_rs import SpikeTrainsCore
from strsbp_rs._strsbp_rs import s_psp as _s_psp

__all__ = ["EVENT_DTYPE", "SpikeTrains", "s_psp"]

EVENT_DTYPE = np.dtype([("t", np.int64), ("x", np.int64)])
"""Fields of the event lists `to_events` gives: the step `t` and the neuron `x` of each spike."""

_MOST_SPIKES = 2**16 - 1
"""Of a neuron in a step, where they are given as counts."""


class SpikeTrains:
    """Sparse spike trains of shape (n_samples, n_steps, n_neurons), immutable.

    Made by `from_dense`, `from_counts`, `from_events` or `from_csr`; slicing gives a range of
    samples. A neuron may fire several times in a step, as those of some hardware do.
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
    def from_dense(cls, raster: NDArray[Any]) -> SpikeTrains:
        """Takes a raster.

        Args:
            raster: bool or uint8 array of shape (n_samples, n_steps, n_neurons), non-zero = spike.

        Raises:
            TypeError: If the dtype is another.
            ValueError: If it has not three dimensions, or no steps or neurons.
        """
        raster = np.asarray(raster)
        if raster.dtype not in (np.bool_, np.uint8):
            raise TypeError(f"raster has dtype {raster.dtype}, expected bool or uint8")
        if raster.ndim != 3:
            raise ValueError(
                f"raster has shape {raster.shape}, expected (n_samples, n_steps, n_neurons)"
            )
        return cls(SpikeTrainsCore.from_dense(np.ascontiguousarray(raster).view(np.uint8)))

    @classmethod
    def from_counts(cls, counts: NDArray[Any]) -> SpikeTrains:
        """Takes how often each neuron fires at each step.

        Args:
            counts: Integers in [0, 65535], of shape (n_samples, n_steps, n_neurons).

        Raises:
            TypeError: If they are no integers.
            ValueError: If one is out of range, or they have not three dimensions, or no steps or
                neurons.
        """
        counts = np.asarray(counts)
        if counts.dtype.kind not in "iu":
            raise TypeError(f"counts has dtype {counts.dtype}, expected integers")
        if counts.ndim != 3:
            raise ValueError(
                f"counts has shape {counts.shape}, expected (n_samples, n_steps, n_neurons)"
            )
        bad = np.argwhere((counts < 0) | (counts > _MOST_SPIKES))
        if bad.size:
            sample, t, neuron = bad[0]
            got = counts[sample, t, neuron]
            raise ValueError(
                f"counts[{sample}, {t}, {neuron}] must be in [0, {_MOST_SPIKES}], got {got}"
            )
        return cls(SpikeTrainsCore.from_counts(counts.astype(np.uint16)))

    @classmethod
    def from_events(
        cls, events: Sequence[NDArray[Any]], *, n_steps: int, n_neurons: int
    ) -> SpikeTrains:
        """Takes event lists, as the neuromorphic data libraries hold them.

        Of repeated events one is kept; `from_counts` and `from_csr` keep all.

        Args:
            events: One structured array a sample, with integer fields t (step, sorted) and x
                (neuron).
            n_steps: Number of time steps; every t is in [0, n_steps).
            n_neurons: Number of neurons; every x is in [0, n_neurons).

        Raises:
            TypeError: If an array lacks a field, or a field is not of integers.
            ValueError: If an event is out of range or unsorted; the message names the first.
        """
        columns = [
            (f"events[{sample}]", *event_columns(f"events[{sample}]", array))
            for sample, array in enumerate(events)
        ]
        return cls(
            SpikeTrainsCore.from_events(
                columns, integer("n_steps", n_steps), integer("n_neurons", n_neurons)
            )
        )

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
            array = np.asarray(array)
            if array.dtype.kind not in "iu":
                raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
            if array.ndim != 1:
                raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
            arrays.append(array.astype(np.int64))
        if len(shape) != 3:
            raise ValueError(f"shape must be (n_samples, n_steps, n_neurons), got {shape}")
        sizes = (
            integer("shape[0]", shape[0]),
            integer("shape[1]", shape[1]),
            integer("shape[2]", shape[2]),
        )
        return cls(SpikeTrainsCore.from_csr(arrays[0], arrays[1], sizes))

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
    def n_spikes(self) -> int:
        """Number of spikes of all samples."""
        return self._core.n_spikes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice) -> SpikeTrains:
        if not isinstance(key, slice):
            raise TypeError(f"SpikeTrains are indexed by slices of samples, got {key!r}")
        start, stop, step = key.indices(len(self))
        if step != 1:
            raise ValueError(f"slices of SpikeTrains have step 1, got {step}")
        return SpikeTrains(self._core.slice(start, max(start, stop)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpikeTrains) and self._core == other._core

    def __hash__(self) -> int:
        return hash((self.shape, self.n_spikes))

    def __repr__(self) -> str:
        n_samples, n_steps, n_neurons = self.shape
        return (
            f"SpikeTrains(n_samples={n_samples}, n_steps={n_steps}, n_neurons={n_neurons}, "
            f"n_spikes={self.n_spikes})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return SpikeTrains.from_csr, self.to_csr()


def event_columns(
    name: str, array: Any, *, allow_float: bool = False
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Returns the fields t and x of an event array: t as int64 or, if allowed, float64.

    Raises:
        TypeError: If a field is missing or has another type, or there is a field y.
        ValueError: If an integer is 2^63 or more.
    """
    fields = getattr(getattr(array, "dtype", None), "names", None) or ()
    if "t" not in fields or "x" not in fields:
        got = f"fields {fields}" if fields else type(array).__name__
        raise TypeError(f"{name} has {got}, expected a structured array with t and x")
    if "y" in fields:
        also = ", with polarity p: x + width * (y + height * p)" if "p" in fields else ""
        raise TypeError(
            f"{name} has fields {fields}, expected t and x: a pixel is one number, "
            f"as x + width * y{also}"
        )
    if array.ndim != 1:
        raise TypeError(f"{name} has shape {array.shape}, expected one dimension")
    for key in ("t", "x"):
        kinds, expected = (
            ("iuf", "integers or floats") if key == "t" and allow_float else ("iu", "integers")
        )
        if array[key].dtype.kind not in kinds:
            raise TypeError(f"{name}['{key}'] has dtype {array[key].dtype}, expected {expected}")
        if array[key].dtype == np.uint64:
            bad = np.flatnonzero(array[key] >= 2**63)
            if bad.size:
                got = array[key][bad[0]]
                raise ValueError(f"{name}['{key}'][{bad[0]}] must be < 2^63, got {got}")
    as_time = np.float64 if array["t"].dtype.kind == "f" else np.int64
    return array["t"].astype(as_time), array["x"].astype(np.int64)


def s_psp(
    pre: SpikeTrains,
    post: SpikeTrains,
    *,
    tau_m: float,
    tau_s: float,
    t_ref: float,
    dt: float = 1.0,
    discretisation: str = "euler",
    delay: float = 0.0,
) -> NDArray[np.float64]:
    """Computes the spike-train level postsynaptic potentials (S-PSPs) of recorded spike trains.

    Args:
        pre: Presynaptic spike trains, (n_samples, n_steps, n_pre).
        post: Postsynaptic spike trains, (n_samples, n_steps, n_post).
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        t_ref: Refractory time [ms].
        dt: Time step [ms].
        discretisation: "euler" or "exact".
        delay: Time that spikes take beyond one time step [ms], a whole number of steps.

    Returns:
        float64 array e of shape (n_samples, n_post, n_pre): e[s, i, j] sums, over the firings of
        i, the potential a unit synapse from j alone would have caused, with i's resets applied.

    Raises:
        ValueError: If the sets differ in samples or steps, or a constant is out of its domain.

    References:
        Zhang & Li, ST-RSBP, NeurIPS 2019, section 3.
    """
    params = lif_params(tau_m, tau_s, t_ref, dt, discretisation)
    return _s_psp(pre._core, post._core, params, number("delay", delay))


def van_rossum(
    a: SpikeTrains,
    b: SpikeTrains,
    *,
    tau: float,
    dt: float = 1.0,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Computes how far the spike trains of every neuron are apart.

    Every spike is the start of an exponential; the distance is the integral of the squared
    difference of the two sums, over tau. A spike too many counts 1/2, one that is moved by d counts
    1 - exp(-d / tau).

    Args:
        a: Spike trains, (n_samples, n_steps, n_neurons).
        b: Others of the same shape.
        tau: Time constant [ms].
        dt: Time step [ms].
        n_threads: Number of threads; all cores if None. The result does not depend on it.

    Returns:
        Squared distances, float64 (n_samples, n_neurons).

    Raises:
        ValueError: If the shapes differ, or a time is not positive.

    References:
        van Rossum, A novel spike distance, Neural Computation 13, 2001.
    """
    if not dt > 0:
        raise ValueError(f"dt must be > 0 ms, got {dt}")
    in_steps = number("tau", tau) / number("dt", dt)
    return a._core.van_rossum(b._core, in_steps, threads(n_threads))


def lif_params(
    tau_m: float, tau_s: float, t_ref: float, dt: float, discretisation: str, *, v_th: float = 1.0
) -> dict[str, Any]:
    """Returns a neuron's constants as the core takes them; S-PSPs know no threshold.

    Raises:
        TypeError: If one is not a number.
        ValueError: If the discretisation is unknown.
    """
    one_of("discretisation", discretisation, ("euler", "exact"))
    numbers = {"tau_m": tau_m, "tau_s": tau_s, "v_th": v_th, "t_ref": t_ref, "dt": dt}
    params = {name: number(name, value) for name, value in numbers.items()}
    return {**params, "discretisation": discretisation}
