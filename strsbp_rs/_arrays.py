"""Arrays of any origin as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_array"]


def as_array(name: str, value: Any) -> NDArray[Any]:
    """Returns what NumPy can read as an array: aligned, in the machine's byte order, unmasked.

    Tensors of other libraries on the CPU are read by `__array__` or DLPack.

    Raises:
        TypeError: If it cannot be read as an array.
        ValueError: If values are masked, or the rows of a list differ in length.
    """
    _refuse_masked(name, value)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            value = np.from_dlpack(value)
        array = np.asarray(value)
    except ValueError as error:
        message = f"{name} must be an array, or a list of rows of one length: {error}"
        raise ValueError(message) from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise TypeError(
            f"{name} must be an array or a tensor on the CPU, got {type(value).__name__}: {error}"
        ) from error
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if array.flags.aligned else array.copy()


def _refuse_masked(name: str, value: Any) -> None:
    """A masked value is missing; what lies under the mask is not to be computed with."""
    for part in value if isinstance(value, (list, tuple)) else [value]:
        if not isinstance(part, np.ma.MaskedArray):
            continue
        mask: NDArray[Any] = np.ma.getmaskarray(part)
        names = mask.dtype.names
        n = int(mask.sum()) if names is None else sum(int(mask[field].sum()) for field in names)
        if n:
            raise ValueError(
                f"{name} has {n} masked values, expected none: fill them with {name}.filled(...), "
                "or leave their samples out"
            )
