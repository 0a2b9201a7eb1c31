"""Shapes of inputs and layers: (n,), (channels, height, width) or (channels, length)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from strsbp_rs import _config as config
from strsbp_rs._arguments import count, integers

__all__ = ["by", "fits", "input_shape", "natural_shape", "on_line", "outlined", "sensor_of"]


def input_shape(n_in: Any, layers: Sequence[config.LayerConfig]) -> dict[str, Any]:
    """Returns the inputs of a network as the core takes them.

    Args:
        n_in: Their number, or their shape, as `Network` has it.
        layers: The layers above: with some on a line, two numbers are (channels, length).

    Raises:
        TypeError: If it is neither.
        ValueError: If it has more axes, or one is out of range.
    """
    if isinstance(n_in, str) or not isinstance(n_in, Iterable) or getattr(n_in, "ndim", 1) == 0:
        return {"n_in": count("n_in", n_in)}
    sizes = integers("n_in", n_in, low=1, below=2**31)
    if not 1 <= len(sizes) <= 3:
        raise ValueError(
            "n_in must be a number of inputs, (height, width), (channels, height, width) or, "
            f"on a line, (channels, length), got {n_in!r}"
        )
    n = math.prod(sizes)
    if n >= 2**31:
        raise ValueError(f"n_in must be < 2^31 in all, got {by(sizes)}")
    if len(sizes) == 1:
        return {"n_in": n}
    if len(sizes) == 2:
        first, last = sizes
        sizes = (first, 1, last) if on_line(layers) else (1, first, last)
    return {"n_in": n, "in_shape": list(sizes)}


def on_line(layers: Sequence[config.LayerConfig]) -> bool:
    """Whether the first layer that is not flat lies on a line, and so does what is below it."""
    spatial = (layer for layer in layers if isinstance(layer, config.Line | config.Plane))
    return isinstance(next(spatial, None), config.Line)


def natural_shape(shape: Sequence[int], is_line: bool) -> tuple[int, ...]:
    """Returns the shape that people know, of channels, height and width."""
    channels, height, width = shape
    return (channels, width) if is_line else (channels, height, width)


def fits(shape: Sequence[int], in_shape: tuple[int, ...]) -> bool:
    """Whether the axes of a sample are those of the inputs.

    Where inputs have a shape, they are these or flat; axes of length 1 count for nothing. Else any
    axes are flattened.
    """
    if len(in_shape) == 1 or len(shape) == 1:
        return math.prod(shape) == math.prod(in_shape)
    return [n for n in shape if n != 1] == [n for n in in_shape if n != 1]


def sensor_of(in_shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Returns width, height and channels of inputs in a plane or on a line, None of others."""
    if len(in_shape) == 1:
        return None
    return in_shape[-1], in_shape[1] if len(in_shape) == 3 else 1, in_shape[0]


def by(shape: Sequence[int]) -> str:
    """Returns a shape as words: 15 x 24 x 24."""
    return " x ".join(map(str, shape))


def outlined(in_shape: tuple[int, ...]) -> str:
    """Returns the shape of inputs in an outline, without the channel of a plane that has one."""
    plane = in_shape[1:] if len(in_shape) == 3 and in_shape[0] == 1 else in_shape
    return "x".join(map(str, plane))
