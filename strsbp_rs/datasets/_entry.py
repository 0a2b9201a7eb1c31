"""What is known of a data set before it is loaded, and where it is looked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from strsbp_rs._user_cache import user_cache

if TYPE_CHECKING:
    from strsbp_rs.datasets._dataset import Dataset

__all__ = ["Download", "Entry", "Place", "cache_of", "locate", "look", "user_folders"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Download:
    """A file that can be downloaded.

    Attributes:
        url: Where it is.
        known_hash: Its checksum, as pooch has it: "md5:..." or "sha256:...".
        file: Name it is kept under.
        unpack: Whether it is an archive, whose files lie beside it then.
    """

    url: str
    known_hash: str
    file: str
    unpack: bool = False


@dataclass(frozen=True)
class Entry:
    """A data set that is known by name.

    Attributes:
        name: What it is called in `load_dataset`.
        title: Its full name.
        kind: "images", "sounds" or "events".
        load: Function of a folder (or None) and of `download`.
        licence: Its licence.
        url: Where it is described, and to be had.
        samples: How many there are, as published: training, (validation,) test.
        n_classes: How many classes; 0 if the data says.
        layouts: Files of a folder that has it, in one of these ways: patterns of `Path.glob`,
            of which a | parts two that will do, and those of folders end in /.
        downloads: What is downloaded where it is not found; nothing where its licence forbids that,
            or nobody knows the checksums.
        to_get: How to come by it otherwise, for messages.
        system: A folder of the system that may have it.
    """

    name: str
    title: str
    kind: str
    load: Callable[..., Dataset]
    licence: str
    url: str
    samples: tuple[int, ...]
    n_classes: int
    layouts: tuple[tuple[str, ...], ...]
    downloads: tuple[Download, ...] = ()
    to_get: str = ""
    system: Callable[[], Path | None] = lambda: None

    def layout(self, folder: Path) -> tuple[str, ...] | None:
        """Returns the layout that a folder has, or None.

        Raises:
            OSError: If the folder may not be entered.
        """
        return next((files for files in self.layouts if not _missing(folder, files)), None)

    def n_bytes(self, folder: Path) -> int:
        """Returns how many bytes its files in a folder take."""
        files: set[Path] = set()
        for pattern in self.layout(folder) or ():
            for one in pattern.rstrip("/").split("|"):
                for path in folder.glob(one):
                    files.update(path.rglob("*") if path.is_dir() else [path])
        return sum(path.stat().st_size for path in files if path.is_file())

    def missing(self, folder: Path) -> list[str]:
        """Returns what a folder lacks of the layout that it is nearest to.

        Raises:
            OSError: If the folder may not be entered.
        """
        lacks = min((_missing(folder, files) for files in self.layouts), key=len, default=[])
        return [file.split("|")[0] for file in lacks]


def _missing(folder: Path, files: tuple[str, ...]) -> list[str]:
    return [file for file in files if not _is_there(folder, file)]


def _is_there(folder: Path, file: str) -> bool:
    """Whether there is a file, or a folder where the pattern ends in /; either of those with |."""
    is_kind = stat.S_ISDIR if file.endswith("/") else stat.S_ISREG
    for pattern in file.rstrip("/").split("|"):
        paths: Iterable[Path] = [folder / pattern]
        if "*" in pattern or "[" in pattern:
            # What a pattern finds in a folder that may not be read is nothing at all.
            if folder.is_dir():
                os.scandir(folder).close()
            paths = folder.glob(pattern)
        for path in paths:
            try:
                if is_kind(path.stat().st_mode):
                    return True
            except (FileNotFoundError, NotADirectoryError):
                pass
    return False


def user_folders(name: str, data_dir: PathLike | None) -> list[Path]:
    """Returns the folders the user names: data_dir, else $STRSBP_DATA, and those called so in it.

    Raises:
        TypeError: If data_dir is no path.
    """
    if data_dir is not None and not isinstance(data_dir, (str, os.PathLike)):
        raise TypeError(f"data_dir must be str or os.PathLike, got {data_dir!r}")
    root = os.environ.get("STRSBP_DATA") if data_dir is None else data_dir
    return [] if not root else [Path(root), Path(root) / name]


def cache_of(name: str) -> Path:
    """Returns the folder of the user's cache for a data set.

    Raises:
        FileNotFoundError: If the user has none.
    """
    return user_cache() / name


@dataclass(frozen=True)
class Place:
    """Where a data set was looked for.

    Attributes:
        folder: The folder it is in, or None.
        obstacles: Why it could not be looked for in some places.
    """

    folder: Path | None
    obstacles: tuple[str, ...] = ()


def look(entry: Entry, data_dir: PathLike | None = None, *, only: bool = False) -> Place:
    """Looks for a data set, without a download; what may not be entered is passed over.

    Args:
        entry: The data set.
        data_dir: The folder to look in first, and what is called as the data set in it;
            $STRSBP_DATA if None.
        only: Whether to look in no other place: neither a folder of the system nor the cache.
    """
    folders, obstacles = user_folders(entry.name, data_dir), []
    if not only:
        system = entry.system()
        folders += [] if system is None else [system]
        try:
            folders.append(cache_of(entry.name))
        except OSError as error:
            obstacles.append(str(error))
    for folder in folders:
        try:
            if entry.layout(folder) is not None:
                return Place(folder, tuple(obstacles))
        except OSError as error:
            obstacles.append(f"{folder}: {error.strerror}")
    return Place(None, tuple(obstacles))


def locate(entry: Entry, data_dir: PathLike | None, download: bool) -> Path:
    """Returns the folder of a data set, which is downloaded to the cache if need be and allowed.

    Raises:
        OSError: If it is not found: with the files that are missing, and where to get them; or if
            it cannot be downloaded.
    """
    place = look(entry, data_dir, only=data_dir is not None)
    if place.folder is not None:
        return place.folder
    if data_dir is not None:
        # A folder that was asked for is not silently replaced by another one.
        folder = next(
            (f for f in reversed(user_folders(entry.name, data_dir)) if f.is_dir()), Path(data_dir)
        )
        lacks = ", ".join(entry.missing(folder))
        raise FileNotFoundError(
            f"data_dir: {data_dir} has no {lacks} of {entry.title}; {_cure(entry)}"
        )
    if not entry.downloads or not download:
        files = ", ".join(file.split("|")[0] for file in entry.layouts[0])
        also = "".join(f" ({obstacle})" for obstacle in place.obstacles)
        raise FileNotFoundError(
            f"{entry.title} was not found: give --data-dir or $STRSBP_DATA, a folder with {files}"
            f"{also}; {_cure(entry)}"
        )
    return _download(entry)


def _cure(entry: Entry) -> str:
    return f"to get it: {entry.to_get or entry.url} ({entry.licence})"


def _download(entry: Entry) -> Path:
    import pooch

    folder = cache_of(entry.name)
    for file in entry.downloads:
        processor = None
        if file.unpack:
            kind = pooch.Unzip if file.file.endswith(".zip") else pooch.Untar
            processor = kind(extract_dir=".")
        pooch.retrieve(
            file.url,
            file.known_hash,
            fname=file.file,
            path=folder,
            processor=processor,
            progressbar=True,
        )
    # Not before all are there: what was broken off goes on where it was.
    for file in entry.downloads:
        if file.unpack:
            (folder / file.file).unlink(missing_ok=True)
    missing = entry.missing(folder)
    if missing:
        raise FileNotFoundError(f"{folder}: {', '.join(missing)} was not in what was downloaded")
    return folder
