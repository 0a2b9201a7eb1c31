"""Calls every public callable with odd values, one argument at a time.

Run as a program: python odd_values.py NAME calls the callable of that name, under a limit of memory
and, for each call, of processor time. It prints what it must not have done, and exits with 0 if
that is nothing.
"""

from __future__ import annotations

import enum
import inspect
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import memory_cases
import numpy as np

import strsbp_rs as sr
from strsbp_rs import _strsbp_rs as core

ODD: list[Any] = [
    *(None, True, ..., object(), object, lambda *_: None),
    *(-1, 0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), 10**400),
    *(1.5, -1.0, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 1j),
    *("", "\0", "nothing", "x" * 5000, "\ud800", b"", b"nothing", bytearray(9)),
    *([], [None], [[]], [1, [2]], (), (1, 2, 3), {}, {"": 0}, {"kind": "nothing"}, set(), range(3)),
    *(np.float32("nan"), np.int8(-1), np.uint64(2**64 - 1), np.bool_(True), np.datetime64("2020")),
    *(np.array(3), np.array([]), np.zeros((0, 0)), np.zeros((2, 3, 4)), np.zeros((1,) * 9)),
    *(np.array([None]), np.array(["a"]), np.full((2, 3), np.nan), np.array([1e400, -1.0])),
    np.full((3, 2, 2), 2**63, np.uint64),
    np.full((3, 2, 2), -1, np.int8),
    np.array([(1, 2)], [("t", "i8"), ("x", "i8")]),
    np.array([(-1, 2**63)], [("t", "i8"), ("x", "u8")]),
    np.ma.masked_array([1, 2], [True, False]),
    np.ndarray((2, 3), np.float32, buffer=bytearray(25), offset=1),
]

ALLOWED = (TypeError, ValueError, OSError, MemoryError, OverflowError)

INNARDS = re.compile(
    r"invalid type|invalid value: |missing field|unknown (field|variant)|did not match any variant"
    r"|at line \d+ column|unsupported type|_core\b|_strsbp_rs|[A-Za-z]Core\b|\.rs:\d|panic"
)
"""What messages must not say: words of the deserialiser, names of what is private."""

SIGNATURE = re.compile(r"takes .*arguments?\b|(positional|keyword) argument")
"""What Python says of too many arguments, with the full name of what is called."""

LONG = re.compile(r"\.fit\(epochs|\.advance\(|psp_table\(n_steps|post_coupling\(n_steps|\.stretch")
"""Calls that may take as long as they are asked to, and can be interrupted."""

SECONDS = 10.0
"""Of processor time that a call may take."""

PATIENCE = 0.3
"""Of processor time after which a call that may take longer is interrupted."""


class TooLongError(BaseException):
    """A call took too long."""


def network() -> sr.Network:
    return sr.Network(2, [sr.Recurrent(3, v_th=1.0), sr.Dense(2, v_th=1.0)], seed=1)


def trains(n_neurons: int = 2) -> sr.SpikeTrains:
    return sr.SpikeTrains.from_dense(np.ones((3, 5, n_neurons), bool))


def graph() -> sr.Graph:
    made = sr.Graph(seed=1)
    made.connect(made.add_input(2), made.add_population(3), weight=1.0)
    return made


def trainer() -> sr.Trainer:
    return sr.Trainer(network(), n_threads=1, encoder=sr.BernoulliEncoder(n_steps=5))


X = np.full((3, 2), 0.5)
Y = np.array([0, 1, 0])
EVENTS = np.array([(0, 0), (1, 1)], [("t", "i8"), ("x", "i8")])
LIF = {"tau_m": 64.0, "tau_s": 8.0, "t_ref": 2.0}
SPIKES = [trains(2), trains(3), trains(2)]

MADE: dict[str, Callable[[], Any]] = {
    "Network": network,
    "SpikeTrains": trains,
    "Graph": graph,
    "Trainer": trainer,
    "Simulator": lambda: sr.Simulator(graph(), engine="event"),
    "FixedNetwork": lambda: network().to_fixed("cortex_m"),
    "BernoulliEncoder": lambda: sr.BernoulliEncoder(n_steps=5),
    "RegularEncoder": lambda: sr.RegularEncoder(n_steps=5),
    "EncoderStream": lambda: sr.EncoderStream(sr.RegularEncoder(hold=1), 2),
    "FrontEnd": lambda: sr.audio.LyonEar(8000),
    "Format": lambda: sr.fixed.cortex_m_format(
        current_decay=sr.fixed.Shift(3), membrane_decay=sr.fixed.Shift(3), v_th=9
    ),
}
"""An object of a class whose methods are called."""

GIVEN: dict[str, dict[str, Any]] = {
    "Network": {"n_in": 2, "layers": [sr.Dense(3)]},
    "Trainer": {"network": network(), "n_threads": 1},
    "Simulator": {"network": graph()},
    "Recurrent": {"n": 3},
    "Dense": {"n": 3},
    "Conv2d": {"channels": 3, "kernel": 3},
    "Conv1d": {"channels": 3, "kernel": 3},
    "AvgPool2d": {"kernel": 3},
    "AvgPool1d": {"kernel": 3},
    "MaxPool2d": {"kernel": 3},
    "MaxPool1d": {"kernel": 3},
    "Convolution": {"in_shape": (2, 9, 8), "channels": 3, "kernel": 3},
    "FixedInDegree": {"n": 1},
    "FixedOutDegree": {"n": 1},
    "FixedProbability": {"probability": 0.5},
    "Reservoir": {"shape": (1, 2, 3)},
    "BernoulliEncoder": {"n_steps": 5},
    "RegularEncoder": {"n_steps": 5},
    "EncoderStream": {"encoder": sr.RegularEncoder(hold=1), "n_features": 2},
    "EncoderStream.encode": {"frames": X},
    "encode": {"x": X, "encoder": sr.RegularEncoder(n_steps=5)},
    "audio.LyonEar": {"sample_rate": 8000},
    "audio.LogMel": {"sample_rate": 8000},
    "audio.Stream": {"front_end": sr.audio.LogMel(8000)},
    "audio.Cache": {"folder": "cache"},
    **{
        f"audio.{name}.many": {"recordings": [np.full(3, 0.5)], "progress": False}
        for name in ("LyonEar", "LogMel", "HeidelbergCochlea")
    },
    "audio.resample": {"samples": np.full(3, 0.5), "sample_rate": 8000, "to_rate": 16000},
    "BestCheckpoint": {"path": "best"},
    "CSVLogger": {"path": "log"},
    "SpikeTrains.from_dense": {"raster": np.ones((2, 3, 4), bool)},
    "SpikeTrains.from_counts": {"counts": np.ones((2, 3, 4), int)},
    "SpikeTrains.from_events": {"events": [EVENTS], "n_steps": 5, "n_neurons": 2},
    "SpikeTrains.from_csr": {"indptr": [0, 1, 1], "indices": [0], "shape": (1, 2, 3)},
    "Network.predict": {"x": X, "encoder": sr.BernoulliEncoder(n_steps=5), "n_threads": 1},
    "Network.spike_counts": {"x": X, "encoder": sr.BernoulliEncoder(n_steps=5), "n_threads": 1},
    "Network.run": {"x": X, "encoder": sr.BernoulliEncoder(n_steps=5), "n_threads": 1},
    "Network.to_fixed": {"target": "loihi"},
    "Network.set_weights": {"weights": network().weights},
    "FixedNetwork": {"network": network(), "layers": network().to_fixed("cortex_m").layers},
    "FixedNetwork.spike_counts": {"x": trains(), "n_threads": 1},
    "FixedNetwork.predict": {"x": trains(), "n_threads": 1},
    "FixedNetwork.evaluate": {"x": trains(), "y": Y, "n_threads": 1},
    "Network.evaluate": {
        "x": X,
        "y": Y,
        "encoder": sr.BernoulliEncoder(n_steps=5),
        "n_threads": 1,
    },
    "FixedNetwork.run": {"x": trains(), "n_threads": 1},
    "FixedNetwork.report": {"x": trains(), "n_threads": 1},
    "SpikeAugment.apply": {"spikes": trains()},
    "Trainer.fit": {"x": X, "y": Y, "epochs": 1, "progress": False},
    "Trainer.evaluate": {"x": X, "y": Y},
    "Trainer.gradients": {"x": X, "y": Y},
    "Trainer.step": {"spikes": SPIKES, "y": Y},
    "gradients_from_spikes": {"network": network(), "spikes": SPIKES, "y": Y},
    "Graph.add_population": {"n": 3},
    "Simulator.push": {"events": EVENTS},
    "Simulator.set_state": {"state": MADE["Simulator"]().state()},
    "psp_table": {**LIF, "n_steps": 9},
    "post_coupling": {"kind": "closed_form", **LIF, "n_steps": 9},
    "s_psp": {"pre": trains(), "post": trains(), **LIF},
    "van_rossum": {"a": trains(), "b": trains(), "tau": 5.0},
    "fixed.loihi_format": {"du": 1, "dv": 1, "v_th": 9},
    "fixed.xylo_format": {"dash_syn": 3, "dash_mem": 3, "v_th": 9},
    "fixed.loihi_weights": {"weights": [1, -2]},
    "fixed.xylo_weights": {"weights": [1, -2]},
    "fixed.qformat_format": {"tau_m": 9.0, "tau_s": 3.0, "v_th": 9},
}
"""Arguments that are right, while one of them is replaced."""

NOT_CALLED = re.compile(r"^plot$|Warning$|^TensorBoard|\.on_")
"""Warnings, which anyone may make of anything, modules that draw, and what only trainers call."""


def public() -> dict[str, Callable[..., Any]]:
    """Every callable that users see, by name: functions, classes and their methods."""
    found: dict[str, Callable[..., Any]] = {}
    for prefix, module in (("", sr), ("fixed.", sr.fixed), ("audio.", sr.audio)):
        for name in module.__all__:
            value = getattr(module, name)
            if NOT_CALLED.search(name) or not callable(value):
                continue
            found[prefix + name] = value
            if inspect.isclass(value) and not issubclass(value, enum.Enum):
                methods = [m for m in dir(value) if not m.startswith("_") or m == "__getitem__"]
                for method in methods:
                    if callable(getattr(value, method)):
                        found[f"{prefix}{name}.{method}"] = getattr(value, method)
    return {name: value for name, value in found.items() if not NOT_CALLED.search(name)}


def private() -> dict[str, Callable[..., Any]]:
    """Every callable of the extension module, which the stub lists."""
    found: dict[str, Callable[..., Any]] = {}
    for name in core.__all__:
        value = getattr(core, name)
        if callable(value):
            found[f"core.{name}"] = value
            for method in vars(value) if inspect.isclass(value) else ():
                if not method.startswith("_") and callable(getattr(value, method)):
                    found[f"core.{name}.{method}"] = getattr(value, method)
    return found


def made(name: str) -> Any:
    """An object of the class that a method belongs to; None of functions and static methods."""
    owner, _, method = name.rpartition(".")
    if name.startswith("core."):
        kind = getattr(core, owner.removeprefix("core."), None)
        if kind is None or isinstance(inspect.getattr_static(kind, method), staticmethod):
            return None
        make = CORES.get(kind.__name__)
        # Without an object, the method is called with odd ones for it.
        return make() if make else None
    module, _, kind_name = owner.rpartition(".")
    kind = getattr(getattr(sr, module) if module else sr, kind_name, None)
    if not inspect.isclass(kind):
        return None
    if isinstance(inspect.getattr_static(kind, method), (classmethod, staticmethod)):
        return None
    make = MADE.get(kind_name)
    if make is None:
        try:
            return kind(**GIVEN.get(owner, {}))
        except (TypeError, ValueError):
            # A record of results: built by hand, of nothing.
            return object.__new__(kind)
    return make()


CORES: dict[str, Callable[[], Any]] = {
    "NetworkCore": lambda: network()._core,
    "SpikeTrainsCore": lambda: trains()._core,
    "TrainerCore": lambda: trainer()._core,
    "FixedNetworkCore": lambda: MADE["FixedNetwork"]()._core,
    "GraphCore": lambda: graph()._core,
    "SimulatorCore": lambda: MADE["Simulator"]()._core,
    "RecordingsCore": lambda: core.RecordingsCore(2, None, False),
}


def calls(
    name: str, parameters: list[inspect.Parameter]
) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """What is replaced, and arguments."""
    given = GIVEN.get(name, {})
    named = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    lacking = [
        p.name
        for p in parameters
        if p.name in named and p.default is p.empty and p.name not in given
    ]
    at_front = [p.name for p in parameters if p.kind == p.POSITIONAL_ONLY]
    for replaced in named or [""]:
        for value in ODD:
            # What is required and has no right value here is as odd.
            values = {
                **given,
                **dict.fromkeys(lacking, value),
                **({replaced: value} if replaced else {}),
            }
            yield replaced, [values.pop(n) for n in at_front if n in values], values
    for value in ODD:
        yield "nothing known", [value], {}


def complaints(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Runs all calls; what each must not have done."""
    owner = made(name)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        # The extension does not tell.
        parameters = []
    if owner is not None:
        parameters = parameters[1:] if parameters and parameters[0].name == "self" else parameters
        function = getattr(owner, name.rpartition(".")[2])
    for replaced, positional, named in calls(name, parameters):
        shown = {
            key: repr(value)[:80]
            for key, value in named.items()
            if key == replaced or name not in GIVEN
        }
        said = f"{name}({replaced}: {[repr(v)[:80] for v in positional]} {shown})"
        signal.setitimer(signal.ITIMER_PROF, PATIENCE if LONG.search(said) else SECONDS)
        try:
            function(*positional, **named)
        except ALLOWED as error:
            is_known = name.startswith("core.") or SIGNATURE.search(str(error))
            if not is_known and INNARDS.search(str(error)):
                yield f"{said}: {type(error).__name__} says {str(error)[:200]!r}"
        except LookupError as error:
            if not name.endswith("__getitem__"):
                yield f"{said}: {type(error).__name__}: {str(error)[:200]}"
        except TooLongError:
            if not LONG.search(said):
                yield f"{said}: took more than {SECONDS} s"
        except BaseException as error:
            yield f"{said}: {type(error).__name__}: {str(error)[:200]}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def interrupt(*_: Any) -> None:
    raise TooLongError


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, interrupt)
    functions = {**public(), **private()}
    memory_cases.set_limit(2**30)
    found = [said for name in names for said in complaints(name, functions[name])]
    print("\n".join(found))
    raise SystemExit(len(found) > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
