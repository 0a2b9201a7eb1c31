"""SHD and SSC: times in 16 bits, equal times, the order of classes, damaged files."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_files import replace_item, write_heidelberg, write_hsd

from strsbp_rs.datasets import load_dataset, load_shd, load_ssc

KEYS = [f"key {n}" for n in range(20)]


def write_shd(folder: Path, recordings: list[tuple[Any, Any]], labels: list[int]) -> Path:
    """SHD whose both parts hold the same."""
    for part in ("train", "test"):
        write_hsd(folder / f"shd_{part}.h5", recordings, labels, KEYS, [4] * len(labels))
    return folder


def test_times_of_16_bits_do_not_overflow(tmp_path: Path) -> None:
    # In 16 bits, 0.9 s are infinitely many microseconds, and 900 ms in steps of 0.1 ms are not
    # counted beyond 2,048 one by one.
    times = np.linspace(0.0, 0.9995, 700).astype(np.float16)
    data = load_shd(write_shd(tmp_path, [(times, np.arange(700))], [3]), step_ms=0.1)
    (got,) = data.x_test.to_events()
    steps = [int(np.floor(float(t) * 1e3 / 0.1 + 1e-6)) for t in times]
    assert max(steps) > 9_000
    np.testing.assert_array_equal(got["t"], np.sort(steps))
    assert data.x_test.n_spikes == 700


def test_equal_events_are_one_spike_or_all(tmp_path: Path) -> None:
    # Two of unit 5 in a step, whose times in 16 bits are equal, and another pair that is not.
    recording = ([0.5, 0.5001, 0.5001, 0.502, 0.5021], [5, 5, 9, 7, 7])
    folder = write_shd(tmp_path, [recording], [0])
    merged = load_shd(folder, step_ms=1.0).x_train.to_events()[0]
    # 0.502 s are 0.50195 s in 16 bits.
    assert merged.tolist() == [(500, 5), (500, 9), (501, 7)]
    counted = load_shd(folder, step_ms=1.0, repeated="count").x_train
    assert counted.n_spikes == 5
    assert counted.counts()[0, [5, 7, 9]].tolist() == [2, 2, 1]


def test_a_small_set(tmp_path: Path) -> None:
    data = load_dataset("shd", write_heidelberg(tmp_path / "shd").parent)
    assert data.class_names == tuple(f"word {n}" for n in range(20))
    assert (data.n_in, data.sensor_size, data.step_ms) == (700, (700, 1, 1), 4.0)
    assert list(data.group_names) == sorted(set(data.group_names), key=int)
    assert set(data.group_names) <= {"0", "2", "4", "6", "8", "10"}
    with h5py.File(tmp_path / "shd" / "shd_train.h5") as file:
        np.testing.assert_array_equal(data.y_train, file["labels"][()])
        speakers = [int(data.group_names[group]) for group in data.groups_train]
        np.testing.assert_array_equal(speakers, file["extra/speaker"][()])
        for at in (0, 17, 39):
            t = np.floor(file["spikes/times"][at].astype(np.float64) * 250 + 1e-9).astype(int)
            pairs = sorted(set(zip(t.tolist(), file["spikes/units"][at].tolist(), strict=True)))
            got = data.x_train[at].to_events()[0]
            assert list(zip(got["t"].tolist(), got["x"].tolist(), strict=True)) == pairs
            assert data.x_train.lengths[at] == t.max() + 1
    split = data.split_validation(0.2)
    assert 0 < len(set(split.groups_train)) < len(set(data.groups_train))
    # As many as there are, and no other number is asked for.
    assert (len(data.y_train), len(data.y_test)) == (40, 40)


def test_neighbours_are_joined(tmp_path: Path) -> None:
    folder = write_shd(tmp_path, [([0.1, 0.2, 0.3, 0.4], [0, 4, 5, 699])], [0])
    data = load_shd(folder, n_channels=140, step_ms=100.0)
    assert data.x_train.to_events()[0]["x"].tolist() == [0, 0, 1, 139]
    assert (data.n_in, data.sensor_size) == (140, (140, 1, 1))
    with pytest.raises(ValueError, match="n_channels must be a divisor of 700, got 64"):
        load_shd(folder, n_channels=64)


def test_ssc_has_validation_samples(tmp_path: Path) -> None:
    data = load_ssc(write_heidelberg(tmp_path, "ssc", 1), n_steps=50, step_ms=10.0)
    assert len(data.class_names) == 35
    assert data.x_validation is not None and data.x_validation.shape == (35, 50, 700)
    assert sorted(data.y_validation.tolist()) == list(range(35))
    assert data.groups_train is None
    assert "35 training, 35 validation and 35 test samples of 700 inputs" in repr(data)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("spikes/units", None, "lacks spikes/units"),
        ("labels", None, "lacks labels"),
        ("labels", np.arange(3), "has 2 recordings of times and 2 of units, expected 3 as labels"),
        ("labels", np.array([0, 20]), r"has labels from 0 to 20, expected \[0, 20\)"),
        ("labels", np.array([0.0, 1.0]), "has labels"),
        ("extra/keys", np.array([b"a"]), "has 1 keys, expected 20, one a class"),
        ("extra/speaker", np.arange(3), "has 3 speakers, expected 2 as labels"),
    ],
)
def test_files_that_disagree(tmp_path: Path, name: str, value: Any, message: str) -> None:
    folder = write_shd(tmp_path, [([0.1], [1]), ([0.2], [2])], [0, 1])
    replace_item(folder / "shd_test.h5", name, value)
    with pytest.raises(ValueError, match=f"{re.escape(str(folder / 'shd_test.h5'))}: {message}"):
        load_shd(folder)


@pytest.mark.parametrize(
    "recording, message",
    [
        (([np.inf], [1]), r"recording 1: t\[0\] must be a time >= 0 of less than .*, got inf"),
        (([0.1, -0.5], [1, 2]), r"recording 1: t\[1\] must be a time >= 0 .*, got -0.5"),
        (([np.nan], [1]), r"recording 1: t\[0\] must be a time >= 0 of less .*, got NaN"),
        (([0.1], [700]), r"recording 1: x\[0\] must be in \[0, 700\), got 700"),
        (([0.1, 0.2], [1]), "recording 1: has 2 times, expected 1, one an event"),
    ],
)
def test_damaged_recordings(tmp_path: Path, recording: Any, message: str) -> None:
    folder = write_shd(tmp_path, [([0.1], [1]), recording], [0, 1])
    with pytest.raises(ValueError, match=message):
        load_shd(folder)
    if "700" in message:
        with pytest.raises(ValueError, match=r"recording 1: has a unit 700, expected \[0, 700\)"):
            load_shd(folder, n_channels=70)


def test_files_that_are_no_hdf5(tmp_path: Path) -> None:
    folder = write_shd(tmp_path, [([0.1], [1])] * 50, [0] * 50)
    test = folder / "shd_test.h5"
    for data in (test.read_bytes()[:3_000], b"", b"\x1f\x8b gzipped, as it is served"):
        test.write_bytes(data)
        with pytest.raises(ValueError, match=r"shd_test\.h5: is no HDF5 file, or a damaged one"):
            load_shd(folder)
    with pytest.raises(ValueError, match="at least one"):
        load_shd(write_shd(tmp_path / "none", [], []))
    test.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no shd_test\.h5 of SHD \(Spiking"):
        load_shd(folder)


def test_other_classes_in_one_part(tmp_path: Path) -> None:
    folder = write_shd(tmp_path, [([0.1], [1])], [0])
    replace_item(folder / "shd_test.h5", "extra/keys", np.array(KEYS[::-1], "S"))
    with pytest.raises(ValueError, match=r"shd_test\.h5: has other keys than shd_train\.h5"):
        load_shd(folder)


def test_h5py_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_shd(tmp_path, [([0.1], [1])], [0])
    imported = builtins.__import__

    def refusing(name: str, *rest: Any) -> Any:
        if name == "h5py":
            raise ImportError("No module named 'h5py'")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(ImportError, match=r"HDF5 files need h5py: pip install 'strsbp_rs\[events"):
        load_shd(folder)
