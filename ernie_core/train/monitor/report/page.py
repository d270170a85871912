"""The report of a training: one page without scripts or anything from elsewhere, made of the curve and the times.

It exists twice, because the files of a model are equal to the bit whatever was killed on the way, and times never are:

    report.html in the model          losses, learning rate, settings, data: from the curve alone, the same every time
    <address>/report.html beside it   the same and, measured, speed, waiting, saving, memory, and every restart;
                                      replaced after each commit, so it can be watched while the training goes on
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ernie_core.pretrain.recipe import Recipe
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.monitor import history
from ernie_core.train.monitor.lines import percent
from ernie_core.train.monitor.report.chart import NARROW, WIDE, Chart, Line, Mark, draw, means
from ernie_core.train.monitor.report.markup import Value, document, facts, section, settings, table
from ernie_core.train.monitor.report.measured import charts, restarts, starts, summary

FILE = "report.html"
ROWS = 25
"""Rows of the table of figures."""

SMOOTH = 150
"""Points, at most, of the line through the losses of the training; all of them are drawn behind it."""

Row = Mapping[str, float]


@dataclass(frozen=True)
class Subject:
    """What the page is about, besides its curve; all of it equal in every run of the same recipe."""

    title: str
    recipe: Recipe
    flops: float = 0.0
    """Operations a token costs."""
    parameters: int = 0
    data: Sequence[Mapping[str, Value]] = ()
    """A row for each corpus."""


def publish(place: Place, subject: Subject, curve: Sequence[str], times: Sequence[str], peak: float = 0.0) -> None:
    """Put times and page beside the checkpoints; called after a commit, from whatever thread that is in."""
    history.write(place, times)
    place.store.write(place.of(FILE), page(subject, curve, times, peak).encode())


def page(subject: Subject, curve: Sequence[str], times: Sequence[str] | None = None, peak: float = 0.0) -> str:
    """The report as HTML; without `times` it depends on subject and curve alone."""
    rows = [json.loads(text) for text in curve]
    train, valid = ([row for row in rows if row["part"] == part] for part in ("train", "valid"))
    entries = history.read(times or (), history.FILE)
    last, marks = max([row["step"] for row in rows], default=0), restarts(entries)
    parts = [facts(_summary(subject, last, train, valid))]
    if times is not None:
        parts.append(facts(summary(entries, subject.flops, peak)))
    parts.append(
        section("Learning", "".join(map(draw, _learning(subject.recipe, last, train, valid, marks))), "charts")
    )
    if times is not None:
        parts.append(section("Machine", "".join(map(draw, charts(entries, last, marks))), "charts"))
        parts.append(section("Starts", table(starts(entries))))
    parts.append(section("Figures", table(_figures(subject.recipe, train, valid))))
    parts.append(section("Settings", settings(_settings(subject.recipe, measured=times is not None))))
    if subject.data:
        parts.append(section("Data", table(subject.data)))
    return document(subject.title, f"{subject.recipe.arch}, {last:,} of {subject.recipe.max_steps:,} steps", parts)


def _settings(recipe: Recipe, *, measured: bool) -> dict[str, Value]:
    """All of them; on the page that must be the same every time, those that could make another model."""
    deciding = {*recipe.lasting(), "max_steps"}
    return {name: value for name, value in asdict(recipe).items() if measured or name in deciding}


def _summary(subject: Subject, last: int, train: Sequence[Row], valid: Sequence[Row]) -> dict[str, str]:
    recipe = subject.recipe
    found = {"samples": f"{last * recipe.global_batch_size:,}"}
    if subject.parameters:
        found["parameters"] = f"{subject.parameters:,}"
    if train:
        found["training loss"] = f"{train[-1]['loss']:.4f}"
    if valid:
        found |= {
            "validation loss": f"{valid[-1]['loss']:.4f}",
            "masked tokens guessed": percent(valid[-1]["lm_accuracy"]),
        }
    return found


def _learning(
    recipe: Recipe, last: int, train: Sequence[Row], valid: Sequence[Row], marks: Sequence[Mark]
) -> list[Chart]:
    """Losses, what they are made of, the rate, and what the model guesses."""

    def losses(name: str, title: str, width: int) -> Chart:
        trained, scored = ([(row["step"], row[name]) for row in rows] for rows in (train, valid))
        lines = [Line("train", means(trained, SMOOTH), 1, raw=trained if len(trained) > SMOOTH else ())]
        lines += [Line("valid", scored, 2, dots=True)] if scored else []
        return Chart(title, lines, last, _loss, marks, width=width)

    found = [losses("loss", "Loss", WIDE)]
    if recipe.binary_head:
        found += [
            losses("lm_loss", "Loss of masked tokens", NARROW),
            losses("sop_loss", "Loss of sentence order", NARROW),
        ]
    rate = recipe.schedule()
    every = max(1, last // 400)
    rates = [(step, rate(step)) for step in [*range(1, last, every), last] if step]
    found.append(Chart("Learning rate", [Line("", rates)], last, _rate, marks, zero=True, width=NARROW))
    if valid:
        guessed = Line("valid", [(row["step"], row["lm_accuracy"]) for row in valid], 2, dots=True)
        found.append(Chart("Masked tokens guessed", [guessed], last, percent, marks, zero=True, width=NARROW))
    return found


def _figures(recipe: Recipe, train: Sequence[Row], valid: Sequence[Row]) -> list[dict[str, Value]]:
    """Lines of the curve, evenly spread, the last among them, each with the newest validation until then."""
    rate, every = recipe.schedule(), max(1, -(-len(train) // ROWS))
    found: list[dict[str, Value]] = []
    for row in train[::-1][::every][::-1]:
        step = int(row["step"])
        shown = {"step": f"{step:,}", "learning rate": f"{rate(step):.3e}"}
        shown |= {name.replace("_", " "): f"{row[name]:.4f}" for name in ("loss", "lm_loss", "sop_loss") if name in row}
        scored = [each["loss"] for each in valid if each["step"] <= step]
        found.append({**shown, "validation loss": f"{scored[-1]:.4f}" if scored else ""})
    return found


def _loss(value: float) -> str:
    return f"{value:.4g}"


def _rate(value: float) -> str:
    """`2.5e-4`, without the zeros that a format pads it with."""
    digits, _, power = f"{value:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}" if value else "0"
