"""The network in JAX: surrogate gradients through all steps, compiled as a whole.

Usage: python benches/peers/jax_peer.py TASK [--batch N] [--chunk N] [--remat] [--lax]
                                              [--seconds S] [--counts FILE] [--threads N]

Time goes by in chunks of steps. Within one, a layer's currents of all steps are a single
convolution, and its neurons a `lax.scan`; chunks are a `lax.scan` too. A chunk of 1 step is the
plain scan over time, one of all steps is a network layer by layer. With --remat only the states
between chunks are kept, and chunks run again in the backward pass.

A convolution is a matrix product with the windows under the kernel side by side. Within loops that
is several times as fast as the gradients of `lax.conv_general_dilated` on a CPU, which --lax takes.
The windows are made again in the backward pass, which is faster than to keep them.
"""

from functools import partial
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

ARGS = arguments(__doc__, "--remat", "--lax")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402

Arrays = list[Any]


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def fire(u: jax.Array, v_th: float) -> jax.Array:
    """1 where the potential is above the threshold."""
    return (u > v_th).astype(u.dtype)


@fire.defjvp
def _(v_th: float, primals: Any, tangents: Any) -> Any:
    (u,), (tangent,) = primals, tangents
    slope = 1.0 / (v_th * (1.0 + SLOPE * jnp.abs(u / v_th - 1.0)) ** 2)
    return fire(u, v_th), slope * tangent


def neurons(layer: Layer, state: Any, currents: jax.Array) -> Any:
    """The state after all steps of `currents`, and the spikes of each."""

    def step(state: Any, x: jax.Array) -> Any:
        p, u, held = state
        p = layer.syn_decay * p + x
        u = jnp.where(held > 0, 0.0, layer.mem_decay * u + layer.mem_gain * p)
        s = fire(u, layer.v_th)
        fired = u > layer.v_th
        held = jnp.where(fired, float(layer.t_ref), jnp.maximum(held - 1, 0.0))
        return (p, jnp.where(fired, 0.0, u), held), s

    return lax.scan(step, state, currents)


@jax.checkpoint
def convolution(x: jax.Array, weight: jax.Array) -> jax.Array:
    """The convolution of x, (n, height, width, channels), with (kernel, kernel, channels, out)."""
    if ARGS.lax:
        order = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=order)
    n, height, width, channels = x.shape
    kernel, out = len(weight), weight.shape[-1]
    height, width = height - kernel + 1, width - kernel + 1
    taps = [(i, j) for i in range(kernel) for j in range(kernel)]
    windows = jnp.concatenate([x[:, i : i + height, j : j + width] for i, j in taps], -1)
    product = windows.reshape(-1, kernel**2 * channels) @ weight.reshape(-1, out)
    return product.reshape(n, height, width, out)


def currents(layer: Layer, weight: Any, spikes: jax.Array) -> jax.Array:
    """What arrives in a step, of spikes (steps, batch, height, width, channels) or (..., n)."""
    steps = spikes.shape[:2]
    merged = spikes.reshape(-1, *spikes.shape[2:])
    if layer.kind == "conv":
        merged = convolution(merged, weight)
    elif layer.kind == "pool":
        n, height, width, channels = merged.shape
        w = layer.window
        parts = merged.reshape(n, height // w, w, width // w, w, channels)
        merged = parts.sum((2, 4)) * (1.0 / w**2)
    else:
        merged = merged.reshape(len(merged), -1) @ weight
    return merged.reshape(*steps, *merged.shape[1:])


def chunk(layers: list[Layer], weights: Arrays, states: Any, spikes: jax.Array) -> Any:
    """The states after a chunk, and how often each neuron of every layer fired in it."""
    states, counts = list(states), []
    spikes = spikes.astype(jnp.float32)
    for at, layer in enumerate(layers):
        states[at], spikes = neurons(layer, states[at], currents(layer, weights[at], spikes))
        counts.append(spikes.sum(0))
    return tuple(states), tuple(counts)


def silence(layers: list[Layer], weights: Arrays, shape: Any) -> Any:
    """States before the first step, for spikes of shape (batch, ...)."""
    states, below = [], jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    for layer, weight in zip(layers, weights, strict=True):
        below = jax.eval_shape(partial(currents, layer), weight, below)
        states.append((jnp.zeros(below.shape[1:], jnp.float32),) * 3)
    return tuple(states)


def spike_counts(layers: list[Layer], weights: Arrays, spikes: jax.Array) -> Any:
    """How often each neuron fired.

    A spike takes a step from layer to layer. So what layer l fires at step t is computed together
    with the input at step t - l, and the last steps of the input arrive too late. Steps of silence
    before the first one, which change nothing, fill the chunks.
    """
    spikes = spikes[: len(spikes) - len(layers)]
    missing = -len(spikes) % ARGS.chunk
    spikes = jnp.pad(spikes, ((missing, 0), *[(0, 0)] * (spikes.ndim - 1)))
    chunks = spikes.reshape(-1, ARGS.chunk, *spikes.shape[1:])
    run = partial(chunk, layers, weights)
    run = jax.checkpoint(run) if ARGS.remat else run
    _, counts = lax.scan(run, silence(layers, weights, spikes.shape[1:]), chunks)
    return tuple(count.sum(0) for count in counts)


def loss(layers: list[Layer], weights: Arrays, spikes: jax.Array, labels: jax.Array) -> jax.Array:
    """Cross entropy of the output's counts."""
    scores = spike_counts(layers, weights, spikes)[-1] / TEMPERATURE
    chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1)
    return -chosen.mean()


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
def train(layers: Any, weights: Any, moments: Any, t: Any, spikes: Any, labels: Any) -> Any:
    """A step of Adam."""
    value, gradients = jax.value_and_grad(partial(loss, layers))(weights, spikes, labels)
    first, second = moments
    first = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, second, gradients)
    a, b = (1 - beta**t for beta in BETAS)
    weights = jax.tree.map(
        lambda w, m, v: w - LEARNING_RATE * (m / a) / (jnp.sqrt(v / b) + EPSILON),
        weights,
        first,
        second,
    )
    return weights, (first, second), value


def own_weights(task: Task) -> Arrays:
    """The weights in the order of axes that this program likes: channels last."""
    found: Arrays = []
    channels, height, width = task.shape
    for layer, weight in zip(task.layers, task.weights, strict=True):
        if layer.kind == "conv":
            assert weight is not None
            height, width = (n - weight.shape[2] + 1 for n in (height, width))
            channels = len(weight)
            found.append(jnp.asarray(weight.transpose(2, 3, 1, 0)))
        elif layer.kind == "pool":
            height, width = height // layer.window, width // layer.window
            found.append(jnp.zeros(0))
        else:
            assert weight is not None
            if height * width > 1:
                apart = weight.reshape(-1, channels, height, width)
                weight = apart.transpose(0, 2, 3, 1).reshape(len(weight), -1)
            channels, height, width = len(weight), 1, 1
            found.append(jnp.asarray(np.ascontiguousarray(weight.T)))
    return found


def main() -> None:
    """Trains, or counts spikes."""
    task = Task.load(ARGS.task)
    layers = tuple(task.layers)
    weights = own_weights(task)
    channels, height, width = task.shape

    def batch(number: int) -> Any:
        spikes, labels = task.batch(number, ARGS.batch)
        planes = spikes.reshape(*spikes.shape[:2], channels, height, width)
        return jnp.asarray(planes.transpose(0, 1, 3, 4, 2)), jnp.asarray(labels, jnp.int32)

    if ARGS.counts:
        counts = jax.jit(partial(spike_counts, layers))(weights, batch(0)[0])
        in_order = [np.moveaxis(np.asarray(n), -1, 1).reshape(ARGS.batch, -1) for n in counts]
        np.savez(ARGS.counts, *in_order)
        return
    zeros = [jnp.zeros_like(weight) for weight in weights]
    known = {"weights": weights, "moments": (zeros, [jnp.zeros_like(w) for w in weights])}

    def step(number: int) -> float:
        known["weights"], known["moments"], value = train(
            layers, known["weights"], known["moments"], number + 1.0, *batch(number)
        )
        return float(jax.block_until_ready((value, known["weights"]))[0])

    measure(ARGS.batch, ARGS.seconds, step)


if __name__ == "__main__":
    main()
