"""Gradients from spike trains recorded anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from strsbp_rs import _config as config
from strsbp_rs._arguments import flag
from strsbp_rs._network import Network
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.training._own_loss import OwnLoss
from strsbp_rs.training._recorded import checked_weights, recorded_cores
from strsbp_rs.training._results import Gradients
from strsbp_rs.training._trainer import Trainer

__all__ = ["gradients_from_spikes"]


def gradients_from_spikes(
    network: Network,
    spikes: Sequence[SpikeTrains],
    y: Any = None,
    *,
    d_counts: ArrayLike | None = None,
    loss: config.Loss | OwnLoss | str | None = None,
    rule: config.StRsbp | None = None,
    sample_weight: ArrayLike | None = None,
    d_input: bool = False,
    n_threads: int | None = None,
) -> Gradients:
    """Computes gradients from spike trains recorded anywhere: a simulator, or a chip's log.

    The backward pass reads only spike trains, weights and neuron constants; it need not be this
    package that made the spikes.

    With recurrent layers `rule.solver_tolerance` leaves an error, 1e-4 of a sample's gradients or
    less unless its system is near singular; `Trainer.gradients` says how to have less.

    Args:
        network: The network, whose weights and constants are read.
        spikes: Spike trains of the input and of every layer, all of the same samples and steps.
        y: Classes, integers of shape (n_samples,), or the loss's targets, as for `Trainer.fit`.
        d_counts: In place of `y`: the derivatives of the sum of the samples' losses with respect
            to the output counts, floats (n_samples, n_out), of any loss at all. No teacher spikes
            are set.
        loss: As of `Trainer`; SoftmaxCrossEntropy() if None.
        rule: Options of the backward pass.
        sample_weight: Weight of every sample's loss, (n_samples,).
        d_input: Whether to compute those of the firing counts of the inputs, too.
        n_threads: Number of threads; all cores if None.

    Returns:
        The gradients of the mean over the samples of sample_weight * loss.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes disagree, a label or weight is out of range, or an adjoint system is
            singular.

    References:
        Zhang & Li, ST-RSBP, NeurIPS 2019, section 3.
    """
    trainer = Trainer(network, loss=loss, rule=rule, n_threads=n_threads)
    weight = checked_weights(sample_weight)
    trains = recorded_cores(spikes, network)
    goal = trainer._chosen_goal(y, d_counts, trains[0], weight is not None)
    weights, value, sent = trainer._core.gradients_from_spikes(
        network._core, trains, goal.y, weight, goal.own, flag("d_input", d_input)
    )
    return Gradients(value if d_counts is None else None, weights, sent)
