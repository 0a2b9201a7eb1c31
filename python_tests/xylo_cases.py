"""Random networks of Xylo."""

from __future__ import annotations

import numpy as np
from references.integers import Ints
from references.xylo import Xylo, XyloNeurons

from strsbp_rs import fixed


def random_xylo(rng: np.random.Generator) -> Xylo:
    """A network with one synapse a neuron and no aliases."""
    version = int(rng.integers(1, 3))
    n_in, n_hidden, n_out = (int(n) for n in rng.integers(1, [6, 20, 4]))
    extreme = rng.random() < 0.5
    reach = 32767 if extreme else int(rng.choice([3, 100, 2000]))

    def neurons(n: int) -> XyloNeurons:
        return XyloNeurons(
            v_th=rng.integers(1, reach + 1, n),
            dash_mem=rng.integers(0, 16 if extreme else 6, n),
            dash_syn=rng.integers(1, 16 if extreme else 6, (1, n)),
            bias=rng.integers(-reach - 1, reach + 1, n) if version == 2 else None,
        )

    def weight(n_post: int, n_pre: int) -> Ints:
        return rng.integers(-128, 128, (1, n_post, n_pre))

    shifts = rng.integers(0, 10 if extreme else 4, 3)
    return Xylo(
        version,
        weight(n_hidden, n_in),
        weight(n_hidden, n_hidden),
        weight(n_out, n_hidden),
        *(int(shift) for shift in shifts),
        neurons(n_hidden),
        neurons(n_out),
        [[] for _ in range(n_hidden)],
    )


def xylo_formats(xylo: Xylo) -> list[fixed.Format]:
    """Formats of the hidden neurons and of the output."""
    device: fixed.Device = "a1" if xylo.version == 1 else "audio2"
    return [
        fixed.xylo_format(
            v_th=of.v_th,
            dash_syn=of.dash_syn[0],
            dash_mem=of.dash_mem,
            bias=0 if of.bias is None else of.bias,
            device=device,
            output=output,
        )
        for of, output in ((xylo.hidden, False), (xylo.output, True))
    ]
