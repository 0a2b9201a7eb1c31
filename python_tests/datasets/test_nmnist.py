"""N-MNIST: against a definition event by event, overflows of the clock, damaged files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from event_files import Events, draw, nmnist_bytes, write_nmnist

from strsbp_rs.datasets import load_dataset, load_nmnist


def expected(events: Events, step_us: int, *, count: bool = False) -> list[tuple[int, int]]:
    """Steps and inputs of a recording, from its events and the markers among them."""
    found, late = [], 0
    for x, y, p, t in events:
        if y == 240:
            late += 8192
        else:
            found.append(((t + late) // step_us, x + 34 * (y + 34 * p)))
    return sorted(found) if count else sorted(set(found))


def overflowing(seed: int) -> Events:
    """A recording whose clock runs over twice, with markers of any pixel and polarity."""
    rng = np.random.default_rng(seed)
    first, second, third = (list(draw(rng, 400, (34, 34, 2), 8_000)) for _ in range(3))
    return [*first, (5, 240, 1, 8_191), *second, (0, 240, 0, 0), *third]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_nmnist(tmp_path / "n-mnist")


@pytest.mark.parametrize("repeated", ["merge", "count"])
def test_events_become_spikes(folder: Path, repeated: str) -> None:
    events = {digit: overflowing(digit) for digit in range(10)}
    for digit, of in events.items():
        (folder / "Test" / str(digit) / f"{digit + 1:05}.bin").write_bytes(nmnist_bytes(of))
    data = load_nmnist(folder, step_ms=0.5, repeated=repeated, n_threads=2)
    assert (data.name, data.sensor_size, data.n_in) == ("n-mnist", (34, 34, 2), 2312)
    assert (data.step_ms, data.class_names[3], data.image_shape) == (0.5, "3", None)
    np.testing.assert_array_equal(data.y_train, np.repeat(np.arange(10), 2))
    np.testing.assert_array_equal(data.y_test, np.arange(10))
    for digit, got in enumerate(data.x_test.to_events()):
        should = expected(events[digit], 500, count=repeated == "count")
        assert list(zip(got["t"].tolist(), got["x"].tolist(), strict=True)) == should
        assert data.x_test.lengths[digit] == should[-1][0] + 1
        assert should[-1][0] > 2 * 8192 // 500
    # What a loss asks of a recording does not depend on its part.
    assert data.x_train.shape[1] == data.x_test.shape[1] == data.x_train.lengths.max()


def test_all_of_as_many_steps(folder: Path) -> None:
    whole = load_dataset("n-mnist", folder.parent)
    cut = load_dataset("n-mnist", folder, n_steps=100)
    assert cut.x_train == whole.x_train[:, :100]
    filled = load_dataset("n-mnist", folder, n_steps=1_000)
    assert filled.x_test.shape == (10, 1_000, 2312)
    assert set(filled.x_test.lengths) == {1_000}
    assert filled.x_test.n_spikes == whole.x_test.n_spikes
    one = load_nmnist(folder, n_threads=1)
    assert (one.x_train, one.x_test) == (whole.x_train, whole.x_test)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "holds 0 bytes, expected 5 an event"),
        (nmnist_bytes([(1, 2, 0, 3)] * 9)[:-1], "holds 44 bytes, expected 5 an event"),
        (nmnist_bytes([(1, 2, 0, 3), (34, 0, 0, 4)]), r"event 1 is at \(34, 0\), expected pixels"),
        (nmnist_bytes([(1, 241, 0, 3)]), r"event 0 is at \(1, 241\), expected pixels of \[0, 34\)"),
        (nmnist_bytes([(1, 240, 0, 3)]), "holds no events"),
    ],
)
def test_damaged_recordings(folder: Path, data: bytes, message: str) -> None:
    path = folder / "Train" / "4" / "00005.bin"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: {message}"):
        load_nmnist(folder)


def test_folders_that_are_not_whole(folder: Path, tmp_path: Path) -> None:
    stray = folder / "Test" / "0" / "notes.txt"
    stray.write_text("no recording")
    with pytest.raises(ValueError, match=r"notes\.txt: is named otherwise than NUMBER\.bin"):
        load_nmnist(folder)
    stray.unlink()
    for path in (folder / "Train" / "7").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"Train/7: has no files, expected NUMBER\.bin of digit 7"):
        load_nmnist(folder)
    (folder / "Test").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="n-mnist has no Test/ of N-MNIST; to get it: http"):
        load_nmnist(folder)


def test_options_that_are_refused(folder: Path) -> None:
    for options, message in (
        ({"step_ms": 0.0}, "step_ms must be finite and > 0 ms, got 0.0"),
        ({"n_steps": 0}, r"n_steps must be in \[1, 2\^24\], got 0"),
        ({"repeated": "keep"}, "repeated must be one of .*, got 'keep'"),
        ({"n_threads": 0}, "n_threads must be"),
    ):
        with pytest.raises(ValueError, match=message):
            load_nmnist(folder, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="step_ms must be a number"):
        load_nmnist(folder, step_ms="1")  # type: ignore[arg-type]
