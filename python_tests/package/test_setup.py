"""What tools/setup.sh decides: what is compiled, and if what is installed was built from it."""

import importlib.util
import os
import zipfile
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_extras_of_extras_are_requirements(install):
    project = {
        "dependencies": ["numpy>=1.26"],
        "optional-dependencies": {
            "plot": ["matplotlib>=3.8"],
            "test": ["pytest>=8"],
            "dev": ["strsbp_rs[plot,test]", "ruff"],
        },
    }
    assert list(install.requirements(project, [])) == ["numpy>=1.26"]
    assert sorted(install.requirements(project, ["dev", "plot"])) == [
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pytest>=8",
        "ruff",
    ]
    with pytest.raises(SystemExit, match="no extra 'plots', expected some of plot, test, dev"):
        list(install.requirements(project, ["plots"]))


def test_sources_are_told_by_content_and_name_not_by_time(install, tmp_path):
    (tmp_path / "rust" / "sim").mkdir(parents=True)
    file = tmp_path / "rust" / "sim" / "mod.rs"
    file.write_text("fn f() {}")
    names = ("rust", "Cargo.lock")
    seen = [install.digest(tmp_path, names)]
    os.utime(file, (0, 0))
    assert install.digest(tmp_path, names) == seen[0]

    def is_new() -> bool:
        seen.append(install.digest(tmp_path, names))
        return seen[-1] not in seen[:-1]

    file.write_text("fn g() {}")
    os.utime(file, (0, 0))
    assert is_new()
    file = file.rename(file.with_name("other.rs"))
    assert is_new()
    (tmp_path / "Cargo.lock").write_text("")
    assert is_new()
    file.unlink()
    assert is_new()


@pytest.fixture
def wheel(install, tmp_path) -> Path:
    """A wheel, and what it holds unpacked as pip does it into the folder `site` beside it."""
    files = {"strsbp_rs/__init__.py": "1", "strsbp_rs/_strsbp_rs.abi3.so": "code"}
    files["strsbp_rs-0.1.0.dist-info/METADATA"] = (
        "Metadata-Version: 2.1\nName: strsbp_rs\nVersion: 0.1.0\n"
    )
    record = "".join(f"{n},{install.hash_of(t.encode())},{len(t)}\n" for n, t in files.items())
    files["strsbp_rs-0.1.0.dist-info/RECORD"] = record + "strsbp_rs-0.1.0.dist-info/RECORD,,\n"
    path = tmp_path / "strsbp_rs-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.extractall(tmp_path / "site")
    by_pip = ["../bin/strsbp", "strsbp_rs/__pycache__/a.pyc", "strsbp_rs-0.1.0.dist-info/INSTALLER"]
    with (tmp_path / "site" / "strsbp_rs-0.1.0.dist-info" / "RECORD").open("a") as out:
        out.writelines(f"{name},sha256=a,1\n" for name in by_pip)
    return path


def found(site: Path) -> list[metadata.Distribution]:
    return [metadata.Distribution.at(p) for p in site.glob("*.dist-info")]


def test_an_installed_wheel_is_recognised(install, wheel):
    assert install.installed(found(wheel.with_name("site"))) == install.contents(wheel)
    assert set(install.contents(wheel)) >= {"strsbp_rs/_strsbp_rs.abi3.so", "strsbp_rs/__init__.py"}


@pytest.mark.parametrize("change", ["edited", "removed", "other version beside it", "none"])
def test_what_differs_from_the_wheel_is_installed_again(install, wheel, change):
    site = wheel.with_name("site")
    extension = site / "strsbp_rs" / "_strsbp_rs.abi3.so"
    if change == "edited":
        extension.write_text("old!")
    elif change == "removed":
        extension.unlink()
    elif change == "other version beside it":
        (site / "strsbp_rs-0.0.9.dist-info").mkdir()
    else:
        (site / "strsbp_rs-0.1.0.dist-info").rename(site / "other")
    assert install.installed(found(site)) != install.contents(wheel)


class Runs:
    """In place of maturin and pip: notes what is called, and fails where asked to."""

    def __init__(self, install, monkeypatch, environment: Path, wheel: Path) -> None:
        self.built: list[bool] = []
        self.pip: list[tuple[str, ...]] = []
        self.build_fails = self.pip_fails = False
        self.install, self.environment, self.wheel = install, environment, wheel
        environment.mkdir()
        monkeypatch.setattr(install.sys, "prefix", str(environment))
        monkeypatch.setattr(install, "start_build", self.start_build)
        monkeypatch.setattr(install, "run_pip", self.run_pip)
        monkeypatch.setattr(install, "is_installed", lambda name: True)
        monkeypatch.setattr(install, "digest", lambda root, names: self.sources)
        monkeypatch.setattr(install.os, "utime", lambda path: self.touched.append(path))
        monkeypatch.setattr(
            install.metadata, "distributions", lambda name: found(wheel.with_name("site"))
        )
        self.sources = "a"
        self.touched: list[Path] = []

    def start_build(self, wheels, output):
        wheels.mkdir(exist_ok=True)
        (wheels / self.wheel.name).write_bytes(self.wheel.read_bytes())
        self.built.append(output is not None)

        class Process:
            wait = staticmethod(lambda: int(self.build_fails))

        return Process()

    def run_pip(self, *arguments: str) -> None:
        self.pip.append(arguments)
        if self.pip_fails:
            raise SystemExit("pip failed")


def test_cargo_is_told_of_sources_that_changed_until_they_are_built(
    install, monkeypatch, tmp_path, wheel
):
    runs = Runs(install, monkeypatch, tmp_path / "environment", wheel)
    for _ in range(2):
        install.main(["plot"])
    assert len(runs.touched) == 1
    runs.sources, runs.build_fails = "b", True
    for count in (2, 3):
        with pytest.raises(SystemExit, match="does not build"):
            install.main(["plot"])
        assert len(runs.touched) == count
    # Back to what was built first: a build that failed has left nothing to rely on.
    runs.sources, runs.build_fails, runs.pip_fails = "a", False, True
    with pytest.raises(SystemExit, match="pip failed"):
        install.main(["plot"])
    assert len(runs.touched) == 4
    runs.pip_fails = False
    install.main(["plot"])
    install.main(["plot"])
    assert len(runs.touched) == 5
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path))
    install.main(["plot"])
    assert len(runs.touched) == 6
    assert len(runs.built) == 8


def test_requirements_are_asked_for_each_time_the_package_only_where_it_differs(
    install, monkeypatch, tmp_path, wheel
):
    runs = Runs(install, monkeypatch, tmp_path / "environment", wheel)
    install.main(["plot"])
    install.main([])
    assert ["matplotlib" in " ".join(c) for c in runs.pip] == [True, False]
    (wheel.with_name("site") / "strsbp_rs" / "_strsbp_rs.abi3.so").write_text("old!")
    install.main([])
    assert runs.pip[-1][:3] == ("install", "--force-reinstall", "--no-deps")
    assert runs.pip[-1][3].endswith(wheel.name)
