"""Schedules of the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config
from strsbp_rs._fields import U32

__all__ = ["Constant", "Cosine", "InverseSqrt", "Schedule", "Step"]


@dataclass(frozen=True)
class Constant(Config):
    """The learning rate as it is, after a linear warm-up over `warmup_epochs`."""

    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "constant"
    group: ClassVar[str | None] = "schedule"


@dataclass(frozen=True)
class InverseSqrt(Config):
    """The learning rate over the square root of the epoch, counted from 1."""

    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "inverse_sqrt"
    group: ClassVar[str | None] = "schedule"


@dataclass(frozen=True)
class Cosine(Config):
    """Half a cosine from 1 to `min_factor` over `epochs` epochs."""

    epochs: float = 100.0
    min_factor: float = 0.0
    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "cosine"
    group: ClassVar[str | None] = "schedule"


@dataclass(frozen=True)
class Step(Config):
    """The learning rate times `factor` after every `every` epochs."""

    every: U32 = 30
    factor: float = 0.1
    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "step"
    group: ClassVar[str | None] = "schedule"


Schedule = Constant | InverseSqrt | Cosine | Step
