"""Encoders: what makes spikes of values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Any, ClassVar

from strsbp_rs._arguments import count
from strsbp_rs._config._base import Config

__all__ = ["ENCODERS", "BernoulliEncoder", "Encoder", "RegularEncoder", "encoder_from_file"]


@dataclass(frozen=True)
class BernoulliEncoder(Config):
    """Fires every input at every step with probability x * rate_scale, independently.

    Args:
        n_steps: Number of time steps.
        rate_scale: P(spike per step) of an input of value 1 (255 in uint8), in (0, 1]. The more,
            the better a value can be read from its spikes, and the more these cost: with 1 and 400
            steps values near 0.5 come with a standard deviation of 0.025; with 1 / 5.5, the paper's
            for images, whose many pixels make up for it, of 0.08.
    """

    n_steps: Annotated[int, partial(count, most=2**24)] = 400
    rate_scale: float = 1.0
    kind: ClassVar[str] = "bernoulli"
    group: ClassVar[str | None] = "encoder"
    kind_in_files: ClassVar[bool] = False


@dataclass(frozen=True)
class RegularEncoder(Config):
    """Fires every input in equal intervals, x * rate_scale times a step.

    Without noise a value is known to 1 / n_steps, of which a short run makes the most, and all
    arithmetic is that of integers, which a device repeats: input j has an accumulator of 32 bits,
    j * 2654435769 modulo 2^32 at first, to which every step adds round(x * rate_scale * 2^32); it
    fires when that overflows.

    Args:
        n_steps: Number of time steps.
        rate_scale: Spikes per step of an input of value 1 (255 in uint8), in (0, 1].
        random_phase: Whether accumulators start at numbers drawn anew for every sample and epoch.
    """

    n_steps: Annotated[int, partial(count, most=2**24)] = 400
    rate_scale: float = 1.0
    random_phase: bool = False
    kind: ClassVar[str] = "regular"
    group: ClassVar[str | None] = "encoder"


Encoder = BernoulliEncoder | RegularEncoder
"""Makes spikes of analog values, for `n_steps` steps."""

ENCODERS: tuple[type[Encoder], ...] = (BernoulliEncoder, RegularEncoder)
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
    names = [field.name for field in fields(by_kind[kind])]
    if not isinstance(values, dict) or values.keys() - {"kind"} != set(names):
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise ValueError(f"encoder must have {listed}, got {values!r}")
    return by_kind[kind](**{name: values[name] for name in names})
