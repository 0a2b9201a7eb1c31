"""DVS-Gesture in both layouts, and AEDAT 3.1."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_files import aedat, draw, write_gesture

from strsbp_rs.datasets import load_dataset, load_dvs_gesture
from strsbp_rs.datasets._aedat import read_aedat


def test_events_of_aedat(tmp_path: Path) -> None:
    events = list(draw(np.random.default_rng(5), 950, (128, 128, 2), 2_000_000))
    # The clock of 31 bits runs over.
    events += [(x, y, p, t + 2**31) for x, y, p, t in events[:300]]
    path = tmp_path / "a.aedat"
    path.write_bytes(aedat(events, 190))
    got = read_aedat(path)
    assert [tuple(event) for event in got[["x", "y", "p", "t"]].tolist()] == events
    # Of those that are marked as invalid, nothing comes.
    path.write_bytes(aedat(events[:50], 20, invalid=(3, 44)))
    kept = [event for at, event in enumerate(events[:50]) if at not in (3, 44)]
    assert [tuple(event) for event in read_aedat(path).tolist()] == kept
    # Where no packet has any, by its header, a mark says nothing: not all writers set it.
    path.write_bytes(aedat(events[:50], 20, invalid=range(50), told=False))
    assert [tuple(event) for event in read_aedat(path).tolist()] == events[:50]
    path.write_bytes(aedat([]))
    assert len(read_aedat(path)) == 0


WHOLE = aedat([(1, 2, 1, 3)] * 5)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is no AEDAT file, which starts with #!AER-DAT3.1"),
        (b"#!AER-DAT2.0\r\n" + bytes(80), "is '!AER-DAT2.0', expected '!AER-DAT3.1'"),
        (WHOLE[:20], "is cut within its header"),
        (WHOLE[:-1], "is cut within a packet of 5 events"),
        (WHOLE[:-45], "is cut within the header of a packet"),
        (WHOLE + struct.pack("<hhiiiiii", 1, 0, 8, 4, 0, -1, -1, 0), "has a packet of -1 events"),
        (WHOLE + struct.pack("<hhiiiiii", 1, 0, 0, 4, 0, 1, 1, 0), "of 0 bytes each, at byte"),
        (WHOLE + struct.pack("<hhiiiiii", 1, 0, 8, 4, 0, 9, 1, 0), "of 1 events in room for 9"),
    ],
)
def test_damaged_aedat(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.aedat"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{message}"):
        read_aedat(path)


def test_as_published(tmp_path: Path) -> None:
    data = load_dvs_gesture(write_gesture(tmp_path), step_ms=5.0)
    assert (data.y_train.tolist(), data.class_names[7]) == ([7, 0, 10], "arm roll")
    assert (data.sensor_size, data.n_in, data.step_ms) == ((128, 128, 2), 32_768, 5.0)
    assert data.group_names == ("user01", "user24")
    assert data.groups_train.tolist() == [0] * 3 and data.groups_test.tolist() == [1] * 3
    events = read_aedat(tmp_path / "user01_fluorescent.aedat")
    for at, (start, end) in enumerate([(100_000, 350_000), (400_000, 500_000), (600_000, 880_000)]):
        inside = [tuple(e) for e in events.tolist() if start <= e[3] < end]
        spikes = sorted({((t - start) // 5_000, x + 128 * (y + 128 * p)) for x, y, p, t in inside})
        assert data.x_train[at].to_events()[0].tolist() == spikes
    assert set(data.x_train.lengths) <= {50, 49, 20, 19, 56, 55}


def test_pixels_are_joined(tmp_path: Path) -> None:
    write_gesture(tmp_path)
    whole, small = (load_dvs_gesture(tmp_path, side=side, n_steps=30) for side in (128, 32))
    assert (small.n_in, small.sensor_size) == (2048, (32, 32, 2))
    x = whole.x_test[1].to_events()[0]
    joined = {
        (t, i % 128 // 4 + 32 * (i // 128 % 128 // 4 + 32 * (i // 128**2))) for t, i in x.tolist()
    }
    assert small.x_test[1].to_events()[0].tolist() == sorted(joined)
    with pytest.raises(ValueError, match="side must be a divisor of 128, got 48"):
        load_dvs_gesture(tmp_path, side=48)


@pytest.mark.parametrize(
    "text, message",
    [
        ("class,startTime_usec,endTime_usec\n0,1,2\n", r"line 2 .*expected a class in \[1, 11\]"),
        ("class,startTime_usec,endTime_usec\n12,1,2\n", r"line 2 .*expected a class in \[1, 11\]"),
        ("3,500,100\n", "line 1 .*a begin before the end"),
        ("class,a,b\n3,500\n", "line 2 is .*, expected class, begin, end"),
        ("class,a,b\n3,500,x\n", "line 2 is .*, expected class, begin, end"),
        ("", "has no gestures for part train"),
    ],
)
def test_labels_that_are_wrong(tmp_path: Path, text: str, message: str) -> None:
    write_gesture(tmp_path)
    (tmp_path / "user01_fluorescent_labels.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_dvs_gesture(tmp_path)


def test_recordings_that_are_named_otherwise(tmp_path: Path) -> None:
    write_gesture(tmp_path)
    (tmp_path / "trials_to_test.txt").write_text("someone.aedat\n")
    with pytest.raises(ValueError, match=r"someone\.aedat: is named otherwise than userNN_LIGHT"):
        load_dvs_gesture(tmp_path)
    (tmp_path / "trials_to_test.txt").write_text("user09_lab.aedat\n")
    with pytest.raises(FileNotFoundError, match="user09_lab"):
        load_dvs_gesture(tmp_path)
    (tmp_path / "trials_to_test.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no trials_to_test\.txt of DVS-Gesture"):
        load_dvs_gesture(tmp_path)


def write_npy(folder: Path, part: str, user: str, label: int, columns: Any) -> Path:
    place = folder / f"ibmGesture{part}" / user
    place.mkdir(parents=True, exist_ok=True)
    np.save(place / f"{label}.npy", columns)
    return place / f"{label}.npy"


def test_as_tonic_has_it(tmp_path: Path) -> None:
    # Columns x, y, p and t [ms].
    columns = np.array([[3, 5, 1, 700.0], [127, 0, 0, 705.5], [3, 5, 1, 731.0]])
    write_npy(tmp_path / "dvs-gesture", "Train", "user02_lab", 10, columns)
    write_npy(tmp_path / "dvs-gesture", "Train", "user01_led", 0, columns[:1].astype(np.float32))
    path = write_npy(tmp_path / "dvs-gesture", "Test", "user24_lab", 7, columns.astype(np.int64))
    data = load_dataset("dvs-gesture", tmp_path)
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([0, 10], [7])
    assert data.groups_train.tolist() == [0, 1] and data.group_names[2] == "user24"
    pixel = 3 + 128 * (5 + 128)
    assert data.x_train[1].to_events()[0].tolist() == [(0, 127), (0, pixel), (3, pixel)]
    assert data.x_train.lengths.tolist() == [1, 4]
    for wrong, message in (
        (columns[:, :3], r"has shape \(3, 3\), expected \(n_events, 4\)"),
        (columns[:0], "holds no events"),
        (columns + np.array([128, 0, 0, 0]), r"\['x'\]\[0\] must be in \[0, 128\), got 131"),
        (columns * np.nan, "holds no events, or values that are not finite"),
    ):
        np.save(path, wrong)
        with pytest.raises(ValueError, match=message):
            load_dvs_gesture(tmp_path / "dvs-gesture")
    with path.open("wb") as file:
        np.savez(file, columns)
    with pytest.raises(ValueError, match=r"7\.npy: holds several arrays, expected one"):
        load_dvs_gesture(tmp_path / "dvs-gesture")
    path.write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"7\.npy: is not a whole \.npy file of plain arrays"):
        load_dvs_gesture(tmp_path / "dvs-gesture")
    path.rename(path.with_name("11.npy"))
    with pytest.raises(
        ValueError, match=r"11\.npy: is named otherwise than CLASS\.npy, of a class"
    ):
        load_dvs_gesture(tmp_path / "dvs-gesture")
