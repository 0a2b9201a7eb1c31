"""Compares the spikes and the speed of all runs in a directory.

Usage: python benches/balanced/compare.py [--dir runs/balanced]

Every `<simulator>-<threads>.npz` there is compared with reference-1.npz, or the first one: until
when the spikes are the same, whether mean rates agree within 5 %, and the Kolmogorov-Smirnov
distance of the distributions of inter-spike intervals. Simulations of the same rule on the same
grid differ by rounding only, which a neuron forgets when it is reset: their spikes are the same
until one moves by a step. Speeds count the spikes of the neurons, and every synapse that a spike of
a neuron or an input arrives through, of all copies where several ran at once. Below the table, our
fastest row over the fastest one of NEST and of Brian2, on one core and on two; on two, twice the
speed of their one thread is the least that they are granted.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from network import DEFAULT_DIR, Network, load
from numpy.typing import NDArray
from results import Spikes, intervals

RATE_TOLERANCE = 0.05


def ks_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Returns the largest difference of two empirical distribution functions."""
    at = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(x), at, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def same_until(network: Network, a: Spikes, b: Spikes) -> float:
    """Returns the time of the first spike that is not in both [ms], or the end."""
    n = min(len(a[0]), len(b[0]))
    differs = np.flatnonzero((a[0][:n] != b[0][:n]) | (a[1][:n] != b[1][:n]))
    c = network.constants
    if len(differs):
        return float(min(a[0][differs[0]], b[0][differs[0]])) * c.dt
    if len(a[0]) != len(b[0]):
        return float((a if len(a[0]) > n else b)[0][n]) * c.dt
    return c.n_steps * c.dt


def read(path: Path) -> tuple[dict[str, Any], Spikes]:
    """Reads what `results.report` wrote."""
    with np.load(path) as file:
        line = {"copies": 1, **json.loads(file["line"].item())}
        return line, (file["step"], file["neuron"])


def speed(line: dict[str, Any], what: str) -> float:
    """Returns events a second, of all copies."""
    return float(line["copies"] * line[what] / line["wall_s"])


def ratios(lines: list[dict[str, Any]]) -> list[str]:
    """Says how much faster than the others ours is, core by core and type by type."""

    def cores(line: dict[str, Any]) -> int:
        return int(line["threads"] * line["copies"])

    def fastest(rows: list[tuple[float, str]]) -> tuple[float, str]:
        return max(rows, default=(0.0, ""))

    found = []
    for n in sorted({cores(line) for line in lines}):
        for dtype in ("f32", "f64"):
            ours, label = fastest(
                [
                    (speed(line, "synaptic_events"), line["simulator"])
                    for line in lines
                    if cores(line) == n and line["simulator"].startswith("strsbp")
                    if f" {dtype}" in line["simulator"]
                ]
            )
            for name in ("nest", "brian2"):
                rows = [line for line in lines if line["simulator"] == name]
                # As many processes of one thread may be better than threads: ours are copies too.
                others, how = fastest(
                    [
                        (speed(line, "synaptic_events"), f"of {line['threads']} threads")
                        for line in rows
                        if 1 < line["threads"] == n
                    ]
                    + [
                        (
                            n * speed(line, "synaptic_events"),
                            "of one thread"
                            if n == 1
                            else f"of one thread times {n}, as if {n} processes lost nothing",
                        )
                        for line in rows
                        if line["threads"] == 1
                    ]
                )
                if ours and others:
                    where = "1 core" if n == 1 else f"{n} cores"
                    ratio = f"{ours / others:.1f} times as fast as {name} {how}"
                    found.append(f"{where}: {label} is {ratio}")
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    args = parser.parse_args()
    network = load(args.dir)
    paths = sorted(
        args.dir.glob("*-*.npz"), key=lambda path: (path.stem != "reference-1", path.stem)
    )
    if not paths:
        raise SystemExit(f"no results in {args.dir}")
    first, expected = read(paths[0])
    expected_isi = np.concatenate(intervals(network, expected))
    columns = ["simulator", "threads", "wall [s]", "M spikes/s", "M synaptic events/s"]
    columns += ["ns/synaptic event", "spikes", "rate E, I [Hz]", "CV"]
    columns += ["same until [ms]", "rates within 5 %", "KS of ISI"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    agree, lines = True, []
    for path in paths:
        line, spikes = read(path)
        if line.get("duration_ms") != network.constants.duration:
            raise SystemExit(f"{path} is of another network: {line.get('duration_ms')} ms")
        lines.append(line)
        close = all(
            abs(line[rate] - first[rate]) <= RATE_TOLERANCE * first[rate]
            for rate in ("rate_e", "rate_i")
        )
        agree &= close
        distance = ks_distance(expected_isi, np.concatenate(intervals(network, spikes)))
        cells = [
            line["simulator"],
            line["threads"],
            f"{line['wall_s']:.3f}",
            f"{speed(line, 'spikes') / 1e6:.3f}",
            f"{speed(line, 'synaptic_events') / 1e6:.1f}",
            f"{1e9 / speed(line, 'synaptic_events'):.1f}",
            line["spikes"],
            f"{line['rate_e']:.2f}, {line['rate_i']:.2f}",
            f"{line['cv_isi']:.2f}",
            f"{same_until(network, expected, spikes):.1f}",
            "yes" if close else "NO",
            f"{distance:.4f}",
        ]
        print(f"| {' | '.join(map(str, cells))} |")
    print()
    print("\n".join(f"- {ratio}" for ratio in ratios(lines)))
    if not agree:
        raise SystemExit("rates differ by more than 5 %")


if __name__ == "__main__":
    main()
