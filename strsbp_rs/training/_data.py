"""The data of a run: a data set by name, files of one's own, or what a Python function returns."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from strsbp_rs._config import Dense, Line, Plane, Recurrent
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.datasets import Dataset, from_files, from_function, load_dataset
from strsbp_rs.datasets._own import is_function
from strsbp_rs.recipes._recipe import Recipe

__all__ = [
    "check_outputs",
    "check_values",
    "data_overrides",
    "inputs_of",
    "is_function",
    "load_data",
    "load_test_data",
    "with_outputs",
]


def data_overrides(data: str) -> list[str]:
    """Returns how a recipe says that a run's data is what the user named on the command line."""
    if is_function(data):
        return [f"data.name={_quoted(data)}", "data.train=''", "data.test=''"]
    path = os.path.abspath(data)
    return ["data.name=''", f"data.train={_quoted(path)}", "data.test=''"]


def load_data(
    recipe: Recipe,
    data_dir: str | None = None,
    function: str | None = None,
    progress: bool = False,
) -> Dataset:
    """Loads the data of a recipe, as much of it as the recipe says.

    Args:
        recipe: The recipe.
        data_dir: Folder of a data set's files.
        function: MODULE:FUNCTION or FILE.py:FUNCTION, if the user has named it: a recipe may hold
            the name, but must not run code by being loaded.
        progress: Whether bars are drawn while files are read and a front end hears sounds.

    Raises:
        ValueError: If the data is damaged, or the recipe names a function that the user has not.
        OSError: If the data is not found.
    """
    options = recipe.data
    if function is not None:
        data = from_function(function, test_share=options.test_share, seed=recipe.train.seed)
        if options.class_names:
            data = replace(data, class_names=options.class_names)
    elif options.train:
        data = _from_files(recipe, options.train, options.test or None)
    elif is_function(options.name):
        raise ValueError(
            f"the data of this run is what a function returned: name it again, with "
            f"--data {options.name}"
        )
    else:
        given: dict[str, Any] = {
            "step_ms": options.step_ms,
            "n_steps": options.n_steps,
            "n_channels": options.n_channels,
        }
        chosen = {name: value for name, value in given.items() if value}
        data = load_dataset(options.name or "demo", data_dir, progress=progress, **chosen)
    if options.leave_out:
        data = data.leave_out(options.leave_out)
    if options.validation and data.x_validation is None:
        data = data.split_validation(options.validation, recipe.train.seed)
    n_train, n_test = options.limit_train or None, options.limit_test or None
    data = replace(
        data,
        x_train=data.x_train[:n_train],
        y_train=data.y_train[:n_train],
        x_test=data.x_test[:n_test],
        y_test=data.y_test[:n_test],
        groups_train=None if data.groups_train is None else data.groups_train[:n_train],
        groups_test=None if data.groups_test is None else data.groups_test[:n_test],
    )
    return _heard(recipe, data, progress)


def _heard(recipe: Recipe, data: Dataset, progress: bool) -> Dataset:
    """Returns what the recipe's front end hears of sounds; other data as it is.

    Raises:
        ValueError: If there is a front end and no sound, or the other way round.
    """
    if data.sample_rate is None:
        if recipe.front_end is not None:
            kind = recipe.front_end.kind
            raise ValueError(f"front_end must not be given: {data.name} is no sound, got {kind!r}")
        return data
    if recipe.front_end is None:
        raise ValueError(
            f"front_end must be given, as {data.name} is sound: "
            "--set front_end.kind=log_mel --set front_end.sample_rate=16000"
        )
    return data.heard_by(recipe.front_end, progress=progress)


def load_test_data(recipe: Recipe, data: str, limit: int | None = None) -> Dataset:
    """Loads what the user named to evaluate a network on: all of it, where it is not in parts.

    Args:
        recipe: What the data's options are taken from.
        data: A function or a file, as for `load_data` and `datasets.from_files`.
        limit: Use the first so many test samples.
    """
    if is_function(data):
        return load_data(
            replace(recipe, data=replace(recipe.data, limit_test=limit or 0)), None, data
        )
    loaded = _from_files(recipe, data, None, whole=True)
    return replace(loaded, x_test=loaded.x_test[:limit], y_test=loaded.y_test[:limit])


def inputs_of(recipe: Recipe, data: Dataset) -> int | tuple[int, ...]:
    """Returns the inputs of a recipe's network for some data, as `Network` takes them.

    Raises:
        ValueError: If the recipe's shape is not that of the samples.
    """
    given = recipe.network.in_shape
    # What the encoder makes of a value; spikes need none.
    per = 1 if isinstance(data.x_train, SpikeTrains) else recipe.encoder.inputs_per_feature
    n_in = data.n_in * per
    if given and math.prod(given) != n_in:
        raise ValueError(
            f"network.in_shape must be of {n_in} places, as the samples of {data.name}, "
            f"got {list(given)}"
        )
    spatial = any(isinstance(layer, Line | Plane) for layer in recipe.layers)
    if given or not spatial:
        return given or n_in
    if data.sensor_size is not None:
        width, height, polarities = data.sensor_size
        return (polarities, height, width)
    if data.image_shape is None:
        return n_in
    return data.image_shape if per == 1 else (per, *data.image_shape)


def with_outputs(recipe: Recipe, n_classes: int) -> Recipe:
    """Returns the recipe with an output neuron for every class, where its last layer is flat."""
    last = recipe.layers[-1]
    if not isinstance(last, Dense | Recurrent):
        return recipe
    return replace(recipe, layers=(*recipe.layers[:-1], replace(last, n=n_classes)))


def check_outputs(recipe: Recipe, data: Dataset) -> None:
    """Refuses data with more classes, or names of them, than the network of a recipe has outputs.

    Raises:
        ValueError: Naming both, and the setting to change.
    """
    last, n_classes = recipe.layers[-1], int(max(data.y_train.max(), data.y_test.max())) + 1
    # How many there are in a plane is known when the network is made; it then refuses the classes.
    n_out = last.n if isinstance(last, Dense | Recurrent) else n_classes
    setting = f"layers.{len(recipe.layers) - 1}.n"
    if n_out < n_classes:
        raise ValueError(
            f"{setting} must be >= {n_classes}, the number of classes of {data.name}, got {n_out}; "
            f"--set {setting}={n_classes}"
        )
    # Data sets have all their names, whichever of their classes are trained on.
    n_names = len(data.class_names)
    if n_out < n_names and (recipe.data.train or is_function(recipe.data.name)):
        raise ValueError(
            f"data.class_names must be at most {n_out}, the outputs ({setting}), got {n_names}; "
            f"name fewer, or --set {setting}={n_names}"
        )


def check_values(data: Dataset) -> None:
    """Refuses values that no encoder takes, with the file and the array that hold them.

    Raises:
        ValueError: If one is not in [0, 1].
    """
    for part, x in (("x_train", data.x_train), ("x_test", data.x_test)):
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            continue
        wrong = ~((x >= 0.0) & (x <= 1.0))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"{data.source}: {part}[{row}, {column}] must be in [0, 1], got {x[row, column]}"
            )


def _from_files(recipe: Recipe, train: str, test: str | None, whole: bool = False) -> Dataset:
    options = recipe.data
    return from_files(
        train,
        test,
        train_labels=options.train_labels or None,
        test_labels=options.test_labels or None,
        spikes=options.spikes,
        n_steps=options.n_steps,
        sensor_size=options.sensor_size,
        test_share=None if whole else options.test_share,
        seed=recipe.train.seed,
        class_names=options.class_names,
        name=options.name or Path(train).stem,
    )


def _quoted(text: str) -> str:
    # JSON's strings are TOML's.
    return json.dumps(text, ensure_ascii=False)
