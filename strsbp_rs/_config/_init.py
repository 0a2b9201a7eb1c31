"""Initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config

__all__ = [
    "ConstantInit",
    "Firing",
    "Init",
    "KaimingUniform",
    "LayerInit",
    "Normal",
    "Uniform",
    "UniformOfThreshold",
]


@dataclass(frozen=True)
class Uniform(Config):
    """Initial weights uniform in [low, high]; the ST-RSBP paper has (-1, 1)."""

    low: float = -1.0
    high: float = 1.0
    kind: ClassVar[str] = "uniform"
    group: ClassVar[str | None] = "init"


@dataclass(frozen=True)
class Normal(Config):
    """Initial weights normal, with the given mean and standard deviation."""

    mean: float = 0.0
    std: float = 1.0
    kind: ClassVar[str] = "normal"
    group: ClassVar[str | None] = "init"


@dataclass(frozen=True)
class ConstantInit(Config):
    """Initial weights all equal to `value`."""

    value: float = 0.0
    kind: ClassVar[str] = "constant"
    group: ClassVar[str | None] = "init"


@dataclass(frozen=True)
class KaimingUniform(Config):
    """Initial weights uniform with standard deviation `gain / sqrt(n_in)`."""

    gain: float = 1.0
    kind: ClassVar[str] = "kaiming_uniform"
    group: ClassVar[str | None] = "init"


Init = Uniform | Normal | ConstantInit | KaimingUniform


@dataclass(frozen=True)
class UniformOfThreshold(Config):
    """Initial weights uniform in [low, high], in units of the threshold of the neuron they reach.

    What `Firing` becomes in a layer whose neurons have different thresholds.
    """

    low: float = -1.0
    high: float = 1.0
    kind: ClassVar[str] = "uniform_of_threshold"
    group: ClassVar[str | None] = "init"


@dataclass(frozen=True)
class Firing(Config):
    """Initial weights with which neurons fire, however many inputs they have.

    Uniform, as wide as the neurons' constants and the rate of their inputs ask for: without a
    threshold, potentials would have, `within` ms after rest, a standard deviation of `drive`
    thresholds over neurons and spikes, and a mean of 0.7 times that. `Network.layers` has the
    numbers, as Uniform, or as UniformOfThreshold where thresholds differ.

    Args:
        rate: Expected spikes of an input of the layer in a step, > 0. If None, 0.3 for the inputs
            of the network, 0.05 for neurons.
        within: Time in which most of those neurons fire that will [ms]. In runs of `n_steps` steps
            a layer has fired in time if this is at most n_steps dt / (number of layers + 1).
        drive: How strongly neurons are driven, in thresholds. The default keeps the rates of a
            stack of layers about where they are.
    """

    rate: float | None = None
    within: float = 20.0
    drive: float = 1.0
    kind: ClassVar[str] = "firing"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rate", "within", "drive"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                unit = " ms" if name == "within" else ""
                raise ValueError(f"Firing.{name} must be finite and > 0{unit}, got {value}")


LayerInit = Init | UniformOfThreshold | Firing
"""Of the weights of a layer, whose neurons are known."""
