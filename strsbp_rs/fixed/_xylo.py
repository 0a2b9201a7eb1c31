"""SynSense's Xylo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _strsbp_rs as _core
from strsbp_rs._arguments import flag, integer, one_of
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._preset import preset
from strsbp_rs.fixed._target import HardwareTarget
from strsbp_rs.fixed._values import Device, PerNeuron, integer_array

__all__ = ["Xylo", "xylo_format", "xylo_weights"]


def xylo_format(
    *,
    v_th: PerNeuron,
    dash_syn: PerNeuron,
    dash_mem: PerNeuron,
    bias: PerNeuron = 0,
    device: Device = "audio2",
    output: bool = False,
) -> Format:
    """Neurons of SynSense's Xylo; for their weights see `xylo_weights`.

    Rules: those of the manufacturer's simulator xylosim, its v1 for "a1" and its v2 for the others.
    States have 16 bits. Currents saturate at every spike, so their order matters: connect inputs
    before recurrent synapses. A neuron fires at the threshold, which is subtracted as often as it
    is reached.

    Clock: step k here is xylosim's k - 1, both counted from 0: input takes a step here, as all
    spikes do, so everything happens one step later than there. At step 0 nothing happens; the bias
    is added from step 1 on.

    Verified: with xylosim 0.1.3, spikes and states bit for bit, by tests that run where it is
    installed. Counts of overflows are ours: of every spike that saturates a current, and of every
    sum of a membrane that saturates.

    Not modelled: neurons with two synapses, and aliases.

    Limits enforced, from the manufacturer's documents: 16 inputs, hidden and output neurons (1000
    and 8 of "a1" and "audio2", 992 and 32 of "audio3", 496 and 16 of "imu"), synapses of a hidden
    neuron onto hidden ones (64 of "audio2", 1024 of "audio3", 512 of "imu"), no delays, 15 spikes
    of an input in a step. They are the format's `limits`, of each population; those of a chip as a
    whole are enforced by `Network.to_fixed`, see `Xylo`.

    Args:
        v_th: Threshold, in [1, 32767].
        dash_syn: Bit shift of the current's decay, in [1, 15].
        dash_mem: Bit shift of the membrane's decay, in [0, 15].
        bias: In [-32768, 32767]; of "a1" 0.
        device: "a1", "audio2", "audio3" or "imu".
        output: Whether these are output neurons: they fire once a step, hidden ones up to 31 times.

    Raises:
        ValueError: If a constant is outside its domain.
    """
    return preset(
        "xylo",
        v_th=v_th,
        dash_syn=dash_syn,
        dash_mem=dash_mem,
        bias=bias,
        device=one_of("device", device, get_args(Device)),
        is_output=flag("output", output),
    )


def xylo_weights(weights: ArrayLike, shift: int = 0) -> NDArray[np.int64]:
    """Weights as Xylo adds them, for a graph of int16: shifted up, wrapping at 16 bits.

    Args:
        weights: Integers of any shape, in [-128, 127].
        shift: In [0, 15].

    Raises:
        TypeError: If weights are not integers.
        ValueError: If an argument is outside its domain.
    """
    array = integer_array("weights", weights)
    shift = integer("shift", shift, below=2**32)
    return _core.xylo_weights(array.ravel(), shift).reshape(array.shape)


@dataclass(frozen=True, kw_only=True)
class Xylo(HardwareTarget):
    """SynSense's Xylo; for its rules see `fixed.xylo_format`.

    Weights have 8 bits and are shifted up as far as leaves the membrane room for four times the
    threshold. Decays become the nearest bit shifts; the chip subtracts the threshold, has no
    refractory time, and hidden neurons fire up to 31 times a step: train through it. A
    `QuantizationWarning` tells of a t_ref that is left out, and of a tau_m or tau_s that becomes
    another by more than 10 %.

    All layers but the last are the chip's hidden neurons, numbered layer by layer, their weights
    its recurrent ones; input arrives a step later than on the chip, so that all spikes come a step
    later. The last layer is not recurrent, there are no delays, and an input fires at most 15
    times a step.

    Limits, from the manufacturer's overview of the family, are enforced; the message names the
    chip:

    | | "a1" | "audio2" | "audio3" | "imu" |
    |---|---|---|---|---|
    | inputs | 16 | 16 | 16 | 16 |
    | hidden neurons | 1000 | 1000 | 992 | 496 |
    | output neurons | 8 | 8 | 32 | 16 |
    | hidden neurons that inputs reach | all | all | first 128 | first 128 |
    | hidden neurons that reach outputs | all | all | last 128 | last 128 |
    | synapses of a hidden neuron onto others | not known | 64 | 1024 | 512 |
    | these synapses in all | not known | 32,000 | 31,744 | 31,744 |

    Weights of 0, after rounding, take no room. All synapses among hidden neurons are shifted up
    alike, as on the chip: with several hidden layers the least of their shifts is that of all. What
    `enforce_limits=False` leaves is what rules need: one layer below the last at least, no delays,
    15 spikes of an input in a step; and each layer then has a shift of its own, as all had before
    limits were enforced: it gives the numbers of then.

    Args:
        device: "a1", "audio2", "audio3" or "imu".
        enforce_limits: Whether networks are refused for which the chip has no room; False for
            study.
        scale: How the scale of weights is chosen: "mse", "max" or "percentile".
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`.
        granularity: Which weights share a scale: those onto a "layer" or onto a "neuron".
    """

    device: Device = "audio3"
    enforce_limits: bool = True
    kind: ClassVar[str] = "xylo"

    def _own(self) -> dict[str, Any]:
        return {"device": self.device, "enforce_limits": self.enforce_limits}
