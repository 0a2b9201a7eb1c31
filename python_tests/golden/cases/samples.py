"""Networks and samples that several cases use. None of them needs a libm, but for `exact`."""

from __future__ import annotations

from typing import Any

from golden import build as b
from golden import inputs

N_IN, N_OUT, N_STEPS = 12, 3, 40
INIT = b.Uniform(-0.5, 1.0)
RECURRENT_INIT = b.Uniform(-0.25, 0.25)


def plain(**options: Any) -> Any:
    layers = [b.dense(20, v_th=2.0, init=INIT), b.dense(N_OUT, v_th=2.0, init=INIT)]
    return b.network(N_IN, layers, **{"seed": 3, **options})


def recurrent(**options: Any) -> Any:
    """Recurrent layers of every kind that draws nothing by a libm; delays; lateral inhibition."""
    layers = [
        b.recurrent(20, v_th=2.0, init=INIT, recurrent_init=RECURRENT_INIT),
        b.recurrent(
            18,
            v_th=1.5,
            t_ref=0.0,
            mask=b.Sparse(0.4, self_loops=True),
            init=INIT,
            recurrent_init=RECURRENT_INIT,
            delay=2.0,
            recurrent_delay=b.UniformDelay(1, 4),
        ),
        b.dense(N_OUT, v_th=2.0, init=INIT, lateral_inhibition=0.25, delay=b.UniformDelay(0, 6)),
    ]
    return b.network(N_IN, layers, **{"seed": 4, **options})


def constants(**options: Any) -> Any:
    """Every layer with constants of its own, two of them equal, in half milliseconds."""
    layers = [
        b.dense(20, tau_m=16.0, tau_s=16.0, v_th=1.5, t_ref=0.5, init=INIT),
        b.recurrent(18, tau_m=4.0, tau_s=32.0, v_th=0.75, init=INIT, recurrent_init=RECURRENT_INIT),
        b.dense(N_OUT, tau_m=1.0, tau_s=2.0, v_th=0.25, t_ref=4.0, init=INIT, delay=1.5),
    ]
    return b.network(N_IN, layers, **{"dt": 0.5, "seed": 5, **options})


def exact(**options: Any) -> Any:
    """Exponential steps: they need a libm."""
    layers = [
        b.dense(20, tau_m=10.0, tau_s=10.0, v_th=3.0, discretisation="exact", init=INIT),
        b.recurrent(
            27,
            v_th=2.0,
            discretisation="exact",
            mask=b.Reservoir((3, 3, 3)),
            init=INIT,
            recurrent_init=RECURRENT_INIT,
        ),
        b.dense(N_OUT, tau_m=20.0, tau_s=3.0, v_th=2.0, discretisation="exact", init=INIT),
    ]
    return b.network(N_IN, layers, **{"seed": 6, **options})


def wide(**options: Any) -> Any:
    """Layers of more neurons than the core takes at once, and no multiple of its blocks."""
    init = b.Uniform(-0.625, 1.0)
    layers = [
        b.dense(150, v_th=4.0, init=init),
        b.recurrent(135, v_th=20.0, init=init, recurrent_init=b.Uniform(-0.125, 0.125)),
        b.dense(4, v_th=20.0, init=b.Uniform(-1.0, 1.5)),
    ]
    return b.network(30, layers, **{"seed": 7, **options})


def strong(**options: Any) -> Any:
    """Recurrent weights with which adjoint systems are solved by the other method."""
    own = b.Uniform(-4.0, 4.0)
    layers = [
        b.recurrent(30, v_th=1.0, init=INIT, recurrent_init=own),
        b.dense(N_OUT, v_th=2.0, init=INIT),
    ]
    return b.network(N_IN, layers, **{"seed": 3, **options})


def raster() -> Any:
    return inputs.raster(1, (5, N_STEPS, N_IN), 5)


def counts() -> Any:
    return inputs.counts(2, (5, N_STEPS, N_IN), 6)


def wide_raster() -> Any:
    return inputs.raster(3, (4, 40, 30), 6)


def pixels(n: int = 10) -> Any:
    return inputs.pixels(4, (n, N_IN))
