"""Sets of sounds: Free Spoken Digits, folders by class, what front ends hear in them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sound_files import tone, write_wav

import strsbp_rs as sr
from strsbp_rs import datasets
from strsbp_rs.audio import Cache, HeidelbergCochlea, LyonEar, resample
from strsbp_rs.datasets import Dataset, load_dataset, load_free_spoken_digits, load_sounds_by_class

SPEAKERS = ("yweweler", "george", "nicolas")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Two digits, three speakers, recordings 0, 4, 5 and 10; and what else lies in such folders."""
    folder = tmp_path / "fsdd"
    (folder / "recordings").mkdir(parents=True)
    (folder / "README.md").write_text("what it is")
    (folder / "recordings" / "about.txt").write_text("no sound")
    for digit in (7, 0):
        for speaker in SPEAKERS:
            for index in (0, 4, 5, 10):
                n = 900 + 100 * digit + index
                write_wav(folder / "recordings" / f"{digit}_{speaker}_{index}.wav", tone(n, digit))
    return folder


def test_free_spoken_digits(digits: Path) -> None:
    data = load_dataset("free-spoken-digits", digits)
    assert isinstance(data.x_train, list) and isinstance(data.x_test, list)
    assert (data.sample_rate, data.image_shape, data.class_names[7]) == (8_000, None, "7")
    assert data.group_names == ("george", "nicolas", "yweweler")
    # In the order of names; 5 and 10 are trained on, 0 and 4 tested.
    np.testing.assert_array_equal(data.y_train, np.repeat([0, 7], 6))
    np.testing.assert_array_equal(data.groups_test, np.tile(np.repeat([0, 1, 2], 2), 2))
    assert [len(sound) for sound in data.x_train[:2]] == [910, 905]
    assert [len(sound) for sound in data.x_test[-2:]] == [1600, 1604]
    np.testing.assert_array_equal(data.x_test[-1], tone(1604, 7))
    assert data.x_train[0].dtype == np.int16
    assert repr(data) == (
        "<Dataset free-spoken-digits: 12 training and 12 test sounds of 8,000 Hz, 10 classes, "
        f"from {digits}>"
    )
    with pytest.raises(ValueError, match="sounds of free-spoken-digits are no inputs"):
        _ = data.n_in


def test_the_folder_of_recordings_may_be_given(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(load_free_spoken_digits(digits / "recordings").y_test) == 12
    monkeypatch.setenv("STRSBP_DATA", str(digits.rename(digits.parent / "free-spoken-digits")))
    assert len(load_free_spoken_digits().y_test) == 12
    monkeypatch.setenv("STRSBP_DATA", str(digits.parent))
    assert len(load_free_spoken_digits().y_test) == 12


def test_what_is_wrong_with_digits(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError) as error:
        load_free_spoken_digits(tmp_path / "empty")
    assert "empty has no recordings/[0-9]_*_*.wav of Free Spoken Digits" in str(error.value)
    assert "git clone https://github.com/Jakobovski" in str(error.value)
    stray = write_wav(digits / "recordings" / "7-theo-3.wav", tone())
    with pytest.raises(ValueError, match=rf"{re.escape(str(stray))}: is named otherwise than"):
        load_free_spoken_digits(digits)
    stray.unlink()
    other = write_wav(digits / "recordings" / "7_theo_3.wav", tone(), 16_000)
    with pytest.raises(ValueError, match=r"theo_3\.wav: has 16000 samples a second, expected 8000"):
        load_free_spoken_digits(digits)
    other.write_bytes(other.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"theo_3\.wav: is cut"):
        load_free_spoken_digits(digits)
    for path in digits.glob("recordings/*_[04].wav"):
        path.unlink()
    other.unlink()
    with pytest.raises(ValueError, match="has no recording for testing"):
        load_free_spoken_digits(digits)


def test_options_that_a_loader_does_not_have(digits: Path) -> None:
    with pytest.raises(TypeError, match=r"step_ms is no option of free-spoken-digits, .* none"):
        load_dataset("free-spoken-digits", digits, step_ms=1.0)
    with pytest.raises(TypeError, match=r"seeed is no option of sounds.*; did you mean 'seed'"):
        load_dataset("sounds-by-class", digits, seeed=1)


def test_what_a_front_end_hears(digits: Path, tmp_path: Path) -> None:
    data = load_free_spoken_digits(digits).split_validation(0.3)
    ear = LyonEar(12_500)
    heard = data.heard_by(ear, progress=False, n_threads=1, cache=tmp_path / "heard")
    assert (heard.sample_rate, heard.step_ms, heard.n_in) == (None, 16.0, 78)
    for part in ("x_train", "x_validation", "x_test"):
        sounds, frames = getattr(data, part), getattr(heard, part)
        assert len(frames) == len(sounds) > 0
        for sound, got in zip(sounds, frames, strict=True):
            np.testing.assert_array_equal(got, ear(resample(sound, 8_000, 12_500)))
    np.testing.assert_array_equal(heard.y_train, data.y_train)
    assert Cache(tmp_path / "heard").n_recordings == 8  # Speakers say the same here.
    assert "samples of 78 inputs" in repr(heard)
    # Of the same rate they are heard as they are.
    low = data.heard_by(LyonEar(8_000), progress=False, cache=False)
    np.testing.assert_array_equal(low.x_test[3], LyonEar(8_000)(data.x_test[3]))
    spikes = data.heard_by(HeidelbergCochlea(20_000, 30, 2.0), progress=False, cache=False)
    assert (spikes.sample_rate, spikes.step_ms, spikes.n_in) == (None, 2.0, 30)
    assert isinstance(spikes.x_train, sr.SpikeTrains)
    durations = [len(sound) / 16 for sound in data.x_test]
    np.testing.assert_allclose(spikes.x_test.lengths, durations, atol=1.0)
    with pytest.raises(ValueError, match="must hold sounds, which have a sample_rate"):
        heard.heard_by(ear)
    with pytest.raises(TypeError, match=r"front_end must be one of strsbp_rs.audio, got 8000"):
        data.heard_by(8000)  # type: ignore[arg-type]


def test_a_speaker_is_left_out(digits: Path) -> None:
    data = load_free_spoken_digits(digits)
    left = data.leave_out("nicolas")
    assert (len(left.x_train), len(left.x_test)) == (16, 8)
    assert set(left.groups_train) == {0, 2} and set(left.groups_test) == {1}
    assert [len(sound) for sound in left.x_test] == [910, 905, 1610, 1605, 900, 904, 1600, 1604]
    np.testing.assert_array_equal(left.y_test, [0, 0, 7, 7] * 2)
    again = data.leave_out(1)
    np.testing.assert_array_equal(again.y_train, left.y_train)
    # Of spikes and of values, likewise.
    x = np.arange(6)[:, None, None] * np.ones((6, 2, 3), int)
    spikes = (sr.SpikeTrains.from_counts(x[:4]), sr.SpikeTrains.from_counts(x[4:]))
    for x_train, x_test in (spikes, (x[:4, 0], x[4:, 0])):
        made = replace(
            of_groups([0, 1, 0, 1], [0, 1, 0, 1]),
            x_train=x_train,
            x_test=x_test,
            y_test=np.array([1, 0]),
            groups_test=np.array([1, 0]),
            group_names=("a", "b"),
        ).leave_out("a")
        assert made.y_train.tolist() == [1, 1, 1] and made.y_test.tolist() == [0, 0, 0]
        kept = made.x_train.to_counts()[:, 0, 0] if x_train is spikes[0] else made.x_train[:, 0]
        assert kept.tolist() == [1, 3, 4]
    for group, message in (("nobody", "group must be one of"), (3, "group must be < 3, got 3")):
        with pytest.raises(ValueError, match=message):
            data.leave_out(group)
    with pytest.raises(ValueError, match="groups of made are not known: none can be left out"):
        of_groups(None, [0, 1]).leave_out(0)
    with pytest.raises(ValueError, match="group must leave samples on both sides, got 0"):
        replace(
            left, groups_train=left.groups_train * 0, groups_test=left.groups_test * 0
        ).leave_out(0)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Files of two classes."""
    folder = tmp_path / "sounds"
    for seed, name in enumerate(("yes", "no", "yes/.hidden")):
        (folder / name).mkdir(parents=True)
        for index in range(5):
            write_wav(folder / name / f"{index}.WAV", tone(500 + index, seed), 16_000)
    (folder / "notes.txt").write_text("not a class")
    (folder / ".cache").mkdir()
    return folder


def test_folders_by_class(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_sounds_by_class(classes, test_share=0.2, seed=4)
    assert (data.name, data.class_names, data.sample_rate) == ("sounds", ("no", "yes"), 16_000)
    np.testing.assert_array_equal(data.y_train, [0] * 4 + [1] * 4)
    np.testing.assert_array_equal(data.y_test, [0, 1])
    assert data.groups_train is None
    assert sorted(map(len, [*data.x_train, *data.x_test])) == sorted([500, 501, 502, 503, 504] * 2)
    others = [load_sounds_by_class(classes, seed=seed).x_test for seed in range(8)]
    assert len({tuple(map(len, other)) for other in others}) > 1
    # With parts of their own.
    for part in ("train", "test"):
        (classes.parent / "parts" / part).mkdir(parents=True)
    (classes / "yes").rename(classes.parent / "parts" / "train" / "yes")
    (classes / "no").rename(classes.parent / "parts" / "test" / "no")
    data = load_dataset("sounds-by-class", classes.parent / "parts")
    np.testing.assert_array_equal(data.y_train, [1] * 5)
    np.testing.assert_array_equal(data.y_test, [0] * 5)
    monkeypatch.setenv("STRSBP_DATA", str(classes.parent))
    (classes.parent / "parts").rename(classes.parent / "sounds-by-class")
    assert len(load_sounds_by_class().y_test) == 5


def test_what_is_wrong_with_folders(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (classes / "maybe").mkdir()
    with pytest.raises(ValueError, match="maybe: has no files of sound"):
        load_sounds_by_class(classes)
    with pytest.raises(ValueError, match="maybe: has no folders, expected one for every class"):
        load_sounds_by_class(classes / "maybe")
    with pytest.raises(OSError, match="nowhere"):
        load_sounds_by_class(classes / "nowhere")
    (classes / "maybe").rmdir()
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\), got 1\.5"):
        load_sounds_by_class(classes, test_share=1.5)
    monkeypatch.delenv("STRSBP_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="data_dir must be given"):
        datasets.load_sounds_by_class()


def of_groups(groups: list[int] | None, y: list[int]) -> Dataset:
    labels = np.array(y, np.int64)
    return Dataset(
        "made",
        np.arange(len(y))[:, None] / len(y),
        labels,
        np.zeros((1, 1)),
        np.zeros(1, np.int64),
        None,
        ("a", "b"),
        "here",
        "none",
        groups_train=None if groups is None else np.array(groups, np.int64),
    )


def test_whole_speakers_are_held_out() -> None:
    groups = [0] * 10 + [1] * 10 + [2] * 10 + [5] * 10
    data = of_groups(groups, [0, 1] * 20)
    seen = set()
    for seed in range(20):
        split = data.split_validation(0.3, seed)
        assert len(split.x_validation) == len(split.y_validation) == 10
        held = sorted(set(groups) - set(split.groups_train.tolist()))
        assert len(held) == 1 and len(split.groups_train) == 30
        at = np.rint(split.x_validation[:, 0] * 40).astype(int)
        assert {groups[i] for i in at} == set(held)
        seen.add(held[0])
    assert seen == {0, 1, 2, 5}
    assert len(data.split_validation(0.5).y_validation) == 20
    # As near with one group as with two: one.
    assert len(of_groups([0, 1, 2] * 10, [0, 1] * 15).split_validation(0.5).y_validation) == 10
    assert len(data.split_validation(0.01).y_validation) == 10
    assert len(data.split_validation(0.99).y_train) == 10
    np.testing.assert_array_equal(
        data.split_validation(0.3, 3).x_train, data.split_validation(0.3, 3).x_train
    )


@pytest.mark.parametrize("groups", [None, [3] * 30])
def test_every_class_gives_its_share(groups: list[int] | None) -> None:
    data = of_groups(groups, [0] * 20 + [1] * 10)
    split = data.split_validation(0.2)
    np.testing.assert_array_equal(np.bincount(split.y_validation), [4, 2])
    np.testing.assert_array_equal(np.bincount(split.y_train), [16, 8])
    values = np.concatenate([split.x_train, split.x_validation])
    np.testing.assert_array_equal(np.sort(values, axis=0), data.x_train)
    assert "24 training, 6 validation and 1 test samples of 1 inputs" in repr(split)


def test_shares_that_are_refused() -> None:
    data = of_groups(None, [0, 1, 0])
    for share in (0.0, 1.0, -0.5, float("nan")):
        with pytest.raises(ValueError, match=r"share must be in \(0, 1\)"):
            data.split_validation(share)
    for share in (0.01, 0.99):
        with pytest.raises(ValueError, match=r"share must leave samples on .*, got .* of 3"):
            data.split_validation(share)
    with pytest.raises(TypeError, match="share must be a number"):
        data.split_validation("much")  # type: ignore[arg-type]
    split = data.split_validation(0.4)
    with pytest.raises(ValueError, match="made has 1 validation samples already"):
        split.split_validation(0.4)
    assert replace(split, x_validation=None).split_validation(0.5).y_train.size == 1
