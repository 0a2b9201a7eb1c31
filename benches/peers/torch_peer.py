"""The network in PyTorch: surrogate gradients through all steps, compiled where that works.

Usage: python benches/peers/torch_peer.py TASK [--batch N] [--chunk N] [--eager] [--seconds S]
                                                [--counts FILE] [--threads N]

Time goes by in chunks of steps. Within one, a layer's currents of all steps are a single
convolution (channels last, which is fastest here), and its neurons go step by step. `torch.compile`
compiles the chunk, forward and backward: what neurons do in all steps of a chunk becomes one loop
over neurons. A chunk of 1 step is the plain loop over time. With --eager nothing is compiled.
"""

from typing import Any

from task import (
    BETAS,
    EPSILON,
    LEARNING_RATE,
    SLOPE,
    TEMPERATURE,
    Layer,
    Task,
    arguments,
    measure,
)

ARGS = arguments(__doc__, "--eager")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

torch.set_num_threads(ARGS.threads)

Tensors = list[Any]


class Fire(torch.autograd.Function):
    """1 where the potential is above the threshold."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor, v_th: float) -> torch.Tensor:
        """The spikes."""
        ctx.save_for_backward(u)
        ctx.v_th = v_th
        return (u > v_th).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        """The surrogate's derivative."""
        (u,) = ctx.saved_tensors
        return gradient / (ctx.v_th * (1.0 + SLOPE * (u / ctx.v_th - 1.0).abs()) ** 2), None


def neurons(layer: Layer, state: Any, currents: torch.Tensor) -> Any:
    """The state after all steps of `currents`, and the spikes of each."""
    p, u, held = state
    spikes = []
    for x in currents:
        p = layer.syn_decay * p + x
        u = torch.where(held > 0, 0.0, layer.mem_decay * u + layer.mem_gain * p)
        spikes.append(Fire.apply(u, layer.v_th))
        fired = u > layer.v_th
        held = torch.where(fired, float(layer.t_ref), (held - 1).clamp(min=0))
        u = torch.where(fired, 0.0, u)
    return (p, u, held), torch.stack(spikes)


def currents(layer: Layer, weight: Any, spikes: torch.Tensor) -> torch.Tensor:
    """What arrives in a step, of spikes (steps, batch, channels, height, width) or (..., n)."""
    merged = spikes.flatten(0, 1)
    if layer.kind == "conv":
        merged = functional.conv2d(merged, weight)
    elif layer.kind == "pool":
        merged = functional.avg_pool2d(merged, layer.window)
    else:
        merged = functional.linear(merged.flatten(1), weight)
    return merged.unflatten(0, spikes.shape[:2])


def chunk(layers: list[Layer], weights: Tensors, states: Tensors, spikes: torch.Tensor) -> Any:
    """The states after a chunk, and how often each neuron of every layer fired in it."""
    after, counts = [], []
    spikes = spikes.float()
    for layer, weight, state in zip(layers, weights, states, strict=True):
        state, spikes = neurons(layer, state, currents(layer, weight, spikes))
        after.append(state)
        counts.append(spikes.sum(0))
    return after, counts


def silence(layers: list[Layer], weights: Tensors, below: torch.Tensor) -> Tensors:
    """States before the first step, for spikes `below` of a step."""
    states, gradients = [], torch.is_grad_enabled()
    with torch.no_grad():
        below = below[None].float()
        for layer, weight in zip(layers, weights, strict=True):
            below = torch.zeros_like(currents(layer, weight, below))
            zeros = below[0]
            # p and u ask for gradients as later states do: one compiled chunk serves all.
            p, u = (zeros.clone().requires_grad_(gradients) for _ in range(2))
            states.append((p, u, zeros.clone()))
    return states


def spike_counts(run: Any, layers: list[Layer], weights: Tensors, spikes: torch.Tensor) -> Tensors:
    """How often each neuron fired.

    A spike takes a step from layer to layer. So what layer l fires at step t is computed together
    with the input at step t - l, and the last steps of the input arrive too late. Steps of silence
    before the first one, which change nothing, fill the chunks.
    """
    spikes = spikes[: len(spikes) - len(layers)]
    missing = -len(spikes) % ARGS.chunk
    spikes = functional.pad(spikes, (0, 0) * (spikes.ndim - 1) + (missing, 0))
    states = silence(layers, weights, spikes[0])
    total: Tensors = []
    for part in spikes.split(ARGS.chunk):
        states, counts = run(layers, weights, states, part)
        total = [a + b for a, b in zip(total, counts, strict=True)] if total else counts
    return total


def main() -> None:
    """Trains, or counts spikes."""
    task = Task.load(ARGS.task)
    layers = task.layers
    weights: Tensors = []
    for weight in task.weights:
        tensor = None if weight is None else torch.from_numpy(weight)
        if tensor is not None and tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        weights.append(None if tensor is None else tensor.requires_grad_())
    run = chunk if ARGS.eager else torch.compile(chunk, dynamic=False)

    def batch(number: int) -> Any:
        spikes, labels = task.batch(number, ARGS.batch)
        shape = (*spikes.shape[:2], *task.shape)
        return torch.from_numpy(spikes).view(shape), torch.from_numpy(labels)

    if ARGS.counts:
        with torch.no_grad():
            counts = spike_counts(run, layers, weights, batch(0)[0])
        np.savez(ARGS.counts, *[n.flatten(1).numpy() for n in counts])
        return
    optimizer = torch.optim.Adam(
        [weight for weight in weights if weight is not None],
        lr=LEARNING_RATE,
        betas=BETAS,
        eps=EPSILON,
        foreach=True,
    )

    def step(number: int) -> float:
        spikes, labels = batch(number)
        optimizer.zero_grad(set_to_none=True)
        counts = spike_counts(run, layers, weights, spikes)[-1]
        loss = functional.cross_entropy(counts / TEMPERATURE, labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    measure(ARGS.batch, ARGS.seconds, step)


if __name__ == "__main__":
    main()
