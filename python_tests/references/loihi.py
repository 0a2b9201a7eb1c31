"""Loihi, by the rules of the open Lava framework's bit-accurate LIF and Dense models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .generic import Record
from .integers import Ints, round_shift

UNIT = 1 << 12
LIMIT = 1 << 23
SHIFT = 6

SignMode = Literal["mixed", "excitatory", "inhibitory"]


@dataclass(frozen=True)
class Connection:
    """A connection.

    Attributes:
        weight: Before clipping and truncation, shape (n_out, n_in).
        weight_bits: 1..8, of which mixed signs take one.
        exponent: -8..7: the summed weights times 2^exponent.
        sign_mode: None: what the weights are.
        delay: Steps beyond the one that every spike takes, shape of weight. None: none.
    """

    weight: Ints
    weight_bits: int = 8
    exponent: int = 0
    sign_mode: SignMode | None = None
    delay: Ints | None = None


@dataclass(frozen=True)
class LoihiNeuron:
    """Neurons of one kind.

    Attributes:
        du, dv: Decays, in [0, 4095].
        v_th: Threshold, in [0, 131071]; the membrane has 6 more bits.
        bias_mantissa, bias_exponent: In [-4096, 4095] and 0..7.
        t_ref_steps: Steps after a firing in which the voltage stays at 0.
    """

    du: int
    dv: int
    v_th: int
    bias_mantissa: int = 0
    bias_exponent: int = 0
    t_ref_steps: int = 0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> LoihiNeuron:
        """Any neurons that the chip has."""
        v_th = int(2 ** rng.uniform(0, 17)) - 1
        return cls(
            du=int(rng.integers(0, 4096)),
            dv=int(rng.integers(0, 4096)),
            v_th=v_th,
            bias_mantissa=int(rng.integers(max(-4096, -(v_th << 6)), min(4095, v_th << 6) + 1)),
            t_ref_steps=int(rng.integers(0, 4)),
        )


def sign_mode(weight: Ints) -> SignMode:
    """What the weights' signs are; all zero counts as excitatory."""
    if (weight >= 0).all():
        return "excitatory"
    return "inhibitory" if (weight <= 0).all() else "mixed"


def truncated(connection: Connection) -> Ints:
    """Weights within the limits, without the low bits that the chip does not hold."""
    mode = connection.sign_mode or sign_mode(connection.weight)
    dropped = 8 - connection.weight_bits + (mode == "mixed")
    if mode == "inhibitory":
        return np.asarray(-((np.clip(-connection.weight, 0, 255) >> dropped) << dropped))
    clipped = np.clip(connection.weight, -256 if mode == "mixed" else 0, 255)
    return np.asarray((clipped >> dropped) << dropped)


def arriving(connection: Connection, raster: Ints, t: int) -> Ints:
    """What reaches each neuron at step t: sums of one delay are shifted, then added."""
    weight = truncated(connection)
    delay = np.zeros_like(weight) if connection.delay is None else connection.delay
    total = np.zeros(len(weight), np.int64)
    for d in range(min(int(delay.max(initial=0)), t - 1) + 1 if t > 0 else 0):
        summed = np.where(delay == d, weight, 0) @ raster[t - 1 - d]
        up, down = max(connection.exponent, 0), max(-connection.exponent, 0)
        total += (summed << up) >> down
    return total


def loihi_reference(
    neuron: LoihiNeuron,
    connection: Connection,
    raster: Ints,
    recurrent: Connection | None = None,
) -> Record:
    """Simulates one layer from rest on spikes of shape (n_steps, n_in).

    Overflows are wraps of the current and clips of the voltage.
    """
    n_steps, n_out = len(raster), len(connection.weight)
    spikes, current, voltage = (np.zeros((n_steps, n_out), np.int64) for _ in range(3))
    u, v, held = [0] * n_out, [0] * n_out, [0] * n_out
    wraps = clips = 0
    for t in range(n_steps):
        arrived = arriving(connection, raster, t)
        if recurrent is not None:
            arrived = arrived + arriving(recurrent, spikes, t)
        for i in range(n_out):
            u[i] = round_shift(u[i] * (UNIT - 1 - neuron.du), 12, "toward_zero")
            u[i] += int(arrived[i]) << SHIFT
            if not -LIMIT < u[i] <= LIMIT:
                wraps += 1
                u[i] += 2 * LIMIT if u[i] < 0 else -2 * LIMIT
            if held[i] > 0:
                held[i] -= 1
                continue
            v[i] = round_shift(v[i] * (UNIT - neuron.dv), 12, "toward_zero")
            v[i] += u[i] + (neuron.bias_mantissa << neuron.bias_exponent)
            if abs(v[i]) >= LIMIT:
                clips += 1
                v[i] = LIMIT - 1 if v[i] > 0 else 1 - LIMIT
            if v[i] > neuron.v_th << SHIFT:
                spikes[t, i], v[i], held[i] = 1, 0, neuron.t_ref_steps
        current[t], voltage[t] = u, v
    return Record(spikes, current, voltage, wraps, clips)
