"""The code of docs/datasets.md runs, on small files where the page says they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from event_files import write_digits_heard, write_heidelberg, write_spoken_digits

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("STRSBP_DATA", str(tmp_path / "others"))
    write_spoken_digits(tmp_path / "fsdd")
    write_heidelberg(tmp_path / "others" / "shd", n=1)
    write_digits_heard(tmp_path / "data" / "n-tidigits")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    sounds, events, of_tonic = blocks
    names: dict[str, Any] = {}
    exec(sounds, names)
    assert names["heard"].n_in == 78 and len(names["digits"].x_validation) == 10
    exec(events, names)
    assert names["shd"].x_train.shape == (20, 100, 140)
    assert names["digits"].x_test.shape == (22, 700, 64)
    # What tonic reads is tested where that is; here, that the function is called by its own names.
    assert "from_tonic(" in of_tonic and "step_ms=" in of_tonic
