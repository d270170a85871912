"""How the points of a sweep stand, beside its artefact to be: what runs, what failed and why, and how often.

    <component>-sweep/<fingerprint>/points.json          all points, in the order of the spec
    <component>-sweep/<fingerprint>/points/0003.json     one that was begun, by the process that makes it

Whether a point is made only its own manifest says; these say what is between. They go when the sweep is published.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ernie_core.store import Store

LIST, FOLDER = "points.json", "points"


@dataclass(frozen=True)
class PointRecord:
    """One point that was begun."""

    state: Literal["waiting", "running", "done", "failed", "stopped", "halved"] = "waiting"
    why: str = ""
    """How its last attempt failed."""
    code: int = 0
    """Exit code of that."""
    run: str = ""
    """The run that counts its attempts; another one begins to count again."""
    attempts: int = 0
    """Attempts in a row without a new checkpoint."""
    newest: str = ""
    """Its newest checkpoint when the last attempt began."""


def listing(rows: Sequence[Mapping[str, Any]], best: str) -> bytes:
    """The list of all points: what each varies, and where it is."""
    return json.dumps({"best": best, "points": list(rows)}, ensure_ascii=False, indent=1).encode()


def begun(store: Store, address: str) -> Mapping[str, Any]:
    """That list; empty if no process of the sweep was started yet, or it is published."""
    return _parsed(store.get(f"{address}/{LIST}"))


def read(store: Store, address: str) -> dict[int, PointRecord]:
    """The points of a sweep that were begun, by number."""
    found = {}
    for name in store.children(f"{address}/{FOLDER}"):
        if name.endswith(".json") and name[:-5].isdigit():
            found[int(name[:-5])] = one(store, address, int(name[:-5]))
    return found


def one(store: Store, address: str, number: int) -> PointRecord:
    """How a point stands; one that was not begun waits."""
    row = _parsed(store.get(_key(address, number)))
    known = {name: row[name] for name in PointRecord.__dataclass_fields__.keys() & row.keys()}
    return PointRecord(**known)


def write(store: Store, address: str, number: int, record: PointRecord) -> None:
    """Whole or not at all."""
    store.write(_key(address, number), json.dumps(asdict(record), ensure_ascii=False).encode())


def clear(store: Store, address: str) -> None:
    """Remove them all, once the artefact says the same."""
    for number in read(store, address):
        store.delete(_key(address, number))
    store.delete(f"{address}/{LIST}")


def _key(address: str, number: int) -> str:
    return f"{address}/{FOLDER}/{number:04d}.json"


def _parsed(data: bytes | None) -> Mapping[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:  # what it says is only for people, and for counting
        return {}
    return value if isinstance(value, dict) else {}
