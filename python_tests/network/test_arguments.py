"""Nonsense in every public argument: an error that names it, and nothing is changed."""

import re

import numpy as np
import pytest

import strsbp_rs as sr

NAN, INF = float("nan"), float("inf")


def refuse(error, message):
    return pytest.raises(error, match=message)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("tau_m", v) for v in (0.0, -2.0, NAN, INF, 0.5)],
        *[("tau_s", v) for v in (0.0, -2.0, NAN, INF, 0.5)],
        *[("v_th", v) for v in (0.0, -1.0, NAN, INF)],
        *[("t_ref", v) for v in (-1.0, NAN, INF, 1.5)],
    ],
)
@pytest.mark.parametrize("layer", [sr.Dense, sr.Recurrent])
def test_neuron_constants(layer, field, value):
    with refuse(ValueError, field) as caught:
        sr.Network(3, [layer(4, **{field: value})])
    shown = {NAN: "NaN", INF: "inf"}.get(value, f"{value:g}")
    assert shown.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sr.Network(0, [sr.Dense(3)]), ValueError, "n_in must be .*got 0"),
        (
            lambda: sr.Network(-1, [sr.Dense(3)]),
            ValueError,
            r"n_in must be in \[1, 2\^31\), got -1",
        ),
        (lambda: sr.Network(2.5, [sr.Dense(3)]), TypeError, "n_in must be an integer, got 2.5"),
        (lambda: sr.Network(3, []), ValueError, "layers must be at least one layer"),
        (
            *(lambda: sr.Network(3, [5]), TypeError),
            r"layers\[0\] must be Dense, Recurrent, Conv2d, Conv1d, AvgPool2d, AvgPool1d, "
            "MaxPool2d, MaxPool1d, got 5",
        ),
        (lambda: sr.Network(3, [sr.Dense(0)]), ValueError, r"Dense\.n must be .*got 0"),
        (lambda: sr.Network(3, [sr.Dense(-1)]), ValueError, r"n must be in \[1, 2\^31\), got -1"),
        (lambda: sr.Network(3, [sr.Dense(2)], dt=0.0), ValueError, "dt must be"),
        (lambda: sr.Network(3, [sr.Dense(2)], dt=NAN), ValueError, "dt must be"),
        (lambda: sr.Network(3, [sr.Dense(2)], seed=-1), ValueError, "seed must be >= 0, got -1"),
        (
            lambda: sr.Network(3, [sr.Dense(2)], dtype="float16"),
            ValueError,
            "dtype must be 'float32' or 'float64', got 'float16'",
        ),
        (
            lambda: sr.Network(3, [sr.Dense(2, lateral_inhibition=-1.0)]),
            ValueError,
            "lateral_inhibition",
        ),
        (
            lambda: sr.Network(3, [sr.Dense(2, discretisation="magic")]),
            ValueError,
            "euler.*magic",
        ),
        (lambda: sr.Network(3, [sr.Dense(2, init=sr.Uniform(1, -1))]), ValueError, "low|high"),
        (lambda: sr.Network(3, [sr.Dense(2, init=sr.Normal(0, -1))]), ValueError, "std"),
        (lambda: sr.Network(3, [sr.Recurrent(4, mask=sr.Sparse(1.5))]), ValueError, "density"),
        (lambda: sr.Network(3, [sr.Recurrent(4, mask=sr.Sparse(NAN))]), ValueError, "density"),
        (
            lambda: sr.Network(3, [sr.Recurrent(4, mask=sr.Reservoir((2, 2, 2)))]),
            ValueError,
            "shape",
        ),
    ],
)
def test_network(make, error, message):
    with refuse(error, message):
        make()


@pytest.mark.parametrize(
    ("make_options", "error", "message"),
    [
        (lambda: {"batch_size": 0}, ValueError, "batch_size must be >= 1, got 0"),
        (lambda: {"batch_size": -1}, ValueError, "batch_size must be >= 1, got -1"),
        (lambda: {"batch_size": 1.5}, TypeError, "batch_size must be an integer, got 1.5"),
        (lambda: {"n_threads": 0}, ValueError, r"n_threads must be in \[1, .*got 0"),
        (lambda: {"n_threads": -2}, ValueError, r"n_threads must be in \[1, .*got -2"),
        (lambda: {"n_threads": 2**64}, ValueError, r"n_threads must be in \[1, .*got 18446744"),
        (lambda: {"seed": "a"}, TypeError, "seed must be an integer, got 'a'"),
        (lambda: {"weight_limit": 0.0}, ValueError, "weight_limit must be finite and > 0, got 0"),
        (lambda: {"weight_limit": NAN}, ValueError, "weight_limit must be finite and > 0, got NaN"),
        (lambda: {"clip_norm": -1.0}, ValueError, "clip_norm must be finite and > 0, got -1"),
        (lambda: {"loss": 3}, TypeError, "loss must be .*got 3"),
        (lambda: {"optimizer": sr.Constant()}, TypeError, "optimizer must be"),
        (lambda: {"optimizer": sr.Adam(lr=-1.0)}, ValueError, "lr"),
        (lambda: {"optimizer": sr.Adam(lr=INF)}, ValueError, "lr"),
        (lambda: {"optimizer": sr.Adam(beta1=1.0)}, ValueError, "beta1"),
        (lambda: {"optimizer": sr.SGD(momentum=1.0)}, ValueError, "momentum"),
        (lambda: {"loss": sr.CountMSE(dead_zone=-1)}, ValueError, "dead_zone"),
        (lambda: {"loss": sr.CountMSE(target=NAN)}, ValueError, "target"),
        (lambda: {"loss": sr.SoftmaxCrossEntropy(0.0)}, ValueError, "temperature"),
        (lambda: {"schedule": sr.Cosine(epochs=0.0)}, ValueError, "epochs"),
        (lambda: {"schedule": sr.Step(every=0)}, ValueError, "every"),
        (lambda: {"rule": sr.StRsbp(silent_ratio=NAN)}, ValueError, "silent_ratio"),
        (
            lambda: {"rule": sr.StRsbp(teacher_count=0)},
            ValueError,
            "teacher_count must be >= 1, got 0",
        ),
        (lambda: {"rule": sr.StRsbp(solver_tolerance=2.0)}, ValueError, "solver_tolerance"),
        (lambda: {"weight_penalty": sr.ExponentialPenalty(lam=-1.0)}, ValueError, "lam"),
        (
            lambda: {"encoder": "poisson"},
            TypeError,
            "encoder must be a BernoulliEncoder or RegularEncoder or .*, got 'poisson'",
        ),
    ],
)
def test_trainer(small, make_options, error, message):
    make_network, encoder, _, _ = small
    with refuse(error, message):
        sr.Trainer(make_network(), **{"encoder": encoder, **make_options()})


def bad_data(x, y):
    out_of_range, not_finite = x.copy(), x.copy()
    out_of_range[3, 4] = 1.5
    not_finite[2, 1] = NAN
    labels = y.copy()
    labels[7] = 3
    return [
        ((x[:, :5], y), ValueError, r"x has shape \(60, 5\), expected \(n_samples, n_in=12\)"),
        ((x[0], y), ValueError, r"x has shape \(12,\), expected"),
        ((x.astype(np.int64), y), TypeError, "x has dtype int64, expected uint8, float32"),
        ((out_of_range, y), ValueError, r"x\[3, 4\] must be in \[0, 1\], got 1.5"),
        ((not_finite, y), ValueError, r"x\[2, 1\] must be in \[0, 1\], got NaN"),
        ((x[:0], y[:0]), ValueError, r"x has shape \(0, 12\), expected at least one sample"),
        ((x, y[:-1]), ValueError, r"y has shape \(59,\), expected \(n_samples=60,\)"),
        ((x, y.astype(float)), TypeError, "y has dtype float64, expected integers"),
        ((x, y[:, None]), ValueError, r"y has shape \(60, 1\), expected \(n_samples,\)"),
        ((x, labels), ValueError, r"y\[7\] must be a class in \[0, 3\), got 3"),
        ((x, labels - 4), ValueError, r"y\[0\] must be a class in \[0, 3\), got -4"),
    ]


@pytest.mark.parametrize("case", range(11))
@pytest.mark.parametrize("method", ["fit", "validation", "evaluate", "gradients"])
def test_data(small, method, case):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder)
    before = trainer.network.weights
    data, error, message = bad_data(x, y)[case]
    with refuse(error, message):
        if method == "fit":
            trainer.fit(*data, epochs=1, progress=False)
        elif method == "validation":
            trainer.fit(x, y, epochs=1, validation_data=data, progress=False)
        else:
            getattr(trainer, method)(*data)
    if method != "validation":
        assert trainer.epoch == 0
        for old, new in zip(before, trainer.network.weights, strict=True):
            np.testing.assert_array_equal(old["weight"], new["weight"])


def test_fit_options(small, tmp_path):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder)
    with refuse(ValueError, "epochs must be > 0, the epochs completed, got 0"):
        trainer.fit(x, y, epochs=0)
    with refuse(ValueError, r"sample_weight has shape \(3,\)"):
        trainer.fit(x, y, epochs=1, sample_weight=np.ones(3), progress=False)
    with refuse(ValueError, r"sample_weight\[1\] must be finite and >= 0, got -1"):
        weight = np.ones(len(y))
        weight[1] = -1
        trainer.fit(x, y, epochs=1, sample_weight=weight, progress=False)
    with refuse(OSError, "checkpoint: the folder .* does not exist"):
        trainer.fit(x, y, epochs=1, checkpoint=tmp_path / "no" / "x", progress=False)
    assert trainer.epoch == 0
    no_encoder = sr.Trainer(make_network())
    with refuse(ValueError, "encoder must be given where x holds analog values"):
        no_encoder.fit(x, y, epochs=1, progress=False)


@pytest.mark.parametrize(
    ("n_steps", "rate_scale"), [(0, 0.1), (1, 0.1), (10, 0.0), (10, 1.5), (10, NAN)]
)
def test_encoder(small, n_steps, rate_scale):
    make_network, _, x, _ = small
    with refuse(ValueError, "n_steps|rate_scale"):
        make_network().predict(x, encoder=sr.BernoulliEncoder(n_steps, rate_scale))


def test_negative_zero_is_zero(small):
    make_network, encoder, x, _ = small
    zero, negative = x.copy(), x.copy()
    zero[:, ::2], negative[:, ::2] = 0.0, -0.0
    counts = [make_network().spike_counts(values, encoder=encoder) for values in (zero, negative)]
    np.testing.assert_array_equal(*counts)


def test_augment(small):
    make_network, encoder, x, y = small
    for augment, message in [
        (
            lambda: sr.ImageAugment((5, 5)),
            r"image_shape must be of 12 pixels, as the input, got \(5, 5\)",
        ),
        (
            lambda: sr.ImageAugment((3, 4), max_shift=3),
            "max_shift must be < 3, the image's side, got 3",
        ),
        (
            lambda: sr.ImageAugment((3, 4), max_shift=1, first_epoch=0),
            "first_epoch must be >= 1, got 0",
        ),
        (
            lambda: sr.ImageAugment((3, 4), max_shift=1, shift_probability=float("nan")),
            r"shift_probability must be in \[0, 1\], got NaN",
        ),
    ]:
        with refuse(ValueError, message):
            trainer = sr.Trainer(make_network(), encoder=encoder, augment=augment())
            trainer.fit(x, y, epochs=1, progress=False)


def test_weights_all_or_none(small):
    network = small[0]()
    before = network.weights
    missing = ~network.recurrent_mask(1)
    i, j = np.argwhere(missing)[0]
    for change, message in [
        (lambda w: w.pop(), "weights must be a list of one dict for each of the 3 layers"),
        (
            lambda w: w[2].update(weight=np.zeros((3, 4))),
            r"weights\[2\]\['weight'\] has shape \(3, 4\)",
        ),
        (
            lambda w: w[2]["weight"].__setitem__((0, 1), NAN),
            r"weights\[2\].*\[0, 1\] must be finite",
        ),
        (lambda w: w[1]["recurrent_weight"].__setitem__((i, j), 1.0), "no synapse exists"),
        (lambda w: w[0].update(bias=np.zeros(3)), "key 'bias'"),
        (lambda w: w[1].pop("recurrent_weight"), "must be an array, got nothing"),
    ]:
        weights = network.weights
        weights[0]["weight"][:] = 7.0
        change(weights)
        with refuse(ValueError, message):
            network.set_weights(weights)
        for old, new in zip(before, network.weights, strict=True):
            np.testing.assert_array_equal(old["weight"], new["weight"])


def test_recorded_spikes(small):
    make_network, encoder, x, y = small
    network = make_network()
    spikes = network.run(x, encoder=encoder).spikes
    for bad, error, message in [
        (spikes[:-1], ValueError, "spikes must be 4 spike trains"),
        ([*spikes[:2], spikes[1], spikes[3]], ValueError, r"spikes\[2\] has shape \(60, 60, 20\)"),
        ([*spikes[:3], spikes[3][:5]], ValueError, r"spikes\[3\] has shape \(5, 60, 3\)"),
        ([1, *spikes[1:]], TypeError, r"spikes\[0\] must be SpikeTrains, got int"),
    ]:
        with refuse(error, message):
            sr.gradients_from_spikes(network, bad, y)


def test_traces_to_record(small):
    make_network, encoder, x, _ = small
    with refuse(ValueError, r"record_traces must be layers in \[0, 3\), got 3"):
        make_network().run(x, encoder=encoder, record_traces={3: [0]})
    with refuse(ValueError, r"record_traces\[0\] must be neurons in \[0, 20\), got 20"):
        make_network().run(x, encoder=encoder, record_traces={0: [1, 20]})


def damage(data, how):
    if how == "empty":
        return b""
    if how == "cut":
        return data[: len(data) // 2]
    if how == "foreign":
        return b"PK\x03\x04" + data
    if how == "version":
        return re.sub(rb'\\"version\\":1', rb'\\"version\\":9', data, count=1)
    return data.replace(b"tau_m", b"tau_x")


@pytest.mark.parametrize("how", ["empty", "cut", "foreign", "version", "field"])
@pytest.mark.parametrize("load", [sr.Network.load, sr.Trainer.load])
def test_files(small, tmp_path, load, how):
    make_network, encoder, _, _ = small
    path = tmp_path / "file.safetensors"
    sr.Trainer(make_network(), encoder=encoder).save(path)
    damaged = damage(path.read_bytes(), how)
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with refuse(ValueError, re.escape(str(path))):
        load(path)


def test_missing_and_foreign_files(small, tmp_path):
    make_network, _, _, _ = small
    for load in (sr.Network.load, sr.Trainer.load):
        with refuse(FileNotFoundError, "absent"):
            load(tmp_path / "absent")
    make_network().save(tmp_path / "net")
    with refuse(ValueError, "holds a network, expected a checkpoint"):
        sr.Trainer.load(tmp_path / "net")
    with refuse(OSError, "no/net"):
        make_network().save(tmp_path / "no" / "net")
