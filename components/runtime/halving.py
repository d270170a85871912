"""Successive halving of a sweep: at given steps the worse half of its trainings is stopped, by their own evaluations.

What is decided follows from the curves alone, up to the step of the decision: not from how far a training has gone
since, nor from what was killed. So it can be worked out again at any time, and is never noted.
Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, 2016.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.contract.sweep import Best
from components.contract.task import Task
from ernie_core.errors import BadInput
from ernie_core.store import Store, artefact
from ernie_core.store.base import join
from ernie_core.train.checkpoint import standing

CURVE = "train_log.jsonl"


@dataclass(frozen=True)
class Curve:
    """How far a training is kept, and its lines."""

    step: float
    """Step of its newest checkpoint; infinite once its artefact is made."""
    rows: Sequence[Mapping[str, float | str]] = ()

    def at(self, step: int, score: str) -> float | None:
        """The newest evaluation up to a step; None without a finite one."""
        found = None
        for row in self.rows:
            if float(row["step"]) <= step and (value := _value(row, score)) is not None:
                found = value
        return found if found is not None and math.isfinite(found) else None


@dataclass(frozen=True)
class Decision:
    """Which points are left after some of the halvings."""

    left: tuple[int, ...]
    stopped: Mapping[int, str]
    """Number of a point -> when and why."""
    open: tuple[int, ...] = ()
    """Points that have not come to the next step of a halving."""
    step: int = 0
    """That step."""


def read(store: Store, address: str) -> Curve:
    """The curve of a training, of its artefact or of its newest checkpoint."""
    if manifest := artefact.read(store, address):
        return Curve(math.inf, _rows(store, join(address, manifest.data, CURVE)))
    name = standing.newest(store, address)
    manifest = artefact.read(store, f"{address}/{name}") if name else None
    if not name or manifest is None:
        return Curve(0.0)
    return Curve(float(name.removeprefix("model_")), _rows(store, join(address, name, manifest.data, CURVE)))


def decide(task: Task, curves: Mapping[int, Curve], lost: Iterable[int] = ()) -> Decision:
    """What follows from the curves: each halving whose points have all come to its step, except those that are `lost`.

    Half of the points continue, one more if they are odd; of equal ones the first. A lost one counts as the worst.
    BadInput if none of them has been evaluated by then.
    """
    rule, gone = Best.parse(task.best), set(lost)
    left, stopped = list(range(len(task.points))), dict[int, str]()
    for step in task.halving:
        if open_ := tuple(n for n in left if curves[n].step < step and n not in gone):
            return Decision(tuple(left), stopped, open_, step)
        scores = {n: None if n in gone else curves[n].at(step, rule.score) for n in left}
        if set(left) - gone and not any(value is not None for value in scores.values()):
            raise BadInput(f"no point has evaluated `{rule.score}` by step {step}: evaluate more often, or halve later")
        sign = -1 if rule.way == "max" else 1
        ranked = sorted(left, key=lambda n: (scores[n] is None, sign * (scores[n] or 0.0), n))
        keep = -(-len(left) // 2)
        for number in ranked[keep:]:
            if number not in gone:
                stopped[number] = _why(rule.score, scores[number], step, keep, len(left))
        left = sorted(ranked[:keep])
    return Decision(tuple(left), stopped)


def _why(score: str, value: float | None, step: int, keep: int, of: int) -> str:
    was = f"{score} was {value:.6g}" if value is not None else f"no {score} was evaluated"
    return f"stopped at step {step}: {was} there, the best {keep} of {of} continue"


def _value(row: Mapping[str, float | str], score: str) -> float | None:
    """A score of a line of the curve: `accuracy` of the part that is evaluated, or `valid_loss` by the part's name."""
    part = str(row.get("part"))
    own = score.removeprefix(f"{part}_")
    value = row.get(own) if own != score or part not in ("train", "test") else None
    return float(value) if isinstance(value, (int, float)) else None


def _rows(store: Store, key: str) -> list[Mapping[str, float | str]]:
    return [json.loads(line) for line in store.read(key).decode("utf-8").splitlines()]
