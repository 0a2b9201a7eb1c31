"""Intel's Loihi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _strsbp_rs as _core
from strsbp_rs._arguments import integer, one_of
from strsbp_rs._fields import U32
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._preset import preset
from strsbp_rs.fixed._target import HardwareTarget
from strsbp_rs.fixed._values import PerNeuron, SignMode, integer_array

__all__ = ["Loihi", "loihi_format", "loihi_weights"]


def loihi_format(
    *,
    du: PerNeuron,
    dv: PerNeuron,
    v_th: PerNeuron,
    bias_mantissa: PerNeuron = 0,
    bias_exponent: int = 0,
    t_ref_steps: int = 0,
) -> Format:
    """Neurons of Intel's Loihi; for their weights see `loihi_weights`.

    Rules: those of the bit-accurate LIF model of the open Lava framework. The current has 24 bits
    and wraps, the voltage has 24 bits and saturates, products are rounded toward zero, a neuron
    fires above the threshold and its voltage becomes 0.

    Verified: with Lava's own Python methods, bit for bit, 1,000 random networks of 40 steps; the
    tests keep to an independent model that was compared so. Not verified: refractory times, which
    Lava's model has none of (the voltage is held at 0, as in other open emulators), and the limit
    of delays. Nothing was compared with a chip.

    Clock: step k here is Lava's time step k + 1, which counts from 1. A spike arrives in the step
    after, in both; the bias is added from step 0 on.

    Not modelled: negative exponents of weights, which shift sums; compartments; plasticity. A
    current that one step leads more than 2^24 too far is wrapped until it is in range; Lava wraps
    it once.

    Limits enforced, as open emulators tell them: 131,072 neurons, fan-in 4096 (input axons of a
    core), delays of 62 steps, and the ranges below. They are necessary, not sufficient: networks
    are not divided among cores.

    Args:
        du: Decay of the current, in [0, 4095]: it loses (du + 1) / 4096 a step.
        dv: Decay of the voltage, in [0, 4095]: it loses dv / 4096 a step.
        v_th: Threshold mantissa, in [0, 131071]; the voltage has 6 more bits.
        bias_mantissa: In [-4096, 4095]; times 2^bias_exponent it is added to the voltage at every
            step. A bias that passes the threshold at once is refused.
        bias_exponent: In [0, 7].
        t_ref_steps: Steps after a spike in which the voltage is held, in [0, 62].

    Raises:
        ValueError: If a constant is outside its domain.
    """
    return preset(
        "loihi",
        du=du,
        dv=dv,
        v_th=v_th,
        bias_mantissa=bias_mantissa,
        bias_exponent=integer("bias_exponent", bias_exponent, below=2**32),
        t_ref_steps=integer("t_ref_steps", t_ref_steps, below=2**32),
    )


def loihi_weights(
    weights: ArrayLike,
    *,
    weight_bits: int = 8,
    exponent: int = 0,
    sign_mode: SignMode | None = None,
) -> NDArray[np.int64]:
    """The weights of a connection as Loihi holds them, for a graph of int16.

    They are clipped ([-256, 255] where signs are mixed), lose the low bits that the chip does not
    have (one more where signs are mixed), and are multiplied by 2^exponent.

    Args:
        weights: Integers of any shape: all of a connection, as they share a sign mode.
        weight_bits: In [1, 8].
        exponent: In [0, 7]. Negative ones, which shift sums and not weights, are not supported.
        sign_mode: What the weights' signs are, if None.

    Raises:
        TypeError: If weights are not integers.
        ValueError: If an argument is outside its domain.
    """
    array = integer_array("weights", weights)
    weight_bits = integer("weight_bits", weight_bits, below=2**32)
    exponent = integer("exponent", exponent, low=-(2**31), below=2**31)
    if sign_mode is not None:
        one_of("sign_mode", sign_mode, get_args(SignMode))
    held = _core.loihi_weights(array.ravel(), weight_bits, exponent, sign_mode)
    return held.reshape(array.shape)


@dataclass(frozen=True, kw_only=True)
class Loihi(HardwareTarget):
    """Intel's Loihi; for its rules see `fixed.loihi_format`.

    Weights have mixed signs and so lose their lowest bit. They get an exponent where thresholds
    would be coarse without, and fewer levels where thresholds would not fit: weights that become 0
    for it are told by a `QuantizationWarning` and, if they are all of a layer's, refused.

    Args:
        weight_bits: In [2, 8].
        enforce_limits: Whether networks are refused for which the chip has no room
            (`fixed.loihi_format` names the limits); False for study.
        scale: How the scale of weights is chosen: "mse", "max" or "percentile".
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`.
        granularity: Which weights share a scale: those onto a "layer" or onto a "neuron".
    """

    weight_bits: U32 = 8
    enforce_limits: bool = True
    kind: ClassVar[str] = "loihi"

    def _own(self) -> dict[str, Any]:
        return {"weight_bits": self.weight_bits, "enforce_limits": self.enforce_limits}
