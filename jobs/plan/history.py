"""What was made before, and what is half done: why a step runs again, what it leaves unused, how long it may take."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from components.runtime import begun
from ernie_core.store import Manifest, Store, artefact
from ernie_core.train.checkpoint import standing
from ernie_core.train.settings import Settings
from ernie_core.wording import listed, shorten
from jobs.plan.graph import Node

LOOK_AT_MOST = 200
"""Most addresses of one component that are read to find the closest; more would cost more than the answer is worth."""
SHOWN = 3
"""Trainings that are named as half done, checkpoints that are named of each, and settings that are named in a line."""

Info = Mapping[str, Any]
"""What a manifest says of how its artefact was made, or as much of it as is known of a training."""


_UNSET = "(not set)"


@dataclass(frozen=True)
class Change:
    """One thing that sets a step apart from earlier work."""

    kind: Literal["setting", "revision", "input"]
    name: str
    then: Any
    """The value; of an input the fingerprints and weights of what was bound."""
    now: Any
    by: str = ""
    """What is bound now, by its names; empty if nothing is."""

    def __str__(self) -> str:
        if self.kind == "input":
            return f"input {self.name}: {self.by} changes" if self.by else f"input {self.name}: no longer there"
        return f"{self.name}: {shorten(self.then)} -> {shorten(self.now)}"

    @property
    def short(self) -> str:
        """What the earlier work has, as in `a training with max_lr 0.001`."""
        return f"other {self.name}" if self.kind == "input" else f"{self.name} {shorten(self.then)}"


@dataclass(frozen=True)
class HalfDone:
    """A training of the same component under another fingerprint, which has checkpoints and no model."""

    address: str
    folder: str
    """Folder or URL of its files, to be shown to a person who wants them removed."""
    steps: tuple[int, ...]
    """Its newest checkpoints, the newest last."""
    older: int
    """Checkpoints besides."""
    changes: tuple[Change, ...]
    """What sets the step apart from it, as far as it is known."""
    info: Info

    @property
    def kept(self) -> str:
        """`model_480, model_500 of 900 in pretrain/<fingerprint>`."""
        older = f" and {self.older} older" if self.older else ""
        total = self.info.get("settings", {}).get("max_steps")
        of = f" of {total}" if total and total > 0 else ""
        return f"{', '.join(f'model_{step}' for step in self.steps)}{older}{of} in {self.address}"

    @property
    def are_many(self) -> bool:
        """Whether there is more than one checkpoint."""
        return len(self.steps) + self.older > 1

    @property
    def fate(self) -> str:
        """What a run does with them, and how to continue from them."""
        are, them = ("are", "them") if self.are_many else ("is", "it")
        return f"{are} kept and not used; {self._remedy(them)}"

    def _remedy(self, them: str) -> str:
        kinds = {change.kind for change in self.changes}
        if "revision" in kinds:
            return f"this version trains differently and cannot continue from {them}"
        if not kinds:
            return f"the difference is not recorded there; an earlier version may have made {them}"
        if kinds == {"setting"}:
            return f"set {'it' if len(self.changes) == 1 else 'them'} back to continue from {them}"
        also = " and settings" if "setting" in kinds else ""
        return f"with the inputs{also} of that training a run continues from {them}"

    def __str__(self) -> str:
        named = [change.short for change in self.changes[:SHOWN]]
        more = f" and {len(self.changes) - SHOWN} more" if len(self.changes) > SHOWN else ""
        which = f"a training with {', '.join(named)}{more}" if named else "another training"
        return f"{which} is half done: {self.kept} {self.fate}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        facts = {name: self.info.get(name) for name in ("step", "job", "run", "started")}
        return {"address": self.address, "folder": self.folder, "checkpoints": [f"model_{step}" for step in self.steps],
                "older": self.older, "of": self.info.get("settings", {}).get("max_steps"), **facts,
                "differs": [asdict(change) for change in self.changes], "fate": self.fate}  # fmt: skip


@dataclass(frozen=True)
class EarlierWork:
    """What there is of a component under other fingerprints."""

    closest: Manifest | None
    """The artefact that differs least; among equals the newest."""
    open: tuple[str, ...]
    """Addresses without an artefact."""
    made: Mapping[str, Info] = field(default_factory=dict)
    """What the manifests of all artefacts say, by address."""
    begun: dict[str, Info] = field(default_factory=dict)
    """What open ones had recorded when they began, as far as it was read."""


def look(store: Store, node: Node) -> EarlierWork:
    """Read the manifests of the same component."""
    found, unmade = dict[str, Manifest](), []
    for name in store.children(node.component)[:LOOK_AT_MOST]:
        address = f"{node.component}/{name}"
        if address == node.address:
            continue
        if manifest := artefact.read(store, address):
            found[address] = manifest
        else:
            unmade.append(address)
    closest = min(found.values(), key=lambda made: _key(node, made.info, "ended"), default=None)
    return EarlierWork(closest, tuple(unmade), {address: manifest.info for address, manifest in found.items()})


def continued(store: Store, node: Node, past: EarlierWork, besides: Collection[str]) -> tuple[str, int] | None:
    """The training that this one only makes longer, and the step of its newest checkpoint: the furthest, if any.

    None of those `besides`, which are other steps of the plan: what they have made by now must decide nothing.
    """
    if not isinstance(node.step, Settings) or getattr(node.step, "start_fresh", False):
        return None
    best: tuple[str, int] | None = None
    for address in (address for address in past.open if _is_own(address) and address not in besides):
        if address not in past.begun:  # the points of a sweep ask for the same ones
            past.begun[address] = begun.read(store, address)
    for address, info in {**past.made, **past.begun}.items():
        if address in besides:
            continue
        earlier = info.get("settings", {})
        same = all(change.kind == "setting" for change in _changes(node, info)) and not info.get("partly")
        # what is left to the data has no value here: it may be more, or other, than what the other one gives
        same = same and not type(node.step).tabled & (earlier.keys() ^ node.step.settings().keys())
        if info and same and node.step.extends(earlier):
            step = next((step for step, _ in standing.committed(store, address, _steps(store, address))), 0)
            if step > (best[1] if best else 0):
                best = address, step
    return best


def half_done(store: Store, node: Node, past: EarlierWork, besides: Collection[str]) -> tuple[HalfDone, ...]:
    """Trainings of this step that were begun otherwise and have checkpoints, the closest first; not those `besides`,
    which other steps of the plan continue from."""
    found: list[tuple[str, tuple[int, ...], Info]] = []
    for address in past.open if type(node.step).gang else ():
        if address in besides or not _is_own(address):
            continue
        names = store.children(address)
        steps = standing.steps(names)
        info = _info(store, address, steps, node) if steps else {}
        if info and info.get("step", node.name) == node.name:
            found.append((address, steps, info))
    found.sort(key=lambda row: _key(node, row[2], "started"))
    made = (_half_done(store, node, *row) for row in found)
    return tuple(itertools.islice((half for half in made if half), SHOWN))


def changes(node: Node, earlier: Info) -> list[str]:
    """What sets the node apart from an earlier artefact, in words."""
    found = [str(change) for change in _changes(node, earlier)]
    return found or ["the same work under another fingerprint: made by an older version"]


def reason(node: Node, past: EarlierWork, halves: Sequence[HalfDone]) -> tuple[str, str]:
    """Why a step runs that is not made, and what that leaves half done, if it is newer or closer than what is made."""
    made = past.closest.info if past.closest else None
    half = halves[0] if halves else None
    closer = half is not None and (made is None or _key(node, half.info, "")[0] < _key(node, made, "")[0])
    newer = half is not None and made is not None and str(half.info.get("started", "")) > str(made.get("ended", ""))
    like = half.info if half and half.changes and closer else made
    why = "; ".join(changes(node, like)) if like is not None else "never made in this store"
    if half is None or not (closer or newer):
        return why, ""
    return why, str(half) + (f"; {len(halves) - 1} more half done" if len(halves) > 1 else "")


def _is_own(address: str) -> bool:
    """Whether it ends with a fingerprint: what a drill makes has a name in its place."""
    return re.fullmatch(r"[0-9a-f]{16}", address.rpartition("/")[2]) is not None


def _steps(store: Store, address: str) -> tuple[int, ...]:
    return standing.steps(store.children(address))


def _half_done(store: Store, node: Node, address: str, steps: tuple[int, ...], info: Info) -> HalfDone | None:
    """None if nothing of it is committed."""
    whole = [step for step, _ in itertools.islice(standing.committed(store, address, steps), SHOWN)]
    if not whole:
        return None
    older = sum(1 for step in steps if step < whole[-1])
    folder = str(store.path(address) or f"{store.url}/{address}")
    return HalfDone(address, folder, tuple(reversed(whole)), older, tuple(_changes(node, info)), info)


def _info(store: Store, address: str, steps: tuple[int, ...], node: Node) -> Info:
    """What is noted of a training; else what its newest checkpoint says, which knows nothing of the inputs."""
    if noted := begun.read(store, address):
        return noted
    for step, manifest in itertools.islice(standing.committed(store, address, steps), 1):
        state = standing.state(store, address, step, manifest)
        facts = {**state.get("note", {}), **state.get("must", {})}
        # a setting that is left out has a value of the recipe's own in there, which the spec does not name
        known = {name for name, value in node.step.settings().items() if value is not None}
        return {"settings": {name: facts[name] for name in sorted(known & facts.keys())}, "partly": True}
    return {}


def _changes(node: Node, info: Info) -> Iterator[Change]:
    old, new = info.get("settings", {}), node.step.settings()
    if info.get("partly"):
        yield from (Change("setting", key, old[key], new[key]) for key in sorted(old) if old[key] != new[key])
        return
    if info.get("revision") != type(node.step).revision:
        yield Change("revision", f"revision of {node.component}", info.get("revision"), type(node.step).revision)
    usual = {name: type(node.step).model_fields[name].default for name in type(node.step).added}
    for key in sorted(old.keys() | new.keys()):
        then, now = old.get(key, usual.get(key, _UNSET)), new.get(key, usual.get(key, _UNSET))
        if then != now:
            yield Change("setting", key, then, now)
    before = info.get("inputs", {})
    for port in sorted(before.keys() | node.links.keys()):
        was = [(row.get("fingerprint"), row.get("weight", 1.0)) for row in before.get(port, [])]
        now = [(link.fingerprint, link.weight) for link in node.links.get(port, ())]
        if was != now:
            names = listed(link.name for link in node.links.get(port, ()))
            yield Change("input", port, was, now, names)


def _key(node: Node, info: Info, when: str) -> tuple[tuple[bool, bool, int], bool, tuple[int, ...]]:
    """By which the closest comes first, and of equals the newest. Of the same step before all others: another step of
    the same component has other inputs and would give a misleading answer. Last, what is not known to differ at all."""
    partly, apart = bool(info.get("partly")), sum(1 for _ in _changes(node, info))
    close = info.get("step", node.name) != node.name, partly and not apart, apart
    return close, partly, tuple(-ord(c) for c in str(info.get(when, "")))
