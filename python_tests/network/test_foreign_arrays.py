"""Arrays of other origin than NumPy, of any memory layout, and masked ones."""

import numpy as np
import pytest
from input_cases import ENCODER, counts_of, net, took

import strsbp_rs as sr

# Arrays of other origin --------------------------------------------------------------------------


class Tensor:
    """What a tensor of another library shows of itself: no subclass of an array, no sequence."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


class Exported:
    """One that only speaks DLPack."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnGpu:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class NeedsGrad:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")


@pytest.mark.parametrize("kind", [Tensor, Exported, np.ndarray.tolist])
def test_tensors_are_read(kind):
    counts, values = counts_of(), np.random.default_rng(0).random((5, 12)).astype(np.float32)
    y = np.arange(5) % 3
    assert took(kind(counts)) == took(counts)
    assert took(kind(values.astype(np.float64)), encoder=ENCODER) == took(
        values.astype(np.float64), encoder=ENCODER
    )
    trainers = [sr.Trainer(net(), encoder=ENCODER, n_threads=1) for _ in range(2)]
    weight = np.linspace(0, 1, 5)
    for trainer, of in zip(trainers, (kind, np.asarray), strict=True):
        trainer.fit(of(values), of(y), epochs=1, sample_weight=of(weight), progress=False)
    np.testing.assert_equal(trainers[0].network.weights, trainers[1].network.weights)
    assert sr.SpikeTrains.from_dense(kind(counts)) == sr.SpikeTrains.from_counts(kind(counts))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (OnGpu(), "x must be an array or a tensor on the CPU, got OnGpu: can't convert cuda:0"),
        (NeedsGrad(), "x must be an array .*got NeedsGrad: Can't call numpy"),
        (object(), "x must be an array of numbers, got object"),
        (None, "x must be an array of numbers, got None"),
    ],
)
def test_what_cannot_be_read(x, message):
    for options in ({}, {"encoder": ENCODER}):
        with pytest.raises(TypeError, match=message):
            took(x, **options)


def test_rows_of_different_lengths():
    with pytest.raises(
        ValueError, match=r"x must be an array, or a list of rows of one length: .*inh"
    ):
        took([[0.5] * 12, [0.5] * 11], encoder=ENCODER)


def test_torch():
    torch = pytest.importorskip("torch")
    counts = counts_of()
    for dtype in (torch.int64, torch.uint8, torch.float32, torch.float64):
        assert took(torch.from_numpy(counts).to(dtype)) == took(counts)
    assert took(torch.from_numpy(counts) > 0) == took(counts > 0)
    with pytest.raises(TypeError, match="requires grad"):
        took(torch.zeros(5, 30, 12, requires_grad=True))


def test_what_is_no_list():
    with pytest.raises(
        TypeError, match="layers must be a list of Dense, Recurrent and so on, got 5"
    ):
        sr.Network(5, 5)
    for name in ("weights", "delays"):
        with pytest.raises(TypeError, match=f"{name} must be a list of dicts of arrays, got int"):
            getattr(net(), f"set_{name}")(5)
        with pytest.raises(TypeError, match=rf"{name}\[0\] must be a dict of arrays, got list"):
            getattr(net(), f"set_{name}")([[1.0]])


def test_sparse_matrices_are_told_to_be_made_dense():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"x must be .*got csr_matrix: give x\.toarray\(\)"):
        took(sparse.csr_matrix(np.zeros((5, 12))), encoder=ENCODER)


# Memory layout and masks -------------------------------------------------------------------------


def unaligned(array):
    """The same values one byte further."""
    buffer = bytearray(array.nbytes + 1)
    moved = np.ndarray(array.shape, array.dtype, buffer=buffer, offset=1)
    moved[...] = array
    assert not moved.flags.aligned or array.dtype.alignment == 1
    return moved


LAYOUTS = [
    unaligned,
    np.asfortranarray,
    lambda array: np.repeat(array, 2, axis=0)[::2],
    lambda array: array.astype(array.dtype.newbyteorder(">")),
    lambda array: np.ma.masked_array(array, mask=False),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout(layout):
    values, counts, y = np.random.default_rng(0).random((5, 12)), counts_of(), np.arange(5) % 3
    for dtype in (np.float32, np.float64, np.uint8):
        x = (values * (255 if dtype == np.uint8 else 1)).astype(dtype)
        assert took(layout(x), encoder=ENCODER) == took(x, encoder=ENCODER)
    assert took(layout(counts)) == took(counts)
    trains = sr.SpikeTrains.from_counts(counts)
    indptr, indices, shape = trains.to_csr()
    assert sr.SpikeTrains.from_csr(layout(indptr), layout(indices), shape) == trains
    events = trains.to_events()[0]
    pushed = [sr.Simulator(net(), engine="clocked") for _ in range(2)]
    pushed[0].push(events)
    pushed[1].push(unaligned(events) if layout is unaligned else events)
    assert pushed[0].advance(40).tolist() == pushed[1].advance(40).tolist()
    network, other = net(), net(seed=2)
    network.set_weights([{"weight": layout(layer["weight"])} for layer in other.weights])
    np.testing.assert_equal(network.weights, other.weights)
    network.set_delays([{"delay": layout(layer["delay"] + 2)} for layer in network.delays])
    assert (network.delays[0]["delay"] == 2).all()
    trainer = sr.Trainer(net(), encoder=ENCODER, n_threads=1)
    expected = trainer.gradients(values, y, sample_weight=np.ones(5)).weights
    got = trainer.gradients(layout(values), layout(y), sample_weight=layout(np.ones(5))).weights
    np.testing.assert_equal(got, expected)
    graph = sr.Graph(dtype="float64")
    pre, post = graph.add_input(5), graph.add_population(5)
    i, weight = np.arange(5), np.linspace(1, 2, 5)
    graph.connect(pre, post, (layout(i), layout(i)), weight=layout(weight), delay=layout(i * 1.0))
    made = graph.synapses(graph.projections[0])
    assert (made["weight"].tolist(), made["delay"].tolist()) == (weight.tolist(), i.tolist())
    simulator = sr.Simulator(graph)
    simulator.set_potentials(post, layout(weight))


def masked(array):
    return np.ma.masked_array(array, mask=np.arange(np.size(array)).reshape(np.shape(array)) == 1)


@pytest.mark.parametrize(
    ("name", "give"),
    [
        ("x", lambda: took(masked(np.zeros((5, 12))), encoder=ENCODER)),
        ("x", lambda: took(masked(counts_of()))),
        ("x", lambda: took([masked(np.zeros(12))] * 2, encoder=ENCODER)),
        ("raster", lambda: sr.SpikeTrains.from_dense(masked(counts_of()))),
        ("counts", lambda: sr.SpikeTrains.from_counts(masked(counts_of()))),
        ("indptr", lambda: sr.SpikeTrains.from_csr(masked([0, 0]), np.zeros(0, int), (1, 1, 1))),
        ("y", lambda: fit(y=masked(np.zeros(5, int)))),
        ("sample_weight", lambda: fit(sample_weight=masked(np.ones(5)))),
        (r"weights\[0\]\['weight'\]", lambda: net().set_weights([{"weight": masked([0.0, 1])}])),
        (r"delays\[0\]\['delay'\]", lambda: net().set_delays([{"delay": masked([0.0, 1])}])),
        ("weight", lambda: connected(weight=masked([1.0, 2.0]))),
        ("delay", lambda: connected(delay=masked([1.0, 2.0]))),
        ("pre", lambda: connected(pre=masked([0, 1]))),
        ("weights", lambda: sr.fixed.xylo_weights(masked([0, 1]))),
        (r"Shift\.shift", lambda: sr.fixed.Shift(masked([1, 1]))),
        ("events", lambda: sr.Simulator(net()).push(np.ma.masked_array(
            np.zeros(2, [("t", int), ("x", int)]), mask=[(0, 1), (0, 0)]))),
    ],
)  # fmt: skip
def test_masked_values_are_refused(name, give):
    with pytest.raises(ValueError, match=rf"^{name} has [12] masked values?, expected none"):
        give()


def fit(y=None, sample_weight=None):
    trainer = sr.Trainer(net(), encoder=ENCODER, n_threads=1)
    y = np.zeros(5, int) if y is None else y
    trainer.fit(np.zeros((5, 12)), y, epochs=1, sample_weight=sample_weight, progress=False)


def connected(pre=(0, 1), weight=1.0, delay=0.0):
    graph = sr.Graph()
    source, target = graph.add_input(2), graph.add_population(2)
    graph.connect(source, target, (pre, [0, 1]), weight=weight, delay=delay)
