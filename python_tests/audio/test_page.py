"""The code of docs/audio.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from strsbp_rs import SpikeTrains
from strsbp_rs.audio import Cache

PAGE = Path(__file__).parents[2] / "docs" / "audio.md"


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert names["frames"].shape == (20, 78)
    assert isinstance(names["spikes"], SpikeTrains) and names["spikes"].shape == (3, 100, 70)
    # As the page says it prints.
    assert "Cache('heard': 3 recordings, 0.1 MB)" in capsys.readouterr().out
    assert Cache("heard").n_recordings == 0
