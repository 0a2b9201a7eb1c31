"""Measures the paper's convolutional network, 15C5-P2-40C5-P2-300-10: speed, memory and cost.

Usage: python benches/convolution.py [--data-dir DIR] [--samples N] [--repetitions N] [--quick]

The network, encoder and training are those of the recipe mnist-cnn, on Fashion-MNIST, as MNIST does
not come with the package (the demo data where that is not found either). Nothing else should run
meanwhile.
Speeds of training are those of single epochs, from the second on.
"""

import argparse
import os
from dataclasses import replace
from typing import Any

from end_to_end import reset_peak_memory, resident_memory

import strsbp_rs as sr
from strsbp_rs.datasets import Dataset, find_fashion_mnist, load_dataset
from strsbp_rs.recipes._recipe import Recipe, load_recipe


def measure(data: Dataset, recipe: Recipe, threads: int, n: int, repetitions: int) -> Any:
    """Trains an epoch and as many more as there are repetitions; then evaluates."""
    trainer = recipe.build((1, 28, 28), threads)
    x, y = data.x_train[:n], data.y_train[:n]
    trainer.fit(x, y, epochs=1 + repetitions, progress=False)
    result = trainer.evaluate(data.x_test[:n], data.y_test[:n])
    epochs = trainer.history.epochs
    rates = ", ".join(f"{rate:.1%}" for rate in epochs[-1]["firing_rate"])
    return [record["samples_per_s"] for record in epochs[1:]], result.samples_per_s, rates


def with_channels(recipe: Recipe, factor: int) -> Recipe:
    """Returns the recipe with so many times the channels."""
    layers = [
        replace(layer, channels=factor * layer.channels) if isinstance(layer, sr.Conv2d) else layer
        for layer in recipe.layers
    ]
    return replace(recipe, layers=tuple(layers))


def main() -> None:
    """Runs everything and prints it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir")
    parser.add_argument("--samples", type=int, default=2000, help="training samples of a case")
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs")
    args = parser.parse_args()
    n, repetitions = (40, 1) if args.quick else (args.samples, args.repetitions)
    name = "fashion-mnist" if find_fashion_mnist(args.data_dir) else "demo"
    data = load_dataset(name, args.data_dir)
    augmented = load_recipe("mnist-cnn")
    plain = replace(augmented, augment=None)
    print(f"{name}, 15C5-P2-40C5-P2-300-10, float32, encoding included; {sr.simd_level()},")
    print(f"{os.cpu_count()} cores; {n:,} training samples; samples/s\n")
    print("| | threads | training, epochs from the second on | inference | firing rates |")
    print("|---|---|---|---|---|")
    before = resident_memory("VmRSS")
    reset_peak_memory()
    for label, recipe, threads in (
        ("T = 400", plain, 1),
        ("T = 400", plain, 2),
        ("T = 400, augmented", augmented, 2),
    ):
        speeds, inference, rates = measure(data, recipe, threads, n, repetitions)
        trained = ", ".join(f"{speed:.0f}" for speed in speeds)
        print(f"| {label} | {threads} | {trained} | {inference:.0f} | {rates} |", flush=True)
    print(f"\npeak memory above the data set: {resident_memory('VmHWM') - before:.0f} MB\n")
    print("best of the epochs, 2 threads\n")
    print("| | training ms/sample | inference ms/sample | firing rates |\n|---|---|---|---|")
    cases = [
        *(
            (f"T = {steps}", replace(plain, encoder=replace(plain.encoder, n_steps=steps)))
            for steps in (50, 100, 200, 400)
        ),
        *((f"channels x {factor}", with_channels(plain, factor)) for factor in (1, 2, 4)),
        *(
            (
                f"input rate x {scale:g}",
                replace(plain, encoder=sr.BernoulliEncoder(400, scale / 5.5)),
            )
            for scale in (0.5, 1, 2, 4)
        ),
    ]
    for label, recipe in cases:
        speeds, inference, rates = measure(data, recipe, 2, max(40, n // 4), repetitions)
        print(
            f"| {label} | {1e3 / max(speeds):.2f} | {1e3 / inference:.2f} | {rates} |", flush=True
        )


if __name__ == "__main__":
    main()
