"""SpiNNaker, about."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf
from typing import Any, ClassVar

from strsbp_rs._arguments import number
from strsbp_rs.fixed._decays import factor_of
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._preset import preset
from strsbp_rs.fixed._target import HardwareTarget

__all__ = ["Spinnaker", "spinnaker_format"]


def spinnaker_format(
    *,
    tau_m: float,
    tau_s: float,
    v_th: float,
    dt: float = 1.0,
    left_shift: int = 0,
    t_ref_steps: int = 0,
) -> Format:
    """Neurons of about SpiNNaker's precision: EXPERIMENTAL, compared with no other program.

    Rules: this project's own, after the published source of sPyNNaker. States are s16.15 numbers of
    32 bits that saturate, weights have 16 bits and a sign, products are rounded down, a neuron
    fires at the threshold and its membrane becomes 0.

    Verified: only that both engines and integers of unbounded size agree on these rules. No program
    of the machine was run, and spikes are not the same there: it has a current and a saturating
    buffer of weights for each sign, scales the current by (tau_s / dt) (1 - exp(-dt / tau_s)) and
    the membrane's input by 1 - exp(-dt / tau_m), and rounds products of the membrane to the
    nearest; here there is one current, and weights hold these scales.

    Not modelled: packets that are late or lost, and cores.

    Limits enforced: delays of 15 steps beyond the one that every spike takes.

    Args:
        tau_m: Time constant of the membrane [ms].
        tau_s: Time constant of the current [ms].
        v_th: Threshold, in [2^-15, 65535].
        dt: Time step [ms].
        left_shift: Bits by which weights are shifted up to units of 2^-15, in [0, 15].
        t_ref_steps: Steps after a spike in which the membrane is held.

    Raises:
        ValueError: If an argument is outside its domain.
    """
    tau_m, tau_s, dt = number("tau_m", tau_m), number("tau_s", tau_s), number("dt", dt)
    v_th = number("v_th", v_th)
    for name, value in (("tau_m", tau_m), ("tau_s", tau_s), ("dt", dt)):
        if not 0 < value < inf:
            raise ValueError(f"{name} must be finite and > 0 ms, got {value}")
    if not 2**-15 <= v_th <= 65535:
        raise ValueError(f"v_th must be in [2^-15, 65535], got {v_th}")
    return preset(
        "spinnaker",
        current_factor=min(int(2**32 * exp(-dt / tau_s)), 2**32 - 1),
        membrane_factor=factor_of("tau_m", tau_m, dt, "the 15 bits of SpiNNaker's factors", 15),
        v_th=round(2**15 * v_th),
        left_shift=left_shift,
        t_ref_steps=t_ref_steps,
    )


@dataclass(frozen=True, kw_only=True)
class Spinnaker(HardwareTarget):
    """About SpiNNaker's precision, EXPERIMENTAL; for the rules see `fixed.spinnaker_format`.

    Weights have 16 bits and a sign. One unit is a power of two of 2^-15 of the membrane's: the
    finest with which the largest weight fits, whatever `scale` and `granularity` say.

    Args:
        enforce_limits: Whether delays of more than 15 steps are refused; False for study.
        scale: Without effect.
        percentile: Likewise.
        clip: Likewise.
        granularity: Likewise.
    """

    enforce_limits: bool = True
    kind: ClassVar[str] = "spinnaker"

    def _own(self) -> dict[str, Any]:
        return {"enforce_limits": self.enforce_limits}
