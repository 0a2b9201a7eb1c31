"""Draws the balanced network, runs all simulators on it in turn, and prints the table.

Usage: python benches/balanced/run_all.py [--dir runs/balanced] [--rounds N] [--baselines PYTHON]
                                          [--spread SHARE] [--only WORD ...] [--quick]

Machines slow down and speed up over minutes. Therefore every simulator runs once a round, round
after round, and the best of its rounds counts. NEST and Brian2 may live in an environment of their
own, whose interpreter --baselines names. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from network import DEFAULT_DIR, Constants, draw, save

HERE = Path(__file__).parent

OURS = [
    ["--engine", engine, "--dtype", dtype]
    for engine in ("clocked", "event", "auto")
    for dtype in ("float32", "float64")
] + [["--engine", "continuous", "--dtype", "float64"]]


def jobs(args: argparse.Namespace) -> list[list[str]]:
    """Returns the commands, without options that all share."""
    ours, baselines = sys.executable, args.baselines
    found = [[ours, str(HERE / "strsbp_run.py"), *options] for options in OURS]
    copies = ["--copies", "2"]
    found += [[ours, str(HERE / "strsbp_run.py"), *options, *copies] for options in OURS]
    for name in ("nest", "brian2"):
        found += [
            [baselines, str(HERE / f"{name}_run.py"), "--threads", str(threads)]
            for threads in (1, 2)
        ]
    if args.only:
        found = [job for job in found if any(word in " ".join(job[1:]) for word in args.only)]
    return found


def run(command: list[str], directory: Path) -> dict[str, Any]:
    """Runs a simulator and returns the line it reports; fails loudly if it does."""
    print(f"  {' '.join([Path(command[1]).name, *command[2:]])}", file=sys.stderr, flush=True)
    environment = {**os.environ, "PYNEST_QUIET": "1", "OMP_NUM_THREADS": ""}
    # NEST refuses an OMP_NUM_THREADS that differs from its own number of threads.
    del environment["OMP_NUM_THREADS"]
    done = subprocess.run(
        [*command, "--dir", str(directory)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}{' '.join(command)} failed")
    line: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def store_walls(directory: Path, line: dict[str, Any], walls: list[float]) -> None:
    """Puts the walls of all rounds into the file of the last one."""
    path = directory / f"{line['simulator']}-{line['threads']}.npz"
    with np.load(path) as file:
        step, neuron = file["step"], file["neuron"]
    line = {**line, "wall_s": min(walls), "walls_s": walls}
    np.savez(path, step=step, neuron=neuron, line=json.dumps(line))


def main() -> None:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread", type=float, default=0.0, help="share by which weights differ")
    parser.add_argument(
        "--baselines", default=sys.executable, help="interpreter that has NEST and Brian2"
    )
    parser.add_argument("--only", nargs="+", help="run only commands that hold one of these words")
    parser.add_argument("--quick", action="store_true", help="simulate 0.5 s instead of 10 s")
    args = parser.parse_args()
    if args.quick:
        args.dir = args.dir / "quick"
    for old in args.dir.glob("*-*.npz"):
        old.unlink()
    constants = Constants(spread=args.spread)
    if args.quick:
        constants = replace(constants, warm_up=100.0, duration=500.0)
    save(draw(constants, args.seed), args.dir)
    run([sys.executable, str(HERE / "reference.py")], args.dir)
    lines: dict[str, dict[str, Any]] = {}
    walls: dict[str, list[float]] = {}
    for index in range(args.rounds):
        print(f"round {index + 1} of {args.rounds}", file=sys.stderr)
        for job in jobs(args):
            line = run([*job, "--repetitions", "1"], args.dir)
            key = " ".join(job)
            lines[key] = line
            walls.setdefault(key, []).extend(line["walls_s"])
    for key, line in lines.items():
        store_walls(args.dir, line, walls[key])
    compare = [sys.executable, str(HERE / "compare.py"), "--dir", str(args.dir)]
    agreed = subprocess.run(compare).returncode == 0
    # Within 0.5 s, rates of runs that differ by a rounding error may well be 10 % apart.
    if not agreed and not args.quick:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
