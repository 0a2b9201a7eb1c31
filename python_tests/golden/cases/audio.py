"""Front ends: frames of recordings."""

from __future__ import annotations

from golden import build as b
from golden import inputs
from golden.digest import of_floats, of_integers
from golden.registry import Entries, case

SOUNDS = [inputs.fractions(900 + at, (n,), -0.5, 0.5) for at, n in enumerate((3_000, 777, 1_250))]
LYON = {
    "usual": {"sample_rate": 12_500, "decimation": 200},
    "every_sample": {"sample_rate": 8_000, "decimation": 1, "ear_q": 4.0},
    "plain": {"sample_rate": 16_000, "decimation": 160, "difference": False, "gain_control": False},
}
LOG_MEL = {
    "usual": {"sample_rate": 16_000},
    "decibels": {"sample_rate": 8_000, "window": 333, "n_channels": 128, "normalize": False},
}


@case("audio", "libm", threads=True)
def audio(n_threads: int) -> Entries:
    for name, options in LYON.items():
        yield f"lyon/{name}", of_floats(b.heard(b.LyonEar(**options), SOUNDS, n_threads))
    for name, options in LOG_MEL.items():
        yield f"log_mel/{name}", of_floats(b.heard(b.LogMel(**options), SOUNDS, n_threads))


@case("cochlea", "libm", threads=True)
def cochlea(n_threads: int) -> Entries:
    """A unit in the last place moves a spike now and then, at most."""
    heard = b.spikes_heard(b.HeidelbergCochlea(20_000, n_channels=50, seed=3), SOUNDS, n_threads)
    indptr, indices, shape = heard.to_csr()
    yield "spikes", of_integers([indptr, indices], list(shape), heard.lengths)
