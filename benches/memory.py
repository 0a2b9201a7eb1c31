"""Measures the memory of a network of a million neurons and a hundred million synapses.

Usage: python benches/memory.py [--neurons N] [--synapses K] [--inputs N] [--activity A]

Every row of the table is a fresh process, which builds the network, makes a simulator and runs 100
steps. Its peak resident set (ru_maxrss) less that after the imports, over the number of synapses,
says what a synapse costs: neurons, inputs and whatever memory building needs for a moment
included. Linux only.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

# This process imports nothing large: a child's peak begins with what its parent has.

N_STEPS = 100

DELAYS = ("one", "per synapse")
ENGINES = ("event", "clocked")


@dataclass
class Size:
    """How large the network is, and how active its input."""

    neurons: int = 1_000_000
    synapses: int = 100
    inputs: int = 10_000
    activity: float = 0.01


def peak() -> int:
    """Returns the peak resident set of this process [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident() -> int:
    """Returns what is resident now [bytes]."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def build_and_run(size: Size, delay: str, engine: str) -> dict[str, float]:
    """Builds and runs, in a process that has done nothing else."""
    import numpy as np

    import strsbp_rs as sr

    base_peak, base = peak(), resident()
    start = time.perf_counter()
    graph = sr.Graph(dt=1.0, seed=1)
    inputs = graph.add_input(size.inputs)
    neurons = graph.add_population(
        size.neurons, sr.LIF(tau_m=20.0, tau_s=5.0, v_th=1.0, t_ref=2.0, discretisation="exact")
    )
    rule = sr.FixedOutDegree(size.synapses)
    delays = 1.0 if delay == "one" else sr.UniformDelay(1.0, 16.0)
    graph.connect(inputs, neurons, rule, weight=sr.Uniform(0.0, 3.0), delay=delays)
    graph.connect(neurons, neurons, rule, weight=sr.Uniform(-0.2, 0.1), delay=delays)
    built = time.perf_counter() - start
    result = {"n": graph.n_synapses, "build_s": built}
    result |= {"built": resident() - base, "built_peak": peak() - base_peak}
    simulator = sr.Simulator(graph, engine=engine)
    events = np.flatnonzero(np.random.default_rng(1).random(N_STEPS * size.inputs) < size.activity)
    pushed = np.empty(len(events), [("t", np.int64), ("x", np.int64)])
    pushed["t"], pushed["x"] = events // size.inputs, events % size.inputs
    simulator.push(pushed)
    start = time.perf_counter()
    simulator.advance(N_STEPS)
    result |= {"run_s": time.perf_counter() - start, "spikes": simulator.operations.spikes}
    return result | {"ran": resident() - base, "ran_peak": peak() - base_peak}


def main() -> None:
    """Runs every case in a process of its own."""
    size = Size()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=size.neurons)
    parser.add_argument("--synapses", type=int, default=size.synapses, help="of each neuron")
    parser.add_argument("--inputs", type=int, default=size.inputs)
    parser.add_argument("--activity", type=float, default=size.activity, help="of the inputs")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    size = Size(args.neurons, args.synapses, args.inputs, args.activity)
    if args.case:
        print(json.dumps(build_and_run(size, *args.case)))
        return
    columns = ["delays", "engine", "synapses", "built in [s]", "peak, built [MB]"]
    columns += ["peak, run [MB]", "bytes/synapse, built", "bytes/synapse, run"]
    columns += ["resident, run [MB]", "100 steps [s]", "spikes"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    options = [f"--{name}={value}" for name, value in asdict(size).items()]
    for delay in DELAYS:
        for engine in ENGINES:
            command = [sys.executable, __file__, *options, "--case", delay, engine]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            r = json.loads(done.stdout)
            cells = [
                delay,
                engine,
                f"{r['n']:,}",
                f"{r['build_s']:.1f}",
                f"{r['built_peak'] / 1e6:,.0f}",
                f"{r['ran_peak'] / 1e6:,.0f}",
                f"{r['built_peak'] / r['n']:.2f}",
                f"{r['ran_peak'] / r['n']:.2f}",
                f"{r['ran'] / 1e6:,.0f}",
                f"{r['run_s']:.3f}",
                f"{r['spikes']:,}",
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
