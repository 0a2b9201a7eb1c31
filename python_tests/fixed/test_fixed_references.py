"""The integer references against numbers worked out by hand, before they may judge."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor, trunc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.generic import (
    Format,
    MultiplyDecay,
    Record,
    ShiftDecay,
    TableDecay,
    generic_reference,
)
from references.integers import Ints, Rounding, round_shift, saturate, wrap
from references.loihi import Connection, LoihiNeuron, loihi_reference, truncated
from references.xylo import Xylo, XyloNeurons, decrement, xylo_reference

KEEP = MultiplyDecay(1, 0)
NOTHING = MultiplyDecay(0, 0)
PLAIN = Format(8, 16, 16, current_decay=NOTHING, membrane_decay=KEEP, v_th=1000)


def ints(*values: object) -> Ints:
    return np.array(values, dtype=np.int64)


def column(counts: list[int]) -> Ints:
    """Raster of one input."""
    return np.array(counts, dtype=np.int64)[:, None]


def run(form: Format, weight: int, counts: list[int], **options: Any) -> Record:
    """One neuron with one synapse; what is sent at a step arrives at the next."""
    return generic_reference(form, ints([weight]), column(counts), **options)


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("toward_zero", [-2, -1, -1, 0, 0, 1, 2, 2]),
        ("floor", [-3, -2, -1, -1, 0, 1, 2, 2]),
        ("nearest", [-2, -1, -1, 0, 1, 2, 2, 3]),
        ("nearest_even", [-2, -2, -1, 0, 0, 2, 2, 2]),
    ],
)
def test_halves(rounding: Rounding, expected: list[int]) -> None:
    halves = [-5, -3, -2, -1, 1, 3, 4, 5]
    assert [round_shift(x, 1, rounding) for x in halves] == expected


@given(x=st.integers(-(2**70), 2**70), bits=st.integers(0, 70))
def test_rounding_is_that_of_fractions(x: int, bits: int) -> None:
    exact = Fraction(x, 2**bits)
    assert round_shift(x, bits, "toward_zero") == trunc(exact)
    assert round_shift(x, bits, "floor") == floor(exact)
    assert round_shift(x, bits, "nearest") == floor(exact + Fraction(1, 2))
    assert round_shift(x, bits, "nearest_even") == round(exact)


@pytest.mark.parametrize("x", [-29, -8, -1, 0, 5, 8, 1000])
def test_stochastic_rounding_is_right_on_average(x: int) -> None:
    draws = [draw << 29 for draw in range(8)]
    assert sum(round_shift(x, 3, "stochastic", draw) for draw in draws) == x


def test_limits_of_a_format() -> None:
    assert [saturate(x, 8) for x in (-129, -128, 127, 128)] == [-128, -128, 127, 127]
    assert [wrap(x, 8) for x in (-129, -128, 127, 128, 300, -300)] == [
        127,
        -128,
        127,
        -128,
        44,
        -44,
    ]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("toward_zero", [0, -3, -1, 0, 0]),
        ("floor", [0, -3, -2, -1, -1]),
        ("nearest", [0, -3, -1, 0, 0]),
        ("nearest_even", [0, -3, -2, -1, 0]),
    ],
)
def test_decay_of_negative_numbers(rounding: Rounding, expected: list[int]) -> None:
    form = replace(PLAIN, current_decay=MultiplyDecay(1, 1), rounding=rounding)
    assert run(form, -3, [1, 0, 0, 0, 0]).current[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("decay", "rounding", "weight", "expected"),
    [
        (ShiftDecay(2), "toward_zero", 5, [0, 5, 4, 3, 3]),
        (ShiftDecay(2), "toward_zero", -5, [0, -5, -4, -3, -3]),
        (ShiftDecay(2), "floor", -5, [0, -5, -3, -2, -1]),
        (ShiftDecay(2, least_one=True), "toward_zero", -4, [0, -4, -3, -2, -1]),
        (ShiftDecay(2, least_one=True), "floor", 3, [0, 3, 2, 1, 0]),
    ],
)
def test_decay_by_shift(
    decay: ShiftDecay, rounding: Rounding, weight: int, expected: list[int]
) -> None:
    form = replace(PLAIN, current_decay=decay, rounding=rounding)
    assert run(form, weight, [1, 0, 0, 0, 0]).current[:, 0].tolist() == expected


HALVES = TableDecay((8, 4, 2, 1), 4)


def test_decay_by_table_of_the_current() -> None:
    form = replace(PLAIN, current_decay=HALVES)
    # 101 / 2, / 4, / 8, / 16, each rounded once: then 6 is the anchor.
    got = run(form, 101, [1, 0, 0, 0, 0, 0, 0])
    assert got.current[:, 0].tolist() == [0, 101, 50, 25, 12, 6, 3]
    # By multiplication each step rounds what the step before has left.
    multiplied = replace(form, current_decay=MultiplyDecay(8, 4), rounding="nearest")
    assert run(multiplied, 101, [1, 0, 0, 0, 0]).current[:, 0].tolist() == [0, 101, 51, 26, 13]
    once = run(replace(form, rounding="nearest"), 101, [1, 0, 0, 0, 0])
    assert once.current[:, 0].tolist() == [0, 101, 51, 25, 13]
    again = run(form, 101, [1, 0, 1, 0, 0])
    assert again.current[:, 0].tolist() == [0, 101, 50, 25 + 101, 63]
    # Two spikes whose weights cancel are none.
    raster = ints([1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0])
    cancelled = generic_reference(form, ints([101, 7, -7]), raster)
    assert cancelled.current[:, 0].tolist() == [0, 101, 50, 25, 12]


def test_decay_by_table_of_the_membrane() -> None:
    form = replace(PLAIN, membrane_decay=HALVES)
    assert run(form, 101, [1, 0, 0, 0, 0]).membrane[:, 0].tolist() == [0, 101, 50, 25, 12]
    # 1 arrives beside a bias of -1: nothing is added.
    biased = replace(form, bias=-1)
    assert run(biased, 102, [1, 0, 0]).membrane[:, 0].tolist() == [-1, 101, 49]
    balanced = generic_reference(biased, ints([102, 1]), ints([1, 0], [0, 1], [0, 1], [0, 1]))
    assert balanced.membrane[:, 0].tolist() == [-1, 101, 50, 25]
    # Held, it neither decays nor ages.
    held = replace(form, v_th=1000, weight_bits=12, reset="subtract", t_ref_steps=2)
    got = run(held, 1101, [1, 0, 0, 0, 0, 0])
    assert got.spikes[:, 0].tolist() == [0, 1, 0, 0, 0, 0]
    assert got.membrane[:, 0].tolist() == [0, 101, 101, 101, 50, 25]


def test_a_table_of_one_power_is_a_multiplication(rng: np.random.Generator) -> None:
    raster = (rng.random((60, 3)) < 0.2).astype(np.int64)
    one = replace(
        PLAIN,
        current_decay=TableDecay((13,), 4),
        membrane_decay=TableDecay((15,), 4),
        v_th=300,
        rounding="nearest",
    )
    same = replace(one, current_decay=MultiplyDecay(13, 4), membrane_decay=MultiplyDecay(15, 4))
    got, expected = (generic_reference(f, ints([90, -40, 77]), raster) for f in (one, same))
    np.testing.assert_array_equal(got.membrane, expected.membrane)
    assert got.spikes.sum() > 0


@pytest.mark.parametrize(
    ("overflow", "weight", "expected"),
    [
        ("wrap", 100, [0, 100, -56, 44]),
        ("saturate", 100, [0, 100, 127, 127]),
        ("wrap", -100, [0, -100, 56, -44]),
        ("saturate", -100, [0, -100, -128, -128]),
    ],
)
def test_overflow_of_the_current(overflow: Any, weight: int, expected: list[int]) -> None:
    form = replace(PLAIN, current_bits=8, current_decay=KEEP, current_overflow=overflow)
    got = run(form, weight, [1, 1, 1, 0])
    assert got.current[:, 0].tolist() == expected
    # Wrapped: 200 does not fit, 44 = -56 + 100 does.
    assert got.current_overflows == (1 if overflow == "wrap" else 2)
    assert got.membrane_overflows == 0


@pytest.mark.parametrize(("overflow", "expected"), [("saturate", -128), ("wrap", 56)])
def test_overflow_of_the_membrane(overflow: Any, expected: int) -> None:
    form = replace(PLAIN, membrane_bits=8, v_th=127, membrane_overflow=overflow)
    got = run(form, -100, [1, 1, 0])
    assert got.membrane[:, 0].tolist() == [0, -100, expected]
    assert (got.current_overflows, got.membrane_overflows) == (0, 1)


def test_scales() -> None:
    form = replace(PLAIN, input_shift=3, gain_shift=2, bias=1, rounding="floor")
    got = run(form, -5, [1, 0])
    assert got.current[:, 0].tolist() == [0, -40]
    assert got.membrane[:, 0].tolist() == [1, 2 - 10]


def test_threshold_itself() -> None:
    form = replace(PLAIN, v_th=10)
    assert run(form, 10, [1, 0]).spikes.sum() == 0
    assert run(replace(form, fires_at=">="), 10, [1, 0]).spikes.sum() == 1


def test_reset_and_refractoriness() -> None:
    form = replace(PLAIN, v_th=10, t_ref_steps=2)
    to_zero = run(form, 15, [1, 1, 1, 1, 1, 0])
    assert to_zero.spikes[:, 0].tolist() == [0, 1, 0, 0, 1, 0]
    assert to_zero.membrane[:, 0].tolist() == [0, 0, 0, 0, 0, 0]
    assert to_zero.current[:, 0].tolist() == [0, 15, 15, 15, 15, 15]
    subtracting = run(replace(form, reset="subtract"), 15, [1, 1, 1, 1, 1, 0])
    assert subtracting.membrane[:, 0].tolist() == [0, 5, 5, 5, 10, 10]


def test_delays() -> None:
    form = replace(PLAIN, v_th=10)
    weight, raster = ints([11, 3]), ints([1, 1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0])
    got = generic_reference(
        form, weight, raster, ints([7]), delay=ints([1, 3]), recurrent_delay=ints([2])
    )
    assert got.spikes[:, 0].tolist() == [0, 0, 1, 0, 0, 0]
    assert got.current[:, 0].tolist() == [0, 0, 11, 0, 3, 7]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weights must be in \[-128, 127\], got 128"):
        run(PLAIN, 128, [1])
    with pytest.raises(ValueError, match=r"v_th must be in \[1, 127\], got 1000"):
        run(replace(PLAIN, membrane_bits=8), 1, [1])


@pytest.mark.parametrize(
    ("weights", "options", "expected"),
    [
        ([-3, 5, 300, -300], {}, [-4, 4, 254, -256]),
        ([-17, 31, 33], {"weight_bits": 4}, [-32, 0, 32]),
        ([17, 3, 300], {"weight_bits": 4}, [16, 0, 240]),
        ([-17, -3, -300], {"weight_bits": 4}, [-16, 0, -240]),
        ([3, 5], {"sign_mode": "mixed"}, [2, 4]),
        ([-3, 5], {"sign_mode": "excitatory"}, [0, 5]),
    ],
)
def test_loihi_weights(weights: list[int], options: Any, expected: list[int]) -> None:
    assert truncated(Connection(ints(weights), **options)).tolist() == [expected]


def loihi(neuron: LoihiNeuron, weights: list[int], counts: list[int], **options: Any) -> Record:
    """One neuron; all its inputs send alike."""
    raster = np.repeat(column(counts), len(weights), axis=1)
    return loihi_reference(neuron, Connection(ints(weights), **options), raster)


def test_loihi_decay_of_negative_numbers() -> None:
    got = loihi(LoihiNeuron(du=2047, dv=4095, v_th=1), [-3], [1] + [0] * 9)
    assert got.current[:, 0].tolist() == [0, -192, -96, -48, -24, -12, -6, -3, -1, 0]


@pytest.mark.parametrize(
    ("weights", "current", "wraps"),
    [
        ([128] * 8, 1 << 23, 0),
        ([128] * 8 + [1], -(1 << 23) + (1 << 13), 1),
        ([-128] * 8, 1 << 23, 1),
        ([-128] * 7 + [-127], -(1 << 23) + (1 << 13), 0),
    ],
)
def test_loihi_wrap_and_saturation(weights: list[int], current: int, wraps: int) -> None:
    got = loihi(LoihiNeuron(du=4095, dv=0, v_th=131071), weights, [1, 0], exponent=7)
    assert got.current[1, 0] == current
    assert got.current_overflows == wraps
    # 2^23 is a current, but no voltage: that is clipped, and above the largest threshold.
    fires = current == 1 << 23
    assert got.membrane_overflows == fires
    assert got.spikes[1, 0] == fires
    assert got.membrane[1, 0] == (0 if fires else current)


def test_loihi_voltage_saturates_below() -> None:
    got = loihi(LoihiNeuron(du=4095, dv=0, v_th=1), [-100] * 8, [1, 1, 0], exponent=7)
    assert got.membrane[:, 0].tolist() == [0, -6553600, -(1 << 23) + 1]
    assert (got.current_overflows, got.membrane_overflows) == (0, 1)


def test_loihi_shifts_sums_of_one_delay() -> None:
    options: dict[str, Any] = {"exponent": -1, "sign_mode": "inhibitory"}
    neuron = LoihiNeuron(du=4095, dv=0, v_th=1)
    together = loihi(neuron, [-3, -3], [1, 0], **options)
    assert together.current[1, 0] == -3 << 6
    apart = loihi(neuron, [-3, -3], [1, 1, 0], delay=ints([0, 1]), **options)
    assert apart.current[:, 0].tolist() == [0, -2 << 6, -4 << 6]


def test_loihi_threshold_bias_and_refractoriness() -> None:
    neuron = LoihiNeuron(du=0, dv=0, v_th=1, bias_mantissa=1, bias_exponent=5)
    got = loihi(neuron, [0], [0] * 4)
    assert got.membrane[:, 0].tolist() == [32, 64, 0, 32]
    assert got.spikes[:, 0].tolist() == [0, 0, 1, 0]
    held = loihi(replace(neuron, t_ref_steps=2), [0], [0] * 7)
    assert held.membrane[:, 0].tolist() == [32, 64, 0, 0, 0, 32, 64]


def test_loihi_is_a_format_where_nothing_overflows(rng: np.random.Generator) -> None:
    weight, recurrent = rng.integers(-100, 101, (5, 8)) * 2, rng.integers(-100, 101, (5, 5)) * 2
    delay, recurrent_delay = rng.integers(0, 4, (5, 8)), rng.integers(0, 4, (5, 5))
    raster = (rng.random((200, 8)) < 0.3).astype(np.int64)
    neuron = LoihiNeuron(du=700, dv=90, v_th=400, t_ref_steps=2)
    form = Format(
        weight_bits=9,
        current_bits=24,
        membrane_bits=24,
        current_decay=MultiplyDecay(4095 - neuron.du, 12),
        membrane_decay=MultiplyDecay(4096 - neuron.dv, 12),
        v_th=neuron.v_th << 6,
        input_shift=6,
        t_ref_steps=2,
    )
    got = loihi_reference(
        neuron,
        Connection(weight, delay=delay),
        raster,
        Connection(recurrent, delay=recurrent_delay),
    )
    expected = generic_reference(
        form, weight, raster, recurrent, delay=delay, recurrent_delay=recurrent_delay
    )
    np.testing.assert_array_equal(got.spikes, expected.spikes)
    np.testing.assert_array_equal(got.current, expected.current)
    np.testing.assert_array_equal(got.membrane, expected.membrane)
    assert got.spikes.sum() > 50
    assert got.current_overflows == got.membrane_overflows == 0


def test_xylo_decay_of_negative_numbers() -> None:
    assert [decrement(x, 1) for x in (5, 1, 0, -1, -2, -5)] == [2, 1, 0, -1, -1, -3]
    assert [decrement(x, 15) for x in (32767, -1, -32768)] == [1, -1, -1]


def xylo(version: Any, dash_mem: int, v_th: int, weight: int) -> Xylo:
    """One hidden and one output neuron, whose currents lose 1 a step."""
    neurons = XyloNeurons(ints(v_th), ints(dash_mem), ints([15]))
    weights = ints([[weight]])
    output = replace(neurons, v_th=ints(1))
    return Xylo(version, weights, ints([[0]]), ints([[100]]), 8, 0, 0, neurons, output, [[]])


@pytest.mark.parametrize(("version", "membrane"), [(1, 15873), (2, 0)])
def test_xylo_versions_saturate_differently(version: int, membrane: int) -> None:
    """What v2 adds to the membrane, 16384 + 32256, exceeds 16 bits; what v1 gets does not."""
    network = xylo(version, dash_mem=1, v_th=32767, weight=-128)
    network = replace(network, weight_in=ints([[-128, 127]]))
    hidden, _ = xylo_reference(network, ints([1, 0], [0, 2]))
    assert hidden.current[0, :, 0].tolist() == [-32767, 32256]
    assert hidden.membrane[:, 0].tolist() == [-32767, membrane]


def test_xylo_spikes_per_step() -> None:
    hidden, output = xylo_reference(xylo(2, 15, v_th=100, weight=40), column([1, 0]))
    # 10240 - 1 = 102 thresholds and 39: the rest of 31 spikes stays. The output fires once a step.
    assert hidden.spikes[:, 0].tolist() == [31, 31]
    assert hidden.membrane[:, 0].tolist() == [10239 - 3100, 10239 - 3100 - 1 + 10238 - 3100]
    assert output.spikes[:, 0].tolist() == [0, 1]
    assert output.membrane[:, 0].tolist() == [0, 3100 - 1 - 1]
