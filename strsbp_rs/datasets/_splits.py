"""Samples of a set, and which of them are held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, number
from strsbp_rs._spikes import SpikeTrains

__all__ = ["Samples", "chosen", "held_out", "joined"]

Samples = NDArray[Any] | SpikeTrains | list[NDArray[Any]]
"""Values or spikes of all samples, or a list of an array each."""

Indices = NDArray[np.int64]


def chosen(x: Samples, indices: Indices) -> Samples:
    """Returns the samples of these indices, in their order."""
    if isinstance(x, list):
        return [x[at] for at in indices]
    return x[indices]


def joined(a: Samples, b: Samples) -> Samples:
    """Returns the samples of both, which are of one kind."""
    if isinstance(a, list) and isinstance(b, list):
        return [*a, *b]
    if isinstance(a, SpikeTrains) and isinstance(b, SpikeTrains):
        return SpikeTrains.concatenate([a, b])
    return np.concatenate([np.asarray(a), np.asarray(b)])


def held_out(
    y: NDArray[np.int64], groups: NDArray[np.int64] | None, share: float, seed: int
) -> tuple[Indices, Indices]:
    """Returns the indices of what is kept and of what is held out, each in the order of the data.

    Args:
        y: Classes, (n_samples,).
        groups: Who each sample is of; whole groups are held out, at least one, where there are
            several. None: of every class the same share.
        share: Share that is held out, in (0, 1).
        seed: Seed of the choice.

    Raises:
        ValueError: If share is not in (0, 1), or leaves nothing on one side.
    """
    part = number("share", share)
    if not 0.0 < part < 1.0:
        raise ValueError(f"share must be in (0, 1), got {share}")
    rng = np.random.default_rng(integer("seed", seed))
    if groups is not None and len(np.unique(groups)) > 1:
        is_held = _whole_groups(groups, part, rng)
    else:
        is_held = _of_every_class(y, part, rng)
    held = np.flatnonzero(is_held)
    if not 0 < len(held) < len(y):
        raise ValueError(f"share must leave samples on both sides, got {share} of {len(y)}")
    return np.flatnonzero(~is_held), held


def _whole_groups(
    groups: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Groups by chance, as long as each brings their share nearer to what it is to be."""
    names, sizes = np.unique(groups, return_counts=True)
    goal, n_held = share * len(groups), 0
    held: list[int] = []
    for at in rng.permutation(len(names))[: len(names) - 1]:
        n = int(sizes[at])
        if held and abs(n_held + n - goal) >= abs(n_held - goal):
            break
        held.append(int(names[at]))
        n_held += n
    return np.isin(groups, held)


def _of_every_class(
    y: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The same share of every class, rounded so that the whole is right."""
    is_held = np.zeros(len(y), bool)
    exact = 0.0
    for label in np.unique(y):
        of_class = np.flatnonzero(y == label)
        exact += share * len(of_class)
        n = min(round(exact) - int(is_held.sum()), len(of_class))
        is_held[rng.permutation(of_class)[:n]] = True
    return is_held
