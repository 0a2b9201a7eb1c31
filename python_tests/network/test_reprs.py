"""What objects show of themselves: a line in a terminal, a table in a notebook."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo


class Table(HTMLParser):
    """Reads the rows of a table."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.fixture
def trained(small):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder, n_threads=2, optimizer=sr.Adam(lr=0.01))
    trainer.fit(x, y, epochs=2, validation_data=(x, y), progress=False)
    return trainer


def line(value):
    text = repr(value)
    assert "\n" not in text and len(text) < 260 and text[0] == "<" and text[-1] == ">"
    return text


def test_a_trainer_and_its_history(trained):
    text = line(trained)
    for part in (
        "12-20-R18-3",
        "softmax_cross_entropy",
        "adam with lr 0.01",
        "batches of 32",
        "2 threads",
    ):
        assert part in text
    assert text.endswith("2 epochs completed>")
    through = sr.Trainer(trained.network, hardware="loihi", encoder=trained.encoder)
    assert "through loihi" in line(through) and "0 epochs completed" in line(through)
    history = trained.history
    text = line(history)
    assert text.startswith("<History: 2 epochs, at last loss ")
    assert f"val_accuracy {history[-1]['val_accuracy']:.4g}" in text
    assert line(sr.History()) == "<History: 0 epochs>"
    header, *rows = Table(history._repr_html_()).rows
    assert header == history.names and len(rows) == 2
    assert rows[1][header.index("loss")] == f"{history[-1]['loss']:.4g}"


def test_a_callback_may_show_the_trainer(small):
    make_network, encoder, x, y = small

    class Show(sr.Callback):
        def on_epoch_end(self, trainer, record):
            shown.append(line(trainer))

    shown = []
    sr.Trainer(make_network(), encoder=encoder).fit(
        x, y, epochs=1, callbacks=[Show()], progress=False
    )
    assert shown[0].endswith("1 epoch completed>")


def test_an_evaluation(trained, small):
    *_, x, y = small
    result = trained.evaluate(x, y)
    text = line(result)
    assert f"accuracy {result.accuracy:.2%}, loss {result.loss:.4g}, samples 60" in text
    rows = dict(Table(result._repr_html_()).rows)
    assert rows["accuracy"] == f"{result.accuracy:.2%}"
    assert rows["firing rates"].split() == [f"{rate:.2%}" for rate in result.firing_rate]
    through = sr.Trainer(trained.network, hardware="qformat", encoder=trained.encoder)
    assert "overflows of currents and membranes" in line(through.evaluate(x, y))


def test_all_that_an_evaluation_says():
    values = {"loss": 0.5, "accuracy": 0.25, "counts": np.zeros((1200, 2), np.uint32)}
    values |= {"predictions": np.zeros(1200, np.int64), "firing_rate": [0.1, 0.125]}
    plain = sr.Evaluation(**values, samples_per_s=99.6, silent_neurons=[0, 0])
    assert line(plain) == (
        "<Evaluation: accuracy 25.00%, loss 0.5, samples 1,200, firing rates 10.00% 12.50%, "
        "samples/s 100, engine clocked>"
    )
    told = {"silent_neurons": [0, 3], "n_tied": 1100, "n_spikeless": 1000, "engine": "event"}
    overflows = [sr.fixed.Overflows(1000, 2), sr.fixed.Overflows(0, 0)]
    assert line(sr.Evaluation(**values, samples_per_s=1.0, **told, overflows=overflows)) == (
        "<Evaluation: accuracy 25.00%, loss 0.5, samples 1,200, firing rates 10.00% 12.50%, "
        "silent neurons 0 3, ties 1,100, samples without output spikes 1,000, samples/s 1, "
        "engine event, overflows of currents and membranes 1,000 and 2, 0 and 0>"
    )


def test_networks_and_recordings(trained, small):
    *_, x, _ = small
    net = trained.network
    assert net.outline == "12-20-R18-3"
    header, *rows = Table(net._repr_html_()).rows
    assert [row[header.index("neurons")] for row in rows] == ["20", "18", "3"]
    assert [row[header.index("weights")] for row in rows] == ["240", "360 + 324", "54"]
    recording = net.run(x[:2], encoder=trained.encoder, record_traces={1: [0]})
    spikes = ", ".join(str(trains.n_spikes) for trains in recording.spikes)
    text = line(recording)
    assert f"2 samples of 60 steps, spikes of input and layers {spikes}, traces of layers 1" in text
    _, *rows = Table(recording._repr_html_()).rows
    assert [row[0] for row in rows] == ["input", "layer 0", "layer 1", "layer 2"]
    assert [row[2] for row in rows] == [str(trains.n_spikes) for trains in recording.spikes]
    gradients = trained.gradients(x[:2], [0, 1])
    assert "weight 20x12, weight 18x20, recurrent_weight 18x18, weight 3x18" in line(gradients)


def test_fixed_point_and_its_report(trained, small):
    *_, x, y = small
    fixed = trained.network.to_fixed()
    assert "18x20 weights and recurrent ones of 8 bits" in line(fixed.layers[1])
    header, *rows = Table(fixed._repr_html_()).rows
    assert [row[header.index("neurons")] for row in rows] == ["20", "18", "3"]
    report = fixed.report(x, y, encoder=trained.encoder)
    text = line(report)
    assert text.startswith("<QuantizationReport: 3 layers, 60 samples: accuracy ")
    assert f"{report.accuracy:.2%} before, {report.fixed_accuracy:.2%} after" in text
    assert str(report).count("\n") > 3
    header, *rows = Table(report._repr_html_()).rows
    assert all(len(row) == len(header) for row in rows)
    column = header.index("fixed rate")
    assert [row[column] for row in rows] == [f"{layer.fixed_rate:.2%}" for layer in report.layers]
    assert "accuracy" not in line(fixed.report(x, encoder=trained.encoder))


def test_a_data_set():
    text = line(load_demo())
    assert text == (
        "<Dataset demo: 2,000 training and 500 test images of 28 x 28 pixels, 10 classes, from the "
        "package>"
    )


def test_what_is_shown_is_escaped():
    history = sr.History([{"epoch": 1, "<b>": "<script>", "n": np.float32(0.5)}])
    assert not re.search("<(b|script)>", history._repr_html_())
    assert Table(history._repr_html_()).rows[1] == ["1", "<script>", "0.5"]


def test_gradients_of_pools_alone():
    """Which have none."""
    net = sr.Network((4, 4), [sr.AvgPool2d(2)])
    x = np.ones((1, 3, 16), bool)
    shown = repr(sr.Trainer(net, n_threads=1).gradients(x, [0]))
    assert re.fullmatch(r"<Gradients: loss [\d.]+, of no weights>", shown)
