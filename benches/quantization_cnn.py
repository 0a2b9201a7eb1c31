"""Measures what fixed point costs trained convolutional networks, and what training through brings.

Usage: python benches/quantization_cnn.py [--data-dir DIR] [--train N] [--test N] [--epochs N]
       [--through N] [--seeds N] [--encodings N] [--threads N] [--keep FOLDER] [--quick]
       [--json FILE]

8C5-P2-16C5-P2-100-10, T = 100, on Fashion-MNIST (the demo data where that is not found), a network
for every seed. Each is evaluated in floating point and on every target, with the same encodings of
the same test images, so that differences are of pairs; the standard errors of their means are over
networks and encodings. Then some targets are trained through for an epoch, from the float weights,
and so is the float network, for comparison. Xylo has no kernels, and must say so. With --keep
networks are kept in a folder, and those that are there are not trained again.
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
from strsbp_rs.datasets import Dataset, find_fashion_mnist, load_dataset

ENCODER = sr.BernoulliEncoder(n_steps=100, rate_scale=1.0)

TARGETS: dict[str, Any] = {
    "float": None,
    "weights 8 bits, states 16": sr.QFormat(),
    "weights 8 bits, states 16, a scale for each channel": sr.QFormat(granularity="neuron"),
    "weights 4 bits, states 16": sr.QFormat(weight_bits=4),
    "weights 2 bits, states 16": sr.QFormat(weight_bits=2),
    "weights 8 bits, states 14": sr.QFormat(state_bits=14),
    "Loihi": sr.Loihi(),
    "Cortex-M, 8-bit weights": sr.CortexM(),
    "SpiNNaker, experimental": sr.Spinnaker(),
}

# What is trained through, and with which learning rate.
TRAINED = {
    "float": 3e-4,
    "weights 8 bits, states 16": 3e-4,
    "weights 2 bits, states 16": 1e-3,
    "Loihi": 3e-4,
}

Table = dict[str, list[list[float]]]


def make_network(seed: int) -> sr.Network:
    """Returns an untrained network."""
    times: dict[str, Any] = {"tau_m": 64.0, "tau_s": 8.0, "t_ref": 2.0}
    pool = sr.AvgPool2d(2, v_th=0.5, **times)
    times["v_th"] = 10.0
    layers = [
        sr.Conv2d(8, 5, init=sr.Firing(), **times),
        pool,
        sr.Conv2d(16, 5, init=sr.Firing(rate=0.04), **times),
        pool,
        sr.Dense(100, init=sr.Firing(rate=0.03), **times),
        sr.Dense(10, init=sr.Firing(rate=0.03), **times),
    ]
    return sr.Network((28, 28), layers, encoder=ENCODER, seed=seed)


def train(
    net: sr.Network,
    data: Dataset,
    epochs: int,
    lr: float,
    seed: int,
    threads: int | None,
    target: Any = None,
) -> None:
    """Trains with a cosine that ends with the epochs."""
    trainer = sr.Trainer(
        net,
        optimizer=sr.Adam(lr=lr),
        schedule=sr.Cosine(epochs=float(epochs), min_factor=0.01),
        batch_size=32,
        clip_norm=1.0,
        hardware=target,
        n_threads=threads,
        seed=seed,
    )
    trainer.fit(data.x_train, data.y_train, epochs=epochs, progress=False)


def accuracies(
    model: sr.Network | sr.FixedNetwork, data: Dataset, encodings: int, threads: int | None
) -> list[float]:
    """Returns the share of right predictions for each of some encodings of the test images."""
    found = []
    for seed in range(encodings):
        given = {"encoder": ENCODER, "seed": 1000 + seed, "n_threads": threads}
        found.append(float(np.mean(model.predict(data.x_test, **given) == data.y_test)))
    return found


def trained(data: Dataset, options: argparse.Namespace, seed: int) -> sr.Network:
    """Returns a trained network, the one that is kept if there is one."""
    kept = options.keep / f"{seed}.safetensors" if options.keep else None
    if kept and kept.exists():
        return sr.Network.load(kept)
    net = make_network(seed)
    train(net, data, options.epochs, 3e-3, seed, options.threads)
    if kept:
        options.keep.mkdir(parents=True, exist_ok=True)
        net.save(kept)
    return net


def check_refusal(net: sr.Network) -> None:
    """Sees to it that Xylo says why it cannot hold the network.

    Raises:
        RuntimeError: If it does not.
    """
    try:
        net.to_fixed("xylo")
    except ValueError as error:
        print(f"Xylo: {error}")
        return
    raise RuntimeError("Xylo holds no kernels, and took some")


def report(after: Table, through: Table, n_through: int) -> None:
    """Prints the table."""
    base = np.array(after["float"])
    print(
        f"\n| format | after quantisation | trained through, {n_through:,} images |\n|---|---|---|"
    )
    for name in after:
        cells = []
        for table in (after, through):
            if name not in table:
                cells.append("")
                continue
            values = np.array(table[name])
            lost = 100 * (base[: len(values)] - values).ravel()
            error = np.std(lost, ddof=1) / np.sqrt(lost.size) if lost.size > 1 else np.nan
            cells.append(f"{values.mean():.2%}, lost {lost.mean():+.2f} +- {error:.2f}")
        print(f"| {name} | {cells[0]} | {cells[1]} |")


def main() -> None:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--train", type=int, default=10_000, help="training images")
    parser.add_argument("--test", type=int, default=5_000, help="test images")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--through", type=int, default=6400, help="images of training through")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encodings", type=int, default=2)
    parser.add_argument("--threads", type=int, help="all cores where not given")
    parser.add_argument("--keep", type=Path, help="folder that trained networks are kept in")
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if options.quick:
        options.train, options.test, options.epochs, options.through = 64, 32, 1, 32
        options.seeds = options.encodings = 1
    name = "fashion-mnist" if find_fashion_mnist(options.data_dir) else "demo"
    found = load_dataset(name, options.data_dir)
    data = replace(
        found,
        x_train=found.x_train[: options.train],
        y_train=found.y_train[: options.train],
        x_test=found.x_test[: options.test],
        y_test=found.y_test[: options.test],
    )
    print(f"{name}, {len(data.x_train):,} training and {len(data.x_test):,} test images,")
    print(f"{options.epochs} epochs, {options.seeds} seeds, {options.encodings} encodings")
    n = options.through
    some = replace(data, x_train=data.x_train[:n], y_train=data.y_train[:n])
    after: Table = defaultdict(list)
    through: Table = defaultdict(list)
    for seed in range(options.seeds):
        net = trained(data, options, seed)
        spikes = net.run(data.x_test[:100], seed=1, n_threads=options.threads).spikes
        rates = ", ".join(f"{train.counts().mean() / ENCODER.n_steps:.1%}" for train in spikes)
        print(f"seed {seed}: firing rates, those of the inputs first, {rates}")
        if seed == 0:
            check_refusal(net)
        for name, target in TARGETS.items():
            model = net if target is None else net.to_fixed(target)
            after[name].append(accuracies(model, data, options.encodings, options.threads))
            tqdm.write(f"seed {seed}, {name}: {np.mean(after[name][-1]):.2%}")
        weights = net.weights
        for name, lr in TRAINED.items():
            net.set_weights(weights)
            target = TARGETS[name]
            train(net, some, 1, lr, 100 + seed, options.threads, target)
            model = net if target is None else net.to_fixed(target)
            through[name].append(accuracies(model, data, options.encodings, options.threads))
            tqdm.write(f"seed {seed}, through {name}: {np.mean(through[name][-1]):.2%}")
        if options.json:
            held = {"after": after, "through": through}
            options.json.write_text(json.dumps(held, indent=1) + "\n")
    report(after, through, options.through)


if __name__ == "__main__":
    main()
