"""Damage to bytes, to safetensors files of the package and to states of simulators."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import numpy as np

Tree = Any
"""Of JSON or TOML."""

NUMBERS = (0, 1, -1, 2, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 2**64 - 1, 2**64, 10**30)
FLOATS = (0.0, -0.0, 0.5, -1.0, 1e-320, 1e-30, 1e30, 1e154, 1e308, -1e308)
OTHERS = (None, True, "", "x", "float64", [], [0], {}, {"kind": "none"})
SPECIAL = (float("nan"), float("inf"), -float("inf"))


def damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    """A few changes of bytes anywhere."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 4, 8, rng.randrange(1, 200)))
        match rng.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + length] = rng.randbytes(length)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = rng.randbytes(length)
            case 4:
                changed[at:at] = changed[at : at + length]
            case _:
                number = rng.choice(NUMBERS) % 2**64
                changed[at : at + 8] = number.to_bytes(8, rng.choice(("little", "big")))
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.05 else changed)


def leaves(tree: Tree, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in a tree but its root."""
    if not isinstance(tree, (dict, list)):
        return []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [found for key, value in items for found in ((*path, key), *leaves(value, (*path, key)))]


def damage_tree(rng: random.Random, tree: Tree) -> None:
    """Changes one thing of a tree."""
    paths = leaves(tree)
    if not paths:
        return
    *path, key = rng.choice(paths)
    owner = tree
    for step in path:
        owner = owner[step]
    match rng.randrange(8):
        case 0:
            del owner[key]
        case 1 if isinstance(owner, dict):
            owner[rng.choice(("x", "kind", "n", str(key) + "2"))] = owner[key]
        case 2 if isinstance(owner, list):
            owner[key:key] = [owner[key]] * rng.choice((1, 3, 100))
        case 3:
            owner[key] = rng.choice(OTHERS)
        case 4 | 5:
            owner[key] = rng.choice(FLOATS)
        case _:
            owner[key] = rng.choice(NUMBERS)


def split(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    (length,) = struct.unpack_from("<Q", file)
    return json.loads(file[8 : 8 + length]), file[8 + length :]


def joined(header: Tree, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def damage_array(rng: random.Random, header: dict[str, Any], data: bytearray) -> None:
    """Puts odd numbers into an array, or exchanges two of them."""
    name = rng.choice([name for name in header if name != "__metadata__"])
    begin, end = header[name]["data_offsets"]
    size = {"F64": 8, "U64": 8, "F32": 4, "I32": 4, "I16": 2, "I8": 1}[header[name]["dtype"]]
    if end - begin < size:
        return
    places = [rng.randrange(begin, end, size) for _ in range(rng.choice((1, 2, 5)))]
    for at in places:
        match header[name]["dtype"]:
            case "F64":
                data[at : at + 8] = struct.pack("<d", rng.choice((*FLOATS, *SPECIAL)))
            case "F32":
                number = np.float64(rng.choice((*FLOATS, *SPECIAL))).astype(np.float32)
                data[at : at + 4] = number.tobytes()
            case _:
                other = rng.choice(places)
                number = rng.choice(NUMBERS) % 2 ** (8 * size)
                kept = data[other : other + size]
                data[other : other + size] = data[at : at + size]
                data[at : at + size] = rng.choice((kept, number.to_bytes(size, "little")))


def damaged_file(rng: random.Random, file: bytes) -> bytes:
    """A safetensors file of ours: damaged as bytes, or read, changed and written anew."""
    if rng.random() < 0.3:
        return damaged_bytes(rng, file)
    header, data = split(file)
    array = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        match rng.randrange(5):
            case 0:
                damage_tree(rng, header)
                break
            case 1:
                damage_array(rng, header, array)
            case _:
                try:
                    ours = json.loads(header["__metadata__"]["strsbp_rs"])
                except (KeyError, TypeError, ValueError):
                    continue
                damage_tree(rng, ours)
                header["__metadata__"]["strsbp_rs"] = json.dumps(ours)
    return joined(header, bytes(array))


def checksum(kind: str, dtype: str, columns: dict[str, bytes]) -> str:
    """Of a simulator's state, as the core computes it."""
    total = 0xCBF29CE484222325
    parts = [kind.encode(), dtype.encode()]
    for name in sorted(columns):
        parts += [name.encode(), columns[name]]
    for part in parts:
        for byte in part + struct.pack("<Q", len(part)):
            total = ((total ^ byte) * 0x100000001B3) % 2**64
    return f"{total:016x}"


def damaged_state(rng: random.Random, state: bytes) -> bytes:
    """A state with other numbers, and mostly the checksum that they should have."""
    if rng.random() < 0.1:
        return damaged_bytes(rng, state)
    header, data = split(state)
    array = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        damage_array(rng, header, array)
    version, kind, dtype, _ = header["__metadata__"]["strsbp_rs.state"].split(" ")
    if rng.random() < 0.02:
        kind = rng.choice(("grid", "continuous", "", "x"))
    columns = {
        name: bytes(array[slice(*entry["data_offsets"])])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    entry = f"{version} {kind} {dtype} {checksum(kind, dtype, columns)}"
    header["__metadata__"]["strsbp_rs.state"] = entry
    return joined(header, bytes(array))
