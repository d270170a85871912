"""The measured times of a training over all its restarts, kept beside its checkpoints.

`<address>/train_times.jsonl` has an entry for every stretch of steps that the curve (train_log.jsonl) has a line for,
and one for every start of a process. It is not part of a checkpoint, nor of the model: those are equal to the bit
whatever was killed, and times never are. The file is small, a thousand lines and the restarts, and always written
whole: at a start, so that a restart that comes to nothing is seen too, and after every commit. What a killed process
had not written belongs to steps that were lost with it; what it had written of such steps is cut off at the next start.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ernie_core.errors import BadInput, Error
from ernie_core.progress import say
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.monitor.pace import Pace, memory

FILE = "train_times.jsonl"


@dataclass(frozen=True)
class Start:
    """A process began after `step`; `at` in seconds since 1970."""

    step: int
    at: float


@dataclass(frozen=True)
class Stretch:
    """`steps` steps up to `step`: seconds of the steps themselves, of waiting within them, of standing still."""

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


Entry = Start | Stretch


def begin(place: Place, step: int) -> list[str]:
    """The entries of a run that goes on after `step` (0: begins), this start among them; it is in the store at once."""
    held = place.store.get(place.of(FILE))
    lines = [] if held is None else held.decode("utf-8").splitlines()
    kept = [text for text in lines if decode(text, place.of(FILE)).step <= step]
    kept.append(json.dumps({"start": step, "at": round(time.time(), 3)}))
    try:
        write(place, kept)
    except Error as error:
        say(f"that this started could not be noted yet: {error}")
    return kept


def write(place: Place, lines: Iterable[str]) -> None:
    """Replace what the store has."""
    place.store.write(place.of(FILE), "".join(f"{text}\n" for text in lines).encode())


def entry(step: int, stretch: Pace, now: float) -> str:
    """The line of a stretch that ends now, after `step`."""
    found = {
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
    return json.dumps(found)


def read(lines: Sequence[str], where: str) -> list[Entry]:
    """The entries in their order; `where` is for the message if they cannot be read."""
    return [decode(text, where) for text in lines]


def restarts(lines: Sequence[str]) -> int:
    """How often the run was begun again."""
    return sum('"start"' in text for text in lines) - 1


def decode(text: str, where: str) -> Entry:
    """One line."""
    try:
        said = json.loads(text)
        return Start(int(said["start"]), float(said["at"])) if "start" in said else Stretch(**said)
    except (ValueError, TypeError, KeyError) as e:
        raise BadInput(f"{where}: {text[:80]!r} is not an entry of a training's times; remove the file") from e
