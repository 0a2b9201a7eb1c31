"""Arrays of any origin as NumPy's."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_array", "as_floats", "dtype_name", "layer_arrays", "what_else"]


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


def what_else(value: Any, array: NDArray[Any]) -> str:
    """Returns what an array of no numbers, made of `value`, holds, for messages."""
    if value is None or isinstance(value, (str, bytes)):
        return repr(value)
    kind = type(value).__name__
    if not array.size or array.ndim == 0:
        return kind
    first = array.flat[0]
    return f"{kind} of {'strings' if isinstance(first, (str, bytes)) else type(first).__name__}"


def dtype_name(dtype: Any) -> str:
    """Returns NumPy's name of a type that is given as a name, a type or a dtype.

    What NumPy does not know comes back as it is printed, for the core to refuse.
    """
    try:
        return str(dtype) if dtype is None else str(np.dtype(dtype))
    except TypeError:
        return str(dtype)


def as_floats(name: str, value: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns numbers as a C-contiguous array of a floating-point type.

    Raises:
        TypeError: If they are no numbers.
        ValueError: If values are masked.
    """
    array = as_array(name, value)
    if array.dtype.kind not in "fiub" and array.size:
        raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")
    # What is too large for the type becomes infinite, which the core refuses by name.
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=dtype, order="C")


def layer_arrays(
    name: str, layers: Sequence[Mapping[str, Any]], dtype: np.dtype[Any]
) -> list[dict[str, NDArray[Any]]]:
    """Returns the arrays of every layer, as weights and delays are given.

    Raises:
        TypeError: If a layer is no dict, or an array not of numbers.
        ValueError: If values are masked.
    """
    if not isinstance(layers, Iterable):
        raise TypeError(f"{name} must be a list of dicts of arrays, got {type(layers).__name__}")
    for index, layer in enumerate(layers):
        if not isinstance(layer, Mapping):
            raise TypeError(f"{name}[{index}] must be a dict of arrays, got {type(layer).__name__}")
    return [
        {key: as_floats(f"{name}[{index}][{key!r}]", value, dtype) for key, value in layer.items()}
        for index, layer in enumerate(layers)
    ]


def _refuse_masked(name: str, value: Any) -> None:
    """A masked value is missing; what lies under the mask is not to be computed with."""
    if "numpy.ma" not in sys.modules:  # Then nothing is masked, and 9 MB need not be loaded.
        return
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
