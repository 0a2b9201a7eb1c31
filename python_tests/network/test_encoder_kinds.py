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
            r"encoder.kind must be one of \['bernoulli'\], got 'po",
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
    with pytest.raises(ValueError, match=r"encoder.kind must be one of \['bernoulli'\], got 'pois"):
        load_recipe(path)
