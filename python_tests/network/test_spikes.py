"""Conversions of spike trains."""

import pickle

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strsbp_rs as sr

rasters = hnp.arrays(np.bool_, st.tuples(st.integers(0, 4), st.integers(1, 12), st.integers(1, 20)))


@given(rasters)
def test_every_form_round_trips(raster):
    trains = sr.SpikeTrains.from_dense(raster)
    _, n_steps, n_neurons = raster.shape
    np.testing.assert_array_equal(trains.to_dense(), raster)
    np.testing.assert_array_equal(trains.counts(), raster.sum(axis=1))
    assert trains.n_spikes == raster.sum()
    assert sr.SpikeTrains.from_csr(*trains.to_csr()) == trains
    events = trains.to_events()
    assert sr.SpikeTrains.from_events(events, n_steps=n_steps, n_neurons=n_neurons) == trains
    assert pickle.loads(pickle.dumps(trains)) == trains


def test_uint8_and_non_contiguous_rasters():
    raster = (np.arange(120).reshape(4, 5, 6) % 7 == 0).astype(np.uint8) * 3
    expected = raster.astype(bool)
    np.testing.assert_array_equal(sr.SpikeTrains.from_dense(raster).to_counts(), raster)
    np.testing.assert_array_equal(sr.SpikeTrains.from_dense(raster).to_dense(), expected)
    view = raster.transpose(2, 1, 0)
    np.testing.assert_array_equal(
        sr.SpikeTrains.from_dense(view).to_dense(), expected.transpose(2, 1, 0)
    )


def test_slices_are_samples(rng):
    trains = sr.SpikeTrains.from_dense(rng.random((6, 9, 5)) < 0.3)
    assert len(trains[2:5]) == 3
    np.testing.assert_array_equal(trains[2:5].to_dense(), trains.to_dense()[2:5])
    np.testing.assert_array_equal(trains[-2:].to_dense(), trains.to_dense()[-2:])
    assert len(trains[4:2]) == 0


numbers = hnp.arrays(
    np.int64,
    st.tuples(st.integers(0, 4), st.integers(1, 12), st.integers(1, 20)),
    elements=st.integers(0, 3) | st.just(0),
)


@given(numbers)
def test_several_spikes_in_a_step_round_trip(counts):
    trains = sr.SpikeTrains.from_counts(counts)
    np.testing.assert_array_equal(trains.to_counts(), counts)
    np.testing.assert_array_equal(trains.to_dense(), counts > 0)
    np.testing.assert_array_equal(trains.counts(), counts.sum(axis=1))
    assert trains.n_spikes == counts.sum()
    assert sr.SpikeTrains.from_csr(*trains.to_csr()) == trains
    assert sum(map(len, trains.to_events())) == counts.sum()
    assert pickle.loads(pickle.dumps(trains)) == trains
    assert sr.SpikeTrains.from_counts(counts.astype(np.uint8)) == trains
    assert (sr.SpikeTrains.from_dense(counts > 0) == trains) == (counts.max(initial=0) <= 1)


def test_several_spikes_in_a_step_by_hand():
    trains = sr.SpikeTrains.from_counts(np.array([[[0, 3], [1, 1]]]))
    indptr, indices, shape = trains.to_csr()
    assert (indptr.tolist(), indices.tolist(), shape) == ([0, 3, 5], [1, 1, 1, 0, 1], (1, 2, 2))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda c: c - 1, ValueError, r"counts\[0, 0, 0\] must be in \[0, 65535\], got -1"),
        (
            lambda c: c + (c > 1) * 2**40,
            ValueError,
            r"counts\[0, 1, 2\] must be in .* 1099511627778",
        ),
        (lambda c: c.astype(float), TypeError, "counts has dtype float64, expected integers"),
        (lambda c: c > 0, TypeError, "counts has dtype bool, expected integers"),
        (lambda c: c[0], ValueError, r"counts has shape \(2, 3\), expected \(n_samples, n_steps"),
        (lambda c: c[:, :0], ValueError, "n_steps must be >= 1, got 0"),
    ],
)
def test_bad_counts_are_refused(change, error, message):
    counts = np.array([[[0, 1, 0], [0, 0, 2]]])
    with pytest.raises(error, match=message):
        sr.SpikeTrains.from_counts(change(counts))


def test_several_spikes_in_a_step_weigh_as_many():
    """Synapses of twice the weight, and every spike twice with half of it."""
    net = sr.Network(8, [sr.Dense(6, v_th=1.0), sr.Dense(4, v_th=0.5)], dtype="float64", seed=1)
    counts = np.random.default_rng(1).integers(0, 2, (3, 60, 8))
    expected = net.run(sr.SpikeTrains.from_counts(counts)).spikes
    assert expected[-1].n_spikes > 20
    net.set_weights([{"weight": net.weights[0]["weight"] / 2}, net.weights[1]])
    for engine in ("clocked", "event"):
        got = net.run(sr.SpikeTrains.from_counts(2 * counts), engine=engine).spikes
        assert got[1:] == expected[1:]


def test_repeated_events_are_one_spike():
    events = np.array([(1, 4), (1, 2), (1, 4), (3, 0)], dtype=[("t", np.int32), ("x", np.uint16)])
    with pytest.warns(sr.RepeatedEventsWarning, match=r"1 of 4 events \(25\.00%\) coincided"):
        trains = sr.SpikeTrains.from_events([events], n_steps=5, n_neurons=6)
    assert [tuple(e) for e in trains.to_events()[0]] == [(1, 2), (1, 4), (3, 0)]
    sizes = {"n_steps": 5, "n_neurons": 6}
    assert sr.SpikeTrains.from_events([events], **sizes, repeated="merge") == trains
    kept = sr.SpikeTrains.from_events([events], **sizes, repeated="count")
    assert [tuple(e) for e in kept.to_events()[0]] == [(1, 2), (1, 4), (1, 4), (3, 0)]
    with pytest.raises(ValueError, match=r"repeated must be one of .*did you mean 'count'"):
        sr.SpikeTrains.from_events([events], **sizes, repeated="counts")


def events(*pairs):
    return [np.array(list(pairs), dtype=[("t", np.int64), ("x", np.int64)])]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0, 0), (5, 0)], r"events\[0\]\['t'\]\[1\] must be a step in \[0, 5\), got 5"),
        ([(0, 0), (-1, 0)], r"events\[0\]\['t'\]\[1\] must be a step in \[0, 5\), got -1"),
        ([(0, 3)], r"events\[0\]\['x'\]\[0\] must be a neuron in \[0, 3\), got 3"),
        ([(2, 0), (1, 0)], r"events\[0\]\['t'\]\[1\] must be >= events\[0\]\['t'\]\[0\] = 2"),
    ],
)
def test_bad_events_are_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        sr.SpikeTrains.from_events(events(*pairs), n_steps=5, n_neurons=3)


@pytest.mark.parametrize(
    ("indptr", "indices", "message"),
    [
        ([0, 1], [0], r"indptr has shape \(2,\), expected \(n_samples \* n_steps \+ 1 = 3,\)"),
        ([1, 1, 1], [0], r"indptr\[0\] must be 0, got 1"),
        ([0, 2, 1], [0], r"indptr\[2\] must be >= indptr\[1\] = 2, got 1"),
        ([0, 1, 3], [0, 1], r"indptr\[2\] must be the length of indices, 2, got 3"),
        ([0, 2, 2], [1, 0], r"indices\[1\] must be >= indices\[0\] = 1"),
        ([0, 1, 2], [1, 4], r"indices\[1\] must be a neuron in \[0, 4\), got 4"),
        ([0, 1, 2], [-1, 3], r"indices\[0\] must be a neuron in \[0, 4\), got -1"),
    ],
)
def test_bad_rows_are_refused(indptr, indices, message):
    with pytest.raises(ValueError, match=message):
        sr.SpikeTrains.from_csr(np.array(indptr), np.array(indices), (1, 2, 4))


def test_wrong_types_are_refused():
    for shape, error in ((None, TypeError), (5, TypeError), ((1, 1), ValueError)):
        with pytest.raises(error, match=r"shape must be .*got"):
            sr.SpikeTrains.from_csr(np.zeros(2, int), np.zeros(0, int), shape)
    with pytest.raises(TypeError, match="raster has dtype complex128, expected truth values"):
        sr.SpikeTrains.from_dense(np.zeros((1, 2, 3), complex))
    with pytest.raises(ValueError, match=r"raster has shape \(2, 3\), expected"):
        sr.SpikeTrains.from_dense(np.zeros((2, 3), bool))
    with pytest.raises(TypeError, match=r"events\[0\] has fields \('t',\), expected"):
        sr.SpikeTrains.from_events([np.zeros(3, [("t", int)])], n_steps=5, n_neurons=3)
    with pytest.raises(TypeError, match=r"events\[0\]\['t'\] has dtype float64"):
        array = np.zeros(3, [("t", float), ("x", int)])
        sr.SpikeTrains.from_events([array], n_steps=5, n_neurons=3)
    with pytest.raises(ValueError, match="n_steps must be >= 1, got 0"):
        sr.SpikeTrains.from_dense(np.zeros((1, 0, 3), bool))
