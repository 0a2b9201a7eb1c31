"""strsbp data: what is listed, and samples that are drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_line import strsbp
from event_files import write_heidelberg, write_nmnist

from strsbp_rs.datasets import _entry, _images
from strsbp_rs.datasets._registry import DATASETS


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data but what a test writes."""
    monkeypatch.delenv("STRSBP_DATA", raising=False)
    monkeypatch.setattr(_entry, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(_images, "_DEBIAN_FOLDER", tmp_path / "debian")


def test_what_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_heidelberg(tmp_path / "data" / "shd", n=1)
    (folder / "notes.bin").write_bytes(bytes(10_000_000))  # Not of the data set.
    size = sum((folder / f"shd_{part}.h5").stat().st_size for part in ("train", "test"))
    said = strsbp("data", "--data-dir", tmp_path / "data")
    lines = {line.split()[0]: line for line in said.splitlines()[1:]}
    assert list(lines) == ["demo", *DATASETS]
    assert "8,156 + 2,264 events, 20 classes" in lines["shd"] and "CC BY 4.0" in lines["shd"]
    assert lines["shd"].endswith(f"{folder}, {size / 1e6:.1f} MB")
    assert lines["ssc"].endswith("not found; is downloaded when it is asked for")
    assert "not found; https://catalog.ldc.upenn.edu/LDC93S9" in lines["ti46-alpha"]
    assert "the package, 1.1 MB" in lines["demo"]
    monkeypatch.setenv("STRSBP_DATA", str(tmp_path / "data"))
    rows = {row["name"]: row for row in json.loads(strsbp("data", "--json"))}
    assert (rows["shd"]["folder"], rows["shd"]["n_bytes"]) == (str(folder), size)
    assert rows["ssc"]["folder"] is None and rows["ssc"]["samples"] == [75466, 9981, 20382]


def test_samples_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_nmnist(tmp_path / "n-mnist", 1, 1)
    out = tmp_path / "picture.png"
    options = ["--data-dir", tmp_path, "--out", out, "--samples", 2]
    said = strsbp("data", "show", "n-mnist", *options, "--set", "step_ms=5", "--part", "test")
    assert "licence" not in said  # Of the list.
    assert "<Dataset n-mnist: 10 training and 10 test samples of 2,312 inputs" in said
    assert f"written to {out}" in said and out.read_bytes().startswith(b"\x89PNG")
    for arguments, message in (
        (["n-mnist", *options, "--set", "stepms=5"], "stepms is no option of n-mnist"),
        (["n-mnist", *options, "--set", "repeated=all"], "repeated must be one of"),
        (["n-mnist", *options, "--set", "5"], "--set must be KEY=VALUE, got '5'"),
        (["n-mnist", *options[:-1], 11], "n must be <= 10, the samples of part train, got 11"),
        (["n-mnist", *options[:-1], 0], "n must be in [1, 1001), got 0"),
        (["mnistt", *options], "data set 'mnistt' is not one of"),
        (["shd", *options], "has no shd_train.h5, shd_test.h5 of SHD"),
    ):
        assert message in strsbp("data", "show", *arguments, code=2)


def test_libraries_that_are_missing_are_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_heidelberg(tmp_path / "shd", n=1)
    monkeypatch.setitem(sys.modules, "h5py", None)
    said = strsbp("data", "show", "shd", "--data-dir", tmp_path, "--out", "a.png", code=2)
    assert "HDF5 files need h5py: pip install 'strsbp_rs[events]'" in said
    assert "Traceback" not in said
