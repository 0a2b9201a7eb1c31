"""Functions of spike trains: S-PSPs and distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import number, one_of, threads
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import SpikeTrainsCore
from strsbp_rs._strsbp_rs import s_psp as _s_psp

__all__ = ["lif_params", "s_psp", "van_rossum"]


def _core_of(name: str, trains: Any) -> SpikeTrainsCore:
    """Returns spike trains as the core takes them.

    Raises:
        TypeError: If they are none.
    """
    if not isinstance(trains, SpikeTrains):
        raise TypeError(f"{name} must be SpikeTrains, got {type(trains).__name__}")
    return trains._core


def s_psp(
    pre: SpikeTrains,
    post: SpikeTrains,
    *,
    tau_m: float,
    tau_s: float,
    t_ref: float,
    dt: float = 1.0,
    discretisation: str = "euler",
    delay: float = 0.0,
) -> NDArray[np.float64]:
    """Computes the spike-train level postsynaptic potentials (S-PSPs) of recorded spike trains.

    Args:
        pre: Presynaptic spike trains, (n_samples, n_steps, n_pre).
        post: Postsynaptic spike trains, (n_samples, n_steps, n_post).
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        t_ref: Refractory time [ms].
        dt: Time step [ms].
        discretisation: "euler" or "exact".
        delay: Time that spikes take beyond one time step [ms], a whole number of steps.

    Returns:
        float64 array e of shape (n_samples, n_post, n_pre): e[s, i, j] sums, over the firings of
        i, the potential a unit synapse from j alone would have caused, with i's resets applied.

    Raises:
        MemoryError: If there is no room for the potentials.
        TypeError: If an argument has the wrong type.
        ValueError: If the sets differ in samples or steps, or a constant is out of its domain.

    References:
        Zhang & Li, ST-RSBP, NeurIPS 2019, section 3.
    """
    params = lif_params(tau_m, tau_s, t_ref, dt, discretisation)
    return _s_psp(_core_of("pre", pre), _core_of("post", post), params, number("delay", delay))


def van_rossum(
    a: SpikeTrains,
    b: SpikeTrains,
    *,
    tau: float,
    dt: float = 1.0,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Computes how far the spike trains of every neuron are apart.

    Every spike is the start of an exponential; the distance is the integral of the squared
    difference of the two sums, over tau. A spike too many counts 1/2, one that is moved by d counts
    1 - exp(-d / tau).

    Args:
        a: Spike trains, (n_samples, n_steps, n_neurons).
        b: Others of the same shape.
        tau: Time constant [ms].
        dt: Time step [ms].
        n_threads: Number of threads; all cores if None. The result does not depend on it.

    Returns:
        Squared distances, float64 (n_samples, n_neurons).

    Raises:
        MemoryError: If there is no room for the distances.
        TypeError: If an argument has the wrong type.
        ValueError: If the shapes differ, or a time is not positive.

    References:
        van Rossum, A novel spike distance, Neural Computation 13, 2001.
    """
    step = number("dt", dt)
    if not step > 0:
        raise ValueError(f"dt must be > 0 ms, got {dt}")
    in_steps = number("tau", tau) / step
    return _core_of("a", a).van_rossum(_core_of("b", b), in_steps, threads(n_threads))


def lif_params(
    tau_m: float, tau_s: float, t_ref: float, dt: float, discretisation: str, *, v_th: float = 1.0
) -> dict[str, Any]:
    """Returns a neuron's constants as the core takes them; S-PSPs know no threshold.

    Raises:
        TypeError: If one is not a number.
        ValueError: If the discretisation is unknown.
    """
    one_of("discretisation", discretisation, ("euler", "exact"))
    numbers = {"tau_m": tau_m, "tau_s": tau_s, "v_th": v_th, "t_ref": t_ref, "dt": dt}
    params = {name: number(name, value) for name, value in numbers.items()}
    return {**params, "discretisation": discretisation}
