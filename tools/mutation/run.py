"""Puts single faults into the Python package, one after another, and runs the tests that might see.

By hand, in the environment of tools/setup.sh (Linux), with coverage.py installed:

    python tools/mutation/run.py --work FOLDER measure
    python tools/mutation/run.py --work FOLDER try --faults 300

The first runs all tests once, to know which lines each runs. The second takes the first so many
faults of an order that --seed draws, in which every part is a sample of all files by their numbers
of faults. FOLDER/results.jsonl gets a line a fault, and is gone on with when it is called again.
Tests are run on a copy of the tree in FOLDER: the checkout is not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from faults import Fault, faults

HERE = Path(__file__).parent
ROOT, PACKAGE, TESTS = HERE.parents[1], "strsbp_rs", "python_tests"
LIMIT = 120.0
"""Seconds after which a fault whose tests still run is found: it takes for ever."""
MEMORY = 8 << 30
"""Bytes that tests of a fault may use."""


def copy_tree(work: Path) -> Path:
    """Copies what tests read into the work folder: the package itself, the rest as links."""
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name in (PACKAGE, TESTS):
            shutil.copytree(path, tree / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.name == "pyproject.toml":
            shutil.copy(path, tree)
        elif path.name not in (".git", ".venv", "target"):
            (tree / path.name).symlink_to(path)
    return tree


def environment(tree: Path, **more: str) -> dict[str, str]:
    """Returns an environment in which the copy is what is imported."""
    return {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{HERE}", **more}


def pytest_command(*options: str) -> list[str]:
    """Returns the command that runs tests with the plugin."""
    return [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "plugin",
        "-p",
        "no:cacheprovider",
        *options,
    ]


def measure(work: Path, tests: list[str]) -> None:
    """Runs tests once under coverage.py."""
    tree, folder = copy_tree(work), work / "measured"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "coveragerc").write_text(
        f"[run]\nsource = {tree / PACKAGE}\ncontext = ${{MUTATION_TEST-}}\nparallel = true\n"
        f"data_file = {folder}/.coverage\n"
    )
    # Read by every Python that starts: measures in processes of tests.
    (folder / "sitecustomize.py").write_text("import coverage\ncoverage.process_startup()\n")
    there = environment(tree, MUTATION_MEASURE=str(folder))
    there["PYTHONPATH"] += f"{os.pathsep}{folder}"
    subprocess.run(pytest_command(*tests), cwd=tree, env=there, check=False)
    combine = [
        sys.executable,
        "-m",
        "coverage",
        "combine",
        "--quiet",
        f"--data-file={folder}/.coverage",
    ]
    subprocess.run([*combine, str(folder)], check=True)


def in_order(seed: int, tree: Path) -> list[Fault]:
    """Returns all faults in the order in which they are tried."""
    by_file: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults(tree, PACKAGE):
        by_file[fault.file].append(fault)
    rng, placed = random.Random(seed), []
    for file, found in sorted(by_file.items()):
        rng.shuffle(found)
        offset = rng.random()
        placed += [((i + offset) / len(found), file, fault) for i, fault in enumerate(found)]
    return [fault for _, _, fault in sorted(placed, key=lambda one: one[:2])]


def attempt(fault: Fault, tests: list[str], work: Path, mtime: int) -> dict[str, Any]:
    """Runs tests with the fault in; says how it ended."""
    tree, source = work / "tree", (ROOT / fault.file).read_bytes()
    path, chosen, said = tree / fault.file, work / "tests.json", work / "said.jsonl"
    chosen.write_text(json.dumps(tests))
    said.write_text("")
    there = environment(tree, MUTATION_TESTS=str(chosen), MUTATION_SAID=str(said))
    there["PYTHONDONTWRITEBYTECODE"] = "1"
    files = sorted({test.partition("::")[0] for test in tests})
    path.write_bytes(fault.apply(source))
    # No two texts of a file have the same time: what was compiled of another is not taken.
    os.utime(path, (mtime, mtime))
    try:
        with (work / "last.log").open("w") as log:
            process = subprocess.Popen(
                pytest_command("-x", "--timeout=100", *files),
                cwd=tree,
                env=there,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
            )
            try:
                code: int | None = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                # With what tests have started, and left.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    finally:
        path.write_bytes(source)
    events = [json.loads(line) for line in said.read_text().splitlines()]
    by = next((event[1:] for event in events if event[0] == "failed"), None)
    if code is None:
        status, by = "timeout", [event[1] for event in events][-1:]
    elif code == 0:
        status = "survived"
    else:
        status = "found" if by else f"pytest ended with {code}"
    return {"status": status, "by": by}


def attempts(work: Path, n: int, seed: int, budget: float) -> None:
    """Tries the first n faults, and writes how each ended."""
    from tests_of import TestsOf

    tree, results = copy_tree(work), work / "results.jsonl"
    of = TestsOf(tree, PACKAGE, work / "measured")
    done = {json.loads(line)["number"] for line in results.open()} if results.exists() else set()
    for number, fault in enumerate(in_order(seed, tree)[:n]):
        if number in done:
            continue
        tests, spent, chosen = of.find(fault), 0.0, list[str]()
        for test in tests:
            spent += of.seconds[test]
            if chosen and spent > budget:
                break
            chosen.append(test)
        begun = time.time()
        mtime = 1_000_000_000 + number
        ended = attempt(fault, chosen, work, mtime) if chosen else {"status": "no test runs it"}
        source = (ROOT / fault.file).read_bytes()
        record = {
            "number": number,
            "file": fault.file,
            "line": fault.line,
            "kind": fault.kind,
            "old": source[fault.start : fault.end].decode(),
            "new": fault.new,
            "tests": len(chosen),
            "of": len(tests),
            "seconds": round(time.time() - begun, 1),
            **ended,
        }
        with results.open("a") as file:
            file.write(json.dumps(record) + "\n")
        if record["status"] != "found":
            where = f"{fault.file}:{fault.line}"
            print(f"{number} {where}: {record['old']!r} -> {fault.new!r}: {record['status']}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of copies and results")
    commands = parser.add_subparsers(dest="command", required=True)
    measured = commands.add_parser("measure", help="run tests, to know which lines each runs")
    measured.add_argument("tests", nargs="*", default=[TESTS], help="all if none is named")
    trial = commands.add_parser("try", help="try faults")
    trial.add_argument("--faults", type=int, default=300)
    trial.add_argument("--seed", type=int, default=12)
    trial.add_argument("--budget", type=float, default=30.0, help="seconds of tests for a fault")
    options = parser.parse_args()
    work = options.work.resolve()
    if options.command == "measure":
        measure(work, options.tests)
    else:
        attempts(work, options.faults, options.seed, options.budget)


if __name__ == "__main__":
    main()
