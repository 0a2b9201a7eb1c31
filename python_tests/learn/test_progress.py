"""Progress bars: in a terminal of 80 columns, in Jupyter, and in a log file."""

import json
import os
import re
import subprocess
import sys

import pytest

import strsbp_rs as sr
from strsbp_rs.training._progress import ProgressBar

FIT = """
import numpy as np
import strsbp_rs as sr
net = sr.Network(12, [sr.Dense(20, v_th=2.0), sr.Dense(3, v_th=2.0)], seed=1)
trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(n_steps=20), n_threads=1)
x, y = np.random.default_rng(0).random((60, 12)), np.arange(60) % 3
history = trainer.fit(x, y, epochs=2, validation_data=(x, y))
"""


def test_in_a_log_file_there_is_a_line_an_epoch(small, capsys):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder)
    trainer.fit(x, y, epochs=2, validation_data=(x, y))
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert f"test accuracy {trainer.history['val_accuracy'][1]:.2%}" in lines[-1]
    assert f"rates {trainer.history['firing_rate'][1][0]:.1%} " in lines[-1]
    assert captured.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudoterminals")
@pytest.mark.parametrize("columns", [80, 140])
def test_in_a_terminal_bars_and_lines_fit(columns, tmp_path):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # A standard output that is no terminal, as in a pipe, is not what the width is of.
    process = subprocess.Popen(
        [sys.executable, "-c", FIT], stderr=theirs, stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # The other end is closed.
        pass
    assert process.wait(60) == 0, written.decode()
    text = written.decode()
    bars = [part for part in re.split(r"[\r\n]", text) if "%|" in part]
    assert bars and all(len(part) <= columns for part in re.split(r"[\r\n]", text))
    assert re.match(r"epoch 1/2: loss [\d.]+, accuracy [\d.]+%, \d+/s", bars[0])
    assert ("rates" in bars[0]) == (columns == 140)
    assert all(len(re.search(r"\|(.*)\|", bar)[1]) >= 10 for bar in bars)
    lines = [line for line in seen(text).splitlines() if line.strip()]
    assert [line[:15] for line in lines if "epoch" in line] == [
        "epoch 1/2: loss",
        "epoch 2/2: loss",
    ]
    assert len(lines) == (4 if columns == 80 else 2)
    assert re.search(r"rates [\d.]+% [\d.]+%$", lines[-1]) and "%|" not in "".join(lines)


def test_an_unfinished_bar_is_taken_away_once():
    closed = []

    class Bar:
        def close(self):
            closed.append(1)

    bar = ProgressBar(total_epochs=3)
    bar.on_train_end(None, None)
    bar._bar = Bar()
    bar.on_train_end(None, None)
    bar.on_train_end(None, None)
    assert closed == [1]


def seen(text):
    """What remains on a screen, where a carriage return writes over the line."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return "\n".join(lines)


NOTEBOOK = """
import json, sys
import nbclient, nbformat
cells = [nbformat.v4.new_code_cell(source) for source in sys.argv[1:]]
notebook = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
json.dump([cell.outputs for cell in notebook.cells], sys.stdout)
"""


def run_notebook(cells, folder):
    """Runs the cells of a notebook; their outputs."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    command = [sys.executable, "-c", NOTEBOOK, *cells]
    # As a user has it: with no warning turned into an error.
    env = {**os.environ, "PYTHONWARNINGS": "default"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_notebook_without_ipywidgets_shows_bars_of_text(tmp_path):
    hide = "import sys\nsys.modules['ipywidgets'] = None"
    _, fitted, shown, drawn = run_notebook(
        [
            hide,
            FIT,
            "trainer.evaluate(x, y)",
            "%matplotlib inline\naxes = sr.plot.learning_curve(history)",
        ],
        tmp_path,
    )
    assert {output["name"] for output in fitted} == {"stdout"}, fitted
    text = "".join(output["text"] for output in fitted)
    assert "100%|" in text
    assert all(len(part) <= 80 for part in re.split(r"[\r\n]", text) if "%|" in part)
    lines = [line for line in seen(text).splitlines() if line]
    assert [line.split(",")[0].split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    [result] = shown
    assert "<table" in result["data"]["text/html"]
    assert result["data"]["text/plain"].startswith("<Evaluation")
    pytest.importorskip("matplotlib")
    assert any("image/png" in output.get("data", {}) for output in drawn)


def test_a_notebook_with_ipywidgets_shows_widgets(tmp_path):
    pytest.importorskip("ipywidgets")
    [fitted] = run_notebook([FIT], tmp_path)
    assert all(output.get("name") != "stderr" for output in fitted), fitted
    views = "application/vnd.jupyter.widget-view+json"
    text = "".join(output.get("text", "") for output in fitted)
    assert [line.split(":")[0] for line in text.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert any(views in output.get("data", {}) for output in fitted)
