"""What gradients and steps of a trainer tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from strsbp_rs._network import Weights

__all__ = ["Gradients", "StepResult"]


@dataclass(frozen=True, repr=False)
class Gradients:
    """Gradients of a mean loss.

    Attributes:
        loss: The mean over the samples of sample_weight * loss; None where d_counts were given.
        weights: One dict a layer, in the form of `Network.weights`.
        d_input: Derivatives of that mean with respect to the firing counts of the inputs,
            (n_samples, n_in), if they were asked for: what the first layer sends to whatever made
            the spikes. Those of an input that did not fire are 0, unless the rule has a
            `silent_ratio`.
    """

    loss: float | None
    weights: Weights
    d_input: NDArray[Any] | None = None

    def __repr__(self) -> str:
        loss = "" if self.loss is None else f" loss {self.loss:.4g},"
        shapes = ", ".join(
            f"{name} {'x'.join(map(str, array.shape))}"
            for layer in self.weights
            for name, array in layer.items()
        )
        return f"<Gradients:{loss} of {shapes or 'no weights'}>"


@dataclass(frozen=True)
class StepResult:
    """A step of the optimizer.

    Attributes:
        loss: The mean over the samples of sample_weight * loss, before the step; None where
            d_counts were given.
        accuracy: Share of samples whose class had the highest count; None if the targets are no
            classes.
        firing_rate: Mean spikes per neuron and step, for each layer.
        lr: Learning rate.
        grad_norm: Euclidean norm of the whole gradient before clipping.
    """

    loss: float | None
    accuracy: float | None
    firing_rate: list[float]
    lr: float
    grad_norm: float
