"""Microcontrollers with Arm Cortex-M cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from strsbp_rs._arguments import one_of
from strsbp_rs._fields import U32
from strsbp_rs.fixed._decays import Multiply, Shift, as_decay, decay_dict
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._preset import preset
from strsbp_rs.fixed._target import HardwareTarget
from strsbp_rs.fixed._values import PerNeuron, Reset

__all__ = ["CortexM", "cortex_m_format"]


def cortex_m_format(
    *,
    current_decay: Multiply | Shift,
    membrane_decay: Multiply | Shift,
    v_th: PerNeuron,
    weight_bits: int = 8,
    bias: PerNeuron = 0,
    input_shift: int = 0,
    gain_shift: int = 0,
    reset: Reset = "zero",
    t_ref_steps: int = 0,
) -> Format:
    """Neurons as a microcontroller with an Arm Cortex-M core computes them at little cost.

    Rules: this project's own, those of `Format`. States have 32 bits and saturate; products and
    quotients are rounded down, as an arithmetic shift does. So a negative state that is multiplied
    by c = factor / 2^16 stays below 0 for ever, above -1 / (1 - c): thresholds should be large
    against that.

    Verified: with integers of unbounded size, bit for bit; with no compiled program.

    Limits enforced: fan-in of 2^24 weights of 8 bits or 65,535 of 16 bits, whose sums have 32 bits.

    Args:
        current_decay: `Shift` by 1..15, best with `least_one` (on all cores), or `Multiply` with 16
            bits (one instruction on cores with DSP).
        membrane_decay: Likewise.
        v_th: Threshold.
        weight_bits: 8 or 16.
        bias: Added at every step.
        input_shift: As of `Format`.
        gain_shift: As of `Format`.
        reset: "zero" or "subtract".
        t_ref_steps: Below 2^16.

    Raises:
        ValueError: If an argument is outside its domain.
    """
    return preset(
        "cortex_m",
        weight_bits=weight_bits,
        current_decay=decay_dict(as_decay("current_decay", current_decay)),
        membrane_decay=decay_dict(as_decay("membrane_decay", membrane_decay)),
        v_th=v_th,
        bias=bias,
        input_shift=input_shift,
        gain_shift=gain_shift,
        reset=one_of("reset", reset, get_args(Reset)),
        t_ref_steps=t_ref_steps,
    )


@dataclass(frozen=True, kw_only=True)
class CortexM(HardwareTarget):
    """A microcontroller with an Arm Cortex-M core; for the rules see `fixed.cortex_m_format`.

    Decays are bit shifts where a time constant is a power of two of steps (the ST-RSBP paper's
    are), else factors of 16 bits. States have 32 bits.

    Args:
        weight_bits: 8 or 16.
        scale: How the scale of weights is chosen: "mse", "max" or "percentile".
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`.
        granularity: Which weights share a scale: those onto a "layer" or onto a "neuron".
    """

    weight_bits: U32 = 8
    kind: ClassVar[str] = "cortex_m"

    def _own(self) -> dict[str, Any]:
        return {"weight_bits": self.weight_bits}
