"""Training that is killed before any of its file operations can be gone on with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", ["plots", "init"])
def test_a_run_that_was_killed_anywhere_ends_as_if_it_had_not_been(tmp_path, how):
    result = subprocess.run(
        [sys.executable, Path(__file__).parents[1] / "killing.py", tmp_path, how],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert int(result.stdout) >= 25
