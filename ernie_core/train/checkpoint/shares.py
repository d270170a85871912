"""Which process writes what of a state that several hold: every part once, as many bytes for each as can be."""

import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Mapping, Sequence

import paddle

from ernie_core.errors import Refused
from ernie_core.train.optim import adamw


def assign(held: Sequence[Mapping[str, int]], before: Sequence[int] | None = None) -> list[list[str]]:
    """The names for each rank to write, in the order of their names.

    `held` says what each rank has, and of how many bytes; what several have goes to the one with the least to do.
    `before` are the bytes that a rank writes anyway. Every rank that is given the same comes to the same.
    """
    loads = list(before) if before else [0] * len(held)
    sizes = {name: size for part in held for name, size in part.items()}
    found: list[list[str]] = [[] for _ in held]
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        rank = min((rank for rank, part in enumerate(held) if name in part), key=lambda rank: (loads[rank], rank))
        loads[rank] += sizes[name]
        found[rank].append(name)
    return [sorted(names) for names in found]


def check(held: Sequence[Mapping[str, int]], model: paddle.nn.Layer) -> None:
    """Refuse the state of an optimiser that lacks something of a model on all ranks: nothing could go on from it."""
    there, wanted = {name for part in held for name in part}, adamw.keys(adamw.halves(model))
    if missing := [name for name in wanted if name not in there]:
        raise Refused(
            f"nothing is saved: of the optimiser's state, {len(missing)} of {len(wanted)} arrays are on none of"
            f" {len(held)} ranks: {adamw.few(missing)}; give every parameter to the optimiser of a rank"
        )
