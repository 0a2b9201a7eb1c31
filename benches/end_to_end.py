"""Prints the tables of the README: speed, memory, scaling and cost of the paper's network.

Usage: python benches/end_to_end.py [--data-dir DIR] [--samples N] [--repetitions N] [--json FILE]

Every figure comes from this one run, on Fashion-MNIST (the demo data where that is not found).
Nothing else should run meanwhile. Speeds of training are those of single epochs, from the second
on; speeds of inference the median of as many runs over the test samples.
"""

import argparse
import json
import os
import platform
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.datasets import find_fashion_mnist, load_dataset
from strsbp_rs.recipes._recipe import load_recipe


@dataclass
class Case:
    """A network and its input, and how much of the data to use."""

    n_samples: int
    n_test: int
    threads: int = 2
    n_steps: int = 400
    width: int = 400
    rate_scale: float = 1 / 5.5
    repetitions: int = 1


def measure(
    x: Any, y: NDArray[np.int64], xt: Any, yt: NDArray[np.int64], case: Case
) -> dict[str, Any]:
    """Trains an epoch and as many more as there are repetitions, and evaluates as often.

    Speeds are lists, without the first epoch.
    """
    recipe = load_recipe("fashion-mnist")
    first, hidden, output = recipe.layers
    recipe = replace(
        recipe,
        layers=(replace(first, n=case.width), replace(hidden, n=case.width), output),
        encoder=sr.BernoulliEncoder(case.n_steps, case.rate_scale),
    )
    trainer = recipe.build(x.shape[1], case.threads)
    trainer.fit(
        x[: case.n_samples], y[: case.n_samples], epochs=1 + case.repetitions, progress=False
    )
    results = [
        trainer.evaluate(xt[: case.n_test], yt[: case.n_test]) for _ in range(case.repetitions)
    ]
    epochs = trainer.history.epochs
    return {
        "train": [record["samples_per_s"] for record in epochs[1:]],
        "infer": [result.samples_per_s for result in results],
        "rates": epochs[-1]["firing_rate"],
        "accuracy": results[-1].accuracy,
    }


def resident_memory(field: str) -> float:
    """Returns VmRSS (now) or VmHWM (the peak) of this process [MB]; Linux only."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) / 1024


def reset_peak_memory() -> None:
    """Makes VmHWM start anew from what is resident now."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def main() -> None:
    """Runs everything and prints it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir")
    parser.add_argument("--samples", type=int, help="training samples of the first table; all")
    parser.add_argument("--repetitions", type=int, default=2, help="of the first table")
    parser.add_argument("--json", help="file for the raw figures")
    args = parser.parse_args()
    name = "fashion-mnist" if find_fashion_mnist(args.data_dir) else "demo"
    data = load_dataset(name, args.data_dir)
    arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
    n, n_test = args.samples or len(data.x_train), len(data.x_test)
    before = resident_memory("VmRSS")
    reset_peak_memory()
    results: dict[str, Any] = {"machine": platform.machine(), "cores": os.cpu_count()}
    print(f"{name}, 784-400-R400-10, T = 400, float32, encoding included; {sr.simd_level()},")
    print(f"{os.cpu_count()} cores; {n:,} training samples, {n_test:,} test samples; samples/s\n")
    epochs = [f"training, epoch {2 + epoch}" for epoch in range(args.repetitions)]
    columns = ["threads", *epochs, "inference, median"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for threads in (1, 2):
        result = measure(*arrays, Case(n, n_test, threads, repetitions=args.repetitions))
        results[f"threads {threads}"] = result
        speeds = [*result["train"], np.median(result["infer"])]
        print(f"| {threads} | {' | '.join(f'{speed:.0f}' for speed in speeds)} |", flush=True)
        results.setdefault("speeds", []).append(speeds)
    ratios = (f"{two / one:.2f}x" for one, two in zip(*results["speeds"], strict=True))
    print(f"| 2 over 1 | {' | '.join(ratios)} |\n")
    results["memory"] = resident_memory("VmHWM") - before
    print(f"peak memory above the data set: {results['memory']:.0f} MB\n")
    print("best of 2, 2 threads, 2,000 training samples\n")
    print("| | training ms/sample | inference ms/sample | firing rates |\n|---|---|---|---|")
    scaling: tuple[tuple[str, dict[str, Any]], ...] = (
        *((f"T = {steps}", {"n_steps": steps}) for steps in (100, 200, 400, 800)),
        *((f"width {width}", {"width": width}) for width in (100, 200, 400, 800)),
        *((f"input rate x {scale:g}", {"rate_scale": scale / 5.5}) for scale in (0.25, 0.5, 1, 2)),
    )
    for label, change in scaling:
        result = measure(*arrays, Case(2000, 1000, repetitions=2, **change))
        results[label] = result
        rates = ", ".join(f"{rate:.1%}" for rate in result["rates"])
        train, infer = (1e3 / max(result[key]) for key in ("train", "infer"))
        print(f"| {label} | {train:.2f} | {infer:.2f} | {rates} |", flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
