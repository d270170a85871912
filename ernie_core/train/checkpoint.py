"""Checkpoints in the store: committed whole, at least two kept, found again after any crash, never lost in silence."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput, Error, NotFound, Refused
from ernie_core.store import File, Store, artefact, gathering, point, pointed
from ernie_core.store.gathering import Gathering
from ernie_core.store.manifest import OPEN
from ernie_core.train.team import Team

KIND = "checkpoint"
LAST = "model_last"
RESTARTS = "restarts.json"
"""Beside the checkpoints: how often the training was started since the newest of them."""
KEPT = 2
STARTS = 10
"""Starts without a new checkpoint, after which it is refused to start again, unless the caller says otherwise."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where the checkpoints of a run lie: `<address>/model_<step>`; `<address>/model_last` names the newest."""

    store: Store
    address: str
    scratch: Path

    def of(self, name: str) -> str:
        """The address of one checkpoint."""
        return f"{self.address}/{name}"


@dataclass(frozen=True)
class Checkpoint:
    """A committed checkpoint whose files have been verified."""

    step: int
    folder: Path


def commit(gathered: Gathering, place: Place, step: int, files: Sequence[File], *, permanent: bool = False) -> None:
    """Make what was gathered the checkpoint of a step and the newest; older ones go, two always stay.

    Whatever is killed in between, the previous checkpoint is still there: nothing is removed before the new one is
    committed and `model_last` names it.
    """
    name = f"model_{step}"
    gathering.commit(gathered, files, kind=KIND, info={"step": step, "permanent": permanent})
    point(place.store, place.of(LAST), name)
    _retire(place, step)


def attempt(place: Place, *, limit: int) -> int:
    """Take note of a start; the number of starts since there was last a new checkpoint, this one included.

    Call it once in every start, on one rank, before the work. Refused if there were more than `limit`: whatever kills
    the training will kill it again. A stop that was asked for commits a step, so it does not count against the next.
    """
    key, newest = place.of(RESTARTS), _pointed(place, lambda _: None) or ""
    last, starts = _noted(place, key)
    starts = starts if last == newest else 0
    if starts >= limit:
        raise Refused(
            f"{place.store.url}/{place.address}: {starts} starts without a new checkpoint, which is the limit; the"
            f" newest is {newest or 'none'}; see in the logs what ended them, cure it, then delete"
            f" {place.store.url}/{key} and start again"
        )
    note = json.dumps({"newest": newest, "starts": starts + 1}, sort_keys=True)
    place.store.write(key, f"{note}\n".encode())
    return starts + 1


def agreed(place: Place, team: Team, say: Say, *, fresh: bool = False, limit: int = STARTS) -> Checkpoint | None:
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
    last, found = _pointed(place, say), _steps(place)
    if last is not None and last not in [f"model_{step}" for step in found]:
        say(f"{place.of(LAST)} is stale: it names {last}, which is not there")
    for step in found:
        checkpoint = _whole(place, step, say)
        if checkpoint is not None:
            if last != f"model_{step}":
                say(f"going on from {place.of(f'model_{step}')}; {LAST} names {last or 'nothing'}")
            return checkpoint
    traces = [f"model_{step}" for step in found if not _interrupted(place, step)] + ([LAST] if last else [])
    if traces and not fresh:
        raise Refused(
            f"{place.store.url}/{place.address}: there was progress ({', '.join(traces)}), but no checkpoint is whole;"
            " put one back, or set start_fresh: true to train again from step 0"
        )
    _clear(place, found, traces, say)
    return None


def _steps(place: Place) -> list[int]:
    """The steps of whatever looks like a checkpoint, newest first."""
    names = (re.fullmatch(r"model_(\d+)", name) for name in place.store.children(place.address))
    return sorted((int(match[1]) for match in names if match), reverse=True)


def _whole(place: Place, step: int, say: Say) -> Checkpoint | None:
    name = f"model_{step}"
    try:
        manifest = artefact.read(place.store, place.of(name))
        if manifest is None:
            raise NotFound("it was not committed, the save was interrupted")
        if manifest.kind != KIND or manifest.info.get("step") != step:
            said = f"a {manifest.kind} of step {manifest.info.get('step')}"
            raise BadInput(f"its manifest belongs to something else: {said}")
        folder = artefact.fetch(place.store, place.of(name), place.scratch / "checkpoints", verify=True)
    except (BadInput, NotFound) as e:
        say(f"passed over {place.of(name)}: {e}")
        return None
    return Checkpoint(step, folder)


def _pointed(place: Place, say: Say) -> str | None:
    try:
        return pointed(place.store, place.of(LAST))
    except BadInput as e:
        # A broken pointer is a trace of progress, but the checkpoints speak for themselves.
        say(f"{place.of(LAST)} cannot be used: {e}")
        return "what cannot be read"


def _interrupted(place: Place, step: int) -> bool:
    """Whether this is the rest of a save that never ended, marked so by the store: alone it is no progress.

    Nor is a folder without anything in it, which some S3 servers list.
    """
    names = {entry.key.rpartition("/")[2] for entry in place.store.list(place.of(f"model_{step}"))}
    return not names or (OPEN in names and artefact.MANIFEST not in names)


def _clear(place: Place, found: list[int], traces: list[str], say: Say) -> None:
    for step in found:
        say(f"removed {place.of(f'model_{step}')}, which was not whole")
        artefact.remove(place.store, place.of(f"model_{step}"))
    if LAST in traces:
        place.store.delete(place.of(LAST))
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


def _noted(place: Place, key: str) -> tuple[str, int]:
    """The newest checkpoint at the last start, and how many starts had seen it by then."""
    data = place.store.get(key)
    if data is None:
        return "", 0
    try:
        said = json.loads(data)
        return str(said["newest"]), int(said["starts"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{place.store.url}/{key}: not a record of starts ({error!r}); delete it") from error
