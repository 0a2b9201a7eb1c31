"""Writes hashes.json anew and says what changed; see README.md for when that is right."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from golden.registry import CASES, KINDS, Kind, compute, probes

HASHES = Path(__file__).parent / "hashes.json"


def compute_all(n_threads: int, kinds: Sequence[Kind] = KINDS) -> dict[str, dict[str, str]]:
    """All entries of some kinds, by kind and name."""
    import golden.cases  # noqa: F401  (registers the cases)

    found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, case in CASES.items():
            if case.kind in kinds:
                found[case.kind] |= compute(name, n_threads)
    for kind, value in probes().items():
        if kind in kinds:
            found[kind]["probe"] = value
    return found


def read() -> dict[str, dict[str, str]]:
    """The entries that are kept."""
    if not HASHES.exists():
        return {kind: {} for kind in KINDS}
    held: dict[str, dict[str, str]] = json.loads(HASHES.read_text(encoding="utf-8"))
    return held


def differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """What changed, a line an entry."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            found.append(f"{name}: {old.get(name, 'is new')} -> {new.get(name, 'is gone')}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if anything changed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="with --check")
    options = parser.parse_args()
    import golden.cases.old as old_files

    if not options.check:
        for name in old_files.write_missing_files():
            print(f"old/{name} is new")
    kinds = options.kinds if options.check else KINDS
    old, new = read(), compute_all(options.threads, kinds)
    changes = [line for kind in kinds for line in differences(old[kind], new[kind])]
    for line in changes:
        print(line)
    print(f"{len(changes)} of {sum(map(len, new.values()))} entries changed")
    if not options.check:
        text = json.dumps(new, indent=1, sort_keys=True, ensure_ascii=True)
        HASHES.write_text(text + "\n", encoding="utf-8")
    elif changes:
        sys.exit(1)


if __name__ == "__main__":
    main()
