"""Data sets of the library tonic, and what is like them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_files import write_heidelberg, write_nmnist

from strsbp_rs.datasets import from_tonic, load_nmnist, load_shd


class Like:
    """Five recordings; fields, types and targets are those that are given."""

    sensor_size = (4, 3, 2)

    def __init__(self, dtype: Any, targets: Any, first: int = 0) -> None:
        self.dtype, self.targets, self.first = np.dtype(dtype), targets, first

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, at: int) -> tuple[Any, Any]:
        events = np.zeros(3, self.dtype)
        events["x"], events["t"] = [3, 0, at % 4], self.first + np.array([500, 1_500, 9_000 + at])
        if "y" in self.dtype.names:
            events["y"] = [2, 1, 0]
        if "p" in self.dtype.names:
            events["p"] = [1, 0, 1]
        return events, self.targets[at]


LAYOUTS = [
    [("x", int), ("y", int), ("t", int), ("p", int)],
    [("t", "u4"), ("x", "u2"), ("p", "i1"), ("y", "i8")],
    [("x", "i2"), ("y", "i2"), ("p", bool), ("t", "i8")],
    [("p", bool), ("t", "f8"), ("y", "u1"), ("x", "u1")],
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fields_are_taken_by_name(layout: Any) -> None:
    targets = [np.int64(2), 0, np.int32(1), 1, 0]
    data = from_tonic(Like(layout, targets), Like(layout, [1]))
    assert data.y_train.tolist() == targets and data.y_test.tolist() == [1]
    assert (data.name, data.class_names, data.n_in) == ("Like", ("0", "1", "2"), 24)
    for at, events in enumerate(data.x_train.to_events()):
        assert events.tolist() == [(0, 3 + 4 * (2 + 3)), (1, 4), (9, at % 4 + 12)]
    whole = from_tonic(Like(layout, targets), Like(layout, [1]), n_steps=3, step_ms=3.0)
    assert whole.x_train.shape == (5, 3, 24) and whole.x_train.n_spikes == 10


def test_times_from_the_first_event() -> None:
    late = Like(LAYOUTS[0], [0, 1], first=10_000_000)
    assert from_tonic(late, late).x_train.lengths.tolist() == [10_010, 10_010]
    early = from_tonic(late, late, from_first_event=True)
    assert early.x_train.to_events()[0]["t"].tolist() == [0, 1, 8]


def test_a_share_is_held_out() -> None:
    data = from_tonic(Like(LAYOUTS[0], [0] * 10 + [1] * 5), test_share=0.4, seed=3)
    assert np.bincount(data.y_test).tolist() == [4, 2]
    assert len(data.x_train) == 9 and data.x_test.shape[1:] == data.x_train.shape[1:]


def test_targets_and_names_of_classes() -> None:
    data = from_tonic(Like(LAYOUTS[0], ["z", "1", "o"]), Like(LAYOUTS[0], ["o"]))
    assert (data.class_names, data.y_train.tolist()) == (("1", "o", "z"), [2, 0, 1])
    named = Like(LAYOUTS[0], [1, 0])
    named.classes = ["left", "right", "none"]  # type: ignore[attr-defined]
    assert from_tonic(named, named).class_names == ("left", "right", "none")
    with pytest.raises(ValueError, match="class_names must be >= 2, the classes, got 1"):
        from_tonic(named, named, class_names=["left"])
    with pytest.raises(ValueError, match=r"test\[0\] has target 'q', expected one of \['a', 'b'\]"):
        from_tonic(Like(LAYOUTS[0], ["a"]), Like(LAYOUTS[0], ["q"]), class_names=["a", "b"])
    with pytest.raises(TypeError, match=r"train\[1\]'s target must be an integer, got 'b'"):
        from_tonic(Like(LAYOUTS[0], [0, "b"]))


def test_one_line_of_one_polarity() -> None:
    line = Like([("t", int), ("x", int), ("p", int)], [0, 1])
    data = from_tonic(line, line, sensor_size=(4, 1, 1))
    assert data.x_train.to_events()[0]["x"].tolist() == [3, 0, 0]


class Odd:
    sensor_size = (2, 1, 1)

    def __init__(self, sample: Any) -> None:
        self.sample = sample

    def __len__(self) -> int:
        return 2

    def __getitem__(self, at: int) -> Any:
        return self.sample


def test_what_is_no_such_data_set() -> None:
    events = np.zeros(1, [("t", int), ("x", int)])
    for train, message in (
        (3, "sensor_size must be given, as train has none"),
        (Odd(events), r"train\[0\] must be \(events, target\), got ndarray"),
        (Odd((np.zeros((2, 2)), 0)), r"train\[0\] has events of dtype float64, expected a struct"),
        (Odd((events[["x"]], 0)), r"train\[0\] has fields"),
        (Odd((events, None)), r"train\[0\]'s target must be an integer"),
    ):
        with pytest.raises(TypeError, match=message):
            from_tonic(train)
    with pytest.raises(TypeError, match="test must be a data set with a length, got int"):
        from_tonic(Odd((events, 0)), 3)
    with pytest.raises(ValueError, match=r"train\[0\]\['x'\]\[0\] must be in \[0, 2\), got 3"):
        from_tonic(Like([("t", int), ("x", int)], [0]), sensor_size=(2, 1, 1))
    with pytest.raises(ValueError, match="train must hold at least one recording, got none"):
        from_tonic(Like(LAYOUTS[0], []))


def test_tonic_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tonic = pytest.importorskip("tonic.datasets", exc_type=ImportError)
    for kind in (tonic.NMNIST, tonic.SHD):
        # Whole sets only, and archives too, are data to tonic.
        monkeypatch.setattr(kind, "_check_exists", lambda self: True)
    write_nmnist(tmp_path / "NMNIST")
    theirs = [tonic.NMNIST(str(tmp_path), train=train) for train in (True, False)]
    got, ours = from_tonic(*theirs), load_nmnist(tmp_path / "NMNIST")
    assert (got.x_train, got.x_test) == (ours.x_train, ours.x_test)
    np.testing.assert_array_equal(got.y_train, ours.y_train)
    assert got.sensor_size == ours.sensor_size
    write_heidelberg(tmp_path / "SHD")
    theirs = [tonic.SHD(str(tmp_path), train=train) for train in (True, False)]
    got, ours = from_tonic(*theirs, step_ms=4.0), load_shd(tmp_path / "SHD")
    assert (got.x_train, got.x_test) == (ours.x_train, ours.x_test)
    np.testing.assert_array_equal(got.y_test, ours.y_test)
