"""Files that are whole or not there, and folders that one process has for itself.

Every operation on a file raises an audit event (`sys.addaudithook`) before it happens:
`strsbp_rs.create`, `write`, `truncate`, `sync`, `replace`, `remove`, `make_folder`, `sync_folder`,
and `wait` while a pipe's reader or another writer is waited for. Its argument is the path.
"""

from __future__ import annotations

import os
from types import TracebackType

from strsbp_rs._strsbp_rs import ClaimCore, make_folder, sweep_folder, write_file

__all__ = [
    "Claim",
    "PathLike",
    "file_name",
    "make_folder",
    "sweep_folder",
    "write_bytes",
    "write_text",
]

PathLike = str | os.PathLike[str]


def file_name(path: PathLike, name: str = "path") -> str:
    """Returns a path as a string.

    Raises:
        TypeError: If it is none; the message calls it `name`.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name} must be str or os.PathLike, got {path!r}")
    return os.fspath(path)


def write_bytes(path: PathLike, data: bytes) -> None:
    """Writes a file durably.

    A regular file is replaced atomically and keeps its mode; a symbolic link is followed. What has
    hard links, or is a pipe or a device, is written in place.

    Raises:
        OSError: If it cannot be written; what was there then is as it was, but for a pipe or
            device.
    """
    write_file(os.fspath(path), data)


def write_text(path: PathLike, text: str) -> None:
    """Writes a text file as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode())


class Claim:
    """The claim of this process on a folder, until it is released or the process ends.

    Args:
        folder: The folder.

    Raises:
        FileExistsError: If another process has it.
        OSError: If nothing can be written there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        core = ClaimCore.take(os.fspath(folder))
        if core is None:
            raise FileExistsError(
                f"{os.fspath(folder)} is in use by {_holder(folder)}; wait for its end, or choose "
                "another folder"
            )
        self._core = core

    def release(self) -> None:
        """Gives the folder up."""
        self._core.release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _holder(folder: str | os.PathLike[str]) -> str:
    path = os.path.join(folder, ".strsbp-claim")
    try:
        with open(path, encoding="utf-8") as file:
            said = file.readline(100).strip()
    except (OSError, UnicodeDecodeError):
        said = ""
    return f"{said or 'another process'} ({path})"
