"""Results are those of golden/hashes.json; see golden/README.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import golden.cases
import golden.regenerate
import pytest
from golden.regenerate import differences, read
from golden.registry import CASES, compute, kept, probes

import strsbp_rs as sr

HASHES = read()
PROBES = probes()
OTHER = [kind for kind, value in PROBES.items() if HASHES[kind]["probe"] != value]
"""What this machine computes otherwise than the one that wrote the hashes."""
N_THREADS = (1, 2, 5)

pytestmark = pytest.mark.filterwarnings("ignore::strsbp_rs.StrsbpWarning")


@pytest.mark.parametrize(
    ("name", "n_threads"),
    [(name, n) for name, case in CASES.items() for n in (N_THREADS if case.threads else (1,))],
)
def test_same_results(name: str, n_threads: int) -> None:
    if CASES[name].kind in OTHER:
        pytest.skip(f"{CASES[name].kind} of this machine has other bits")
    expected = kept(name, HASHES)
    assert expected
    assert differences(expected, compute(name, n_threads)) == []


def test_every_entry_is_of_a_case() -> None:
    found = {entry for name in CASES for entry in kept(name, HASHES)}
    held = {entry for entries in HASHES.values() for entry in entries}
    assert held - found == {"probe"}


def test_something_is_in_every_entry() -> None:
    """Neurons that are silent tell nothing."""
    silent = re.compile(r"(\d+ )*0 (\d+ )*spikes ")
    found = [name for entries in HASHES.values() for name in entries if silent.match(entries[name])]
    assert found == []


LEVELS = {"baseline": "SSE2", "avx2": "AVX2", "avx512": "AVX-512"}
"""Values of STRSBP_SIMD, and what `simd_level` then tells."""
NUMPY_PATHS = (
    "X86_V3 X86_V4 "  # as NumPy 2.4 calls them; before:
    "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
)
OTHERS = [level for level, name in LEVELS.items() if name != sr.simd_level()]


@pytest.mark.skipif(sr.simd_level() not in LEVELS.values(), reason="one instruction set only")
@pytest.mark.parametrize("level", OTHERS)
def test_same_results_with_other_instructions(level: str) -> None:
    """In a process of its own, as they are chosen once; also without fast paths of NumPy.

    Inputs are made by NumPy, by what has the same bits on every processor.
    """
    script = Path(golden.regenerate.__file__)
    kinds = [kind for kind in ("bits", "libm") if kind not in OTHER]
    environment = {"STRSBP_SIMD": level, "NPY_DISABLE_CPU_FEATURES": NUMPY_PATHS}
    result = subprocess.run(
        [sys.executable, str(script), "--check", "--kinds", *kinds],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    *told, last = result.stdout.splitlines() or [""]
    assert "entries changed" in last, result.stderr
    assert told == [], level
