"""Brings the package of this checkout, as it is now, into the environment of this Python.

Usage: .venv/bin/python tools/install.py [EXTRAS]     (comma-separated; called by tools/setup.sh)

Nothing here remembers that something is done: cargo decides what to compile, pip which requirements
are missing, and the hashes that a wheel lists of its files whether what is installed is what was
built. So what was broken off, edited or replaced is mended by the next call.
"""

import base64
import csv
import fcntl
import hashlib
import io
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
NAME = "strsbp_rs"
# What cargo compiles.
SOURCES = ("Cargo.toml", "Cargo.lock", ".cargo", "rust-toolchain.toml", "rust")


def main(extras: list[str]) -> None:
    """Installs requirements, builds the package, and installs it where it differs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = list(requirements(project["project"], extras))
    if not is_installed("maturin"):
        run_pip("install", *project["build-system"]["requires"])
    environment = Path(sys.prefix)
    with (environment / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheels, built = environment / "wheels", environment / ".sources"
        sources = f"{os.environ.get('CARGO_TARGET_DIR')} {digest(ROOT, SOURCES)}"
        changed = not built.exists() or built.read_text() != sources
        if changed:
            built.unlink(missing_ok=True)
            # Cargo compares times: a file that came here with an old one would count as compiled.
            os.utime(ROOT / "rust" / "lib.rs")
        log = environment / "setup.log"
        with log.open("w") as quiet:
            build = start_build(wheels, None if changed else quiet)
            try:
                # Beside the compiler: most of it is waiting for the network.
                run_pip("install", "--no-compile", *project["build-system"]["requires"], *needed)
            finally:
                failed = build.wait() != 0
        if failed:
            sys.exit(f"setup: the package does not build\n{log.read_text()}")
        built.write_text(sources)
        (wheel,) = wheels.glob("*.whl")
        if installed(metadata.distributions(name=NAME)) != contents(wheel):
            run_pip("install", "--force-reinstall", "--no-deps", str(wheel))


def requirements(project: dict, extras: Iterable[str]) -> Iterator[str]:
    """The requirements of the package with `extras`; extras of extras are followed."""
    yield from project["dependencies"]
    known = project["optional-dependencies"]
    waiting, seen = list(extras), set()
    while waiting:
        extra = waiting.pop()
        if extra not in known:
            sys.exit(f"setup: no extra {extra!r}, expected some of {', '.join(known)}")
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in known[extra]:
            own = re.fullmatch(rf"{NAME}\[(.*)\]", requirement)
            if own:
                waiting += own[1].split(",")
            else:
                yield requirement


def is_installed(name: str) -> bool:
    """Whether any version of a distribution is there."""
    return any(metadata.distributions(name=name))


def run_pip(*arguments: str) -> None:
    """Runs pip for this Python; its own messages say what failed."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command).returncode != 0:
        sys.exit(f"setup: pip {arguments[0]} failed, see above")


def start_build(wheels: Path, output: TextIO | None) -> subprocess.Popen:
    """Starts maturin, which leaves one wheel in the folder `wheels`.

    What it says goes to `output`, or to the user. Called without pip, whose isolated builds have
    another path to Python each time: to cargo, that is a change.
    """
    for old in wheels.glob("*.whl"):
        old.unlink()
    maturin = Path(sys.executable).with_name("maturin")
    command = [maturin, "build", "--release", "--interpreter", sys.executable, "--out", wheels]
    command += ["--compatibility", "linux", "--compression-method", "stored"]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)


def digest(root: Path, names: Iterable[str]) -> str:
    """A hash of names and contents of these files and folders."""
    total = hashlib.sha256()
    for name in names:
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in filter(Path.is_file, files):
            total.update(f"{file.relative_to(root)}\0{hash_of(file.read_bytes())}\0".encode())
    return total.hexdigest()


def hash_of(data: bytes) -> str:
    """A file's hash, written as in the list RECORD of a wheel."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def contents(wheel: Path) -> dict[str, str]:
    """The hashes of the files of a wheel, by name, except of the list of hashes itself."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        lines = csv.reader(io.StringIO(archive.read(record).decode()))
        return {name: hashed for name, hashed, _ in lines if hashed}


def installed(distributions: Iterable[metadata.Distribution]) -> dict[str, str]:
    """The hashes, as on disk, of the files that came from a wheel; empty if not one and whole."""
    found = list(distributions)
    if len(found) != 1:
        return {}
    hashes = {}
    for file in found[0].files or []:
        # Scripts, bytecode and pip's own notes are made by pip.
        if file.parts[0] == ".." or "__pycache__" in file.parts:
            continue
        if file.name in ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json"):
            continue
        path = Path(str(file.locate()))
        if not path.is_file():
            return {}
        hashes[str(file)] = hash_of(path.read_bytes())
    return hashes


if __name__ == "__main__":
    main(sys.argv[1].split(",") if len(sys.argv) > 1 else [])
