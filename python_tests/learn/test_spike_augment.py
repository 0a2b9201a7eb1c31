"""Augmentation of spikes: as the oracle has it, and the same however it is computed."""

import copy

import numpy as np
import pytest
from oracle.spike_augment import augmented

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import load_recipe

N_IN, N_STEPS = 12, 60
KINDS = {
    "none": {},
    "stretch": {"stretch": 0.5},
    "shift": {"max_shift": 5},
    "drop": {"drop": 0.7},
    "time": {"time_mask": 0.5},
    "neurons": {"neuron_mask": 6},
    "all": {"stretch": 0.3, "max_shift": 2, "drop": 0.3, "time_mask": 0.3, "neuron_mask": 4},
}
ALL = sr.SpikeAugment(**KINDS["all"])
LENGTHS = [30, 45, 60, 2, 51, 44, 37, 58]
Y = np.arange(8) % 3


def rasters(rng, lengths=LENGTHS):
    """Samples of these lengths, in which neurons fire up to three times a step."""
    return [rng.poisson(0.15, (length, N_IN)).clip(max=3) for length in lengths]


def uneven(samples):
    return sr.SpikeTrains.from_rasters(samples, n_steps=N_STEPS)


def network(seed=1):
    layers = [sr.Recurrent(10, v_th=1.0), sr.Dense(3, v_th=1.0)]
    return sr.Network(N_IN, layers, seed=seed)


def trained(x, *, epochs=1, **options):
    trainer = sr.Trainer(network(), **{"seed": 5, "batch_size": 3, **options})
    trainer.fit(x, Y, epochs=epochs, progress=False)
    return trainer


def same(a, b):
    """Whether two trainers have come to the same weights, and by the same way."""
    names = ("loss", "firing_rate", "grad_norm")
    return all(a.history[name] == b.history[name] for name in names) and all(
        np.array_equal(left[name], right[name])
        for left, right in zip(a.network.weights, b.network.weights, strict=True)
        for name in left
    )


@pytest.mark.parametrize("kind", KINDS)
def test_spikes_are_those_of_the_oracle(kind, rng):
    augment, samples = sr.SpikeAugment(**KINDS[kind]), rasters(rng)
    for seed, epoch in ((0, 1), (2**63 + 7, 40)):
        got = augment.apply(uneven(samples), seed=seed, epoch=epoch)
        assert got.shape == (len(samples), N_STEPS, N_IN)
        for at, counts in enumerate(samples):
            wanted = augmented(counts, augment, seed, epoch, at, N_STEPS)
            assert got.lengths[at] == len(wanted)
            np.testing.assert_array_equal(got[at].to_counts()[0, : len(wanted)], wanted)
    if kind == "none":
        assert got == uneven(samples)


def test_samples_of_one_length_keep_it(rng):
    samples = rasters(rng, [50] * 8)
    got = ALL.apply(sr.SpikeTrains.from_counts(np.stack(samples)), seed=3)
    assert got.shape[1] == 50 and (got.lengths == 50).all()
    wanted = [augmented(counts, ALL, 3, 1, at) for at, counts in enumerate(samples)]
    np.testing.assert_array_equal(got.to_counts(), wanted)


def test_every_sample_epoch_and_seed_has_changes_of_its_own(rng):
    spikes = sr.SpikeTrains.concatenate([uneven(rasters(rng, [40]))] * 5)
    runs = [ALL.apply(spikes, seed=s, epoch=e) for s, e in ((0, 1), (0, 2), (1, 1))]
    assert len({one.to_counts().tobytes() for run in runs for one in run}) == 15
    # A sample's changes are those of its number, whatever else there is.
    assert ALL.apply(spikes[:2], seed=1, epoch=1) == runs[2][:2]


def test_spikes_are_as_they_were_before_the_first_epoch(rng):
    augment, spikes = sr.SpikeAugment(stretch=0.3, first_epoch=3), uneven(rasters(rng))
    assert augment.apply(spikes, epoch=2) == spikes
    assert augment.apply(spikes) == augment.apply(spikes, epoch=3) != spikes
    early = trained(spikes, epochs=2, spike_augment=augment)
    assert same(early, trained(spikes, epochs=2))
    assert not same(trained(spikes, epochs=3, spike_augment=augment), trained(spikes, epochs=3))


@pytest.mark.parametrize("lengths", [LENGTHS, [50] * 8])
def test_training_sees_the_spikes_that_apply_returns(lengths, rng):
    spikes = uneven(rasters(rng, lengths))
    told = trained(spikes, spike_augment=ALL)
    assert same(told, trained(ALL.apply(spikes, seed=5, epoch=1)))
    assert not same(told, trained(spikes))


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_threads_and_engines_change_no_sample(engine, rng):
    spikes = uneven(rasters(rng))
    runs = [
        trained(spikes, spike_augment=ALL, n_threads=n, engine=engine, epochs=3) for n in (1, 2)
    ]
    assert same(*runs)


def test_encoded_samples_are_changed_too(rng):
    x, encoder = rng.random((8, N_IN)), sr.RegularEncoder(n_steps=40)
    # As the encoder makes them: without noise, they are the same in every call.
    spikes = network().run(x, encoder=encoder).spikes[0]
    told = trained(x, encoder=encoder, spike_augment=ALL)
    assert same(told, trained(spikes, spike_augment=ALL))
    assert not same(told, trained(x, encoder=encoder))


@pytest.mark.parametrize("n_steps", [None, 80])
def test_encoded_series_have_lengths_of_their_own(n_steps, rng):
    series = [rng.random((length // 2, N_IN)) for length in LENGTHS]
    encoder = sr.LevelCrossingEncoder(threshold=0.2, hold=3, n_steps=n_steps)
    net = sr.Network(2 * N_IN, [sr.Recurrent(10, v_th=1.0), sr.Dense(3, v_th=1.0)])
    spikes = net.run(series, encoder=encoder).spikes[0]
    assert (len(np.unique(spikes.lengths)) > 1) == (n_steps is None)
    told, given, plain = (
        sr.Trainer(copy.deepcopy(net), seed=5, encoder=encoder, spike_augment=augment)
        for augment in (ALL, ALL, None)
    )
    for trainer, x in ((told, series), (given, spikes), (plain, series)):
        trainer.fit(x, Y, epochs=2, progress=False)
    assert same(told, given) and not same(told, plain)


def test_training_goes_on_from_a_file_with_the_same_spikes(rng, tmp_path):
    spikes, path = uneven(rasters(rng)), tmp_path / "half.safetensors"
    whole = trained(spikes, epochs=2, spike_augment=ALL)
    trained(spikes, spike_augment=ALL).save(path)
    rest = sr.Trainer.load(path)
    assert rest.config["spike_augment"] == ALL.to_dict()
    rest.fit(spikes, Y, epochs=2, progress=False)
    assert same(whole, rest)


def test_evaluation_and_gradients_take_samples_as_they_are(rng):
    spikes = uneven(rasters(rng))
    told, plain = (sr.Trainer(network(), spike_augment=augment, seed=5) for augment in (ALL, None))
    assert told.evaluate(spikes, Y).loss == plain.evaluate(spikes, Y).loss
    assert "spike_augment" not in plain.config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stretch": 1.0}, r"SpikeAugment\.stretch must be in \[0, 1\), a share, got 1"),
        ({"drop": -0.1}, r"SpikeAugment\.drop must be in \[0, 1\], a share, got -0.1"),
        ({"time_mask": float("nan")}, r"time_mask must be in \[0, 1\], a share, got NaN"),
        ({"max_shift": -1}, "max_shift"),
        ({"first_epoch": 0}, "first_epoch must be >= 1, got 0"),
    ],
)
def test_fields_out_of_their_domain(fields, message):
    with pytest.raises(ValueError, match=message):
        sr.SpikeAugment(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_shift": 12}, "max_shift must be < 12, the number of inputs, got 12"),
        ({"neuron_mask": 13}, "neuron_mask must be <= 12, the number of inputs, got 13"),
    ],
)
def test_what_depends_on_the_inputs_is_told_with_them(fields, message, rng):
    augment = sr.SpikeAugment(**fields)
    with pytest.raises(ValueError, match=message):
        sr.Trainer(network(), spike_augment=augment)
    with pytest.raises(ValueError, match=message):
        augment.apply(uneven(rasters(rng)))


def test_what_is_no_augmentation_or_no_spikes(rng):
    with pytest.raises(TypeError, match="spike_augment must be SpikeAugment, got ImageAugment"):
        sr.Trainer(network(), spike_augment=sr.ImageAugment((3, 4), max_shift=1))
    with pytest.raises(TypeError, match="spikes must be SpikeTrains, got ndarray"):
        ALL.apply(np.zeros((1, 3, N_IN), bool))
    for name in ("seed", "epoch"):
        with pytest.raises(ValueError, match=name):
            ALL.apply(uneven(rasters(rng)), **{name: -1})


def test_recipes_say_all_of_it(tmp_path):
    settings = ["stretch=0.2", "max_shift=1", "drop=0.1", "time_mask=0.1", "neuron_mask=3"]
    recipe = load_recipe("demo", [f"spike_augment.{setting}" for setting in settings])
    expected = sr.SpikeAugment(0.2, 1, 0.1, 0.1, 3)
    assert recipe.spike_augment == expected
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe
    assert recipe.build(20).config["spike_augment"] == expected.to_dict()
    assert load_recipe("demo").spike_augment is None
