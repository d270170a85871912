"""What steps share that take something by its published name."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from components.contract.base import Here
from ernie_core.catalogue import mirror
from ernie_core.errors import Error

if TYPE_CHECKING:
    from ernie_core.catalogue.entries import Entry
    from ernie_core.catalogue.fetch import Source


def settings(own: dict[str, Any], entry: "Callable[[], Entry | None]") -> dict[str, Any]:
    """Settings of a step with the identity of what it takes by name: another catalogue may mean other files by it."""
    try:
        found = entry()
    except Error:  # the check of the spec says so
        found = None
    return {**own, "published": found.identity} if found else own


def both(name: str, other: str) -> str:
    """What to say where a name and an input are given."""
    return f"name {name} and `from: {other}` both say what to take: leave one of them out"


def source(here: Here) -> "Source":
    """Where a step brings files from: the mirror of the site, if it has one."""
    from ernie_core.catalogue.fetch import Source

    cache = here.cache or here.scratch / "cache"
    return Source(cache, os.environ.get(mirror.VARIABLE, ""), progress=here.progress, stop=here.stop)
