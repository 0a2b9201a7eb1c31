"""Data sets: the format, where they are looked for, and what is said of bad files."""

import gzip
import re
import struct
import tracemalloc
from importlib import resources

import numpy as np
import pytest

from strsbp_rs import datasets
from strsbp_rs.datasets import _entry, _idx, _images

IMAGES = {"train": 12, "t10k": 5}


def idx(array, kind=8):
    header = struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path, rng, monkeypatch):
    """A folder with four small idx files; no other place is looked in."""
    monkeypatch.delenv("STRSBP_DATA", raising=False)
    monkeypatch.setattr(_images, "_DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(_entry, "cache_of", lambda name: tmp_path / "cache")
    place = tmp_path / "data"
    place.mkdir()
    for part, n in IMAGES.items():
        images, labels = rng.integers(0, 256, (n, 4, 3)), rng.integers(0, 10, n)
        (place / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (place / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return place


def test_demo_is_balanced_and_licensed():
    data = datasets.load_demo()
    assert data.x_train.shape == (2000, 784)
    assert data.x_test.shape == (500, 784)
    assert data.x_train.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(data.y_train), np.full(10, 200))
    np.testing.assert_array_equal(np.bincount(data.y_test), np.full(10, 50))
    images = {image.tobytes() for image in np.concatenate([data.x_train, data.x_test])}
    assert len(images) > 2490  # Fashion-MNIST itself has a few doubles
    text = (
        resources.files("strsbp_rs.datasets").joinpath("LICENSE-fashion-mnist").read_text("utf-8")
    )
    assert "MIT" in text
    assert "Zalando" in text


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
@pytest.mark.parametrize("how", ["argument", "parent", "environment"])
def test_found(folder, monkeypatch, name, how):
    if how == "parent":
        folder = folder.rename(folder.parent / name).parent
    if how == "environment":
        monkeypatch.setenv("STRSBP_DATA", str(folder))
    data = datasets.load_dataset(name, None if how == "environment" else folder)
    assert data.name == name
    assert data.x_train.shape == (12, 12)
    assert data.image_shape == (4, 3)
    assert len(data.y_test) == 5
    assert str(folder) in data.source


@pytest.mark.parametrize("place", ["debian", "cache"])
def test_a_standard_folder_may_be_given(folder, place):
    folder = folder.rename(folder.parent / place)
    assert datasets.load_fashion_mnist(folder, download=False).source == str(folder)


def test_a_folder_that_was_given_is_not_replaced(folder):
    folder = folder.rename(folder.parent / "debian")
    with pytest.raises(FileNotFoundError, match="other has no train-images"):
        datasets.load_fashion_mnist(folder.parent / "other")


def test_debian_and_cache_are_looked_in(folder):
    assert datasets.find_fashion_mnist() is None
    folder.rename(folder.parent / "cache")
    assert datasets.find_fashion_mnist() == folder.parent / "cache"
    (folder.parent / "cache").rename(folder.parent / "debian")
    assert datasets.load_fashion_mnist(download=False).source == str(folder.parent / "debian")


def test_not_found(folder):
    with pytest.raises(FileNotFoundError, match="--data-dir"):
        datasets.load_fashion_mnist(download=False)
    with pytest.raises(FileNotFoundError, match="--data-dir"):
        datasets.load_mnist()
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    for name in ("fashion-mnist", "mnist"):
        with pytest.raises(
            FileNotFoundError, match=f"data_dir: {re.escape(str(folder))} has no t10k"
        ):
            datasets.load_dataset(name, folder)
    with pytest.raises(ValueError, match=r"data set 'fashon' is not one of .*'fashion-mnist'"):
        datasets.load_dataset("fashon")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not an idx file"),
        (b"PK\x03\x04rest", "is not an idx file"),
        (idx(np.zeros((2, 2, 2)), kind=0x0D), "holds idx type 0x0d, expected 0x08"),
        (idx(np.zeros((2, 2))), "has 2 dimensions, expected 3"),
        (idx(np.zeros((2, 2, 2)))[:9], "is cut within its header of 16 bytes"),
        (idx(np.zeros((2, 2, 2)))[:-1], r"holds 7 values, expected 8 for \(2, 2, 2\)"),
        (idx(np.zeros((2, 2, 2)))[:4] + struct.pack(">3I", 2**31, 2**31, 4), "holds 0 values, exp"),
        (gzip.compress(idx(np.zeros((2, 2, 2))))[:-9], "is a damaged gzip file"),
    ],
)
def test_damaged_files(tmp_path, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}: {message}"):
        _idx.read_idx(path, 3)


def test_files_that_disagree(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(11)))
    with pytest.raises(ValueError, match="train has 12 images, expected 11 as labels"):
        datasets.load_mnist(folder)
    test = folder / "t10k-images-idx3-ubyte.gz"
    images = test.read_bytes()
    test.write_bytes(idx(np.zeros((5, 3, 3))))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(12)))
    with pytest.raises(ValueError, match=r"t10k images are \(3, 3\), expected \(4, 3\)"):
        datasets.load_mnist(folder)
    test.write_bytes(idx(np.zeros((0, 4, 3))))
    with pytest.raises(ValueError, match=r"t10k images have shape \(0, 4, 3\), expected no 0"):
        datasets.load_mnist(folder)
    test.write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.full(12, 10)))
    with pytest.raises(ValueError, match="train has label 10, expected < 10"):
        datasets.load_mnist(folder)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"\0" * 16, "holds idx type 0x00"),
        (idx(np.zeros((1, 2, 2))), "holds more values than the 4 of"),
    ],
)
def test_no_more_is_unpacked_than_the_header_says(tmp_path, start, message):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            _idx.read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_header_that_promises_too_much_takes_no_memory(tmp_path):
    path = tmp_path / "liar"
    path.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"abc")
    with pytest.raises(ValueError, match="holds 3 values, expected 7922"):
        _idx.read_idx(path, 3)
