"""Augmentation of images, one after the other and pixel by pixel, from the same random numbers.

References:
    Simard, Steinkraus & Platt, Best practices for convolutional neural networks applied to visual
    document analysis, ICDAR 2003.
    Bernstein, ChaCha, a variant of Salsa20, 2008.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import strsbp_rs

Image = NDArray[np.float64]
WORD = 0xFFFF_FFFF
DOMAIN = int.from_bytes(b"augment\0", "big")


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & WORD


def _key(seed: int) -> list[int]:
    """Eight words from one number, by PCG32 (XSH RR), as the crate rand_core has it."""
    words, state = [], seed
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) % 2**64
        word, by = (state >> 18 ^ state) >> 27 & WORD, state >> 59
        words.append(_rotated(word, (32 - by) % 32))
    return words


def chacha8(seed: int, stream: int) -> Iterator[int]:
    """Yields words of ChaCha with 8 rounds."""
    constants = [int.from_bytes(b"expand 32-byte k"[at : at + 4], "little") for at in (0, 4, 8, 12)]
    key, counter = _key(seed), 0
    while True:
        start = [*constants, *key, counter & WORD, counter >> 32, stream & WORD, stream >> 32]
        x = list(start)
        for round_ in range(8):
            for i in range(4):
                shift = (0, 1, 2, 3) if round_ % 2 else (0, 0, 0, 0)
                a, b, c, d = (4 * row + (i + shift[row]) % 4 for row in range(4))
                for left, right in ((16, 12), (8, 7)):
                    x[a] = (x[a] + x[b]) & WORD
                    x[d] = _rotated(x[d] ^ x[a], left)
                    x[c] = (x[c] + x[d]) & WORD
                    x[b] = _rotated(x[b] ^ x[c], right)
        yield from ((now + before) & WORD for now, before in zip(x, start, strict=True))
        counter += 1


def _signed(word: int) -> float:
    """A number in [-1, 1)."""
    return (word - 2**32 if word >> 31 else word) / 2**31


def _smooth(noise: Image, sigma: float) -> Image:
    """By a Gaussian cut at three standard deviations, of a field that goes on periodically."""
    reach = math.ceil(3 * sigma)
    weights = np.array([math.exp(-((at / sigma) ** 2) / 2) for at in range(-reach, reach + 1)])
    weights /= weights.sum()
    shifts = range(-reach, reach + 1)
    for axis in (0, 1):
        noise = sum(w * np.roll(noise, s, axis) for w, s in zip(weights, shifts, strict=True))
    return noise


def _between(image: Image, y: float, x: float) -> float:
    """The bilinear mean at a place; 0 outside."""
    total, (height, width) = 0.0, image.shape
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * image[row, column]
    return total


def augmented(
    image: Image, augment: strsbp_rs.ImageAugment, seed: int, epoch: int, sample: int
) -> Image:
    """Returns what becomes of an image, (height, width) or (channels, height, width)."""
    if image.ndim == 2:
        return augmented(image[None], augment, seed, epoch, sample)[0]
    words = chacha8(seed ^ DOMAIN, epoch << 32 | sample)
    span = 2 * augment.max_shift + 1
    dy, dx = (next(words) * span // 2**32 - augment.max_shift for _ in range(2))
    flip = augment.flip_horizontal and next(words) >> 31 == 1
    if not augment.flip_horizontal:
        next(words)
    if next(words) >= augment.shift_probability * 2**32:
        dy = dx = 0
    _, height, width = image.shape
    angle, tall, wide = 0.0, 1.0, 1.0
    fields = np.zeros((2, height, width))
    distorts = augment.rotation or augment.scale or augment.elastic
    if distorts and next(words) < augment.distort_probability * 2**32:
        angle = math.radians(augment.rotation * _signed(next(words)))
        tall, wide = (1 + augment.scale * _signed(next(words)) for _ in range(2))
        if augment.elastic:
            noise = [[_signed(next(words)) for _ in range(height * width)] for _ in range(2)]
            fields = np.array(
                [
                    augment.elastic * _smooth(np.reshape(n, (height, width)), augment.elastic_sigma)
                    for n in noise
                ]
            )
    out = np.zeros(image.shape)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    for y in range(height):
        for x in range(width):
            row, column = y + dy, (width - 1 - x if flip else x) + dx
            # Up and to the right of the middle, as in mathematics.
            place = complex(column - middle_x, middle_y - row)
            back = place * complex(math.cos(angle), -math.sin(angle))
            down, right = fields[:, row % height, column % width]
            from_y = middle_y - back.imag / tall + down
            from_x = middle_x + back.real / wide + right
            for channel, plane in enumerate(image):
                out[channel, y, x] = _between(plane, from_y, from_x)
    return out
