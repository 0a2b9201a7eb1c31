"""What a path on the command line names: the network, its recipe and its data."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from strsbp_rs._config import Encoder
from strsbp_rs._network import Network
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import file_content
from strsbp_rs.datasets import Dataset
from strsbp_rs.recipes._recipe import Recipe
from strsbp_rs.recipes._sections import Data
from strsbp_rs.training._data import is_function, load_data, load_test_data
from strsbp_rs.training._run import RunFolder
from strsbp_rs.training._trainer import Trainer

__all__ = ["Saved"]


class Saved:
    """A trained network in a result folder, a checkpoint of one, or a file of its own.

    Args:
        path: The folder or file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not a file of this package, or holds a network in fixed point.
    """

    def __init__(self, path: Path) -> None:
        run = RunFolder(path if path.is_dir() else path.parent)
        self.folder = run.path
        if path.is_dir():
            run.recipe()  # What says that it is a run.
        self.file = run.checkpoint if path.is_dir() else path
        self.content, _ = file_content(str(self.file))
        if self.content == "fixed_network":
            raise ValueError(
                f"{path}: holds a network in fixed point, expected one in floating point; "
                "FixedNetwork.load(...).report compares the two"
            )
        self.of_run = self.content == "checkpoint" and run.config.is_file()
        if self.of_run:
            self.recipe = run.recipe()
        else:
            net = self.network()
            self.recipe = Recipe(tuple(net.layers), data=Data(class_names=net.class_names))

    @cached_property
    def _network(self) -> Network:
        return Network.load(self.file)

    def network(self) -> Network:
        """The network, read once."""
        return self._network

    def trainer(self, n_threads: int | None) -> Trainer:
        """The trainer of a checkpoint; one with defaults of a network by itself."""
        if self.content == "checkpoint":
            return Trainer.load(self.file, n_threads=n_threads)
        return Trainer(self.network(), n_threads=n_threads)

    def test_data(
        self, data: str | None, data_dir: str | None, limit: int | None = None
    ) -> Dataset:
        """The samples that --data names, else those of the run.

        Raises:
            ValueError: If there are neither; and as loading them does.
        """
        if data is not None and not (is_function(data) and self.of_run):
            return load_test_data(self.recipe, data, limit)
        if data is None and not self.of_run:
            raise ValueError(
                f"{self.file} is not in the folder of a run, which would say on what data: "
                "name samples with --data"
            )
        recipe = self.recipe
        if limit is not None:
            recipe = replace(recipe, data=replace(recipe.data, limit_test=limit))
        return load_data(recipe, data_dir or recipe.data.dir or None, data)

    def encoder_for(self, samples: Dataset) -> Encoder | None:
        """Makes spikes of samples, if they are none.

        Raises:
            ValueError: If samples need one, and the network's file has none.
        """
        if isinstance(samples.x_test, SpikeTrains):
            return None
        encoder = self.recipe.encoder if self.of_run else self.network().encoder
        if encoder is None:
            raise ValueError(
                f"{self.file} carries no encoder for the values of {samples.name}: set "
                "Network.encoder before Network.save"
            )
        return encoder
