"""How far a training is, by what lies at its address: names, manifests and two small files, never its weights.

A plan and a trainer decide by this alike, so a plan says what will happen. It imports nothing heavy: the command line
has neither Paddle nor numpy.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ernie_core.errors import BadInput, NotFound, Refused
from ernie_core.store import Manifest, Store, artefact, pointed
from ernie_core.store.base import join
from ernie_core.store.manifest import OPEN

KIND = "checkpoint"
LAST = "model_last"
RESTARTS = "restarts.json"
"""Beside the checkpoints: how often the training was started since the newest of them."""
STATE = "state.json"
"""In a checkpoint: how far it is, and of which settings (ernie_core/train/checkpoint/snapshot.py)."""
STARTS = 10
"""Starts without a new checkpoint, after which it is refused to start again, unless the caller says otherwise."""


@dataclass(frozen=True)
class Standing:
    """What is there of a training."""

    store: Store
    address: str
    steps: tuple[int, ...]
    """Of whatever looks like a checkpoint, newest first."""
    last: str | None
    """What `model_last` names; None if it is missing or cannot be read."""
    unread: str
    """Why `model_last` cannot be read."""
    noted: str
    """The newest checkpoint at the last start, as `restarts.json` has it; empty if there was none."""
    starts: int
    """Starts that saw that one."""

    @cached_property
    def newest(self) -> int | None:
        """The step of the newest that is committed; whether its files are sound only reading them can tell."""
        return next((step for step, _ in committed(self.store, self.address, self.steps)), None)

    @property
    def name(self) -> str:
        """Of the newest that is committed; empty without one."""
        return "" if self.newest is None else f"model_{self.newest}"

    @property
    def pointer(self) -> str:
        """What `model_last` is like, in words."""
        if self.unread:
            return f"{LAST} cannot be read"
        if self.last is None:
            return f"{LAST} is missing"
        return f"{LAST} names {self.last}" + (", which is not there" if self.is_stale else "")

    @property
    def is_stale(self) -> bool:
        """Whether `model_last` names what is not there."""
        return self.last is not None and self.last not in [f"model_{step}" for step in self.steps]

    def odd(self) -> list[str]:
        """What a person should know of a training that goes on, in words."""
        over = [f"model_{step} is passed over, it is not whole" for step in self.steps if step > (self.newest or 0)]
        return over + ([self.pointer] if self.last != self.name else [])

    def begin(self, *, fresh: bool, limit: int) -> int | None:
        """The step after which a start would go on; None if it would begin. Refused if it would be, with its words."""
        if self.newest is None and not fresh and (traces := self.traces()):
            raise self.lost(traces)
        self.counted(limit)
        return self.newest

    def traces(self) -> list[str]:
        """What shows that there was progress."""
        found = [f"model_{step}" for step in self.steps if not interrupted(self.store, self.address, step)]
        found += [LAST] if self.last or self.unread else []
        return found + ([f"{RESTARTS}, which names {self.noted}"] if self.noted else [])

    def lost(self, traces: Iterable[str]) -> Refused:
        """To raise if there was progress, and nothing of it can be gone on with."""
        return Refused(
            f"{self.store.url}/{self.address}: there was progress ({', '.join(traces)}), but no checkpoint is whole;"
            " put one back, or set start_fresh: true to train again from step 0"
        )

    def counted(self, limit: int) -> int:
        """Starts since there was last a new checkpoint. Refused if one more would be above the limit."""
        starts = self.starts if self.noted == self.name else 0
        if starts >= limit:
            raise Refused(
                f"{self.store.url}/{self.address}: {starts} starts without a new checkpoint, which is the limit; the"
                f" newest is {self.name or 'none'}; see in the logs what ended them, cure it, then delete"
                f" {self.store.url}/{self.address}/{RESTARTS} and start again"
            )
        return starts


def look(store: Store, address: str, names: Iterable[str] | None = None) -> Standing:
    """What is there, from one listing, or from `names` if they are listed already. BadInput for what must be cleared
    away before a training can go on."""
    known = list(store.children(address) if names is None else names)
    last, unread = _pointed(store, f"{address}/{LAST}") if LAST in known else (None, "")
    noted, starts = _noted(store, f"{address}/{RESTARTS}") if RESTARTS in known else ("", 0)
    return Standing(store, address, steps(known), last, unread, noted, starts)


def newest(store: Store, address: str) -> str:
    """The name of the newest committed checkpoint; empty without one."""
    found = committed(store, address, steps(store.children(address)))
    return next((f"model_{step}" for step, _ in found), "")


def steps(names: Iterable[str]) -> tuple[int, ...]:
    """The steps of whatever looks like a checkpoint, newest first."""
    found = (re.fullmatch(r"model_(\d+)", name) for name in names)
    return tuple(sorted((int(match[1]) for match in found if match), reverse=True))


def committed(store: Store, address: str, found: Iterable[int]) -> Iterator[tuple[int, Manifest]]:
    """Those of some steps that are committed, with their manifests; each is read when it is asked for."""
    for step in found:
        try:
            yield step, manifest(store, address, step)
        except (BadInput, NotFound):
            continue  # a trainer that passes over it says why


def manifest(store: Store, address: str, step: int) -> Manifest:
    """Of one checkpoint. NotFound if it was not committed, BadInput if its manifest is not its own."""
    found = artefact.read(store, f"{address}/model_{step}")
    if found is None:
        raise NotFound("it was not committed, the save was interrupted")
    if found.kind != KIND or found.info.get("step") != step:
        said = f"a {found.kind} of step {found.info.get('step')}"
        raise BadInput(f"its manifest belongs to something else: {said}")
    return found


def interrupted(store: Store, address: str, step: int) -> bool:
    """Whether this is the rest of a save that never ended, marked so by the store: alone it is no progress.

    Nor is a folder without anything in it, which some S3 servers list.
    """
    names = {entry.key.rpartition("/")[2] for entry in store.list(f"{address}/model_{step}")}
    return not names or (OPEN in names and artefact.MANIFEST not in names)


def state(store: Store, address: str, step: int, found: Manifest) -> Mapping[str, Any]:
    """What a checkpoint says of itself; empty if it does not, or if that was damaged."""
    file = next((file for file in found.files if file.name == STATE), None)
    data = store.get(join(address, f"model_{step}", found.data, STATE)) if file else None
    if file is None or data is None or hashlib.sha256(data).hexdigest() != file.sha256:
        return {}
    value = json.loads(data)
    return value if isinstance(value, dict) else {}


def _pointed(store: Store, key: str) -> tuple[str | None, str]:
    """What the pointer that is there names, or why it cannot be read: the checkpoints speak for themselves."""
    place = store.path(key)
    if place is not None and place.is_dir() and not place.is_symlink():
        # the next checkpoint could not be pointed to, which would end the training when much is done
        raise BadInput(f"{place}: a folder stands where a pointer to the newest checkpoint should be; move it away")
    try:
        name = pointed(store, key)
    except BadInput as error:
        return None, str(error)
    return name, "" if name is not None else f"{store.url}/{key}: a file, not a pointer; remove it"


def _noted(store: Store, key: str) -> tuple[str, int]:
    """The newest checkpoint at the last start, and how many starts had seen it by then."""
    data = store.get(key)
    if data is None:
        return "", 0
    try:
        said = json.loads(data)
        return str(said["newest"]), int(said["starts"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{store.url}/{key}: not a record of starts ({error!r}); delete it") from error
