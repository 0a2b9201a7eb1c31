"""Wrong arguments of fixed-point formats and targets: errors that name the argument."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs import fixed

FORMAT = fixed.qformat_format(tau_m=20.0, tau_s=5.0, v_th=30)
SHIFT = fixed.Shift(3)


def _fields(config: Any) -> dict[str, Any]:
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "xylo": (
        fixed.xylo_format,
        {"v_th": 9, "dash_syn": 3, "dash_mem": 3, "bias": 0, "device": "imu", "output": False},
    ),
    "xylo_weights": (fixed.xylo_weights, {"weights": [1], "shift": 0}),
    "loihi": (
        fixed.loihi_format,
        {"du": 9, "dv": 9, "v_th": 9, "bias_mantissa": 0, "bias_exponent": 0, "t_ref_steps": 0},
    ),
    "loihi_weights": (
        fixed.loihi_weights,
        {"weights": [1], "weight_bits": 8, "exponent": 0, "sign_mode": "mixed"},
    ),
    "qformat": (
        fixed.qformat_format,
        {
            **{"tau_m": 20.0, "tau_s": 5.0, "v_th": 30, "dt": 1.0},
            **{"weight_bits": 8, "state_bits": 16, "decay_bits": 12, "bias": 0, "limits": {}},
        },
    ),
    "spinnaker": (
        fixed.spinnaker_format,
        {"tau_m": 9.0, "tau_s": 9.0, "v_th": 9.0, "dt": 1.0, "left_shift": 0, "t_ref_steps": 0},
    ),
    "cortex_m": (
        fixed.cortex_m_format,
        {
            **{"current_decay": SHIFT, "membrane_decay": SHIFT, "v_th": 30, "weight_bits": 8},
            **{"bias": 0, "input_shift": 0, "gain_shift": 0, "reset": "zero", "t_ref_steps": 0},
        },
    ),
    "Multiply": (fixed.Multiply, {"factor": 3, "bits": 4}),
    "Shift": (fixed.Shift, {"shift": 3, "least_one": False}),
    "Table": (fixed.Table, {"factors": [3, 2], "bits": 4}),
    "Table.exponential": (
        fixed.Table.exponential,
        {"tau": 5.0, "dt": 1.0, "length": 5, "bits": 12},
    ),
    "Format": (fixed.Format, _fields(FORMAT)),
    "Format.check": (FORMAT.check, {"n": 3}),
    **{
        cls.__name__: (cls, _fields(cls()))
        for cls in (sr.QFormat, sr.Loihi, sr.Xylo, sr.Spinnaker, sr.CortexM)
    },
}

BAD: dict[str, Any] = {
    "string": "ab",
    "digits": "3",
    "bytes": b"3",
    "ragged": [[1], [2, 3]],
    "cube": np.zeros((2, 2, 2)),
    "strings": ["a"],
    "object": object(),
    "set": {1},
    "dict": {"a": 1},
    "complex": 1j,
}
"""What no argument takes."""


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bad", BAD)
def test_errors_name_the_argument(function: str, bad: str) -> None:
    call, arguments = FUNCTIONS[function]
    for name in arguments:
        with pytest.raises((TypeError, ValueError)) as info:
            call(**{**arguments, name: BAD[bad]})
        assert name in str(info.value), (name, str(info.value))


PER_NEURON = {
    "xylo": ("v_th", "dash_syn", "dash_mem", "bias"),
    "loihi": ("du", "dv", "v_th", "bias_mantissa"),
    "qformat": ("v_th", "bias"),
    "cortex_m": ("v_th", "bias"),
    "Multiply": ("factor",),
    "Shift": ("shift",),
    "Table": ("factors",),
    "Format": ("v_th", "bias"),
}


@pytest.mark.parametrize("function", PER_NEURON)
def test_values_of_neurons_have_one_dimension_and_are_whole(function: str) -> None:
    call, arguments = FUNCTIONS[function]
    for name in PER_NEURON[function]:
        shape = rf"{name} has shape \(2, 2\), expected one dimension"
        with pytest.raises(ValueError, match=shape):
            call(**{**arguments, name: [[3, 4], [3, 4]]})
        for item in (None, float("nan"), 2.5, "3", True):
            message = rf"{name}\[1\] must be an integer, got {item!r}"
            with pytest.raises(TypeError, match=message):
                call(**{**arguments, name: [3, item]})
        for one in (None, float("nan")):
            with pytest.raises(TypeError, match=f"{name} must be"):
                call(**{**arguments, name: one})


def test_time_constants_that_leave_nothing_of_a_membrane_name_it() -> None:
    with pytest.raises(ValueError, match=r"exp\(-dt / tau_m\)"):
        fixed.spinnaker_format(tau_m=1e-3, tau_s=5.0, v_th=1.0)


def test_weights_may_have_any_shape() -> None:
    for weights in (fixed.xylo_weights, fixed.loihi_weights):
        assert weights(np.ones((2, 3, 4), dtype=np.int8)).shape == (2, 3, 4)
