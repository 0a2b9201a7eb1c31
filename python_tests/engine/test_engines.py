"""Layered networks by every engine: the same spikes, and what was done to get them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Layered
from graph_cases import events
from hypothesis import given, settings
from strategies import Case, build_network, cases

import strsbp_rs as sr


def synaptic_events(net: sr.Network, spikes: list[np.ndarray[Any, Any]]) -> int:
    """Synapses that the recorded spikes, (n_samples, n_steps, n) each, arrive through in time."""
    graph = net.to_graph()
    total = 0
    for projection in graph.projections:
        # Population 0 is the input, and layer l population l + 1.
        fired = spikes[projection.pre.index]
        for synapse in graph.synapses(projection):
            steps = round(float(synapse["delay"]) / net.dt)
            in_time = max(fired.shape[1] - 1 - steps, 0)
            total += int(fired[:, :in_time, synapse["pre"]].sum())
    return total


def test_event_engine_gives_the_clocked_spikes() -> None:
    """Dense, recurrent, masks, delays of groups and synapses, lateral inhibition; float64."""
    seen = {"cases": 0, "without ties": 0, "spikes": 0}

    @settings(max_examples=120)
    @given(case=cases(max_side=6, max_steps=100))
    def check(case: Case) -> None:
        net = build_network(case, "float64")
        clocked, event = (net.run(case.rasters, engine=engine) for engine in ("clocked", "event"))
        assert (clocked.engine, event.engine) == ("clocked", "event")
        done, by_clock = event.operations, clocked.operations
        assert done is not None and by_clock is not None
        seen["cases"] += 1
        if done.near_ties > 0:
            return
        seen["without ties"] += 1
        seen["spikes"] += done.spikes
        assert event.spikes == clocked.spikes
        np.testing.assert_array_equal(event.counts, clocked.counts)
        for engine in ("event", "auto"):
            counts = net.spike_counts(case.rasters, engine=engine, n_threads=2)
            np.testing.assert_array_equal(counts, clocked.counts)
            prediction = net.predict(case.rasters, engine=engine)
            np.testing.assert_array_equal(prediction, clocked.counts.argmax(axis=1))
        # What was done is what the spikes imply.
        spikes = [trains.to_dense() for trains in clocked.spikes]
        for operations in (done, by_clock):
            assert operations.input_events == case.rasters.sum()
            assert operations.spikes == sum(int(raster.sum()) for raster in spikes[1:])
            assert operations.synaptic_events == synaptic_events(net, spikes)
        n_samples, n_steps, _ = case.rasters.shape
        n_neurons = sum(layer.n for layer in net.layers)
        assert by_clock.state_updates == n_samples * (n_steps - 1) * n_neurons
        assert done.state_updates <= by_clock.state_updates
        assert by_clock.near_ties == 0

    check()
    assert seen["without ties"] > 0.9 * seen["cases"] and seen["spikes"] > 10_000, seen


def test_counts_and_predictions_are_those_of_the_spikes(small: Any, layered: Layered) -> None:
    make_network, encoder, x, _ = small
    held = layered.holds(make_network())
    counts = held.spikes(x, encoder=encoder, seed=4)[-1].counts()
    assert counts.sum() > 0
    np.testing.assert_array_equal(held.spike_counts(x, encoder=encoder, seed=4), counts)
    predictions = held.predict(x, encoder=encoder, seed=4)
    np.testing.assert_array_equal(predictions, counts.argmax(axis=1))


def test_runs_that_only_count_tell_what_was_done(small: Any, layered: Layered) -> None:
    """As a recording of all spikes does."""
    make_network, encoder, x, _ = small
    held = layered.holds(make_network())
    recording = held.run(x, encoder=encoder)
    counted = held.run(x, encoder=encoder, record_spikes=False)
    assert counted.spikes == [] and len(recording.spikes) == 4
    assert (counted.engine, counted.operations) == (recording.engine, recording.operations)
    assert counted.operations.synaptic_events > counted.operations.spikes > 0
    assert counted.operations.spikes == sum(trains.n_spikes for trains in recording.spikes[1:])
    assert counted.overflows == recording.overflows
    np.testing.assert_array_equal(counted.counts, recording.counts)
    np.testing.assert_array_equal(held.spike_counts(x, encoder=encoder), counted.counts)
    np.testing.assert_array_equal(held.predict(x, encoder=encoder), counted.counts.argmax(axis=1))


@settings(max_examples=20)
@given(case=cases(max_side=6))
def test_simulator_of_a_network_is_the_network(case: Case) -> None:
    """A sample pushed as events, all layers recorded, against `Network.run`."""
    net = build_network(case, "float64")
    expected = net.run(case.rasters)
    sizes = [layer.n for layer in net.layers]
    ends = np.cumsum([0, *sizes])
    for sample, raster in enumerate(case.rasters):
        t, x = np.nonzero(raster)
        for engine in ("clocked", "event", "auto"):
            simulator = sr.Simulator(net, engine=engine, record=range(len(sizes)))
            simulator.push(events(t, x))
            spikes = simulator.advance(len(raster))
            for layer, trains in enumerate(expected.spikes[1:]):
                found = np.zeros((len(raster), sizes[layer]), dtype=np.bool_)
                of_layer = (spikes["x"] >= ends[layer]) & (spikes["x"] < ends[layer + 1])
                found[spikes["t"][of_layer], spikes["x"][of_layer] - ends[layer]] = True
                np.testing.assert_array_equal(found, trains.to_dense()[sample])


@settings(max_examples=20)
@given(case=cases(max_side=6))
def test_traces_do_not_depend_on_the_engine(case: Case) -> None:
    net = build_network(case, "float64")
    chosen = {layer: range(spec.n) for layer, spec in enumerate(case.specs)}
    clocked, event = (
        net.run(case.rasters, engine=engine, record_traces=chosen)
        for engine in ("clocked", "event")
    )
    for layer in chosen:
        np.testing.assert_array_equal(event.potential[layer], clocked.potential[layer])
        np.testing.assert_array_equal(event.current[layer], clocked.current[layer])


def test_float32_engines_differ_at_near_ties_only(wide: Any) -> None:
    make_network, encoder, x, _ = wide
    net = make_network()
    for sample in x:
        clocked, event = (
            net.run(sample[None], encoder=encoder, engine=engine) for engine in ("clocked", "event")
        )
        assert clocked.operations.spikes > 100
        if event.operations.near_ties == 0:
            assert event.spikes == clocked.spikes


def test_result_does_not_depend_on_threads(wide: Any, layered: Layered) -> None:
    make_network, encoder, x, _ = wide
    held = layered.holds(make_network())
    first, *others = (held.spike_counts(x[:7], encoder=encoder, n_threads=n) for n in (1, 2, 5))
    assert first.sum() > 0
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_samples_do_not_see_each_other(small: Any, layered: Layered) -> None:
    make_network, encoder, x, _ = small
    held = layered.holds(make_network())
    trains = held.spikes(x, encoder=encoder)
    for sample in (0, 7, 59):
        alone = held.spikes(trains[0][sample : sample + 1])
        np.testing.assert_array_equal(alone[-1].to_dense()[0], trains[-1].to_dense()[sample])
        np.testing.assert_array_equal(alone[1].to_dense()[0], trains[1].to_dense()[sample])


def test_sparse_input_takes_few_updates() -> None:
    """One spike in a thousand steps onto a hundred neurons that it does not fire."""
    net = sr.Network(1, [sr.Dense(100, v_th=1e3)], dtype="float64")
    raster = np.zeros((1, 1000, 1), dtype=np.bool_)
    raster[0, 500] = True
    updates = {
        engine: net.run(raster, engine=engine).operations.state_updates
        for engine in ("clocked", "event", "continuous")
    }
    assert updates == {"clocked": 999 * 100, "event": 100, "continuous": 100}


def test_auto_takes_the_faster_engine(rng: np.random.Generator) -> None:
    layers = [sr.Dense(400, init=sr.Uniform(-0.1, 0.2)) for _ in range(3)]
    net = sr.Network(500, layers, dtype="float64", seed=1)
    silent = np.zeros((2, 400, 500), dtype=np.bool_)
    silent[:, 100, 3] = True
    busy = rng.random((2, 400, 500)) < 0.05
    for raster, engine in [(silent, "event"), (busy, "clocked")]:
        recording = net.run(raster, engine="auto")
        assert recording.engine == engine
        assert recording.spikes == net.run(raster, engine="clocked").spikes
    # The first sample decides for all.
    assert net.run(np.stack([silent[0], busy[0]]), engine="auto").engine == "event"


@pytest.mark.parametrize("method", ["run", "spike_counts", "predict"])
@pytest.mark.parametrize("engine", ["Event", "", None, 3])
def test_unknown_engine(small: Any, method: str, engine: Any) -> None:
    make_network, encoder, x, _ = small
    message = r"engine must be one of \['clocked', 'event', 'continuous', 'auto'\], got"
    error = ValueError if isinstance(engine, str) else TypeError
    with pytest.raises(error, match=message):
        getattr(make_network(), method)(x, encoder=encoder, engine=engine)
    with pytest.raises(error, match=message):
        sr.Simulator(make_network(), engine=engine)
    with pytest.raises(error, match=message):
        sr.Trainer(make_network(), encoder=encoder, engine=engine)
