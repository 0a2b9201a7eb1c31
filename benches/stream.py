"""Runs a long and nearly silent stream through the event engine, chunk by chunk.

Usage: python benches/stream.py [--steps N] [--events N] [--chunk N] [--neurons N] [--synapses K]

Events of 1,000 inputs at random moments, onto 10,000 neurons: an input makes one neuron in a
hundred of those it reaches fire, whose spikes go on into the network. Chunks are drawn one at a
time; the time is that of `push` and `advance`, drawing not included. Memory is what is resident
(Linux only) before the first chunk, after it and after the last, and the growth of its peak. What
the clocked engine needs for as many steps is extrapolated from steps at which nothing happens.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr

CLOCKED_STEPS = 20_000


def resident() -> float:
    """Returns what is resident now [MB]."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def peak() -> float:
    """Returns the peak of what was resident [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def chunks(n_steps: int, n_events: int, size: int, n_in: int) -> Iterator[NDArray[Any]]:
    """Draws n_events events in n_steps steps, `size` at a time in equal parts of the stream."""
    rng = np.random.default_rng(1)
    n_chunks = -(-n_events // size)
    bounds = np.linspace(0, n_steps, n_chunks + 1).astype(np.int64)
    for index, (first, last) in enumerate(pairwise(bounds)):
        n = min(size, n_events - index * size)
        events = np.empty(n, [("t", np.int64), ("x", np.int64)])
        events["t"] = np.sort(rng.integers(first, last, n))
        events["x"] = rng.integers(n_in, size=n)
        yield events


def build_graph(n: int, k: int, n_in: int) -> sr.Graph:
    """Makes the network."""
    graph = sr.Graph(dt=1.0, seed=1)
    inputs = graph.add_input(n_in)
    neurons = graph.add_population(
        n, sr.LIF(tau_m=20.0, tau_s=5.0, v_th=1.0, t_ref=2.0, discretisation="exact")
    )
    rule = sr.FixedOutDegree(k)
    # A weight of 1.59 on a neuron at rest reaches the threshold.
    graph.connect(inputs, neurons, rule, weight=sr.Uniform(0.0, 1.605), delay=1.0)
    graph.connect(neurons, neurons, rule, weight=sr.Uniform(-0.2, 0.1), delay=1.0)
    return graph


def main() -> None:
    """Runs the stream."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--chunk", type=int, default=1000, help="events of a chunk")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--neurons", type=int, default=10_000)
    parser.add_argument("--synapses", type=int, default=100, help="of each input and neuron")
    args = parser.parse_args()
    graph = build_graph(args.neurons, args.synapses, args.inputs)
    simulator = sr.Simulator(graph, engine="event")
    stream = chunks(args.steps, args.events, args.chunk, args.inputs)
    before, peak_before = resident(), peak()
    wall, n_out, n_chunks, after_first = 0.0, 0, 0, 0.0
    for chunk in stream:
        start = time.perf_counter()
        simulator.push(chunk)
        n_out += len(simulator.advance(int(chunk["t"][-1])))
        wall += time.perf_counter() - start
        n_chunks += 1
        after_first = after_first or resident()
    start = time.perf_counter()
    n_out += len(simulator.advance(args.steps))
    wall += time.perf_counter() - start
    after, peak_after = resident(), peak()
    done = simulator.operations
    assert n_out == done.spikes, (n_out, done)
    clocked = sr.Simulator(graph, engine="clocked")
    start = time.perf_counter()
    clocked.advance(CLOCKED_STEPS)
    per_step = (time.perf_counter() - start) / CLOCKED_STEPS
    print(f"{graph!r}\n")
    print("| steps | input events | spikes | synaptic events | chunks | time [s] |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {args.steps:,} | {done.input_events:,} | {done.spikes:,} | "
        f"{done.synaptic_events:,} | {n_chunks:,} | {wall:.3f} |\n"
    )
    rates = (done.input_events, done.input_events + done.spikes, done.synaptic_events)
    names = ("input events", "events, in and out", "synaptic events")
    for name, n in zip(names, rates, strict=True):
        print(f"{name}: {n / wall / 1e6:.3f} million/s")
    print(f"steps: {args.steps / wall / 1e6:,.0f} million/s")
    print(
        f"memory: {before:.1f} MB before, {after_first:.1f} MB after the first chunk, "
        f"{after:.1f} MB after the last; "
        f"the peak grew by {peak_after - peak_before:.1f} MB"
    )
    print(
        f"clocked, extrapolated from {CLOCKED_STEPS:,} silent steps: {per_step * args.steps:.0f} s"
    )


if __name__ == "__main__":
    main()
