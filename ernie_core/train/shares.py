"""Which process writes what of a state that several hold: every part once, as many bytes for each as can be."""

from collections.abc import Mapping, Sequence


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
