"""Kinds of encoders: in recipes and files, which name none where there was only one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs._config import encoder_from_file
from strsbp_rs._strsbp_rs import NetworkCore, check_configuration
from strsbp_rs.recipes._recipe import load_recipe, with_overrides
from strsbp_rs.training._user_part import read_encoder

ENCODER = sr.BernoulliEncoder(n_steps=30, rate_scale=0.5)


def test_files_name_no_kind_and_may_name_it() -> None:
    written = {"n_steps": 30, "rate_scale": 0.5}
    assert ENCODER.to_file() == written
    assert ENCODER.to_dict() == {"kind": "bernoulli", **written}
    assert read_encoder(written) == read_encoder({"kind": "bernoulli", **written}) == ENCODER
    assert read_encoder(None) is None


@pytest.mark.parametrize(
    "values, message",
    [
        (
            {"kind": "poisson", "n_steps": 3},
            r"encoder.kind must be one of \['bernoulli', 'regular', .*'population'\], got 'po",
        ),
        ({"kind": None, "n_steps": 3, "rate_scale": 1.0}, "encoder.kind must be one of"),
        ({"n_steps": 3}, "encoder must have n_steps and rate_scale, got"),
        ({"n_steps": 3, "rate_scale": 1.0, "seed": 1}, "encoder must have n_steps and rate_scale"),
        ([3, 1.0], "encoder must have n_steps and rate_scale, got"),
        ({"n_steps": 0, "rate_scale": 1.0}, r"n_steps must be in \[1, 2\^24\], got 0"),
    ],
)
def test_other_encoders_of_files_are_refused(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_encoder(values)


def test_the_core_takes_encoders_by_their_kind() -> None:
    check_configuration("encoder", {"encoder": ENCODER.to_dict()})
    for bad in ({"n_steps": 3, "rate_scale": 1.0}, {"kind": "poisson"}, (3, 1.0)):
        with pytest.raises(TypeError, match="encoder"):
            check_configuration("encoder", {"encoder": bad})
    with pytest.raises(ValueError, match=r"encoder\.rate_scale must be in \(0, 1\], got 2"):
        bad = {"kind": "bernoulli", "n_steps": 3, "rate_scale": 2.0}
        check_configuration("encoder", {"encoder": bad})
    net = sr.Network(4, [sr.Dense(2)])
    assert isinstance(net._core, NetworkCore)
    counts = net.spike_counts(np.full((2, 4), 0.5), encoder=encoder_from_file(ENCODER.to_file()))
    np.testing.assert_array_equal(counts, net.spike_counts(np.full((2, 4), 0.5), encoder=ENCODER))


def test_recipes_name_no_kind_and_may_name_it(tmp_path: Path) -> None:
    recipe = load_recipe("demo")
    text = recipe.to_toml()
    section = text[text.index("[encoder]") :].split("\n\n")[0]
    assert "kind" not in section and "n_steps" in section
    path = tmp_path / "named.toml"
    path.write_text(text.replace("[encoder]\n", '[encoder]\nkind = "bernoulli"\n'))
    assert load_recipe(path) == recipe
    assert with_overrides(recipe, ["encoder.kind=bernoulli"]).encoder == recipe.encoder
    path.write_text(text.replace("[encoder]\n", '[encoder]\nkind = "poisson"\n'))
    with pytest.raises(
        ValueError,
        match=r"encoder.kind must be one of \['bernoulli', 'regular', .*'population'\], got 'pois",
    ):
        load_recipe(path)


def regular_spikes(x: np.ndarray, encoder: sr.RegularEncoder) -> np.ndarray:
    """As the docstring says, (n_samples, n_steps, n_in)."""
    increments = np.round(x * encoder.rate_scale * 2.0**32).astype(np.uint64)
    golden = np.arange(x.shape[1], dtype=np.uint64) * np.uint64(2654435769)
    accumulators = np.tile(golden % np.uint64(2**32), (len(x), 1))
    raster = np.zeros((len(x), encoder.n_steps, x.shape[1]), bool)
    for step in range(encoder.n_steps):
        accumulators += increments
        raster[:, step] = accumulators >= 2**32
        accumulators %= np.uint64(2**32)
    return raster


@pytest.mark.parametrize("rate_scale", [1.0, 0.3])
def test_regular_spikes_are_those_of_an_accumulator(rate_scale: float) -> None:
    x = np.random.default_rng(0).random((5, 200))
    x[0, :3] = 0.0, 1.0, 0.5
    encoder = sr.RegularEncoder(n_steps=70, rate_scale=rate_scale)
    net = sr.Network(200, [sr.Dense(4)], encoder=encoder)
    raster = regular_spikes(x, encoder)
    for inputs, seed in ((x, 0), (x, 7), (raster, 0)):
        run = net.run(inputs, seed=seed)
        np.testing.assert_array_equal(run.spikes[0].to_dense(), raster)


def test_random_phases_differ_between_samples_and_seeds() -> None:
    encoder = sr.RegularEncoder(n_steps=50, random_phase=True)
    net = sr.Network(200, [sr.Dense(4)])
    x = np.full((2, 200), 0.31)
    first, again, other = (
        net.run(x, encoder=encoder, seed=seed).spikes[0].to_dense() for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first[0] != first[1]).any()
    assert set(np.unique(first.sum(axis=1))) == {15, 16}


def test_regular_encoders_are_trained_with_kept_and_read_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    x = np.eye(3)[y].repeat(10, axis=1) * 0.7 + rng.random((60, 30)) * 0.3
    encoder = sr.RegularEncoder(n_steps=40, random_phase=True)
    net = sr.Network(30, [sr.Dense(20), sr.Dense(3)], encoder=encoder, seed=2)
    trainer = sr.Trainer(net, batch_size=10)
    assert trainer.fit(x, y, epochs=8, progress=False)["accuracy"][-1] > 0.9
    trainer.save(tmp_path / "checkpoint.safetensors")
    net.save(tmp_path / "network.safetensors")
    assert sr.Trainer.load(tmp_path / "checkpoint.safetensors").encoder == encoder
    loaded = sr.Network.load(tmp_path / "network.safetensors")
    assert loaded.encoder == encoder
    np.testing.assert_array_equal(loaded.spike_counts(x), net.spike_counts(x))
    with pytest.raises(ValueError, match="encoder must have n_steps, rate_scale and random_phase"):
        read_encoder({"kind": "regular", "n_steps": 3, "rate_scale": 1.0})


def test_recipes_choose_regular_spikes() -> None:
    recipe = with_overrides(load_recipe("demo"), ["encoder.kind=regular", "encoder.n_steps=20"])
    assert recipe.encoder == sr.RegularEncoder(n_steps=20)
    assert 'kind = "regular"' in recipe.to_toml()
