"""Without the compiled core the import says what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import strsbp_rs as sr

PACKAGE = Path(sr.__file__).parent


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with the package's sources alone."""
    shutil.copytree(PACKAGE, tmp_path / "strsbp_rs", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    return tmp_path


def said_by(folder: Path, *command: str) -> str:
    run = [sys.executable, *command]
    result = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", [("-c", "import strsbp_rs"), ("-m", "strsbp_rs"), ("run.py",)])
def test_sources_that_hide_the_installed_package(sources: Path, command: tuple[str, ...]) -> None:
    (sources / "Cargo.toml").touch()
    (sources / "run.py").write_text("import strsbp_rs")
    said = said_by(sources, *command)
    assert said.startswith(
        f"ModuleNotFoundError: strsbp_rs was imported from {sources}, its sources"
    )
    assert "run Python from another folder, or with its option -P" in said


def test_a_damaged_installation(sources: Path) -> None:
    said = said_by(sources, "-c", "import strsbp_rs")
    assert said.endswith("which has no compiled core: install the package anew")


def test_the_option_that_is_named_helps(sources: Path) -> None:
    """The installed package is found from among the sources."""
    command = [sys.executable, "-P", "-c", "import strsbp_rs; print(strsbp_rs.__file__)"]
    result = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=True)
    assert Path(result.stdout.strip()) == PACKAGE / "__init__.py"
