"""Every recipe that ships with the package, on data written as its data set has it."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import strsbp
from event_files import WRITERS

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import load_recipe, recipe_names
from strsbp_rs.training._data import load_data


def write_images(folder: Path, name: str) -> None:
    """MNIST or Fashion-MNIST: the four files, of twenty images each."""
    place = folder / name
    place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        x = rng.integers(0, 256, (20, 28, 28), np.uint8)
        header = struct.pack(">IIII", 0x803, 20, 28, 28)
        (place / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + x.tobytes()))
        y = bytes(range(10)) * 2
        header = struct.pack(">II", 0x801, 20)
        (place / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + y))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    for name, write in WRITERS.items():
        if name in {load_recipe(recipe).data.name for recipe in recipe_names()}:
            write(place / name)
    for name in ("mnist", "fashion-mnist"):
        write_images(place, name)
    return place


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What front ends hear is kept here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", [name for name in recipe_names() if name != "starter"])
def test_every_recipe_trains_two_batches(name: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    said = strsbp(
        *("train", name, "--data-dir", folder, "--out", out, "--epochs", 1, "--batch-size", 2),
        *("--limit-train", 4, "--limit-test", 3, "--threads", 2, "--quiet", "--no-plots"),
    )
    record = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    assert record["epoch"] == 1 and np.isfinite(record["loss"])
    recipe = load_recipe(name)
    if recipe.data.validation:
        assert "the best of the validation samples" in said
        tested = json.loads((out / "test.json").read_text())
        evaluated = json.loads(strsbp("eval", out, "--json"))
        assert evaluated["n_samples"] == 3
        for of in ("last", "chosen"):
            assert tested[of]["epoch"] == 1
            assert tested[of]["accuracy"] == evaluated["accuracy"]
    else:
        assert "epochs, best" in said and not (out / "test.json").exists()
    net = sr.Network.load(out / "checkpoint.safetensors")
    assert net.encoder == recipe.encoder
    assert [layer.n for layer in recipe.layers if hasattr(layer, "n")][-1] == net.n_out


def test_validation_samples_are_of_other_speakers_and_never_tested(folder: Path) -> None:
    recipe = load_recipe("ti46-digits-r100-100")
    data = load_data(recipe, str(folder))
    assert data.x_validation is not None and data.y_validation is not None
    assert (len(data.x_train), len(data.x_validation), len(data.x_test)) == (10, 10, 20)
    assert data.groups_train is not None and len(set(data.groups_train)) == 1
    assert data.n_in == 78 and data.step_ms == 16.0


def test_one_speaker_is_left_out(folder: Path) -> None:
    recipe = load_recipe("free-spoken-digits", ["data.leave_out=theo"])
    data = load_data(recipe, str(folder))
    assert data.groups_test is not None and data.groups_train is not None
    assert {data.group_names[at] for at in data.groups_test} == {"theo"}
    assert "theo" not in {data.group_names[at] for at in data.groups_train}
    assert len(data.x_test) == len(data.x_train) == 20


def test_a_recipe_may_name_any_front_end(folder: Path, tmp_path: Path) -> None:
    mel = ["kind=log_mel", "sample_rate=8000", "n_channels=16", "decimation=100"]
    cochlea = ["kind=heidelberg", "sample_rate=20000", "n_channels=30", "step_ms=4"]
    for front_end, step_ms in ((mel, 12.5), (cochlea, 4.0)):
        settings = [f"front_end.{setting}" for setting in front_end]
        recipe = load_recipe("free-spoken-digits", settings)
        path = tmp_path / f"{step_ms}.toml"
        path.write_text(recipe.to_toml())
        assert load_recipe(path) == recipe
        data = load_data(recipe, str(folder))
        assert (data.n_in, data.step_ms) == ({12.5: 16, 4.0: 30}[step_ms], step_ms)
        assert isinstance(data.x_test, sr.SpikeTrains) == (step_ms == 4.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["front_end.kind=mel"],
            r"front_end\.kind must be one of .*'log_mel'\], got 'mel'",
        ),
        (["front_end.kind=log_mel"], r"front_end\.sample_rate must be given for LogMel"),
        (["data.name=demo", "data.validation=0"], "front_end must not be given: demo is no sound"),
        (["data.leave_out=nobody"], "group must be one of"),
        (["data.validation=1.5"], r"share must be in \(0, 1\), got 1.5"),
        (["data.step_ms=3"], "step_ms is no option of free-spoken-digits"),
    ],
)
def test_what_does_not_fit_is_told(settings: list[str], message: str, folder: Path) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        load_data(load_recipe("free-spoken-digits", settings), str(folder))


def test_sounds_without_a_front_end_are_told_to_have_one(folder: Path, tmp_path: Path) -> None:
    lines: Any = load_recipe("free-spoken-digits").to_toml().split("\n\n")
    path = tmp_path / "deaf.toml"
    path.write_text("\n\n".join(part for part in lines if "[front_end]" not in part))
    with pytest.raises(ValueError, match="front_end must be given, as free-spoken-digits is sound"):
        load_data(load_recipe(path), str(folder))
