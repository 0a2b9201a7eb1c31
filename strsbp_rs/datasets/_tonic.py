"""Data sets of the library tonic, or any that are like them: `d[i]` is (events, target)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, number, strings
from strsbp_rs._arrays import as_array
from strsbp_rs._bars import steps_bar
from strsbp_rs._events import pixel_columns, sensor
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._recordings import Recordings, Repeated, of_one_length
from strsbp_rs.datasets._splits import held_out

__all__ = ["from_tonic"]

_AT_ONCE = 256


def from_tonic(
    train: Any,
    test: Any = None,
    *,
    step_ms: float = 1.0,
    n_steps: int | None = None,
    repeated: Repeated = "merge",
    sensor_size: tuple[int, int, int] | None = None,
    class_names: Sequence[str] | None = None,
    from_first_event: bool = False,
    test_share: float = 0.2,
    seed: int = 0,
    progress: bool = True,
) -> Dataset:
    """Takes data sets of the library tonic, which this package does not import.

    `from_tonic(tonic.datasets.SHD("data"), tonic.datasets.SHD("data", train=False))`. Events are
    structured arrays, of which fields t [us], x and, where the sensor has them, y and p are taken
    by their names: their order and types differ from one data set of tonic's to another.

    Args:
        train: What has a length, and (events, target) at every index; targets are integers, or
            strings, whose order is that of the alphabet.
        test: Likewise; if None, a share of every class of `train` is kept for testing.
        step_ms: Time step [ms].
        n_steps: Number of time steps of all, where later events are left out; if None, each
            recording is as long as it is.
        repeated: What becomes of events of one input in one step: "merge" makes them one spike,
            "count" keeps all.
        sensor_size: Width, height and polarities; `train.sensor_size` if None. Input x + width *
            (y + height * p) is pixel (x, y) of polarity p.
        class_names: Names of the classes; `train.classes` if None and it has those.
        from_first_event: Whether times count from the first event of each recording.
        test_share: Share that is kept for testing, in (0, 1), where `test` is None.
        seed: Seed of the choice.
        progress: Whether a bar is drawn.

    Raises:
        TypeError: If it is no such data set, or lacks a field.
        ValueError: If an event is not on the sensor, or an argument out of range.
    """
    given = getattr(train, "sensor_size", None) if sensor_size is None else sensor_size
    if given is None:
        raise TypeError("sensor_size must be given, as train has none")
    size = sensor(tuple(given))
    whole = {"train": train} if test is None else {"train": train, "test": test}
    parts = {part: Recordings(int(np.prod(size)), step_ms, n_steps, repeated) for part in whole}
    share, chance = number("test_share", test_share), integer("seed", seed)
    targets = {
        part: _read(part, data, parts[part], size, from_first_event, progress)
        for part, data in whole.items()
    }
    y, names = _classes(targets, train, class_names)
    x = dict(zip(parts, of_one_length(*parts.values()), strict=True))
    if test is None:
        kept, held = held_out(y["train"], None, share, chance)
        x = {"train": x["train"][kept], "test": x["train"][held]}
        y = {"train": y["train"][kept], "test": y["train"][held]}
    return Dataset(
        name=type(train).__name__,
        x_train=x["train"],
        y_train=y["train"],
        x_test=x["test"],
        y_test=y["test"],
        image_shape=None,
        class_names=names,
        source=f"{type(train).__module__}.{type(train).__qualname__}",
        licence="that of the data set",
        sensor_size=size,
        step_ms=parts["train"].step_ms,
    )


def _read(
    part: str,
    data: Any,
    recordings: Recordings,
    size: tuple[int, int, int],
    from_first: bool,
    progress: bool,
) -> list[Any]:
    """Reads the recordings of a part, and returns their targets."""
    try:
        n = len(data)
    except TypeError:
        kind = type(data).__name__
        raise TypeError(f"{part} must be a data set with a length, got {kind}") from None
    if n == 0:
        raise ValueError(f"{part} must hold at least one recording, got none")
    targets = []
    names: list[str] = []
    times: list[NDArray[Any]] = []
    neurons: list[NDArray[Any]] = []
    with steps_bar(n, f"Reading {part}", progress) as bar:
        for at in range(n):
            name = f"{part}[{at}]"
            sample = data[at]
            if not isinstance(sample, tuple | list) or len(sample) != 2:
                kind = type(sample).__name__
                raise TypeError(f"{name} must be (events, target), got {kind}")
            events = as_array(name, sample[0])
            if events.dtype.names is None:
                raise TypeError(
                    f"{name} has events of dtype {events.dtype}, expected a structured array; give "
                    "the data set without a transform to frames"
                )
            t, of_events = pixel_columns(name, events, size)
            names.append(name)
            times.append(t - t.min() if from_first and len(t) else t)
            neurons.append(of_events)
            targets.append(sample[1])
            if len(names) == _AT_ONCE or at == n - 1:
                recordings.add(names, times, neurons, "us")
                names, times, neurons = [], [], []
            bar.update()
    return targets


def _classes(
    targets: dict[str, list[Any]], train: Any, class_names: Sequence[str] | None
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Returns the classes of targets, and their names."""
    known = getattr(train, "classes", None) if class_names is None else class_names
    names = [] if known is None else strings("class_names", [str(name) for name in known])
    both = [target for of in targets.values() for target in of]
    if all(isinstance(target, str) for target in both):
        names = names or sorted(set(both))
        for part, of in targets.items():
            for at, target in enumerate(of):
                if target not in names:
                    raise ValueError(f"{part}[{at}] has target {target!r}, expected one of {names}")
        numbers = {name: at for at, name in enumerate(names)}
        return {
            part: np.array([numbers[target] for target in of], np.int64)
            for part, of in targets.items()
        }, tuple(names)
    y = {
        part: np.array([integer(f"{part}[{at}]'s target", t) for at, t in enumerate(of)], np.int64)
        for part, of in targets.items()
    }
    n_classes = 1 + max(int(labels.max()) for labels in y.values())
    if names and len(names) < n_classes:
        raise ValueError(f"class_names must be >= {n_classes}, the classes, got {len(names)}")
    return y, tuple(names) or tuple(str(label) for label in range(n_classes))
