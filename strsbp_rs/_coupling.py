"""How the firing of a neuron weakens its own S-PSPs: the post-side coupling, for inspection."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from strsbp_rs import _strsbp_rs
from strsbp_rs._arguments import integer, one_of
from strsbp_rs._config import PostCoupling
from strsbp_rs._spike_functions import lif_params

__all__ = ["post_coupling", "psp_table"]


def psp_table(
    *,
    tau_m: float,
    tau_s: float,
    t_ref: float,
    n_steps: int,
    dt: float = 1.0,
    discretisation: str = "euler",
) -> NDArray[np.float64]:
    """Computes d(o), the mean S-PSP per presynaptic spike when the neuron fires o times.

    The expectation is over spike trains of exactly o firings at random steps.

    Args:
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        t_ref: Refractory time [ms].
        n_steps: Number of time steps.
        dt: Time step [ms].
        discretisation: "euler" or "exact".

    Returns:
        float64 array of shape (n_steps + 1,).

    Raises:
        ValueError: If a constant is outside its domain.
    """
    params = lif_params(tau_m, tau_s, t_ref, dt, discretisation)
    return _strsbp_rs.psp_table(params, integer("n_steps", n_steps))


def post_coupling(
    kind: str,
    *,
    tau_m: float,
    tau_s: float,
    t_ref: float,
    n_steps: int,
    dt: float = 1.0,
    discretisation: str = "euler",
) -> NDArray[np.float64]:
    """Computes S(o), o = 0..n_steps firings, as the backward pass uses it.

    Args:
        kind: "closed_form", "table", "auto" or "none", as of `StRsbp`.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        t_ref: Refractory time [ms].
        n_steps: Number of time steps.
        dt: Time step [ms].
        discretisation: "euler" or "exact".

    Returns:
        float64 array of shape (n_steps + 1,).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the kind is unknown, or a constant is outside its domain.
    """
    one_of("kind", kind, get_args(PostCoupling))
    params = lif_params(tau_m, tau_s, t_ref, dt, discretisation)
    return _strsbp_rs.post_coupling(kind, params, integer("n_steps", n_steps))
