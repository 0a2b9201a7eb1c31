"""What every run reports: statistics of its spikes, one JSON line, and the spikes in a file."""

import json
from pathlib import Path

import numpy as np
from network import Network
from numpy.typing import NDArray

Spikes = tuple[NDArray[np.int32], NDArray[np.int32]]


def sort(step: NDArray[np.int64], neuron: NDArray[np.int64]) -> Spikes:
    """Sorts spikes by step, then neuron."""
    order = np.lexsort((neuron, step))
    return step[order].astype(np.int32), neuron[order].astype(np.int32)


def intervals(network: Network, spikes: Spikes) -> list[NDArray[np.float64]]:
    """Returns the inter-spike intervals of each neuron after the warm-up [ms]."""
    step, neuron = spikes
    step, neuron = step[(counted := step > network.constants.warm_up_steps)], neuron[counted]
    order = np.lexsort((step, neuron))
    trains = np.split(
        step[order], np.searchsorted(neuron[order], np.arange(1, network.constants.n))
    )
    return [np.diff(train) * network.constants.dt for train in trains]


def count_dispersion(network: Network, spikes: Spikes, window: float = 3.0) -> float:
    """Returns variance over mean of the number of spikes in windows [ms]; 1 if independent."""
    c = network.constants
    width = round(window / c.dt)
    step = spikes[0][spikes[0] > c.warm_up_steps] - c.warm_up_steps - 1
    n_windows = (c.n_steps - c.warm_up_steps) // width
    counts = np.bincount(step // width, minlength=n_windows)[:n_windows]
    return float(counts.var() / counts.mean())


def statistics(network: Network, spikes: Spikes) -> dict[str, float]:
    """Describes the spikes after the warm-up.

    Returns:
        Number of spikes, of synaptic events (each spike once a synapse, those of the input
        included), mean rates [Hz], mean CV of the intervals of neurons with ten or more.
    """
    c = network.constants
    after = c.warm_up_steps
    neuron = spikes[1][spikes[0] > after]
    fan_out = np.bincount(network.recurrent.pre, minlength=c.n)
    fan_out_in = np.bincount(network.external.pre, minlength=c.n_in)
    inputs = network.input_index[network.input_step > after]
    enough = [isi for isi in intervals(network, spikes) if len(isi) >= 10]
    seconds = c.duration * 1e-3
    return {
        "spikes": len(neuron),
        "synaptic_events": int(fan_out[neuron].sum() + fan_out_in[inputs].sum()),
        "rate_e": round(np.count_nonzero(neuron < c.n_e) / c.n_e / seconds, 3),
        "rate_i": round(np.count_nonzero(neuron >= c.n_e) / c.n_i / seconds, 3),
        "cv_isi": round(float(np.mean([isi.std() / isi.mean() for isi in enough])), 3),
        "dispersion": round(count_dispersion(network, spikes), 2),
    }


def report(
    name: str,
    threads: int,
    build: float,
    walls: list[float],
    network: Network,
    spikes: Spikes,
    directory: Path,
    copies: int = 1,
) -> None:
    """Prints the JSON line of a run and saves its spikes, `step` and `neuron`, and the line.

    Args:
        name: The simulator.
        threads: How many it used.
        build: Wall time of making the network [s].
        walls: Wall times of simulating `duration`, one a repetition [s].
        network: What was simulated.
        spikes: The spikes, sorted, those of the warm-up included.
        directory: Where the file goes, as `<name>-<threads>.npz`.
        copies: Simulations of the network that ran at once; the spikes are those of one of them,
            the walls those until all were done.
    """
    line = {"simulator": name, "threads": threads, "copies": copies, "wall_s": round(min(walls), 4)}
    line |= {"walls_s": [round(wall, 4) for wall in walls], "build_s": round(build, 3)}
    line |= {"duration_ms": network.constants.duration}
    line |= statistics(network, spikes)
    np.savez(
        directory / f"{name}-{threads}.npz", step=spikes[0], neuron=spikes[1], line=json.dumps(line)
    )
    print(json.dumps(line))
