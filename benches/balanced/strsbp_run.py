"""Simulates the balanced network with this package.

Usage: python benches/balanced/network.py
       python benches/balanced/strsbp_run.py [--dir runs/balanced] [--engine clocked]
           [--dtype float32] [--copies N] [--repetitions N]

Timing convention. Steps and delays are those of `network.py`, to the step; nothing is shifted. In
continuous time a spike reaches p a delay after the moment at which u passes the threshold; it is
reported at the end of the step it falls into. There spikes move by less than a step, and a network
whose firing is irregular soon goes its own way: only its statistics are comparable.

All input is pushed before the warm-up, in one call; the wall time is that of `advance` over
`duration`, the spikes it returns included. With --copies, as many simulators of the same network
and input run at once, one a Python thread (`advance` releases the interpreter lock), and the wall
time is that until the last is done.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
from network import DEFAULT_DIR, Network, load
from results import Spikes, report, sort

import strsbp_rs as sr

ENGINES = ("clocked", "event", "continuous", "auto")

SHORT = {"float32": "f32", "float64": "f64"}


def build_graph(network: Network, dtype: str) -> sr.Graph:
    """Makes the network; population 0 is the input, 1 the neurons."""
    c = network.constants
    graph = sr.Graph(dt=c.dt, dtype=dtype)
    inputs = graph.add_input(c.n_in)
    neurons = graph.add_population(
        c.n,
        sr.LIF(tau_m=c.tau_m, tau_s=c.tau_s, v_th=c.v_th, t_ref=c.t_ref, discretisation="exact"),
    )
    for pre, projection in ((neurons, network.recurrent), (inputs, network.external)):
        graph.connect(
            pre,
            neurons,
            (projection.pre, projection.post),
            weight=projection.weight,
            delay=c.delay,
        )
    return graph


def simulator_at_start(network: Network, graph: sr.Graph, engine: str) -> sr.Simulator:
    """Makes a simulator that has its initial potentials and all of its input."""
    simulator = sr.Simulator(graph, engine=engine)
    simulator.set_potentials(1, network.u0)
    events = np.empty(len(network.input_step), [("t", np.int64), ("x", np.int64)])
    events["t"], events["x"] = network.input_step, network.input_index
    if engine == "continuous":
        events = events.astype([("t", np.float64), ("x", np.int64)])
        events["t"] = network.input_step * network.constants.dt
    simulator.push(events)
    return simulator


def run(network: Network, simulator: sr.Simulator, ready: Barrier) -> tuple[Spikes, float, float]:
    """Returns the spikes, and when `duration` began and ended [s]."""
    c = network.constants
    # On the grid, step 0 is the state before the first one, so that steps 1 to n are done when
    # n + 1 are.
    ends: tuple[float, float] = (c.warm_up_steps + 1, c.n_steps + 1)
    if simulator.engine == "continuous":
        ends = (c.warm_up_steps * c.dt, c.n_steps * c.dt)
    before = simulator.advance(ends[0])
    ready.wait()
    start = time.perf_counter()
    after = simulator.advance(ends[1])
    stop = time.perf_counter()
    events = np.concatenate([before, after])
    step = events["t"]
    if step.dtype.kind == "f":
        step = np.ceil(step / c.dt - 1e-9).astype(np.int64)
    return sort(step, events["x"]), start, stop


def simulate(
    network: Network, graph: sr.Graph, engine: str, copies: int
) -> tuple[Spikes, float, str]:
    """Returns the spikes, the wall time of `duration` [s], and the engine it ended with."""
    simulators = [simulator_at_start(network, graph, engine) for _ in range(copies)]
    ready = Barrier(copies)
    with ThreadPoolExecutor(copies) as pool:
        runs = list(pool.map(lambda simulator: run(network, simulator, ready), simulators))
    spikes = runs[0][0]
    for other, _, _ in runs[1:]:
        if not all(np.array_equal(a, b) for a, b in zip(spikes, other, strict=True)):
            raise RuntimeError("copies of one network have different spikes")
    wall = max(stop for *_, stop in runs) - min(start for _, start, _ in runs)
    return spikes, wall, simulators[0].engine


def main() -> None:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--engine", choices=ENGINES, default="clocked")
    parser.add_argument("--dtype", choices=SHORT, default="float32")
    parser.add_argument("--copies", type=int, default=1, help="simulators that run at once")
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    network = load(args.dir)
    start = time.perf_counter()
    graph = build_graph(network, args.dtype)
    build = time.perf_counter() - start
    runs = [simulate(network, graph, args.engine, args.copies) for _ in range(args.repetitions)]
    spikes, _, ended = runs[-1]
    name = f"strsbp {args.engine} {SHORT[args.dtype]}"
    if args.engine == "auto":
        print(f"auto ended with the {ended} engine", file=sys.stderr)
    if args.copies > 1:
        name += f" x{args.copies}"
    walls = [wall for _, wall, _ in runs]
    report(name, 1, build, walls, network, spikes, args.dir, args.copies)


if __name__ == "__main__":
    main()
