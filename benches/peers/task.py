"""What all programs are given to train, and how they report: a network, spikes and labels.

Needs NumPy only, so that it can be imported wherever a peer lives.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURE = 4.0
"""Counts are divided by it before the softmax: the loss of the recipe."""

LEARNING_RATE = 1e-6
"""So small that the network fires throughout as it came, as often as in training."""

SLOPE = 10.0
"""The derivative of a spike is 1 / (1 + SLOPE |u / v_th - 1|)^2 / v_th: SuperSpike."""

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Adam's."""


@dataclass(frozen=True)
class Layer:
    """One layer: p = syn_decay p + x; u = mem_decay u + mem_gain p, 0 for t_ref after a spike.

    Attributes:
        kind: "conv", whose weight is (channels, channels below, kernel, kernel), stride 1, without
            padding; "pool", the mean of windows that do not overlap; "dense", (n_out, n_in).
        window: Places of a pool's window along an axis; 0 of others.
        t_ref: In steps.
    """

    kind: str
    window: int
    syn_decay: float
    mem_decay: float
    mem_gain: float
    v_th: float
    t_ref: int


@dataclass(frozen=True)
class Task:
    """A network with its weights, and samples."""

    name: str
    shape: tuple[int, int, int]
    n_steps: int
    layers: list[Layer]
    weights: list[NDArray[np.float32] | None]
    packed: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.labels)

    def spikes(self, samples: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Returns spikes (n_samples, n_steps, n_in) of 0 and 1."""
        n_in = int(np.prod(self.shape))
        return np.unpackbits(self.packed[samples], axis=-1, count=n_in)

    def batch(self, number: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Returns spikes (n_steps, size, n_in) and labels of a batch; samples come in turns."""
        samples = np.arange(number * size, (number + 1) * size) % self.n_samples
        return np.ascontiguousarray(self.spikes(samples).swapaxes(0, 1)), self.labels[samples]

    def save(self, path: Path) -> None:
        """Writes all of it to a file."""
        about = {
            "name": self.name,
            "shape": self.shape,
            "n_steps": self.n_steps,
            "layers": [asdict(layer) for layer in self.layers],
        }
        weights = {f"weight_{at}": w for at, w in enumerate(self.weights) if w is not None}
        np.savez(path, about=json.dumps(about), packed=self.packed, labels=self.labels, **weights)

    @classmethod
    def load(cls, path: Path) -> "Task":
        """Reads what `save` wrote."""
        with np.load(path) as file:
            about = json.loads(file["about"].item())
            layers = [Layer(**layer) for layer in about["layers"]]
            weights = [file.get(f"weight_{at}") for at in range(len(layers))]
            return cls(
                about["name"],
                tuple(about["shape"]),
                about["n_steps"],
                layers,
                weights,
                file["packed"],
                file["labels"],
            )


def arguments(about: str | None, *flags: str) -> argparse.Namespace:
    """Returns a peer's arguments, `flags` of its own among them; keeps to the threads they say."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("task", type=Path)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--chunk", type=int, default=1)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--counts", type=Path, help="writes spike counts here, and does not train")
    options = parser.parse_args()
    use_cores(options.threads)
    return options


def use_cores(n: int) -> None:
    """Keeps this process, with libraries loaded later, on `n` cores and as many threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])
    os.environ["OMP_NUM_THREADS"] = str(n)


def resident_memory(field: str = "VmRSS") -> float:
    """Returns VmRSS (now) or VmHWM (the peak) of this process [MB]."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure(batch: int, seconds: float, step: Callable[[int], float]) -> None:
    """Trains batches until `seconds` have passed, at least two, and reports the speed as JSON.

    Called when libraries and data have been loaded: memory counts from here.

    Args:
        batch: Samples of a batch.
        seconds: How long to go on.
        step: Trains the batch of this number, waits until its weights are there; its loss.
    """
    before = resident_memory()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak starts anew
    start = time.perf_counter()
    first = step(0)
    step(1)
    warm_up = time.perf_counter() - start
    start, number, loss = time.perf_counter(), 2, first
    processor = time.process_time()
    while number < 4 or time.perf_counter() - start < seconds:
        loss = step(number)
        number += 1
    wall = time.perf_counter() - start
    if not np.isfinite([first, loss]).all():
        raise SystemExit(f"the loss is {first}, then {loss}")
    processor = time.process_time() - processor
    report(
        samples_per_s=(number - 2) * batch / wall,
        processor_ms_per_sample=1e3 * processor / ((number - 2) * batch),
        memory=resident_memory("VmHWM") - before,
        warm_up=warm_up,
        loss=loss,
    )


def report(**values: Any) -> None:
    """Prints the line that is read by `run_all.py`."""
    print(json.dumps(values), flush=True)
