"""How the S-PSP depends on the firing count of the postsynaptic neuron.

d(o) is the mean contribution of one presynaptic spike, anywhere in the window, to the S-PSP of a
neuron that fires o times at random. S(o) = o d'(o)/d(o) is the post-side coupling of ALGORITHM
section 4, and 1/(1 - S) the gain it gives the gradient.
"""

from __future__ import annotations

import numpy as np

from .neuron import Array, Propagator, Raster
from .s_psp import adjoint_traces


def free_share(
    counts: Array, *, duration: float, t_ref: float, dt: float = 1.0
) -> tuple[Array, Array]:
    """Share of the window in which a neuron of so many firings is not refractory, and its slope.

    The last firing's dead time is left out, as it may outlast the window: so the share is above
    dt / (dt + t_ref) for every train that keeps its refractory period. Others have that share.
    """
    share = np.asarray(1.0 - (counts - 1.0) * t_ref / duration)
    least = dt / (dt + t_ref)
    return np.maximum(share, least), np.where(share < least, 0.0, -t_ref / duration)


def closed_form_psp(
    counts: Array, *, tau_m: float, duration: float, t_ref: float = 0.0, dt: float = 1.0
) -> Array:
    """d(o) of a Poisson process with a dead time.

    The mean of the adjoint traces over time is rate * tau_m * (1 - E[exp(-X/tau_m)]), X the part
    of an interspike interval beside the refractory period: tau_s drops out because the synaptic
    filter has unit area. With X exponential, of mean free/rho, this is

        d = rho tau_m free / (free + rho tau_m),   rho = o / duration.

    Above one firing a step, S is that of one a step: d follows the power law with this exponent.

    Args:
        counts: Firing counts, may be fractional.
        tau_m: Membrane time constant [ms].
        duration: Length of the window [ms].
        t_ref: Refractory period [ms]; 0 ignores it.
        dt: Time step [ms].
    """
    n_steps = np.asarray(duration / dt)
    gain = closed_form_gain(n_steps, tau_m=tau_m, duration=duration, t_ref=t_ref, dt=dt)
    beyond = np.maximum(counts / n_steps, 1.0) ** (1.0 - 1.0 / gain)
    counts = np.minimum(counts, n_steps)
    rho = counts / duration
    free, _ = free_share(counts, duration=duration, t_ref=t_ref, dt=dt)
    return np.asarray(beyond * rho * tau_m * free / (free + rho * tau_m))


def closed_form_gain(
    counts: Array, *, tau_m: float, duration: float, t_ref: float = 0.0, dt: float = 1.0
) -> Array:
    """1/(1 - S) of `closed_form_psp`, counts > 0: S = d ln d / d ln o by the rules of calculus."""
    counts = np.minimum(counts, duration / dt)
    rho_tau = counts * tau_m / duration
    free, slope = free_share(counts, duration=duration, t_ref=t_ref, dt=dt)
    # ln d = ln o + ln free - ln(free + rho tau_m) + constant
    s = 1.0 + counts * (slope / free - (slope + tau_m / duration) / (free + rho_tau))
    return np.asarray(1.0 / (1.0 - s))


def random_trains(
    rng: np.random.Generator, n_trains: int, n_steps: int, count: int, t_ref_steps: int
) -> Raster:
    """Trains of exactly `count` firings, uniform among those that respect the refractory period.

    Steps 1 .. n_steps-1 can hold a firing. Taking `t_ref_steps` out after every firing but the
    last maps the allowed trains one to one to the subsets of a shorter window.

    Returns:
        Bool array of shape (n_steps, n_trains).
    """
    n_free = n_steps - 1 - (count - 1) * t_ref_steps
    if n_free < count:
        raise ValueError(f"{count} firings with t_ref = {t_ref_steps} do not fit {n_steps} steps")
    keys = rng.random((n_trains, n_free))
    subsets = np.sort(np.argpartition(keys, count - 1, axis=1)[:, :count], axis=1)
    steps = 1 + subsets + t_ref_steps * np.arange(count)
    trains = np.zeros((n_steps, n_trains), dtype=np.bool_)
    trains[steps, np.arange(n_trains)[:, None]] = True
    return trains


def monte_carlo_psp(
    rng: np.random.Generator, counts: Array, step: Propagator, *, n_steps: int, n_trains: int
) -> Array:
    """d(o) by Monte-Carlo over postsynaptic trains.

    The presynaptic spike is averaged over all steps exactly: that is the mean of an adjoint trace.
    """
    means = []
    for count in counts:
        trains = random_trains(rng, n_trains, n_steps, int(count), step.t_ref_steps)
        means.append(adjoint_traces(trains, step).mean())
    return np.asarray(means)
