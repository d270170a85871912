"""The artefact of a sweep: the files of its best point, and what became of all points."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import components
from components.contract import sweep
from components.contract.base import Scores
from components.contract.sweep import Best
from components.contract.task import Task
from components.runtime import points, provenance
from components.runtime import sweep as sweeps
from components.runtime.gang import NEVER_AGAIN
from components.runtime.points import PointRecord
from components.runtime.reports import Reporter
from ernie_core import errors
from ernie_core.store import Store, artefact
from ernie_core.store.artefact import Carried
from ernie_core.train.monitor.report import sweep as page
from ernie_core.wording import listed

TOLD = 20
"""Most failed points that a message names."""


def publish(task: Task, store: Store, started: float, report: Reporter) -> Scores:
    """Commit it; its scores, which are those of the best point.

    Error, with every point that failed and why, if not all of them are made; finished ones are kept.
    """
    found = sweeps.decision(task, store)
    made = {n: artefact.read(store, sweeps.point(task, n).address) for n in range(len(task.points))}
    manifests = {n: manifest for n, manifest in made.items() if manifest and n not in found.stopped}
    if missing := [n for n in made if n not in manifests and n not in found.stopped]:
        raise _failed(task, store, missing)
    rule, scores = Best.parse(task.best), {n: dict(made.info.get("scores", {})) for n, made in manifests.items()}
    if (number := rule.choose([scores.get(n, {}) for n in made])) is None:
        given = sorted({name for of in scores.values() for name in of} - {rule.score})
        raise errors.BadInput(
            f"no point has a finite `{rule.score}`: choose the best by another score; the points have {listed(given)}"
        )
    best, chosen = sweeps.point(task, number), manifests[number]
    folder = artefact.staging(store, task.address, Path(task.scratch))
    carried = [Carried(f"{best.address}/{chosen.data}/{file.name}", file) for file in chosen.files]
    for file in chosen.files:
        (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
    rows = _rows(task, scores, found.stopped)
    table = {"format": 1, "component": task.component, "rule": str(rule), "best": number, "points": rows}
    (folder / sweep.FILE).write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / sweep.PAGE).write_text(_page(task, rows, rule, number), encoding="utf-8")
    info = _info(task, best, scores[number], number, started)
    kind, moving = components.find(task.component).makes().kind, report.bytes("publish")
    artefact.publish(store, task.address, folder, kind=kind, carried=carried, info=info, progress=moving)
    print(f"best of {len(rows)} points by {rule}: {sweep.label(rows[number]['varied'])}, {best.address}", flush=True)
    try:
        points.clear(store, task.address)
    except errors.Error as error:
        print(f"what was noted of the points could not be removed, it does no harm: {error}", flush=True)
    return scores[number]


def _rows(task: Task, scores: Mapping[int, Mapping[str, float]], stopped: Mapping[int, str]) -> list[dict[str, Any]]:
    """Every point; equal for every run that made the same points."""
    rows = []
    for n in range(len(task.points)):
        row = {"varied": sweeps.varied(task, n), "address": sweeps.point(task, n).address}
        state = {"state": "halved", "scores": {}, "why": stopped[n]} if n in stopped else {"state": "done"}
        rows.append({**row, "scores": scores.get(n, {}), **state})
    return rows


def _page(task: Task, rows: Sequence[Mapping[str, Any]], rule: Best, best: int) -> str:
    names = components.in_order(task.component, dict.fromkeys(name for row in rows for name in row["scores"]))[0]
    lines = [page.Point(row["varied"], row["scores"], row["address"], row.get("why", "")) for row in rows]
    return page.page(f"{task.job}: sweep of {task.name}", lines, tuple(names), rule.score, str(rule), best)


def _info(task: Task, best: Task, scores: Mapping[str, float], number: int, started: float) -> dict[str, Any]:
    """How it was made: with the settings of the best point, and by the rule that chose it."""
    cls = components.find(task.component)
    step = cls.model_validate(best.parameters)
    made = provenance.provenance(replace(task, continues=""), cls, step, scores, started)
    chosen = {"rule": task.best, "points": len(task.points), "best": number, "address": best.address,
              "varied": sweeps.varied(task, number)}  # fmt: skip
    return {**made, "sweep": chosen}


def _failed(task: Task, store: Store, missing: Sequence[int]) -> errors.Error:
    records = {number: points.one(store, task.address, number) for number in missing}
    names = {number: sweep.label(sweeps.varied(task, number)) for number in missing}
    lines = [f"  {names[number]}: {_why(records[number])}" for number in missing[:TOLD]]
    more = [f"  and {len(missing) - TOLD} more"] if len(missing) > TOLD else []
    total, kept = len(task.points), len(task.points) - len(missing)
    are = "are kept" if task.halving else "are made and kept"
    head = f"{len(missing)} of {total} points failed, {kept} {are}; run again to retry only what failed:"
    codes = {record.code for record in records.values()}
    final = len(codes) == 1 and codes <= set(NEVER_AGAIN)
    kind = errors.kind(codes.pop()) if final else errors.Error
    return kind("\n".join([head, *lines, *more]))


def _why(record: PointRecord) -> str:
    return record.why.partition("\n")[0] or "it was not begun"
