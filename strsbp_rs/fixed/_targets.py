"""Hardware and number formats that networks are brought to."""

from __future__ import annotations

from typing import Any

from strsbp_rs._arguments import one_of
from strsbp_rs._fields import refuse_subclass
from strsbp_rs.fixed._cortex_m import CortexM
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._loihi import Loihi
from strsbp_rs.fixed._qformat import QFormat
from strsbp_rs.fixed._spinnaker import Spinnaker
from strsbp_rs.fixed._target import HardwareTarget
from strsbp_rs.fixed._xylo import Xylo

__all__ = [
    "CortexM",
    "Loihi",
    "QFormat",
    "Spinnaker",
    "Target",
    "Xylo",
    "as_target",
    "refuse_target",
]


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
    if isinstance(target, HardwareTarget):
        refuse_subclass(name, target, tuple(TARGETS.values()))
        return target  # type: ignore[return-value]
    if isinstance(target, Format):
        raise TypeError(
            f"{name} must be a target or one of {list(TARGETS)}, got a Format: that is what a "
            "population of a Graph is made of (Graph.add_population), and targets make their own"
        )
    if not isinstance(target, str):
        raise TypeError(f"{name} must be a target or one of {list(TARGETS)}, got {target!r}")
    return TARGETS[one_of(name, target, list(TARGETS))]()


def refuse_target(name: str, neuron: Any) -> None:
    """Refuses a target where neurons are expected, and says what makes its neurons.

    Raises:
        TypeError: If it is one, or the name of one.
    """
    kind = neuron.kind if isinstance(neuron, HardwareTarget) else neuron
    if isinstance(kind, str) and kind in TARGETS:
        raise TypeError(
            f"{name} must be LIF or Format, got {neuron!r}, a target of Network.to_fixed: its "
            f"neurons are made by sr.fixed.{kind}_format(...)"
        )


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
