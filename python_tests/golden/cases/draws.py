"""What is drawn from seeds: weights, masks, delays, encoded spikes, connections of graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden import build as b
from golden import inputs
from golden.cases import samples
from golden.digest import of_floats, of_integers, of_spikes
from golden.registry import Entries, case


def _net(init: Any, dtype: str, **options: Any) -> Any:
    layers = [b.dense(9, init=init), b.recurrent(8, init=init, recurrent_init=init, **options)]
    return b.network(7, layers, dtype=dtype, seed=11)


def _weights(inits: dict[str, Any]) -> Entries:
    for name, init in inits.items():
        for dtype in b.FLOATS:
            yield f"{name}/{dtype}", of_floats(b.weights(_net(init, dtype)))


@case("draws/weights")
def weights(n_threads: int) -> Entries:
    yield from _weights(
        {
            "uniform": b.Uniform(-0.25, 0.75),
            "constant": b.ConstantInit(0.375),
            "kaiming": b.KaimingUniform(1.5),
        }
    )
    for seed in (0, 1, 2**63 - 1):
        net = b.network(5, [b.dense(4, init=b.Uniform())], seed=seed)
        yield f"seed/{seed}", of_floats(b.weights(net))


@case("draws/normal", "libm")
def normal(n_threads: int) -> Entries:
    yield from _weights({"normal": b.Normal(0.25, 0.5)})


@case("draws/firing", "numpy")
def firing(n_threads: int) -> Entries:
    """Widths that suit a layer, and the learning rate that does."""
    yield from _weights({"firing": b.Firing(), "options": b.Firing(0.25, within=30.0, drive=2.0)})
    layers = [b.dense(6), b.recurrent(5, tau_m=8.0, discretisation="exact"), b.dense(2)]
    net = b.network(7, layers, seed=1)
    yield "defaults", of_floats(b.weights(net))
    yield "learning_rate", of_floats(b.trainer(net).config["optimizer"]["lr"])


def _masks(kinds: dict[str, Any]) -> Entries:
    for name, mask in kinds.items():
        layer = b.recurrent(60, mask=mask, init=b.Uniform(), recurrent_init=b.Uniform())
        net = b.network(3, [layer], seed=12)
        yield name, of_integers(b.masks(net), b.weights(net))


@case("draws/masks")
def masks(n_threads: int) -> Entries:
    kinds = {
        "all": b.AllToAll(),
        "all_looped": b.AllToAll(self_loops=True),
        "sparse": b.Sparse(0.25),
        "sparse_looped": b.Sparse(0.25, self_loops=True),
    }
    yield from _masks(kinds)


@case("draws/reservoir")
def reservoir(n_threads: int) -> Entries:
    yield from _masks(
        {
            "plain": b.Reservoir((5, 4, 3)),
            "looped": b.Reservoir((3, 4, 5), self_loops=True),
        }
    )


@case("draws/delays")
def delays(n_threads: int) -> Entries:
    for mask in (b.AllToAll(), b.Sparse(0.5)):
        options = {"delay": b.UniformDelay(1, 5), "recurrent_delay": b.UniformDelay(0, 300)}
        net = _net(b.Uniform(), "float32", mask=mask, **options)
        yield mask.kind, of_floats(b.delays(net), b.weights(net))


@case("draws/encoder", threads=True)
def encoder(n_threads: int) -> Entries:
    net = samples.plain()
    x = samples.pixels(6)
    forms = {
        "uint8": x,
        "float32": (x / 256).astype(np.float32),
        "float64": inputs.fractions(8, (6, samples.N_IN)),
        "images": x.reshape(6, 3, 4),
        "extremes": np.where(x > 128, 255, 0).astype(np.uint8),
    }
    for name, values in forms.items():
        for rate in (1.0, 0.25):
            coder = b.BernoulliEncoder(37, rate)
            run = b.record(net, values, encoder=coder, seed=13, n_threads=n_threads)
            yield f"{name}/{rate:g}", of_spikes(run.spikes)
    for seed in (0, 2**63 - 1):
        coder = b.BernoulliEncoder(300, 0.125)
        run = b.record(net, x, encoder=coder, seed=seed, n_threads=n_threads)
        yield f"seed/{seed}", of_spikes(run.spikes)


WEIGHTS = {
    "constant": 1.5,
    "uniform": b.Uniform(-1.0, 2.0),
    "kaiming": b.KaimingUniform(2.0),
}
DELAYS: dict[str, Any] = {"one": 2.0, "drawn": b.UniformDelay(0.5, 20.0)}


def _connected(rule: Any, weight: Any, delay: Any, dtype: str) -> Any:
    graph = b.graph(dt=0.5, dtype=dtype, seed=14)
    inputs_, a = b.add_input(graph, 15), b.add_population(graph, 15)
    b.connect(graph, inputs_, a, rule, weight=weight, delay=delay)
    # The second projection of the same kind draws other numbers.
    b.connect(graph, a, a, rule, weight=weight, delay=delay)
    return graph


RULES = {
    "all_to_all": b.AllToAll(),
    "one_to_one": b.OneToOne(),
    "out_degree": b.FixedOutDegree(4),
    "out_degree_looped": b.FixedOutDegree(4, self_loops=True),
    "in_degree": b.FixedInDegree(4),
    "in_degree_looped": b.FixedInDegree(4, self_loops=True),
    "probability": b.FixedProbability(0.25),
    "probability_looped": b.FixedProbability(0.25, self_loops=True),
    "probability_certain": b.FixedProbability(1.0),
    "convolution": b.Convolution((3, 1, 5), 3, (1, 3), padding=(0, 1)),
}


def _rules(rules: dict[str, Any], weights: dict[str, Any]) -> Entries:
    for name, rule in rules.items():
        for drawn, weight in weights.items():
            for dtype in b.FLOATS:
                for when, delay in DELAYS.items():
                    graph = _connected(rule, weight, delay, dtype)
                    yield f"{name}/{drawn}/{when}/{dtype}", of_floats(b.synapses(graph))


@case("draws/rules")
def rules(n_threads: int) -> Entries:
    yield from _rules(RULES, WEIGHTS)


@case("draws/networks")
def networks(n_threads: int) -> Entries:
    """Layered networks as graphs: projections and synapses in their order."""
    for name, make in {"recurrent": samples.recurrent, "constants": samples.constants}.items():
        for dtype in b.FLOATS:
            graph = b.graph_of(make(dtype=dtype))
            sizes = [population.n for population in graph.populations]
            yield f"{name}/{dtype}", of_floats(b.synapses(graph), sizes)


@case("draws/normal_rules", "libm")
def normal_rules(n_threads: int) -> Entries:
    yield from _rules({"in_degree": b.FixedInDegree(4)}, {"normal": b.Normal(0.5, 2.0)})
