"""Layers whose neurons lie in a plane or on a line: convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from strsbp_rs._arguments import integer, integers, one_of
from strsbp_rs._config._base import Config
from strsbp_rs._config._delays import Delay
from strsbp_rs._config._init import Firing, LayerInit
from strsbp_rs._config._neurons import Discretisation, Thresholds

__all__ = ["AvgPool1d", "AvgPool2d", "Conv1d", "Conv2d", "MaxPool1d", "MaxPool2d"]

_PADDINGS = ("same", "valid")


def _pair(name: str, value: Any) -> tuple[int, int]:
    """Returns a size along height and width: one number is that of both."""
    if not isinstance(value, Iterable) or isinstance(value, str) or getattr(value, "ndim", 1) == 0:
        try:
            both = integer(name, value)
        except TypeError:
            raise TypeError(
                f"{name} must be an integer or two, (height, width), got {value!r}"
            ) from None
        return both, both
    found = integers(name, value, low=0, below=2**64)
    if len(found) != 2:
        raise ValueError(f"{name} must be an integer or two, (height, width), got {value!r}")
    return found[0], found[1]


def _optional(name: str, value: Any, of: Any) -> Any:
    return None if value is None else of(name, value)


def _padding(name: str, value: Any, of: Any) -> Any:
    return one_of(name, value, _PADDINGS) if isinstance(value, str) else of(name, value)


Pair = Annotated[int | tuple[int, int], _pair]
"""Along height and width."""


@dataclass(frozen=True)
class Conv2d(Config):
    """A convolution of LIF neurons: kernels that slide over the channels of the layer below.

    A neuron of channel c at (y, x) receives, through the kernels of c, from the window at
    (y * stride, x * stride) of the padded plane below: cross-correlation, as in all libraries of
    the field. The layer below, or the input, must lie in a plane: `Network((1, 28, 28), ...)`.

    Sizes are integers, or two of them: (height, width); they are kept as two.

    Args:
        channels: Number of channels.
        kernel: Taps of a kernel.
        stride: Places from one position of the kernel to the next.
        padding: Places without a neuron on each side; "valid" for none, "same" for so many that the
            layer is as large as the one below (stride 1, odd kernels).
        dilation: Places from one tap of the kernel to the next.
        groups: Parts of the channels, each of which receives from its part of those below only; a
            divisor of both numbers of channels.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each channel.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial weights, as of `Dense`.
        delay: Time [ms] that spikes take beyond one time step: a number, or UniformDelay, of which
            a kernel has one delay a tap.

    Raises:
        TypeError: If a field has another type.
        ValueError: If padding is "same" and the stride is not 1 or a kernel even. What does not fit
            the layer below is refused by `Network`.
    """

    channels: int
    kernel: Pair
    stride: Pair = 1
    padding: Annotated[
        int | tuple[int, int] | Literal["same", "valid"], partial(_padding, of=_pair)
    ] = 0
    dilation: Pair = 1
    groups: int = 1
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "conv2d"
    group: ClassVar[str | None] = "neuron"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "padding", _places(self, self.kernel, self.stride, self.dilation))

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"{self.channels}C{_by(self.kernel)}{_slid(self.stride, 1)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return _convolution(self)


@dataclass(frozen=True)
class Conv1d(Config):
    """A convolution of LIF neurons along a line, as of audio: `Conv2d` in one dimension.

    The layer below, or the input, must lie on a line: `Network((40, 100), ...)` has 40 channels of
    length 100.

    Args:
        channels: Number of channels.
        kernel: Taps of a kernel.
        stride: Places from one position of the kernel to the next.
        padding: Places without a neuron at each end; "valid" for none, "same" for so many that the
            layer is as long as the one below (stride 1, an odd kernel).
        dilation: Places from one tap of the kernel to the next.
        groups: Parts of the channels, each of which receives from its part of those below only; a
            divisor of both numbers of channels.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each channel.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial weights, as of `Dense`.
        delay: Time [ms] that spikes take beyond one time step: a number, or UniformDelay, of which
            a kernel has one delay a tap.

    Raises:
        TypeError: If a field has another type.
        ValueError: If padding is "same" and the stride is not 1 or the kernel even. What does not
            fit the layer below is refused by `Network`.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: Annotated[int | Literal["same", "valid"], partial(_padding, of=integer)] = 0
    dilation: int = 1
    groups: int = 1
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "conv1d"
    group: ClassVar[str | None] = "neuron"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "padding", _places(self, self.kernel, self.stride, self.dilation))

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"{self.channels}C{self.kernel}{_slid(self.stride, 1)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return _convolution(self)


@dataclass(frozen=True)
class AvgPool2d(Config):
    """Pooling by spiking neurons: each receives from a window of one channel of the layer below.

    All synapses have the weight 1 / (number of places of a window), which is not trained. With the
    default threshold and time constants a neuron fires about as often as those of its window on
    average: of windows of 2 x 2 to 4 x 4 0.93 to 1.13 times as often at 0.02 to 0.1 spikes a step,
    0.84 times at 0.2, 0.4 to 0.6 times at 0.01 (Poisson spikes, 400 steps of 1 ms).

    Sizes are integers, or two of them: (height, width); they are kept as two.

    Args:
        kernel: Places of a window.
        stride: Places from one window to the next; those of a window if None.
        padding: Places without a neuron on each side.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each channel.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).

    Raises:
        TypeError: If a field has another type.
    """

    kernel: Pair
    stride: Annotated[int | tuple[int, int] | None, partial(_optional, of=_pair)] = None
    padding: Pair = 0
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=0.65, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    kind: ClassVar[str] = "avg_pool2d"
    group: ClassVar[str | None] = "neuron"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel)

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"P{_by(self.kernel)}{_slid(self.stride, self.kernel)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return f", {_window(self)}"


@dataclass(frozen=True)
class AvgPool1d(Config):
    """Pooling by spiking neurons along a line: `AvgPool2d` in one dimension.

    Args:
        kernel: Places of a window.
        stride: Places from one window to the next; those of a window if None.
        padding: Places without a neuron at each end.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each channel.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).

    Raises:
        TypeError: If a field has another type.
    """

    kernel: int
    stride: Annotated[int | None, partial(_optional, of=integer)] = None
    padding: int = 0
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=0.65, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    kind: ClassVar[str] = "avg_pool1d"
    group: ClassVar[str | None] = "neuron"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel)

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"P{self.kernel}{_slid(self.stride, self.kernel)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return f", {_window(self)}"


@dataclass(frozen=True)
class MaxPool2d(Config):
    """Max pooling by counts: a neuron fires as often as the one of its window that fires most.

    Neurons of this layer do not integrate. Each holds a window of one channel of the layer below,
    and the largest number of spikes that any neuron in it has sent so far. Where one has sent more,
    a step after it did, that is the new maximum, and the pool fires: once, if several have. So at
    any time it has fired as often as the neuron of its window that had fired most a step before. A
    window of padding alone never fires. There are no weights, thresholds or time constants.

    Counts begin at 0 with every sample, and are part of the state of a `Simulator`. The gradient of
    a pool goes to the neuron that decided its count, the first that had sent as many spikes as any
    (of several in the same step, the one with the lowest number); silent windows pass on none.

    Sizes are integers, or two of them: (height, width); they are kept as two.

    Args:
        kernel: Places of a window.
        stride: Places from one window to the next; those of a window if None.
        padding: Places without a neuron on each side.

    Raises:
        TypeError: If a field has another type.
    """

    kernel: Pair
    stride: Annotated[int | tuple[int, int] | None, partial(_optional, of=_pair)] = None
    padding: Pair = 0
    kind: ClassVar[str] = "max_pool2d"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel)

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"MP{_by(self.kernel)}{_slid(self.stride, self.kernel)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return f", {_window(self)}"


@dataclass(frozen=True)
class MaxPool1d(Config):
    """Max pooling by spike counts along a line: `MaxPool2d` in one dimension.

    Args:
        kernel: Places of a window.
        stride: Places from one window to the next; those of a window if None.
        padding: Places without a neuron at each end.

    Raises:
        TypeError: If a field has another type.
    """

    kernel: int
    stride: Annotated[int | None, partial(_optional, of=integer)] = None
    padding: int = 0
    kind: ClassVar[str] = "max_pool1d"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel)

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"MP{self.kernel}{_slid(self.stride, self.kernel)}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return f", {_window(self)}"


# Padding by name ---------------------------------------------------------------------------------


def _places(layer: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    """Returns the padding of a convolution in places, where it is a name."""
    padding, name = layer.padding, f"{type(layer).__name__}.padding"
    if not isinstance(padding, str):
        return padding
    if padding == "valid":
        return 0 if isinstance(layer, Conv1d) else (0, 0)
    spread = [d * (k - 1) for k, d in zip(_axes(kernel), _axes(dilation), strict=True)]
    if any(s != 1 for s in _axes(stride)):
        raise ValueError(f"{name} 'same' must come with stride 1, got {stride}")
    if any(s < 0 or s % 2 for s in spread):
        raise ValueError(
            f"{name} 'same' must come with kernels of odd size, got {kernel} (dilation {dilation})"
        )
    halves = tuple(s // 2 for s in spread)
    return halves if len(halves) > 1 else halves[0]


# For people --------------------------------------------------------------------------------------


def _axes(size: Any) -> tuple[int, ...]:
    """A size along each axis."""
    return size if isinstance(size, tuple) else (size,)


def _by(size: Any) -> str:
    """A size in an outline: one number where all axes have it."""
    axes = _axes(size)
    return str(axes[0]) if len(set(axes)) == 1 else "x".join(map(str, axes))


def _slid(stride: Any, usual: Any) -> str:
    """The stride in an outline, where it is not the usual one."""
    unusual = set(_axes(stride)) != {1} if usual == 1 else stride != usual
    return f"s{_by(stride)}" if unusual else ""


def _window(layer: Conv2d | Conv1d | AvgPool2d | AvgPool1d | MaxPool2d | MaxPool1d) -> str:
    sizes: list[tuple[str, Any]] = [("kernel", layer.kernel), ("stride", layer.stride)]
    if any(_axes(layer.padding)):
        sizes.append(("padding", layer.padding))
    return ", ".join(f"{name} {' x '.join(map(str, _axes(size)))}" for name, size in sizes)


def _convolution(layer: Conv2d | Conv1d) -> str:
    parts = ["", _window(layer)]
    if set(_axes(layer.dilation)) != {1}:
        parts.append(f"dilation {' x '.join(map(str, _axes(layer.dilation)))}")
    if layer.groups != 1:
        parts.append(f"{layer.groups} groups")
    return ", ".join(parts)
