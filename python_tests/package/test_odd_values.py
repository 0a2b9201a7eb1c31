"""Odd values in every argument of every public callable: an error that says so, or success.

Not a crash, a panic, an exception of another kind, the words of a library or the name of something
private; and within limits of memory and time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import odd_values
import pytest

GROUP = 25
"""Callables that a process calls."""


def groups() -> list[list[str]]:
    """Names of callables, a process each."""
    names = [*odd_values.public(), *odd_values.private()]
    return [names[first : first + GROUP] for first in range(0, len(names), GROUP)]


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits as Linux does")
@pytest.mark.parametrize("names", groups(), ids=lambda names: f"{names[0]}...")
def test_odd_values(names: list[str], tmp_path: Path) -> None:
    command = [sys.executable, odd_values.__file__, *names]
    # Not the user's own cache.
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=280, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout[-9000:]}\n{done.stderr[-3000:]}"


def test_nothing_is_forgotten() -> None:
    """Classes with methods have an object to call them on, and what is given is of something."""
    names = set(odd_values.public())
    assert set(odd_values.GIVEN) <= names
    for name in ("Network.predict", "Trainer.fit", "Simulator.push", "fixed.loihi_format", "Dense"):
        assert name in names
    assert {"audio.LogMel", "audio.LyonEar.many"} <= names
    assert {f"core.{name}" for name in odd_values.CORES} <= set(odd_values.private())
