"""Training recipes: readable TOML files, every field of which can be overridden."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from strsbp_rs import _config as config
from strsbp_rs._arguments import suggestion
from strsbp_rs._network import Network
from strsbp_rs.audio import FrontEnd, HeidelbergCochlea
from strsbp_rs.audio._front_ends import FRONT_ENDS
from strsbp_rs.fixed._targets import Target
from strsbp_rs.recipes._sections import PATHS, Data, NetworkOptions, Train
from strsbp_rs.recipes._values import field_value, is_numbers, is_shape
from strsbp_rs.recipes._writing import toml_table
from strsbp_rs.training._trainer import Trainer

__all__ = ["Recipe", "RecipeError", "load_recipe", "recipe_names", "with_overrides"]


class RecipeError(ValueError):
    """A recipe with an unknown field, or a value of the wrong type."""


class TomlError(RecipeError):
    """What is not TOML."""


@dataclass(frozen=True)
class Recipe:
    """Everything a training run is made of."""

    sections: ClassVar[dict[str, tuple[type, ...]]] = {
        "data": (Data,),
        "front_end": FRONT_ENDS,
        "encoder": config.ENCODERS,
        "network": (NetworkOptions,),
        "loss": typing.get_args(config.Loss),
        "optimizer": typing.get_args(config.Optimizer),
        "schedule": typing.get_args(config.Schedule),
        "rule": (config.StRsbp,),
        "augment": (config.ImageAugment,),
        "spike_augment": (config.SpikeAugment,),
        "penalty": (config.ExponentialPenalty,),
        "hardware": typing.get_args(Target),
        "train": (Train,),
    }

    layers: tuple[config.LayerConfig, ...]
    data: Data = field(default_factory=Data)
    front_end: FrontEnd | HeidelbergCochlea | None = None
    encoder: config.Encoder = field(default_factory=config.BernoulliEncoder)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    loss: config.Loss = field(default_factory=config.SoftmaxCrossEntropy)
    optimizer: config.Optimizer = field(default_factory=config.Adam)
    schedule: config.Schedule = field(default_factory=config.Constant)
    rule: config.StRsbp = field(default_factory=config.StRsbp)
    augment: config.ImageAugment | None = None
    spike_augment: config.SpikeAugment | None = None
    penalty: config.ExponentialPenalty | None = None
    hardware: Target | None = None
    train: Train = field(default_factory=Train)

    def build(
        self,
        n_in: int | tuple[int, ...],
        n_threads: int | None = None,
        network: Network | None = None,
    ) -> Trainer:
        """Returns a trainer of a network; of a new one with `n_in` inputs, if None."""
        if network is None:
            options = dataclasses.asdict(self.network)
            n_in = options.pop("in_shape") or n_in
            network = Network(n_in, self.layers, encoder=self.encoder, **options)
        return Trainer(
            network,
            encoder=self.encoder,
            loss=self.loss,
            optimizer=self.optimizer,
            schedule=self.schedule,
            rule=self.rule,
            batch_size=self.train.batch_size,
            augment=self.augment,
            spike_augment=self.spike_augment,
            weight_penalty=self.penalty,
            weight_limit=self.train.weight_limit or None,
            clip_norm=self.train.clip_norm or None,
            engine=self.train.engine,
            hardware=self.hardware,
            n_threads=n_threads,
            seed=self.train.seed,
        )

    def to_toml(self) -> str:
        """Returns the recipe as TOML that reads back as an equal recipe."""
        parts = []
        for name in self.sections:
            section = getattr(self, name)
            if section is not None:
                parts.append(f"[{name}]\n{toml_table(section)}")
        parts.extend(f"[[layers]]\n{toml_table(layer)}" for layer in self.layers)
        return "\n".join(parts)


def recipe_names() -> list[str]:
    """Returns the names of the recipes that ship with the package."""
    folder = resources.files("strsbp_rs").joinpath("recipes")
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_recipe(name: str | os.PathLike[str], overrides: Sequence[str] = ()) -> Recipe:
    """Loads a recipe by name, or from a TOML file, and applies overrides.

    Args:
        name: A name of `recipe_names`, or a path that ends in .toml.
        overrides: Settings such as "optimizer.lr=0.003" or "layers.0.v_th=10"; values are TOML,
            or bare words. Those of a kind come first: they discard the fields of the former kind.

    Raises:
        RecipeError: If a field is unknown, or a value has the wrong type.
        OSError: If the file cannot be read.
    """
    if str(name).endswith(".toml"):
        source = str(name)
        try:
            # With or without the mark that some editors put first.
            text = Path(name).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise RecipeError(f"{source}: is not UTF-8 text ({error})") from error
    elif str(name) in recipe_names():
        source = f"recipes/{name}.toml"
        text = resources.files("strsbp_rs").joinpath(source).read_text(encoding="utf-8")
    else:
        raise RecipeError(
            f"recipe '{name}' is not one of {recipe_names()} or a path ending in .toml"
            f"{suggestion(str(name), recipe_names())}"
        )
    try:
        tree = _loads(source, text)
        if source == str(name):
            _anchor(tree, Path(name).parent)
        for override in sorted(overrides, key=_kinds_first):
            _apply(tree, override)
        _anchor(tree, Path())
        return _parse(tree, source)
    except RecursionError:
        raise RecipeError(f"{source}: is nested too deeply for a recipe") from None


def _loads(source: str, text: str) -> dict[str, Any]:
    """Reads TOML; `source` is for messages."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(f"{source}: {error}") from error


def with_overrides(recipe: Recipe, overrides: Sequence[str], source: str = "recipe") -> Recipe:
    """Returns a recipe with some settings changed, as `load_recipe` has them.

    Args:
        recipe: The recipe.
        overrides: As of `load_recipe`.
        source: Where they come from, for messages.

    Raises:
        RecipeError: If a field is unknown, or a value has the wrong type.
    """
    tree = tomllib.loads(recipe.to_toml())
    for override in sorted(overrides, key=_kinds_first):
        _apply(tree, override)
    _anchor(tree, Path())
    return _parse(tree, source)


def _anchor(tree: dict[str, Any], folder: Path) -> None:
    """Makes the paths of [data] absolute: a run's configuration lies in another folder."""
    data = tree.get("data")
    if not isinstance(data, dict):
        return
    for name in PATHS:
        path = data.get(name)
        if isinstance(path, str) and path:
            data[name] = os.path.abspath(folder / path)


def _kinds_first(override: str) -> tuple[bool, int]:
    path = override.partition("=")[0].strip().split(".")
    is_kind = path[-1].strip() == "kind"
    return not is_kind, len(path) if is_kind else 0


def _new_section(name: str) -> Any:
    """Returns what a section that the file leaves out starts from: the kind of the default."""
    if name == "layers":
        return []
    default = next((f.default_factory for f in dataclasses.fields(Recipe) if f.name == name), None)
    kind = getattr(default, "kind", None)
    return {} if kind is None else {"kind": kind}


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not equals or not all(path):
        raise RecipeError(f"override '{override}' must be SECTION.FIELD=VALUE")
    try:
        value = _loads(f"override '{key}'", f"v = {text}")["v"]
    except TomlError:
        value = text.strip()
    *parents, last = path
    node: Any = tree
    for depth, part in enumerate(parents):
        if isinstance(node, list):
            if not part.isdecimal() or int(part) >= len(node):
                where = ".".join(parents[:depth])
                raise RecipeError(f"{where} must be indexed by 0..{len(node) - 1}, got '{part}'")
            node = node[int(part)]
        elif isinstance(node, dict):
            node = node.setdefault(part, {} if depth else _new_section(part))
    if not isinstance(node, dict):
        raise RecipeError(f"override '{override}' must be SECTION.FIELD=VALUE")
    if last == "kind" and node.get("kind", _unwritten_kind(parents)) != value:
        # The fields of another kind mean nothing to this one; later overrides may set its own.
        node.clear()
    node[last] = value


def _unwritten_kind(path: list[str]) -> str | None:
    """Returns the kind of a section that names none."""
    kinds = Recipe.sections.get(path[0], ()) if len(path) == 1 else ()
    unnamed = [cls for cls in kinds if not getattr(cls, "kind_in_files", True)]
    return getattr(unnamed[0], "kind", None) if unnamed else None


def _parse(tree: dict[str, Any], source: str) -> Recipe:
    known = [*Recipe.sections, "layers"]
    values: dict[str, Any] = {}
    for name, table in tree.items():
        if name not in known:
            raise RecipeError(f"{source}: [{name}] is not a section{_suggest(name, known)}")
        if name == "layers":
            if not isinstance(table, list):
                raise RecipeError(f"{source}: layers must be [[layers]] tables, got {table!r}")
            kinds = typing.get_args(config.LayerConfig)
            layers = [_build(kinds, t, f"layers.{i}", source) for i, t in enumerate(table)]
            values[name] = tuple(layers)
        else:
            values[name] = _build(Recipe.sections[name], table, name, source)
    if not values.get("layers"):
        raise RecipeError(f"{source}: must have at least one [[layers]] table, got none")
    return Recipe(**values)


def _build(kinds: tuple[type, ...], table: Any, path: str, source: str) -> Any:
    """Returns the object of one of `kinds` that a table describes."""
    if not isinstance(table, dict):
        raise RecipeError(f"{source}: {path} must be a table, got {table!r}")
    table = dict(table)
    by_name = {getattr(cls, "kind", None): cls for cls in kinds}
    cls = kinds[0]
    if None not in by_name:
        unwritten = _unwritten_kind([path])
        if unwritten is not None:
            table.setdefault("kind", unwritten)
        if "kind" not in table:
            raise RecipeError(f"{source}: {path}.kind must be one of {list(by_name)}, got nothing")
        kind = table.pop("kind")
        if not isinstance(kind, str) or kind not in by_name:
            raise RecipeError(
                f"{source}: {path}.kind must be one of {list(by_name)}, got {kind!r}"
                f"{suggestion(str(kind), [str(name) for name in by_name])}"
            )
        cls = by_name[kind]
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    values = {}
    written_names = getattr(cls, "written_names", {})
    for written, value in table.items():
        name = written_names.get(written, written)
        if name in values:
            raise RecipeError(f"{source}: {path}.{name} is given twice, also as {path}.{written}")
        if name not in fields:
            near = [f"{path}.{known}" for known in fields]
            nearest = _suggest(f"{path}.{name}", near)
            raise RecipeError(f"{source}: {path}.{name} is not a field of {cls.__name__}{nearest}")
        values[name] = _convert(value, hints[name], f"{path}.{name}", source)
    for name, f in fields.items():
        if f.default is dataclasses.MISSING and name not in values:
            raise RecipeError(f"{source}: {path}.{name} must be given for {cls.__name__}")
    try:
        return cls(**values)
    except ValueError as error:
        field = str(error).removeprefix(f"{cls.__name__}.")
        raise RecipeError(f"{source}: {path}.{field}") from error


def _convert(value: Any, hint: Any, path: str, source: str) -> Any:
    def wrong(expected: str) -> RecipeError:
        return RecipeError(f"{source}: {path} must be {expected}, got {value!r}")

    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    is_union = origin in (types.UnionType, typing.Union)
    if is_union and int not in parts and not is_shape(hint) and not is_numbers(hint):
        kinds = tuple(kind for kind in parts if kind not in (float, types.NoneType))
        if (isinstance(value, dict) and kinds) or kinds == parts:
            return _build(kinds, value, path, source)
        if type(value) not in (int, float):
            raise wrong("a number or a table" if kinds else "a number")
        return float(value)
    return field_value(value, hint, wrong)


def _suggest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
