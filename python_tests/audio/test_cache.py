"""What was heard before: found again, told apart, damaged, refused by the disk."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pooch
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.audio import Cache, LyonEar, _front_ends, _sounds

EAR = LyonEar(8_000, 100)
SOUNDS = [np.random.default_rng(n).standard_normal(n) / 9 for n in (1_234, 0, 500, 99)]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many recordings each call of the core hears."""
    counts: list[int] = []
    core = _front_ends.hear_all

    def hear_all(front_end: object, sounds: list[NDArray[np.float64]], *rest: object) -> object:
        counts.append(len(sounds))
        return core(front_end, sounds, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(_front_ends, "hear_all", hear_all)
    return counts


def assert_equal(got: list[NDArray[np.float64]], ear: LyonEar, sounds: list[object]) -> None:
    expected = ear.many(sounds)  # type: ignore[arg-type]
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == np.float64 and one.flags.writeable
        np.testing.assert_array_equal(one, other)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_heard_is_not_heard_again(tmp_path: Path, heard: list[int]) -> None:
    folder = tmp_path / "new" / "folder"
    first = EAR.many(SOUNDS[:2], cache=folder)
    second = EAR.many(SOUNDS, cache=str(folder))
    third = EAR.many(SOUNDS[::-1], cache=folder, n_threads=2)
    assert heard == [2, 2, 0]
    assert_equal(first, EAR, SOUNDS[:2])
    assert_equal(second, EAR, SOUNDS)
    assert_equal(third, EAR, SOUNDS[::-1])
    cache = Cache(folder)
    assert (cache.folder, cache.n_recordings) == (folder, 4)
    assert cache.n_bytes == sum(path.stat().st_size for path in files(folder)) > 17 * 64 * 8
    assert repr(cache) == f"Cache({str(folder)!r}: 4 recordings, 0.0 MB)"
    assert {path.suffix for path in files(folder)} == {".heard"}
    (files(folder)[0].parent / "left.heard.0f.tmp").touch()
    cache.clear()
    assert files(folder) == [] and cache.n_recordings == 0


def test_sounds_front_ends_and_versions_are_told_apart(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = np.sin(np.arange(500))
    other = sound.copy()
    other[77] = np.nextafter(other[77], 1)
    EAR.many([sound], cache=tmp_path)
    EAR.many([other], cache=tmp_path)
    EAR.many([sound[:-1]], cache=tmp_path)
    LyonEar(8_001, 100).many([sound], cache=tmp_path)
    LyonEar(8_000, 100, difference=False).many([sound], cache=tmp_path)
    monkeypatch.setattr(LyonEar, "version", LyonEar.version + 1)
    EAR.many([sound], cache=tmp_path)
    assert heard == [1] * 6
    EAR.many([sound], cache=tmp_path)
    assert heard == [1] * 6 + [0]


def test_a_number_is_the_same_in_any_type(tmp_path: Path, heard: list[int]) -> None:
    pcm = (20_000 * np.sin(np.arange(500))).astype(np.int16)
    EAR.many([pcm], cache=tmp_path)
    assert_equal(EAR.many([(pcm / 32_768).tolist()], cache=tmp_path), EAR, [pcm])
    assert heard[:2] == [1, 0]


def test_batches_are_kept_one_by_one(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a call that is interrupted, what is done is done."""
    monkeypatch.setattr(_sounds, "_BATCH", 1_200)
    assert_equal(EAR.many(SOUNDS, cache=tmp_path), EAR, SOUNDS)
    assert heard[:2] == [1, 3]
    core, calls = _front_ends.hear_all, []

    def hear_all(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return core(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_front_ends, "hear_all", hear_all)
    with pytest.raises(KeyboardInterrupt):
        EAR.many(SOUNDS, cache=tmp_path / "other")
    assert Cache(tmp_path / "other").n_recordings == 1


@pytest.mark.parametrize("damage", ["empty", "half", "bit", "magic", "other"])
def test_damaged_files_are_heard_again_and_told(
    tmp_path: Path, heard: list[int], damage: str
) -> None:
    EAR.many(SOUNDS, cache=tmp_path)
    first, second, *_ = files(tmp_path)
    data = bytearray(first.read_bytes())
    if damage == "bit":
        data[-1] ^= 1
    elif damage == "magic":
        data[0] ^= 1
    elif damage == "other":  # Whole, but of another recording.
        data = bytearray(second.read_bytes())
    first.write_bytes(data[: {"empty": 0, "half": len(data) // 2}.get(damage, len(data))])
    with pytest.warns(sr.CacheWarning, match=f"cache .*: 1, the first is {first}; .* again"):
        got = EAR.many(SOUNDS, cache=tmp_path)
    assert_equal(got, EAR, SOUNDS)
    EAR.many(SOUNDS, cache=tmp_path)
    assert heard[1] == 1 and heard[-1] == 0


def test_what_the_disk_refuses_is_told_and_the_work_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        EAR.many(SOUNDS, cache=tmp_path / "file")
    for path in EAR.many(SOUNDS, cache=tmp_path / "full") and files(tmp_path / "full"):
        path.unlink()
        path.mkdir()
    with pytest.warns(sr.CacheWarning, match=r"the cache of what was heard is not used: \[Errno"):
        assert_equal(EAR.many(SOUNDS, cache=tmp_path / "full"), EAR, SOUNDS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("strsbp_rs.audio._cache.os.replace", full)
    with pytest.warns(sr.CacheWarning, match="No space left on device"):
        assert_equal(EAR.many(SOUNDS, cache=tmp_path / "other"), EAR, SOUNDS)
    assert files(tmp_path / "other") == []


def test_the_users_cache_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    EAR.many(SOUNDS, cache=True)
    assert Cache().folder == tmp_path / "strsbp_rs" / "heard" and Cache().n_recordings == 4
    EAR.many(SOUNDS[:1], cache=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: Path("~") / name)
    with pytest.warns(sr.CacheWarning, match=r"is not used: there is no folder .* \$HOME"):
        assert_equal(EAR.many(SOUNDS, cache=True), EAR, SOUNDS)
    with pytest.raises(FileNotFoundError, match=r"\$HOME is not set"):
        Cache()


@pytest.mark.parametrize("cache", [1, None, b"folder", 0.0])
def test_other_caches_are_refused(cache: object) -> None:
    with pytest.raises(TypeError, match="cache must be a bool or the path of a folder, got"):
        EAR.many(SOUNDS, cache=cache)  # type: ignore[arg-type]
    if cache is not None:
        with pytest.raises(TypeError, match=r"folder must be str or os\.PathLike, got"):
            Cache(cache)  # type: ignore[arg-type]


def test_a_refused_recording_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"recordings\[4\]\[0\] must be finite"):
        EAR.many([*SOUNDS, [np.inf]], cache=tmp_path)
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_modes_follow_the_umask(tmp_path: Path) -> None:
    EAR.many(SOUNDS[:1], cache=tmp_path / "a")
    (tmp_path / "b").touch()
    assert files(tmp_path / "a")[0].stat().st_mode == (tmp_path / "b").stat().st_mode
