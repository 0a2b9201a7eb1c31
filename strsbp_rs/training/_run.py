"""The result folder of a training run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from strsbp_rs._config import Cosine
from strsbp_rs._files import Claim, make_folder, sweep_folder, write_text
from strsbp_rs._inputs import Input
from strsbp_rs._network import Network
from strsbp_rs._recording import Recording
from strsbp_rs.datasets import Dataset
from strsbp_rs.fixed._conversion import quantized
from strsbp_rs.recipes._recipe import Recipe, load_recipe
from strsbp_rs.training import _pictures
from strsbp_rs.training._best_checkpoint import BestCheckpoint
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._trainer import Trainer

__all__ = ["RunFolder", "load_network", "with_horizon"]


def load_network(path: Path) -> Network:
    """Reads the network of a result folder, or of a file."""
    return Network.load(RunFolder(path).checkpoint if path.is_dir() else path)


class RunFolder(Callback):
    """Configuration, metrics, last and best checkpoint and pictures of a run, in one folder.

    Args:
        path: The folder.

    Attributes:
        dataset: The data, for the pictures.
        plots: Whether to draw pictures after every epoch.
        notes: What is to be said when the run has ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dataset: Dataset | None = None
        self.plots = True
        self._best = BestCheckpoint(self.best, "val_accuracy")
        # The recipe of a resumed run: it may have more epochs than before, or its data elsewhere.
        self.revised: Recipe | None = None
        self.notes: list[str] = []

    @property
    def checkpoint(self) -> Path:
        """Weights, optimizer state, epoch and configuration after the last whole epoch."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The same after the epoch with the best validation accuracy."""
        return self.path / "best.safetensors"

    @property
    def tested(self) -> Path:
        """What the last epoch and the chosen one make of the test samples, of runs that choose."""
        return self.path / "test.json"

    @property
    def initial(self) -> Path:
        """The network that a run began with, if it was not drawn."""
        return self.path / "initial.safetensors"

    @property
    def config(self) -> Path:
        """The recipe as it was run."""
        return self.path / "config.toml"

    @property
    def metrics(self) -> Path:
        """One JSON object an epoch."""
        return self.path / "metrics.jsonl"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Has the folder, which is made if need be, to itself; what killed runs left is removed.

        Raises:
            FileExistsError: If another process has it.
        """
        make_folder(str(self.path))
        with Claim(self.path):
            sweep_folder(str(self.path))
            yield

    def create(self, recipe: Recipe, initial: Network | None = None) -> None:
        """Begins a run in the folder.

        Args:
            recipe: Its recipe.
            initial: The network it begins with; None if that is drawn as the recipe says.

        Raises:
            FileExistsError: If it holds a run's checkpoint already.
        """
        # A run that ended before its first checkpoint has nothing to lose.
        if self.checkpoint.exists():
            raise FileExistsError(
                f"{self.path} holds a run already; resume it with --resume, or choose another --out"
            )
        # The recipe makes the folder a run: it goes first and comes last.
        self.config.unlink(missing_ok=True)
        if initial is None:
            self.initial.unlink(missing_ok=True)
        else:
            initial.save(self.initial)
        write_text(self.config, recipe.to_toml())

    def recipe(self, overrides: tuple[str, ...] = ()) -> Recipe:
        """Reads the recipe of the run."""
        if not self.config.is_file():
            raise FileNotFoundError(f"{self.path} is not a run: it has no {self.config.name}")
        return load_recipe(self.config, overrides)

    def load(self, recipe: Recipe, n_in: int | tuple[int, ...], n_threads: int | None) -> Trainer:
        """Returns the trainer after the last whole epoch; with no epoch, as the run began."""
        if self.checkpoint.exists():
            trainer = Trainer.load(self.checkpoint, n_threads=n_threads)
            # Its end may lie later than when the checkpoint was written.
            trainer.schedule = recipe.schedule
            return trainer
        initial = Network.load(self.initial) if self.initial.exists() else None
        return recipe.build(n_in, n_threads, initial)

    def on_train_begin(self, trainer: Trainer) -> None:
        """Writes the recipe of a resumed run anew, and the best checkpoint if it is missing."""
        if self.revised is not None:
            write_text(self.config, self.revised.to_toml())
        self._best.on_train_begin(trainer)

    def on_epoch_end(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Writes the checkpoint, if it is the best one, metrics and pictures."""
        self._best.on_epoch_end(trainer, record)
        lines = [json.dumps(entry) for entry in trainer.history.epochs]
        write_text(self.metrics, "\n".join(lines) + "\n")
        if self.plots:
            try:
                self._draw(trainer)
            except ImportError as error:
                self.plots = False
                self.notes.append(f"no pictures: {error}")

    def validation(self) -> tuple[Input, Any]:
        """Returns what epochs are compared by: the validation samples; the test samples without."""
        assert self.dataset is not None
        data = self.dataset
        if data.x_validation is None:
            return data.x_test, data.y_test
        return data.x_validation, data.y_validation

    def test(self, trainer: Trainer) -> dict[str, Any] | None:
        """Evaluates the last epoch, and the one that was chosen, on the test samples, and keeps it.

        Returns:
            Epoch, accuracy and loss of "last" and of "chosen"; None of a run without validation
            samples, which chooses none.
        """
        assert self.dataset is not None
        if self.dataset.x_validation is None:
            return None
        best = Trainer.load(self.best, n_threads=trainer.n_threads)
        found = {}
        for name, of in (("last", trainer), ("chosen", best)):
            result = of.evaluate(self.dataset.x_test, self.dataset.y_test)
            found[name] = {"epoch": of.epoch, "accuracy": result.accuracy, "loss": result.loss}
        write_text(self.tested, json.dumps(found) + "\n")
        return found

    def complete(self, trainer: Trainer) -> None:
        """Writes what a run that was killed at its end had yet to write."""
        self.on_train_begin(trainer)
        for record in trainer.history.epochs[-1:]:
            self.on_epoch_end(trainer, record)

    def _draw(self, trainer: Trainer) -> None:

        assert self.dataset is not None
        name, epoch = self.dataset.name, trainer.epoch
        _pictures.learning_curve(trainer.history.epochs, self.path / "learning_curve.png", name)
        recording = _recording(trainer, self.dataset.x_test[:1])
        label = self.dataset.class_names[self.dataset.y_test[0]]
        _pictures.spike_raster(
            recording,
            self.path / "spike_raster.png",
            dt=trainer.network.dt,
            class_names=self.dataset.class_names,
            true_class=int(self.dataset.y_test[0]),
            title=f"{name}, test sample 0 ({label}), after epoch {epoch}",
        )


def _recording(trainer: Trainer, x: Input) -> Recording:
    """Returns the spikes of the network, or of the hardware it is trained through."""
    seed = trainer.config["seed"]
    if trainer.hardware is None:
        # Without the warnings: the trainer gives them, and one sample says little.
        return trainer.network._quiet_run(x, encoder=trainer.encoder, seed=seed)
    fixed, _ = quantized(trainer.network, trainer.hardware)
    return fixed._quiet_run(x, encoder=trainer.encoder, seed=seed)


def with_horizon(plan: Recipe, former: Recipe) -> Recipe:
    """Stretches the descent of a resumed run's cosine to its new number of epochs.

    One that ended with the run ends with the longer (or shorter) one, and one that would come to 0
    before is drawn out; any other stays as it is.
    """
    cosine, epochs = plan.schedule, plan.train.epochs
    if not isinstance(cosine, Cosine):
        return plan
    ended_with_run = cosine.epochs == former.train.epochs
    comes_to_zero = cosine.min_factor == 0.0 and cosine.epochs < epochs
    if not ended_with_run and not comes_to_zero:
        return plan
    return replace(plan, schedule=replace(cosine, epochs=float(epochs)))
