"""Initial weights with which layers fire at any number of inputs, rate, steps and depth."""

import numpy as np
import pytest

import strsbp_rs as sr

# Spikes a neuron and step, over all of the sweeps below.
LOW, HIGH = 0.003, 0.3


def poisson(n_samples, n_steps, n_in, rate):
    rng = np.random.default_rng(5)
    return sr.SpikeTrains.from_dense(rng.random((n_samples, n_steps, n_in)) < rate)


def rates(n_in, rate, n_steps, layers, n_samples=6, dt=1.0):
    net = sr.Network(n_in, layers, seed=1, dt=dt)
    recording = net.run(poisson(n_samples, n_steps, n_in, rate), n_threads=2)
    return [train.n_spikes / np.prod(train.shape) for train in recording.spikes[1:]]


@pytest.mark.filterwarnings("error::strsbp_rs.StrsbpWarning")
@pytest.mark.parametrize("discretisation", ["euler", "exact"])
@pytest.mark.parametrize("kind", [sr.Dense, sr.Recurrent])
@pytest.mark.parametrize("n_steps", [20, 100, 1000])
@pytest.mark.parametrize(
    ("n_in", "rate"),
    [(1, 0.1), (10, 0.01), (10, 0.5), (100, 0.001), (10_000, 0.001)],
)
def test_stacks_of_layers_fire(kind, discretisation, n_steps, n_in, rate):
    depth = 6
    within = min(20.0, n_steps / (depth + 1))
    layers = [
        kind(
            40,
            discretisation=discretisation,
            init=sr.Firing(rate=rate if index == 0 else None, within=within),
        )
        for index in range(depth)
    ]
    n_samples = 2 if n_in * n_steps > 50_000 else 4
    found = rates(n_in, rate, n_steps, layers, n_samples)
    assert all(LOW < value < HIGH for value in found), found


@pytest.mark.filterwarnings("error::strsbp_rs.StrsbpWarning")
@pytest.mark.parametrize("n_in", [4, 30, 784])
@pytest.mark.parametrize(
    ("rate", "n_steps"), [(0.1, 100), (0.1, 1000), (0.3, 50), (0.3, 400), (0.5, 50), (0.9, 400)]
)
def test_the_default_is_told_nothing(n_in, rate, n_steps):
    """With what users have: one hidden layer and a few outputs."""
    found = rates(n_in, rate, n_steps, [sr.Dense(100), sr.Dense(3)], n_samples=10)
    assert all(LOW / 3 < value < HIGH for value in found), found


def test_time_constants_and_steps_do_not_matter():
    layers = [sr.Dense(100, tau_m=10.0, tau_s=2.0, v_th=1.0, t_ref=0.5, discretisation="exact")]
    for dt in (0.1, 0.5):
        found = rates(20, 0.1 * dt, 400, [sr.Dense(**{**vars(layers[0]), "init": told(dt)})], dt=dt)
        # A rate in time, so that a step has the fewer spikes the shorter it is.
        assert LOW * dt < found[0] < HIGH, (dt, found)


def told(dt):
    return sr.Firing(rate=0.1 * dt)


def test_hardly_a_network_has_only_silent_outputs():
    x = poisson(5, 200, 10, 0.3)
    nets = [sr.Network(10, [sr.Dense(50), sr.Dense(3)], seed=seed) for seed in range(20)]
    # With weights of mean 0 it would be one of eight.
    assert sum(bool(net.spike_counts(x).any()) for net in nets) >= 19


def test_the_potential_has_the_spread_that_is_promised():
    """Without a threshold, over neurons and samples, `within` after rest."""
    n_in, rate, within = 40, 0.05, 30
    layer = sr.Dense(2000, v_th=3.0, init=sr.Firing(rate=rate, within=within, drive=0.8))
    numbers = sr.Network(n_in, [layer], seed=3).layers[0].init
    # The same weights under a threshold that nothing reaches.
    net = sr.Network(n_in, [sr.Dense(2000, v_th=1e6, init=numbers)], seed=3)
    x = poisson(40, within + 1, n_in, rate)
    with pytest.warns(sr.SilentLayerWarning):
        potential = net.run(x, record_traces={0: range(2000)}).potential[0][:, within]
    assert potential.std() == pytest.approx(0.8 * 3.0, rel=0.1)
    assert potential.mean() == pytest.approx(0.7 * 0.8 * 3.0, rel=0.15)


def test_networks_and_files_hold_numbers(tmp_path):
    net = sr.Network(5, [sr.Recurrent(7), sr.Dense(2, init="firing")], seed=2)
    first, last = net.layers
    for init in (first.init, first.recurrent_init, last.init):
        assert isinstance(init, sr.Uniform)
        assert init.low < 0 < init.high
    # Fewer inputs need larger weights, and so do inputs that fire less.
    assert sr.Network(50, [sr.Dense(7)]).layers[0].init.high < first.init.high
    rare = sr.Network(5, [sr.Dense(7, init=sr.Firing(rate=0.01))]).layers[0].init
    assert rare.high > first.init.high
    net.save(tmp_path / "net.safetensors")
    loaded = sr.Network.load(tmp_path / "net.safetensors")
    assert loaded.layers == net.layers
    assert np.array_equal(loaded.weights[0]["weight"], net.weights[0]["weight"])
    # The numbers make the same network as the default did.
    again = sr.Network(5, net.layers, seed=2)
    for old, new in zip(net.weights, again.weights, strict=True):
        assert all(np.array_equal(old[name], new[name]) for name in old)


@pytest.mark.parametrize("mask", [sr.Sparse(0.05), sr.Reservoir((4, 5, 5))])
def test_sparse_recurrent_weights_are_larger(mask):
    full, sparse = (
        sr.Network(10, [sr.Recurrent(100, mask=m)]).layers[0].recurrent_init
        for m in (sr.AllToAll(), mask)
    )
    assert sparse.high > 1.5 * full.high
    found = rates(10, 0.3, 200, [sr.Recurrent(100, mask=mask)])
    assert LOW < found[0] < HIGH


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate", 0.0, "rate must be finite and > 0, got 0.0"),
        ("rate", float("nan"), "rate must be finite and > 0, got nan"),
        ("within", -1.0, "within must be finite and > 0 ms, got -1.0"),
        ("drive", float("inf"), "drive must be finite and > 0, got inf"),
    ],
)
def test_errors_name_the_field(field, value, message):
    with pytest.raises(ValueError, match=message):
        sr.Firing(**{field: value})


@pytest.mark.parametrize(
    "wrong", [{"tau_m": -1.0}, {"tau_s": 0.0}, {"v_th": float("nan")}, {"tau_m": float("inf")}]
)
def test_wrong_constants_are_still_told_by_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be"):
        sr.Network(3, [sr.Dense(2, **wrong)])
    with pytest.raises(ValueError, match="dt must be"):
        sr.Network(3, [sr.Dense(2)], dt=-1.0)
    with pytest.raises(ValueError, match="n_in must be"):
        sr.Network(0, [sr.Dense(2)])


def test_the_learning_rate_suits_the_network():
    def lr(n_in, layers, optimizer=None):
        trainer = sr.Trainer(sr.Network(n_in, layers), optimizer=optimizer)
        return trainer.config["optimizer"]["lr"]

    small, wide = (lr(n, [sr.Dense(100), sr.Dense(3)]) for n in (4, 400))
    assert small == pytest.approx(10 * wide)
    assert lr(4, [sr.Dense(100, v_th=5.0), sr.Dense(3, v_th=5.0)]) == pytest.approx(small / 4)
    # Of the recipe's network, about what was found for it by hand.
    paper = [sr.Dense(400), sr.Recurrent(400, v_th=8.0), sr.Dense(10, v_th=15.0)]
    assert 1e-3 < lr(784, paper) < 5e-3
    assert lr(4, [sr.Dense(3)], sr.AdamW()) == lr(4, [sr.Dense(3)])
    assert lr(4, [sr.Dense(3)], sr.Adam(lr=0.5)) == 0.5


def test_defaults_learn_from_few_inputs_and_few_steps():
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    x = np.clip(0.2 + 0.5 * np.eye(3)[y] + 0.05 * rng.standard_normal((60, 3)), 0, 1)
    for n_steps in (30, 200):
        net = sr.Network(3, [sr.Dense(50), sr.Dense(3)], seed=1)
        trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(n_steps), n_threads=2)
        trainer.fit(x, y, epochs=40, progress=False)
        assert trainer.evaluate(x, y).accuracy > 0.85
