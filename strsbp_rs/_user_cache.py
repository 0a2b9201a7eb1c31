"""The folder in which this package keeps what can be had again: downloads, and what was heard."""

from __future__ import annotations

from pathlib import Path

__all__ = ["user_cache"]


def user_cache() -> Path:
    """Returns the package's folder in the user's cache, as `pooch.os_cache` has it.

    Raises:
        FileNotFoundError: If the system does not know the user, and $HOME is not set.
    """
    import pooch

    try:
        folder = Path(pooch.os_cache("strsbp_rs"))
    except (RuntimeError, KeyError):
        folder = Path("~")
    if not folder.is_absolute():
        raise FileNotFoundError("there is no folder of the user's cache, as $HOME is not set")
    return folder
