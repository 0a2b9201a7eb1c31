"""Augmentation of spike trains, on rasters of counts, from the same random numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

import strsbp_rs
from oracle.augment import chacha8

Raster = NDArray[np.int64]
DOMAIN = int.from_bytes(b"spikes~\0", "big")


def augmented(
    counts: Raster,
    augment: strsbp_rs.SpikeAugment,
    seed: int,
    epoch: int,
    sample: int,
    n_steps: int | None = None,
) -> Raster:
    """Returns what becomes of a sample.

    Args:
        counts: How often each neuron fires at each step, (its steps, n_neurons).
        augment: The changes.
        seed: Seed of the trainer.
        epoch: Epoch, counted from 1.
        sample: Number of the sample.
        n_steps: Most steps that it may have; None if it keeps its own.
    """
    words = chacha8(seed ^ DOMAIN, epoch << 32 | sample)
    shares = (next(words) / 2**32 for _ in range(7))
    length, n = counts.shape
    # In two's complement.
    factor = 1 + augment.stretch * ((2 * next(shares) + 1) % 2 - 1)
    if n_steps is not None:
        length = min(max(math.ceil(length * factor), 2), n_steps)
    shift = math.floor(next(shares) * (2 * augment.max_shift + 1)) - augment.max_shift
    lost = augment.drop * next(shares)
    wide = math.floor(augment.time_mask * next(shares) * length)
    early = math.floor(next(shares) * (length - wide + 1))
    broad = math.floor(next(shares) * (augment.neuron_mask + 1))
    low = math.floor(next(shares) * (n - broad + 1))
    changed = np.zeros((length, n), np.int64)
    for t, row in enumerate(counts):
        to = math.floor(t * factor)
        if to >= length:
            break
        kept = np.zeros(n, np.int64)
        for neuron in np.repeat(np.arange(n), row):
            stays = not lost or next(words) / 2**32 >= lost
            if stays and 0 <= neuron + shift < n:
                kept[neuron + shift] += 1
        changed[to] = np.maximum(changed[to], kept)
    changed[early : early + wide] = 0
    changed[:, low : low + broad] = 0
    return changed
