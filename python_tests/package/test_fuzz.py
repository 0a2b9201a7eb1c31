"""Damaged files and states: an error that is one, or something whole.

`STRSBP_FUZZ_CASES` is the number of cases of each loader, `STRSBP_FUZZ_SEED` where they begin. See
docs/fuzzing.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fuzz
import pytest

CASES = int(os.environ.get("STRSBP_FUZZ_CASES", "60"))
SEED = int(os.environ.get("STRSBP_FUZZ_SEED", "0"))


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits as Linux does")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_damaged(target: str, tmp_path: Path) -> None:
    command = [sys.executable, fuzz.__file__, target, str(SEED), str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    case = tmp_path / "case"
    assert done.returncode == 0, f"{done.returncode}, left in {case}:\n{done.stderr[-3000:]}"
    # Not all is refused: then nothing would be tested but the checksums.
    assert CASES < 50 or 0 < int(done.stdout) < CASES, done.stdout
