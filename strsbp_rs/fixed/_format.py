"""Number formats, and the neurons they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from strsbp_rs import _strsbp_rs as _core
from strsbp_rs._arguments import integer, one_of
from strsbp_rs._fields import U32, Checked
from strsbp_rs.fixed._decays import Decay, as_decay, decay_dict, decay_from
from strsbp_rs.fixed._values import Overflow, PerNeuron, Reset, Rounding, plain

__all__ = ["Format", "Overflows"]


@dataclass(frozen=True)
class Overflows:
    """How many numbers did not fit their format, and were changed.

    Attributes:
        current: Synaptic currents.
        membrane: Membranes, at steps in which they are computed.
    """

    current: int
    membrane: int


_LIMITS = ("n", "fan_in", "fan_out", "delay", "input_spikes", "inputs")


def _limits(name: str, limits: Any) -> dict[str, int | None]:
    if not isinstance(limits, Mapping):
        raise TypeError(f"{name} must be a dict, got {limits!r}")
    found = {}
    for key, value in limits.items():
        one_of(f"a key of {name}", key, _LIMITS)
        below = 2**32 if key in ("delay", "input_spikes") else 2**64
        found[key] = None if value is None else integer(f"{name}[{key!r}]", value, below=below)
    return found


@dataclass(frozen=True)
class Format(Checked):
    """A number format and the neurons it holds.

    A step, from current u and membrane v of 0, with A the sum of the weights that arrive and R the
    rounding:

        u = fit(decay_u(u) + (A << input_shift))
        v = fit(decay_v(v) + bias + R(u / 2^gain_shift))     unless refractory
        spike if v > v_th (or >=); v = 0 (or v - v_th); refractory for t_ref_steps

    Attributes:
        weight_bits: Width of a weight as it is added, sign included, in [1, 32].
        current_bits, membrane_bits: Widths of the states, sign included, in [2, 32].
        current_decay, membrane_decay: What a step leaves of them: `Multiply`, `Shift` or `Table`.
        v_th: Threshold, of the membrane's scale. One, or one for each neuron.
        input_shift: Bits by which summed weights are shifted up, in [0, 31].
        gain_shift: Bits by which the current is shifted down to the membrane's scale, in [0, 31].
        bias: Added to the membrane at every step, with the rules "lif" from step 0 on. One, or one
            for each neuron.
        rounding: Of products and shifts down: "toward_zero", "floor", "nearest" (halves up),
            "nearest_even" or "stochastic", whose draws depend on `rounding_seed`, the population,
            neuron, step and use alone (Philox4x32-10).
        rounding_seed: What stochastic draws come from.
        current_overflow, membrane_overflow: What becomes of a number that does not fit b bits:
            "saturate" or "wrap" into [-2^(b-1), 2^(b-1) - 1], "saturate_symmetric" into
            [-2^(b-1) + 1, 2^(b-1) - 1], "wrap_upper" into [-2^(b-1) + 1, 2^(b-1)].
        fires_at: Whether the threshold itself fires: ">" or ">=".
        reset: "zero" or "subtract".
        t_ref_steps: Steps after a spike in which only the current changes.
        max_spikes: Most spikes of a neuron in a step, each subtracting v_th.
        rules: "lif" as above; "xylo_v1" and "xylo_v2" saturate the current at every spike and decay
            it after that.
        limits: What hardware has room for, by name: n, fan_in, fan_out, delay [steps],
            input_spikes (of an input in a step), inputs (with synapses onto the population);
            {} where nothing bounds it.
    """

    weight_bits: U32
    current_bits: U32
    membrane_bits: U32
    current_decay: Annotated[Decay, as_decay]
    membrane_decay: Annotated[Decay, as_decay]
    v_th: PerNeuron
    input_shift: U32 = 0
    gain_shift: U32 = 0
    bias: PerNeuron = 0
    rounding: Rounding = "toward_zero"
    rounding_seed: int = 0
    current_overflow: Overflow = "saturate"
    membrane_overflow: Overflow = "saturate"
    fires_at: Literal[">", ">="] = ">"
    reset: Reset = "zero"
    t_ref_steps: U32 = 0
    max_spikes: U32 = 1
    rules: Literal["lif", "xylo_v1", "xylo_v2"] = "lif"
    limits: Annotated[Mapping[str, int | None], _limits] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the format as plain values."""
        values = {f.name: plain(getattr(self, f.name)) for f in fields(self)}
        for name in ("current_decay", "membrane_decay"):
            values[name] = decay_dict(getattr(self, name))
        values["limits"] = dict(self.limits)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Format:
        """Returns the format that `to_dict` gave.

        Raises:
            TypeError: If a field is missing or unknown.
        """
        values = dict(values)
        for name in ("current_decay", "membrane_decay"):
            values[name] = decay_from(name, values.get(name, {}))
        return cls(**values)

    def check(self, n: int) -> None:
        """Checks the format for a population of `n` neurons.

        Raises:
            TypeError: If a field has the wrong type.
            ValueError: If one is outside its domain; the message says which and why.
        """
        _core.check_fixed(self.to_dict(), integer("n", n))
