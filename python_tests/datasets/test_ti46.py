"""TI46: SPHERE files whose names end in .wav, words, speakers, what is named otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from event_files import write_ti46
from sound_files import sphere, tone, write_wav

from strsbp_rs.datasets import load_dataset, load_ti46_alpha, load_ti46_digits


def test_letters(tmp_path: Path) -> None:
    data = load_dataset("ti46-alpha", write_ti46(tmp_path / "ti46-alpha", "ti46-alpha").parent)
    assert "".join(data.class_names) == "abcdefghijklmnopqrstuvwxyz"
    assert (data.sample_rate, len(data.x_train), len(data.x_test)) == (12_500, 52, 52)
    # Of every speaker, in the order of the alphabet; f1 comes first.
    np.testing.assert_array_equal(data.y_train, np.tile(np.arange(26), 2))
    np.testing.assert_array_equal(data.groups_test, np.repeat([0, 10], 26))
    assert (data.group_names[0], data.group_names[10]) == ("f1", "m3")
    np.testing.assert_array_equal(data.x_train[30], tone(1_540, 4))


@pytest.mark.parametrize("root", ["", "ti20", "TI46/ti20"])
def test_digits_without_the_other_words(tmp_path: Path, root: str) -> None:
    write_ti46(tmp_path / "made", "ti46-digits")
    place = tmp_path / "found" / root
    place.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "made" / "ti20").rename(place)
    data = load_ti46_digits(tmp_path / "found")
    assert (len(data.x_train), len(data.class_names)) == (20, 10)
    np.testing.assert_array_equal(data.y_test, np.tile(np.arange(10), 2))
    # Plain WAV files, into which others have converted theirs, are read too.
    write_wav(place / "train" / "f1" / "00f1set0.wav", tone(99, 3), 12_500)
    np.testing.assert_array_equal(load_ti46_digits(tmp_path / "found").x_train[0], tone(99, 3))


def test_what_is_refused(tmp_path: Path) -> None:
    folder = write_ti46(tmp_path, "ti46-digits")
    place = folder / "ti20" / "train" / "m3"
    for name, message in (
        ("03m3s1t0.wav", r"named otherwise than .*set\{0-9\}\.wav in its speaker's folder"),
        ("03f1set1.wav", "named otherwise than"),
        ("03m3set1.txt", "named otherwise than"),
        ("0bm3set0.wav", "is of the word '0b', expected 00 to 09"),
    ):
        (place / name).write_bytes(b"")
        with pytest.raises(ValueError, match=message):
            load_ti46_digits(folder)
        (place / name).unlink()
    packed = sphere(b"ajkg", 900, sample_coding="-s26 pcm,embedded-shorten-v2.00")
    (place / "03m3set1.wav").write_bytes(packed)
    with pytest.raises(ValueError, match=r"03m3set1\.wav: is compressed by shorten.*sph2pipe"):
        load_ti46_digits(folder)
    with pytest.raises(FileNotFoundError) as error:
        load_ti46_alpha(folder)
    assert "has no ti_alpha/train/[fm][1-8]/" in str(error.value)
    assert "https://catalog.ldc.upenn.edu/LDC93S9 (LDC User Agreement)" in str(error.value)
