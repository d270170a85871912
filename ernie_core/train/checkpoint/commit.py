"""Checkpoints in the store: committed whole, at least two kept, found again after any crash, never lost in silence."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core import progress
from ernie_core.errors import BadInput, Error, NotFound
from ernie_core.patience import patiently
from ernie_core.progress import Say
from ernie_core.store import File, Store, artefact, gathering, impatient, point
from ernie_core.store.gathering import Gathering
from ernie_core.store.lease import Lease
from ernie_core.train.checkpoint import standing
from ernie_core.train.checkpoint.standing import KIND, LAST, RESTARTS, STARTS, Standing

if TYPE_CHECKING:  # the command line, which has no numpy, asks this module too
    from ernie_core.train.parallel.team import Team

KEPT = 2


@dataclass(frozen=True)
class Place:
    """Where the checkpoints of a run lie: `<address>/model_<step>`; `<address>/model_last` names the newest."""

    store: Store
    address: str
    scratch: Path
    lease: Lease | None = None
    """The right to write there, where others could."""

    @property
    def direct(self) -> Store:
        """The same store, which says at once that it is away: who writes looks at the lease between two tries."""
        return impatient(self.store)

    def check(self) -> None:
        """Refused if another process has the right to write there."""
        if self.lease is not None:
            self.lease.check()

    def of(self, name: str) -> str:
        """The address of one checkpoint."""
        return f"{self.address}/{name}"


@dataclass(frozen=True)
class Checkpoint:
    """A committed checkpoint whose files have been verified."""

    step: int
    folder: Path


def commit(
    gathered: Gathering,
    place: Place,
    step: int,
    files: Sequence[File],
    *,
    permanent: bool = False,
    say: Say = progress.say,
) -> None:
    """Make what was gathered the checkpoint of a step and the newest; older ones go, two always stay.

    Whatever is killed in between, the previous checkpoint is still there: nothing is removed before the new one is
    committed and `model_last` names it. A full disk and a store that is away are waited for. What could not be removed
    is said; the next commit tries again.
    """
    name = f"model_{step}"
    info = {"step": step, "permanent": permanent}

    def first() -> None:
        place.check()
        gathering.commit(gathered, files, kind=KIND, info=info)

    def then() -> None:
        place.check()
        point(place.direct, place.of(LAST), name)

    patiently(first, f"committing {name}", tell=say)
    patiently(then, f"letting {LAST} name {name}", tell=say)
    try:
        place.check()
        _retire(place, step)
    except Error as error:
        say(f"{name} is committed; what is older stays for now: {error}")


def attempt(place: Place, *, limit: int) -> int:
    """Take note of a start; the number of starts since there was last a new checkpoint, this one included.

    Call it once in every start, on one rank, before the work. Refused if there were more than `limit`: whatever kills
    the training will kill it again. A stop that was asked for commits a step, so it does not count against the next.
    """
    found = standing.look(place.store, place.address)
    starts = found.counted(limit) + 1
    note = json.dumps({"newest": found.name, "starts": starts}, sort_keys=True)
    patiently(lambda: place.store.write(place.of(RESTARTS), f"{note}\n".encode()), "a start is noted")
    return starts


def agreed(place: Place, team: "Team", say: Say, *, fresh: bool = False, limit: int = STARTS) -> Checkpoint | None:
    """The checkpoint that all ranks go on from: the newest that is whole for rank 0. The same errors on all ranks.

    This start counts as an attempt, of which `limit` may go by without a new checkpoint.
    """
    found: Checkpoint | None = None
    error: Error | None = None
    if team.rank == 0:
        try:
            found = latest(place, say, fresh=fresh)
            attempt(place, limit=limit)
        except Error as raised:
            error = raised
    step, error = team.first((found.step if found else None, error))
    if error is not None:
        raise error
    if step is None or found is not None:
        return found
    folder = artefact.fetch(place.store, place.of(f"model_{step}"), place.scratch / "checkpoints", verify=True)
    return Checkpoint(step, folder)


def latest(place: Place, say: Say, *, fresh: bool = False) -> Checkpoint | None:
    """The newest checkpoint that is whole; None if the run never made progress. What is passed over is said, and why.

    If there are traces of progress but no checkpoint is whole this is Refused, unless `fresh` says to begin again.
    """
    found = standing.look(place.store, place.address)
    if found.unread:
        say(f"{place.of(LAST)} cannot be read: {found.unread}")
    elif found.is_stale:
        say(f"{place.of(LAST)} is stale: it names {found.last}, which is not there")
    for step in found.steps:
        checkpoint = _whole(place, step, say)
        if checkpoint is not None:
            if found.last != f"model_{step}":
                say(f"going on from {place.of(f'model_{step}')}; {found.pointer}")
            return checkpoint
    traces = found.traces()
    if traces and not fresh:
        raise found.lost(traces)
    _clear(place, found, traces, say)
    return None


def _steps(place: Place) -> list[int]:
    """The steps of whatever looks like a checkpoint, newest first."""
    return list(standing.steps(place.store.children(place.address)))


def _whole(place: Place, step: int, say: Say) -> Checkpoint | None:
    name = f"model_{step}"
    try:
        standing.manifest(place.store, place.address, step)
        folder = artefact.fetch(place.store, place.of(name), place.scratch / "checkpoints", verify=True)
    except (BadInput, NotFound) as e:
        say(f"passed over {place.of(name)}: {e}")
        return None
    return Checkpoint(step, folder)


def _interrupted(place: Place, step: int) -> bool:
    """Whether this is the rest of a save that never ended: alone it is no progress."""
    return standing.interrupted(place.store, place.address, step)


def _clear(place: Place, found: Standing, traces: list[str], say: Say) -> None:
    for step in found.steps:
        say(f"removed {place.of(f'model_{step}')}, which was not whole")
        artefact.remove(place.store, place.of(f"model_{step}"))
    if LAST in traces:
        place.store.delete(place.of(LAST))
    if found.noted:  # the last trace: whoever is killed before has not lost progress in silence
        place.store.delete(place.of(RESTARTS))
    if traces:
        say("start_fresh: training begins again at step 0")


def _retire(place: Place, newest: int) -> None:
    """Remove the oldest beyond those to keep, and what dead saves and removals left; only what is committed counts."""
    kept = 0
    for step in _steps(place):
        if step > newest:
            continue
        try:
            manifest = artefact.read(place.store, place.of(f"model_{step}"))
        except BadInput:
            continue  # evidence of what went wrong: not counted, not removed
        if manifest is not None and kept < KEPT:
            kept += 1
        elif (manifest is None and _interrupted(place, step)) or (
            kept == KEPT and not (manifest and manifest.info.get("permanent"))
        ):
            artefact.remove(place.store, place.of(f"model_{step}"))
