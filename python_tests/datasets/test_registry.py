"""Data sets by name: one interface, where they are looked for, what is downloaded and said."""

from __future__ import annotations

import hashlib
import http.server
import inspect
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_files import WRITERS, write_heidelberg

import strsbp_rs as sr
from strsbp_rs import _bars, datasets
from strsbp_rs.datasets import _entry, _heidelberg, _images, load_dataset
from strsbp_rs.datasets._registry import DATASETS
from strsbp_rs.recipes._recipe import load_recipe
from strsbp_rs.training._data import load_data


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty; no other place has data."""
    monkeypatch.delenv("STRSBP_DATA", raising=False)
    monkeypatch.setattr(_entry, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(_images, "_DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path / "cache"


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("place", ["argument", "environment", "cache"])
def test_one_interface(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    root = cache if place == "cache" else tmp_path / "data"
    WRITERS[name](root / name)
    if place == "environment":
        monkeypatch.setenv("STRSBP_DATA", str(root))
    data = load_dataset(name, root / name if place == "argument" else None, download=False)
    entry = DATASETS[name]
    assert (data.name, data.licence) == (name, entry.licence)
    assert str(root / name) in data.source
    assert len(data.class_names) == entry.n_classes == len(set(data.class_names))
    for x, y, groups in (
        (data.x_train, data.y_train, data.groups_train),
        (data.x_test, data.y_test, data.groups_test),
    ):
        assert len(x) == len(y) > 0 and y.dtype == np.int64
        assert 0 <= y.min() <= y.max() < entry.n_classes
        if groups is not None:
            assert groups.shape == y.shape and groups.max() < len(data.group_names)
    if entry.kind == "events":
        assert isinstance(data.x_train, sr.SpikeTrains) and isinstance(data.x_test, sr.SpikeTrains)
        assert data.x_train.shape[1] == data.x_test.shape[1]
        assert data.n_in == np.prod(data.sensor_size) and data.step_ms is not None
    else:
        assert data.sample_rate in (8_000, 12_500)
        assert all(isinstance(sound, np.ndarray) and sound.ndim == 1 for sound in data.x_train)


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.layouts])
def test_what_is_said_where_it_is_not_found(tmp_path: Path, name: str) -> None:
    entry = DATASETS[name]
    with pytest.raises(FileNotFoundError) as error:
        load_dataset(name, download=False)
    said = str(error.value)
    assert "--data-dir or $STRSBP_DATA" in said and entry.licence in said and "to get it: " in said
    for file in entry.layouts[0]:
        assert file.split("|")[0] in said
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"data_dir: .*empty has no .* of") as error:
        load_dataset(name, tmp_path / "empty")
    assert f" of {entry.title}; to get it: " in str(error.value)
    with pytest.raises(TypeError, match=r"data_dir must be str or os.PathLike, got 3"):
        load_dataset(name, 3)  # type: ignore[arg-type]


def bars(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of every bar that is made from now on, whether it is hidden."""
    hidden: list[bool] = []
    make = _bars.new_bar

    def new_bar(total: int, what: str, hidden_: bool = False, **options: Any) -> Any:
        hidden.append(options.pop("hidden", hidden_))
        return make(total, what, True, **options)

    monkeypatch.setattr(_bars, "new_bar", new_bar)
    return hidden


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "n-tidigits"])
def test_bars_are_drawn_unless_they_are_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hidden = bars(monkeypatch)
    WRITERS[name](tmp_path / name)
    load_dataset(name, tmp_path)
    load_dataset(name, tmp_path, progress=False)
    half = len(hidden) // 2
    assert hidden == [False] * half + [True] * half and half > 0


def test_quiet_runs_draw_no_bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = bars(monkeypatch)
    write_heidelberg(tmp_path / "shd", n=1)
    load_data(load_recipe("shd"), str(tmp_path), progress=True)
    load_data(load_recipe("shd"), str(tmp_path), progress=False)
    assert hidden == [False, False, True, True]


def test_entries_say_all() -> None:
    for name, entry in DATASETS.items():
        assert name == entry.name and entry.title and entry.licence
        assert entry.kind in ("images", "sounds", "events")
        loader = entry.load.__name__
        assert getattr(datasets, loader) is entry.load and loader in datasets.__all__
        assert bool(entry.downloads) == ("download" in inspect.signature(entry.load).parameters)
        assert entry.url.startswith("http") or name == "sounds-by-class"
        for file in entry.downloads:
            kind, _, digits = file.known_hash.partition(":")
            assert len(digits) == hashlib.new(kind).digest_size * 2


def test_what_may_not_be_entered_is_passed_over(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_heidelberg(cache / "shd", n=1)
    stat = Path.stat

    def refusing(path: Path, **options: bool) -> os.stat_result:
        if "locked" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refusing)
    monkeypatch.setenv("STRSBP_DATA", str(tmp_path / "locked"))
    assert load_dataset("shd", download=False).source == str(cache / "shd")
    place = _entry.look(DATASETS["ssc"])
    assert place.folder is None
    assert place.obstacles[0] == f"{tmp_path / 'locked'}: Permission denied"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Serves a folder on this machine; gives the address of a file in it."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def address(path: Path) -> str:
            path.rename(folder / path.name)
            return f"http://127.0.0.1:{server.server_address[1]}/{path.name}"

        yield address
        server.shutdown()
        thread.join()


def test_downloads(
    tmp_path: Path,
    cache: Path,
    served: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write_heidelberg(tmp_path / "made", n=1)
    downloads = []
    for file in _heidelberg.SHD.downloads:
        archive = tmp_path / file.file
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(tmp_path / "made" / file.file.removesuffix(".zip"), archive.stem)
        known = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
        downloads.append(replace(file, url=served(archive), known_hash=known))
    of_another = replace(downloads[1], known_hash="sha256:" + "0" * 64)
    entry = replace(_heidelberg.SHD, downloads=(downloads[0], of_another))
    monkeypatch.setattr(_heidelberg, "SHD", entry)
    with pytest.raises(FileNotFoundError, match="was not found"):
        load_dataset("shd", download=False)
    with pytest.raises(ValueError, match="hash"):
        load_dataset("shd")
    assert sorted(os.listdir(cache / "shd")) == ["shd_train.h5", "shd_train.h5.zip"]
    monkeypatch.setattr(_heidelberg, "SHD", replace(entry, downloads=tuple(downloads)))
    data = load_dataset("shd")
    assert data.source == str(cache / "shd")
    assert sorted(os.listdir(cache / "shd")) == ["shd_test.h5", "shd_train.h5"]
    # Of a folder called as the data set, what that lacks is told.
    (cache / "shd" / "shd_train.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"cache has no shd_train\.h5 of SHD"):
        load_dataset("shd", cache)
    # A folder that is named is not replaced by a download.
    with pytest.raises(FileNotFoundError, match="data_dir"):
        load_dataset("shd", tmp_path)


def test_an_archive_without_the_files(
    tmp_path: Path, served: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "shd_train.h5.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("readme.txt", "nothing else")
    known = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    file = replace(_heidelberg.SHD.downloads[0], url=served(archive), known_hash=known)
    monkeypatch.setattr(_heidelberg, "SHD", replace(_heidelberg.SHD, downloads=(file,)))
    with pytest.raises(FileNotFoundError, match=r"shd_train\.h5, shd_test\.h5 was not in what was"):
        load_dataset("shd")


def test_names() -> None:
    with pytest.raises(ValueError, match=r"data set 'shdd' is not one of .*did you mean 'shd'"):
        load_dataset("shdd")
    assert load_dataset("demo").name == "demo"
    with pytest.raises(TypeError, match="seed is no option of demo, which has none"):
        load_dataset("demo", seed=3)
