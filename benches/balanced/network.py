"""Draws the balanced network of this benchmark, once, for all simulators (NumPy only).

Usage: python benches/balanced/network.py [--dir runs/balanced] [--seed N] [--spread SHARE]

800 excitatory and 200 inhibitory neurons, indices 0-799 and 800-999, each with 80 synapses from
the excitatory, 20 from the inhibitory neurons and 50 from 500 Poisson inputs: 10 % of each, drawn
without repetition or synapses onto itself. The in-degrees are fixed so that the rates of the
neurons differ little. Potentials are relative to rest, in mV, and a neuron is

    tau_m u' = -u + (tau_m / tau_s) p        tau_s p' = -p

with p jumping by the weight at each input; u is set to 0 above v_th, and held there for t_ref.
A weight is thus what an input moves u by if it comes much faster than tau_m. All synapses of a kind
have the same weight; with --spread 0.2, each one its own, drawn uniformly within 20 % of that.

On the grid, spikes of step s reach p at the end of step s + delay, and move u from step
s + delay + 1 on, recurrent and external ones alike. A neuron that fires at step s stays at 0
through step s + t_ref. Step s ends at time s dt; the first one is 1.

Neurons fire irregularly (8 Hz, CV of the intervals 1.06 with seed 1) and nearly independently (the
variance of the number of spikes in 3 ms is 6 times its mean, as at a mean correlation of 0.005 of
two neurons). A little more than half of the synaptic events are inputs.
"""

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEFAULT_DIR = Path("runs/balanced")


@dataclass(frozen=True)
class Constants:
    """What all neurons and synapses share. Times in ms, rates in Hz, potentials in mV."""

    n_e: int = 800
    n_i: int = 200
    n_in: int = 500
    k_e: int = 80
    k_i: int = 20
    k_in: int = 50
    tau_m: float = 20.0
    tau_s: float = 5.0
    v_th: float = 20.0
    t_ref: float = 2.0
    delay: float = 1.5
    dt: float = 0.1
    weight_e: float = 1.5
    weight_i: float = -12.0
    weight_in: float = 1.2
    rate_in: float = 20.0
    spread: float = 0.0
    warm_up: float = 500.0
    duration: float = 10_000.0

    @property
    def n(self) -> int:
        """Neurons."""
        return self.n_e + self.n_i

    @property
    def warm_up_steps(self) -> int:
        """Steps before those that are timed and counted."""
        return round(self.warm_up / self.dt)

    @property
    def n_steps(self) -> int:
        """All steps, those of the warm-up included."""
        return self.warm_up_steps + round(self.duration / self.dt)


@dataclass(frozen=True)
class Projection:
    """Synapses, one an index: from `pre` to `post`, sorted by pre, then post."""

    pre: NDArray[np.int32]
    post: NDArray[np.int32]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """The network and its input. Input spikes are sorted by step, then index."""

    constants: Constants
    u0: NDArray[np.float64]
    recurrent: Projection
    external: Projection
    input_step: NDArray[np.int32]
    input_index: NDArray[np.int32]


def connect(
    rng: np.random.Generator, n_pre: int, n_post: int, k: int, offset: int | None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draws k of n_pre partners for each neuron, itself excluded.

    Args:
        rng: Source of randomness; only its uniform numbers are used, which are the same with
            every version of NumPy.
        n_pre: Number of presynaptic neurons.
        n_post: Number of postsynaptic neurons.
        k: In-degree.
        offset: Index of the first presynaptic among the postsynaptic neurons; None if they are
            others.

    Returns:
        Indices of the presynaptic (from 0) and of the postsynaptic neurons.
    """
    order = rng.random((n_post, n_pre))
    if offset is not None:
        order[offset + np.arange(n_pre), np.arange(n_pre)] = 2.0
    pre = np.argsort(order, axis=1, kind="stable")[:, :k]
    return pre.astype(np.int32).ravel(), np.repeat(np.arange(n_post, dtype=np.int32), k)


def projection(*parts: tuple[NDArray[np.int32], NDArray[np.int32], float]) -> Projection:
    """Joins (pre, post, weight) and sorts them."""
    pre = np.concatenate([part[0] for part in parts])
    post = np.concatenate([part[1] for part in parts])
    weight = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    order = np.lexsort((post, pre))
    return Projection(pre[order], post[order], weight[order])


def spread(rng: np.random.Generator, projection: Projection, share: float) -> Projection:
    """Draws a weight of its own for each synapse, within a share of the given one."""
    factor = 1.0 + share * (2.0 * rng.random(len(projection.weight)) - 1.0)
    return replace(projection, weight=projection.weight * factor)


def draw(constants: Constants, seed: int) -> Network:
    """Draws potentials, synapses and input spikes."""
    c, rng = constants, np.random.default_rng(seed)
    u0 = c.v_th * rng.random(c.n)
    pre_e, post_e = connect(rng, c.n_e, c.n, c.k_e, 0)
    pre_i, post_i = connect(rng, c.n_i, c.n, c.k_i, c.n_e)
    pre_in, post_in = connect(rng, c.n_in, c.n, c.k_in, None)
    # At most one spike an input and step: what a Poisson process of 20 Hz misses by is 1e-3 of it.
    chance = c.rate_in * c.dt * 1e-3
    spikes = [np.flatnonzero(rng.random(c.n_in) < chance) for _ in range(c.n_steps)]
    recurrent = projection(
        (pre_e, post_e, c.weight_e), (pre_i + np.int32(c.n_e), post_i, c.weight_i)
    )
    return Network(
        c,
        u0,
        spread(rng, recurrent, c.spread),
        spread(rng, projection((pre_in, post_in, c.weight_in)), c.spread),
        np.repeat(np.arange(1, c.n_steps + 1, dtype=np.int32), [len(step) for step in spikes]),
        np.concatenate(spikes).astype(np.int32),
    )


def save(network: Network, directory: Path) -> None:
    """Writes `network.npz` into a directory, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{name}_{field}": array
        for name in ("recurrent", "external")
        for field, array in vars(getattr(network, name)).items()
    }
    constants = {f"c_{name}": value for name, value in asdict(network.constants).items()}
    np.savez(
        directory / "network.npz",
        u0=network.u0,
        input_step=network.input_step,
        input_index=network.input_index,
        **arrays,
        **constants,
    )


def load(directory: Path) -> Network:
    """Reads what `save` wrote."""
    with np.load(directory / "network.npz") as file:
        constants = {name[2:]: file[name].item() for name in file.files if name.startswith("c_")}
        synapses = (
            Projection(*(file[f"{name}_{field}"] for field in ("pre", "post", "weight")))
            for name in ("recurrent", "external")
        )
        return Network(
            Constants(**constants), file["u0"], *synapses, file["input_step"], file["input_index"]
        )


def main() -> None:
    """Draws and saves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread", type=float, default=0.0, help="share by which weights differ")
    args = parser.parse_args()
    network = draw(Constants(spread=args.spread), args.seed)
    save(network, args.dir)
    print(
        f"{network.constants.n} neurons, {len(network.recurrent.pre)} recurrent and "
        f"{len(network.external.pre)} external synapses, {len(network.input_step)} input spikes"
    )


if __name__ == "__main__":
    main()
