"""Number formats of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from strsbp_rs._arguments import integer, number
from strsbp_rs._fields import U32
from strsbp_rs.fixed._decays import Multiply, factor_of
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._target import HardwareTarget
from strsbp_rs.fixed._values import PerNeuron, Rounding

__all__ = ["QFormat", "qformat_format"]


def qformat_format(
    *,
    tau_m: float,
    tau_s: float,
    v_th: PerNeuron,
    dt: float = 1.0,
    weight_bits: int = 8,
    state_bits: int = 16,
    decay_bits: int = 12,
    **options: Any,
) -> Format:
    """A format of one's own, with decays by multiplication.

    The rules are this project's own, those of `Format`, and were compared bit for bit with integers
    of unbounded size. No hardware bounds neurons, synapses or delays; sums of what arrives must fit
    32 bits. For other decays replace those of the result:

        form = dataclasses.replace(form, membrane_decay=sr.fixed.Table.exponential(tau_m))

    Args:
        tau_m: Time constant of the membrane [ms]; its factor is
            round(2^decay_bits exp(-dt / tau_m)).
        tau_s: Time constant of the current [ms], likewise.
        v_th: Threshold, of the membrane's scale.
        dt: Time step [ms].
        weight_bits: Width of weights, sign included.
        state_bits: Width of current and membrane, sign included.
        decay_bits: Fractional bits of the factors, in [1, 31].
        options: Further fields of `Format`.

    Raises:
        ValueError: If a time is not positive and finite, or a factor is 0.
    """
    dt, decay_bits = number("dt", dt), integer("decay_bits", decay_bits, below=32)
    state_bits = integer("state_bits", state_bits)
    current_decay, membrane_decay = (
        Multiply(factor_of(name, number(name, tau), dt, "decay_bits", decay_bits), decay_bits)
        for name, tau in (("tau_s", tau_s), ("tau_m", tau_m))
    )
    return Format(
        weight_bits, state_bits, state_bits, current_decay, membrane_decay, v_th, **options
    )


@dataclass(frozen=True, kw_only=True)
class QFormat(HardwareTarget):
    """A number format of one's own, for any weights and states.

    Decays are multiplications by factors of `decay_bits` bits. States are so fine that none can
    overflow, if that leaves them 4 bits below a weight and thresholds 12 bits; with fewer bits,
    currents have room for ten times the one that just holds a neuron at its threshold, membranes
    for four times the threshold, and what does not fit saturates and is counted.

    Args:
        weight_bits: Width of weights, sign included, in [2, 16]; 2 leaves -1, 0 and 1.
        state_bits: Width of current and membrane, sign included, in [8, 32].
        decay_bits: Bits of the decays' factors, in [1, 31].
        rounding: Of products and shifts: "toward_zero", "floor", "nearest" (halves up),
            "nearest_even" or "stochastic".
        scale: How the scale of weights is chosen: "mse", "max" or "percentile".
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`.
        granularity: Which weights share a scale: those onto a "layer" or onto a "neuron".
    """

    weight_bits: U32 = 8
    state_bits: U32 = 16
    decay_bits: U32 = 12
    rounding: Rounding = "nearest"
    kind: ClassVar[str] = "qformat"

    def _own(self) -> dict[str, Any]:
        names = ("weight_bits", "state_bits", "decay_bits")
        return {**{name: getattr(self, name) for name in names}, "rounding": self.rounding}
