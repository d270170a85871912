"""Checkpoints in the store: committed whole, at least two kept, found again after any crash, never lost in silence."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput, NotFound, Refused
from ernie_core.store import Store, artefact, point, pointed
from ernie_core.store.publishing import OPEN

KIND = "checkpoint"
LAST = "model_last"
KEPT = 2

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


def commit(place: Place, step: int, fill: Callable[[Path], None], *, permanent: bool = False) -> None:
    """Save a step: `fill` writes its files to a folder, which then appears whole; older ones go, two always stay.

    Whatever is killed in between, the previous checkpoint is still there: nothing is removed before the new one is
    committed and `model_last` names it.
    """
    name = f"model_{step}"
    folder = artefact.staging(place.store, place.of(name), place.scratch)
    fill(folder)
    info = {"step": step, "permanent": permanent}
    artefact.publish(place.store, place.of(name), folder, kind=KIND, info=info, beside=True)
    point(place.store, place.of(LAST), name)
    _retire(place, step)


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
    """Whether this is the rest of a save that never ended, marked so by the store: alone it is no progress."""
    folder = place.of(f"model_{step}")
    return (
        place.store.head(f"{folder}/{OPEN}") is not None and place.store.head(f"{folder}/{artefact.MANIFEST}") is None
    )


def _clear(place: Place, found: list[int], traces: list[str], say: Say) -> None:
    for step in found:
        say(f"removed {place.of(f'model_{step}')}, which was not whole")
        artefact.remove(place.store, place.of(f"model_{step}"))
    if LAST in traces:
        place.store.delete(place.of(LAST))
    if traces:
        say("start_fresh: training begins again at step 0")


def _retire(place: Place, newest: int) -> None:
    """Remove the oldest beyond those to keep; a checkpoint counts only if it is committed."""
    committed = list(_committed(place, newest))
    for step, permanent in committed[KEPT:]:
        if not permanent:
            artefact.remove(place.store, place.of(f"model_{step}"))


def _committed(place: Place, newest: int) -> Iterator[tuple[int, bool]]:
    for step in _steps(place):
        try:
            manifest = artefact.read(place.store, place.of(f"model_{step}"))
        except BadInput:
            continue  # evidence of what went wrong: not counted, not removed
        if manifest is not None and step <= newest:
            yield step, bool(manifest.info.get("permanent"))
