"""Functions of spike trains and neurons that return numbers."""

from __future__ import annotations

from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.digest import of_floats
from golden.registry import Entries, case

EULER: dict[str, Any] = {"tau_m": 16.0, "tau_s": 4.0, "t_ref": 2.0}
EXACT = {**EULER, "dt": 0.5, "discretisation": "exact"}
EQUAL = {**EULER, "tau_s": 16.0, "t_ref": 0.0}


def _coupling(constants: dict[str, Any]) -> Entries:
    yield "psp_table", of_floats(b.psp_table(n_steps=60, **constants))
    for kind in ("closed_form", "table", "auto", "none"):
        yield f"post_coupling/{kind}", of_floats(b.post_coupling(kind, n_steps=60, **constants))
    pre, post = (
        b.SpikeTrains.from_counts(inputs.counts(30 + i, (3, 40, 5 + i), 6).astype(int))
        for i in range(2)
    )
    for delay in (0.0, 3.0):
        yield f"s_psp/{delay:g}", of_floats(b.s_psp(pre, post, delay=delay, **constants))


@case("numbers/euler")
def euler(n_threads: int) -> Entries:
    for name, constants in {"euler": EULER, "equal": EQUAL}.items():
        yield from ((f"{name}/{entry}", value) for entry, value in _coupling(constants))


@case("numbers/exact", "libm", threads=True)
def exact(n_threads: int) -> Entries:
    yield from _coupling(EXACT)
    one, other = (b.SpikeTrains.from_dense(inputs.raster(40 + i, (4, 60, 6), 7)) for i in range(2))
    for tau, dt in ((8.0, 1.0), (3.0, 0.5)):
        distance = bf.van_rossum(one, other, tau=tau, dt=dt, n_threads=n_threads)
        yield f"van_rossum/{tau:g}", of_floats(distance)
