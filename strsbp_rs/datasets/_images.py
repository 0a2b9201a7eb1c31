"""Sets of images: MNIST, Fashion-MNIST, and the part of it that ships with the package."""

from __future__ import annotations

import os
import stat
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._entry import Download, Entry, locate, look
from strsbp_rs.datasets._idx import read_idx

__all__ = [
    *("FASHION_MNIST", "MNIST", "find_fashion_mnist", "load_demo", "load_fashion_mnist"),
    *("load_mnist", "search_fashion_mnist"),
]

FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
FILES = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
_URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_LAYOUT = tuple(f"{file}|{file.removesuffix('.gz')}" for file in FILES)


def load_demo() -> Dataset:
    """Loads the subset of Fashion-MNIST that ships with the package: 2,000 + 500 images."""
    with resources.files("strsbp_rs.datasets").joinpath("demo.npz").open("rb") as file:
        arrays = np.load(file)
        return Dataset(
            name="demo",
            x_train=arrays["x_train"],
            y_train=arrays["y_train"].astype(np.int64),
            x_test=arrays["x_test"],
            y_test=arrays["y_test"].astype(np.int64),
            image_shape=(28, 28),
            class_names=FASHION_CLASSES,
            source="the package",
            licence="MIT, Copyright (c) 2017 Zalando SE",
        )


def find_fashion_mnist(data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Returns the folder Fashion-MNIST is found in without a download, or None.

    Looked for in data_dir (or $STRSBP_DATA if that is None), Debian's folder of the package
    dataset-fashion-mnist, and the user's cache. What may not be entered is passed over.
    """
    return search_fashion_mnist(data_dir)[0]


def search_fashion_mnist(
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[Path | None, list[str]]:
    """Returns what `find_fashion_mnist` does, and why it could not look in some places."""
    place = look(FASHION_MNIST, data_dir)
    return place.folder, list(place.obstacles)


def load_fashion_mnist(
    data_dir: str | os.PathLike[str] | None = None, *, download: bool = True
) -> Dataset:
    """Loads Fashion-MNIST: 60,000 + 10,000 images of 28 x 28 pixels in 10 classes.

    Args:
        data_dir: Folder with the four idx files (or with a folder fashion-mnist that has them).
            If None: $STRSBP_DATA, Debian's folder, the user's cache.
        download: Whether to download it to the user's cache if it is in none of these.

    Raises:
        OSError: If it is not found, or cannot be downloaded.
        ValueError: If a file is damaged.

    References:
        Xiao, Rasul & Vollgraf, Fashion-MNIST, arXiv:1708.07747. MIT licence.
    """
    return _load_idx(FASHION_MNIST, locate(FASHION_MNIST, data_dir, download), FASHION_CLASSES)


def load_mnist(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Loads MNIST from a folder with its four idx files.

    Args:
        data_dir: The folder (or one with a folder mnist); if None, $STRSBP_DATA, the user's cache.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged.
    """
    return _load_idx(MNIST, locate(MNIST, data_dir, False), tuple("0123456789"))


def _find(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / name.removesuffix(".gz")):
        try:
            if stat.S_ISREG(path.stat().st_mode):
                return path
        except (FileNotFoundError, NotADirectoryError):
            pass
    return None


def _load_idx(entry: Entry, folder: Path, class_names: tuple[str, ...]) -> Dataset:
    arrays: list[NDArray[np.uint8]] = []
    for file in FILES:
        path = _find(folder, file)
        if path is None:
            raise FileNotFoundError(f"{folder / file} is missing")
        arrays.append(read_idx(path, 3 if "images" in file else 1))
    x_train, y_train, x_test, y_test = arrays
    for part, x, y in (("train", x_train, y_train), ("t10k", x_test, y_test)):
        if x.size == 0:
            raise ValueError(f"{folder}: {part} images have shape {x.shape}, expected no 0 in it")
        if x.shape[1:] != x_train.shape[1:]:
            raise ValueError(
                f"{folder}: {part} images are {x.shape[1:]}, expected {x_train.shape[1:]} as train"
            )
        if len(x) != len(y):
            raise ValueError(f"{folder}: {part} has {len(x)} images, expected {len(y)} as labels")
        if y.size and y.max() >= len(class_names):
            raise ValueError(f"{folder}: {part} has label {y.max()}, expected < {len(class_names)}")
    return Dataset(
        name=entry.name,
        x_train=x_train.reshape(len(x_train), -1),
        y_train=y_train.astype(np.int64),
        x_test=x_test.reshape(len(x_test), -1),
        y_test=y_test.astype(np.int64),
        image_shape=(x_train.shape[1], x_train.shape[2]),
        class_names=class_names,
        source=str(folder),
        licence=entry.licence,
    )


MNIST = Entry(
    name="mnist",
    title="MNIST",
    kind="images",
    load=load_mnist,
    licence="CC BY-SA 3.0",
    url="http://yann.lecun.com/exdb/mnist/",
    samples=(60_000, 10_000),
    n_classes=10,
    layouts=(_LAYOUT,),
    to_get="the files of https://ossci-datasets.s3.amazonaws.com/mnist/",
)
FASHION_MNIST = Entry(
    name="fashion-mnist",
    title="Fashion-MNIST",
    kind="images",
    load=load_fashion_mnist,
    licence="MIT, Copyright (c) 2017 Zalando SE",
    url="https://github.com/zalandoresearch/fashion-mnist",
    samples=(60_000, 10_000),
    n_classes=10,
    layouts=(_LAYOUT,),
    downloads=tuple(Download(_URL + file, known, file) for file, known in FILES.items()),
    to_get="strsbp train fashion-mnist downloads it, or Debian's package dataset-fashion-mnist",
    system=lambda: _DEBIAN_FOLDER,
)
