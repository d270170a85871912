"""The points of a sweep as a table: from its artefact, or, while there is none, from what is noted beside it."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import components
from components.contract import sweep
from components.contract.values import spell_figure
from components.runtime import points
from ernie_core.store import Store, artefact
from jobs import report

MOST = 30
"""Points in the state of a run; `kfp show` shows all."""
SCORES = 4
"""Scores of a point in a table, besides the one that chooses the best."""


def read(store: Store, address: str) -> Mapping[str, Any]:
    """`rule`, `best` (None while it is not known) and `points`, each with `varied`, `address`, `state`, `scores` and
    `why`; empty if the address is that of no sweep, or nothing of it was begun."""
    if not sweep.is_sweep(address):
        return {}
    if manifest := artefact.read(store, address):
        found: dict[str, Any] = json.loads(store.read(f"{address}/{manifest.data}/{sweep.FILE}"))
        return found
    if not (begun := points.begun(store, address)):
        return {}
    noted = points.read(store, address)
    rows = []
    for number, row in enumerate(begun["points"]):
        record, made = noted.get(number, points.PointRecord()), artefact.read(store, row["address"])
        state, scores = ("done", dict(made.info.get("scores", {}))) if made else (record.state, {})
        rows.append({**row, "state": state, "scores": scores, "why": "" if made else record.why})
    return {"rule": begun["best"], "best": None, "points": rows}


def in_progress(store: Store, name: str) -> list[str]:
    """Addresses of the sweeps of a component, such as `finetune-sweep`, that were begun and have no artefact yet."""
    if not sweep.is_sweep(f"{name}/"):
        return []
    return [f"{name}/{child}" for child in store.children(name) if points.begun(store, f"{name}/{child}")]


def text(found: Mapping[str, Any], address: str, most: int | None = None) -> str:
    """The rule and a table; of more than `most` points the failed, the running and then the best ones."""
    rows: Sequence[Mapping[str, Any]] = found["points"]
    head = f"{len(rows)} points, the best is that of {found['rule']}"
    lines = table(found, address)
    if most is None or len(rows) <= most:
        return f"{head}\n\n{report.table(lines)}"
    rule, order = sweep.Best.parse(found["rule"]), {"failed": 0, "running": 1, "done": 2}
    sign = -1 if rule.way == "max" else 1

    def place(number: int) -> tuple[bool, int, float]:
        row = rows[number]
        score = row["scores"].get(rule.score)
        return number != found["best"], order.get(row["state"], 3), math.inf if score is None else sign * score

    chosen = sorted(sorted(range(len(rows)), key=place)[:most])
    left = f"  and {len(rows) - most} more: kfp show {address}"
    return f"{head}\n\n{report.table([lines[0], *(lines[n + 1] for n in chosen)])}\n{left}"


def table(found: Mapping[str, Any], address: str) -> list[tuple[str, ...]]:
    """A heading and a line for each point; the best is marked, and so is how one failed."""
    rule = sweep.Best.parse(found["rule"])
    rows: Sequence[Mapping[str, Any]] = found["points"]
    parameters = list(dict.fromkeys(name for row in rows for name in row["varied"]))
    scores = dict.fromkeys(name for row in rows for name in row["scores"])
    ordered = [rule.score, *(n for n in components.in_order(sweep.component(address), scores)[0] if n != rule.score)]
    names = [name for name in ordered if name in scores][: SCORES + 1]
    lines = [("point", *parameters, *names, "state")]
    for number, row in enumerate(rows):
        values = [sweep.spell(row["varied"][name]) if name in row["varied"] else "" for name in parameters]
        figures = [spell_figure(row["scores"][name]) if name in row["scores"] else "" for name in names]
        why = row.get("why", "").partition("\n")[0]
        state = "best" if number == found["best"] else row["state"] + (f": {why}" if why else "")
        lines.append((str(number + 1), *values, *figures, state))
    return lines


def progress(store: Store, address: str) -> str:
    """`points 3/12, 1 failed` of a sweep in progress; empty where nothing is noted."""
    begun, noted = points.begun(store, address), points.read(store, address)
    if not begun:
        return ""
    counts = {state: sum(row.state == state for row in noted.values()) for state in ("done", "failed")}
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    return f"points {counts['done']}/{len(begun['points'])}{failed}"
