"""Spike trains as arrays of samples: selecting, joining, files."""

import copy
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strsbp_rs as sr


def trains_of(n_samples=7, n_steps=5, n_neurons=4, seed=0):
    counts = np.random.default_rng(seed).integers(0, 3, (n_samples, n_steps, n_neurons))
    return sr.SpikeTrains.from_counts(counts), counts


KEYS = [
    *(0, 6, -1, -7, np.int64(3), np.uint8(2), np.array(4)),
    *(slice(None), slice(2, 5), slice(None, None, 2), slice(None, None, -1), slice(5, 1, -3)),
    *(slice(4, 2), slice(-3, None), slice(100)),
    *([3, 1, 1], [], np.array([6, -1, 0]), np.array([2], np.uint64), range(2, 4)),
    *(np.arange(7) % 2 == 0, np.zeros(7, bool), [True] * 7),
    *((slice(1, 3), ...), (..., slice(None)), ([1, 2], slice(1, 4)), (slice(None), slice(2, 3))),
    *(
        (2, -1),
        ([0, 2], ..., slice(None)),
        (slice(None, None, 3), slice(-3, None), slice(None)),
        ...,
    ),
]


def of_an_array(part):
    """The same for NumPy, but that a single sample or step stays a set of one."""
    if part is ... or isinstance(part, slice):
        return part
    if np.ndim(part) == 0:
        return slice(int(part), int(part) + 1 or None)
    array = np.array(list(part))
    return array if array.size else array.astype(int)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_an_index_selects_as_of_an_array(key):
    trains, counts = trains_of()
    expected = counts[tuple(map(of_an_array, key if isinstance(key, tuple) else (key,)))]
    selected = trains[key]
    assert isinstance(selected, sr.SpikeTrains)
    np.testing.assert_array_equal(selected.to_counts(), expected)
    assert selected.shape == expected.shape


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (7, IndexError, r"sample must be in \[-7, 7\), got 7"),
        (-8, IndexError, r"sample must be in \[-7, 7\), got -8"),
        ([0, 7], IndexError, r"index\[1\] must be a sample in \[-7, 7\), got 7"),
        (np.ones(6, bool), IndexError, r"mask has shape \(6,\), expected \(n_samples=7,\)"),
        (True, TypeError, "sample must be an integer or a slice, got True"),
        (1.0, TypeError, "sample must be an integer or a slice, got 1.0"),
        ("a", TypeError, "sample must be an integer or a slice, got 'a'"),
        (None, TypeError, "sample must be an integer or a slice, got None"),
        ([1.0], TypeError, r"indexed by integers, .*got float64 of shape \(1,\)"),
        ([[1]], TypeError, r"indexed by integers, .*got int64 of shape \(1, 1\)"),
        ((0, 5), IndexError, r"step must be in \[-5, 5\), got 5"),
        ((0, [1, 2]), TypeError, r"step must be an integer or a slice, got \[1, 2\]"),
        ((0, slice(3, 3)), ValueError, r"slices of steps must hold one of \[0, 5\), got 3:3"),
        ((0, slice(None, None, 2)), ValueError, "slices of steps must have step 1, .* got 2"),
        ((0, slice(None), 1), IndexError, "indexed by samples and steps, not neurons"),
        ((0, slice(None), slice(None), 0), IndexError, "three axes"),
        ((..., ...), IndexError, "three axes"),
    ],
)
def test_what_selects_nothing_is_refused(key, error, message):
    trains, _ = trains_of()
    with pytest.raises(error, match=message):
        trains[key]


def test_iterating_gives_samples_that_join_again():
    trains, counts = trains_of()
    samples = list(trains)
    assert [one.shape for one in samples] == [(1, 5, 4)] * 7
    np.testing.assert_array_equal(samples[3].to_counts()[0], counts[3])
    assert sr.SpikeTrains.concatenate(samples) == trains
    assert next(reversed(trains)) == trains[-1]
    assert sr.SpikeTrains.concatenate([trains[:0], trains]) == trains
    assert sr.SpikeTrains.concatenate([trains]) == trains


def test_sets_that_do_not_join():
    trains, _ = trains_of()
    with pytest.raises(
        ValueError, match="trains must be at least one set of spike trains, got none"
    ):
        sr.SpikeTrains.concatenate([])
    with pytest.raises(
        ValueError, match=r"trains\[1\] has shape \(7, 3, 4\), expected \(n_samples"
    ):
        sr.SpikeTrains.concatenate([trains, trains[:, :3]])
    with pytest.raises(TypeError, match=r"trains\[1\] must be SpikeTrains, got list"):
        sr.SpikeTrains.concatenate([trains, []])
    with pytest.raises(TypeError, match="trains must be a list of SpikeTrains, got NoneType"):
        sr.SpikeTrains.concatenate(None)


def test_arrays_are_asked_for():
    trains, _ = trains_of()
    for make in (np.asarray, np.array, lambda t: np.stack([t, t])):
        with pytest.raises(TypeError, match=r"call to_dense\(\) or to_counts\(\)"):
            make(trains)


def test_equal_sets_are_equal():
    trains, _ = trains_of()
    same = trains[list(range(7))]
    assert same == trains
    assert hash(same) == hash(trains)
    assert trains[::-1] != trains
    assert trains != trains_of(seed=1)[0]
    assert trains != "trains"
    assert (
        copy.copy(trains) == copy.deepcopy(trains) == pickle.loads(pickle.dumps(trains)) == trains
    )


@given(st.integers(0, 5), st.integers(1, 9), st.integers(1, 30), st.integers(0, 99))
def test_files_come_back(tmp_path_factory, n_samples, n_steps, n_neurons, seed):
    trains, _ = trains_of(n_samples, n_steps, n_neurons, seed)
    path = tmp_path_factory.mktemp("trains") / "trains.safetensors"
    trains.save(path)
    assert sr.SpikeTrains.load(path) == trains
    assert os.listdir(path.parent) == ["trains.safetensors"]


def test_files_that_are_others(tmp_path):
    trains, _ = trains_of()
    net = sr.Network(4, [sr.Dense(2)])
    net.save(tmp_path / "net")
    trains.save(tmp_path / "trains")
    with pytest.raises(ValueError, match="net: holds a network, expected spike_trains"):
        sr.SpikeTrains.load(tmp_path / "net")
    for load in (sr.Network.load, sr.Trainer.load, sr.FixedNetwork.load):
        with pytest.raises(ValueError, match="trains: holds spike trains, expected a network"):
            load(tmp_path / "trains")
    with pytest.raises(FileNotFoundError, match="absent"):
        sr.SpikeTrains.load(tmp_path / "absent")
    data = (tmp_path / "trains").read_bytes()
    for damaged in (b"", data[:-1], data[: len(data) // 2], data.replace(b"[7,5,4]", b"[9,5,4]")):
        (tmp_path / "trains").write_bytes(damaged)
        with pytest.raises(ValueError, match="trains"):
            sr.SpikeTrains.load(tmp_path / "trains")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    first, second = trains_of()[0], trains_of(seed=1)[0]
    first.save(tmp_path / "trains")
    second.save(tmp_path / "trains")
    assert sr.SpikeTrains.load(tmp_path / "trains") == second
    with pytest.raises(OSError, match="no"):
        second.save(tmp_path / "no" / "trains")


def test_scikit_learn_splits_them():
    selection = pytest.importorskip("sklearn.model_selection")
    trains, counts = trains_of(n_samples=20)
    y = np.arange(20) % 2
    x_train, x_test, y_train, _ = selection.train_test_split(
        trains, y, test_size=6, random_state=0, stratify=y
    )
    rows = selection.train_test_split(np.arange(20), y, test_size=6, random_state=0, stratify=y)
    assert (x_train, x_test) == (trains[rows[0]], trains[rows[1]])
    np.testing.assert_array_equal(x_test.to_counts(), counts[rows[1]])
    assert len(x_train) == len(y_train) == 14
    net = sr.Network(4, [sr.Dense(2, v_th=1.0)], seed=1)
    tested = []
    for splitter in (
        selection.KFold(5),
        selection.StratifiedKFold(4, shuffle=True, random_state=0),
    ):
        for train, test in splitter.split(trains, y):
            trainer = sr.Trainer(net, n_threads=1)
            assert len(trainer.evaluate(trains[test], y[test]).predictions) == len(test)
            assert len(trains[train]) + len(trains[test]) == 20
            tested.extend(test)
    assert sorted(tested) == sorted(2 * list(range(20)))
    utils = pytest.importorskip("sklearn.utils")
    shuffled, order = utils.shuffle(trains, np.arange(20), random_state=1)
    assert shuffled == trains[order]
    assert utils.resample(trains, replace=True, n_samples=30, random_state=1).shape[0] == 30
