"""Plans and runs as text for people."""

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from components.values import spell_duration, spell_figure
from jobs.history import HalfDone
from jobs.plan import Plan
from jobs.runs import Run

MOST = 96


def plan_text(name: str, plan: Plan, where: str) -> str:
    """A plan: where it will run and why, then a line a step."""
    rows = [("step", "", "why")]
    for step in plan.steps:
        seconds = step.expected_seconds or 0.0
        took = f" (took {spell_duration(seconds)})" if seconds >= 1 else ""
        # not cut: the end of it may be the remedy
        first, *rest = wrapped(step.why + took)
        rows.append((step.node.name, "wait" if step.state == "blocked" else step.state, first))
        rows += [("", "", more) for more in rest]
    return f"{name} on {where}\nstore {plan.store}\n\n{table(rows)}"


def half_done_lines(half: HalfDone, store: str) -> Iterator[str]:
    """What is half done, and what becomes of it, in as many lines as it takes."""
    info = half.info
    by = f", begun {info['started']} by {info.get('job', '?')}/{info.get('run', '?')}" if info.get("started") else ""
    rows = [("half done", half.kept + by)]
    rows += [("differs", str(change)) for change in half.changes]
    rows += [("what happens", f"{'they' if half.are_many else 'it'} {half.fate}")]
    rows += [("not wanted", f"no command removes it: if no run is at it, delete {half.folder}")]
    rows += [("what there is", f"kfp ls {half.address} --store {store}")]
    yield from (f"  {what:<14} {text}" for what, text in rows)


def run_text(run: Run, state: str) -> str:
    """A run: its state, then a line a step."""
    rows = [("step", "state", "time", "scores")]
    for name, step in run.steps.items():
        clock = spell_duration(step.seconds) if step.seconds >= 1 else ("before" if step.already else "")
        said = step.error.partition("\n")[0] if step.error else step.note or scores_text(step.scores)
        # not cut: what is to be done stands at its end
        first, *rest = wrapped(said) if step.error or step.note else [said]
        rows.append((name, step.state, clock, first))
        rows += [("", "", "", more) for more in rest]
    ended = f", ended {run.ended}" if run.ended else ""
    where = f", on {run.cluster['endpoint']} as {run.cluster['name']}" if run.cluster else ""
    return f"{run.job}/{run.id}: {state}, started {run.started} by {run.user}@{run.host}{ended}{where}\n\n{table(rows)}"


def scores_text(scores: Mapping[str, object], most: int = 5) -> str:
    """`accuracy 0.842  loss 0.3711`."""
    shown = [f"{name} {spell_figure(value)}" for name, value in scores.items()]
    return "  ".join(shown[:most]) + ("  ..." if len(shown) > most else "")


def wrapped(text: str) -> list[str]:
    """A text in lines that a table does not cut; a path stays whole where it can."""
    return textwrap.wrap(text, MOST, break_on_hyphens=False) or [""]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the last one is cut."""
    rows = [list(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        last = row[-1] if len(row[-1]) <= MOST else row[-1][: MOST - 3] + "..."
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join(["", *cells, last]).rstrip())
    return "\n".join(lines)


def meanwhile(run: Run) -> str:
    """The commands for a run that goes on by itself."""
    return (
        f"  how far it is          kfp status {run.id}\n"
        f"  what it says           kfp logs -f {run.id}\n"
        f"  stop it                kfp cancel {run.id}"
    )


def next_commands(run: Run, packages: Sequence[str]) -> str:
    """The exact commands that make sense now."""
    spec = shlex.quote(run.spec["path"])
    edits = "".join(f" --set {shlex.quote(edit)}" for edit in run.spec["edits"])
    if run.state == "done":
        lines = [("what there is", f"kfp ls --store {run.store}"), ("the logs", f"kfp logs {run.id}")]
        lines += [("fetch the package", f"kfp pull {name} --store {run.store}") for name in packages]
    else:
        failed = next((name for name, step in run.steps.items() if step.state in ("failed", "refused")), "")
        lines = [("go on", f"kfp run {spec}{edits}"), ("the same spec as then", f"kfp resume {run.id}")]
        lines += [("the whole log", f"kfp logs {run.id} {failed}".rstrip())]
    return "\n".join(f"  {what:<22} {command}" for what, command in lines)
