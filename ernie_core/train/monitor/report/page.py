"""The report of a training: one page without scripts or external files, made of the curve and the times.

It exists twice, because the files of a model are equal to the bit after any kill, and times never are:

    report.html in the model          losses, learning rate, settings, data: from the curve alone, the same every time
    <address>/report.html beside it   the same and, measured, speed, waiting, saving, memory, and every restart;
                                      replaced after each commit, so it can be watched while training continues
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor import history
from ernie_core.train.monitor.lines import percent
from ernie_core.train.monitor.report.chart import NARROW, WIDE, Chart, Line, Mark, draw, means
from ernie_core.train.monitor.report.markup import Value, document, facts, section, settings, table
from ernie_core.train.monitor.report.measured import charts, restarts, starts, summary
from ernie_core.train.objective import Course

FILE = "report.html"
ROWS = 25
"""Number of rows in the table of figures."""

SMOOTH = 150
"""Most points of the smoothed training loss; all losses are drawn faintly behind it."""

Row = Mapping[str, float]


@dataclass(frozen=True)
class Subject:
    """The training that a page shows, apart from its curve; equal in every run of the same settings."""

    title: str
    course: Course
    parameters: int = 0
    data: Sequence[Mapping[str, Value]] = ()
    """Rows of the table of the data, one per corpus."""


def publish(
    place: CheckpointLocation, subject: Subject, curve: Sequence[str], times: Sequence[str], peak: float = 0.0
) -> None:
    """Write times and page beside the checkpoints; called after a commit, from any thread."""
    history.write(place, times)
    place.store.write(place.of(FILE), page(subject, curve, times, peak).encode())


def page(subject: Subject, curve: Sequence[str], times: Sequence[str] | None = None, peak: float = 0.0) -> str:
    """The report as HTML; without `times` it depends on subject and curve alone."""
    rows = [json.loads(text) for text in curve]
    course = subject.course
    train, valid = ([row for row in rows if row["part"] == part] for part in ("train", course.part))
    entries = history.read(times or (), history.FILE)
    last, marks = max([row["step"] for row in rows], default=0), restarts(entries)
    parts = [facts(_summary(subject, last, train, valid))]
    if times is not None:
        parts.append(facts(summary(entries, course.flops, peak)))
    parts.append(section("Learning", "".join(map(draw, _learning(course, last, train, valid, marks))), "charts"))
    if times is not None:
        parts.append(section("Machine", "".join(map(draw, charts(entries, last, marks))), "charts"))
        parts.append(section("Starts", table(starts(entries))))
    parts.append(section("Figures", table(_figures(course, train, valid))))
    parts.append(section("Settings", settings(course.shown(lasting=times is None))))
    if subject.data:
        parts.append(section("Data", table(subject.data)))
    return document(subject.title, f"{course.title}, {last:,} of {course.steps:,} steps", parts)


def _summary(subject: Subject, last: int, train: Sequence[Row], valid: Sequence[Row]) -> dict[str, str]:
    course = subject.course
    found = {"samples": f"{last * course.samples:,}"}
    if subject.parameters:
        found["parameters"] = f"{subject.parameters:,}"
    if train:
        found["training loss"] = f"{train[-1]['loss']:.4f}"
    if valid:
        found["validation loss"] = f"{valid[-1]['loss']:.4f}"
        shares = [curve for curve in course.curves if curve.is_share and curve.name in valid[-1]]
        found |= {curve.title.lower(): percent(valid[-1][curve.name]) for curve in shares}
    return found


def _learning(
    course: Course, last: int, train: Sequence[Row], valid: Sequence[Row], marks: Sequence[Mark]
) -> list[Chart]:
    """Charts of losses and their parts, the learning rate, and the figures of evaluations."""
    part = course.part

    def losses(name: str, title: str, width: int) -> Chart:
        trained, scored = ([(row["step"], row[name]) for row in rows if name in row] for rows in (train, valid))
        lines = [Line("train", means(trained, SMOOTH), 1, raw=trained if len(trained) > SMOOTH else ())]
        lines += [Line(part, scored, 2, dots=True)] if scored else []
        return Chart(title, lines, last, _loss, marks, width=width)

    first, *others = (curve for curve in course.curves if not curve.is_share)
    found = [losses(first.name, first.title, WIDE), *(losses(curve.name, curve.title, NARROW) for curve in others)]
    rate = course.schedule
    every = max(1, last // 400)
    rates = [(step, rate(step)) for step in [*range(1, last, every), last] if step]
    found.append(Chart("Learning rate", [Line("", rates)], last, _rate, marks, zero=True, width=NARROW))
    for curve in (curve for curve in course.curves if curve.is_share and valid):
        line = Line(part, [(row["step"], row[curve.name]) for row in valid if curve.name in row], 2, dots=True)
        found.append(Chart(curve.title, [line], last, percent, marks, zero=True, width=NARROW))
    return found


def _figures(course: Course, train: Sequence[Row], valid: Sequence[Row]) -> list[dict[str, Value]]:
    """Evenly spaced lines of the curve, including the last, each with the newest validation before it."""
    rate, every = course.schedule, max(1, -(-len(train) // ROWS))
    found: list[dict[str, Value]] = []
    for row in train[::-1][::every][::-1]:
        step = int(row["step"])
        shown = {"step": f"{step:,}", "learning rate": f"{rate(step):.3e}"}
        shown |= {name.replace("_", " "): f"{row[name]:.4f}" for name in course.names if name in row}
        scored = [each["loss"] for each in valid if each["step"] <= step]
        found.append({**shown, "validation loss": f"{scored[-1]:.4f}" if scored else ""})
    return found


def _loss(value: float) -> str:
    return f"{value:.4g}"


def _rate(value: float) -> str:
    """`2.5e-4`, without padding zeros."""
    digits, _, power = f"{value:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}" if value else "0"
