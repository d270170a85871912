"""The measured times of a training over all its restarts, kept beside its checkpoints.

`<address>/train_times.jsonl` has an entry for every stretch of steps that has a line in the curve (train_log.jsonl),
and one for every start of a process. It is not part of a checkpoint, nor of the model: those are equal to the bit after
any kill, and times never are. The file is small, a thousand lines and the restarts, and is always replaced as a whole:
at a start, so that failed restarts are recorded too, and after every commit. What a killed process had not written
belongs to steps that were lost with it; entries of such steps are removed at the next start.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ernie_core.errors import BadInput, Error
from ernie_core.progress import say
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor.pace import Pace, memory

FILE = "train_times.jsonl"


@dataclass(frozen=True)
class Start:
    """The start of a process that resumed after `step`; `at` in seconds since 1970."""

    step: int
    at: float


@dataclass(frozen=True)
class Stretch:
    """`steps` steps up to `step`: seconds of the steps, of waiting for data within them, of saves and of pauses.

    `resident` and `gpu` are memory in bytes, `at` is the end in seconds since 1970.
    """

    step: int
    steps: int
    tokens: float
    seconds: float
    waited: float
    saved: float
    paused: float
    resident: int
    at: float
    gpu: int = 0


TimesEntry = Start | Stretch


def begin(place: CheckpointLocation, step: int) -> list[str]:
    """The entries of a run that resumes after `step` (0: begins), with this start, which is stored at once."""
    held = place.store.get(place.of(FILE))
    lines = [] if held is None else held.decode("utf-8").split("\n")[:-1]
    kept = [text for text in lines if decode(text, place.of(FILE)).step <= step]
    kept.append(json.dumps({"start": step, "at": round(time.time(), 3)}))
    try:
        write(place, kept)
    except Error as error:
        say(f"the start could not be recorded yet: {error}")
    return kept


def write(place: CheckpointLocation, lines: Iterable[str]) -> None:
    """Replace the file in the store."""
    place.store.write(place.of(FILE), "".join(f"{text}\n" for text in lines).encode())


def entry(step: int, stretch: Pace, now: float) -> str:
    """The line of a stretch that ends now, after `step`."""
    facts = {
        "step": step,
        "steps": stretch.steps,
        "tokens": stretch.tokens,
        "seconds": round(stretch.busy(now), 4),
        "waited": round(stretch.waited, 4),
        "saved": round(stretch.saved, 4),
        "paused": round(stretch.paused, 4),
        **memory(),
        "at": round(time.time(), 3),
    }
    return json.dumps(facts)


def read(lines: Sequence[str], where: str) -> list[TimesEntry]:
    """The entries in their order; `where` is for the message if they cannot be read."""
    return [decode(text, where) for text in lines]


def restarts(lines: Sequence[str]) -> int:
    """Number of restarts of the run."""
    return sum('"start"' in text for text in lines) - 1


def decode(text: str, where: str) -> TimesEntry:
    """The entry in one line; BadInput if it is none."""
    try:
        facts = json.loads(text)
        return Start(int(facts["start"]), float(facts["at"])) if "start" in facts else Stretch(**facts)
    except (ValueError, TypeError, KeyError) as e:
        raise BadInput(f"{where}: {text[:80]!r} is not an entry of training times; remove the file") from e
