"""Measures inference in fixed point against floating point, on one core.

Usage: python benches/fixed.py [--data-dir DIR] [--samples N] [--repetitions N] [--quick]

784-400-R400-10, T = 400, float32, trained for an epoch of 2,000 samples of Fashion-MNIST (of the
demo data where that is not found); `predict` of the network and of what `to_fixed` makes of it.
The networks alternate, and the median of the repetitions counts. Times are of a sample, with the
encoder and, of spike trains that exist already, without. Nothing else should run meanwhile.
"""

import argparse
import time

import numpy as np

import strsbp_rs as sr
from strsbp_rs.datasets import find_fashion_mnist, load_dataset
from strsbp_rs.recipes._recipe import load_recipe

# Bits of weights and states.
FORMATS = ((8, 16), (4, 16), (8, 24))

ENCODER = sr.BernoulliEncoder(n_steps=400, rate_scale=1 / 5.5)


def main() -> None:
    """Runs everything and prints it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs")
    args = parser.parse_args()
    samples, repetitions = (100, 1) if args.quick else (args.samples, args.repetitions)
    name = "fashion-mnist" if find_fashion_mnist(args.data_dir) else "demo"
    data = load_dataset(name, args.data_dir)
    trainer = load_recipe("fashion-mnist").build(data.x_train.shape[1], None)
    n_train = min(samples, 2000)
    trainer.fit(data.x_train[:n_train], data.y_train[:n_train], epochs=1, progress=False)
    net, x = trainer.network, data.x_test[:samples]
    trains = net.run(x, encoder=ENCODER).spikes[0]
    networks: dict[str, sr.Network | sr.FixedNetwork] = {"float32": net}
    build_times = []
    for weight_bits, state_bits in FORMATS:
        start = time.perf_counter()
        fixed = net.to_fixed(sr.QFormat(weight_bits=weight_bits, state_bits=state_bits))
        build_times.append(time.perf_counter() - start)
        networks[f"{weight_bits}-bit weights, {state_bits}-bit states"] = fixed
    seconds: dict[str, list[tuple[float, float]]] = {key: [] for key in networks}
    for _ in range(repetitions):
        for key, network in networks.items():
            start = time.perf_counter()
            network.predict(x, encoder=ENCODER, n_threads=1)
            middle = time.perf_counter()
            network.predict(trains, n_threads=1)
            seconds[key].append((middle - start, time.perf_counter() - middle))
    print(f"{name}, {len(x):,} samples, 1 thread, {sr.simd_level()}; us a sample\n")
    print("| network | with encoder | | without | |\n|---|---|---|---|---|")
    reference = np.median(seconds["float32"], axis=0)
    for key, times in seconds.items():
        median = np.median(times, axis=0)
        pairs = zip(1e6 * median / len(x), reference / median, strict=True)
        print(f"| {key} | {' | '.join(f'{us:.0f} | {ratio:.2f}x' for us, ratio in pairs)} |")
    print(f"\nto_fixed: {1e3 * np.median(build_times):.1f} ms")


if __name__ == "__main__":
    main()
