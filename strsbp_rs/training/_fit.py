"""The epochs of a fit: training, validation, history, checkpoint and callbacks, in this order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from strsbp_rs._files import PathLike, file_name, sweep_folder
from strsbp_rs._inputs import Input, encoder_dict
from strsbp_rs.training import _hooks
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._monitor import Monitored
from strsbp_rs.training._own_loss import Goal
from strsbp_rs.training._progress import ProgressBar
from strsbp_rs.training._records import plain_record

if TYPE_CHECKING:
    from strsbp_rs.training._trainer import Trainer

__all__ = ["Labelled", "checked_callbacks", "checked_validation", "fit", "swept_folder"]

Labelled = tuple[Any, Goal]
"""Samples, and what they are to lead to."""


def checked_validation(
    trainer: Trainer, validation_data: tuple[Input, Any] | None, n_steps: int | None
) -> Labelled | None:
    """Returns validation data as the core takes it.

    Raises:
        TypeError: If it is no pair.
        ValueError: If it is a list of another length, or does not fit the network.
    """
    if validation_data is None:
        return None
    if not isinstance(validation_data, (tuple, list)):
        kind = type(validation_data).__name__
        raise TypeError(f"validation_data must be (x, y), got {kind}")
    if len(validation_data) != 2:
        raise ValueError(f"validation_data must be (x, y), got {len(validation_data)} entries")
    samples = trainer._prepared(validation_data[0], n_steps)
    return samples, trainer._goal(validation_data[1], samples)


def swept_folder(checkpoint: PathLike | None) -> None:
    """Clears the folder of a checkpoint of what was left there by one that was killed.

    Raises:
        FileNotFoundError: If it does not exist.
    """
    if checkpoint is not None:
        folder = os.path.dirname(os.path.abspath(file_name(checkpoint, "checkpoint")))
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"checkpoint: the folder {folder} does not exist")
        sweep_folder(folder)


def checked_callbacks(
    callbacks: Sequence[Callback], goal: Goal, test: Labelled | None, bar: int | None
) -> list[object]:
    """Returns the callbacks, after a progress bar of so many epochs.

    Raises:
        TypeError: If one cannot be called.
        ValueError: If one watches what there will not be.
    """
    all_callbacks = _hooks.check(callbacks)
    goals = {"accuracy": goal, **({} if test is None else {"val_accuracy": test[1]})}
    unclassified = {name for name, goal in goals.items() if goal.y is None}
    for callback in all_callbacks:
        if isinstance(callback, Monitored):
            callback.check_data(validated=test is not None, unclassified=unclassified)
    if bar is not None:
        all_callbacks.insert(0, ProgressBar(total_epochs=bar))
    return all_callbacks


def fit(
    trainer: Trainer,
    train: Labelled,
    weight: NDArray[Any] | None,
    test: Labelled | None,
    epochs: int,
    all_callbacks: list[object],
    checkpoint: PathLike | None,
) -> None:
    """Trains until so many epochs are completed, or the trainer is stopped.

    Args:
        trainer: The trainer.
        train: What it is trained on.
        weight: Weights of the samples.
        test: What it is evaluated on after every epoch.
        epochs: Number of epochs to have completed.
        all_callbacks: What is called.
        checkpoint: File that is written after every epoch.
    """
    data, goal = train
    on_batch_end = _hooks.hooks(all_callbacks, "on_batch_end")

    late: list[Exception] = []

    def report(values: dict[str, Any]) -> None:
        try:
            for hook in on_batch_end:
                hook(trainer, values)
        except Exception as error:
            if values["samples_done"] < values["samples_total"]:
                raise
            # The epoch is trained: it is recorded and kept first.
            late.append(error)

    trainer._stopping = False
    warned: set[str] = set()
    _hooks.call(all_callbacks, "on_train_begin", trainer)
    trainer._resumed = False
    try:
        while trainer.epoch < epochs and not trainer._stopping:
            values = trainer._core.train_epoch(
                trainer.network._core,
                data,
                goal.y,
                encoder_dict(trainer.encoder),
                weight,
                report,
                goal.own,
            )
            record = _record(values)
            if test is not None:
                result = trainer._evaluate(*test, check=False)
                record["val_loss"] = result.loss
                record["val_accuracy"] = result.accuracy
                record["val_samples_per_s"] = result.samples_per_s
            trainer._core.count_epoch()
            trainer.history.epochs.append(record)
            if checkpoint is not None:
                trainer.save(checkpoint)
            for hook in _hooks.hooks(all_callbacks, "on_epoch_end"):
                try:
                    hook(trainer, record)
                finally:
                    # At once: the next one may write a checkpoint.
                    plain_record(record)
            # Last, as whoever makes errors of warnings is to have the epoch as a whole.
            trainer._tell_losses()
            trainer._check_activity(values, warned)
            if late:
                raise late[0]
    finally:
        _hooks.call(all_callbacks, "on_train_end", trainer, trainer.history)


def _record(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the history's entry of an epoch, of what the core told of it."""
    record = {key: values[key] for key in ("epoch", "lr", "loss", "accuracy")}
    record |= {key: values[key] for key in ("firing_rate", "seconds", "engine")}
    record["samples_per_s"] = values["n_samples"] / values["seconds"]
    record |= {key: values[key] for key in ("grad_norm", "grad_norm_max")}
    record |= {key: values[key] for key in ("solver_iterations", "solver_fallbacks")}
    if values["overflows"]:
        record["overflows"] = values["overflows"]
    return record
