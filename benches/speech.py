"""Times an epoch of the paper's speech networks, on data drawn with the statistics of theirs.

Usage: python benches/speech.py [--recipes NAME ...] [--epochs N] [--threads N] [--share S]
                                [--spikes N] [--quick]

The data sets themselves cannot be had without a licence. Here as many recordings as they have are
drawn, of 700 steps as the authors ran them: sound for 45 to 85 % of the steps, in which every
channel has a rate of its own that rises and falls, by class, and fires by chance. There are as many
spikes as the ear of Lyon and BSA make of the Free Spoken Digits, 0.092 a channel and step of sound:
about 3,300 of 78 channels; of the 64 channels of N-TIDIGITS, whose events are those of a silicon
cochlea, likewise. Networks and training are those of the recipes, without validation samples. The
last epoch counts, in which neurons fire as after some learning, and the slowest is printed, too;
and firing rates, as time follows them.
"""

import argparse
import platform
import time

import numpy as np

import strsbp_rs as sr
from strsbp_rs.recipes import load_recipe

CASES = {
    "n-tidigits-400-r400-400": (2_475, 64, 11, "83-101 s, authors' log, Titan XP"),
    "ti46-alpha-400-r400-400": (4_142, 78, 26, "80 s, authors' log, Titan XP"),
    "ti46-alpha-r800": (4_142, 78, 26, "127-135 s, authors' log, Titan XP"),
}
N_STEPS, RATE = 700, 0.092


def drawn(n: int, n_channels: int, n_classes: int, spikes: float | None) -> sr.SpikeTrains:
    """Recordings: spikes by chance, at rates that rise and fall in time and along channels."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, n_channels, (n_classes, 3))
    channel = np.arange(n_channels)[None, :]
    parts = []
    for sample in range(n):
        raster = np.zeros((N_STEPS, n_channels), bool)
        n_sound = int(rng.uniform(0.45, 0.85) * N_STEPS)
        first = rng.integers(1, N_STEPS - n_sound)
        t = np.linspace(0, 1, n_sound)[:, None]
        rate = np.full((n_sound, n_channels), 0.2)
        for at, centre in enumerate(centres[sample % n_classes]):
            place = centre + 6 * np.sin(3 * t + at)
            rate += np.exp(-(((channel - place) / 6) ** 2)) * np.sin(np.pi * t)
        mean = RATE if spikes is None else spikes / (n_sound * n_channels)
        rate *= mean / rate.mean()
        raster[first : first + n_sound] = rng.random(rate.shape) < rate
        parts.append(sr.SpikeTrains.from_dense(raster[None]))
    return sr.SpikeTrains.concatenate(parts)


def main() -> None:
    """Trains each network for some epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipes", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--share", type=float, default=1.0, help="of the recordings")
    parser.add_argument("--spikes", type=float, help="a recording; those of the ear if not given")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the recordings")
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {sr.simd_level()}")
    for name in args.recipes:
        n_full, n_channels, n_classes, reference = CASES[name]
        n = max(32, round(n_full * (0.01 if args.quick else args.share)))
        x = drawn(n, n_channels, n_classes, args.spikes)
        trainer = load_recipe(name).build(n_channels, args.threads)
        start = time.perf_counter()
        history = trainer.fit(x, np.arange(n) % n_classes, epochs=args.epochs, progress=False)
        last = history.epochs[-1]
        slowest = max(record["seconds"] for record in history.epochs) * n_full / n
        seconds = last["seconds"] * n_full / n
        rates = ", ".join(f"{rate:.1%}" for rate in last["firing_rate"])
        print(
            f"{name}: {n:,} recordings of {x.n_spikes / n:,.0f} spikes: {seconds:.2f} s an epoch "
            f"of {n_full:,}, the slowest {slowest:.2f} ({last['samples_per_s']:.0f} samples/s, "
            f"{trainer.n_threads} threads); reference {reference}; rates {rates}; "
            f"accuracy {last['accuracy']:.1%} after {args.epochs} epochs, "
            f"{time.perf_counter() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
