"""Pictures of a training run, in files."""

import builtins

import pytest

from strsbp_rs.plot._raster import rasters_layout
from strsbp_rs.training import _pictures

PNG = b"\x89PNG\r\n"


@pytest.fixture
def recording(small):
    make_network, encoder, x, _ = small
    return make_network().run(x[:2], encoder=encoder)


RECORDS = [
    {"epoch": e, "loss": 1 / e, "accuracy": 0.5, "val_loss": 2 / e, "val_accuracy": 0.1 * e}
    for e in (1, 2, 3)
]


def test_pictures_are_png_files(recording, tmp_path):
    pytest.importorskip("matplotlib")
    for draw, what in ((_pictures.learning_curve, RECORDS), (_pictures.spike_raster, recording)):
        draw(what, tmp_path / "picture.png", title="title")
        assert (tmp_path / "picture.png").read_bytes().startswith(PNG)
    training_only = [{k: r[k] for k in ("epoch", "loss", "accuracy")} for r in RECORDS]
    _pictures.learning_curve(training_only, tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_raster_shows_the_spikes_of_the_first_sample(recording, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    figures = []
    monkeypatch.setattr(_pictures, "save_figure", lambda figure, path: figures.append(figure))
    _pictures.spike_raster(recording, tmp_path / "x.png", dt=0.5, class_names=("a", "b", "c"))
    assert tuple(figures[0].get_size_inches()) == rasters_layout(recording.spikes)[0]
    axes = figures[0].axes
    assert axes[-1].texts[0].get_text() == "predicted"
    first = [trains[:1] for trains in recording.spikes]
    shown = [sum(len(row.get_positions()) for row in ax.collections) for ax in axes]
    assert shown == [trains.n_spikes for trains in first]
    assert axes[-1].get_xlim() == (0, 30)
    names = [label.get_text().split()[0] for label in axes[-1].get_yticklabels()]
    assert names == ["a", "b", "c"]


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"strsbp_rs\[plot\]"):
        _pictures.learning_curve(RECORDS, tmp_path / "x.png")
