"""What runs of networks leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._activity import Activity
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._tables import html_table
from strsbp_rs.fixed import Overflows

__all__ = ["Operations", "Recording", "recorded_activity"]


@dataclass(frozen=True)
class Operations:
    """What a simulation has done.

    Attributes:
        input_events: Spikes of the inputs.
        spikes: Spikes of the neurons.
        synaptic_events: Synapses that spikes arrived through. Convolutions and pools have one for
            each position of a kernel that a neuron lies under, none where the weight is 0.
        state_updates: Times that the state of a neuron was computed anew.
        near_ties: Times that a potential came so near the threshold that rounding may have decided
            whether the neuron fires. The event engine and the clocked one compute the same numbers
            in different ways: in float64, if this is 0, their spikes are proven to be the same
            (where `Simulator.ties_are_proven` says so); in float32 it is a rule of thumb.
    """

    input_events: int
    spikes: int
    synaptic_events: int
    state_updates: int
    near_ties: int


@dataclass(frozen=True, repr=False)
class Recording:
    """What a network went through in a run.

    Attributes:
        spikes: Spike trains of the input and of every layer; empty where spikes were not recorded.
        counts: Output counts, uint32 (n_samples, n_out).
        potential: For each layer asked for, the membrane potentials before a reset, relative to
            rest, (n_samples, n_steps, n_chosen).
        current: Likewise the synaptic currents.
        engine: The engine that simulated the network: "clocked", "event" or "continuous".
        operations: What it has done, summed over the samples.
        neurons: For each layer with traces, which neurons they are of.
        overflows: What did not fit the format of each layer; empty in floating point.
    """

    spikes: list[SpikeTrains]
    counts: NDArray[np.uint32]
    potential: dict[int, NDArray[Any]] = field(default_factory=dict)
    current: dict[int, NDArray[Any]] = field(default_factory=dict)
    engine: str = "clocked"
    operations: Operations | None = None
    neurons: dict[int, list[int]] = field(default_factory=dict)
    overflows: list[Overflows] = field(default_factory=list)

    def __repr__(self) -> str:
        if not self.spikes:
            return f"<Recording: counts of {len(self.counts):,} samples, {self.engine}>"
        n_samples, n_steps, _ = self.spikes[0].shape
        spikes = ", ".join(f"{trains.n_spikes:,}" for trains in self.spikes)
        traced = ", ".join(map(str, self.potential))
        return (
            f"<Recording: {n_samples:,} samples of {n_steps:,} steps, spikes of input and layers "
            f"{spikes}{f', traces of layers {traced}' if traced else ''}, {self.engine}>"
        )

    def _repr_html_(self) -> str:
        if not self.spikes:
            caption = f"Recording of the counts of {len(self.counts):,} samples, {self.engine}"
            return html_table((), [("output spikes", f"{int(self.counts.sum()):,}")], caption)
        n_samples, n_steps, _ = self.spikes[0].shape
        rows = []
        for index, trains in enumerate(self.spikes):
            rate = trains.n_spikes / max(float(np.prod(trains.shape)), 1.0)
            name = "input" if index == 0 else f"layer {index - 1}"
            rows.append((name, f"{trains.shape[2]:,}", f"{trains.n_spikes:,}", f"{rate:.2%}"))
        return html_table(
            ("", "neurons", "spikes", "firing rate"),
            rows,
            caption=f"Recording of {n_samples:,} samples, {n_steps:,} steps, {self.engine}",
        )


def recorded_activity(spikes: list[SpikeTrains]) -> Activity:
    """Returns what the layers did, of recorded spike trains of the input and of every layer."""
    layers = spikes[1:]
    n_samples, n_steps, _ = spikes[0].shape
    silent = [int(np.count_nonzero(~train.counts().any(axis=0))) for train in layers]
    sizes = [train.shape[2] for train in layers]
    return Activity([train.n_spikes for train in layers], silent, n_samples, n_steps, sizes)
