"""An interpreter that ends while daemon threads compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "stress_exit.py"


@pytest.mark.parametrize("what", ["fit", "callbacks", "evaluate", "advance"])
def test_a_daemon_thread_does_not_disturb_the_end(what: str) -> None:
    """A few of the runs that `tools/stress_exit.py` makes by the thousand."""
    command = [sys.executable, str(SCRIPT), "--runs", "4", "--what", what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{what}: 4 runs, 0 failed" in done.stdout


def test_a_callback_that_never_returns_does_not_keep_the_end() -> None:
    """It is waited for some seconds, then left."""
    command = [sys.executable, str(SCRIPT), "--runs", "1", "--what", "stuck"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_runs_at_exit_may_compute() -> None:
    """A function registered before the package was imported runs after its own."""
    code = """
import atexit
atexit.register(lambda: print("at exit", net.predict(x)))
import numpy as np, strsbp_rs as sr
net, x = sr.Network(2, [sr.Dense(2)]), np.zeros((1, 20, 2), bool)
net.predict(x)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0 and done.stdout == "at exit [0]\n", done.stdout + done.stderr
