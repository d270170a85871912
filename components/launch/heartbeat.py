"""The heartbeat of a gang: a small object beside its checkpoints, written by the gang and read by its launcher.

It also says which attempt may write. A pod that has become unreachable may still run; it reads this each time before
it writes, and ends itself when a later attempt has begun. A launcher writes it before it begins an attempt.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from ernie_core.errors import Refused
from ernie_core.store import Store

EVERY = 15.0
"""Seconds between two heartbeats."""
NEEDS = "leave_seconds"
"""What a training says that a step and a save take it; kept from one attempt to the next."""


def key(address: str) -> str:
    """Its key in the store."""
    return f"{address}/beat.json"


def read(store: Store, address: str) -> Mapping[str, Any]:
    """The newest; empty if there is none."""
    data = store.get(key(address))
    value = json.loads(data) if data else {}
    return value if isinstance(value, dict) else {}


def write(store: Store, address: str, attempt: int, progress: Mapping[str, Any]) -> None:
    """Report that an attempt is alive."""
    store.write(key(address), json.dumps({**progress, "attempt": attempt}).encode())


def grace(found: Mapping[str, Any], least: int, most: int) -> int:
    """Seconds that the next attempt gets for saving: at least so many, and as many as was measured; `most`, 0 for any,
    is what nodes allow. Refused if that is too little: each eviction of a pod would lose work."""
    needs = math.ceil(float(found.get(NEEDS) or 0.0))
    if most and needs > most:
        raise Refused(
            f"this training needs {needs} s for a step and a save, but pods here have {most} s to exit "
            "(`cluster.grace` of the site): raise it, or shorten steps and saves (smaller micro batches, more nodes)"
        )
    return min(max(least, needs), most) if most else max(least, needs)
