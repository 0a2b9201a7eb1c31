"""Gradients, and weights after two epochs."""

from __future__ import annotations

from typing import Any

from golden import build as b
from golden import inputs
from golden.cases import samples
from golden.digest import of_floats
from golden.registry import Entries, case

MSE = b.CountMSE(12.0, 2.0, 1.0)
LOSSES = {"count_mse": MSE, "softmax": b.SoftmaxCrossEntropy(3.0)}
RULES = {
    "closed_form": b.StRsbp(post_coupling="closed_form"),
    "auto": b.StRsbp(),
    "table": b.StRsbp(post_coupling="table"),
    "none": b.StRsbp(post_coupling="none", teacher_spikes=False),
    "silent": b.StRsbp(post_coupling="closed_form", silent_ratio=0.5),
    "teacher": b.StRsbp(post_coupling="closed_form", teacher_count=7, solver_tolerance=1e-7),
}
N_SAMPLES = 7
"""No multiple of a batch."""
Y = inputs.classes(N_SAMPLES, samples.N_OUT)
PIXELS = samples.pixels(N_SAMPLES)
RASTER = inputs.raster(50, (N_SAMPLES, samples.N_STEPS, samples.N_IN), 5)

WIDE, WIDE_Y = inputs.raster(52, (18, 30, 30), 6), inputs.classes(18, 4)
RARE = inputs.raster(54, (18, 30, 30), 11)
"""With which a part of the neurons is silent."""


def _gradients(make: Any, loss: Any, rule: Any, dtype: str, n_threads: int) -> Entries:
    net = make(dtype=dtype)
    trainer = b.trainer(net, loss=loss, rule=rule, n_threads=n_threads)
    yield "simulated", of_floats(b.gradients(trainer, RASTER, Y))
    weight = inputs.fractions(51, (N_SAMPLES,), 0.0, 2.0)
    spikes = b.record(net, RASTER).trains
    options: dict[str, Any] = {"loss": loss, "rule": rule, "sample_weight": weight}
    found = b.spike_gradients(net, spikes, Y, n_threads=n_threads, **options)
    yield "weighted", of_floats(found)


@case("gradients/count_mse", threads=True)
def gradients(n_threads: int) -> Entries:
    for rule in RULES:
        for name, make in {"recurrent": samples.recurrent, "constants": samples.constants}.items():
            for dtype in b.FLOATS:
                at = f"{rule}/{name}/{dtype}"
                for entry, value in _gradients(make, MSE, RULES[rule], dtype, n_threads):
                    yield f"{at}/{entry}", value
    for name in ("closed_form", "silent"):
        trainer = b.trainer(samples.wide(), loss=MSE, rule=RULES[name], n_threads=n_threads)
        yield f"wide/{name}", of_floats(b.gradients(trainer, WIDE, WIDE_Y))
        yield f"rare/{name}", of_floats(b.gradients(trainer, RARE, WIDE_Y))


@case("gradients/libm", "libm", threads=True)
def gradients_libm(n_threads: int) -> Entries:
    made = {"recurrent": samples.recurrent, "exact": samples.exact}
    for name, make in made.items():
        for dtype in b.FLOATS:
            found = _gradients(make, LOSSES["softmax"], RULES["closed_form"], dtype, n_threads)
            for entry, value in found:
                yield f"softmax/{name}/{dtype}/{entry}", value
    for engine in ("event", "continuous"):
        net = samples.recurrent()
        trainer = b.trainer(net, engine=engine, n_threads=n_threads)
        yield f"softmax/{engine}", of_floats(b.gradients(trainer, RASTER, Y))
    net = samples.plain()
    coder = b.BernoulliEncoder(40, 0.5)
    trainer = b.trainer(net, encoder=coder, seed=5, n_threads=n_threads)
    yield "encoded", of_floats(b.gradients(trainer, PIXELS, Y))


def _trained(net: Any, x: Any, n_threads: int, fit: dict[str, Any], **options: Any) -> Entries:
    defaults: dict[str, Any] = {"loss": MSE, "optimizer": b.Adam(lr=2**-6), "batch_size": 3}
    trainer = b.trainer(net, **{**defaults, "seed": 6, "n_threads": n_threads, **options})
    b.fit(trainer, x, Y, 2, **fit)
    yield "weights", of_floats(b.trained(trainer))
    yield "history", of_floats([record[1:4] for record in b.history(trainer)], b.history(trainer))


OPTIONS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": b.Adam(2**-6, beta1=0.75, beta2=0.875, eps=2**-20)},
    "adamw": {"optimizer": b.AdamW(2**-6, weight_decay=0.125)},
    "sgd": {"optimizer": b.SGD(2**-6)},
    "plain_sgd": {"optimizer": b.SGD(2**-6, momentum=0.0)},
    "nesterov": {"optimizer": b.SGD(2**-6, momentum=0.75, nesterov=True)},
    "warmup": {"schedule": b.Constant(warmup_epochs=1.5)},
    "inverse_sqrt": {"schedule": b.InverseSqrt(warmup_epochs=0.5)},
    "step": {"schedule": b.Step(every=1, factor=0.25)},
    "clipped": {"clip_norm": 0.0625, "weight_limit": 0.75},
    "one_batch": {"batch_size": 32},
    "event": {"engine": "event"},
    "auto": {"engine": "auto"},
    "silent": {"rule": RULES["silent"]},
    "spikes_changed": {"spike_augment": b.SpikeAugment(0.25, 1, 0.25, 0.125, 2)},
}


@case("training/count_mse", threads=True)
def training(n_threads: int) -> Entries:
    """From recorded spikes, by the losses, optimizers and schedules that need no libm."""
    for dtype in b.FLOATS:
        for name, options in OPTIONS.items():
            net = samples.recurrent(dtype=dtype)
            for entry, value in _trained(net, RASTER, n_threads, {}, **options):
                yield f"{name}/{dtype}/{entry}", value
        for entry, value in _trained(samples.strong(dtype=dtype), RASTER, n_threads, {}):
            yield f"strong/{dtype}/{entry}", value
        wide: dict[str, Any] = {"batch_size": 10, "loss": MSE, "optimizer": b.Adam(lr=2**-6)}
        trainer = b.trainer(samples.wide(dtype=dtype), n_threads=n_threads, **wide)
        b.fit(trainer, WIDE, WIDE_Y, 2)
        yield f"wide/{dtype}", of_floats(b.trained(trainer), b.history(trainer))
        fit = {
            "sample_weight": inputs.fractions(53, (N_SAMPLES,), 0.25, 2.0),
            "validation_data": (samples.raster(), Y[:5]),
        }
        for entry, value in _trained(samples.constants(dtype=dtype), RASTER, n_threads, fit):
            yield f"validated/{dtype}/{entry}", value


@case("training/libm", "libm", threads=True)
def training_libm(n_threads: int) -> Entries:
    augment = b.ImageAugment((3, 4), 1, shift_probability=0.75, first_epoch=2)
    encoded: dict[str, Any] = {"encoder": b.BernoulliEncoder(40, 0.5)}
    everywhere: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "softmax": (samples.recurrent, RASTER, {"loss": LOSSES["softmax"]}),
        "cosine": (samples.plain, RASTER, {"schedule": b.Cosine(4.0, 0.125, warmup_epochs=0.5)}),
        "penalty": (samples.recurrent, RASTER, {"weight_penalty": b.ExponentialPenalty(0.5, 1.0)}),
        "exact": (samples.exact, RASTER, {}),
        "continuous": (samples.constants, RASTER, {"engine": "continuous"}),
        "encoded": (samples.recurrent, PIXELS, encoded),
        "augmented": (samples.recurrent, PIXELS, {**encoded, "augment": augment}),
    }
    for dtype in b.FLOATS:
        for name, (make, x, options) in everywhere.items():
            for entry, value in _trained(make(dtype=dtype), x, n_threads, {}, **options):
                yield f"{name}/{dtype}/{entry}", value


@case("training/defaults", "numpy", threads=True)
def defaults(n_threads: int) -> Entries:
    """All that nobody has said: weights, loss, optimizer and learning rate."""
    net = b.network(samples.N_IN, [b.dense(9), b.recurrent(8), b.dense(samples.N_OUT)])
    trainer = b.trainer(net, encoder=b.BernoulliEncoder(60), n_threads=n_threads)
    b.fit(trainer, PIXELS, Y, 2)
    yield "weights", of_floats(b.trained(trainer))
    yield "evaluation", of_floats(b.evaluation(trainer, PIXELS, Y))


@case("steps", threads=True)
def steps(n_threads: int) -> Entries:
    """Steps from recorded spikes, and what is made of a network by turns."""
    for dtype in b.FLOATS:
        net = samples.recurrent(dtype=dtype)
        optimizer = b.Adam(lr=2**-6)
        trainer = b.trainer(net, loss=MSE, optimizer=optimizer, n_threads=n_threads)
        spikes = b.record(net, RASTER).trains
        told = [b.step(trainer, spikes, Y), b.step(trainer, spikes, Y, lr=2**-8)]
        yield f"{dtype}/told", of_floats([told[0][0], told[0][4], told[1][3]], told)
        yield f"{dtype}/weights", of_floats(b.trained(trainer))
        b.fit(trainer, RASTER, Y, 1)
        yield f"{dtype}/then_fit", of_floats(b.trained(trainer))
        found = b.evaluation(trainer, RASTER, Y)
        yield f"{dtype}/evaluation", of_floats(found[:2], found)
