"""Graphs: what rules draw, what comes back, and nonsense."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Case, build_network, cases

import strsbp_rs as sr

DELAYS = [2.0, sr.UniformDelay(0, 3)]
"""One for all synapses, and one drawn for each: they are stored in different ways."""


def connect(
    n_pre: int, n_post: int | None, rule: Any, seed: int = 0, **options: Any
) -> np.ndarray[Any, Any]:
    """Synapses between two populations; within one if `n_post` is None."""
    graph = sr.Graph(seed=seed, dtype="float64")
    if n_post is None:
        pre = post = graph.add_population(n_pre)
    else:
        pre, post = graph.add_input(n_pre), graph.add_population(n_post)
    options = {"weight": sr.Uniform(0.5, 1.0), **options}
    return graph.synapses(graph.connect(pre, post, rule, **options))


def pairs(synapses: np.ndarray[Any, Any]) -> set[tuple[int, int]]:
    """Pairs of neurons, none of which may be there twice."""
    found = list(zip(synapses["pre"].tolist(), synapses["post"].tolist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


# Rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("self_loops", [False, True])
def test_all_to_all(delay: Any, self_loops: bool) -> None:
    """Only neurons of one population have themselves to leave out."""
    rule = sr.AllToAll(self_loops=self_loops)
    everyone = {(j, i) for j in range(23) for i in range(23)}
    assert pairs(connect(23, 23, rule, delay=delay)) == everyone
    expected = everyone if self_loops else {(j, i) for j, i in everyone if j != i}
    assert pairs(connect(23, None, rule, delay=delay)) == expected
    assert len(pairs(connect(5, 31, rule, delay=delay))) == 155


@pytest.mark.parametrize("delay", DELAYS)
def test_one_to_one(delay: Any) -> None:
    assert pairs(connect(40, 40, sr.OneToOne(), delay=delay)) == {(i, i) for i in range(40)}


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("n", [0, 1, 7, 33, 48])
def test_degrees_are_exact(delay: Any, self_loops: bool, n: int) -> None:
    within = 49 if self_loops is False else 48
    out = connect(60, 48, sr.FixedOutDegree(n), delay=delay)
    assert np.bincount(out["pre"], minlength=60).tolist() == [n] * 60
    assert len(pairs(out)) == 60 * n
    into = connect(48, 60, sr.FixedInDegree(n), delay=delay)
    assert np.bincount(into["post"], minlength=60).tolist() == [n] * 60
    assert len(pairs(into)) == 60 * n
    for rule, end in [(sr.FixedOutDegree, "pre"), (sr.FixedInDegree, "post")]:
        own = connect(within, None, rule(n, self_loops=self_loops), delay=delay)
        assert np.bincount(own[end], minlength=within).tolist() == [n] * within
        loops = {(i, i) for i in range(within)} & pairs(own)
        assert self_loops or not loops
        assert n < 48 or len(loops) == (48 if self_loops else 0)


@pytest.mark.parametrize("rule", [sr.FixedOutDegree(20), sr.FixedInDegree(20)])
def test_every_partner_is_as_likely(rule: Any) -> None:
    """Of the other end: each of 50 in 20/50 of 2000 draws, within five standard deviations."""
    sizes = (2000, 50) if isinstance(rule, sr.FixedOutDegree) else (50, 2000)
    end = "post" if isinstance(rule, sr.FixedOutDegree) else "pre"
    counts = np.bincount(connect(*sizes, rule)[end], minlength=50)
    assert counts.sum() == 40_000
    assert np.abs(counts - 800).max() < 5 * np.sqrt(2000 * 0.4 * 0.6)


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("probability", [0.001, 0.1, 0.5, 0.97])
@pytest.mark.parametrize("self_loops", [False, True])
def test_probability(delay: Any, probability: float, self_loops: bool) -> None:
    """The number of synapses within four standard deviations of a binomial; rows likewise."""
    rule = sr.FixedProbability(probability, self_loops=self_loops)
    synapses = connect(400, None, rule, delay=delay)
    n = 400 * (400 if self_loops else 399)
    sigma = np.sqrt(n * probability * (1 - probability))
    assert abs(len(pairs(synapses)) - n * probability) < 4 * sigma
    if not self_loops:
        assert not np.any(synapses["pre"] == synapses["post"])
    # Early and late targets, sources, and the diagonal: none is preferred.
    for end in ("pre", "post"):
        early = int((synapses[end] < 200).sum())
        assert abs(early - n / 2 * probability) < 4 * sigma
    if self_loops and probability == 0.5:
        assert abs(int((synapses["pre"] == synapses["post"]).sum()) - 200) < 4 * 10


def test_certain_connections() -> None:
    assert len(pairs(connect(30, 40, sr.FixedProbability(1.0)))) == 1200
    assert len(pairs(connect(30, None, sr.FixedProbability(1.0)))) == 870


def test_drawn_delays_and_weights() -> None:
    """Every delay as likely, weights in their range, and independent of each other."""
    rule, delay = sr.FixedProbability(0.5), sr.UniformDelay(1, 4)
    synapses = connect(200, 200, rule, delay=delay, weight=sr.Uniform(-1.0, 3.0))
    n = len(synapses)
    counts = np.bincount(synapses["delay"].astype(int), minlength=6)
    assert counts[[0, 5]].tolist() == [0, 0]
    assert np.abs(counts[1:5] - n / 4).max() < 4 * np.sqrt(n * 3 / 16)
    weight = synapses["weight"]
    assert weight.min() >= -1.0 and weight.max() <= 3.0
    assert abs(weight.mean() - 1.0) < 4 * np.sqrt(16 / 12 / n)
    assert abs(np.corrcoef(weight, synapses["delay"])[0, 1]) < 4 / np.sqrt(n)


RULES = {
    "all": sr.AllToAll(),
    "probability": sr.FixedProbability(0.3),
    "out": sr.FixedOutDegree(7),
    "in": sr.FixedInDegree(7),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("delay", DELAYS)
def test_seeds(rule: Any, delay: Any) -> None:
    first, same, other = (connect(50, None, rule, seed, delay=delay) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first["weight"], other["weight"])
    # Projections of one graph are not copies of each other.
    graph = sr.Graph(seed=1, dtype="float64")
    population = graph.add_population(50)
    twice = [
        graph.synapses(
            graph.connect(population, population, rule, weight=sr.Uniform(0.5, 1.0), delay=delay)
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(twice[0], first)
    assert not np.array_equal(twice[1]["weight"], first["weight"])


PROGRAM = """
import hashlib
import strsbp_rs as sr

graph = sr.Graph(seed=5)
neurons = graph.add_population(3000)
for rule in (sr.FixedProbability(0.02), sr.FixedOutDegree(30), sr.FixedInDegree(30)):
    for delay in (1.0, sr.UniformDelay(0, 5)):
        drawn = graph.connect(neurons, neurons, rule, weight=sr.Normal(), delay=delay)
        print(hashlib.sha256(graph.synapses(drawn).tobytes()).hexdigest())
"""


def test_drawn_synapses_do_not_depend_on_threads() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "RAYON_NUM_THREADS": n_threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for n_threads in ("1", "2")
    ]
    assert said[0] == said[1] and len(set(said[0].split())) == 6


# Explicit pairs and networks -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_delays", [1, 2, 256, 257, 1000])
@settings(max_examples=10)
@given(data=st.data())
def test_explicit_pairs_come_back(dtype: str, n_delays: int, data: st.DataObject) -> None:
    """In whatever order, with repeated pairs, and delays that are no whole steps."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    n_pre, n_post, n = (data.draw(st.integers(1, 30)) for _ in range(3))
    n *= 40
    graph = sr.Graph(dtype=dtype)
    pre, post = graph.add_input(n_pre), graph.add_population(n_post)
    given = np.empty(n, dtype=[("pre", "u4"), ("post", "u4"), ("weight", dtype), ("delay", "f8")])
    given["pre"], given["post"] = rng.integers(0, n_pre, n), rng.integers(0, n_post, n)
    given["weight"], given["delay"] = rng.normal(size=n), rng.choice(rng.random(n_delays), n)
    projection = graph.connect(
        pre, post, (given["pre"], given["post"]), weight=given["weight"], delay=given["delay"]
    )
    assert projection.n_synapses == graph.n_synapses == n
    order = ["pre", "post", "weight", "delay"]
    np.testing.assert_array_equal(
        np.sort(graph.synapses(projection), order=order), np.sort(given, order=order)
    )


def test_one_weight_and_delay_for_explicit_pairs() -> None:
    synapses = connect(4, 4, ([3, 1], [0, 2]), weight=0.25, delay=1.5)
    assert synapses.tolist() == [(1, 2, 0.25, 1.5), (3, 0, 0.25, 1.5)]
    assert len(connect(4, 4, ([], []), weight=[], delay=[])) == 0
    assert len(connect(4, 4, ([], []), weight=1.0)) == 0


@given(case=cases(max_side=5))
def test_graph_of_a_network(case: Case) -> None:
    """Weights and delays of every synapse there is, those of lateral inhibition among them."""
    net = build_network(case, "float64")
    graph = net.to_graph()
    names = ["input", *(f"layer {layer}" for layer in range(len(net.layers)))]
    assert [population.name for population in graph.populations] == names
    assert [p.n for p in graph.populations] == [net.n_in, *(layer.n for layer in net.layers)]
    assert (graph.n_inputs, graph.n_neurons) == (net.n_in, sum(layer.n for layer in net.layers))
    assert (graph.dt, graph.dtype) == (net.dt, net.dtype)
    found: dict[tuple[int, int], dict[tuple[int, int], tuple[float, float]]] = {}
    for projection in graph.projections:
        synapses = graph.synapses(projection)
        pairs(synapses)
        # A weight of 0 does nothing, whether kept or not.
        found[projection.pre.index, projection.post.index] = {
            (s["pre"], s["post"]): (s["weight"], s["delay"]) for s in synapses if s["weight"]
        }
    expected: dict[tuple[int, int], dict[tuple[int, int], tuple[float, float]]] = {}
    for at, (layer, weights, delays) in enumerate(
        zip(net.layers, net.weights, net.delays, strict=True), start=1
    ):
        groups = [(at - 1, weights["weight"], delays["delay"])]
        if "recurrent_weight" in weights:
            groups.append((at, weights["recurrent_weight"], delays["recurrent_delay"]))
        elif layer.lateral_inhibition > 0:
            lateral = -layer.lateral_inhibition * (1 - np.eye(layer.n))
            groups.append((at, lateral, np.zeros((layer.n, layer.n))))
        for pre, weight, delay in groups:
            expected[pre, at] = {
                (j, i): (weight[i, j], delay[i, j])
                for i, j in zip(*np.nonzero(weight), strict=True)
            }
    assert found == expected


def test_a_simulator_keeps_the_graph_it_was_made_of() -> None:
    graph = sr.Graph(dtype="float64")
    source, target = graph.add_input(1), graph.add_population(1, sr.LIF(v_th=0.1))
    simulator = sr.Simulator(graph, engine="event")
    graph.connect(source, target, weight=5.0)
    event = np.array([(0, 0)], dtype=[("t", "i8"), ("x", "i8")])
    simulator.push(event)
    assert len(simulator.advance(50)) == 0
    simulator = sr.Simulator(graph, engine="event")
    simulator.push(event)
    assert len(simulator.advance(50)) > 0


def test_building_takes_linear_work() -> None:
    """Hundreds of populations and projections; each is made once."""

    def calls(n: int) -> int:
        """Of functions, Python's and C's, that building a chain takes."""
        n_calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal n_calls
            n_calls += event in ("call", "c_call")

        graph = sr.Graph()
        source = graph.add_input(1)
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            for _ in range(n):
                target = graph.add_population(1)
                graph.connect(source, target)
                source = target
        finally:
            sys.setprofile(before)
        assert len(graph.populations) == n + 1 and graph.projections[-1].post is source
        return n_calls

    assert calls(800) < 4.1 * calls(200)


def test_lists_of_a_graph_are_copies() -> None:
    graph = sr.Graph()
    graph.connect(graph.add_input(2), graph.add_population(3))
    graph.populations.clear()
    graph.projections.clear()
    assert [population.index for population in graph.populations] == [0, 1]
    assert [projection.n_synapses for projection in graph.projections] == [6]


def test_repr_names_everything() -> None:
    graph = sr.Graph(dt=0.5)
    graph.connect(graph.add_input(1200, name="eye"), graph.add_population(3, name="brain"))
    said = repr(graph)
    assert said.splitlines() == [
        "Graph of 1,200 inputs, 3 neurons, 3,600 synapses, dt 0.5 ms, float32",
        "  0: eye, 1,200 inputs",
        "  1: brain, 3 neurons",
        "  eye -> brain: 3,600 synapses",
    ]
