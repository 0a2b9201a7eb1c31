"""Domains of configurations: what is outside is refused when they are made, by class and field."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import RecipeError, load_recipe

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sr.Dense(0), "Dense.n must be in [1, 2^31), got 0"),
        (lambda: sr.Dense(-3), "Dense.n must be in [1, 2^31), got -3"),
        (lambda: sr.Dense(3, tau_m=-1), "Dense.tau_m must be finite and > 0 ms, got -1"),
        (lambda: sr.Dense(3, t_ref=-1), "Dense.t_ref must be finite and >= 0 ms, got -1"),
        (lambda: sr.Dense(3, lateral_inhibition=NAN), "Dense.lateral_inhibition must be finite"),
        (lambda: sr.Dense(3, delay=-1), "Dense.delay must be finite and >= 0 ms, got -1"),
        (lambda: sr.Recurrent(2**31), "Recurrent.n must be in [1, 2^31), got 2147483648"),
        (lambda: sr.Recurrent(3, tau_s=0), "Recurrent.tau_s must be finite and > 0 ms, got 0"),
        (
            lambda: sr.Recurrent(3, recurrent_delay=NAN),
            "Recurrent.recurrent_delay must be finite and >= 0 ms, got NaN",
        ),
        (lambda: sr.LIF(v_th=0), "LIF.v_th must be finite and > 0, got 0"),
        (lambda: sr.Uniform(1, -1), "Uniform.high must be >= low = 1, got -1"),
        (lambda: sr.Normal(0, -1), "Normal.std must be finite and >= 0, got -1"),
        (lambda: sr.ConstantInit(NAN), "ConstantInit.value must be finite, got NaN"),
        (lambda: sr.KaimingUniform(0), "KaimingUniform.gain must be finite and > 0, got 0"),
        (lambda: sr.Firing(rate=-1), "Firing.rate must be finite and > 0, got -1"),
        (lambda: sr.Sparse(2), "Sparse.density must be in (0, 1], got 2"),
        (lambda: sr.FixedProbability(0), "FixedProbability.probability must be in (0, 1], got 0"),
        (lambda: sr.UniformDelay(5, 1), "UniformDelay.high must be >= low = 5 ms, got 1"),
        (lambda: sr.UniformDelay(-5), "UniformDelay.low must be finite and >= 0 ms, got -5"),
        (lambda: sr.BernoulliEncoder(0), "BernoulliEncoder.n_steps must be in [1, 2^24], got 0"),
        (lambda: sr.BernoulliEncoder(-1), "BernoulliEncoder.n_steps must be in [1, 2^24], got -1"),
        (
            lambda: sr.BernoulliEncoder(2**30),
            "BernoulliEncoder.n_steps must be in [1, 2^24], got 1073741824",
        ),
        (
            lambda: sr.BernoulliEncoder(rate_scale=2),
            "BernoulliEncoder.rate_scale must be in (0, 1], got 2",
        ),
        (
            lambda: sr.BernoulliEncoder(rate_scale=NAN),
            "BernoulliEncoder.rate_scale must be in (0, 1], got NaN",
        ),
        (lambda: sr.ImageAugment(max_shift=28), "ImageAugment.max_shift must be < 28"),
        (
            lambda: sr.SoftmaxCrossEntropy(0),
            "SoftmaxCrossEntropy.temperature must be finite and > 0 spikes, got 0",
        ),
        (lambda: sr.CountMSE(other=-1), "CountMSE.other must be finite and >= 0 spikes, got -1"),
        (lambda: sr.Adam(lr=-1), "Adam.lr must be finite and > 0, got -1"),
        (lambda: sr.Adam(beta1=1), "Adam.beta1 must be in [0, 1), got 1"),
        (lambda: sr.AdamW(weight_decay=-1), "AdamW.weight_decay must be finite and >= 0, got -1"),
        (lambda: sr.SGD(momentum=1), "SGD.momentum must be in [0, 1), got 1"),
        (lambda: sr.Constant(-1), "Constant.warmup_epochs must be finite and >= 0, got -1"),
        (lambda: sr.Cosine(0), "Cosine.epochs must be finite and > 0, got 0"),
        (lambda: sr.Step(0), "Step.every must be >= 1 epoch, got 0"),
        (lambda: sr.StRsbp(solver_tolerance=1), "StRsbp.solver_tolerance must be in (0, 1), got 1"),
        (lambda: sr.ExponentialPenalty(lam=0), "ExponentialPenalty.lam must be finite and > 0"),
        (lambda: sr.QFormat(weight_bits=1), "QFormat.weight_bits must be in [2, 16], got 1"),
        (lambda: sr.Loihi(clip=(0.5, 2)), "Loihi.clip[1] must be in (0, 1], got 2"),
        (
            lambda: sr.CortexM(scale="percentile", percentile=0),
            "CortexM.percentile must be in (0, 100], got 0",
        ),
    ],
)
def test_what_is_out_of_its_domain_cannot_be_made(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        make()


def test_a_learning_rate_may_be_left_to_the_trainer() -> None:
    assert sr.Adam().lr is sr.AdamW(weight_decay=1e3).lr is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sr.Adam(lr="0.1"), "Adam.lr must be a number or None, got '0.1'"),
        (lambda: sr.Firing(rate="x"), "Firing.rate must be a number or None, got 'x'"),
        (lambda: sr.Dense(3, delay="x"), "Dense.delay must be a number or UniformDelay, got 'x'"),
    ],
)
def test_all_that_is_taken_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"tau_m": 0.5}, "layers[1].tau_m must be >= dt = 1 ms with the euler discretisation"),
        ({"t_ref": 1.5}, "layers[1].t_ref must be a whole number of steps"),
        ({"delay": 1.5}, "layers[1].delay must be a whole number of steps"),
        (
            {"mask": sr.Reservoir((2, 2, 2))},
            "reservoir grid of layers[1].mask has shape (2, 2, 2), expected three sizes with the",
        ),
    ],
)
def test_what_the_network_decides_names_the_layer(layer: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        sr.Network(3, [sr.Dense(2), sr.Recurrent(2, **layer)])


def test_recipes_name_their_own_fields(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^recipes/starter.toml: encoder.n_steps must be in \[1"):
        load_recipe("starter", ["encoder.n_steps=0"])
    with pytest.raises(RecipeError, match=r"layers.1.tau_m must be finite and > 0 ms, got -1"):
        load_recipe("starter", ["layers.1.tau_m=-1"])
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[layers]]\nkind = "recurrent"\nn = 3\nmask = { kind = "sparse", density = 2.0 }'
    )
    with pytest.raises(RecipeError, match=r"mine.toml: layers.0.mask.density must be in \(0, 1\]"):
        load_recipe(path)
