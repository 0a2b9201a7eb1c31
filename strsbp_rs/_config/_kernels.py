"""Convolutions between populations of graphs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from strsbp_rs._config._base import Config
from strsbp_rs._config._spatial import Pair, _axes, _padding, _pair, _places

__all__ = ["Convolution"]


@dataclass(frozen=True)
class Convolution(Config):
    """Kernels that slide over a population in a plane: neurons under one to that at its position.

    Neuron number (c * height + y) * width + x of a population is that of channel c at (y, x).
    Postsynaptic neuron (c, y, x) receives, through the kernels of c, from the window at
    (y * stride, x * stride) of the padded presynaptic plane: cross-correlation, as in `Conv2d`. All
    positions share the weights and delays of a kernel, which are kept once; a weight of 0 is no
    synapse.

    Sizes are integers, or two of them: (height, width); they are kept as two. A line has height 1.

    Args:
        in_shape: Channels, height and width of the presynaptic population.
        channels: Number of postsynaptic channels.
        kernel: Taps of a kernel.
        stride: Places from one position of the kernel to the next.
        padding: Places without a neuron on each side; "valid" for none, "same" for so many that the
            postsynaptic plane is as large as the presynaptic one (stride 1, odd kernels).
        dilation: Places from one tap of the kernel to the next.
        groups: Parts of the channels, each of which receives from its part of the presynaptic ones
            only; a divisor of both numbers of channels.

    Raises:
        TypeError: If a field has another type.
        ValueError: If a kernel does not fit the plane, `groups` is no divisor, or padding is "same"
            and the stride is not 1 or a kernel even.
    """

    in_shape: tuple[int, int, int]
    channels: int
    kernel: Pair
    stride: Pair = 1
    padding: Annotated[
        int | tuple[int, int] | Literal["same", "valid"], partial(_padding, of=_pair)
    ] = 0
    dilation: Pair = 1
    groups: int = 1
    kind: ClassVar[str] = "convolution"
    group: ClassVar[str | None] = "connection"

    def _domain(self) -> dict[str, Any]:
        places = _places(self, self.kernel, self.stride, self.dilation)
        object.__setattr__(self, "padding", places)
        return super()._domain()

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the postsynaptic population."""
        sizes = (self.kernel, self.stride, self.padding, self.dilation)
        height, width = (
            (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for n, kernel, stride, padding, dilation in zip(
                self.in_shape[1:], *map(_axes, sizes), strict=True
            )
        )
        return self.channels, height, width

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """The kernels' shape: channels, those below in a group, height and width."""
        height, width = _axes(self.kernel)
        return self.channels, self.in_shape[0] // self.groups, height, width
