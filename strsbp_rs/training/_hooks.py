"""The methods of callbacks: found, checked before training, and called."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["HOOKS", "call", "check", "check_arguments", "hooks"]

HOOKS = {
    "on_train_begin": ("trainer",),
    "on_batch_end": ("trainer", "progress"),
    "on_epoch_end": ("trainer", "record"),
    "on_train_end": ("trainer", "history"),
}
"""What `Trainer.fit` calls, and with what."""


def check(callbacks: Sequence[object]) -> list[object]:
    """Returns the callbacks as a list, if `fit` can call them all.

    Raises:
        TypeError: If they are no sequence, one is a class, has no hook, has a method that looks
            like a hook and is none, or a hook that takes other arguments. The message names it.
    """
    if not isinstance(callbacks, Sequence) or isinstance(callbacks, str):
        raise TypeError(f"callbacks must be a list of callbacks, got {callbacks!r}")
    for index, callback in enumerate(callbacks):
        _check(f"callbacks[{index}]", callback)
    return list(callbacks)


def hooks(callbacks: Sequence[object], name: str) -> list[Callable[..., None]]:
    """Returns the methods of that name, of the callbacks that have one."""
    return [getattr(callback, name) for callback in callbacks if hasattr(callback, name)]


def call(callbacks: Sequence[object], name: str, *args: Any) -> None:
    """Calls the hook of every callback that has it."""
    for hook in hooks(callbacks, name):
        hook(*args)


def _check(name: str, callback: object) -> None:
    if isinstance(callback, type):
        raise TypeError(f"{name} must be an object, got the class {callback.__name__}")
    kind = type(callback).__name__
    for method in dir(callback):
        if method in HOOKS or not _looks_like_a_hook(callback, method):
            continue
        near = difflib.get_close_matches(method.lower(), HOOKS, n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else f"it calls {', '.join(HOOKS)}"
        raise TypeError(f"{name} ({kind}) has a method {method}, which fit never calls; {hint}")
    found = [hook for hook in HOOKS if hasattr(callback, hook)]
    if not found:
        raise TypeError(f"{name} must have one of the methods {', '.join(HOOKS)}, got {callback!r}")
    for hook in found:
        check_arguments(f"{name} ({kind}).{hook}", getattr(callback, hook), HOOKS[hook])


def _looks_like_a_hook(callback: object, method: str) -> bool:
    """Whether a method is named on_something or onSomething."""
    named = method.startswith("on_") or (method.startswith("on") and method[2:3].isupper())
    # Looked up without running properties.
    return named and callable(inspect.getattr_static(callback, method, None))


def check_arguments(name: str, hook: Any, arguments: tuple[str, ...]) -> None:
    """Refuses what cannot be called with so many arguments.

    Raises:
        TypeError: Naming it and its signature.
    """
    if not callable(hook):
        raise TypeError(f"{name} must be a method, got {hook!r}")
    try:
        signature = inspect.signature(hook)
    except (TypeError, ValueError):  # Some callables of C tell none.
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise TypeError(
            f"{name} must take ({', '.join(arguments)}), its signature is {signature}"
        ) from None
