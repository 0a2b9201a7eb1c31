"""Random changes of training images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer, integers
from strsbp_rs._arrays import as_array
from strsbp_rs._config._base import Config
from strsbp_rs._fields import LATER, U32
from strsbp_rs._strsbp_rs import augmented

__all__ = ["ImageAugment"]

_USUAL = (28, 28)
"""Shape of images of 784 values that nobody has told the shape of: MNIST's and its kin's."""


def _image_shape(name: str, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    found = integers(name, value, low=0, below=2**64)
    if len(found) not in (2, 3):
        raise ValueError(
            f"{name} must be (height, width), (channels, height, width) or None, got {value!r}"
        )
    return found


@dataclass(frozen=True)
class ImageAugment(Config):
    """Random changes of training images, drawn anew for every sample and epoch.

    An image is scaled and rotated about its centre and distorted elastically, then shifted, then
    mirrored; all channels alike. Values between pixels are bilinear means; outside the image is 0.
    What becomes of a sample depends on the trainer's seed, the epoch and the sample alone.

    The data augmentation of the authors of ST-RSBP for their convolutional network, "scale 12,
    rotation 12, distortion 3.4", is about ImageAugment(max_shift=0, flip_horizontal=False,
    scale=0.12, rotation=12, elastic=13.6): they smooth random fields by a Gaussian of 4 pixels that
    sums to 4, not to 1. They draw one number for angle and width, and only enlarge; here all is
    drawn independently, and both ways alike.

    Args:
        image_shape: (height, width) of the images, or (channels, height, width); their product is
            the number of inputs. None for that of the network's inputs, Network((1, 28, 28), ...);
            784 inputs without a shape are 28 x 28.
        max_shift: Largest shift along either axis [pixels].
        shift_probability: Share of the images that are shifted, by chance; each shift is as likely
            as any other, none at all included.
        flip_horizontal: Whether images are mirrored left to right with probability 1/2.
        first_epoch: First epoch with changed images, counted from 1: without changes the first
            epochs learn faster.
        rotation: Largest angle [degrees], in [0, 180]; angles are uniform, either way.
        scale: Largest change of size, a share in [0, 1): height and width are multiplied by factors
            uniform in 1 - scale to 1 + scale, each by its own.
        elastic: Strength of the elastic distortion [pixels], alpha in the paper below: pixels come
            from places that are displaced by alpha times fields of random numbers, uniform in -1 to
            1 and smoothed by a Gaussian. Displacements are then of 0.16 * elastic / elastic_sigma
            pixels (root mean square) along either axis. Simard et al. take 34 of 29 x 29 pixels.
        elastic_sigma: Standard deviation of that Gaussian [pixels]: the larger, the smoother.
        distort_probability: Share of the images that are rotated, scaled and distorted, by chance.

    Raises:
        TypeError: If a field has another type.
        ValueError: If image_shape has other than 2 or 3 numbers. What is out of its domain is
            refused before training, and by `apply`.

    References:
        Simard, Steinkraus & Platt, Best practices for convolutional neural networks applied to
        visual document analysis, ICDAR 2003.
    """

    group: ClassVar[str | None] = "augment"
    image_shape: Annotated[tuple[int, int] | tuple[int, int, int] | None, _image_shape] = None
    max_shift: int = 2
    shift_probability: float = 1.0
    flip_horizontal: bool = True
    first_epoch: U32 = 1
    rotation: float = field(default=0.0, kw_only=True, metadata=LATER)
    scale: float = field(default=0.0, kw_only=True, metadata=LATER)
    elastic: float = field(default=0.0, kw_only=True, metadata=LATER)
    elastic_sigma: float = field(default=4.0, kw_only=True, metadata=LATER)
    distort_probability: float = field(default=1.0, kw_only=True, metadata=LATER)

    def _domain(self) -> dict[str, Any]:
        """Returns the values that are checked when it is made, for usual images if for any."""
        return (self if self.image_shape else replace(self, image_shape=_USUAL)).to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values, with the channels apart."""
        values = super().to_dict()
        if self.image_shape is not None and len(self.image_shape) == 3:
            channels, *values["image_shape"] = self.image_shape
            values["channels"] = channels
        return values

    def apply(self, images: ArrayLike, *, seed: int = 0, epoch: int | None = None) -> NDArray[Any]:
        """Returns images as an epoch of training takes them, to look at or for other libraries.

        Args:
            images: uint8, or floats in [0, 1]: (n_samples, height, width), (n_samples, channels,
                height, width), or (n_samples, n_in) with `image_shape`.
            seed: Seed of the trainer.
            epoch: Epoch, counted from 1; the first one with changed images if None.

        Returns:
            Array of the images' shape and dtype.

        Raises:
            TypeError: If images have another dtype.
            ValueError: If a shape or a value is wrong, or a field of the augmentation out of its
                domain; the message names it.
        """
        array = as_array("images", images)
        if array.ndim < 2 or 0 in array.shape[1:]:
            raise ValueError(
                f"images has shape {array.shape}, expected (n_samples, height, width), "
                "(n_samples, channels, height, width) or (n_samples, n_in)"
            )
        if array.dtype not in (np.uint8, np.float32, np.float64):
            raise TypeError(f"images has dtype {array.dtype}, expected uint8, float32 or float64")
        n_in = math.prod(array.shape[1:])
        known = self._for_inputs(array.shape[1:] if array.ndim in (3, 4) else (n_in,))
        when = self.first_epoch if epoch is None else integer("epoch", epoch, low=1, below=2**32)
        flat = np.ascontiguousarray(array.reshape(len(array), n_in))
        changed = augmented(flat, known.to_dict(), integer("seed", seed), when)
        return changed.reshape(array.shape)

    def _for_inputs(self, shape: Sequence[int]) -> ImageAugment:
        """Returns the same for inputs of this shape: their images have it, where none was given.

        Args:
            shape: (channels, height, width), (height, width) or (n_in,).

        Raises:
            ValueError: If the inputs lie in no plane, and image_shape is None; or if it is another
                shape than theirs.
        """
        flat = len(shape) < 2
        if self.image_shape is None:
            plane = tuple(shape) if not flat else _USUAL if math.prod(shape) == 784 else None
            if plane is None:
                raise ValueError(
                    f"augment.image_shape must be given, (height, width) of the images: {shape[0]} "
                    "inputs have no shape of their own, as those of Network((1, 28, 28), ...) have"
                )
            height, width = plane[-2:]
            channels = plane[0] if len(plane) == 3 else 1
            of_plane = (height, width) if channels == 1 else (channels, height, width)
            return replace(self, image_shape=of_plane)
        theirs, ours = [(1, *s)[-3:] for s in (tuple(shape), self.image_shape)]
        if not flat and theirs != ours and math.prod(theirs) == math.prod(ours):
            raise ValueError(
                f"augment.image_shape must be {theirs}, as the inputs, got {self.image_shape}"
            )
        return self
