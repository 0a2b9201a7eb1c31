"""Whatever is wrong with an argument, the message names it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import odd_values
import pytest

import strsbp_rs as sr
from strsbp_rs import plot
from strsbp_rs.datasets import load_demo


class Odd:
    """What no argument is."""

    def __repr__(self) -> str:
        return "an odd thing"


RECORDING = odd_values.network().run(odd_values.trains(), record_traces={0: [0]})
FUNCTIONS = {
    **odd_values.public(),
    **{f"plot.{name}": getattr(plot, name) for name in plot.__all__},
}
GIVEN: dict[str, dict[str, Any]] = {
    **odd_values.GIVEN,
    "Network.to_fixed": {
        "target": "loihi",
        "calibration": odd_values.X,
        "encoder": sr.BernoulliEncoder(n_steps=5),
    },
    "fixed.cortex_m_format": {
        "current_decay": sr.fixed.Shift(3),
        "membrane_decay": sr.fixed.Shift(3),
        "v_th": 9,
    },
    "fixed.spinnaker_format": {"tau_m": 9.0, "tau_s": 3.0, "v_th": 1.0},
    "fixed.Table.exponential": {"tau": 9.0},
    "plot.raster": {"spikes": odd_values.trains()},
    "plot.rasters": {"recording": RECORDING},
    "plot.rates": {"recording": RECORDING},
    "plot.samples": {"data": load_demo()},
    "plot.traces": {"recording": RECORDING, "layer": 0},
    "plot.weights": {"network": odd_values.network()},
    "plot.weight_histogram": {"network": odd_values.network()},
    "plot.confusion_matrix": {"y": odd_values.Y, "predictions": odd_values.Y},
    "plot.learning_curves": {"history": [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]},
    "fixed.Multiply": {"factor": 9, "bits": 5},
    "fixed.Shift": {"shift": 3},
    "fixed.Table": {"factors": [9, 3], "bits": 5},
}
"""Arguments that are right, while one of them is replaced."""

OTHERWISE = {
    # Python's own words for what is no path.
    **dict.fromkeys(("path", "checkpoint"), "os.PathLike"),
    "SpikeTrains.__getitem__(key)": "sample must be",
    "SpikeTrains(core)": "SpikeTrains are made by",
    # What is calibrated with are samples, as x is everywhere.
    "Network.to_fixed(calibration)": r"\bx\b",
}
"""What messages say in place of the name."""

ANYTHING = {
    *("EarlyStopping(restore_best_weights)", "Trainer.fit(progress)", "Network.to_fixed(progress)"),
    *("plot.rasters(title)", "plot.learning_curves(title)"),
    # A name is anything that can be printed.
    *("Graph.add_population(name)", "Graph.add_input(name)", "History(epochs)"),
    # Read when the stream is.
    "Simulator.stream(chunks)",
}
"""Arguments that anything may be given for: truth values, and what is not looked at."""


def arguments(name: str) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters.values())
    if parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    return [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def cases() -> Iterator[tuple[str, str]]:
    """Functions, classes and methods, and an argument beside which all others are known."""
    for name in FUNCTIONS:
        if name not in GIVEN and not {name, name.rpartition(".")[0]} & set(odd_values.MADE):
            continue
        known = set(GIVEN.get(name, {}))
        needed = {p.name for p in arguments(name) if p.default is p.empty} - known
        for parameter in arguments(name):
            if needed <= {parameter.name} and f"{name}({parameter.name})" not in ANYTHING:
                yield name, parameter.name


@pytest.mark.parametrize(("name", "argument"), list(cases()))
def test_messages_name_the_argument(name: str, argument: str) -> None:
    if name.startswith("plot."):
        pytest.importorskip("matplotlib").use("agg")
    owner, function = odd_values.made(name), FUNCTIONS[name]
    if owner is not None:
        function = getattr(owner, name.rpartition(".")[2])
    said = OTHERWISE.get(f"{name}({argument})", OTHERWISE.get(argument, rf"\b{argument}\b"))
    for odd in (Odd(), -5, float("nan")):
        try:
            function(**{**GIVEN.get(name, {}), argument: odd})
        except (TypeError, ValueError, LookupError) as error:
            assert re.search(said, str(error)), f"of {odd!r}: {error}"
        else:
            assert not isinstance(odd, Odd)


def test_most_are_tried() -> None:
    tried = {f"{name}({argument})" for name, argument in cases()}
    assert len(tried) > 200
    for one in ("Trainer(seed)", "Simulator(record)", "Network(dt)", "fixed.qformat_format(tau_m)"):
        assert one in tried
