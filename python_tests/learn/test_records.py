"""What callbacks put into a record is made plain, or refused with its key."""

import math
from types import MappingProxyType

import numpy as np
import pytest

from strsbp_rs._arrays import as_array
from strsbp_rs.training._records import plain_record


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *((value, value) for value in (None, True, "text", 0, -(2**63), 2**64 - 1, 0.5, [], {})),
        (np.float32(0.5), 0.5),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(False), False),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([0.5, np.nan]), [0.5, None]),
        (np.str_("text"), "text"),
        ((1, (2.5, None)), [1, [2.5, None]]),
        ({"a": {"b": np.int8(3)}}, {"a": {"b": 3}}),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        (math.inf, None),
        (-math.inf, None),
        (math.nan, None),
    ],
)
def test_plain_values(value, plain):
    record = {"first": 1, "key": value, "last": "x"}
    plain_record(record)
    assert record == {"first": 1, "key": plain, "last": "x"}
    assert list(record) == ["first", "key", "last"]
    assert type(record["key"]) is type(plain)
    if isinstance(plain, list):
        assert [type(item) for item in record["key"]] == [type(item) for item in plain]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            2**64,
            ValueError,
            r"record\['key'\] must be an integer of 64 bits, got 18446744073709551",
        ),
        (-(2**63) - 1, ValueError, r"record\['key'\] must be an integer of 64 bits, got -92233720"),
        ([1, {"a": 2**64}], ValueError, r"record\['key'\]\[1\]\['a'\] must be an integer of 64"),
        (
            object,
            TypeError,
            r"record\['key'\] must be a number, string, truth value, None, or a li",
        ),
        (b"bytes", TypeError, r"record\['key'\] must be a number, .* got b'bytes'"),
        (1j, TypeError, r"record\['key'\] must be a number"),
        (np.array([1j]), TypeError, r"record\['key'\]\[0\] must be a number"),
        ({"a": {1: 2}}, TypeError, r"keys of record\['key'\]\['a'\] must be strings, got 1"),
    ],
)
def test_others_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        plain_record({"key": value})


def test_one_masked_array_in_a_list_is_found():
    rows = [np.ones(2), np.ma.masked_array([1.0, 2.0], [True, False])]
    with pytest.raises(ValueError, match="x has 1 masked values, expected none"):
        as_array("x", rows)


def test_keys_are_strings():
    with pytest.raises(TypeError, match="keys of a record must be strings, got 3"):
        plain_record({3: 1})
