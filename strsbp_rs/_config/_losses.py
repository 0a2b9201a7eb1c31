"""Losses on firing counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._config._base import Config

__all__ = ["CountMSE", "Loss", "SoftmaxCrossEntropy"]


@dataclass(frozen=True)
class CountMSE(Config):
    """Half the squared error of the output counts, with a dead zone in which the error counts as 0.

    Args:
        target: Desired count of the neuron of the sample's class.
        other: Desired count of the other neurons.
        dead_zone: Errors of at most this many counts are forgiven; 0 for none.
    """

    target: float = 35.0
    other: float = 5.0
    dead_zone: float = 5.0
    kind: ClassVar[str] = "count_mse"
    group: ClassVar[str | None] = "loss"


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Config):
    """Cross-entropy of the softmax of counts / temperature."""

    temperature: float = 4.0
    kind: ClassVar[str] = "softmax_cross_entropy"
    group: ClassVar[str | None] = "loss"


Loss = CountMSE | SoftmaxCrossEntropy
