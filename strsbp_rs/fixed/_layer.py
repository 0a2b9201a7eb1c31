"""A layer in fixed point, for users and for the core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer
from strsbp_rs._arrays import as_array, as_floats
from strsbp_rs.fixed._format import Format
from strsbp_rs.fixed._values import PerNeuron

__all__ = ["FixedLayer", "layer_dict", "layer_from_core", "value_range"]


@dataclass(frozen=True, repr=False)
class FixedLayer:
    """A layer in fixed point.

    Attributes:
        format: Number format and neuron.
        weight: int32 (n_out, n_in); of a convolution with the axes of the network's weights, of a
            pool (1, 1): the weight that all synapses of its windows have.
        recurrent_weight: int32 (n, n), of post- and presynaptic neuron; lateral inhibition is
            among them; 0 where there is no synapse. None where a layer is not recurrent.
        scale: What one unit of a weight stands for: float64 (1,), or (n_out,) of each neuron,
            (channels,) of each channel of a convolution.
        step: What all weights are multiples of: the target has no others.
    """

    format: Format
    weight: NDArray[np.int32]
    recurrent_weight: NDArray[np.int32] | None
    scale: NDArray[np.float64]
    step: int = 1

    def __repr__(self) -> str:
        shape = "x".join(map(str, np.shape(self.weight)))
        recurrent = "" if self.recurrent_weight is None else " and recurrent ones"
        return (
            f"<FixedLayer: {shape} weights{recurrent} of {self.format.weight_bits} bits, currents "
            f"of {self.format.current_bits}, membranes of {self.format.membrane_bits}>"
        )


def layer_from_core(values: dict[str, Any]) -> FixedLayer:
    """Returns a layer of the core, with arrays that nobody can change."""
    for name in ("weight", "recurrent_weight", "scale"):
        if name in values:
            values[name].flags.writeable = False
    return FixedLayer(
        Format.from_dict(values["format"]),
        values["weight"],
        values.get("recurrent_weight"),
        values["scale"],
        values["step"],
    )


def layer_dict(index: int, layer: FixedLayer) -> dict[str, Any]:
    """Returns a layer as the core takes it, which checks all but types.

    Raises:
        TypeError: If it is none, or a weight is no integer.
        ValueError: If a weight has more than 32 bits, or another number of dimensions.
    """
    name = f"layers[{index}]"
    if not isinstance(layer, FixedLayer):
        raise TypeError(f"{name} must be a FixedLayer, got {type(layer).__name__}")
    if not isinstance(layer.format, Format):
        raise TypeError(f"{name}.format must be a Format, got {type(layer.format).__name__}")
    scale = as_floats(f"{name}.scale", layer.scale, np.dtype(np.float64))
    if scale.ndim != 1:
        n_out = len(as_array(f"{name}.weight", layer.weight))
        raise ValueError(f"{name}.scale has shape {scale.shape}, expected (1,) or (n_out={n_out},)")
    values: dict[str, Any] = {
        "format": layer.format.to_dict(),
        "weight": _integers(f"{name}.weight", layer.weight),
        "scale": scale.tolist(),
        "step": integer(f"{name}.step", layer.step, low=1, below=2**31),
    }
    if layer.recurrent_weight is not None:
        values["recurrent_weight"] = _integers(f"{name}.recurrent_weight", layer.recurrent_weight)
    return values


def _integers(name: str, weight: ArrayLike) -> NDArray[np.int32]:
    array = as_array(name, weight)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {array.dtype}")
    if not 2 <= array.ndim <= 4:
        expected = "two dimensions, or those of kernels"
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}")
    if array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
        raise ValueError(f"{name} must have 32 bits, got {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype=np.int32)


def value_range(values: PerNeuron) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low}" if low == high else f"{low} to {high}"
