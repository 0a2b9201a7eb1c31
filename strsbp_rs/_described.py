"""The neurons of a layer in a few words, for people."""

from __future__ import annotations

from strsbp_rs import _config as config

__all__ = ["constants", "neuron"]


def neuron(layer: config.LayerConfig) -> str:
    """Returns what `Network.summary` says of the neurons."""
    if isinstance(layer, config.MaxPool):
        return "largest count"
    v_th, tau_m, tau_s, t_ref = constants(layer)
    return f"tau_m {tau_m} ms, tau_s {tau_s} ms, v_th {v_th}, t_ref {t_ref} ms"


def constants(layer: config.LayerConfig) -> list[str]:
    """Returns v_th, tau_m, tau_s and t_ref; max pools have none."""
    if isinstance(layer, config.MaxPool):
        return ["none"] * 4
    times = (layer.tau_m, layer.tau_s, layer.t_ref)
    return [config.threshold_range(layer.v_th), *(f"{value:g}" for value in times)]
