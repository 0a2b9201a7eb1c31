"""Training with ST-RSBP."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._activity import Activity, warn_of_activity
from strsbp_rs._arguments import flag, integer, number, threads
from strsbp_rs._arrays import as_array
from strsbp_rs._carried import carried_part, read_carried
from strsbp_rs._evaluation import Evaluation, evaluation_of
from strsbp_rs._fields import named
from strsbp_rs._files import PathLike, sweep_folder
from strsbp_rs._firing import learning_rate
from strsbp_rs._inputs import Input, encoder_dict, prepare_input
from strsbp_rs._network import Network, Weights
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import SpikeTrainsCore, TrainerCore
from strsbp_rs._warnings import QuantizationWarning, warn
from strsbp_rs.fixed import Overflows
from strsbp_rs.fixed._targets import Target, as_target, target_from_dict
from strsbp_rs.training import _hooks
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._history import History
from strsbp_rs.training._monitor import Monitored
from strsbp_rs.training._own_loss import (
    Goal,
    OwnLoss,
    checked_own_loss,
    given_d_counts,
    goal_of,
    loss_name,
)
from strsbp_rs.training._progress import ProgressBar
from strsbp_rs.training._records import plain_record
from strsbp_rs.training._user_part import encoder_and_history

__all__ = [
    "Gradients",
    "StepResult",
    "Trainer",
    "gradients_from_spikes",
]


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
        return f"<Gradients:{loss} of {shapes}>"


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


class Trainer:
    """Trains a network with ST-RSBP.

    Args:
        network: The network; trained in place. Its delays must stay as they are.
        encoder: Makes spikes of analog samples; the network's own if None.
        loss: CountMSE or SoftmaxCrossEntropy; or "count_mse" or "softmax_cross_entropy", for their
            defaults. If None, SoftmaxCrossEntropy(), which works for any number of steps; the
            targets of CountMSE are numbers of spikes. Or a function (counts, targets) that returns
            (loss, d_counts): counts are uint32 (n_samples, n_out), targets those of the batch's
            samples, whatever `y` holds of them; the loss is one number a sample, (n_samples,), or
            their sum, and d_counts the derivatives of the sum, (n_samples, n_out). The mean over
            the batch, and sample weights, are the trainer's affair. It is called batch by batch,
            and no teacher spikes are set; see docs/guides/own-losses.md.
        optimizer: Adam, AdamW or SGD; or "adam", "adamw" or "sgd"; Adam() if None.
        schedule: Factor on the learning rate: Constant, InverseSqrt, Cosine or Step; or "constant",
            "inverse_sqrt", "cosine" or "step".
        rule: Options of the backward pass.
        batch_size: Samples whose gradients are averaged before a step.
        augment: Random changes of training images; analog samples only.
        weight_penalty: Penalty on large weights.
        weight_limit: Weights are kept within +- this.
        clip_norm: The gradient as a whole is scaled down to at most this Euclidean norm. Recurrent
            layers need it: near a singular adjoint system a single sample's gradient can be
            thousands of times the usual one. The history's grad_norm says what is usual.
        engine: How the network is simulated, see `Network.spike_counts`; "auto" decides at the
            start of every epoch, and the history's "engine" says for what.
        hardware: Trains through the arithmetic of this target (QFormat, Loihi, Xylo, Spinnaker or
            CortexM, or one of their names), as `Network.to_fixed` makes it: for every batch weights
            are rounded, spikes are computed in integers, bit for bit, and gradients of the rounded
            weights change the float ones (straight through). Scales are chosen anew at the start of
            every epoch, and by every call of `step` and `gradients`; `evaluate` and validation are
            those of the integers. What `to_fixed` would warn of is told by the same
            `QuantizationWarning`, once for each loss.
        n_threads: Number of threads; all cores if None. Results do not depend on it.
        seed: Seed of the order of the samples, of the encoder and of the augmentation.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a field is outside its domain.

    References:
        Zhang & Li, Spike-Train Level Backpropagation for Training Deep Recurrent Spiking Neural
        Networks, NeurIPS 2019.
    """

    def __init__(
        self,
        network: Network,
        *,
        encoder: config.Encoder | None = None,
        loss: config.Loss | OwnLoss | str | None = None,
        optimizer: config.Optimizer | str | None = None,
        schedule: config.Schedule | str | None = None,
        rule: config.StRsbp | None = None,
        batch_size: int = 32,
        augment: config.ImageAugment | None = None,
        weight_penalty: config.ExponentialPenalty | None = None,
        weight_limit: float | None = None,
        clip_norm: float | None = None,
        engine: str = "clocked",
        hardware: Target | str | None = None,
        n_threads: int | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {network!r}")
        self._own_loss = checked_own_loss(loss)
        loss = config.SoftmaxCrossEntropy() if loss is None else loss
        known = None
        if self._own_loss is None:
            cure = "; give a function (counts, targets) -> (loss, d_counts)"
            known = named("loss", loss, get_args(config.Loss), cure).to_dict()
        steps: config.Optimizer = named(
            "optimizer",
            config.Adam() if optimizer is None else optimizer,
            get_args(config.Optimizer),
        )
        if steps.lr is None:
            lr = learning_rate(network.layers, network.n_in, network.dt)
            steps = replace(steps, lr=lr)
        schedule = config.Constant() if schedule is None else schedule
        rule = named("rule", config.StRsbp() if rule is None else rule, (config.StRsbp,))
        if augment is not None:
            named("augment", augment, (config.ImageAugment,))
        if weight_penalty is not None:
            named("weight_penalty", weight_penalty, (config.ExponentialPenalty,))
        encoder = network.encoder if encoder is None else encoder
        encoder_dict(encoder)
        description = {
            "loss": known,
            "optimizer": steps.to_dict(),
            "schedule": named("schedule", schedule, get_args(config.Schedule)).to_dict(),
            "rule": rule.to_dict(),
            "batch_size": integer("batch_size", batch_size),
            "augment": augment.to_dict() if augment else None,
            "weight_penalty": weight_penalty.to_dict() if weight_penalty else None,
            "weight_limit": None if weight_limit is None else number("weight_limit", weight_limit),
            "clip_norm": None if clip_norm is None else number("clip_norm", clip_norm),
            "seed": integer("seed", seed),
            "engine": config.check_engine(engine),
            "hardware": None if hardware is None else as_target("hardware", hardware).to_dict(),
        }
        self._core = TrainerCore(description, network._core, threads(n_threads))
        self.network = network
        self.encoder = encoder
        self.history = History()
        self._stopping = False
        # Whether the network is as a checkpoint's last epoch left it.
        self._resumed = False
        self._tell_losses()

    _told: frozenset[str] = frozenset()
    """Losses of weights on the hardware that were warned of."""

    def _tell_losses(self) -> None:
        """Warns of what weights lost on the hardware since it was last told."""
        new = {about: text for about, text in self._core.notes() if about not in self._told}
        if new:
            self._told |= frozenset(new)
            warn("\n".join(new.values()), QuantizationWarning)

    # What it is ------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self._core.epoch

    @property
    def n_threads(self) -> int:
        """Number of threads."""
        return self._core.n_threads

    @property
    def loss(self) -> config.Loss | OwnLoss:
        """The loss, a configuration or the user's own function."""
        if self._own_loss is not None:
            return self._own_loss
        loss: config.Loss = config.from_dict(self.config["loss"])
        return loss

    @property
    def schedule(self) -> config.Schedule:
        """Factor on the learning rate; another one can be set, and counts from the next step on.

        A `Cosine` without `min_factor` leaves nothing to learn with after its `epochs`: to go on
        beyond them, set one that ends later.
        """
        schedule: config.Schedule = config.from_dict(self.config["schedule"], schedule=True)
        return schedule

    @schedule.setter
    def schedule(self, schedule: config.Schedule | str) -> None:
        chosen = named("schedule", schedule, get_args(config.Schedule))
        self._core.set_schedule(chosen.to_dict())

    @property
    def config(self) -> dict[str, Any]:
        """Loss, optimizer, schedule, rule and so on, as plain values."""
        values: dict[str, Any] = self._core.config()
        return values

    @property
    def hardware(self) -> Target | None:
        """The target that the network is trained through."""
        values = self._core.config()["hardware"]
        return None if values is None else target_from_dict(values)

    def __repr__(self) -> str:
        values, network = self.config, self.network
        own = self._own_loss
        loss = values["loss"]["kind"] if own is None else f"loss {loss_name(own)}"
        through = "" if self.hardware is None else f", through {self.hardware.kind}"
        done = f"{self.epoch} epoch{'' if self.epoch == 1 else 's'} completed"
        return (
            f"<Trainer: {network.outline}, {loss}, {values['optimizer']['kind']} "
            f"with lr {values['optimizer']['lr']:g}, batches of {values['batch_size']}{through}, "
            f"{self.n_threads} thread{'' if self.n_threads == 1 else 's'}, {done}>"
        )

    # Training --------------------------------------------------------------------------------

    def fit(
        self,
        x: Input,
        y: Any,
        *,
        epochs: int,
        n_steps: int | None = None,
        validation_data: tuple[Input, Any] | None = None,
        sample_weight: ArrayLike | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: PathLike | None = None,
        progress: bool = True,
    ) -> History:
        """Trains until `epochs` epochs are completed, those of a resumed checkpoint included.

        A callback may end it earlier, see `stop`.

        Ctrl-C stops within a second. The network then is as the last batch left it, in the middle
        of an epoch; the last checkpoint stays as it was. An epoch counts, enters the history and
        is checkpointed once its training and validation are done, or not at all: what a callback
        raises in an epoch's last report is raised when that epoch is whole.

        Args:
            x: Samples, as for `Network.spike_counts`.
            y: Classes, integers of shape (n_samples,) in [0, n_out); for a loss of the user's own
                its targets, an entry a sample: an array of any shape (n_samples, ...), a list, or
                None if it needs none.
            epochs: Number of epochs to have completed.
            n_steps: Number of time steps of event lists, as for `Network.spike_counts`.
            validation_data: (x, y) to evaluate after every epoch.
            sample_weight: Weight of every sample's loss, (n_samples,), finite and >= 0; 1 if None.
            callbacks: Objects with methods of `Callback`, called in this order. In `on_batch_end`,
                and in other threads, all may be read, weights as of the last step; what would
                change network or trainer is refused, as are the trainer's `evaluate` and `save`.
            checkpoint: File that is (re)written, atomically, after every epoch.
            progress: Whether to show a progress bar.

        Returns:
            The history, that of a resumed checkpoint included.

        Raises:
            TypeError: If an array has the wrong dtype, or a callback has no method of `Callback`,
                one that is called like one and is none, or one that takes other arguments.
            ValueError: If shapes disagree, a label or weight is out of range, `epochs` is not more
                than the epochs completed, the schedule's learning rate comes to 0 before them, the
                network has other delays than the trainer was made with, a recurrent layer's
                adjoint system is singular, or weights grow beyond their type.
            OSError: If the checkpoint cannot be written.
            KeyboardInterrupt: On Ctrl-C.
        """
        self.check_epochs(epochs)
        data = self._prepared(x, n_steps)
        weight = None if sample_weight is None else _weights(sample_weight)
        goal = self._goal(y, data, weight is not None)
        test = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)):
                kind = type(validation_data).__name__
                raise TypeError(f"validation_data must be (x, y), got {kind}")
            if len(validation_data) != 2:
                raise ValueError(
                    f"validation_data must be (x, y), got {len(validation_data)} entries"
                )
            held_out = self._prepared(validation_data[0], n_steps)
            test = held_out, self._goal(validation_data[1], held_out)
        if checkpoint is not None:
            folder = os.path.dirname(os.path.abspath(os.fspath(checkpoint)))
            if not os.path.isdir(folder):
                raise FileNotFoundError(f"checkpoint: the folder {folder} does not exist")
            # What was left there by one that was killed.
            sweep_folder(folder)
        all_callbacks = _hooks.check(callbacks)
        goals = {"accuracy": goal, **({} if test is None else {"val_accuracy": test[1]})}
        unclassified = {name for name, goal in goals.items() if goal.y is None}
        for callback in all_callbacks:
            if isinstance(callback, Monitored):
                callback.check_data(validated=test is not None, unclassified=unclassified)
        if progress:
            all_callbacks.insert(0, ProgressBar(total_epochs=epochs))
        on_batch_end = _hooks.hooks(all_callbacks, "on_batch_end")

        late: list[Exception] = []

        def report(values: dict[str, Any]) -> None:
            try:
                for hook in on_batch_end:
                    hook(self, values)
            except Exception as error:
                if values["samples_done"] < values["samples_total"]:
                    raise
                # The epoch is trained: it is recorded and kept first.
                late.append(error)

        self._stopping = False
        warned: set[str] = set()
        _hooks.call(all_callbacks, "on_train_begin", self)
        self._resumed = False
        try:
            while self.epoch < epochs and not self._stopping:
                values = self._core.train_epoch(
                    self.network._core,
                    data,
                    goal.y,
                    encoder_dict(self.encoder),
                    weight,
                    report,
                    goal.own,
                )
                record = {key: values[key] for key in ("epoch", "lr", "loss", "accuracy")}
                record |= {key: values[key] for key in ("firing_rate", "seconds", "engine")}
                record["samples_per_s"] = values["n_samples"] / values["seconds"]
                record |= {key: values[key] for key in ("grad_norm", "grad_norm_max")}
                record |= {key: values[key] for key in ("solver_iterations", "solver_fallbacks")}
                if values["overflows"]:
                    record["overflows"] = values["overflows"]
                if test is not None:
                    result = self._evaluate(*test, check=False)
                    record["val_loss"] = result.loss
                    record["val_accuracy"] = result.accuracy
                    record["val_samples_per_s"] = result.samples_per_s
                self._core.count_epoch()
                self.history.epochs.append(record)
                if checkpoint is not None:
                    self.save(checkpoint)
                for hook in _hooks.hooks(all_callbacks, "on_epoch_end"):
                    try:
                        hook(self, record)
                    finally:
                        # At once: the next one may write a checkpoint.
                        plain_record(record)
                # Last, as whoever makes errors of warnings is to have the epoch as a whole.
                self._tell_losses()
                self._check_activity(values, warned)
                if late:
                    raise late[0]
        finally:
            _hooks.call(all_callbacks, "on_train_end", self, self.history)
        return self.history

    def stop(self) -> None:
        """Ends `fit` after the running epoch: called by a callback, or by another thread.

        The epoch is completed, recorded and checkpointed first, so that what was stopped can be
        gone on with bit for bit; in `on_train_begin` there is none, and none is begun. (To leave
        at once, in the middle of an epoch, raise an exception.)
        """
        self._stopping = True

    def check_epochs(self, epochs: int) -> None:
        """Refuses numbers of epochs that `fit` does.

        Args:
            epochs: Number of epochs to have completed.

        Raises:
            TypeError: If it is no integer.
            ValueError: If so many are completed already, or the schedule's learning rate comes to 0
                before them.
        """
        if integer("epochs", epochs) <= self.epoch:
            raise ValueError(f"epochs must be > {self.epoch}, the epochs completed, got {epochs}")
        self._core.check_horizon(integer("epochs", epochs))

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

    def _goal(self, y: Any, data: Any, weighted: bool = False) -> Goal:
        return goal_of(self._own_loss, y, data, self.network.n_out, weighted)

    def _prepared(self, x: Input, n_steps: int | None) -> Any:
        return prepare_input(x, self.network.n_in, self.encoder, n_steps)

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

    def _check_activity(self, values: dict[str, Any], warned: set[str] | None = None) -> None:
        """Warns, of what was not warned of before, if a layer is silent or saturated."""
        activity = Activity(
            values["n_spikes"], values["silent_neurons"], values["n_samples"], values["n_steps"]
        )
        warn_of_activity(self.network.layers, self.network.dt, activity, warned)

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
        weight = None if sample_weight is None else _weights(sample_weight)
        rate = None if lr is None else number("lr", lr)
        if rate is not None and not 0.0 <= rate < float("inf"):
            raise ValueError(f"lr must be finite and >= 0, got {lr}")
        trains = _cores(spikes, self.network)
        goal = _chosen_goal(self, y, d_counts, trains[0], weight is not None)
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
        weight = None if sample_weight is None else _weights(sample_weight)
        data = self._prepared(x, n_steps)
        goal = _chosen_goal(self, y, d_counts, data, weight is not None)
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

    # Files -----------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Writes a checkpoint: weights, optimizer state, epoch and configuration.

        A file that is there is replaced atomically and keeps its mode; symbolic links are followed.
        One that has hard links is written in place, and so is a pipe or a device.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If weights or moments are not finite: no such file could be read.
        """
        self._core.save(os.fspath(path), self.network._core, self._user())

    def _user(self) -> dict[str, Any]:
        """What a checkpoint holds besides."""
        encoder = None if self.encoder is None else self.encoder.to_file()
        for record in self.history.epochs:
            plain_record(record)
        net = self.network
        part = carried_part(net.encoder or self.encoder, net.class_names)
        return {"encoder": encoder, "history": self.history.epochs, "network": part}

    def __reduce__(self) -> tuple[Any, ...]:
        # The network by itself, so that it stays the one that others know.
        checkpoint = self._core.dumps(self.network._core, self._user())
        return _loads, (type(self), checkpoint, self.network, self.n_threads, self._own_loss)

    @classmethod
    def load(
        cls, path: PathLike, *, n_threads: int | None = None, loss: OwnLoss | None = None
    ) -> Trainer:
        """Reads a checkpoint; `fit` then goes on with the same bits as an uninterrupted run.

        Args:
            path: What `save`, or `fit` with `checkpoint`, wrote.
            n_threads: Number of threads; all cores if None.
            loss: The loss, if it is a function: files hold none.

        Raises:
            OSError: If the file cannot be read.
            TypeError: If `loss` is no function of (counts, targets).
            ValueError: If it is not a checkpoint of this package, is damaged, or of another
                version; or if it needs a `loss` and there is none, or has one already.
        """
        network, core, user = TrainerCore.load(os.fspath(path), threads(n_threads))
        name, net = os.fspath(path), Network._wrap(network)
        trainer = cls._restored(core, net, user, name, loss)
        net._encoder, net._class_names = read_carried(name, user, net.n_out)
        return trainer

    @classmethod
    def _restored(
        cls,
        core: TrainerCore,
        network: Network,
        user: Any,
        path: str = "<bytes>",
        loss: OwnLoss | None = None,
    ) -> Trainer:
        own = _loss_of_file(path, core.config()["loss"], loss)
        encoder, history = encoder_and_history(path, user)
        trainer = cls.__new__(cls)
        trainer._core, trainer._own_loss = core, own
        trainer.network = network
        trainer.encoder, trainer.history = encoder, history
        trainer._stopping, trainer._resumed = False, True
        return trainer


def _loss_of_file(path: str, known: dict[str, Any] | None, loss: Any) -> OwnLoss | None:
    """Returns the loss of the user's own that a checkpoint was trained with, if it was."""
    if known is not None and loss is not None:
        raise ValueError(f"loss must be None, as {path} holds one, {known['kind']}; got {loss!r}")
    if known is not None:
        return None
    if loss is None:
        raise ValueError(
            f"loss must be given, got None: {path} was trained with a function, which no file "
            "holds; Trainer.load(path, loss=...)"
        )
    own = checked_own_loss(loss)
    if own is None:
        raise TypeError(f"loss must be a function (counts, targets), got {loss!r}")
    return own


def _chosen_goal(trainer: Trainer, y: Any, d_counts: Any, data: Any, weighted: bool) -> Goal:
    """Returns what a batch is to lead to: its targets, or the derivatives of a loss."""
    if d_counts is None:
        if y is None and trainer._own_loss is None:
            raise ValueError("y must be given, or d_counts, got None")
        return trainer._goal(y, data, weighted)
    if y is not None:
        raise ValueError("d_counts must be None where y is given")
    return given_d_counts(d_counts, data.shape[0], trainer.network.n_out)


def _loads(
    cls: type[Trainer],
    checkpoint: bytes,
    network: Network,
    n_threads: int,
    loss: OwnLoss | None = None,
) -> Trainer:
    """Makes a trainer anew of what `Trainer.__reduce__` took apart."""
    _, core, user = TrainerCore.loads(checkpoint, n_threads)
    return cls._restored(core, network, user, loss=loss)


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
    weight = None if sample_weight is None else _weights(sample_weight)
    trains = _cores(spikes, network)
    goal = _chosen_goal(trainer, y, d_counts, trains[0], weight is not None)
    weights, value, sent = trainer._core.gradients_from_spikes(
        network._core, trains, goal.y, weight, goal.own, flag("d_input", d_input)
    )
    return Gradients(value if d_counts is None else None, weights, sent)


def _cores(spikes: Sequence[SpikeTrains], network: Network) -> list[SpikeTrainsCore]:
    if not isinstance(spikes, Iterable):
        raise TypeError(f"spikes must be a list of SpikeTrains, got {type(spikes).__name__}")
    spikes = list(spikes)
    for index, trains in enumerate(spikes):
        if not isinstance(trains, SpikeTrains):
            raise TypeError(f"spikes[{index}] must be SpikeTrains, got {type(trains).__name__}")
    n = len(network.layers) + 1
    if len(spikes) != n:
        raise ValueError(
            f"spikes must be {n} spike trains, of the input and of each layer, got {len(spikes)}"
        )
    return [trains._core for trains in spikes]


def _weights(sample_weight: ArrayLike) -> NDArray[np.float64]:
    array = as_array("sample_weight", sample_weight)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"sample_weight has dtype {array.dtype}, expected floats")
    if array.ndim != 1:
        raise ValueError(f"sample_weight has shape {array.shape}, expected (n_samples,)")
    return array.astype(np.float64)
