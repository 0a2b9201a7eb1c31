"""Losses on the firing counts of the output layer, and the weight penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .neuron import Array


@dataclass(frozen=True)
class CountMSE:
    """Half the summed squared error of the counts; errors up to `dead_zone` count as none."""

    target: float = 35.0
    other: float = 5.0
    dead_zone: float = 0.0

    def error(self, counts: Array, label: int) -> Array:
        """Signed error beside the dead zone, same shape as counts (..., n_out)."""
        desired = np.full(counts.shape[-1], self.other)
        desired[label] = self.target
        error = counts - desired
        return np.where(np.abs(error) <= self.dead_zone, 0.0, error)

    def value(self, counts: Array, label: int) -> Array:
        """Loss of counts of shape (..., n_out)."""
        return np.asarray(0.5 * np.sum(self.error(counts, label) ** 2, axis=-1))

    def derivative(self, counts: Array, label: int) -> Array:
        """Derivative with respect to the counts."""
        return self.error(counts, label)


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Cross-entropy of softmax(counts / temperature)."""

    temperature: float = 1.0

    def _logits(self, counts: Array) -> Array:
        logits = counts / self.temperature
        return np.asarray(logits - logits.max(axis=-1, keepdims=True))

    def value(self, counts: Array, label: int) -> Array:
        """Loss of counts of shape (..., n_out)."""
        logits = self._logits(counts)
        return np.asarray(np.logaddexp.reduce(logits, axis=-1) - logits[..., label])

    def derivative(self, counts: Array, label: int) -> Array:
        """Derivative with respect to the counts."""
        shares = np.exp(self._logits(counts))
        shares /= shares.sum(axis=-1, keepdims=True)
        # share - 1 of a confident label, without its cancellation.
        shares[..., label] = 0.0
        shares[..., label] = -shares.sum(axis=-1)
        return np.asarray(shares / self.temperature)


Loss = CountMSE | SoftmaxCrossEntropy


def exponential_penalty(weight: Array, lam: float, beta: float, scale: float) -> float:
    """lam scale n/2 sum_i exp(beta (mean_j v_ij^2 - 1)), v = w / scale, of a matrix (n_out, n).

    References:
        Lee, Delbruck, Pfeiffer, Frontiers in Neuroscience 2016, as normalised in the ST-RSBP
        authors' program.
    """
    v = weight / scale
    return float(
        0.5 * lam * scale * v.shape[1] * np.exp(beta * (np.mean(v**2, axis=1) - 1.0)).sum()
    )


def exponential_penalty_gradient(weight: Array, lam: float, beta: float, scale: float) -> Array:
    """Derivative of `exponential_penalty`, same shape as weight."""
    v = weight / scale
    return np.asarray(lam * beta * v * np.exp(beta * (np.mean(v**2, axis=1, keepdims=True) - 1.0)))
