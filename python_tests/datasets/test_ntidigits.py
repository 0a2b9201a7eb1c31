"""N-TIDIGITS18: single digits, the order of classes and of samples, damaged files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_files import replace_item, write_digits_heard, write_ntidigits

from strsbp_rs.datasets import load_dataset, load_n_tidigits


def test_labels_lead_to_recordings(tmp_path: Path) -> None:
    # The file's labels are not in the order of the alphabet, in which HDF5 lists the recordings.
    train = {
        "woman-ac-a-z": ([0.011], [63]),
        "man-im-b-1": ([0.021], [1]),
        "man-im-a-1357": ([0.031], [9]),
        "man-im-a-o": ([0.041], [40]),
        "boy-aa-a-9": ([0.051, 0.0519, 0.001], [9, 9, 2]),
    }
    test = {"girl-zz-a-5": ([0.1], [5])}
    write_ntidigits(tmp_path / "n-tidigits.hdf5", {"train": train, "test": test})
    data = load_n_tidigits(tmp_path)
    assert data.class_names == ("o", "1", "2", "3", "4", "5", "6", "7", "8", "9", "z")
    assert data.y_train.tolist() == [10, 1, 0, 9]
    assert data.y_test.tolist() == [5]
    assert [events.tolist() for events in data.x_train.to_events()] == [
        [(5, 63)],
        [(10, 1)],
        [(20, 40)],
        [(0, 2), (25, 9)],
    ]
    assert data.x_train.lengths.tolist() == [6, 11, 21, 26]
    assert data.x_train.shape == (4, 51, 64) and data.x_test.shape == (1, 51, 64)
    assert data.group_names == ("boy-aa", "girl-zz", "man-im", "woman-ac")
    assert data.groups_train.tolist() == [3, 2, 2, 0] and data.groups_test.tolist() == [1]
    counted = load_n_tidigits(tmp_path, repeated="count", n_steps=700)
    assert counted.x_train[3].to_events()[0].tolist() == [(0, 2), (25, 9), (25, 9)]
    assert set(counted.x_train.lengths) == {700}


def test_a_small_set(tmp_path: Path) -> None:
    write_digits_heard(tmp_path / "n-tidigits")
    data = load_dataset("n-tidigits", tmp_path, step_ms=1.0)
    assert (len(data.y_train), len(data.y_test), data.n_in) == (22, 22, 64)
    np.testing.assert_array_equal(np.bincount(data.y_train), [2] * 11)
    assert not set(data.groups_train) & set(data.groups_test)
    assert (data.x_train.lengths > 700).all()


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("train_labels", None, "lacks train_labels"),
        ("test_labels", np.array([b"boy-aa-9"]), "test_labels has 'boy-aa-9', expected gender-spe"),
        ("test_labels", np.array([b"boy-aa-a-x"]), "test_labels has 'boy-aa-a-x', expected gender"),
        ("test_labels", np.array([b"boy-aa-a-99"]), "test_labels has no single digits"),
        ("test_labels", np.array([b"boy-zz-a-9"]), "lacks test_timestamps/boy-zz-a-9"),
        ("test_addresses", None, "lacks test_addresses/boy-bd-a-z"),
        (
            "test_addresses/girl-xz-a-o",
            np.array([64]),
            "test girl-xz-a-o: has 300 times, expected 1",
        ),
        (
            "test_addresses/girl-xz-a-o",
            np.full(300, 64),
            r"girl-xz-a-o: x\[0\] must be in \[0, 64\)",
        ),
        (
            "test_timestamps/girl-xz-a-o",
            np.full(300, np.nan),
            r"test girl-xz-a-o: t\[0\] must be a time",
        ),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, name: str, value: Any, message: str) -> None:
    path = write_digits_heard(tmp_path) / "n-tidigits.hdf5"
    replace_item(path, name, value)
    with pytest.raises(ValueError, match=message):
        load_n_tidigits(tmp_path)


def test_what_is_not_there_or_cut(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        load_n_tidigits(tmp_path)
    assert "has no n-tidigits.hdf5 of N-TIDIGITS18" in str(error.value)
    assert "md5 360a2d11e5429555c9197381cf6b58e0" in str(error.value)
    path = write_digits_heard(tmp_path) / "n-tidigits.hdf5"
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(ValueError, match=r"n-tidigits\.hdf5: is no HDF5 file, or a damaged one"):
        load_n_tidigits(tmp_path)
