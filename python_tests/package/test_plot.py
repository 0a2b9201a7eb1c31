"""The module plot: what is drawn is the data, on the axes that are given."""

import builtins
import os
import subprocess
import sys

import numpy as np
import pytest
from spatial_cases import planes

import strsbp_rs as sr
from strsbp_rs import plot
from strsbp_rs.datasets import load_demo

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

TRUE, PREDICTED = "#009e73", "#d55e00"


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


@pytest.fixture
def network(small):
    return small[0]()


@pytest.fixture
def recording(network, small):
    _, encoder, x, _ = small
    fired = network.run(x[:3], encoder=encoder).spikes[2].counts()[2]
    # The neurons of layer 1 that fire most in sample 2.
    chosen = [int(neuron) for neuron in np.argsort(fired)[-2:]]
    return network.run(x[:3], encoder=encoder, record_traces={1: chosen})


HISTORY = sr.History(
    [
        {"epoch": 1, "loss": 3.0, "accuracy": 0.5, "val_loss": 2.0, "firing_rate": [0.1, 0.2]},
        {"epoch": 2, "loss": 2.0, "accuracy": 0.6, "val_loss": 1.0, "firing_rate": [0.2, 0.3]},
        {"epoch": 3, "loss": 1.0, "accuracy": 0.7, "val_loss": 1.5, "firing_rate": [0.3, 0.4]},
    ]
)


def rows_of(axes):
    """The times of the spikes drawn as lines, neuron by neuron."""
    return [sorted(row.get_positions()) for row in axes.collections]


def test_everything_draws_on_given_axes_or_on_new_ones(network, recording):
    drawn = {
        plot.raster: (recording.spikes[0],),
        plot.learning_curve: (HISTORY,),
        plot.confusion_matrix: ([0, 1], [0, 1]),
        plot.rates: (recording,),
        plot.traces: (recording, 1),
        plot.weights: (network,),
        plot.augmented: (np.zeros((2, 5, 6)), sr.ImageAugment(max_shift=1)),
        plot.weight_histogram: (network,),
        plot.kernels: (planes(),),
        plot.feature_maps: (planes().run(np.ones((1, 9, 72), bool)), planes()),
    }
    several = {plot.rasters: ((recording,), 4), plot.learning_curves: ((HISTORY,), 2)}
    several[plot.samples] = ((load_demo(),), 6)
    assert {f.__name__ for f in (*drawn, *several)} == set(plot.__all__)
    for draw, arguments in drawn.items():
        _, ax = pyplot.subplots()
        assert draw(*arguments, ax=ax) is ax and ax.has_data()
        new = draw(*arguments)
        assert new.figure is not ax.figure and new.figure.number in pyplot.get_fignums()
        for wrong, error in (("x", TypeError), ([ax, ax], ValueError)):
            with pytest.raises(error, match="ax must be"):
                draw(*arguments, ax=wrong)
        pyplot.close("all")
    for draw, (arguments, n) in several.items():
        _, axes = pyplot.subplots(n, 1)
        assert list(draw(*arguments, ax=axes)) == list(axes)
        assert draw(*arguments).shape == (n,)
        with pytest.raises(ValueError, match=f"ax must be {n} axes, got {n - 1}"):
            draw(*arguments, ax=axes[1:])


def test_raster_of_few_neurons_names_counts_and_marks_them(recording):
    out, sample = recording.spikes[-1], 1
    part = out[sample : sample + 1].to_events()[0]
    axes = plot.raster(
        out, sample=sample, dt=0.5, names=["a", "b", "c"], true_class=2, predicted_class=0
    )
    expected = [list(0.5 * part["t"][part["x"] == i]) for i in range(3)]
    assert rows_of(axes) == expected
    assert [row.get_lineoffset() for row in axes.collections] == [0, 1, 2]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"{name}  {len(row)}" for name, row in zip("abc", expected, strict=True)]
    assert [to_hex(label.get_color()) for label in axes.get_yticklabels()] == [
        PREDICTED,
        "#000000",
        TRUE,
    ]
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [("predicted", 0), ("true", 2)]
    assert axes.get_xlim() == (0, 30)
    axes = plot.raster(out, true_class=1, predicted_class=1)
    [text] = axes.texts
    assert text.get_text() == "true, predicted" and to_hex(text.get_color()) == TRUE


def test_raster_of_many_neurons_and_of_events(rng):
    trains = sr.SpikeTrains.from_dense(rng.random((2, 50, 40)) < 0.1)
    events = trains[:1].to_events()[0]
    for spikes, unit in ((trains, 2.0), (events, 2.0), (as_ms(events), 1.0)):
        axes = plot.raster(spikes, dt=2.0, true_class=3, predicted_class=5)
        xy = axes.collections[0].get_offsets()
        np.testing.assert_array_equal(xy, np.stack([unit * events["t"], events["x"]], axis=1))
        shown = [to_hex(colour) for colour in axes.collections[0].get_facecolors()]
        assert shown.count(TRUE) == np.sum(events["x"] == 3)
        assert shown.count(PREDICTED) == np.sum(events["x"] == 5)
    # Nobody fires.
    assert plot.raster(events[:0]).get_ylim() == (0.5, -0.5)


def as_ms(events):
    return np.array(list(zip(events["t"], events["x"], strict=True)), [("t", "f8"), ("x", "i8")])


def test_rasters_mark_the_predicted_and_the_true_class(recording):
    predicted = int(np.argmax(recording.counts[2]))
    true = (predicted + 1) % 3
    axes = plot.rasters(recording, sample=2, class_names=["a", "b"], true_class=true, title="t")
    assert {t.get_text(): t.xy[1] for t in axes[-1].texts} == {"predicted": predicted, "true": true}
    titles = [ax.get_title(loc="left").split(":")[0] for ax in axes]
    assert titles == ["input", "layer 0", "layer 1", "layer 2 (output)"]
    drawn = [sum(map(len, rows_of(ax))) for ax in axes]
    assert drawn == [int(trains.counts()[2].sum()) for trains in recording.spikes]
    assert [label.get_text()[0] for label in axes[-1].get_yticklabels()] == ["a", "b", "2"]
    assert axes[0].figure.get_suptitle() == "t"


def test_axes_say_what_they_show(network, recording):
    def labels(axes):
        return axes.get_xlabel(), axes.get_ylabel()

    assert labels(plot.learning_curve(HISTORY, "loss")) == ("epoch", "loss")
    assert labels(plot.learning_curve(HISTORY, "firing_rate")) == ("epoch", "firing rate [%]")
    matrix = plot.confusion_matrix([0, 1, 1], [0, 1, 0])
    assert labels(matrix) == ("predicted class", "true class")
    assert matrix.get_title() == "accuracy 66.67 % on 3 samples"
    assert labels(plot.weight_histogram(network)) == ("weight", "share [%]")
    assert labels(plot.weights(network, 0))[1] == "neuron of layer 0"
    image, bar = plot.weights(network, 0).figure.axes
    assert image.get_xlabel() == "input" and bar.get_ylabel() == "weight"
    recurrent = plot.weights(network, 1, matrix="recurrent_weight")
    assert labels(recurrent) == ("presynaptic neuron", "neuron of layer 1")
    assert plot.raster(recording.spikes[0]).get_xlabel() == "time [ms]"
    assert plot.rates(recording).get_xlabel() == "firing rate [% of steps]"
    assert labels(plot.traces(recording, 1)) == ("time [ms]", "membrane potential")
    current = plot.traces(recording, 1, what="current")
    assert labels(current) == ("time [ms]", "synaptic current")
    several = plot.rasters(recording, title="all of it")
    assert several[0].figure.get_suptitle() == "all of it"
    assert [axes.get_xlabel() for axes in several] == ["", "", "", "time [ms]"]
    assert plot.learning_curves(HISTORY, title="both")[0].figure.get_suptitle() == "both"


def test_ticks_of_few_epochs_are_whole():
    assert list(plot.learning_curve(HISTORY.epochs[:1], "loss").get_xticks()) == [1]
    ticks = plot.learning_curve(HISTORY, "loss").get_xticks()
    assert all(tick == round(tick) for tick in ticks)


def test_learning_curves_are_the_history():
    axes = plot.learning_curve(HISTORY, "loss")
    training, validation, best = axes.lines
    assert list(training.get_ydata()) == [3.0, 2.0, 1.0]
    assert list(validation.get_ydata()) == [2.0, 1.0, 1.5]
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([2], [1.0])
    assert axes.get_legend().texts[1].get_text() == "validation, best 1 (epoch 2)"
    validated = [
        {**record, "val_accuracy": v} for record, v in zip(HISTORY, (3, 5, 4), strict=True)
    ]
    label = plot.learning_curve(validated).get_legend().texts[1].get_text()
    assert label == "validation, best 500.00 % (epoch 2)"
    axes = plot.learning_curve(HISTORY.epochs, "firing_rate")
    np.testing.assert_allclose(axes.lines[1].get_ydata(), [20, 30, 40])
    accuracy, loss = plot.learning_curves(HISTORY)
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [50, 60, 70])
    assert (accuracy.get_ylabel(), loss.get_ylabel()) == ("accuracy [%]", "loss")
    with pytest.raises(KeyError, match="did you mean 'loss'"):
        plot.learning_curve(HISTORY, "losss")
    with pytest.raises(ValueError, match="quantities must be a list of names, got 'loss'"):
        plot.learning_curves(HISTORY, "loss")


def test_confusion_matrix_counts(small, network):
    _, encoder, x, y = small
    axes = plot.confusion_matrix([0, 1, 1, 1], [0, 1, 1, 2], class_names=["no", "yes"])
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "1", (1, 0): "0", (2, 0): "0", (0, 1): "0", (1, 1): "2", (2, 1): "1"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[1, 0, 0], [0, 2 / 3, 1 / 3]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes", "2"]
    assert axes.get_title() == "accuracy 75.00 % on 4 samples"
    result = sr.Trainer(network, encoder=encoder).evaluate(x, y)
    axes = plot.confusion_matrix(y, result)
    assert f"{100 * result.accuracy:.2f} %" in axes.get_title()
    for arguments, message in (
        (([], []), "y has"),
        (([0, 1], [0]), r"predictions has shape \(1,\), expected \(n_samples=2,\)"),
        (([-1], [0]), "y must be classes >= 0, got -1"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            plot.confusion_matrix(*arguments)
    with pytest.raises(ValueError, match="class_names must name 3 classes, got 2"):
        plot.confusion_matrix([2], [0], class_names=["a", "b"])


def test_rates_are_those_of_the_neurons(recording):
    axes = plot.rates(recording)
    for row, trains in enumerate(recording.spikes):
        rates = 100 * trains.counts().sum(axis=0) / (3 * 60)
        np.testing.assert_allclose(axes.collections[row].get_offsets()[:, 0], rates)
        mean = axes.lines[row]
        np.testing.assert_allclose(mean.get_xdata(), rates.mean())
        assert np.mean(mean.get_ydata()) == row and to_hex(mean.get_color()) == PREDICTED
        assert axes.texts[row].get_text().endswith(f"{np.sum(rates == 0)} of {len(rates)} silent")
    with pytest.raises(ValueError, match="recording has 0 samples"):
        plot.rates([trains[:0] for trains in recording.spikes])


def test_traces_are_those_of_the_recording(recording):
    axes = plot.traces(recording, 1, sample=2, dt=0.5, v_th=2.0)
    lines = {line.get_label(): line for line in axes.lines}
    chosen = recording.neurons[1]
    for column, neuron in enumerate(chosen):
        line = lines[f"neuron {neuron}"]
        np.testing.assert_array_equal(line.get_ydata(), recording.potential[1][2, :, column])
        np.testing.assert_allclose(line.get_xdata(), 0.5 * np.arange(60))
    events = recording.spikes[2][2:3].to_events()[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = [list(line.get_xdata()) for line in dots]
    assert drawn == [list(0.5 * events["t"][events["x"] == neuron]) for neuron in chosen]
    assert sum(map(len, drawn)) > 0
    assert all((line.get_ydata() >= 2.0).all() for line in dots)
    assert list(lines["v_th 2"].get_ydata()) == [2.0, 2.0]
    current = plot.traces(recording, 1, what="current").lines[0]
    np.testing.assert_array_equal(current.get_ydata(), recording.current[1][0, :, 0])
    for arguments, options, message in (
        ((0,), {}, r"layer must be one that record_traces of Network.run named \(1\), got 0"),
        ((1,), {"sample": 3}, "sample must be < 3, got 3"),
        ((1,), {"what": "v"}, "what must be 'potential' or 'current', got 'v'"),
    ):
        with pytest.raises(ValueError, match=message):
            plot.traces(recording, *arguments, **options)


def test_weights_are_those_of_the_network(network):
    np.testing.assert_array_equal(
        plot.weights(network, 2).images[0].get_array(), network.weights[2]["weight"]
    )
    recurrent = plot.weights(network, 1, matrix="recurrent_weight").images[0]
    np.testing.assert_array_equal(recurrent.get_array(), network.weights[1]["recurrent_weight"])
    axes = plot.weight_histogram(network)
    shares = [patch.get_data().values.sum() for patch in axes.patches]
    np.testing.assert_allclose(shares, 100.0)
    labels = [text.get_text() for text in axes.get_legend().texts]
    assert labels[2] == f"layer 1, recurrent ({np.sum(network.recurrent_mask(1))})"
    alike = sr.Network(2, [sr.Dense(3, init=sr.ConstantInit(0.0))])
    patch = plot.weight_histogram(alike).patches[0].get_data()
    assert patch.values[0] == 100.0 and (patch.edges[0], patch.edges[-1]) == (0.0, 1.0)
    fixed = network.to_fixed(sr.QFormat(granularity="neuron"))
    layer, drawn = fixed.layers[1], []
    for matrix in ("weight", "recurrent_weight"):
        drawn.append(plot.weights(fixed, 1, matrix=matrix).images[0].get_array())
    np.testing.assert_array_equal(drawn[0], layer.scale[:, None] * layer.weight)
    np.testing.assert_array_equal(drawn[1], layer.scale[:, None] * layer.recurrent_weight)
    legend = plot.weight_histogram(fixed).get_legend().texts
    assert [text.get_text() for text in legend] == labels
    with pytest.raises(ValueError, match="layer must be < 3, got 3"):
        plot.weights(network, 3)
    with pytest.raises(ValueError, match="matrix must be 'weight' for layer 0, got 'rec"):
        plot.weights(network, 0, matrix="recurrent_weight")


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda r: plot.raster(3), TypeError, "spikes must be SpikeTrains or events"),
        (lambda r: plot.raster(r.spikes[0], sample=3), ValueError, "sample must be < 3, got 3"),
        (lambda r: plot.raster(r.spikes[-1], true_class=3), ValueError, "true_class must be < 3"),
        (lambda r: plot.raster(r.spikes[-1], predicted_class=-1), ValueError, "predicted_class"),
        (lambda r: plot.raster(r.spikes[-1], names=["a"]), ValueError, "names must be 3, one a"),
        (lambda r: plot.rasters(r.counts), TypeError, "recording must be a Recording"),
        (lambda r: plot.rasters(r, true_class=3), ValueError, "true_class must be < 3, got 3"),
        (lambda r: plot.rates(3.0), TypeError, "recording must be a Recording"),
        (lambda r: plot.traces(r.spikes, 0), TypeError, "recording must be a Recording"),
        (lambda r: plot.weights(r), TypeError, "network must be a Network"),
        (lambda r: plot.weight_histogram(r), TypeError, "network must be a Network"),
    ],
)
def test_nonsense_is_refused(recording, draw, error, message):
    with pytest.raises(error, match=message):
        draw(recording)
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(recording, monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"strsbp_rs\[plot\]"):
        plot.raster(recording.spikes[0])


def test_it_draws_without_a_display(tmp_path):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    code = (
        "import sys, strsbp_rs as sr\n"
        "assert 'matplotlib' not in sys.modules\n"
        "axes = sr.plot.confusion_matrix([0, 1], [0, 1])\n"
        "axes.figure.savefig('x.png')\n"
    )
    subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


# Planes ------------------------------------------------------------------------------------------
