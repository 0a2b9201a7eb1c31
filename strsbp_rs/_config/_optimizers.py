"""Optimizers."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, ClassVar

from strsbp_rs._config._base import Config

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]


@dataclass(frozen=True)
class Adam(Config):
    """Adam (Kingma & Ba, ICLR 2015).

    Args:
        lr: Learning rate: about what every weight changes by in a step. If None, the trainer takes
            one that suits the sizes, thresholds and time constants of the layers, smaller for more
            inputs; `Trainer.config` tells which.
        beta1: Decay of the mean of the gradient.
        beta2: Decay of the mean of its square.
        eps: Added to the root of that.
    """

    lr: float | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    kind: ClassVar[str] = "adam"
    group: ClassVar[str | None] = "optimizer"

    def _domain(self) -> dict[str, Any]:
        return _with_rate(self.to_dict())


@dataclass(frozen=True)
class AdamW(Config):
    """Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019).

    Args:
        lr: As of `Adam`.
        beta1: As of `Adam`.
        beta2: As of `Adam`.
        eps: As of `Adam`.
        weight_decay: Share of a weight, times the learning rate, that is taken off in a step.
    """

    lr: float | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    kind: ClassVar[str] = "adamw"
    group: ClassVar[str | None] = "optimizer"

    def _domain(self) -> dict[str, Any]:
        return _with_rate(self.to_dict())


@dataclass(frozen=True)
class SGD(Config):
    """Stochastic gradient descent with momentum."""

    lr: float = 1e-2
    momentum: float = 0.9
    nesterov: bool = False
    kind: ClassVar[str] = "sgd"
    group: ClassVar[str | None] = "optimizer"


Optimizer = Adam | AdamW | SGD


def _with_rate(values: dict[str, Any]) -> dict[str, Any]:
    """Returns them with the least learning rate, where that is left to the trainer."""
    return values if values["lr"] is not None else {**values, "lr": sys.float_info.min}
