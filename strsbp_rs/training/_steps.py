"""Batches by themselves: results of a trained network, gradients and steps."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from strsbp_rs import _config as config
from strsbp_rs._arguments import flag, integer, number
from strsbp_rs._evaluation import Evaluation, evaluation_of
from strsbp_rs._inputs import Input, encoder_dict
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.fixed import Overflows
from strsbp_rs.training._base import TrainerBase
from strsbp_rs.training._own_loss import Goal
from strsbp_rs.training._recorded import checked_weights, recorded_cores
from strsbp_rs.training._results import Gradients, StepResult

__all__ = ["Stepping"]


class Stepping(TrainerBase, ABC):
    """What a trainer does with one batch, or with one set of samples."""

    def evaluate(
        self,
        x: Input,
        y: Any,
        *,
        n_steps: int | None = None,
        seed: int | None = None,
        engine: str | None = None,
    ) -> Evaluation:
        """Runs the network on a test set.

        Args:
            x: Samples, as for `Network.spike_counts`.
            y: Classes, integers of shape (n_samples,), or the loss's targets, as for `fit`.
            n_steps: Number of time steps of event lists, as for `Network.spike_counts`.
            seed: Seed of the encoder; the trainer's if None.
            engine: How the network is simulated; the trainer's choice if None.

        Raises:
            TypeError: If an array has the wrong dtype.
            ValueError: If shapes disagree, a label is out of range or the engine is unknown.
        """
        data = self._prepared(x, n_steps)
        return self._evaluate(data, self._goal(y, data), seed, engine)

    def _evaluate(
        self,
        data: Any,
        goal: Goal,
        seed: int | None = None,
        engine: str | None = None,
        check: bool = True,
    ) -> Evaluation:
        seed = self.config["seed"] if seed is None else integer("seed", seed)
        engine = config.check_engine(self.config["engine"] if engine is None else engine)
        values, counts = self._core.evaluate(
            self.network._core, data, goal.y, encoder_dict(self.encoder), seed, engine, goal.own
        )
        self._tell_losses()
        if check:
            self._check_activity(values)
        return evaluation_of(
            counts,
            loss=values["loss"],
            accuracy=values["accuracy"],
            firing_rate=values["firing_rate"],
            samples_per_s=len(counts) / values["seconds"],
            engine=values["engine"],
            silent_neurons=values["silent_neurons"],
            overflows=[Overflows(*counts) for counts in values["overflows"]],
        )

    def step(
        self,
        spikes: Sequence[SpikeTrains],
        y: Any = None,
        *,
        d_counts: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        lr: float | None = None,
    ) -> StepResult:
        """Takes a step of the optimizer from spike trains recorded anywhere.

        The loop through a chip, or another simulator: give it the weights (of `hardware`, those of
        `network.to_fixed(trainer.hardware)`), run samples there, hand the spikes in. With
        `hardware` the backward pass reads the rounded weights.

        Args:
            spikes: Spike trains of the input and of every layer, all of the same samples and steps.
            y: Classes, integers of shape (n_samples,), or the loss's targets, as for `fit`.
            d_counts: In place of `y`: the derivatives of the sum of the samples' losses with
                respect to the output counts, floats (n_samples, n_out), of any loss at all. The
                step is that of the mean, and no teacher spikes are set.
            sample_weight: Weight of every sample's loss, (n_samples,).
            lr: Learning rate; the optimizer's, times the schedule's factor after the epochs of
                `fit`, if None. It must be given where that factor is 0.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes disagree, a label or weight is out of range, or an adjoint system
                is singular. The weights then are as they were.
        """
        weight = checked_weights(sample_weight)
        rate = None if lr is None else number("lr", lr)
        if rate is not None and not 0.0 <= rate < float("inf"):
            raise ValueError(f"lr must be finite and >= 0, got {lr}")
        trains = recorded_cores(spikes, self.network)
        goal = self._chosen_goal(y, d_counts, trains[0], weight is not None)
        values = self._core.step_from_spikes(
            self.network._core, trains, goal.y, weight, rate, goal.own
        )
        self._tell_losses()
        names = ("accuracy", "firing_rate", "lr", "grad_norm")
        loss = values["loss"] if d_counts is None else None
        return StepResult(loss=loss, **{name: values[name] for name in names})

    def gradients(
        self,
        x: Input,
        y: Any = None,
        *,
        d_counts: ArrayLike | None = None,
        n_steps: int | None = None,
        sample_weight: ArrayLike | None = None,
        d_input: bool = False,
    ) -> Gradients:
        """Simulates the network and computes the gradients of the mean loss, without a step.

        Input spikes are those of `network.run` with the trainer's seed.

        Those of recurrent layers, and of what is below them, are as exact as their adjoint systems
        are solved: `StRsbp(solver_tolerance=)` is the residual that is left, relative to what
        comes from above, 1e-4 by default. The gradients of a sample are off, relative to their
        norm, by no more than about that times the condition number of the system. Measured with
        90 and 300 neurons, 70 samples each, it was less than the tolerance: at most 8e-5. It is
        more in the rare samples whose system is near singular. For less, give a smaller tolerance:
        1e-6 left at most 9e-7, in 4 % more time. What iteration does not reach, direct solution
        does, in the time of n^3. Layers that are not recurrent are solved to rounding.

        Args:
            x: Samples, as for `Network.spike_counts`.
            y: Classes, integers of shape (n_samples,), or the loss's targets, as for `fit`.
            d_counts: In place of `y`, as for `step`; of the counts of these very spikes, which
                `Network.spike_counts` tells, given the trainer's encoder and seed.
            n_steps: Number of time steps of event lists, as for `Network.spike_counts`.
            sample_weight: Weight of every sample's loss, (n_samples,).
            d_input: Whether to compute those of the firing counts of the inputs, too.

        Raises:
            TypeError: If an array has the wrong dtype.
            ValueError: If shapes disagree, a label or weight is out of range, or an adjoint
                system is singular.
        """
        weight = checked_weights(sample_weight)
        data = self._prepared(x, n_steps)
        goal = self._chosen_goal(y, d_counts, data, weight is not None)
        weights, loss, sent = self._core.gradients(
            self.network._core,
            data,
            goal.y,
            encoder_dict(self.encoder),
            weight,
            goal.own,
            flag("d_input", d_input),
        )
        self._tell_losses()
        return Gradients(loss if d_counts is None else None, weights, sent)
