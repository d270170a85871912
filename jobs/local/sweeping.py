"""Removes what killed runs left on this machine, and killed writers in a store, when the next run starts."""

from collections.abc import Callable
from pathlib import Path

from components.runtime import scratch
from ernie_core.errors import Error
from ernie_core.store import Store, artefact
from jobs import runs

ABANDONED = 7 * 86400.0
"""Seconds without a change after which an uncommitted folder counts as abandoned."""


def clean(store: Store, cache: Path, say: Callable[[str], None]) -> None:
    """Remove what no process needs. What cannot be removed now keeps no run from its work: the next one tries again."""
    for place in sorted((cache / "scratch").glob("*")):
        try:
            left = [] if runs.held(cache, place.name) else scratch.clear(place)
        except FileNotFoundError:
            continue  # another run removes it just now
        except OSError as error:
            say(f"what an earlier run left in {place} cannot be removed yet: {error}")
            continue
        for step in left:
            say(f"`{step}` of run {place.name}, whose runner is gone, is still running: its files are kept")
    try:
        for removed in artefact.sweep(store, older_than=ABANDONED):
            say(f"removed {removed}, left by a writer that was killed")
    except Error as error:
        say(f"what killed writers left in the store cannot be removed yet: {error}")
