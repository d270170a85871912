"""Dividing a state that several processes hold: each part is written once, and all write about as many bytes."""

from collections.abc import Mapping, Sequence

import paddle

from ernie_core.errors import Refused
from ernie_core.train.optim import adamw


def assign(held: Sequence[Mapping[str, int]], before: Sequence[int] | None = None) -> list[list[str]]:
    """The names for each rank to write, sorted.

    `held` are the names that each rank has, with sizes in bytes; a name that several have goes to the one with the
    fewest bytes so far. `before` are the bytes that each rank writes besides. Equal arguments give equal results.
    """
    loads = list(before) if before else [0] * len(held)
    sizes = {name: size for part in held for name, size in part.items()}
    chosen: list[list[str]] = [[] for _ in held]
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        rank = min((rank for rank, part in enumerate(held) if name in part), key=lambda rank: (loads[rank], rank))
        loads[rank] += sizes[name]
        chosen[rank].append(name)
    return [sorted(names) for names in chosen]


def check(held: Sequence[Mapping[str, int]], model: paddle.nn.Layer) -> None:
    """Refuse a state of an optimiser that lacks part of a model on all ranks: a training could not resume from it."""
    there, wanted = {name for part in held for name in part}, adamw.keys(adamw.halves(model))
    if missing := [name for name in wanted if name not in there]:
        raise Refused(
            f"nothing is saved: of the optimiser's state, {len(missing)} of {len(wanted)} arrays are on none of"
            f" {len(held)} ranks: {adamw.few(missing)}; give every parameter to the optimiser of a rank"
        )
