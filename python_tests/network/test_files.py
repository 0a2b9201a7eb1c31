"""What saving does to what is there: modes, links, pipes, terminals, errors of the system."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs._files import Claim, sweep_folder, write_bytes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes")


def network(n=2):
    return sr.Network(3, [sr.Dense(n)], seed=5)


SAVES = {
    "network": lambda path, n: network(n).save(path),
    "fixed network": lambda path, n: network(n).to_fixed().save(path),
    "checkpoint": lambda path, n: sr.Trainer(network(n), n_threads=1).save(path),
    "spike trains": lambda path, n: sr.SpikeTrains.from_dense(np.ones((n, 2, 9))).save(path),
    "bytes": lambda path, n: write_bytes(path, b"x" * 100_000 * n),
}


@pytest.fixture(params=SAVES)
def save(request):
    return SAVES[request.param]


@pytest.fixture(autouse=True)
def umask():
    former = os.umask(0o022)
    yield
    os.umask(former)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_modes_are_kept(save, tmp_path):
    path = tmp_path / "file"
    save(path, 2)
    assert mode(path) == 0o644
    for kept in (0o600, 0o664, 0o755):
        path.chmod(kept)
        save(path, 3)
        assert mode(path) == kept
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may")
def test_the_owner_is_kept_where_that_is_possible(save, tmp_path):
    path = tmp_path / "file"
    save(path, 2)
    os.chown(path, 1234, 5678)
    path.chmod(0o640)
    save(path, 3)
    held = os.stat(path)
    assert (held.st_uid, held.st_gid, mode(path)) == (1234, 5678, 0o640)


def test_symbolic_links_stay(save, tmp_path):
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    link.symlink_to("folder/target")
    for n in (2, 3):  # The first time it leads to nothing.
        save(link, n)
        assert link.is_symlink()
        save(tmp_path / "same", n)
        assert target.read_bytes() == (tmp_path / "same").read_bytes()
    assert os.listdir(tmp_path / "folder") == ["target"]


def test_hard_links_stay_one_file(save, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    save(a, 9)
    os.link(a, b)
    inode = a.stat().st_ino
    save(a, 2)
    save(tmp_path / "same", 2)
    assert b.read_bytes() == (tmp_path / "same").read_bytes()
    assert a.stat().st_ino == b.stat().st_ino == inode
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "same"]


def test_pipes_take_the_bytes(save, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    save(path, 3)
    reader.join()
    save(tmp_path / "same", 3)
    assert read[0] == (tmp_path / "same").read_bytes()
    assert stat.S_ISFIFO(os.lstat(path).st_mode)


def test_a_pipe_whose_reader_leaves(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def leave(event, arguments):
        nonlocal reader
        if event == "strsbp_rs.write" and reader is not None:
            os.close(reader)
            reader = None

    with audit(leave), pytest.raises(BrokenPipeError) as raised:
        write_bytes(path, b"x")
    assert raised.value.filename == str(path)


def test_terminals_take_the_bytes():
    ours, theirs = os.openpty()
    try:
        name = os.ttyname(theirs)
        write_bytes(name, b"some bytes")
        assert os.read(ours, 100) == b"some bytes"
        assert stat.S_ISCHR(os.stat(name).st_mode)
    finally:
        os.close(ours)
        os.close(theirs)


def test_descriptors_without_a_name_take_the_bytes(tmp_path):
    path = tmp_path / "gone"
    path.write_bytes(b"before")
    with path.open("rb") as file:
        path.unlink()
        if not os.path.exists(f"/dev/fd/{file.fileno()}"):
            pytest.skip("no /dev/fd")
        write_bytes(f"/dev/fd/{file.fileno()}", b"new")
        assert file.read() == b"new"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("absent/file", FileNotFoundError, errno.ENOENT),
        ("file/below", NotADirectoryError, errno.ENOTDIR),
        ("folder", IsADirectoryError, errno.EISDIR),
        ("circle", OSError, errno.ELOOP),
        ("n" * 300, OSError, errno.ENAMETOOLONG),
    ],
)
def test_errors_are_those_of_the_system(save, tmp_path, name, kind, number):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    before = sorted(os.listdir(tmp_path))
    path = tmp_path / name
    loads = [sr.Network.load, sr.FixedNetwork.load, sr.Trainer.load, sr.SpikeTrains.load]
    for call in (partial(save, n=2), *loads):
        with pytest.raises(kind) as raised:
            call(path)
        assert raised.value.errno == number
        assert raised.value.filename == str(path)
        assert raised.value.strerror == os.strerror(number)
    assert sorted(os.listdir(tmp_path)) == before


def test_paths_that_no_system_takes():
    for call in (partial(network().save), sr.Network.load):
        with pytest.raises(ValueError, match=r"NUL|null"):
            call("a\0b")


UNPRIVILEGED = """
import os, sys
import strsbp_rs._files as files
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
try:
    files.write_bytes(sys.argv[1], b"new" * 1000)
except OSError as error:
    print(error.errno, error.filename)
"""


def unprivileged(path):
    """Writes a file as a user who is not root; what is said of an error."""
    result = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(path)], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


@pytest.fixture
def open_folder():
    """A folder that everybody may enter and write to."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)
        os.chmod(name, 0o777)


def test_what_may_not_be_written_is_not_replaced(open_folder):
    path = open_folder / "file"
    path.write_bytes(b"kept")
    path.chmod(0o444)
    assert unprivileged(path) == f"{errno.EACCES} {path}"
    assert path.read_bytes() == b"kept"


def test_a_file_in_a_folder_that_takes_no_new_ones_is_written_in_place(open_folder):
    path = open_folder / "file"
    path.write_bytes(b"old")
    path.chmod(0o666)
    inode = path.stat().st_ino
    open_folder.chmod(0o555)
    assert unprivileged(path) == ""
    assert path.read_bytes() == b"new" * 1000
    assert path.stat().st_ino == inode


HOOKS = []


def watch(event, arguments):
    for hook in HOOKS:
        hook(event, arguments)


sys.addaudithook(watch)  # For good: Python has no way to take one back.


class audit:
    """Shows audit events to a function."""

    def __init__(self, hook):
        self.hook = hook

    def __enter__(self):
        HOOKS.append(self.hook)

    def __exit__(self, *_):
        HOOKS.remove(self.hook)


def events_of(call):
    seen = []

    def note(event, arguments):
        if event.startswith("strsbp_rs."):
            seen.append((event.removeprefix("strsbp_rs."), *arguments))

    with audit(note):
        call()
    return seen


def test_files_are_durable_before_they_count(save, tmp_path):
    path = tmp_path / "file"
    for _ in range(2):
        events = events_of(lambda: save(path, 2))
        names = [name for name, _ in events]
        assert names[0] == "create"
        assert set(names[1:-3]) == {"write"}
        assert events[-3:] == [
            ("sync", str(path)),
            ("replace", str(path)),
            ("sync_folder", str(tmp_path)),
        ]


def test_what_a_hook_raises_is_raised_and_nothing_is_left(save, tmp_path):
    path = tmp_path / "file"
    save(path, 2)
    before = path.read_bytes()
    n_events = len(events_of(lambda: save(tmp_path / "other", 3))) - 1  # But the last.
    os.unlink(tmp_path / "other")
    for last in range(n_events):
        count = 0

        def refuse(event, arguments, last=last):
            nonlocal count
            if event.startswith("strsbp_rs."):
                if count == last:
                    raise RuntimeError("no more")
                count += 1

        with audit(refuse), pytest.raises(RuntimeError, match="no more"):
            save(path, 3)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["file"]


def test_left_over_files_are_swept_where_training_begins(small, tmp_path):
    make_network, encoder, x, y = small
    for name in (".strsbp-0123456789abcdef", ".strsbp-dead.png", "other", ".hidden"):
        (tmp_path / name).write_bytes(b"")
    trainer = sr.Trainer(make_network(), encoder=encoder, n_threads=1)
    trainer.fit(x, y, epochs=1, checkpoint=tmp_path / "checkpoint", progress=False)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "checkpoint", "other"]


def test_what_a_living_process_holds_is_not_swept(tmp_path):
    with Claim(tmp_path):
        assert sweep_folder(str(tmp_path)) == 0
        assert os.listdir(tmp_path) == [".strsbp-claim"]
        with pytest.raises(FileExistsError, match=f"in use by process {os.getpid()} "):
            Claim(tmp_path)
    assert os.listdir(tmp_path) == []
    # In the middle of a write.
    seen = []

    def sweep(event, arguments):
        if event == "strsbp_rs.sync":
            seen.append(sweep_folder(str(tmp_path)))

    with audit(sweep):
        write_bytes(tmp_path / "file", b"x")
    assert seen == [0]
    assert os.listdir(tmp_path) == ["file"]


def test_a_forked_child_does_not_give_up_its_parents_claim(tmp_path):
    script = (
        "import os, sys\n"
        "from strsbp_rs._files import Claim\n"
        "claim = Claim(sys.argv[1])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    claim.release()\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(os.listdir(sys.argv[1]))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['.strsbp-claim']"


def test_loaded_networks_are_what_was_saved_in_place(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    network(2).save(a)
    os.link(a, b)
    network(7).save(a)
    np.testing.assert_array_equal(
        sr.Network.load(b).weights[0]["weight"], network(7).weights[0]["weight"]
    )
