"""What a network carries beside its weights: the encoder of samples, the names of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strsbp_rs._arguments import strings
from strsbp_rs._config import ENCODERS, Encoder
from strsbp_rs._fields import refuse_subclass
from strsbp_rs.training._user_part import read_encoder

__all__ = ["carried_part", "checked_class_names", "checked_encoder", "read_carried"]


def checked_encoder(encoder: Any) -> Encoder | None:
    """Returns an encoder, or None.

    Raises:
        TypeError: If it is something else, or of a subclass.
    """
    if encoder is None:
        return None
    if not isinstance(encoder, ENCODERS):
        kinds = " or ".join(cls.__name__ for cls in ENCODERS)
        raise TypeError(f"encoder must be a {kinds}, got {encoder!r}")
    refuse_subclass("encoder", encoder, ENCODERS)
    return encoder


def checked_class_names(names: Sequence[str], n_out: int) -> tuple[str, ...]:
    """Returns the names of the first outputs.

    Raises:
        TypeError: If one is no string.
        ValueError: If there are more than outputs.
    """
    found = tuple(strings("class_names", names))
    if len(found) > n_out:
        raise ValueError(f"class_names must be at most {n_out}, the outputs, got {len(found)}")
    return found


def carried_part(encoder: Encoder | None, class_names: Sequence[str]) -> dict[str, Any]:
    """Returns both as a file keeps them."""
    values = None if encoder is None else encoder.to_file()
    return {"encoder": values, "class_names": list(class_names)}


def read_carried(path: str, user: Any, n_out: int) -> tuple[Encoder | None, tuple[str, ...]]:
    """Returns both from what a file holds beside the weights; of files from before, nothing.

    A checkpoint without a part of its network's has the trainer's encoder.

    Raises:
        ValueError: If there is something else; the message names the file.
    """
    if user is None:
        return None, ()
    part = user.get("network", {"encoder": user.get("encoder")}) if isinstance(user, dict) else user
    try:
        encoder, names = read_encoder(part.get("encoder")), part.get("class_names", ())
        return encoder, checked_class_names(names, n_out)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: has a damaged encoder or class names ({error})") from error
