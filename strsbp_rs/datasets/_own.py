"""Data of one's own: arrays and spikes in files, or what a Python function returns."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import labels
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.datasets._dataset import Dataset

__all__ = ["from_arrays", "from_files", "from_function", "is_function", "read_array"]

_PARTS = ("x_train", "y_train", "x_test", "y_test")


def is_function(name: str) -> bool:
    """Tells whether a name is that of a function, MODULE:FUNCTION or FILE.py:FUNCTION."""
    module, colon, function = name.rpartition(":")
    return bool(colon and module and function.isidentifier())


def from_function(name: str, *, test_share: float = 0.2, seed: int = 0) -> Dataset:
    """Calls a function without arguments and takes what it returns as a data set.

    The function's module is imported, which runs its code: names must come from the user, never
    from a file that is only loaded.

    Args:
        name: MODULE:FUNCTION, found as `python -m` finds it, or FILE.py:FUNCTION. The function
            returns a `Dataset`, or a dict of the arrays x_train, y_train, x_test and y_test, or
            these four as a tuple, or x and y alone, of which a share is kept for testing.
        test_share: That share, in (0, 1).
        seed: Seed of the choice of the samples.

    Raises:
        ValueError: If there is no such function, or it returns something else.
        TypeError: If an array has the wrong dtype.
    """
    if not is_function(name):
        raise ValueError(f"data must be MODULE:FUNCTION or FILE.py:FUNCTION, got {name!r}")
    module, _, attribute = name.rpartition(":")
    function = getattr(_module(module), attribute, None)
    if not callable(function):
        raise ValueError(f"data: {module} has no function {attribute}")
    return _dataset(function(), name, test_share, seed)


def from_files(
    train: str | os.PathLike[str],
    test: str | os.PathLike[str] | None = None,
    *,
    train_labels: str | os.PathLike[str] | None = None,
    test_labels: str | os.PathLike[str] | None = None,
    spikes: bool = False,
    n_steps: int = 0,
    sensor_size: Sequence[int] = (),
    test_share: float | None = 0.2,
    seed: int = 0,
    class_names: Sequence[str] = (),
    name: str = "",
) -> Dataset:
    """Loads samples and classes from NumPy files, or from files of `SpikeTrains.save`.

    Args:
        train: An .npz file with the arrays x_train, y_train, x_test and y_test, or with x and y;
            or x alone as .npy or as a file of `SpikeTrains.save`.
        test: Likewise the test samples, x and y; if None, and `train` has none, a share of the
            training samples, chosen by chance, is kept for testing.
        train_labels: A .npy file of the classes, integers (n_train,), where `train` has none.
        test_labels: Likewise for `test`.
        spikes: Whether x holds spike counts (n_samples, n_steps, n_neurons), not values to encode.
            Boolean x are spikes anyway, and so are events: structured arrays with integer fields
            sample, t, x and, with `sensor_size`, y and p.
        n_steps: Number of time steps, of events.
        sensor_size: (n_neurons,), or width, height and polarities, of events.
        test_share: Share of the samples kept for testing, in (0, 1); None to test on all of them.
        seed: Seed of their choice.
        class_names: Names of the classes; their numbers if empty.
        name: Name of the data set; that of the file if empty.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is damaged, lacks an array, or shapes disagree; the message names it.
        TypeError: If an array has the wrong dtype.
    """
    train = Path(train)
    arrays = dict(_read(train, "train"))
    if test is not None:
        stray = [key for key in ("x_test", "y_test") if key in arrays]
        if stray:
            raise ValueError(f"{train} holds {stray[0]} already, expected no test file besides")
        arrays |= {
            key.replace("train", "test"): value for key, value in _read(Path(test), "test").items()
        }
    for key, path in (("y_train", train_labels), ("y_test", test_labels)):
        if path is not None:
            arrays[key] = read_array(Path(path))
    for part, needed in (("train", True), ("test", "x_test" in arrays)):
        if needed and f"y_{part}" not in arrays:
            raise ValueError(
                f"{train if part == 'train' else test or train} has no classes: it must hold y "
                f"beside x, or {part}_labels must name a .npy file of them (strsbp train --set "
                f"data.{part}_labels=FILE)"
            )
    for part, file in (("train", train_labels or train), ("test", test_labels or test or train)):
        if f"y_{part}" in arrays:
            arrays[f"y_{part}"] = labels(f"y of {file}", arrays[f"y_{part}"])
    for part in ("train", "test"):
        if f"x_{part}" in arrays:
            arrays[f"x_{part}"] = _samples(
                f"x_{part}",
                arrays[f"x_{part}"],
                len(arrays[f"y_{part}"]),
                spikes,
                n_steps,
                sensor_size,
            )
    return from_arrays(
        arrays,
        name=name or train.stem,
        source=str(train),
        test_share=test_share,
        seed=seed,
        class_names=class_names,
    )


def from_arrays(
    arrays: Mapping[str, Any],
    *,
    name: str,
    source: str,
    test_share: float | None = 0.2,
    seed: int = 0,
    class_names: Sequence[str] = (),
) -> Dataset:
    """Makes a data set of the arrays x_train, y_train and, if they are there, x_test and y_test.

    Raises:
        ValueError: If an array is missing, shapes disagree, or a class is negative.
        TypeError: If classes are no integers.
    """
    unknown = [key for key in arrays if key not in _PARTS]
    if unknown:
        raise ValueError(f"{source}: unknown array {unknown[0]!r}, expected {', '.join(_PARTS)}")
    missing = [key for key in _PARTS[:2] if key not in arrays]
    if missing or ("x_test" in arrays) != ("y_test" in arrays):
        lacks = missing[0] if missing else "x_test" if "y_test" in arrays else "y_test"
        raise ValueError(f"{source}: lacks the array {lacks}")
    x_train, y_train = arrays["x_train"], labels("y_train", arrays["y_train"])
    if "x_test" in arrays:
        x_test, y_test = arrays["x_test"], labels("y_test", arrays["y_test"])
    elif test_share is None:
        x_test, y_test = x_train, y_train
    else:
        _check_length("x_train", x_train, y_train)
        train, test = _split(len(y_train), test_share, seed)
        samples = _rows(x_train)
        x_train, x_test = samples[train], samples[test]
        y_train, y_test = y_train[train], y_train[test]
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        _check_length(f"x_{part}", x, y)
        if len(y) == 0:
            raise ValueError(f"{source}: y_{part} is empty, expected at least one sample")
        if y.min() < 0:
            raise ValueError(f"{source}: y_{part} has class {y.min()}, expected classes >= 0")
    n_classes = int(max(y_train.max(), y_test.max())) + 1
    if class_names and len(class_names) < n_classes:
        raise ValueError(
            f"class_names has {len(class_names)} names, expected {n_classes}: "
            f"y has class {n_classes - 1}"
        )
    image_shape = None
    shapes = [_shape(x)[1:] for x in (x_train, x_test)]
    if not isinstance(x_train, SpikeTrains):
        x_train, x_test = _rows(x_train), _rows(x_test)
        if len(shapes[0]) == 2:
            image_shape = (int(shapes[0][0]), int(shapes[0][1]))
        x_train, x_test = (x.reshape(len(x), -1) for x in (x_train, x_test))
    n_train, n_test = (_shape(x)[-1] for x in (x_train, x_test))
    if n_train != n_test:
        raise ValueError(f"{source}: x_test has {n_test} inputs, expected {n_train} as x_train")
    return Dataset(
        name=name,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        image_shape=image_shape,
        class_names=tuple(class_names) or tuple(str(index) for index in range(n_classes)),
        source=source,
        licence="the user's",
    )


def _dataset(returned: Any, name: str, test_share: float, seed: int) -> Dataset:
    if isinstance(returned, Dataset):
        return returned
    if isinstance(returned, tuple) and len(returned) in (2, 4):
        returned = dict(zip(_PARTS, returned, strict=False))
    if not isinstance(returned, Mapping):
        raise ValueError(
            f"data: {name} must return a Dataset, a dict of {', '.join(_PARTS)}, or these as a "
            f"tuple, got {type(returned).__name__}"
        )
    names = {"x": "x_train", "y": "y_train"}
    arrays = {names.get(str(key), str(key)): value for key, value in returned.items()}
    for part in ("train", "test"):
        x = arrays.get(f"x_{part}")
        if x is not None and not isinstance(x, SpikeTrains):
            y = arrays.get(f"y_{part}", ())
            arrays[f"x_{part}"] = _samples(f"x_{part}", np.asarray(x), len(y), False, 0, ())
    return from_arrays(arrays, name=name, source=name, test_share=test_share, seed=seed)


def _module(name: str) -> Any:
    """Imports a module by name, as `python -m` does, or from a file."""
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise ValueError(f"data: there is no file {name}")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ValueError(
                f"data: no module named {name}, in this folder or installed"
            ) from error
        raise


def _read(path: Path, part: str) -> dict[str, Any]:
    """Returns the arrays of a file, x and y as those of a part."""
    if path.suffix == ".npz":
        arrays = _read_npz(path)
        names = {"x": f"x_{part}", "y": f"y_{part}"}
        return {names.get(key, key): value for key, value in arrays.items()}
    if path.suffix == ".npy":
        return {f"x_{part}": read_array(path)}
    if path.suffix == ".safetensors":
        return {f"x_{part}": SpikeTrains.load(path)}
    raise ValueError(f"{path}: expected a file ending in .npz, .npy or .safetensors")


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    loaded = _load(path)
    if isinstance(loaded, np.ndarray):
        raise ValueError(f"{path}: holds one array, expected an .npz file of several")
    return loaded


def read_array(path: Path) -> NDArray[Any]:
    """Reads a .npy file, without pickle.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is damaged, or holds something else.
    """
    loaded = _load(path)
    if not isinstance(loaded, np.ndarray):
        raise ValueError(f"{path}: holds several arrays, expected one")
    return loaded


def _load(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Reads a file of NumPy's, without pickle: a file that is only loaded must not run code."""
    with path.open("rb") as file:
        try:
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else dict(loaded.items())
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path}: is not a whole {path.suffix} file of plain arrays ({error})"
            ) from error


def _samples(
    name: str, x: Any, n_samples: int, spikes: bool, n_steps: int, sensor_size: Sequence[int]
) -> Any:
    """Returns samples as values, (n_samples, ...), or as spikes."""
    if isinstance(x, SpikeTrains):
        return x
    if x.dtype.names is not None:
        return _from_events(name, x, n_samples, n_steps, sensor_size)
    if spikes and x.ndim != 3:
        raise ValueError(f"{name} has shape {x.shape}, expected (n_samples, n_steps, n_neurons)")
    if x.dtype == np.bool_ and x.ndim == 3:
        return SpikeTrains.from_dense(x)
    if spikes:
        return SpikeTrains.from_counts(x)
    if x.ndim < 2:
        raise ValueError(f"{name} has shape {x.shape}, expected (n_samples, n_features, ...)")
    return x


def _from_events(
    name: str, events: NDArray[Any], n_samples: int, n_steps: int, sensor_size: Sequence[int]
) -> SpikeTrains:
    fields = events.dtype.names or ()
    for needed in ("sample", "t", "x"):
        if needed not in fields:
            raise ValueError(f"{name} has the fields {fields}, expected sample, t, x (and y, p)")
    if not n_steps or len(sensor_size) not in (1, 3):
        raise ValueError(
            f"{name} holds events: data.n_steps and data.sensor_size must say of how many steps "
            "and neurons ([n_neurons], or [width, height, polarities])"
        )
    order = np.argsort(events["sample"], kind="stable")
    events = events[order]
    bounds = np.searchsorted(events["sample"], np.arange(n_samples + 1))
    if bounds[0] != 0 or bounds[-1] != len(events):
        got = events["sample"][0 if bounds[0] else -1]
        raise ValueError(f"{name}: sample must be in [0, {n_samples}), the classes, got {got}")
    lists = [events[a:b] for a, b in itertools.pairwise(bounds)]
    if len(sensor_size) == 1:
        return SpikeTrains.from_events(lists, n_steps=n_steps, n_neurons=sensor_size[0])
    size = (sensor_size[0], sensor_size[1], sensor_size[2])
    return SpikeTrains.from_events(lists, n_steps=n_steps, sensor_size=size, time_unit="step")


def _split(n: int, test_share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and of the test samples, each in the order of the data."""
    n_test = round(n * test_share)
    if not 0 < n_test < n:
        raise ValueError(
            f"test_share must leave samples for training and for testing, got {test_share} of {n}"
        )
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _rows(x: Any) -> Any:
    return x if isinstance(x, SpikeTrains) else np.asarray(x)


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.asarray(x).shape


def _check_length(name: str, x: Any, y: NDArray[np.int64]) -> None:
    if len(x) != len(y):
        other = name.replace("x", "y", 1)
        raise ValueError(f"{name} has {len(x)} samples, expected {len(y)} as {other}")
