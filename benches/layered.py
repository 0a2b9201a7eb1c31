"""Measures the engines on samples of the paper's network, against the activity of the input.

Usage: python benches/layered.py [--seconds S] [--quick]

784-400-R400-10, all to all, T = 400, float32, the weights of the shipped recipe before training.
Every input fires at every step with the same probability. Samples a second of
`Network.spike_counts` on spike trains that exist already, as many samples as take --seconds; the
engines alternate, and the best of three runs counts.
"""

import argparse
import time
from typing import Any

import numpy as np
from activity import Stream

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import load_recipe

ENGINES = ("clocked", "event", "auto")

ACTIVITIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

N_IN, N_STEPS = 784, 400

# Of all samples of an activity.
MAX_SAMPLES, MAX_SPIKES = 16384, 40_000_000


def random_trains(activity: float) -> sr.SpikeTrains:
    """Draws spike trains, each spike independent of all others."""
    n_samples = min(MAX_SAMPLES, int(MAX_SPIKES / (activity * N_IN * N_STEPS)))
    events = Stream(N_IN, activity, seed=1).take(n_samples * N_STEPS)
    counts = np.bincount(events["t"], minlength=n_samples * N_STEPS)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sr.SpikeTrains.from_csr(indptr, events["x"], (n_samples, N_STEPS, N_IN))


def time_of(net: sr.Network, x: sr.SpikeTrains, engine: str, n_threads: int) -> float:
    """Returns the time of a call [s]."""
    start = time.perf_counter()
    net.spike_counts(x, n_threads=n_threads, engine=engine)
    return time.perf_counter() - start


def samples_per_second(
    net: sr.Network, trains: sr.SpikeTrains, n_threads: int, seconds: float
) -> dict[str, float]:
    """Times all engines, each on as many of the samples as it does in that time."""
    n_samples = {}
    for engine in ENGINES:
        n = 8
        time_of(net, trains[:n], engine, n_threads)
        while (wall := time_of(net, trains[:n], engine, n_threads)) < seconds / 4 and n < len(
            trains
        ):
            n = min(4 * n, len(trains))
        n_samples[engine] = max(8, min(len(trains), round(n * seconds / wall)))
    best = dict.fromkeys(ENGINES, 0.0)
    for _ in range(3):
        for engine, n in n_samples.items():
            speed = n / time_of(net, trains[:n], engine, n_threads)
            best[engine] = max(best[engine], speed)
    return best


def rates(net: sr.Network, trains: sr.SpikeTrains) -> str:
    """Returns the spikes a neuron and step of every layer."""
    recording = net.run(trains)
    return ", ".join(
        f"{layer.n_spikes / np.prod(layer.shape):.2%}" for layer in recording.spikes[1:]
    )


def main() -> None:
    """Runs everything and prints it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a run")
    parser.add_argument("--quick", action="store_true", help="three activities, short runs")
    args = parser.parse_args()
    activities: Any = ACTIVITIES[::3] if args.quick else ACTIVITIES
    seconds = 0.05 if args.quick else args.seconds
    recipe = load_recipe("fashion-mnist")
    net = recipe.build(N_IN).network
    columns = ["input activity", "activity of the layers", "threads"]
    columns += [f"{engine} [samples/s]" for engine in ENGINES]
    columns += ["event / clocked", "better / auto", "auto chooses"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for activity in activities:
        trains = random_trains(activity)
        layers = rates(net, trains[:16])
        chosen = net.run(trains[:1], engine="auto").engine
        for n_threads in (1, 2):
            speed = samples_per_second(net, trains, n_threads, seconds)
            cells = [
                f"{activity:.2%}",
                layers,
                n_threads,
                *(f"{speed[engine]:,.0f}" for engine in ENGINES),
                f"{speed['event'] / speed['clocked']:.2f}",
                f"{max(speed['clocked'], speed['event']) / speed['auto']:.2f}",
                chosen,
            ]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
