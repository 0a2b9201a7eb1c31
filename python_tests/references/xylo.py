"""Xylo, by the rules of the simulator xylosim: hidden neurons, and output neurons behind them.

Time differs from the engines': input of a step arrives within it, what hidden neurons send at the
next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .integers import Ints, limits, saturate, wrap

STATE_BITS = 16
MOST_INPUT, MOST_HIDDEN, MOST_OUTPUT = 15, 31, 1


@dataclass(frozen=True)
class XyloNeurons:
    """A population.

    Attributes:
        v_th: Thresholds, int16, shape (n,).
        dash_mem: Bit shifts of the membrane's decay, 0..15, shape (n,).
        dash_syn: Of the currents' decay, shape (n_synapses, n).
        bias: int16, shape (n,); None: none (v1 has none).
    """

    v_th: Ints
    dash_mem: Ints
    dash_syn: Ints
    bias: Ints | None = None


@dataclass(frozen=True)
class Xylo:
    """A network.

    Attributes:
        version: 2 sums up all that changes a membrane, then adds it; 1 decays first, then adds.
        weight_in, weight_rec, weight_out: int8, shape (n_synapses, n_post, n_pre); the output has
            one synapse.
        shift_in, shift_rec, shift_out: Bits by which weights are shifted up; the result wraps.
        hidden, output: The neurons.
        aliases: Neurons that get the spikes of each hidden neuron as well, per hidden neuron.
    """

    version: Literal[1, 2]
    weight_in: Ints
    weight_rec: Ints
    weight_out: Ints
    shift_in: int
    shift_rec: int
    shift_out: int
    hidden: XyloNeurons
    output: XyloNeurons
    aliases: list[list[int]]


@dataclass
class PopulationRecord:
    """Counts of spikes and membranes, shape (n_steps, n); currents (n_synapses, n_steps, n).

    And how many numbers saturated.
    """

    spikes: Ints
    current: Ints
    membrane: Ints
    current_overflows: int = 0
    membrane_overflows: int = 0


def decrement(x: int, dash: int) -> int:
    """What a decay takes away: the floor, so negative numbers always move by one at least."""
    return 1 if x > 0 and x >> dash == 0 else x >> dash


class Population:
    """State of a population, and its record."""

    def __init__(self, neurons: XyloNeurons, version: int, most: int, n_steps: int) -> None:
        self.neurons, self.version, self.most = neurons, version, most
        n_synapses, n = neurons.dash_syn.shape
        self.i = np.zeros((n_synapses, n), np.int64)
        self.v = np.zeros(n, np.int64)
        self.record = PopulationRecord(
            np.zeros((n_steps, n), np.int64),
            np.zeros((n_synapses, n_steps, n), np.int64),
            np.zeros((n_steps, n), np.int64),
        )

    def receive(self, counts: Ints, most: int, weight: Ints, shift: int) -> None:
        """Adds spikes neuron by neuron: saturation makes their order matter."""
        low, high = limits(STATE_BITS)
        for pre in np.flatnonzero(counts):
            shifted = ((weight[:, :, pre] << shift) - low) % (1 << STATE_BITS) + low
            for _ in range(min(int(counts[pre]), most)):
                unbounded = self.i + shifted
                self.i = np.clip(unbounded, low, high)
                self.record.current_overflows += int((self.i != unbounded).sum())

    def update(self, t: int, aliases: list[list[int]] | None) -> Ints:
        """One step of all neurons, in order; counts of spikes."""
        counts = [0] * len(self.v)
        for k in range(len(self.v)):
            self.decay_and_add(k)
            counts[k], self.v[k] = self.fire(k, counts[k])
            for target in aliases[k] if aliases is not None else []:
                counts[target] = min(counts[target] + counts[k], self.most)
        self.record.current[:, t], self.record.membrane[t] = self.i, self.v
        self.record.spikes[t] = counts
        return np.array(counts, dtype=np.int64)

    def decay_and_add(self, k: int) -> None:
        """Currents decay, then what is left of them goes onto the membrane."""
        neurons, v = self.neurons, int(self.v[k])
        for synapse, dash in enumerate(neurons.dash_syn[:, k]):
            self.i[synapse, k] -= decrement(int(self.i[synapse, k]), int(dash))
        arrived, leak = int(self.i[:, k].sum()), decrement(v, int(neurons.dash_mem[k]))
        if self.version == 1:
            self.v[k] = self.saturated(v - leak + arrived)
            return
        change = self.saturated(wrap(-leak, STATE_BITS) + arrived)
        if neurons.bias is not None:
            change = self.saturated(change + int(neurons.bias[k]))
        self.v[k] = self.saturated(v + change)

    def saturated(self, x: int) -> int:
        """What a membrane, or its change, holds of a number."""
        kept = saturate(x, STATE_BITS)
        self.record.membrane_overflows += kept != x
        return kept

    def fire(self, k: int, count: int) -> tuple[int, int]:
        """Spikes, with those it has as an alias within the limit, and the membrane after them."""
        v, v_th = int(self.v[k]), int(self.neurons.v_th[k])
        while v >= v_th and count < self.most:
            count, v = count + 1, wrap(v - v_th, STATE_BITS)
        return count, v


def xylo_reference(xylo: Xylo, raster: Ints) -> tuple[PopulationRecord, PopulationRecord]:
    """Records of hidden and output neurons, from rest, on counts of spikes (n_steps, n_in)."""
    hidden = Population(xylo.hidden, xylo.version, MOST_HIDDEN, len(raster))
    output = Population(xylo.output, xylo.version, MOST_OUTPUT, len(raster))
    sent = np.zeros(len(hidden.v), np.int64)
    for t, counts in enumerate(raster):
        hidden.receive(counts, MOST_INPUT, xylo.weight_in, xylo.shift_in)
        hidden.receive(sent, MOST_HIDDEN, xylo.weight_rec, xylo.shift_rec)
        output.receive(sent, MOST_HIDDEN, xylo.weight_out, xylo.shift_out)
        sent = hidden.update(t, xylo.aliases)
        output.update(t, None)
    return hidden.record, output.record
