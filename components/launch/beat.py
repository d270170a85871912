"""The sign of life of a gang: a small object beside its checkpoints, written by the gang and read by its launcher.

It also says which attempt may write. A pod that nobody can reach any more may still run; it looks here each time before
it writes, and ends itself when a later attempt has begun. A launcher writes it before it begins an attempt.
"""

import json
from collections.abc import Mapping
from typing import Any

from ernie_core.store import Store

EVERY = 15.0
"""Seconds between two."""


def key(address: str) -> str:
    """Where it lies."""
    return f"{address}/beat.json"


def read(store: Store, address: str) -> Mapping[str, Any]:
    """The newest; empty if there is none."""
    data = store.get(key(address))
    value = json.loads(data) if data else {}
    return value if isinstance(value, dict) else {}


def write(store: Store, address: str, attempt: int, progress: Mapping[str, Any]) -> None:
    """Say that an attempt goes on."""
    store.write(key(address), json.dumps({**progress, "attempt": attempt}).encode())


def replaced(store: Store, address: str, attempt: int) -> bool:
    """Whether a later attempt has begun."""
    return int(read(store, address).get("attempt", 0)) > attempt
