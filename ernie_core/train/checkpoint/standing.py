"""The state of a training, read from its address: names, manifests and two small files, never its weights.

A plan and a trainer both decide by it, so a plan shows what will happen. It imports nothing heavy: the command line has
neither Paddle nor numpy.
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
"""File beside the checkpoints: the number of starts since the newest of them."""
STATE = "state.json"
"""File in a checkpoint: its progress and settings (ernie_core/train/checkpoint/snapshot.py)."""
STARTS = 10
"""Default number of starts without a new checkpoint after which another start is refused."""


@dataclass(frozen=True)
class Standing:
    """What exists of a training."""

    store: Store
    address: str
    steps: tuple[int, ...]
    """Steps of everything named like a checkpoint, newest first."""
    last: str | None
    """What `model_last` names; None if it is missing or cannot be read."""
    unread: str
    """Why `model_last` cannot be read."""
    noted: str
    """The newest checkpoint at the last start, as `restarts.json` has it; empty if there was none."""
    starts: int
    """Number of starts with that one as the newest."""

    @cached_property
    def newest(self) -> int | None:
        """Step of the newest committed checkpoint; only reading its files can tell whether they are sound."""
        return next((step for step, _ in committed(self.store, self.address, self.steps)), None)

    @property
    def name(self) -> str:
        """Name of the newest committed checkpoint; empty without one."""
        return "" if self.newest is None else f"model_{self.newest}"

    @property
    def pointer(self) -> str:
        """The state of `model_last`, in words."""
        if self.unread:
            return f"{LAST} cannot be read"
        if self.last is None:
            return f"{LAST} is missing"
        return f"{LAST} names {self.last}" + (", which does not exist" if self.is_stale else "")

    @property
    def is_stale(self) -> bool:
        """Whether `model_last` names a checkpoint that does not exist."""
        return self.last is not None and self.last not in [f"model_{step}" for step in self.steps]

    def odd(self) -> list[str]:
        """Oddities that a user should know of before the training resumes, in words."""
        skipped = [f"model_{step} is skipped, it is not whole" for step in self.steps if step > (self.newest or 0)]
        return skipped + ([self.pointer] if self.last != self.name else [])

    def begin(self, *, fresh: bool, limit: int) -> int | None:
        """The step after which a start would resume; None if it would begin. Refused as the start would be."""
        if self.newest is None and not fresh and (traces := self.traces()):
            raise self.lost(traces)
        self.counted(limit)
        return self.newest

    def traces(self) -> list[str]:
        """Names of what shows that there was progress."""
        traces = [f"model_{step}" for step in self.steps if not interrupted(self.store, self.address, step)]
        traces += [LAST] if self.last or self.unread else []
        return traces + ([f"{RESTARTS}, which names {self.noted}"] if self.noted else [])

    def lost(self, traces: Iterable[str]) -> Refused:
        """The error to raise if there was progress, but no checkpoint can be resumed."""
        return Refused(
            f"{self.store.url}/{self.address}: there was progress ({', '.join(traces)}), but no checkpoint is whole;"
            " restore one, or set start_fresh: true to train again from step 0"
        )

    def counted(self, limit: int) -> int:
        """Number of starts since the last new checkpoint. Refused if one more would exceed the limit."""
        starts = self.starts if self.noted == self.name else 0
        if starts >= limit:
            raise Refused(
                f"{self.store.url}/{self.address}: {starts} starts without a new checkpoint, which is the limit; the"
                f" newest is {self.name or 'none'}; find the cause in the logs, fix it, then delete"
                f" {self.store.url}/{self.address}/{RESTARTS} and start again"
            )
        return starts


def look(store: Store, address: str, names: Iterable[str] | None = None) -> Standing:
    """The state of a training, from one listing, or from `names` if they are listed already. BadInput for what must be
    removed before the training can resume."""
    known = list(store.children(address) if names is None else names)
    last, unread = _pointed(store, f"{address}/{LAST}") if LAST in known else (None, "")
    noted, starts = _noted(store, f"{address}/{RESTARTS}") if RESTARTS in known else ("", 0)
    return Standing(store, address, steps(known), last, unread, noted, starts)


def newest(store: Store, address: str) -> str:
    """The name of the newest committed checkpoint; empty without one."""
    found = committed(store, address, steps(store.children(address)))
    return next((f"model_{step}" for step, _ in found), "")


def steps(names: Iterable[str]) -> tuple[int, ...]:
    """The steps of everything named like a checkpoint, newest first."""
    found = (re.fullmatch(r"model_(\d+)", name) for name in names)
    return tuple(sorted((int(match[1]) for match in found if match), reverse=True))


def committed(store: Store, address: str, found: Iterable[int]) -> Iterator[tuple[int, Manifest]]:
    """The committed ones of some steps, with their manifests, which are read lazily."""
    for step in found:
        try:
            yield step, manifest(store, address, step)
        except (BadInput, NotFound):
            continue  # a trainer that skips it logs why


def manifest(store: Store, address: str, step: int) -> Manifest:
    """The manifest of one checkpoint. NotFound if it was not committed, BadInput if its manifest is not its own."""
    found = artefact.read(store, f"{address}/model_{step}")
    if found is None:
        raise NotFound("it was not committed, the save was interrupted")
    if found.kind != KIND or found.info.get("step") != step:
        other = f"a {found.kind} of step {found.info.get('step')}"
        raise BadInput(f"its manifest belongs to something else: {other}")
    return found


def interrupted(store: Store, address: str, step: int) -> bool:
    """Whether this is the remainder of an interrupted save, which the store marks: alone it is no progress.

    Neither is an empty folder, which some S3 servers list.
    """
    names = {entry.key.rpartition("/")[2] for entry in store.list(f"{address}/model_{step}")}
    return not names or (OPEN in names and artefact.MANIFEST not in names)


def state(store: Store, address: str, step: int, found: Manifest) -> Mapping[str, Any]:
    """The content of `state.json` of a checkpoint; empty if it is missing or damaged."""
    file = next((file for file in found.files if file.name == STATE), None)
    data = store.get(join(address, f"model_{step}", found.data, STATE)) if file else None
    if file is None or data is None or hashlib.sha256(data).hexdigest() != file.sha256:
        return {}
    value = json.loads(data)
    return value if isinstance(value, dict) else {}


def _pointed(store: Store, key: str) -> tuple[str | None, str]:
    """The name in an existing pointer, or why it cannot be read, which is no error: the checkpoints are there."""
    place = store.path(key)
    if place is not None and place.is_dir() and not place.is_symlink():
        # the pointer to the next checkpoint could not be written, which would end the training late
        raise BadInput(f"{place}: there is a folder where a pointer to the newest checkpoint should be; move it away")
    try:
        name = pointed(store, key)
    except BadInput as error:
        return None, str(error)
    return name, "" if name is not None else f"{store.url}/{key}: a file, not a pointer; remove it"


def _noted(store: Store, key: str) -> tuple[str, int]:
    """The newest checkpoint at the last start, and the number of starts with it as the newest."""
    data = store.get(key)
    if data is None:
        return "", 0
    try:
        record = json.loads(data)
        return str(record["newest"]), int(record["starts"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{store.url}/{key}: not a record of starts ({error!r}); delete it") from error
