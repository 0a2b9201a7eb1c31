"""Simulates the balanced network with Brian2, as a generated C++ program (cpp_standalone).

Install: pip install brian2 "numpy<2.4"   (and a C++ compiler)
Usage:   python benches/balanced/network.py
         python benches/balanced/brian2_run.py [--dir runs/balanced] [--threads N] [--repetitions N]

With one thread the program is plain C++, with more it is compiled with OpenMP. The wall time is
that of the program's loop over the steps of `duration`, by code inserted around it; Brian2's own
figure is processor time. What compiles best is its default: -O3 -ffast-math -march=native.

Timing convention. Brian2 names a step by its beginning, so its times are one step earlier: a spike
of our step s has the time (s - 1) dt. Within a step it updates the state, tests the threshold,
delivers spikes and resets, so that a spike reaches p at the end of step s + delay, as in
`network.py`. It takes a neuron to be refractory while less than `refractory` has elapsed since the
spike: a step less than ours, hence the step added. No difference remains but rounding.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
from network import DEFAULT_DIR, Constants, Network, Projection, load
from results import Spikes, report, sort

EQUATIONS = """
du/dt = (-u + (tau_m / tau_s) * p) / tau_m : 1 (unless refractory)
dp/dt = -p / tau_s : 1
"""

START_CLOCK = "timespec begin, end; clock_gettime(CLOCK_MONOTONIC, &begin);"
STOP_CLOCK = """
clock_gettime(CLOCK_MONOTONIC, &end);
std::ofstream(brian::results_dir + "/wall")
    << double(end.tv_sec - begin.tv_sec) + 1e-9 * double(end.tv_nsec - begin.tv_nsec);
"""


def neuron_group(c: Constants, n: int) -> b2.NeuronGroup:
    """Our neuron; linear equations, so that every step is exact."""
    return b2.NeuronGroup(
        n,
        EQUATIONS,
        threshold="u > v_th",
        reset="u = 0",
        refractory=(c.t_ref + c.dt) * b2.ms,
        method="exact",
        namespace={"tau_m": c.tau_m * b2.ms, "tau_s": c.tau_s * b2.ms, "v_th": c.v_th},
        dt=c.dt * b2.ms,
    )


def input_group(
    c: Constants, n: int, index: np.ndarray, step: np.ndarray
) -> b2.SpikeGeneratorGroup:
    """Inputs that spike at given steps, sorted."""
    return b2.SpikeGeneratorGroup(n, index, (step - 1) * c.dt * b2.ms, dt=c.dt * b2.ms, sorted=True)


def connect(
    c: Constants, source: b2.Group, target: b2.Group, projection: Projection
) -> b2.Synapses:
    """Synapses with the delay all share, for which Brian2 has a simpler queue."""
    synapses = b2.Synapses(source, target, "w : 1", on_pre="p_post += w", delay=c.delay * b2.ms)
    synapses.connect(i=projection.pre, j=projection.post)
    synapses.w = projection.weight
    return synapses


def simulate(network: Network, threads: int, repetitions: int) -> tuple[Spikes, float, list[float]]:
    """Returns the spikes, the wall time of building and those of `duration` [s]."""
    c = network.constants
    directory = tempfile.mkdtemp()
    b2.set_device("cpp_standalone", directory=directory, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    b2.defaultclock.dt = c.dt * b2.ms
    start = time.perf_counter()
    neurons = neuron_group(c, c.n)
    neurons.u = network.u0
    inputs = input_group(c, c.n_in, network.input_index, network.input_step)
    recorder = b2.SpikeMonitor(neurons)
    synapses = [
        connect(c, neurons, neurons, network.recurrent),
        connect(c, inputs, neurons, network.external),
    ]
    net = b2.Network(neurons, inputs, recorder, *synapses)
    net.run(c.warm_up * b2.ms)
    b2.device.insert_code("main", START_CLOCK)
    net.run(c.duration * b2.ms)
    b2.device.insert_code("main", STOP_CLOCK)
    b2.device.build(directory=directory, compile=True, run=False)
    build = time.perf_counter() - start
    walls = []
    for _ in range(repetitions):
        b2.device.run()
        walls.append(float(Path(directory, "results", "wall").read_text(encoding="ascii")))
    step = np.rint(np.asarray(recorder.t / b2.ms) / c.dt).astype(np.int64) + 1
    spikes = sort(step, np.asarray(recorder.i))
    shutil.rmtree(directory)
    return spikes, build, walls


def main() -> None:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    network = load(args.dir)
    spikes, build, walls = simulate(network, args.threads, args.repetitions)
    report("brian2", args.threads, build, walls, network, spikes, args.dir)


if __name__ == "__main__":
    main()
