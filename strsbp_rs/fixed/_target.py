"""What all targets of a conversion have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from strsbp_rs._config import Config

__all__ = ["HardwareTarget"]


@dataclass(frozen=True, kw_only=True)
class HardwareTarget(Config):
    """How the scale of weights is chosen.

    Attributes:
        scale: What the largest integer weight stands for: "max" is the largest weight, "percentile"
            that which `percentile` percent do not exceed, "mse" that with the least squared error
            of all weights. Weights beyond it are clipped.
        percentile: In (0, 100], for scale "percentile".
        clip: A fraction of the largest weight for each layer, in place of `scale`; what calibration
            finds (`Network.to_fixed`).
        granularity: Which weights share a scale: all onto a "layer", or those onto a "neuron",
            whose threshold makes up for it; of a convolution those onto a channel.
    """

    group: ClassVar[str | None] = "hardware"
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
            "target": {"kind": self.kind, **self._own()},
            "scale": scale,
            "granularity": self.granularity,
        }

    def _own(self) -> dict[str, Any]:
        return {}
