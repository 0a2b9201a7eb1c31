"""Says, where the compiled core is missing, how to reach an installed package that has it."""

from __future__ import annotations

from pathlib import Path

__all__: list[str] = []

try:
    import strsbp_rs._strsbp_rs  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "strsbp_rs._strsbp_rs":
        raise
    _FOLDER = Path(__file__).parents[1]
    _CURE = "which has no compiled core: install the package anew"
    if (_FOLDER / "Cargo.toml").is_file():
        _CURE = (
            "its sources, which hide the installed package: run Python from another folder, or "
            "with its option -P (.venv/bin/python -P script.py); tools/setup.sh installs into .venv"
        )
    raise ModuleNotFoundError(
        f"strsbp_rs was imported from {_FOLDER}, {_CURE}", name=error.name
    ) from None
