"""What was heard before, kept in files."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._files import file_name
from strsbp_rs._user_cache import user_cache
from strsbp_rs._warnings import CacheWarning, warn

__all__ = ["Cache", "Memory", "in_batches", "memory_of"]

_MAGIC = b"strsbp_rs heard 1\n"
_ENDING = ".heard"

Array = NDArray[Any]


class Cache:
    """A folder of what front ends have heard, a file a recording.

    `FrontEnd.many(..., cache=True)` reads and fills it. A file is named by SHA-256 of the samples,
    of the front end's configuration and of the version of its algorithm, so that none can be out of
    date. It holds SHA-256 of its contents: of one that is damaged a `CacheWarning` tells, and its
    recording is heard again. Nothing is removed but by `clear`.

    Attributes:
        folder: The folder, a `pathlib.Path`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        """Opens a cache; nothing is written yet.

        Args:
            folder: Its folder; if None, `heard` in this package's folder of the user's cache.

        Raises:
            TypeError: If folder is no path.
            FileNotFoundError: If folder is None, and the user has no cache, as $HOME is not set.
        """
        if folder is None:
            self.folder = user_cache() / "heard"
        else:
            self.folder = Path(file_name(folder, "folder"))

    @property
    def n_recordings(self) -> int:
        """How many recordings it holds, each as often as front ends have heard it."""
        return sum(1 for _ in self._files())

    @property
    def n_bytes(self) -> int:
        """How many bytes its files have together."""
        sizes = 0
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):  # Another process clears it.
                sizes += path.stat().st_size
        return sizes

    def clear(self) -> None:
        """Removes all that it holds, and what processes that were killed have left.

        Raises:
            OSError: If a file cannot be removed.
        """
        for pattern in (f"??/*{_ENDING}", f"??/*{_ENDING}.*.tmp"):
            for path in list(self.folder.glob(pattern)):
                path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        """The folder, and how much is in it."""
        size = f"{self.n_recordings:,} recordings, {self.n_bytes / 1e6:,.1f} MB"
        return f"Cache({str(self.folder)!r}: {size})"

    def _files(self) -> Iterator[Path]:
        return self.folder.glob(f"??/*{_ENDING}")


class Memory:
    """What one front end has heard before, while many recordings are heard.

    What the disk refuses is told once, in the end; the work goes on without.
    """

    def __init__(self, cache: Cache, configuration: dict[str, Any], version: int) -> None:
        """Opens the cache for a front end, its configuration as plain values."""
        self._folder = cache.folder
        text = json.dumps({"front_end": configuration, "version": version}, sort_keys=True)
        self._prefix = hashlib.sha256(text.encode()).digest()
        self._damaged: list[Path] = []
        self._refused: list[OSError] = []

    def path(self, sound: NDArray[np.float64]) -> Path:
        """Returns the file of a recording."""
        data = np.ascontiguousarray(sound, dtype="<f8").data
        name = hashlib.sha256(self._prefix + hashlib.sha256(data).digest()).hexdigest()
        return self._folder / name[:2] / f"{name}{_ENDING}"

    def recall(self, path: Path, fits: Callable[[Array], bool]) -> Array | None:
        """Returns what a file holds; None if there is none, or what it holds is damaged."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._refused.append(error)
            return None
        start = len(_MAGIC) + 32
        is_whole = data.startswith(_MAGIC) and (
            hashlib.sha256(data[start:]).digest() == data[len(_MAGIC) : start]
        )
        if is_whole:
            array: Array = np.load(io.BytesIO(data[start:]), allow_pickle=False)
            if fits(array):
                return array
        self._damaged.append(path)
        return None

    def keep(self, path: Path, array: Array) -> None:
        """Writes a file: to a temporary name, which then becomes its own.

        It is not made durable: what a crash of the system leaves is damaged at worst.
        """
        if self._refused:
            return
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        contents = buffer.getbuffer()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
            try:
                with open(temporary, "xb") as file:
                    file.write(_MAGIC + hashlib.sha256(contents).digest())
                    file.write(contents)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            self._refused.append(error)

    def tell(self) -> None:
        """Warns of what was damaged or refused."""
        if self._damaged:
            warn(
                f"damaged files in the cache of what was heard: {len(self._damaged)}, the first is "
                f"{self._damaged[0]}; the recordings are heard again",
                CacheWarning,
            )
        if self._refused:
            warn(f"the cache of what was heard is not used: {self._refused[0]}", CacheWarning)


def memory_of(
    cache: bool | str | os.PathLike[str], configuration: dict[str, Any], version: int
) -> Memory | None:
    """Returns the memory that an argument `cache` asks for: False, True, or a folder.

    Raises:
        TypeError: If it is something else.
        OSError: If it is a folder that cannot be made.
    """
    if isinstance(cache, (bool, np.bool_)):
        if not cache:
            return None
        try:
            return Memory(Cache(), configuration, version)
        except FileNotFoundError as error:
            warn(f"the cache of what was heard is not used: {error}", CacheWarning)
            return None
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache must be a bool or the path of a folder, got {cache!r}")
    Path(cache).mkdir(parents=True, exist_ok=True)
    return Memory(Cache(cache), configuration, version)


def in_batches(sounds: Sequence[Any], most: int) -> Iterator[range]:
    """Cuts recordings into runs of about so many samples, and at least one recording."""
    first, n = 0, 0
    for at, sound in enumerate(sounds):
        n += len(sound)
        if n >= most:
            yield range(first, at + 1)
            first, n = at + 1, 0
    if first < len(sounds):
        yield range(first, len(sounds))
