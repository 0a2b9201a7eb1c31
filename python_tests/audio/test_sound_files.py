"""Files of sound: what is read of each format, and what is said of damaged ones."""

from __future__ import annotations

import builtins
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sound_files import sphere, tone, write_sphere, write_wav

from strsbp_rs.audio import read_sound, resample

SOUND = tone()


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Takes libraries away."""

    def take(*names: str) -> None:
        imported = builtins.__import__

        def refusing(name: str, *rest: Any) -> Any:
            if name in names:
                raise ImportError(f"No module named {name!r}", name=name)
            return imported(name, *rest)

        monkeypatch.setattr(builtins, "__import__", refusing)

    return take


@pytest.mark.parametrize("kind", ["u1", "i2", "i4"])
def test_plain_wav_needs_no_library(tmp_path: Path, without: Any, kind: str) -> None:
    without("soundfile", "soxr")
    samples = (SOUND.astype(np.int64) + (32768 if kind == "u1" else 0)) >> (8 * (kind == "u1"))
    path = write_wav(tmp_path / "a.wav", samples.astype(kind), 11_025)
    got, rate = read_sound(path)
    assert (got.dtype, rate) == (np.dtype(kind), 11_025)
    np.testing.assert_array_equal(got, samples)


@pytest.mark.parametrize(
    "ending, subtype, kind",
    [
        ("wav", "PCM_24", "int32"),
        ("wav", "FLOAT", "float32"),
        ("wav", "ULAW", "float32"),
        ("flac", "PCM_16", "int16"),
        ("flac", "PCM_24", "int32"),
        ("aiff", "PCM_16", "int16"),
        ("ogg", "VORBIS", "float32"),
    ],
)
def test_other_formats(tmp_path: Path, ending: str, subtype: str, kind: str) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, SOUND, 8_000, subtype=subtype)
    got, rate = read_sound(path)
    expected, _ = soundfile.read(path, dtype=kind)
    assert (got.dtype.name, rate) == (kind, 8_000)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "subtype, endian",
    [
        ("PCM_16", "LITTLE"),
        ("PCM_16", "BIG"),
        ("PCM_32", "BIG"),
        ("PCM_S8", None),
        ("ULAW", None),
        ("ALAW", None),
    ],
)
def test_sphere_as_libsndfile_writes_it(tmp_path: Path, subtype: str, endian: str | None) -> None:
    every = np.arange(-32768, 32768, 7).astype(np.int16)
    path = tmp_path / "00f1set0.wav"  # As the LDC names them.
    soundfile.write(path, every, 12_500, format="NIST", subtype=subtype, endian=endian)
    assert path.read_bytes().startswith(b"NIST_1A")
    got, rate = read_sound(path)
    expected, _ = soundfile.read(path, dtype="int32" if subtype == "PCM_32" else "int16")
    assert (got.dtype, rate) == (expected.dtype, 12_500)
    np.testing.assert_array_equal(got, expected)


def test_sphere_without_a_library(tmp_path: Path, without: Any) -> None:
    without("soundfile")
    got, rate = read_sound(write_sphere(tmp_path / "a.wav", SOUND))
    assert rate == 12_500
    np.testing.assert_array_equal(got, SOUND)
    # The corners of G.711, from its tables: the largest, the smallest and those between.
    codes = bytes([0x00, 0x80, 0x7F, 0xFF, 0x2A, 0xAA])
    for coding, expected in {
        "ulaw": [-32124, 32124, 0, 0, -5372, 5372],
        "alaw": [-5504, 5504, -848, 848, -32256, 32256],
    }.items():
        fields = {"sample_n_bytes": "-i 1", "sample_byte_format": "-s1 1"}
        data = sphere(codes, 6, 8_000, sample_coding=f"-s4 {coding}", **fields)
        (tmp_path / "b.sph").write_bytes(data)
        np.testing.assert_array_equal(read_sound(tmp_path / "b.sph")[0], expected)


def test_channels(tmp_path: Path) -> None:
    both = np.stack([SOUND, SOUND[::-1]], axis=1)
    path = write_wav(tmp_path / "a.wav", both)
    with pytest.raises(ValueError, match=r"a\.wav: has 2 channels, expected one; .*channel=0"):
        read_sound(path)
    np.testing.assert_array_equal(read_sound(path, channel=1)[0], SOUND[::-1])
    with pytest.raises(ValueError, match=r"channel must be < 2, the channels of .*, got 2"):
        read_sound(path, channel=2)
    data = sphere(both.astype("<i2").tobytes(), len(both), channel_count="-i 2")
    (tmp_path / "a.sph").write_bytes(data)
    np.testing.assert_array_equal(read_sound(tmp_path / "a.sph", channel=1)[0], SOUND[::-1])


PCM = SOUND.astype("<i2").tobytes()


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is empty, expected a file of sound"),
        (b"not a sound at all, but a text", "is no file of sound, or a damaged one"),
        (sphere(PCM[:-1], 800), "is cut: its header promises 1600 bytes of samples, got 1599"),
        (sphere(b"", 0), r"has sample_count 0 in its header, expected a number >= 1"),
        (sphere(b"", 2**30), "is cut: its header promises 2147483648 bytes of samples, got 0"),
        (sphere(PCM, 800)[:500], "is cut within its header of 1024 bytes"),
        (b"NIST_1A\n", "is no SPHERE file"),
        (b"NIST_1A\n   abcd\n" + bytes(2000), "is no SPHERE file"),
        (sphere(PCM, 800).replace(b"end_head", b"ending  "), "has a header without end_head"),
        (sphere(PCM, 800, sample_rate=""), "lacks sample_rate in its header"),
        (sphere(PCM, 800, sample_count="-i many"), "has sample_count 'many' in its header, no num"),
        (sphere(PCM, 800, sample_rate="-r inf"), "has sample_rate inf in its header"),
        (sphere(PCM, 800, sample_n_bytes="-i 3"), "has 3 bytes a sample of pcm"),
        (sphere(PCM, 800, sample_byte_format="-s2 11"), "has sample_byte_format '11', expected"),
        (sphere(PCM, 800, sample_coding="-s4 mpeg"), "has sample_coding 'mpeg', expected pcm"),
        (
            sphere(PCM, 800, sample_coding="-s26 pcm,embedded-shorten-v2.00"),
            "is compressed by shorten, which is not read here; convert it with sph2pipe -f rif",
        ),
        (sphere(b"ajkg" + PCM, 800), "is compressed by shorten"),
    ],
)
def test_what_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: {message}"):
        read_sound(path)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda data: data[:-1], "is cut: its header promises 1600 bytes of samples, got 1599"),
        (lambda data: data[:20], "is a WAV file that is cut within its header"),
        (lambda data: data[:12] + b"????" + data[16:], "is a damaged WAV file"),
        (lambda data: data[:24] + bytes(4) + data[28:], "is a damaged WAV file"),
        (lambda data: data[:40] + struct.pack("<I", 0), "holds no samples"),
    ],
)
def test_damaged_wav(tmp_path: Path, damage: Any, message: str) -> None:
    path = write_wav(tmp_path / "a.wav", SOUND)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        read_sound(path)


def test_cut_flac_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(40_000), 8_000)
    path.write_bytes(path.read_bytes()[:-9_000])
    with pytest.raises(ValueError, match=r"a\.flac: is (cut|no file of sound, or a damaged one)"):
        read_sound(path)


def test_libraries_that_are_missing_are_named(tmp_path: Path, without: Any) -> None:
    soundfile.write(tmp_path / "a.flac", SOUND, 8_000)
    without("soundfile", "soxr")
    with pytest.raises(ImportError, match=r"needs soundfile: pip install 'strsbp_rs\[audio\]'"):
        read_sound(tmp_path / "a.flac")
    with pytest.raises(ImportError, match=r"needs soxr: pip install 'strsbp_rs\[audio\]'"):
        resample(SOUND, 8_000, 12_500)
    np.testing.assert_array_equal(resample(SOUND, 8_000, 8_000), SOUND / 32768)


def test_another_rate_has_the_same_tone() -> None:
    t = np.arange(8_000) / 8_000
    got = resample(0.5 * np.sin(2 * np.pi * 440 * t), 8_000, 12_500)
    assert got.dtype == np.float64 and got.shape == (12_500,)
    middle = slice(1_000, -1_000)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(12_500) / 12_500)
    np.testing.assert_allclose(got[middle], expected[middle], atol=1e-3)
    of_integers = resample((0.5 * 32768 * np.sin(2 * np.pi * 440 * t)).astype("i2"), 8_000, 12_500)
    np.testing.assert_allclose(of_integers[middle], expected[middle], atol=1e-3)


@pytest.mark.parametrize("rates", [(0, 8_000), (8_000, float("nan")), (-1, 1)])
def test_rates_that_are_none(rates: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"(sample_rate|to_rate) must be finite and > 0 Hz"):
        resample(SOUND, *rates)
    with pytest.raises(ValueError, match=r"samples has shape \(2, 2\)"):
        resample(np.zeros((2, 2)), 8_000, 16_000)


@pytest.mark.parametrize("rates", [(8_000, 1e-9), (8_000, 9e6), (1, 1_001)])
def test_rates_too_far_apart_are_refused(rates: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="to_rate must be at most 1,000 times sample_rate"):
        resample(SOUND, *rates)
    assert len(resample(SOUND, 8, 8_000)) == 1_000 * len(SOUND)
