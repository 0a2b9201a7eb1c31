"""More than there is memory for: an error that says so, and nothing is changed."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import memory_cases
import numpy as np
import pytest

import strsbp_rs as sr

linux = pytest.mark.skipif(sys.platform != "linux", reason="sets a limit as Linux does")


@linux
@pytest.mark.parametrize("name", memory_cases.cases(Path()))
def test_too_much_memory_is_an_error(name: str, tmp_path: Path) -> None:
    """In a process of its own, which must not end, with 256 MiB more than it has."""
    command = [sys.executable, memory_cases.__file__, name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr[-2000:])


def parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    (length,) = struct.unpack("<Q", file[:8])
    return json.loads(file[8 : 8 + length]), file[8 + length :]


def joined(header: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def scaled(path: Path, n: int) -> None:
    """Makes the configuration of a file one of n neurons a layer; its arrays stay."""
    header, data = parts(path.read_bytes())
    ours = json.loads(header["__metadata__"]["strsbp_rs"])
    for layer in ours["network"]["layers"]:
        layer["n"] = n
    header["__metadata__"]["strsbp_rs"] = json.dumps(ours)
    path.write_bytes(joined(header, data))


BOMB = """
import resource, sys
sys.path.insert(0, {tests!r})
import memory_cases
import strsbp_rs as sr
memory_cases.set_limit(2**28)
try:
    getattr(sr, {kind!r}).load({path!r})
except ValueError as error:
    print(error)
"""


@linux
@pytest.mark.parametrize("n", [12_000, 30_000, 2**31 - 1])
@pytest.mark.parametrize("kind", ["Network", "Trainer", "FixedNetwork"])
def test_arrays_of_a_file_are_checked_before_anything_is_allocated(
    kind: str, n: int, tmp_path: Path
) -> None:
    """A file of a kilobyte that says it is large: 256 MiB are enough to refuse it."""
    path = tmp_path / "bomb"
    net = sr.Network(2, [sr.Recurrent(3), sr.Dense(3)], seed=1)
    made = {
        "Network": net,
        "Trainer": sr.Trainer(net, n_threads=1),
        "FixedNetwork": net.to_fixed("cortex_m"),
    }
    made[kind].save(path)
    scaled(path, n)
    tests = str(Path(__file__).parents[1])
    code = BOMB.format(kind=kind, path=str(path), tests=tests)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = f"expected (n_out={n}, n_in=2)"
    assert str(path) in done.stdout and expected in done.stdout, done.stdout


def test_training_loads_no_masked_arrays() -> None:
    """NumPy's module of masked arrays takes 9 MB, and nobody who has not loaded it can give one."""
    code = """
import sys
import numpy as np
import strsbp_rs as sr

net = sr.Network(2, [sr.Dense(2, v_th=1.0)], seed=1)
trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(n_steps=5), n_threads=1)
x, y = np.ones((4, 2)), np.arange(4) % 2
trainer.fit(x, y, epochs=1, progress=False)
trainer.evaluate(x, y)
sys.exit("numpy.ma" in sys.modules)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


@linux
def test_lateral_inhibition_of_a_file_is_no_bomb(tmp_path: Path) -> None:
    """It is not in the file: a small one may hold a network that is too large."""
    path = tmp_path / "net"
    sr.Network(1, [sr.Dense(60_000, v_th=1.0)], seed=1).save(path)
    header, data = parts(path.read_bytes())
    ours = json.loads(header["__metadata__"]["strsbp_rs"])
    ours["network"]["layers"][0]["lateral_inhibition"] = 1.0
    header["__metadata__"]["strsbp_rs"] = json.dumps(ours)
    path.write_bytes(joined(header, data))
    code = BOMB.format(kind="Network", path=str(path), tests=str(Path(__file__).parents[1]))
    code = code.replace("except ValueError", "except MemoryError")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    expected = "n * n of lateral inhibition = 3600000000 of 4 bytes each: no memory for so many\n"
    assert (done.returncode, done.stdout) == (0, expected), done.stderr[-2000:]


def test_nothing_is_drawn_that_a_file_has(tmp_path: Path) -> None:
    """The weights of a network are those of its file, whatever its configuration would draw."""
    path = tmp_path / "net"
    net = sr.Network(4, [sr.Recurrent(5, mask=sr.Sparse(0.5)), sr.Dense(3)], seed=7)
    weights = [{name: 2.0 * values for name, values in layer.items()} for layer in net.weights]
    net.set_weights(weights)
    net.save(path)
    loaded = sr.Network.load(path)
    for ours, theirs in zip(loaded.weights, weights, strict=True):
        assert ours.keys() == theirs.keys()
        assert all((ours[name] == theirs[name]).all() for name in ours)
    assert (loaded.recurrent_mask(0) == net.recurrent_mask(0)).all()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 8,
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 9) + b'{"a": 1}',
        joined({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, b""),
        joined({"a": {"dtype": "F32", "shape": [2**63, 4], "data_offsets": [0, 2**42]}}, b""),
    ],
)
def test_files_that_claim_what_they_do_not_hold(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    for kind in (sr.Network, sr.Trainer, sr.FixedNetwork):
        with pytest.raises(ValueError, match=r"safetensors file") as caught:
            kind.load(path)
        assert str(path) in str(caught.value) and "line 1" not in str(caught.value)


@linux
def test_a_header_that_grows_when_it_is_read_is_refused(tmp_path: Path) -> None:
    """Its 60 MB of empty lists would take 640 MB."""
    path = tmp_path / "net"
    sr.Network(1, [sr.Dense(1)], seed=1).save(path)
    header, data = parts(path.read_bytes())
    ours = json.loads(header["__metadata__"]["strsbp_rs"])
    ours["extra"]["user"] = None
    text = json.dumps(ours).replace("null", f"[{'[],' * 20_000_000}[]]")
    header["__metadata__"]["strsbp_rs"] = text
    path.write_bytes(joined(header, data))
    code = BOMB.format(kind="Network", path=str(path), tests=str(Path(__file__).parents[1]))
    code = code.replace("except ValueError", "except MemoryError")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(f"bytes of the header of {path} = 60000"), done.stdout
    assert done.stdout.endswith("of 24 bytes each: no memory for so many\n")


@pytest.mark.parametrize("length", [10**8 + 1, 2**63])
def test_headers_have_a_longest(length: int, tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(ValueError, match=f"would have {length} bytes, of at most 100000000"):
        sr.Network.load(path)


@linux
def test_files_without_an_end_are_not_read_on() -> None:
    with pytest.raises(ValueError, match=r"/dev/zero: is not a whole safetensors file"):
        sr.Network.load("/dev/zero")


def test_bytes_are_as_before(tmp_path: Path) -> None:
    """Header and order of the arrays are those of safetensors' own library."""
    path = tmp_path / "net"
    net = sr.Network(2, [sr.Dense(3), sr.Recurrent(2)], seed=1)
    net.save(path)
    file = path.read_bytes()
    header, data = parts(file)
    names = ["layers.0.weight", "layers.1.recurrent_weight", "layers.1.weight"]
    assert list(header) == ["__metadata__", *names]
    assert struct.unpack("<Q", file[:8])[0] % 8 == 0
    ends = [0]
    for name, shape in zip(names, [[3, 2], [2, 2], [2, 3]], strict=True):
        entry = header[name]
        size = 4 * shape[0] * shape[1]
        assert entry == {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [ends[-1], ends[-1] + size],
        }
        ends.append(ends[-1] + size)
    assert ends[-1] == len(data)
    assert (np.frombuffer(data[:24], "<f4").reshape(3, 2) == net.weights[0]["weight"]).all()
