"""Hardware and number formats that networks are brought to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from strsbp_rs._arguments import one_of
from strsbp_rs._config import Config
from strsbp_rs._fields import U32, refuse_subclass
from strsbp_rs.fixed import Device, Rounding

__all__ = ["CortexM", "Loihi", "QFormat", "Spinnaker", "Target", "Xylo", "as_target"]


@dataclass(frozen=True, kw_only=True)
class _Target(Config):
    """How the scale of weights is chosen.

    Attributes:
        scale: What the largest integer weight stands for: "max" is the largest weight, "percentile"
            that which `percentile` percent do not exceed, "mse" that with the least squared error
            of all weights. Weights beyond it are clipped.
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`; what calibration
            finds (`Network.to_fixed`).
        granularity: Which weights share a scale: all onto a "layer", or those onto a "neuron",
            whose threshold makes up for it (per channel, in the words of deep learning).
    """

    scale: Literal["mse", "max", "percentile"] = "mse"
    percentile: float = 99.9
    clip: tuple[float, ...] = ()
    granularity: Literal["layer", "neuron"] = "layer"

    def to_dict(self) -> dict[str, Any]:
        """Returns the target as the core takes it."""
        scale: dict[str, Any] = {"kind": self.scale}
        if self.scale == "percentile":
            scale["percent"] = self.percentile
        if self.clip:
            scale = {"kind": "clip", "fractions": list(self.clip)}
        return {
            "target": {"kind": self.kind, **self._target()},
            "scale": scale,
            "granularity": self.granularity,
        }

    def _target(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class QFormat(_Target):
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

    def _target(self) -> dict[str, Any]:
        names = ("weight_bits", "state_bits", "decay_bits")
        return {**{name: getattr(self, name) for name in names}, "rounding": self.rounding}


@dataclass(frozen=True, kw_only=True)
class Loihi(_Target):
    """Intel's Loihi; for its rules see `fixed.loihi`.

    Weights have mixed signs and so lose their lowest bit. They get an exponent where thresholds
    would be coarse without, and fewer levels where thresholds would not fit: weights that become 0
    for it are told by a `QuantizationWarning` and, if they are all of a layer's, refused.

    Args:
        weight_bits: In [2, 8].
        enforce_limits: Whether networks are refused for which the chip has no room (`fixed.loihi`
            names the limits); False for study.
        scale: How the scale of weights is chosen: "mse", "max" or "percentile".
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`.
        granularity: Which weights share a scale: those onto a "layer" or onto a "neuron".
    """

    weight_bits: U32 = 8
    enforce_limits: bool = True
    kind: ClassVar[str] = "loihi"

    def _target(self) -> dict[str, Any]:
        return {"weight_bits": self.weight_bits, "enforce_limits": self.enforce_limits}


@dataclass(frozen=True, kw_only=True)
class Xylo(_Target):
    """SynSense's Xylo; for its rules see `fixed.xylo`.

    Weights have 8 bits and are shifted up as far as leaves the membrane room for four times the
    threshold. Decays become the nearest bit shifts; the chip subtracts the threshold, has no
    refractory time, and hidden neurons fire up to 31 times a step: train through it. A
    `QuantizationWarning` tells of a t_ref that is left out, and of a tau_m or tau_s that becomes
    another by more than 10 %.

    All layers but the last are the chip's hidden neurons, numbered layer by layer, their weights
    its recurrent ones; input arrives a step later than on the chip, so that all spikes come a step
    later. The last layer does not hear itself, there are no delays, and an input fires at most 15
    times a step.

    Limits, from the manufacturer's overview of the family, are enforced; the message names the
    chip:

    | | "a1" | "audio2" | "audio3" | "imu" |
    |---|---|---|---|---|
    | inputs | 16 | 16 | 16 | 16 |
    | hidden neurons | 1000 | 1000 | 992 | 496 |
    | output neurons | 8 | 8 | 32 | 16 |
    | hidden neurons that inputs reach | all | all | first 128 | first 128 |
    | hidden neurons that outputs hear | all | all | last 128 | last 128 |
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

    def _target(self) -> dict[str, Any]:
        return {"device": self.device, "enforce_limits": self.enforce_limits}


@dataclass(frozen=True, kw_only=True)
class Spinnaker(_Target):
    """About SpiNNaker's precision, EXPERIMENTAL; for the rules see `fixed.spinnaker`.

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

    def _target(self) -> dict[str, Any]:
        return {"enforce_limits": self.enforce_limits}


@dataclass(frozen=True, kw_only=True)
class CortexM(_Target):
    """A microcontroller with an Arm Cortex-M core; for the rules see `fixed.cortex_m`.

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

    def _target(self) -> dict[str, Any]:
        return {"weight_bits": self.weight_bits}


Target = QFormat | Loihi | Xylo | Spinnaker | CortexM

TARGETS: dict[str, type[Target]] = {
    cls.kind: cls for cls in (QFormat, Loihi, Xylo, Spinnaker, CortexM)
}


def as_target(name: str, target: Any) -> Target:
    """Returns a target, or that of a name with its defaults.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is neither.
    """
    if isinstance(target, _Target):
        refuse_subclass(name, target, tuple(TARGETS.values()))
        return target  # type: ignore[return-value]
    if not isinstance(target, str):
        raise TypeError(f"{name} must be a target or one of {list(TARGETS)}, got {target!r}")
    return TARGETS[one_of(name, target, list(TARGETS))]()


def target_from_dict(values: dict[str, Any]) -> Target:
    """Returns the target whose `to_dict` gave `values`."""
    target, scale = dict(values["target"]), dict(values["scale"])
    options: dict[str, Any] = {"granularity": values["granularity"]}
    if scale["kind"] == "clip":
        options["clip"] = tuple(scale["fractions"])
    else:
        options["scale"] = scale["kind"]
    if "percent" in scale:
        options["percentile"] = scale["percent"]
    cls = TARGETS[target.pop("kind")]
    if cls is Xylo:
        # Files from before there were limits hold networks of any size.
        target.setdefault("enforce_limits", False)
    return cls(**target, **options)
