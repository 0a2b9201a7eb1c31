"""What a trainer is told, as the core takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from strsbp_rs import _config as config
from strsbp_rs._arguments import integer, number
from strsbp_rs._fields import named
from strsbp_rs._firing import learning_rate
from strsbp_rs._network import Network
from strsbp_rs.fixed._targets import Target, as_target

__all__ = ["trainer_settings"]


def trainer_settings(
    network: Network,
    *,
    own_loss: bool,
    loss: Any,
    optimizer: config.Optimizer | str | None,
    schedule: config.Schedule | str | None,
    rule: config.StRsbp | None,
    batch_size: int,
    augment: config.ImageAugment | None,
    spike_augment: config.SpikeAugment | None,
    weight_penalty: config.ExponentialPenalty | None,
    weight_limit: float | None,
    clip_norm: float | None,
    engine: str,
    hardware: Target | str | None,
    seed: int,
) -> dict[str, Any]:
    """Returns the arguments of `Trainer`, checked, as a dict of plain values.

    The learning rate of Adam, if it has none, suits the network. With `own_loss` the loss is a
    function, of which the core is told with every batch.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a name is unknown, or a number out of range.
    """
    loss = config.SoftmaxCrossEntropy() if loss is None else loss
    known = None
    if not own_loss:
        cure = "; give a function (counts, targets) -> (loss, d_counts)"
        known = named("loss", loss, get_args(config.Loss), cure).to_dict()
    steps: config.Optimizer = named(
        "optimizer",
        config.Adam() if optimizer is None else optimizer,
        get_args(config.Optimizer),
    )
    if steps.lr is None:
        lr = learning_rate(network.layers, network._fan_ins(), network.dt)
        steps = replace(steps, lr=lr)
    schedule = config.Constant() if schedule is None else schedule
    rule = named("rule", config.StRsbp() if rule is None else rule, (config.StRsbp,))
    if augment is not None:
        augment = named("augment", augment, (config.ImageAugment,))
        shape = network.in_shape
        augment = augment._for_inputs(shape if len(shape) == 3 else (network.n_in,))
    if spike_augment is not None:
        named("spike_augment", spike_augment, (config.SpikeAugment,))
    if weight_penalty is not None:
        named("weight_penalty", weight_penalty, (config.ExponentialPenalty,))
    return {
        "loss": known,
        "optimizer": steps.to_dict(),
        "schedule": named("schedule", schedule, get_args(config.Schedule)).to_dict(),
        "rule": rule.to_dict(),
        "batch_size": integer("batch_size", batch_size, low=1),
        "augment": augment.to_dict() if augment else None,
        "spike_augment": spike_augment.to_dict() if spike_augment else None,
        "weight_penalty": weight_penalty.to_dict() if weight_penalty else None,
        "weight_limit": None if weight_limit is None else number("weight_limit", weight_limit),
        "clip_norm": None if clip_norm is None else number("clip_norm", clip_norm),
        "seed": integer("seed", seed),
        "engine": config.check_engine(engine),
        "hardware": None if hardware is None else as_target("hardware", hardware).to_dict(),
    }
