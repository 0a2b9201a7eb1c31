"""Simulates the balanced network with NEST.

Install: pip install nest-simulator
Usage:   python benches/balanced/network.py
         PYNEST_QUIET=1 python benches/balanced/nest_run.py [--dir runs/balanced] [--threads N]
                                                            [--repetitions N]

Units. iaf_psc_exp solves C_m V' = -(C_m/tau_m) V + I with I decaying with tau_syn and jumping by
the weight. With C_m = tau_m (in pF and ms) that is tau_m V' = -V + I, ours with
I = (tau_m/tau_s) p; weights are therefore multiplied by tau_m/tau_s. `check_units.py` verifies it.

Timing convention. A spike of step s has the time s dt, reaches I at the end of step s + delay,
and V from step s + delay + 1 on; V stays at V_reset through step s + t_ref: the rule of
`network.py`, to the step. NEST fires at V >= V_th, ours at u > v_th, and NEST adds up excitatory
and inhibitory currents apart, so that V differs by rounding.

Inputs are one spike_generator each, with the delay of the recurrent synapses: a shorter one would
make NEST exchange spikes more often.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import nest
import numpy as np
from network import DEFAULT_DIR, Constants, Network, load
from results import Spikes, report, sort


def neuron_parameters(c: Constants) -> dict[str, float]:
    """Our neuron as an iaf_psc_exp."""
    return {
        "C_m": c.tau_m,
        "tau_m": c.tau_m,
        "tau_syn_ex": c.tau_s,
        "tau_syn_in": c.tau_s,
        "E_L": 0.0,
        "V_reset": 0.0,
        "V_th": c.v_th,
        "t_ref": c.t_ref,
        "I_e": 0.0,
    }


def nest_weight(c: Constants, weight: Any) -> Any:
    """Turns jumps of p into jumps of I."""
    return weight * (c.tau_m / c.tau_s)


def reset(c: Constants, threads: int) -> None:
    """Makes the kernel new."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = c.dt
    nest.local_num_threads = threads


def simulate(network: Network, threads: int) -> tuple[Spikes, float, float]:
    """Returns the spikes, the wall time of building and the one of `duration` [s]."""
    c = network.constants
    start = time.perf_counter()
    reset(c, threads)
    neurons = nest.Create("iaf_psc_exp", c.n, params=neuron_parameters(c))
    neurons.V_m = network.u0
    by_input = np.argsort(network.input_index, kind="stable")
    bounds = np.searchsorted(network.input_index[by_input], np.arange(1, c.n_in))
    times = np.split(network.input_step[by_input] * c.dt, bounds)
    inputs = nest.Create(
        "spike_generator", c.n_in, params=[{"spike_times": train} for train in times]
    )
    recorder = nest.Create("spike_recorder")
    for source, projection in ((neurons, network.recurrent), (inputs, network.external)):
        nest.Connect(
            projection.pre + source[0].global_id,
            projection.post + neurons[0].global_id,
            conn_spec="one_to_one",
            syn_spec={
                "synapse_model": "static_synapse",
                "weight": nest_weight(c, projection.weight),
                "delay": np.full(len(projection.pre), c.delay),
            },
        )
    nest.Connect(neurons, recorder)
    nest.Prepare()
    build = time.perf_counter() - start
    nest.Run(c.warm_up)
    start = time.perf_counter()
    nest.Run(c.duration)
    wall = time.perf_counter() - start
    nest.Cleanup()
    events = recorder.events
    step = np.rint(events["times"] / c.dt).astype(np.int64)
    return sort(step, events["senders"] - neurons[0].global_id), build, wall


def main() -> None:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    network = load(args.dir)
    runs = [simulate(network, args.threads) for _ in range(args.repetitions)]
    walls = [wall for _, _, wall in runs]
    report("nest", args.threads, runs[-1][1], walls, network, runs[-1][0], args.dir)


if __name__ == "__main__":
    main()
