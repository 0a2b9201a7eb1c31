"""The backward pass and the penalty on weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from strsbp_rs._config._base import Config
from strsbp_rs._fields import U32

__all__ = ["ExponentialPenalty", "PostCoupling", "StRsbp"]


PostCoupling = Literal["closed_form", "table", "auto", "none"]
"""How the firing of a neuron weakens its own S-PSPs."""


@dataclass(frozen=True)
class StRsbp(Config):
    """Options of the ST-RSBP backward pass.

    Args:
        post_coupling: How the firing of a neuron weakens its own S-PSPs: "closed_form" (Poisson
            firing with a dead time), "table" (expectation over random trains), "auto" (for each
            layer the closed form where its gain is within 5 % of the table's, as in the paper's run
            of 400 steps, else the table, as in runs of 100; in runs of more than 4,096 steps always
            the closed form) or "none".
        silent_ratio: d e_ij / d o_j where either neuron is silent and e_ij / o_j is undefined. 0 is
            the exact gradient and the fastest; the authors use 0.5.
        teacher_spikes: Whether evenly spaced spikes stand in for a silent target neuron in the
            backward pass.
        teacher_count: Number of those spikes.
        solver_tolerance: Relative residual at which the adjoint system of a recurrent layer counts
            as solved, in (0, 1). Gradients of this layer and those below are off by about as much;
            see `Trainer.gradients`.
    """

    group: ClassVar[str | None] = "rule"
    post_coupling: PostCoupling = "auto"
    silent_ratio: float = 0.0
    teacher_spikes: bool = True
    teacher_count: U32 = 35
    solver_tolerance: float = 1e-4


@dataclass(frozen=True)
class ExponentialPenalty(Config):
    """Penalty on neurons with large weights, as in the ST-RSBP authors' program.

    With v = w / scale its gradient is lam beta v_ij exp(beta (mean_j v_ij^2 - 1)); after Lee,
    Delbruck & Pfeiffer, Frontiers in Neuroscience 2016, who have the sum of the squares.

    Args:
        lam: Strength.
        beta: How fast it grows with the squared weights.
        scale: What weights are counted in; the authors' is their weight limit.
    """

    group: ClassVar[str | None] = "penalty"
    lam: float = 10.0
    beta: float = 0.04
    scale: float = 8.0
