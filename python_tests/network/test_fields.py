"""Fields of configurations: converted when made, refused with a message that names them."""

import dataclasses
import json
import re

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs import _config, fixed
from strsbp_rs.fixed import _target, _targets
from strsbp_rs.recipes._sections import Data

CONFIGS = [
    *(sr.Firing, sr.Uniform, sr.Normal, sr.ConstantInit, sr.KaimingUniform, sr.AllToAll, sr.Sparse),
    *(sr.Reservoir, sr.UniformDelay, sr.OneToOne, sr.FixedProbability, sr.FixedOutDegree),
    *(sr.FixedInDegree, sr.LIF, sr.Dense, sr.Recurrent, sr.BernoulliEncoder),
    *(sr.LatencyEncoder, sr.LevelCrossingEncoder, sr.BsaEncoder, sr.PopulationEncoder),
    *(sr.RegularEncoder, sr.ImageAugment, sr.SpikeAugment, sr.UniformOfThreshold, sr.Convolution),
    *(sr.Conv2d, sr.Conv1d, sr.AvgPool2d, sr.AvgPool1d, sr.MaxPool2d, sr.MaxPool1d),
    *(sr.CountMSE, sr.SoftmaxCrossEntropy, sr.Adam, sr.AdamW, sr.SGD, sr.Constant),
    *(sr.InverseSqrt, sr.Cosine, sr.Step, sr.StRsbp, sr.ExponentialPenalty),
    *(sr.QFormat, sr.Loihi, sr.Xylo, sr.Spinnaker, sr.CortexM),
    *(fixed.Multiply, fixed.Shift, fixed.Table, fixed.Format),
]
NEEDED = {
    sr.Reservoir: {"shape": (2, 2, 2)},
    sr.FixedProbability: {"probability": 0.5},
    **{cls: {"n": 4} for cls in (sr.FixedOutDegree, sr.FixedInDegree, sr.Dense, sr.Recurrent)},
    **{cls: {"channels": 4, "kernel": 3} for cls in (sr.Conv2d, sr.Conv1d)},
    sr.Convolution: {"in_shape": (2, 9, 8), "channels": 4, "kernel": 3},
    **{cls: {"kernel": 3} for cls in (sr.AvgPool2d, sr.AvgPool1d, sr.MaxPool2d, sr.MaxPool1d)},
    fixed.Multiply: {"factor": 3, "bits": 2},
    fixed.Shift: {"shift": 3},
    fixed.Table: {"factors": [3, 1], "bits": 2},
    fixed.Format: {
        **{"weight_bits": 8, "current_bits": 16, "membrane_bits": 16, "v_th": 100},
        **{"current_decay": fixed.Shift(2), "membrane_decay": fixed.Shift(3)},
    },
}
FIELDS = [(cls, f.name) for cls in CONFIGS for f in dataclasses.fields(cls)]
SERDE = "invalid type|invalid value|unknown variant|unsupported type|missing field|did not match"


def make(cls, **values):
    return cls(**{**NEEDED.get(cls, {}), **values})


def test_every_configuration_is_here():
    """A new dataclass that the core reads must be listed, so that the tests below see it."""
    known = {
        value
        for module in (_config, _targets)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, _config.Config)
    }
    known -= {_config.Config, _target.HardwareTarget}
    assert {cls for cls in known if not cls.__name__.startswith("_")} <= set(CONFIGS)


@pytest.mark.parametrize(("cls", "name"), FIELDS)
def test_nonsense_in_any_field_is_refused_by_name(cls, name):
    for nonsense in (
        object(),
        "no such thing",
        [],
        {},
        b"1",
        1j,
        np.array(["a"]),
        float,
        -(10**30),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            # What has a domain alone, as any list of fractions, is refused when it is used.
            made = make(cls, **{name: nonsense})
            value = getattr(made, name)
            assert isinstance(value, (float, tuple, dict)), f"{cls.__name__}.{name}: {nonsense!r}"
            raise ValueError(f"{name} became plain")
        assert re.search(rf"\b{name}\b", str(caught.value)), str(caught.value)
        assert not re.search(SERDE, str(caught.value)), str(caught.value)


def forms(value):
    """The same number in types that people have."""
    if isinstance(value, float):
        kinds = [np.float64, np.float32, np.float16, np.longdouble, np.array]
        return [kind(value) for kind in kinds if float(kind(value)) == value]
    return [kind(value) for kind in (np.int64, np.int8, np.uint8, np.uint64, np.array)]


NUMBERS = [(cls, f) for cls, f in FIELDS if type(getattr(make(cls), f)) in (int, float, bool)]


@pytest.mark.parametrize(("cls", "name"), NUMBERS)
def test_numbers_of_numpy_become_plain(cls, name):
    plain = make(cls)
    value = getattr(plain, name)
    if type(value) is int:
        value = 8 if name.endswith("_bits") else 2 if cls is sr.PopulationEncoder else 1
    plain = dataclasses.replace(plain, **{name: value})
    for same in [np.bool_(value)] if isinstance(value, bool) else forms(value):
        made = dataclasses.replace(plain, **{name: same})
        assert made == plain
        assert type(getattr(made, name)) is type(value), type(same)
        json.dumps(made.to_dict() if hasattr(made, "to_dict") else vars(made))


def test_integers_serve_as_floats_and_arrays_as_tuples():
    assert type(sr.Dense(3, v_th=np.int64(2)).v_th) is float
    assert type(sr.Adam(lr=1).lr) is float
    assert sr.Dense(3, delay=np.float32(2.0)).delay == 2.0
    with pytest.raises(TypeError, match="class_names must be a list of strings, got 3"):
        Data(class_names=3)
    assert sr.Dense(3, delay="uniform_delay").delay == sr.UniformDelay()
    assert sr.Reservoir(np.array([2, 2, 1])).shape == (2, 2, 1)
    assert sr.ImageAugment([np.int16(3), 4]).image_shape == (3, 4)
    assert sr.QFormat(clip=np.array([0.5, 1.0])).clip == (0.5, 1.0)
    assert fixed.Shift(np.array([1, 2], np.uint8)).shift == (1, 2)
    with pytest.raises(ValueError, match=r"Reservoir\.shape must be 3 integers, got \(2, 2\)"):
        sr.Reservoir((2, 2))
    with pytest.raises(TypeError, match=r"QFormat\.clip\[1\] must be a number, got 'a'"):
        sr.QFormat(clip=(0.5, "a"))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        *[(v, TypeError) for v in (True, np.True_, 2.0, np.float64(2), "2", None)],
        *[(v, TypeError) for v in (np.array([2]), np.timedelta64(2), np.array(True))],
        *[(v, ValueError) for v in (-1, np.int8(-1), 2**64)],
    ],
)
def test_what_is_no_integer(value, error):
    with pytest.raises(error, match=r"Dense\.n must be .*got"):
        sr.Dense(value)


@pytest.mark.parametrize(
    "value",
    [
        *(True, np.True_, "2", np.str_("2"), b"2", None, 1j, np.complex64(1), np.array([2.0])),
        *(np.array("2"), np.timedelta64(2), np.datetime64(2, "s"), 10**400),
    ],
)
def test_what_is_no_number(value):
    for give in (lambda: sr.Dense(2, tau_m=value), lambda: sr.Graph(dt=value)):
        with pytest.raises(TypeError, match=r"(tau_m|dt) must be a number, got"):
            give()


def test_scalars_of_numpy_everywhere(tmp_path):
    """The row of the issue: labels' largest value, and numbers out of a sweep over arrays."""
    x, y = np.random.default_rng(0).random((6, 4)), np.array([0, 1, 2] * 2)
    net = sr.Network(
        np.int32(x.shape[1]), [sr.Dense(y.max() + 1, v_th=np.float32(2))], dt=np.float64(1)
    )
    trainer = sr.Trainer(
        net,
        optimizer=sr.Adam(lr=np.float32(0.25)),
        encoder=sr.BernoulliEncoder(n_steps=np.int64(20), rate_scale=np.float16(0.5)),
        batch_size=np.uint8(3),
        weight_limit=np.float32(8),
        clip_norm=np.array(1.0),
        seed=np.int64(1),
        n_threads=np.int64(1),
    )
    path = tmp_path / "checkpoint.safetensors"
    trainer.fit(x, y, epochs=np.int64(2), progress=False, checkpoint=path)
    loaded = sr.Trainer.load(path, n_threads=1)
    assert loaded.encoder == sr.BernoulliEncoder(20, 0.5)
    assert loaded.config["optimizer"]["lr"] == 0.25
    np.testing.assert_array_equal(loaded.network.weights[0]["weight"], net.weights[0]["weight"])
    graph = sr.Graph(dt=np.float32(1), seed=np.array(3))
    pre, post = (
        graph.add_input(np.int8(2)),
        graph.add_population(np.uint16(3), sr.LIF(v_th=np.int64(2))),
    )
    graph.connect(
        pre, post, sr.FixedProbability(np.float64(1)), weight=np.float32(2), delay=np.int8(1)
    )
    assert graph.synapses(graph.projections[0])["delay"].tolist() == [1.0] * 6


def test_sequences_keep_the_type_of_their_items():
    assert Data(sensor_size=np.array([3, 2, 1])).sensor_size == (3, 2, 1)
    assert type(Data(sensor_size=[np.int64(3)]).sensor_size[0]) is int
    assert type(sr.QFormat(clip=[1]).clip[0]) is float
    with pytest.raises(TypeError, match=r"Data\.sensor_size\[1\] must be an integer, got 2\.5"):
        Data(sensor_size=[1, 2.5])


def test_types_of_numpy_name_themselves():
    for dtype in ("float64", np.float64, np.dtype("f8"), float):
        assert sr.Network(2, [sr.Dense(2)], dtype=dtype).dtype == np.float64
        assert sr.Graph(dtype=dtype).dtype == np.float64
    for dtype in (None, "flaot32", np.float16, object()):
        with pytest.raises(ValueError, match="dtype must be"):
            sr.Network(2, [sr.Dense(2)], dtype=dtype)


def test_times_without_dimensions():
    simulator = sr.Simulator(sr.Network(2, [sr.Dense(2)]))
    simulator.advance(np.array(5))
    simulator.advance(steps=np.uint8(7))
    simulator.advance(ms=np.array(9.0, np.float32))
    assert simulator.now == 9


def test_names_stand_for_defaults():
    named = sr.Network(
        3, [sr.Recurrent(4, init="normal", recurrent_init="constant", mask="sparse")]
    )
    meant = sr.Recurrent(4, init=sr.Normal(), recurrent_init=sr.ConstantInit(), mask=sr.Sparse())
    assert named.layers == [meant]
    trainers = [
        sr.Trainer(
            named, loss=loss, optimizer=optimizer, schedule=schedule, hardware=target, n_threads=1
        )
        for loss, optimizer, schedule, target in (
            ("softmax_cross_entropy", "adamw", "step", "cortex_m"),
            (sr.SoftmaxCrossEntropy(), sr.AdamW(), sr.Step(), sr.CortexM()),
        )
    ]
    assert trainers[0].config == trainers[1].config
    graph = sr.Graph()
    pre, post = graph.add_input(3), graph.add_population(3)
    assert graph.connect(pre, post, "one_to_one").n_synapses == 3


@pytest.mark.parametrize(
    ("give", "error", "message"),
    [
        (lambda: trainer(optimizer="adm"), ValueError, "got 'adm'; did you mean 'adam'"),
        (lambda: trainer(optimizer="SGD"), ValueError, "got 'SGD'; did you mean 'sgd'"),
        (lambda: trainer(loss="softmax"), ValueError, "did you mean 'softmax_cross_entropy'"),
        (lambda: trainer(schedule="cosin"), ValueError, "did you mean 'cosine'"),
        (lambda: trainer(hardware="loihi2"), ValueError, "did you mean 'loihi'"),
        (lambda: trainer(engine="continous"), ValueError, "did you mean 'continuous'"),
        (lambda: trainer(schedule=sr.Adam()), TypeError, "schedule must be Constant, InverseSqrt"),
        (lambda: sr.Dense(2, init="kaiming"), ValueError, r"Dense\.init .*mean 'kaiming_uniform'"),
        (lambda: sr.Recurrent(2, mask="all"), ValueError, r"Recurrent\.mask .*mean 'all_to_all'"),
        (
            lambda: sr.Recurrent(8, mask="reservoir"),
            TypeError,
            r"must be Reservoir\(shape=\.\.\.\)",
        ),
        (lambda: sr.Dense(2, init=sr.Sparse()), TypeError, r"Dense\.init must be Uniform, Normal"),
        (lambda: sr.Dense(2, discretisation="eulr"), ValueError, "did you mean 'euler'"),
        (lambda: sr.StRsbp(post_coupling="x"), ValueError, r"post_coupling must be one of .*'x'"),
        (lambda: sr.StRsbp(teacher_count=2**32), ValueError, r"teacher_count must be < 2\^32"),
        (lambda: sr.Xylo(device="audio4"), ValueError, "did you mean 'audio[23]'"),
        (lambda: connect("one_to_on"), ValueError, "rule .*did you mean 'one_to_one'"),
        (lambda: connect("fixed_in_degree"), TypeError, r"rule must be FixedInDegree\(n=\.\.\.\)"),
        (
            lambda: sr.post_coupling("tabel", tau_m=9.0, tau_s=3.0, t_ref=1.0, n_steps=9),
            ValueError,
            "kind must be one of .*did you mean 'table'",
        ),
    ],
)
def test_names_that_are_none(give, error, message):
    with pytest.raises(error, match=message):
        give()


def trainer(**options):
    return sr.Trainer(sr.Network(3, [sr.Dense(2)]), n_threads=1, **options)


def connect(rule):
    graph = sr.Graph()
    return graph.connect(graph.add_input(3), graph.add_population(3), rule)


@pytest.mark.parametrize(
    ("preset", "values"),
    [
        (fixed.loihi_format, {"du": 1, "dv": 1, "v_th": 1, "bias_mantissa": 0, "t_ref_steps": 0}),
        (
            fixed.xylo_format,
            {"v_th": 1, "dash_syn": 1, "dash_mem": 1, "device": "a1", "output": True},
        ),
        (fixed.spinnaker_format, {"tau_m": 9.0, "tau_s": 3.0, "v_th": 1.0, "left_shift": 0}),
        (
            fixed.qformat_format,
            {"tau_m": 9.0, "tau_s": 3.0, "v_th": 1, "decay_bits": 12, "dt": 1.0},
        ),
        (
            fixed.cortex_m_format,
            {
                **{"current_decay": fixed.Shift(2), "membrane_decay": fixed.Shift(3), "v_th": 1},
                **{"weight_bits": 8, "reset": "zero"},
            },
        ),
    ],
)
def test_presets_name_what_is_wrong_and_take_numpy(preset, values):
    expected = preset(**values)
    for name, value in values.items():
        with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b") as caught:
            preset(**{**values, name: object()})
        assert not re.search(SERDE, str(caught.value))
        if type(value) in (int, float, bool):
            assert preset(**{**values, name: np.asarray(value)[()]}) == expected


class Extra(sr.Callback):
    def __init__(self, value):
        self.value = value

    def on_epoch_end(self, trainer, record):
        record["f1"] = self.value


def fitted(small, tmp_path, value, epochs=2):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder, n_threads=1)
    path = tmp_path / "checkpoint.safetensors"
    options = {"progress": False, "checkpoint": path, "callbacks": [Extra(value)]}
    trainer.fit(x, y, epochs=epochs, **options)
    trainer.save(path)
    return trainer, sr.Trainer.load(path, n_threads=1)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *[(np.float32(0.5), 0.5), (np.int64(3), 3), (np.True_, True), (np.array(2.5), 2.5)],
        *[(np.array([1, 2]), [1, 2]), ((1, np.float64(2)), [1, 2.0]), (np.str_("a"), "a")],
        *[({"a": np.uint8(1)}, {"a": 1}), (float("nan"), None), (np.float64("inf"), None)],
    ],
)
def test_values_of_callbacks_become_plain_when_made(small, tmp_path, value, plain):
    trainer, loaded = fitted(small, tmp_path, value)
    assert [record["f1"] for record in trainer.history.epochs] == [plain] * 2
    assert type(trainer.history.epochs[0]["f1"]) is type(plain)
    assert loaded.history.epochs == trainer.history.epochs


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (object(), TypeError, r"record\['f1'\] must be a number, string, .*got <object"),
        ({"a": {1, 2}}, TypeError, r"record\['f1'\]\['a'\] must be a number"),
        ([1, 1j], TypeError, r"record\['f1'\]\[1\] must be a number"),
        ({1: 2}, TypeError, r"keys of record\['f1'\] must be strings, got 1"),
        (2**64, ValueError, r"record\['f1'\] must be an integer of 64 bits"),
    ],
)
def test_values_of_callbacks_are_refused_when_made(small, tmp_path, value, error, message):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder, n_threads=1)
    with pytest.raises(error, match=message):
        trainer.fit(x, y, epochs=2, progress=False, callbacks=[Extra(value)])
    assert trainer.epoch == len(trainer.history.epochs) == 1
    trainer.save(tmp_path / "checkpoint.safetensors")
    loaded = sr.Trainer.load(tmp_path / "checkpoint.safetensors", n_threads=1)
    assert "f1" not in loaded.history.epochs[0]
