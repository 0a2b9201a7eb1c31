"""Connections as explicit lists of synapses, several of which may share a weight.

Every list is made from the side of the postsynaptic neuron: what lies under each tap of its window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from .neuron import Array, Steps

Shape = tuple[int, int, int]
"""Channels, height, width; neuron (c * height + y) * width + x is that of channel c at (y, x)."""

Pair = tuple[int, int]
"""Along height and width."""


@dataclass(frozen=True)
class Synapses:
    """The synapses of a connection.

    Attributes:
        pre: Presynaptic neurons.
        post: Postsynaptic ones, shape of pre.
        index: Which weight of the connection each has, shape of pre.
        n_pre: Number of presynaptic neurons.
        n_post: Number of postsynaptic ones.
        trained: Whether the weights are parameters.
    """

    pre: Steps
    post: Steps
    index: Steps
    n_pre: int
    n_post: int
    trained: bool = True

    def unrolled(self, weights: Array) -> Array:
        """A matrix (..., n_post, n_pre) of weights of shape (..., n_weights), 0 where none is."""
        matrix = np.zeros((*weights.shape[:-1], self.n_post, self.n_pre), weights.dtype)
        matrix[..., self.post, self.pre] = weights[..., self.index]
        return matrix

    def summed(self, matrix: Array, n_weights: int) -> Array:
        """For each weight the sum of the entries of a matrix that have it, shape (n_weights,)."""
        of_synapses = matrix[self.post, self.pre]
        return np.bincount(self.index, weights=of_synapses, minlength=n_weights)


@dataclass(frozen=True)
class Windows:
    """How a window slides over a plane.

    Attributes:
        kernel: Its taps.
        stride: Places from one position to the next.
        padding: Places without a neuron on each side.
        dilation: Places from one tap to the next.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def sizes(self, below: Shape) -> Pair:
        """Height and width of what lies above; 0 or less where a window does not fit."""
        sizes = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                below[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        ]
        return sizes[0], sizes[1]

    def under(self, below: Shape, y: int, x: int) -> list[tuple[int, int, int, int]]:
        """Taps (ky, kx) of the window at (y, x) that have a place of the plane, and the place."""
        found = []
        for ky, kx in product(range(self.kernel[0]), range(self.kernel[1])):
            at_y = y * self.stride[0] - self.padding[0] + ky * self.dilation[0]
            at_x = x * self.stride[1] - self.padding[1] + kx * self.dilation[1]
            if 0 <= at_y < below[1] and 0 <= at_x < below[2]:
                found.append((ky, kx, at_y, at_x))
        return found


def _synapses(
    found: list[tuple[int, int, int]], below: Shape, above: Shape, trained: bool
) -> Synapses:
    columns = np.array(found, np.int64).reshape(-1, 3).T
    n_pre, n_post = int(np.prod(below)), int(np.prod(above))
    return Synapses(columns[0], columns[1], columns[2], n_pre, n_post, trained)


def convolution(
    below: Shape, channels: int, windows: Windows, groups: int = 1
) -> tuple[Synapses, Shape]:
    """A cross-correlation with weights (channels, channels below / groups, *kernel) in C order."""
    height, width = windows.sizes(below)
    inner = below[0] // groups
    kernels = np.arange(channels * inner * np.prod(windows.kernel)).reshape(
        channels, inner, *windows.kernel
    )
    found = []
    for c, y, x in product(range(channels), range(height), range(width)):
        first = c // (channels // groups) * inner
        for i, (ky, kx, at_y, at_x) in product(range(inner), windows.under(below, y, x)):
            pre = ((first + i) * below[1] + at_y) * below[2] + at_x
            found.append((pre, (c * height + y) * width + x, int(kernels[c, i, ky, kx])))
    above = (channels, height, width)
    return _synapses(found, below, above, trained=True), above


def pooling(below: Shape, windows: Windows) -> tuple[Synapses, Shape]:
    """Windows of every channel by itself, all synapses with weight number 0."""
    height, width = windows.sizes(below)
    found = []
    for c, y, x in product(range(below[0]), range(height), range(width)):
        for _, _, at_y, at_x in windows.under(below, y, x):
            pre = (c * below[1] + at_y) * below[2] + at_x
            found.append((pre, (c * height + y) * width + x, 0))
    above = (below[0], height, width)
    return _synapses(found, below, above, trained=False), above
