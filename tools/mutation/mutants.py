r"""Puts faults into the Rust code at random, one by one, and says which no test of Rust finds.

    git worktree add ../mutants
    python tools/mutation/mutants.py --tree ../mutants --out found.jsonl --hours 2 \
        --share learn=220,sim=130
    python tools/mutation/mutants.py --out found.jsonl --table

The faults are those that `cargo mutants` lists (`cargo install cargo-mutants`), drawn folder by
folder with a seed. Each is put into the tree, which must be no one's work, built, and tried on the
tests of its own file, then on those of its folder, then on those of other folders that reach it;
the first failure ends it. So a fault costs seconds where `cargo mutants` itself runs every test,
a minute and more. A run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import os
import random
import re
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

SHARE = {
    "learn": 220,
    "network": 90,
    "spikes": 80,
    "engine": 200,
    "sim": 60,
    "neuron": 100,
    "fixed": 80,
}
# Beginnings of the names of the tests that can reach the code of a folder at all.
RELEVANT = {
    "learn": ["learn::", "allocation"],
    "network": ["network::", "learn::", "fixed::", "engine::", "graph::", "allocation", "sim::"],
    "spikes": ["spikes::", "learn::", "network::", "engine::", "sim::"],
    "engine": ["engine::", "sim::", "learn::", "fixed::", "allocation"],
    "sim": ["sim::", "engine::", "allocation"],
    "neuron": ["neuron::", "engine::", "sim::", "fixed::", "learn::", "allocation"],
    "fixed": ["fixed::", "engine::fixed", "sim::fixed", "learn::", "allocation"],
}
# A fault that makes a loop endless, or its lists, is found.
SECONDS, BYTES = 90, 6 << 30


def listed(tree: Path, folder: str) -> list[dict[str, Any]]:
    """Returns all faults of a folder, those in tests left out."""
    pattern = f"rust/{folder}/**/*.rs"
    command = ["cargo", "mutants", "--list", "--json", "--diff", "-f", pattern]
    found = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    return [fault for fault in json.loads(found.stdout) if not fault["file"].endswith("tests.rs")]


def drawn(tree: Path, share: dict[str, int], seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Returns a random sample of the faults of every folder, the folders by turns."""
    sample = []
    for folder, n in share.items():
        faults = listed(tree, folder)
        random.Random(f"{seed}{folder}").shuffle(faults)
        sample += [((k + 0.5) / n, folder, fault) for k, fault in enumerate(faults[:n])]
    sample.sort(key=lambda entry: entry[0])
    return [(folder, fault) for _, folder, fault in sample]


def build(tree: Path) -> str | None:
    """Compiles the tests; their program, or None if they do not compile."""
    command = ["cargo", "test", "--no-run", "--lib", "--message-format=json"]
    built = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if built.returncode:
        return None
    messages = map(json.loads, built.stdout.splitlines())
    programs: list[str] = [m["executable"] for m in messages if m.get("executable")]
    return programs[-1]


def run(program: str, tests: list[str], tree: Path) -> tuple[str, str | None]:
    """Runs tests until one fails: "caught" and its name, "timeout", or "ok"."""
    if not tests:
        return "ok", None
    process = subprocess.Popen(
        [program, "--test-threads", "1", "--exact", *tests],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES)),
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(SECONDS, end)
    timer.start()
    failed, passed = None, False
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.match(r"test (\S+).* \.\.\. FAILED", line):
            failed = match[1]
            break
        passed |= line.startswith("test result: ok")
    timer.cancel()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if failed:
        return "caught", failed
    if late.is_set():
        return "timeout", None
    return ("ok", None) if passed else ("caught", "the whole program")


def tried(
    tree: Path, folder: str, fault: dict[str, Any], tests: list[str]
) -> tuple[str, str | None]:
    """Puts one fault into the tree, tries it, and takes it out."""
    path = tree / fault["file"]
    before = path.read_text()
    command = ["patch", "-p0", "-s", "--no-backup-if-mismatch", "-r", "-", str(path)]
    try:
        subprocess.run(command, input=fault["diff"], text=True, capture_output=True, check=True)
        program = build(tree)
        if program is None:
            return "unviable", None
        module = fault["file"][len("rust/") : -len(".rs")].replace("/", "::").removesuffix("::mod")
        relevant = [test for test in tests if test.startswith(tuple(RELEVANT[folder]))]
        own = [test for test in relevant if test.startswith(module)]
        near = [test for test in relevant if test.startswith(f"{folder}::") and test not in own]
        far = [test for test in relevant if test not in own and test not in near]
        result: tuple[str, str | None] = ("ok", None)
        for group in (own, near, far):
            result = run(program, group, tree)
            if result[0] != "ok":
                break
        return result
    finally:
        path.write_text(before)


def wilson(found: int, n: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    middle, square = found / n + z * z / (2 * n), z * z / n
    width = z * math.sqrt(found / n * (1 - found / n) / n + square / (4 * n))
    return (middle - width) / (1 + square), (middle + width) / (1 + square)


def table(out: Path) -> str:
    """Returns what was found, folder by folder, as a table."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for line in out.read_text().splitlines():
        entry = json.loads(line)
        counts[entry["folder"]][entry["result"]] += 1
    rows = ["| folder | tried | unviable | found | survived | share found | 95 % interval |"]
    rows.append("|---|---|---|---|---|---|---|")
    everything: collections.Counter[str] = collections.Counter()
    for own in counts.values():
        everything += own
    for folder, own in [*sorted(counts.items()), ("all", everything)]:
        found = own["caught"] + own["timeout"]
        n = found + own["ok"]
        low, high = wilson(found, n)
        share = f"{found / n:.1%}" if n else "-"
        cells = [
            folder,
            own.total(),
            own["unviable"],
            found,
            own["ok"],
            share,
            f"{low:.1%} to {high:.1%}",
        ]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tree", type=Path, help="checkout to put faults into")
    parser.add_argument("--out", type=Path, required=True, help="a line of JSON for each fault")
    parser.add_argument("--share", help="faults of each folder: learn=220,sim=130", default="")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument(
        "--hours", type=float, default=math.inf, help="no fault is begun after these"
    )
    parser.add_argument("--table", action="store_true", help="print what was found, and end")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(arguments.out))
        return
    if arguments.tree is None:
        parser.error("--tree is missing: a checkout that is no one's work")
    pairs = (part.split("=") for part in arguments.share.split(",") if part)
    share = {folder: int(n) for folder, n in pairs} or SHARE
    done = set()
    if arguments.out.exists():
        done = {json.loads(line)["name"] for line in arguments.out.read_text().splitlines()}
    program = build(arguments.tree)
    if program is None:
        parser.error(f"{arguments.tree} does not compile")
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    tests = [line.removesuffix(": test") for line in names.splitlines() if line.endswith(": test")]
    start = time.monotonic()
    for folder, fault in drawn(arguments.tree, share, arguments.seed):
        if fault["name"] in done:
            continue
        if time.monotonic() - start > 3600 * arguments.hours:
            break
        result, by = tried(arguments.tree, folder, fault, tests)
        entry = {"name": fault["name"], "folder": folder, "result": result, "by": by}
        if result == "ok":
            entry["diff"] = fault["diff"]
        with arguments.out.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(result, fault["name"], by or "", flush=True)
    print(table(arguments.out))


if __name__ == "__main__":
    main()
