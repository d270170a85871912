"""The page of a sweep: its points in a table, and the score that chose the best over each parameter that was varied."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ernie_core.train.monitor.report.chart import BOTTOM, HEIGHT, LEFT, NARROW, RIGHT, TOP, round_numbers
from ernie_core.train.monitor.report.markup import document, facts, section

WIDEST = 12
"""Most values of a parameter that its axis names; of more every second one, or fewer."""


@dataclass(frozen=True)
class Point:
    """One set of parameters and what came of it."""

    varied: Mapping[str, Any]
    scores: Mapping[str, float]
    address: str
    note: str = ""
    """Why it was not trained to its end."""


def page(title: str, points: Sequence[Point], names: Sequence[str], score: str, rule: str, best: int) -> str:
    """The page as HTML; it depends on its arguments alone, to the byte, and loads nothing else.

    `names` are the scores of the table, in their order; `best` is the number of the chosen point.
    """
    chosen = points[best]
    shown = {"points": str(len(points)), score: _figure(chosen.scores.get(score)),
             **{name: _value(value) for name, value in chosen.varied.items()}}  # fmt: skip
    parameters = list(dict.fromkeys(name for point in points for name in point.varied))
    charts = [_chart(name, points, score, best) for name in parameters]
    parts = [facts(shown)]
    parts.append(section(f"{score} by parameter", "".join(charts), "charts"))
    parts.append(section("Points", _table(points, parameters, names, best)))
    return document(title, f"{len(points)} points, the best by {rule} is marked", parts)


def _chart(name: str, points: Sequence[Point], score: str, best: int) -> str:
    """A dot for every point that has the parameter, over its value; values stand at equal distances, in their order."""
    rows = [(point.varied[name], point.scores.get(score), number) for number, point in enumerate(points)
            if name in point.varied]  # fmt: skip
    values = _ordered([value for value, _, _ in rows])
    finite = [float(y) for _, y, _ in rows if isinstance(y, (int, float)) and math.isfinite(y)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    around = (abs(low) / 10 or 1.0) if low == high else 0.0  # equal scores stand in the middle
    ticks = round_numbers(low - around, high + around, 5)
    y = _scale(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)
    right = NARROW - RIGHT
    parts = [f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{right}"/><text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" '
             f'text-anchor="end">{tick:.4g}</text>' for tick in ticks]  # fmt: skip
    places = {key: LEFT + (right - LEFT) * (i + 0.5) / len(values) for i, key in enumerate(values)}
    every = -(-len(values) // WIDEST)
    parts += [f'<text x="{places[key]:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(text)}</text>'
              for i, (key, text) in enumerate(values.items()) if i % every == 0]  # fmt: skip
    for value, found, number in sorted(rows, key=lambda row: row[2] == best):  # the best is drawn over the others
        if not isinstance(found, (int, float)) or not math.isfinite(found):
            continue
        tone, radius = ("t2", 5) if number == best else ("t1", 3.5)
        words = escape(f"{_label(points[number])}: {_figure(found)}")
        parts.append(f'<g class="{tone}"><circle cx="{places[_key(value)]:.1f}" cy="{y(found):.1f}" r="{radius}">'
                     f"<title>{words}</title></circle></g>")  # fmt: skip
    title = escape(name)
    legend = '<span class="t1">points</span><span class="t2">best</span>'
    return (
        f'<figure class="narrow"><figcaption><b>{title}</b>{legend}</figcaption>'
        f'<svg viewBox="0 0 {NARROW} {HEIGHT}" role="img" aria-label="{escape(score)} by {title}">{"".join(parts)}'
        "</svg></figure>\n"
    )


def _table(points: Sequence[Point], parameters: Sequence[str], names: Sequence[str], best: int) -> str:
    noted = any(point.note for point in points)
    heads = ["", *parameters, *names, "artefact", *(["note"] if noted else [])]
    rows = []
    for number, point in enumerate(points):
        cells = ["best" if number == best else "", *(_value(point.varied.get(name, "")) for name in parameters),
                 *(_figure(point.scores.get(name)) for name in names), point.address,
                 *([point.note] if noted else [])]  # fmt: skip
        kind = ' class="t2"' if number == best else ""
        rows.append(f"<tr{kind}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n")
    return "<table>\n<tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + f"</tr>\n{''.join(rows)}</table>\n"


def _ordered(values: Sequence[Any]) -> dict[str, str]:
    """Each value once, numbers by size and all else as it comes: its key, and how it is written."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        values = sorted(values)
    return {_key(value): _value(value) for value in values}


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _value(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:22]}..."


def _figure(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, (int, float)) else ""


def _label(point: Point) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in point.varied.items())


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    return lambda value: begin + (value - low) / ((high - low) or 1.0) * (end - begin)
