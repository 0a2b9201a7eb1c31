"""LIF neurons in any fixed-point format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .integers import Ints, Overflow, Rounding, arriving, fit, limits, round_shift

Draw = Callable[[int, int, int], int]
"""(step, neuron, use) -> uniform in [0, 2^32). Uses: 0 decay of the current, 1 decay of the
membrane, 2 current onto the membrane."""


@dataclass(frozen=True)
class MultiplyDecay:
    """x becomes round(x factor / 2^bits)."""

    factor: int
    bits: int
    length = 1

    def __call__(self, x: int, age: int, rounding: Rounding, draw: int) -> int:
        return round_shift(x * self.factor, self.bits, rounding, draw)


@dataclass(frozen=True)
class ShiftDecay:
    """x becomes x - round(x / 2^shift), and what is not 0 loses at least 1 if `least_one`."""

    shift: int
    least_one: bool = False
    length = 1

    def __call__(self, x: int, age: int, rounding: Rounding, draw: int) -> int:
        step = round_shift(x, self.shift, rounding, draw)
        if self.least_one and step == 0 and x != 0:
            step = 1 if x > 0 else -1
        return x - step


@dataclass(frozen=True)
class TableDecay:
    """What was x `age` steps ago is round(x factors[age - 1] / 2^bits)."""

    factors: tuple[int, ...]
    bits: int

    @property
    def length(self) -> int:
        return len(self.factors)

    def __call__(self, x: int, age: int, rounding: Rounding, draw: int) -> int:
        return round_shift(x * self.factors[age - 1], self.bits, rounding, draw)


Decay = MultiplyDecay | ShiftDecay | TableDecay
"""From what a state was `age` steps ago, 1 to `length`; of length 1 from the step before only."""


@dataclass
class Anchor:
    """What a state decays from, and for how many steps it has done so."""

    x: int = 0
    age: int = 0


@dataclass(frozen=True)
class Format:
    """A number format and the neuron it holds.

    Attributes:
        weight_bits, current_bits, membrane_bits: Widths, sign included.
        current_decay, membrane_decay: What is left of a state.
        v_th: Threshold, of the membrane's format.
        input_shift: Bits by which summed weights are shifted up to the current's scale.
        gain_shift: Bits by which the current is shifted down to the membrane's scale, rounded.
        bias: Added to the membrane at every step.
        rounding: Of every product and every shift down.
        current_overflow, membrane_overflow: Of the state after a step, once.
        fires_at: Whether the threshold itself fires.
        reset: To zero, or by subtracting v_th.
        t_ref_steps: Steps after a firing in which only the current changes.
    """

    weight_bits: int
    current_bits: int
    membrane_bits: int
    current_decay: Decay
    membrane_decay: Decay
    v_th: int
    input_shift: int = 0
    gain_shift: int = 0
    bias: int = 0
    rounding: Rounding = "toward_zero"
    current_overflow: Overflow = "saturate"
    membrane_overflow: Overflow = "saturate"
    fires_at: Literal[">", ">="] = ">"
    reset: Literal["zero", "subtract"] = "zero"
    t_ref_steps: int = 0


@dataclass(frozen=True)
class Record:
    """What a layer did, each array of shape (n_steps, n_out).

    Attributes:
        spikes: Firings, 0 or 1.
        current: After the step.
        membrane: After the step and its reset.
        current_overflows, membrane_overflows: Numbers that did not fit, and were changed.
    """

    spikes: Ints
    current: Ints
    membrane: Ints
    current_overflows: int
    membrane_overflows: int


def generic_reference(
    form: Format,
    weight: Ints,
    raster: Ints,
    recurrent_weight: Ints | None = None,
    *,
    delay: Ints | None = None,
    recurrent_delay: Ints | None = None,
    draw: Draw = lambda step, neuron, use: 0,
) -> Record:
    """Simulates one layer from rest.

    Args:
        form: Number format and neuron.
        weight: Shape (n_out, n_in).
        raster: Spikes or counts of spikes, shape (n_steps, n_in).
        recurrent_weight: Shape (n_out, n_out), or None.
        delay, recurrent_delay: Steps beyond the one that every spike takes, shapes of the weights.
        draw: Random numbers of stochastic rounding.

    Raises:
        ValueError: If a weight or the threshold does not fit its format.
    """
    low, high = limits(form.weight_bits)
    for values in (weight, recurrent_weight):
        if values is not None and not ((values >= low) & (values <= high)).all():
            raise ValueError(
                f"weights must be in [{low}, {high}], got {values.min()}..{values.max()}"
            )
    if not 0 < form.v_th <= limits(form.membrane_bits)[1]:
        raise ValueError(f"v_th must be in [1, {limits(form.membrane_bits)[1]}], got {form.v_th}")

    n_steps, n_out = len(raster), len(weight)
    spikes, current, membrane = (np.zeros((n_steps, n_out), np.int64) for _ in range(3))
    u, v, held = [0] * n_out, [0] * n_out, [0] * n_out
    u_from, v_from = ([Anchor() for _ in range(n_out)] for _ in range(2))
    current_overflows = membrane_overflows = 0
    for t in range(n_steps):
        arrived = arriving(weight, raster, delay, t)
        if recurrent_weight is not None:
            arrived = arrived + arriving(recurrent_weight, spikes, recurrent_delay, t)
        for i in range(n_out):
            u_from[i].age += 1
            u[i] = form.current_decay(u_from[i].x, u_from[i].age, form.rounding, draw(t, i, 0))
            u[i], changed = fit(
                u[i] + (int(arrived[i]) << form.input_shift),
                form.current_bits,
                form.current_overflow,
            )
            current_overflows += changed
            if arrived[i] != 0 or u_from[i].age == form.current_decay.length:
                u_from[i] = Anchor(u[i])
            if held[i] > 0:
                held[i] -= 1
            else:
                v_from[i].age += 1
                added = form.bias + round_shift(u[i], form.gain_shift, form.rounding, draw(t, i, 2))
                v[i] = form.membrane_decay(v_from[i].x, v_from[i].age, form.rounding, draw(t, i, 1))
                v[i], changed = fit(v[i] + added, form.membrane_bits, form.membrane_overflow)
                membrane_overflows += changed
                if v[i] > form.v_th or (v[i] == form.v_th and form.fires_at == ">="):
                    spikes[t, i] = 1
                    v[i] = v[i] - form.v_th if form.reset == "subtract" else 0
                    held[i] = form.t_ref_steps
                if added != 0 or spikes[t, i] or v_from[i].age == form.membrane_decay.length:
                    v_from[i] = Anchor(v[i])
        current[t], membrane[t] = u, v
    return Record(spikes, current, membrane, current_overflows, membrane_overflows)
