"""No module of the package needs, by whatever way, one that needs it."""

from __future__ import annotations

import importlib.util
import pathlib
from types import ModuleType

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "tools" / "structure.py"


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_no_circle(tool: ModuleType) -> None:
    assert len(list(tool.sources("strsbp_rs", ending=".py"))) > 60
    assert tool.python_circles() == []


def test_circles_are_found(
    tool: ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through packages, functions and names; not through imports for type checkers."""
    package = tmp_path / "strsbp_rs"
    (package / "sub").mkdir(parents=True)
    texts = {
        "a.py": "from strsbp_rs.sub import b",
        "sub/__init__.py": "",
        "sub/b.py": "def late():\n    from strsbp_rs.c import name\n",
        "c.py": "if TYPE_CHECKING:\n    from strsbp_rs import d\nelse:\n    import strsbp_rs.a\n",
        "d.py": "from strsbp_rs.c import name",
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.python_circles() == ["strsbp_rs.a, strsbp_rs.c, strsbp_rs.sub.b"]
