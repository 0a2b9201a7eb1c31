"""Networks carry their encoder and the names of their outputs through every kind of file."""

import copy
import pickle

import numpy as np
import pytest

import strsbp_rs as sr

ENCODER = sr.BernoulliEncoder(n_steps=30, rate_scale=0.5)
NAMES = ("cat", "dog")


def network(**options):
    layers = [sr.Dense(n, v_th=0.5, init=sr.Uniform(-0.2, 1.0)) for n in (6, 3)]
    return sr.Network(4, layers, seed=2, **options)


@pytest.fixture
def carrying():
    return network(encoder=ENCODER, class_names=NAMES)


@pytest.mark.parametrize("how", ["file", "pickle", "copy", "checkpoint", "trainer", "fixed"])
def test_through(carrying, how, tmp_path):
    path = tmp_path / "file.safetensors"
    if how == "file":
        carrying.save(path)
        found = sr.Network.load(path)
    elif how == "pickle":
        found = pickle.loads(pickle.dumps(carrying))
    elif how == "copy":
        found = copy.deepcopy(carrying)
    elif how == "fixed":
        carrying.to_fixed().save(path)
        fixed = sr.FixedNetwork.load(path)
        found = fixed.network
        assert sr.Network.load(path).encoder == ENCODER
    else:
        sr.Trainer(carrying, n_threads=1).save(path)
        found = (
            sr.Network.load(path)
            if how == "checkpoint"
            else sr.Trainer.load(path, n_threads=1).network
        )
    assert (found.encoder, found.class_names) == (ENCODER, NAMES)


def test_the_carried_encoder_is_the_default(carrying, rng):
    x = rng.random((5, 4))
    expected = network().spike_counts(x, encoder=ENCODER)
    assert expected.any()
    np.testing.assert_array_equal(carrying.spike_counts(x), expected)
    np.testing.assert_array_equal(carrying.predict(x), np.argmax(expected, axis=1))
    np.testing.assert_array_equal(carrying.run(x.reshape(5, 2, 2)).counts, expected)
    fixed, plain = carrying.to_fixed(), network().to_fixed()
    np.testing.assert_array_equal(fixed.spike_counts(x), plain.spike_counts(x, encoder=ENCODER))
    assert fixed.report(x, np.zeros(5, int)).n_samples == 5
    other = sr.BernoulliEncoder(n_steps=60, rate_scale=1.0)
    np.testing.assert_array_equal(
        carrying.spike_counts(x, encoder=other), network().spike_counts(x, encoder=other)
    )
    trainer = sr.Trainer(carrying, n_threads=1)
    assert trainer.encoder == ENCODER
    assert trainer.evaluate(x, np.zeros(5, int)).counts.tolist() == expected.tolist()


def test_rasters_need_no_encoder(carrying, rng):
    """Nor do spikes; what would need one without the network's own is encoded."""
    raster = rng.random((5, 20, 4)) < 0.4
    expected = network().spike_counts(raster)
    assert expected.any()
    np.testing.assert_array_equal(carrying.spike_counts(raster), expected)
    trains = sr.SpikeTrains.from_dense(raster)
    np.testing.assert_array_equal(carrying.spike_counts(trains), expected)
    events = list(trains.to_events())
    np.testing.assert_array_equal(carrying.spike_counts(events, n_steps=20), expected)
    trainer, y = sr.Trainer(carrying, n_threads=1), np.zeros(5, int)
    np.testing.assert_array_equal(trainer.evaluate(raster, y).counts, expected)
    as_spikes = sr.Trainer(network(), n_threads=1).gradients(trains, y)
    assert trainer.gradients(raster, y).loss == as_spikes.loss
    history = trainer.fit(raster, y, epochs=1, validation_data=(raster, y), progress=False)
    assert history["loss"] == [as_spikes.loss]
    with pytest.raises(ValueError, match="with an encoder its samples are images"):
        sr.Trainer(network(), encoder=ENCODER, n_threads=1).evaluate(raster, y)
    with pytest.raises(ValueError, match="encoder must be given"):
        network().spike_counts(rng.random((5, 4)))
    with pytest.raises(ValueError, match="shape"):
        carrying.spike_counts([[0.0, 1.0], [0.0]])


def test_a_trainers_encoder_is_that_of_its_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    sr.Trainer(network(), encoder=ENCODER, n_threads=1).save(path)
    assert sr.Network.load(path).encoder == ENCODER


def test_files_without_them_have_none(tmp_path):
    path = tmp_path / "network.safetensors"
    network().save(path)
    found = sr.Network.load(path)
    assert (found.encoder, found.class_names) == (None, ())


def test_what_is_refused(carrying):
    known = "BernoulliEncoder or RegularEncoder or LatencyEncoder or .*"
    with pytest.raises(TypeError, match=f"encoder must be a {known}, got 3"):
        carrying.encoder = 3
    with pytest.raises(TypeError, match="class_names must be a list of strings, got 'ab'"):
        carrying.class_names = "ab"
    with pytest.raises(ValueError, match="class_names must be at most 3, the outputs, got 4"):
        network(class_names=list("abcd"))
    assert carrying.class_names == NAMES


def test_a_damaged_part_is_told(carrying, tmp_path):
    path = tmp_path / "network.safetensors"
    carrying.save(path)
    raw = path.read_bytes()
    assert b'\\"n_steps\\":30' in raw
    path.write_bytes(raw.replace(b'\\"n_steps\\":30', b'\\"n_stepx\\":30'))
    with pytest.raises(ValueError, match=r"network.safetensors: has a damaged encoder"):
        sr.Network.load(path)
