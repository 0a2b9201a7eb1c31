"""Encoders: what makes spikes of values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Annotated, Any, ClassVar

from strsbp_rs._arguments import count
from strsbp_rs._config._base import Config
from strsbp_rs._fields import LATER

__all__ = [
    "ENCODERS",
    "BernoulliEncoder",
    "BsaEncoder",
    "Encoder",
    "LatencyEncoder",
    "LevelCrossingEncoder",
    "PopulationEncoder",
    "RegularEncoder",
    "encoder_from_file",
]


def _maybe(name: str, value: Any, of: Callable[[str, Any], Any]) -> Any:
    return None if value is None else of(name, value)


Steps = Annotated[int, partial(count, most=2**24)]
MaybeSteps = Annotated[int | None, partial(_maybe, of=partial(count, most=2**24))]
Held = Annotated[int, partial(count, most=2**12)]
MaybeHeld = Annotated[int | None, partial(_maybe, of=partial(count, most=2**12))]


@dataclass(frozen=True)
class Encoding(Config):
    """What all encoders share."""

    group: ClassVar[str | None] = "encoder"
    needs_series: ClassVar[bool] = False
    """Whether values that do not change are refused."""

    @property
    def inputs_per_feature(self) -> int:
        """Inputs of a network that a feature, one value of a frame, drives."""
        return 1

    @property
    def is_for_series(self) -> bool:
        """Whether it was made for time series: samples (n_samples, n_frames, ...)."""
        return self.needs_series or getattr(self, "hold", None) is not None

    def n_inputs(self, n_features: int) -> int:
        """Returns the number of inputs of a network for samples of `n_features` values a frame."""
        return count("n_features", n_features) * self.inputs_per_feature

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values, with its kind."""
        values = super().to_dict()
        for of in fields(self):
            if of.metadata.get("later") and getattr(self, of.name) == of.default:
                del values[of.name]
        return values


@dataclass(frozen=True)
class BernoulliEncoder(Encoding):
    """Fires every input at every step with probability x * rate_scale, independently.

    Args:
        n_steps: Number of time steps of values that do not change.
        rate_scale: P(spike per step) of an input of value 1 (255 in uint8), in (0, 1]. The more,
            the better a value can be read from its spikes, and the more these cost: with 1 and 400
            steps values near 0.5 come with a standard deviation of 0.025; with 1 / 5.5, the paper's
            for images, whose many pixels make up for it, of 0.08.
        hold: Steps that every frame takes of time series (n_samples, n_frames, ...), which last as
            long as they are; None for values that do not change.
    """

    n_steps: Steps = 400
    rate_scale: float = 1.0
    hold: MaybeHeld = field(default=None, metadata=LATER)
    kind: ClassVar[str] = "bernoulli"
    kind_in_files: ClassVar[bool] = False


@dataclass(frozen=True)
class RegularEncoder(Encoding):
    """Fires every input in equal intervals, x * rate_scale times a step.

    Without noise a value is known to 1 / n_steps, of which a short run makes the most, and all
    arithmetic is that of integers, which a device repeats: input j has an accumulator of 32 bits,
    j * 2654435769 modulo 2^32 at first, to which every step adds round(x * rate_scale * 2^32); it
    fires when that overflows. Over the frames of a time series it goes on.

    Args:
        n_steps: Number of time steps of values that do not change.
        rate_scale: Spikes per step of an input of value 1 (255 in uint8), in (0, 1].
        random_phase: Whether accumulators start at numbers drawn anew for every sample and epoch.
        hold: Steps that every frame takes of time series (n_samples, n_frames, ...), which last as
            long as they are; None for values that do not change.
    """

    n_steps: Steps = 400
    rate_scale: float = 1.0
    random_phase: bool = False
    hold: MaybeHeld = field(default=None, metadata=LATER)
    kind: ClassVar[str] = "regular"


@dataclass(frozen=True)
class LatencyEncoder(Encoding):
    """Fires every input once, the earlier the larger its value: time to first spike.

    An input of value x > threshold fires at step round((1 - x) (n - 1)) of the n of a sample, or of
    each frame of a time series; with a time constant, at step
    floor(tau * ln(x / (x - threshold))), when a leaky integrator that rises to x passes the
    threshold, if that is one of them.

    Args:
        n_steps: Number of time steps of values that do not change.
        tau: Time constant [steps]; None for times that fall linearly with the value.
        threshold: Value in [0, 1) up to which an input does not fire.
        hold: Steps that every frame takes of time series (n_samples, n_frames, ...), which last as
            long as they are; None for values that do not change.
    """

    n_steps: Steps = 100
    tau: float | None = None
    threshold: float = 0.01
    hold: MaybeHeld = None
    kind: ClassVar[str] = "latency"


@dataclass(frozen=True)
class LevelCrossingEncoder(Encoding):
    """Fires where a time series rises or falls by a threshold: delta modulation, send on delta.

    A feature starts at the level of its first frame. In each step, if it is at least `threshold`
    above that, its input for rises fires and the level rises by `threshold`; likewise for falls. If
    the last one went the other way, `threshold + hysteresis` are asked for. There is at most one
    spike a step: what the steps of a frame leave over is left to the next frame.

    A network has two inputs a feature: those for the rises of all features, then those for the
    falls (two channels). Values may be any finite numbers.

    Args:
        threshold: Distance from a level to the next, > 0.
        hysteresis: How much further a feature must go that turns back, so that noise is silent.
        hold: Steps that every frame takes.
        n_steps: Number of time steps: longer samples are cut, shorter ones end in silence. If None,
            samples last as long as they are.
    """

    threshold: float = 0.1
    hysteresis: float = 0.0
    hold: Held = 1
    n_steps: MaybeSteps = None
    kind: ClassVar[str] = "level_crossing"
    needs_series: ClassVar[bool] = True

    @property
    def inputs_per_feature(self) -> int:
        """Inputs of a network that a feature, one value of a frame, drives."""
        return 2


@dataclass(frozen=True)
class BsaEncoder(Encoding):
    """Fires where a filter can be taken away from a time series: Ben's Spiker Algorithm.

    With s = gain * x, each frame held for `hold` steps, and a filter k of sum 1,
    k_j ~ exp(-(j - n_taps // 2)^2 / 25): at each step i, if the sum of |s_(i+j) - k_j| is more than
    `threshold` below that of |s_(i+j)|, the input fires at step i + 1 and k is subtracted from s.
    The defaults are those of the authors of ST-RSBP for the ear of Lyon with frames of 200 samples
    at 12,500 Hz (`strsbp_rs.audio.LyonEar`): steps of 1.6 ms. Values may be any finite numbers.

    Source: B. Schrauwen and J. Van Campenhout, "BSA, a fast and accurate spike train encoding
    scheme", IJCNN 2003.

    Args:
        hold: Steps that every frame takes.
        gain: What values are multiplied by, > 0.
        n_taps: Length of the filter [steps].
        threshold: By how much a spike must lessen the error, >= 0.
        n_steps: Number of time steps: longer samples are cut, shorter ones end in silence. If None,
            samples last as long as they are, and a step more.
    """

    hold: Held = 10
    gain: float = 2000.0
    n_taps: Annotated[int, partial(count, most=2**12)] = 24
    threshold: float = 0.6
    n_steps: MaybeSteps = None
    kind: ClassVar[str] = "bsa"
    needs_series: ClassVar[bool] = True


Single = BernoulliEncoder | RegularEncoder | LatencyEncoder | LevelCrossingEncoder | BsaEncoder
"""Encoders of single features."""


@dataclass(frozen=True)
class PopulationEncoder(Encoding):
    """Spreads every value over inputs with Gaussian receptive fields, each with a preferred value.

    Of value x in [0, 1], input k of n is given exp(-(x - c)^2 / (2 s^2)), with c = k / (n - 1) and
    s = width / (n - 1); another encoder makes spikes of it. A network has n inputs a feature: first
    those of all features that prefer 0, and so on (n channels).

    Source: S. M. Bohte, H. La Poutre and J. N. Kok, "Unsupervised clustering with spiking neurons
    by sparse temporal coding and multilayer RBF networks", IEEE Transactions on Neural Networks 13,
    2002; here the fields lie from edge to edge.

    Args:
        n: Inputs of a value, in [2, 1024].
        width: Standard deviation of a field, in distances from a preferred value to the next.
        encoder: What makes spikes of the responses: any other encoder.
    """

    n: Annotated[int, partial(count, most=2**10)] = 8
    width: float = 0.75
    encoder: Single = RegularEncoder()
    kind: ClassVar[str] = "population"

    @property
    def inputs_per_feature(self) -> int:
        """Inputs of a network that a feature, one value of a frame, drives."""
        return self.n * self.encoder.inputs_per_feature

    @property
    def is_for_series(self) -> bool:
        """Whether it was made for time series: samples (n_samples, n_frames, ...)."""
        return self.encoder.is_for_series

    @property
    def n_steps(self) -> int | None:
        """Number of time steps, that of `encoder`."""
        return self.encoder.n_steps


Encoder = Single | PopulationEncoder
"""Makes spikes of analog values, which do not change or are a time series."""

ENCODERS: tuple[type[Encoder], ...] = (
    BernoulliEncoder,
    RegularEncoder,
    LatencyEncoder,
    LevelCrossingEncoder,
    BsaEncoder,
    PopulationEncoder,
)
"""Its kinds; that of files that name none first."""


def encoder_from_file(values: Any) -> Encoder:
    """Returns the encoder whose `to_file` gave `values`.

    Raises:
        TypeError: If a value has another type.
        ValueError: If the kind is unknown, fields are missing or others, or one is outside its
            domain.
    """
    by_kind = {cls.kind: cls for cls in ENCODERS}
    first = ENCODERS[0]
    kind = values.get("kind", first.kind) if isinstance(values, dict) else first.kind
    if kind not in by_kind:
        raise ValueError(f"encoder.kind must be one of {list(by_kind)}, got {kind!r}")
    of = fields(by_kind[kind])
    names = [one.name for one in of if not one.metadata.get("later")]
    known = {one.name for one in of}
    found = values.keys() - {"kind"} if isinstance(values, dict) else set()
    if not set(names) <= found <= known:
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise ValueError(f"encoder must have {listed}, got {values!r}")
    given = {name: values[name] for name in found}
    if isinstance(given.get("encoder"), dict):
        given["encoder"] = encoder_from_file(given["encoder"])
    return by_kind[kind](**given)
