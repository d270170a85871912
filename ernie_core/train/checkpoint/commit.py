"""Checkpoints in the store: committed whole, at least two kept, recovered after any crash, never lost silently."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ernie_core import progress
from ernie_core.errors import BadInput, Error, NotFound, Refused
from ernie_core.patience import patiently
from ernie_core.progress import Say
from ernie_core.store import File, Store, artefact, gathering, impatient, point
from ernie_core.store.gathering import Gathering
from ernie_core.store.lease import Lease
from ernie_core.train.checkpoint import standing
from ernie_core.train.checkpoint.standing import KIND, LAST, RESTARTS, STARTS, Standing

if TYPE_CHECKING:  # the command line, which has no numpy, imports this module too
    from ernie_core.train.parallel.team import Team

KEPT = 2
"""Number of checkpoints that are kept, besides the permanent ones."""


@dataclass(frozen=True)
class CheckpointLocation:
    """Where the checkpoints of a run are: `<address>/model_<step>`; `<address>/model_last` names the newest."""

    store: Store
    address: str
    scratch: Path
    lease: Lease | None = None
    """The right to write there; None if no other process could."""
    continues: str = ""
    """Address of an earlier, shorter training: its newest checkpoint is continued if there is none here."""

    @property
    def direct(self) -> Store:
        """The same store without retries: a writer checks the lease between two tries."""
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
    address: str


def commit(
    gathered: Gathering,
    place: CheckpointLocation,
    step: int,
    files: Sequence[File],
    *,
    permanent: bool = False,
    say: Say = progress.say,
) -> None:
    """Commit the gathered files as the checkpoint of a step, and point `model_last` to it; the newest two are kept.

    After a kill at any point the previous checkpoint is still there: nothing is removed before the new one is
    committed and `model_last` names it. It waits for space on a full disk and for a store that is unreachable. What
    could not be removed is logged, and left to the next commit.
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
    patiently(then, f"pointing {LAST} to {name}", tell=say)
    try:
        place.check()
        _retire(place, step)
    except Error as error:
        say(f"{name} is committed; older checkpoints are not removed yet: {error}")


def attempt(place: CheckpointLocation, *, limit: int) -> int:
    """Record a start; returns the number of starts since the last new checkpoint, this one included.

    Call it once in every start, on one rank, before the work. Refused if there were more than `limit`: what kills
    the training will kill it again. A requested stop commits a step, so it does not count.
    """
    found = standing.look(place.store, place.address)
    starts = found.counted(limit) + 1
    note = json.dumps({"newest": found.name, "starts": starts}, sort_keys=True)
    patiently(lambda: place.store.write(place.of(RESTARTS), f"{note}\n".encode()), "recording the start")
    return starts


def agreed(
    place: CheckpointLocation, team: "Team", say: Say, *, fresh: bool = False, limit: int = STARTS
) -> Checkpoint | None:
    """The checkpoint that all ranks resume from: the newest that is whole for rank 0. Errors are the same on all ranks.

    This start counts as an attempt, of which at most `limit` may end without a new checkpoint.
    """
    found: Checkpoint | None = None
    error: Error | None = None
    if team.rank == 0:
        try:
            found = latest(place, say, fresh=fresh) or (None if fresh else _earlier(place, say))
            attempt(place, limit=limit)
        except Error as raised:
            error = raised
    address, error = team.first((found.address if found else "", error))
    if error is not None:
        raise error
    if not address or found is not None:
        return found
    folder = artefact.fetch(place.store, address, place.scratch / "checkpoints", verify=True)
    return Checkpoint(int(address.rpartition("_")[2]), folder, address)


def latest(place: CheckpointLocation, say: Say, *, fresh: bool = False) -> Checkpoint | None:
    """The newest checkpoint that is whole; None if there was no progress. Skipped ones are logged with reasons.

    Refused if there are traces of progress but no whole checkpoint, unless `fresh` is set, which begins again.
    """
    found = standing.look(place.store, place.address)
    if found.unread:
        say(f"{place.of(LAST)} cannot be read: {found.unread}")
    elif found.is_stale:
        say(f"{place.of(LAST)} is stale: it names {found.last}, which does not exist")
    for step in found.steps:
        checkpoint = _whole(place, step, say)
        if checkpoint is not None:
            if found.last != f"model_{step}":
                say(f"continuing from {place.of(f'model_{step}')}; {found.pointer}")
            return checkpoint
    traces = found.traces()
    if traces and not fresh:
        raise found.lost(traces)
    _clear(place, found, traces, say)
    return None


def _steps(place: CheckpointLocation) -> list[int]:
    """The steps of everything named like a checkpoint, newest first."""
    return list(standing.steps(place.store.children(place.address)))


def _whole(place: CheckpointLocation, step: int, say: Say) -> Checkpoint | None:
    name = f"model_{step}"
    try:
        standing.manifest(place.store, place.address, step)
        folder = artefact.fetch(place.store, place.of(name), place.scratch / "checkpoints", verify=True)
    except (BadInput, NotFound) as e:
        say(f"skipped {place.of(name)}: {e}")
        return None
    return Checkpoint(step, folder, place.of(name))


def _earlier(place: CheckpointLocation, say: Say) -> Checkpoint | None:
    """The newest whole checkpoint of the training to continue; Refused if the one that the plan saw is gone."""
    if not place.continues:
        return None
    other = replace(place, address=place.continues, lease=None, continues="")
    for step in _steps(other):
        if (found := _whole(other, step, say)) is not None:
            return found
    raise Refused(
        f"{place.continues} was to be continued, and none of its checkpoints is whole:"
        " set start_fresh: true to begin at step 0, or restore them"
    )


def _interrupted(place: CheckpointLocation, step: int) -> bool:
    """Whether this is the remainder of an interrupted save, which alone is no progress."""
    return standing.interrupted(place.store, place.address, step)


def _clear(place: CheckpointLocation, found: Standing, traces: list[str], say: Say) -> None:
    for step in found.steps:
        say(f"removed {place.of(f'model_{step}')}, which was not whole")
        artefact.remove(place.store, place.of(f"model_{step}"))
    if LAST in traces:
        place.store.delete(place.of(LAST))
    if found.noted:  # the last trace: after a kill before this the progress is still visible
        place.store.delete(place.of(RESTARTS))
    if traces:
        say("start_fresh: training begins again at step 0")


def _retire(place: CheckpointLocation, newest: int) -> None:
    """Remove the oldest beyond those to keep, and leftovers of killed saves and removals; only committed ones count."""
    kept = 0
    for step in _steps(place):
        if step > newest:
            continue
        try:
            manifest = artefact.read(place.store, place.of(f"model_{step}"))
        except BadInput:
            continue  # evidence of a fault: not counted, not removed
        if manifest is not None and kept < KEPT:
            kept += 1
        elif (manifest is None and _interrupted(place, step)) or (
            kept == KEPT and not (manifest and manifest.info.get("permanent"))
        ):
            artefact.remove(place.store, place.of(f"model_{step}"))
