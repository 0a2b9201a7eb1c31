"""Measures what fixed point costs trained networks, and what training through it brings back.

Usage: python benches/quantization.py RUN [RUN ...] [--epochs N] [--encodings N] [--quick]
       [--out docs/benchmarks] [--json FILE] [--from-json FILE]

RUNs are result folders of `strsbp train`. Prints Markdown tables and draws quantization.png.
Accuracies are means over the runs and over several encodings of all their test images. Training
through fixed point goes on from the float weights, with the run's recipe but for epochs, learning
rate and a cosine that ends with them; "float" goes on likewise without it, for comparison.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import strsbp_rs as sr
from strsbp_rs.datasets import Dataset
from strsbp_rs.recipes._recipe import Recipe
from strsbp_rs.training._data import load_data
from strsbp_rs.training._pictures import new_figure, save_figure
from strsbp_rs.training._run import RunFolder, load_network

WEIGHT_BITS = (2, 3, 4, 5, 6, 7, 8)
STATE_BITS = (8, 9, 10, 11, 12, 14, 16, 20, 24)
N_STEPS = (50, 100, 200, 400)
CHIPS: dict[str, Any] = {
    "loihi": sr.Loihi(),
    "cortex_m": sr.CortexM(),
    "spinnaker": sr.Spinnaker(),
}

# What is trained through, and with which learning rate.
TRAINED: dict[str, tuple[Any, float]] = {
    "float": (None, 3e-4),
    "weights 8, state 16": (sr.QFormat(), 3e-4),
    "weights 4, state 16": (sr.QFormat(weight_bits=4), 1e-3),
    "weights 2, state 16": (sr.QFormat(weight_bits=2), 1e-3),
    "weights 8, state 10": (sr.QFormat(state_bits=10), 1e-3),
    "loihi": (sr.Loihi(), 3e-4),
}

Table = dict[str, list[float]]


def accuracy(
    model: sr.Network | sr.FixedNetwork, data: Dataset, encoder: sr.BernoulliEncoder, encodings: int
) -> float:
    """Returns the share of right predictions over some encodings of the test images."""
    right = [
        model.predict(data.x_test, encoder=encoder, seed=1000 + seed) == data.y_test
        for seed in range(encodings)
    ]
    return float(np.mean(right))


def quantised(
    net: sr.Network, data: Dataset, encoder: sr.BernoulliEncoder, encodings: int, quick: bool
) -> dict[str, float]:
    """Returns accuracies after quantisation alone."""
    targets: dict[str, Any] = {"float": None}
    targets |= {f"weights {n}, state 16": sr.QFormat(weight_bits=n) for n in WEIGHT_BITS}
    targets |= {f"weights 8, state {n}": sr.QFormat(state_bits=n) for n in STATE_BITS}
    targets |= CHIPS
    steps = {n: targets for n in (encoder.n_steps,)}
    few = {name: targets[name] for name in ("float", "weights 8, state 16", "weights 4, state 16")}
    steps |= {n: few for n in N_STEPS if n < encoder.n_steps}
    if quick:
        steps = {100: few}
    found = {}
    for n_steps, chosen in steps.items():
        for name, target in tqdm(chosen.items(), desc=f"T = {n_steps}", leave=False):
            model = net if target is None else net.to_fixed(target)
            shorter = replace(encoder, n_steps=n_steps)
            found[f"{name}, T {n_steps}"] = accuracy(model, data, shorter, encodings)
    return found


def trained(
    net: sr.Network, plan: Recipe, data: Dataset, epochs: int, encodings: int, quick: bool
) -> dict[str, float]:
    """Returns accuracies after training through fixed point."""
    found = {}
    chosen = dict(list(TRAINED.items())[:2]) if quick else TRAINED
    weights = net.weights
    for name, (target, lr) in tqdm(chosen.items(), desc="training through", leave=False):
        net.set_weights(weights)
        recipe = replace(
            plan,
            hardware=target,
            optimizer=replace(plan.optimizer, lr=lr),
            schedule=sr.Cosine(epochs=float(epochs), min_factor=0.01),
            augment=None if plan.augment is None else replace(plan.augment, first_epoch=1),
        )
        trainer = recipe.build(net.n_in, None, net)
        trainer.fit(data.x_train, data.y_train, epochs=epochs, progress=False)
        model = net if target is None else net.to_fixed(target)
        found[name] = accuracy(model, data, plan.encoder, encodings)
        tqdm.write(f"{name}: {found[name]:.2%}")
    net.set_weights(weights)
    return found


def report(after: Table, through: Table, epochs: int) -> None:
    """Prints the tables."""
    full = max(int(name.rpartition(" ")[2]) for name in after)
    base = np.array(after[f"float, T {full}"])
    n_runs = len(base)
    print(f"\nAccuracy [%], mean of {n_runs} networks; in brackets what is lost [points].\n")
    print(f"| format | after quantisation | trained through, {epochs} epochs |")
    print("|---|---|---|")
    names = [name.rpartition(",")[0] for name in after if name.endswith(f" T {full}")]
    for name in dict.fromkeys([*names, *through]):
        cells = []
        for values in (after.get(f"{name}, T {full}"), through.get(name)):
            if values is None:
                cells.append("")
                continue
            lost = float(np.mean(base[: len(values)] - np.array(values)))
            cells.append(f"{100 * np.mean(values):.2f} ({100 * lost:+.2f})")
        print(f"| {name} | {cells[0]} | {cells[1]} |")
    print("\n| T | float | weights 8, state 16 | weights 4, state 16 |")
    print("|---|---|---|---|")
    for n_steps in sorted({int(name.rpartition(" ")[2]) for name in after}):
        row = [
            f"{100 * np.mean(after[f'{name}, T {n_steps}']):.2f}"
            for name in ("float", "weights 8, state 16", "weights 4, state 16")
        ]
        print(f"| {n_steps} | {' | '.join(row)} |")


def draw(after: Table, through: Table, epochs: int, path: Path) -> None:
    """Draws accuracy against bits of weights and states, and against the number of steps."""
    full = max(int(name.rpartition(" ")[2]) for name in after)
    picture = new_figure(11.0, 3.8)
    panels = picture.subplots(1, 3, sharey=True)
    base = 100 * float(np.mean(after[f"float, T {full}"]))
    for axes, pattern, bits, label in (
        (panels[0], "weights {}, state 16", WEIGHT_BITS, "bits of a weight (states 16)"),
        (panels[1], "weights 8, state {}", STATE_BITS, "bits of a state (weights 8)"),
    ):
        for values, suffix, color, name in (
            (after, f", T {full}", "#8896a5", "after quantisation"),
            (through, "", "#d1495b", f"trained through, {epochs} epochs"),
        ):
            points = [
                (n, 100 * float(np.mean(values[pattern.format(n) + suffix])))
                for n in bits
                if pattern.format(n) + suffix in values
            ]
            axes.plot(*zip(*points, strict=True), "o-", ms=4, color=color, label=name)
        axes.axhline(base, color="#1d3557", lw=1, ls="--", label="float")
        axes.set_xlabel(label)
        axes.set_xticks(bits)
    for name, color in (
        ("float", "#1d3557"),
        ("weights 8, state 16", "#8896a5"),
        ("weights 4, state 16", "#edae49"),
    ):
        steps = sorted({int(key.rpartition(" ")[2]) for key in after})
        values = [100 * float(np.mean(after[f"{name}, T {n}"])) for n in steps]
        panels[2].plot(steps, values, "o-", ms=4, color=color, label=name)
    panels[2].set_xlabel("steps T at inference (trained at 400)")
    panels[0].set_ylabel("test accuracy [%]")
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right")
    panels[0].set_ylim(max(0.0, base - 15.0), base + 1.0)
    save_figure(picture, path)


def write(path: Path | None, after: Table, through: Table, epochs: int) -> None:
    """Writes the figures so far."""
    if path:
        held = {"after": after, "through": through, "epochs": epochs}
        path.write_text(json.dumps(held, indent=1) + "\n")


def main() -> None:
    """Measures, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--encodings", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="an epoch, 100 steps, two formats")
    parser.add_argument("--out", type=Path, help="folder of the picture")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--from-json", type=Path, help="file to read them from")
    options = parser.parse_args()
    after: Table = defaultdict(list)
    through: Table = defaultdict(list)
    epochs = 1 if options.quick else options.epochs
    if options.from_json:
        held = json.loads(options.from_json.read_text())
        after, through, epochs = held["after"], held["through"], held["epochs"]
    for run in options.runs:
        plan = RunFolder(run).recipe()
        data, net = load_data(plan, plan.data.dir or None), load_network(run)
        tqdm.write(f"{run}: {len(data.x_test):,} test images")
        found = quantised(net, data, plan.encoder, options.encodings, options.quick)
        for name, value in found.items():
            after[name].append(value)
        write(options.json, after, through, epochs)
        found = trained(net, plan, data, epochs, options.encodings, options.quick)
        for name, value in found.items():
            through[name].append(value)
        write(options.json, after, through, epochs)
    report(after, through, epochs)
    if options.out and not options.quick:
        draw(after, through, epochs, options.out / "quantization.png")


if __name__ == "__main__":
    main()
