"""What samples are to lead to: classes, or what a loss of the user's own knows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._analog import Frames
from strsbp_rs._arguments import labels
from strsbp_rs._arrays import as_array
from strsbp_rs._config import Config
from strsbp_rs._strsbp_rs import SpikeTrainsCore
from strsbp_rs.training._hooks import check_arguments

__all__ = [
    "Goal",
    "OwnLoss",
    "checked_own_loss",
    "given_d_counts",
    "goal_of",
    "loss_name",
    "loss_of_file",
]

OwnLoss = Callable[[NDArray[np.uint32], Any], tuple[Any, Any]]
"""A function (counts, targets) that returns (loss, d_counts), see `Trainer`."""

_Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]
_CALL = "loss(counts, targets)"


@dataclass(frozen=True)
class Goal:
    """What a call is to learn, as the core takes it.

    Attributes:
        y: Classes, if the samples have them.
        own: A loss of the user's own, which is given counts and the places of the samples.
    """

    y: NDArray[np.int64] | None
    own: Callable[[NDArray[np.uint32], NDArray[np.int64]], _Arrays] | None = None


def checked_own_loss(loss: Any) -> OwnLoss | None:
    """Returns a loss of the user's own; None of anything that is not callable.

    Raises:
        TypeError: If it does not take (counts, targets).
    """
    if isinstance(loss, (type, Config)) or not callable(loss):
        return None
    check_arguments("loss", loss, ("counts", "targets"))
    own: OwnLoss = loss
    return own


def loss_of_file(path: str, known: dict[str, Any] | None, loss: Any) -> OwnLoss | None:
    """Returns the loss of the user's own that a checkpoint was trained with, if it was.

    Args:
        path: The file, for messages.
        known: The loss that it holds, if it is one of the package.
        loss: What was given to read it with.

    Raises:
        TypeError: If that is no function of (counts, targets).
        ValueError: If it is needed and not there, or there and not needed.
    """
    if known is not None and loss is not None:
        raise ValueError(f"loss must be None, as {path} holds one, {known['kind']}; got {loss!r}")
    if known is not None:
        return None
    if loss is None:
        raise ValueError(
            f"loss must be given, got None: {path} was trained with a function, which no file "
            "holds; Trainer.load(path, loss=...)"
        )
    own = checked_own_loss(loss)
    if own is None:
        raise TypeError(f"loss must be a function (counts, targets), got {loss!r}")
    return own


def loss_name(loss: OwnLoss) -> str:
    """Returns what people call a function."""
    return str(getattr(loss, "__name__", type(loss).__name__))


def goal_of(
    own: OwnLoss | None,
    y: Any,
    data: SpikeTrainsCore | NDArray[Any] | Frames,
    n_out: int,
    weighted: bool = False,
) -> Goal:
    """Returns what samples are to lead to.

    Args:
        own: The loss, if it is of the user's own.
        y: Classes, or that loss's targets.
        data: The samples.
        n_out: Number of outputs.
        weighted: Whether the samples have weights.

    Raises:
        TypeError: If classes are no integers.
        ValueError: If there are not as many targets as samples.
    """
    if own is None:
        return Goal(labels("y", y))
    loss, targets = own, _Targets(y, data.shape[0])

    def evaluate(counts: NDArray[np.uint32], samples: NDArray[np.int64]) -> _Arrays:
        shape, wanted = counts.shape, targets.of(samples)
        try:
            result = loss(counts, wanted)
        except Exception as error:
            if wanted is None:
                error.add_note("targets is None, as no y was given")
            raise
        return _checked(result, shape, weighted)

    return Goal(targets.classes(n_out), evaluate)


def given_d_counts(d_counts: Any, n_samples: int, n_out: int) -> Goal:
    """Returns what says no more than the derivatives of a loss, (n_samples, n_out).

    Raises:
        TypeError: If they are no numbers.
        ValueError: If their shape is another, or one is not finite.
    """
    array = _finite("d_counts", d_counts)
    if array.shape != (n_samples, n_out):
        expected = f"(n_samples={n_samples}, n_out={n_out})"
        raise ValueError(f"d_counts has shape {array.shape}, expected {expected}")
    return Goal(
        None, lambda _, samples: (np.zeros(len(samples)), np.ascontiguousarray(array[samples]))
    )


class _Targets:
    """The targets of all samples, in whatever form the loss wants them.

    Lists of numbers become arrays; other lists stay lists, and what else can be indexed with an
    array of integers stays what it is.
    """

    def __init__(self, y: Any, n_samples: int) -> None:
        self._y = y
        if y is None:
            return
        if isinstance(y, (list, tuple)):
            self._y = y = _regular(y)
        try:
            n = len(y)
        except TypeError:
            raise TypeError(
                f"y must hold the target of every sample, got {type(y).__name__}"
            ) from None
        if n != n_samples:
            shape = getattr(y, "shape", None)
            got = f"has length {n}" if shape is None else f"has shape {tuple(shape)}"
            raise ValueError(f"y {got}, expected n_samples={n_samples} targets")

    def of(self, samples: NDArray[np.int64]) -> Any:
        """Returns the targets of some samples."""
        if self._y is None:
            return None
        if isinstance(self._y, Sequence):
            return [self._y[sample] for sample in samples.tolist()]
        return getattr(self._y, "iloc", self._y)[samples]

    def classes(self, n_out: int) -> NDArray[np.int64] | None:
        """Returns the targets if they are classes: one integer in [0, n_out) for every sample."""
        y = self._y
        if not isinstance(y, np.ndarray) or y.ndim != 1 or y.dtype.kind not in "iu":
            return None
        return y.astype(np.int64) if np.all((y >= 0) & (y < n_out)) else None


def _regular(values: Sequence[Any]) -> Any:
    """Returns a list of numbers, or of rows of one length, as an array; others as they are."""
    try:
        array = np.asarray(values)
    except ValueError:
        return values
    return array if array.dtype.kind in "biuf" else values


def _checked(result: Any, shape: tuple[int, ...], weighted: bool) -> _Arrays:
    """Returns what a loss of the user's own gave for counts of that shape, as the core takes it."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        got = f"{len(result)} values" if isinstance(result, (tuple, list)) else repr(type(result))
        raise TypeError(f"{_CALL} must return (loss, d_counts), got {got}")
    n = shape[0]
    losses = _finite(f"{_CALL}[0]", result[0])
    if losses.shape == () and weighted:
        raise ValueError(
            f"{_CALL}[0] must be the loss of every sample, (n_samples={n},), where there is a "
            "sample_weight, got one number"
        )
    if losses.shape == ():
        losses = np.full(n, losses / n)
    if losses.shape != (n,):
        raise ValueError(
            f"{_CALL}[0] has shape {losses.shape}, expected (n_samples={n},), or one number, the "
            "sum"
        )
    d_counts = _finite(f"{_CALL}[1]", result[1])
    if d_counts.shape != shape:
        expected = f"(n_samples={n}, n_out={shape[1]})"
        raise ValueError(f"{_CALL}[1] has shape {d_counts.shape}, expected {expected}")
    return np.ascontiguousarray(losses), np.ascontiguousarray(d_counts)


def _finite(name: str, value: Any) -> NDArray[np.float64]:
    array = as_array(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected floats")
    for index in np.argwhere(~np.isfinite(array))[:1].tolist():
        place = f"[{', '.join(map(str, index))}]" if index else ""
        raise ValueError(f"{name}{place} must be finite, got {array[tuple(index)]}")
    return array.astype(np.float64)
