"""Checkpoints of two small files that say their step, for the tests of the protocol."""

import uuid

from ernie_core.store import gathering
from ernie_core.train.checkpoint import commit
from ernie_core.train.checkpoint.commit import CheckpointLocation


def save(place: CheckpointLocation, step: int, permanent: bool = False) -> None:
    """Commit a checkpoint of two small files that say their step."""
    part = gathering.begin(place.store, place.of(f"model_{step}"), uuid.uuid4().hex[:8], 0, place.scratch)
    files = []
    for name, text in (("weights", f"weights of {step}"), ("state", str(step))):
        with gathering.create(part, name) as draft:
            draft.write(text.encode())
        files.append(draft.file)
    gathering.report(part, files)
    commit.commit(part, place, step, files, permanent=permanent)


def found(place: CheckpointLocation, said: list[str] | None = None) -> int:
    """The step that a start would resume from; 0 for none."""
    newest = commit.latest(place, [].append if said is None else said.append)
    if newest is None:
        return 0
    assert (newest.folder / "state").read_text() == str(newest.step)
    assert (newest.folder / "weights").read_text() == f"weights of {newest.step}"
    return newest.step
