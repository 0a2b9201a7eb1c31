"""Simulates the balanced network with the update rule of rust/neuron/lif/propagator.rs, in NumPy.

Usage: python benches/balanced/reference.py [--dir runs/balanced]

Slow, and plain: what the simulators are compared with.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from network import DEFAULT_DIR, Network, Projection, load
from numpy.typing import NDArray
from results import Spikes, report


def by_pre(projection: Projection, n_pre: int, n_post: int) -> NDArray[np.float64]:
    """Returns the weights as a matrix, a row a presynaptic neuron."""
    weight = np.zeros((n_pre, n_post))
    weight[projection.pre, projection.post] = projection.weight
    return weight


def steps(network: Network) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Yields u and the neurons that fire, after each step."""
    c = network.constants
    syn_decay, mem_decay = np.exp(-c.dt / c.tau_s), np.exp(-c.dt / c.tau_m)
    mem_gain = c.tau_m * (mem_decay - syn_decay) / (c.tau_m - c.tau_s)
    delay, t_ref = round(c.delay / c.dt), round(c.t_ref / c.dt)
    recurrent = by_pre(network.recurrent, c.n, c.n)
    external = by_pre(network.external, c.n_in, c.n)
    bounds = np.searchsorted(network.input_step, np.arange(c.n_steps + 2))
    arriving = np.zeros((delay, c.n))
    p, u, held = np.zeros(c.n), network.u0.copy(), np.zeros(c.n, dtype=np.int64)
    for step in range(1, c.n_steps + 1):
        u = np.where(held < step, mem_decay * u + mem_gain * p, 0.0)
        spikes = np.flatnonzero(u > c.v_th)
        u[spikes], held[spikes] = 0.0, step + t_ref
        # The slot holds what arrives at the end of this step, and from there on what leaves in it.
        slot = arriving[step % delay]
        p = syn_decay * p + slot
        inputs = network.input_index[bounds[step] : bounds[step + 1]]
        slot[:] = recurrent[spikes].sum(axis=0) + external[inputs].sum(axis=0)
        yield u, spikes


def trace(network: Network) -> NDArray[np.float64]:
    """Returns u of the first neuron after each step."""
    return np.array([u[0] for u, _ in steps(network)])


def simulate(network: Network) -> tuple[Spikes, float]:
    """Returns the spikes and the wall time after the warm-up [s]."""
    c = network.constants
    fired: list[NDArray[np.int64]] = []
    start = time.perf_counter()
    for _, spikes in steps(network):
        fired.append(spikes)
        if len(fired) == c.warm_up_steps:
            start = time.perf_counter()
    wall = time.perf_counter() - start
    step = np.repeat(np.arange(1, c.n_steps + 1), [len(spikes) for spikes in fired])
    return (step.astype(np.int32), np.concatenate(fired).astype(np.int32)), wall


def main() -> None:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    args = parser.parse_args()
    network = load(args.dir)
    spikes, wall = simulate(network)
    report("reference", 1, 0.0, [wall], network, spikes, args.dir)


if __name__ == "__main__":
    main()
