"""Data sets by name: their files in one folder, and how these are read."""

from pathlib import Path
from typing import Any

from ernie_core.catalogue import entries, fetch
from ernie_core.catalogue.entries import Entry
from ernie_core.catalogue.fetch import Source


def entry(name: str) -> Entry:
    """What a name of the catalogue stands for. NotFound, with the nearest name, for another."""
    return entries.find(name, "datasets")


def reading(entry: Entry) -> dict[str, Any]:
    """How its files are read: arguments `format`, `columns` and `published` of `datasets.dataset.make`."""
    from ernie_core.datasets.columns import Columns

    columns = dict(entry.facts.get("columns", {}))
    if "labels" in columns:
        columns["labels"] = tuple(columns["labels"])
    return {
        "format": entry.facts["format"],
        "columns": Columns(**columns),
        "published": entry.facts.get("table", ""),
    }


def bring(entry: Entry, folder: Path, source: Source) -> None:
    """Fill a new folder with the files of a data set, and say under which licence they are, where that is known."""
    folder.mkdir()
    fetch.bring(entry, folder, source)
    source.tell(f"{entry.name}: licence {entry.licence or 'not stated by its publisher'}")
