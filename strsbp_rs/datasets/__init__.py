"""Data sets, as NumPy arrays."""

from __future__ import annotations

import difflib
import os
import stat
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._user_cache import user_cache
from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._idx import read_idx
from strsbp_rs.datasets._own import from_arrays, from_files, from_function

__all__ = [
    "Dataset",
    "find_fashion_mnist",
    "from_arrays",
    "from_files",
    "from_function",
    "load_dataset",
    "load_demo",
    "load_fashion_mnist",
    "load_mnist",
]

FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_FILES = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}
_URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def load_dataset(
    name: str, data_dir: str | os.PathLike[str] | None = None, *, download: bool = True
) -> Dataset:
    """Loads a data set by name: "demo", "fashion-mnist" or "mnist".

    Args:
        name: The data set.
        data_dir: Folder to look in first; see the loaders.
        download: Whether Fashion-MNIST may be downloaded.

    Raises:
        ValueError: If the name is unknown, or a file is damaged.
        OSError: If the data is not found.
    """
    if name == "demo":
        return load_demo()
    if name == "fashion-mnist":
        return load_fashion_mnist(data_dir, download=download)
    if name == "mnist":
        return load_mnist(data_dir)
    known = ["demo", "fashion-mnist", "mnist"]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    raise ValueError(f"data set '{name}' is not one of {known}; did you mean '{near}'?")


def load_demo() -> Dataset:
    """Loads the subset of Fashion-MNIST that ships with the package: 2,000 + 500 images."""
    with resources.files(__name__).joinpath("demo.npz").open("rb") as file:
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
    folders = [*_user_folders("fashion-mnist", data_dir), _DEBIAN_FOLDER]
    obstacles = []
    try:
        folders.append(_cache())
    except OSError as error:
        obstacles.append(str(error))
    for folder in folders:
        try:
            if _missing(folder) is None:
                return folder, obstacles
        except OSError as error:
            obstacles.append(f"{folder}: {error.strerror}")
    return None, obstacles


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
    if data_dir is None:
        folder = find_fashion_mnist()
    else:
        # A folder that was asked for is not silently replaced by another one.
        given = _user_folders("fashion-mnist", data_dir)
        folder = next((place for place in given if _missing(place) is None), None)
        if folder is None:
            missing = _missing(Path(data_dir))
            raise FileNotFoundError(
                f"data_dir: {data_dir} has no {missing}, one of Fashion-MNIST's"
            )
    if folder is None:
        if not download:
            raise FileNotFoundError(
                "Fashion-MNIST was not found; give --data-dir or $STRSBP_DATA, or install "
                "Debian's package dataset-fashion-mnist"
            )
        folder = _download()
    return _load_idx("fashion-mnist", folder, FASHION_CLASSES, "MIT, Copyright (c) 2017 Zalando SE")


def load_mnist(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Loads MNIST from a folder with its four idx files.

    Args:
        data_dir: The folder (or one with a folder mnist); $STRSBP_DATA if None.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged.
    """
    folders = _user_folders("mnist", data_dir)
    if not folders:
        raise FileNotFoundError("MNIST is not downloaded here; give --data-dir or $STRSBP_DATA")
    found = [folder for folder in folders if _missing(folder) is None]
    if not found:
        raise FileNotFoundError(f"data_dir: {folders[0]} has no {_missing(folders[0])}")
    return _load_idx("mnist", found[0], tuple("0123456789"), "CC BY-SA 3.0")


def _user_folders(name: str, data_dir: str | os.PathLike[str] | None) -> list[Path]:
    root = os.environ.get("STRSBP_DATA") if data_dir is None else data_dir
    return [] if not root else [Path(root), Path(root) / name]


def _cache() -> Path:
    return user_cache() / "fashion-mnist"


def _find(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / name.removesuffix(".gz")):
        try:
            if stat.S_ISREG(path.stat().st_mode):
                return path
        except (FileNotFoundError, NotADirectoryError):
            pass
    return None


def _missing(folder: Path) -> str | None:
    """The first of the files that is not there.

    Raises:
        OSError: If the folder may not be entered.
    """
    return next((name for name in _FILES if _find(folder, name) is None), None)


def _download() -> Path:
    import pooch

    folder = _cache()
    for name, known_hash in _FILES.items():
        pooch.retrieve(_URL + name, known_hash, fname=name, path=folder, progressbar=True)
    return folder


def _load_idx(name: str, folder: Path, class_names: tuple[str, ...], licence: str) -> Dataset:
    arrays: list[NDArray[np.uint8]] = []
    for file in _FILES:
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
        name=name,
        x_train=x_train.reshape(len(x_train), -1),
        y_train=y_train.astype(np.int64),
        x_test=x_test.reshape(len(x_test), -1),
        y_test=y_test.astype(np.int64),
        image_shape=(x_train.shape[1], x_train.shape[2]),
        class_names=class_names,
        source=str(folder),
        licence=licence,
    )
