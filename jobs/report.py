"""Plans and runs as text for people."""

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

import components
from components.contract import sweep
from components.contract.values import spell_duration, spell_figure
from ernie_core import errors
from ernie_core.errors import Error
from jobs.plan.history import HalfDone
from jobs.plan.plan import Plan
from jobs.runs import Run

MOST = 96


def plan_text(name: str, plan: Plan, where: str) -> str:
    """A plan: where it will run and why, then a line a step."""
    rows = [("step", "", "why")]
    for step in plan.steps:
        seconds = 0.0 if step.points else step.expected_seconds or 0.0  # a sweep says it by itself
        took = f" (took {spell_duration(seconds)})" if seconds >= 1 else ""
        # not truncated: its end may be the remedy
        first, *rest = wrapped(step.why + took)
        rows.append((step.node.name, "wait" if step.state == "blocked" else step.state, first))
        rows += [("", "", more) for more in rest]
    return f"{name} on {where}\nstore {plan.store}\n\n{table(rows)}"


def half_done_lines(half: HalfDone, store: str) -> Iterator[str]:
    """What is half done, and what becomes of it, in as many lines as it takes."""
    info = half.info
    by = f", started {info['started']} by {info.get('job', '?')}/{info.get('run', '?')}" if info.get("started") else ""
    rows = [("half done", half.kept + by)]
    rows += [("differs", str(change)) for change in half.changes]
    rows += [("what happens", f"{'they' if half.are_many else 'it'} {half.fate}")]
    rows += [("to discard", f"no command removes it: if no run uses it, delete {half.folder}")]
    rows += [("contents", f"kfp ls {half.address} --store {store}")]
    yield from (f"  {what:<14} {text}" for what, text in rows)


def run_text(run: Run, state: str) -> str:
    """A run: its state, then a line a step."""
    rows = [("step", "state", "time", "scores")]
    for name, step in run.steps.items():
        clock = spell_duration(step.seconds) if step.seconds >= 1 else ("before" if step.already else "")
        note = first_line(step.error) if step.error else step.note or scores_text(step.scores, step.address, 4)
        # not truncated: the remedy is at its end
        first, *rest = wrapped(note) if step.error or step.note else [note]
        rows.append((name, step.state, clock, first))
        rows += [("", "", "", more) for more in rest]
    ended = f", ended {run.ended}" if run.ended else ""
    where = f", on {run.cluster['endpoint']} as {run.cluster['name']}" if run.cluster else ""
    return f"{run.job}/{run.id}: {state}, started {run.started} by {run.user}@{run.host}{ended}{where}\n\n{table(rows)}"


def first_line(error: str) -> str:
    """The first line of a message; with the next one, if it only announces that one."""
    first, _, rest = error.partition("\n")
    return f"{first} {rest.partition(chr(10))[0].strip()}" if first.endswith(":") and rest else first


def scores_text(scores: Mapping[str, object], address: str, most: int = 5) -> str:
    """`accuracy 0.842  loss 0.3711` of an artefact: its main scores, however many, and others up to `most`."""
    found, main = components.in_order(sweep.component(address), scores)
    shown, most = [f"{name} {spell_figure(value)}" for name, value in found.items()], max(most, main)
    return "  ".join(shown[:most]) + ("  ..." if len(shown) > most else "")


def wrapped(text: str) -> list[str]:
    """A text in lines that a table does not truncate; a path stays on one line where possible."""
    return textwrap.wrap(text, MOST, break_on_hyphens=False) or [""]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, in which ideographs take two columns; the last one is truncated."""
    from rich.cells import cell_len, set_cell_size

    rows = [list(map(str, row)) for row in rows]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        last = row[-1] if len(row[-1]) <= MOST else row[-1][: MOST - 3] + "..."
        cells = [set_cell_size(cell, width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join(["", *cells, last]).rstrip())
    return "\n".join(lines)


def meanwhile(run: Run) -> str:
    """The commands for a run that continues in the background."""
    return (
        f"  progress               kfp status {run.id}\n"
        f"  logs                   kfp logs -f {run.id}\n"
        f"  stop                   kfp cancel {run.id}"
    )


def next_commands(run: Run, packages: Sequence[str]) -> str:
    """The exact commands that make sense now."""
    spec = shlex.quote(run.spec["path"])
    if run.state == "done":
        lines = [("artefacts", f"kfp ls --store {run.store}"), ("logs", f"kfp logs {run.id}")]
        lines += [("fetch the package", f"kfp pull {name} --store {run.store}") for name in packages]
    else:
        failed = [name for name, step in run.steps.items() if step.state in ("failed", "refused")]
        # by its exit code no other try can help as long as everything is as it was
        same = [name for name in failed if errors.kind(run.steps[name].code) != Error]
        lines = _corrections(run, same) if same else []
        suspects = _suspects(run, same)
        edits = "".join(f" --set {shlex.quote(edit)}" for edit in run.spec["edits"] if edit not in suspects)
        lines += [("then run again" if same else "resume", f"kfp run {spec}{edits}")]
        lines += [("if only data changed" if same else "with the same spec", f"kfp resume {run.id}")]
        # one that was refused before its process began has no log; on a cluster only the store knows
        heard = next((name for name in failed if run.cluster or run.steps[name].seconds), "")
        lines += [("full log", f"kfp logs {run.id} {heard}".rstrip())]
    return "\n".join(f"  {what:<22} {command}" for what, command in lines)


def _corrections(run: Run, same: Sequence[str]) -> list[tuple[str, str]]:
    """What must change before another try of these steps can help."""
    names, s = " and ".join(f"`{name}`" for name in same), "s" if len(same) == 1 else ""
    lines = [("correct first", f"what {names} report{s} above; without a change the next run ends the same way")]
    return lines + [
        ("left out below", f"--set {shlex.quote(edit)}: add it again only if it is right")
        for edit in _suspects(run, same)
    ]


def _suspects(run: Run, same: Sequence[str]) -> list[str]:
    """The edits of these steps, any of which may be what is wrong."""
    return [edit for edit in run.spec["edits"] if edit.partition(".")[0] in same]
