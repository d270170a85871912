"""Line charts as SVG: axes with round numbers, a legend with the last values, marks; colours come from the page.

The text depends on the numbers alone, to the byte. What the mouse rests on says its step and value, without a script.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDE, NARROW, HEIGHT = 880, 432, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 30
HOVERED = 120
"""Most points of a line with a tooltip."""

Point = tuple[float, float]
Mark = tuple[float, str]
"""A step, and what happened there."""


@dataclass(frozen=True)
class Line:
    """One curve; `tone` is the number of its colour, `dots` marks every point, for curves of few."""

    name: str
    points: Sequence[Point]
    tone: int = 1
    dots: bool = False
    raw: Sequence[Point] = ()
    """The values that `points` are means of, drawn faintly behind them."""


@dataclass(frozen=True)
class Chart:
    """Curves over the steps of a training."""

    title: str
    lines: Sequence[Line]
    last: float
    """The step at the right end of the axis."""
    show: Callable[[float], str]
    """A value as text, with its unit."""
    marks: Sequence[Mark] = ()
    """Vertical lines."""
    zero: bool = False
    """Whether the axis begins at 0."""
    width: int = WIDE


def draw(chart: Chart) -> str:
    """The chart as a `<figure>`."""
    values = [y for line in chart.lines for _, y in [*line.points, *line.raw]]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    ticks = round_numbers(0.0 if chart.zero else low, high, 5)
    x, y = _scale(0, chart.last, LEFT, chart.width - RIGHT), _scale(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [_grid(chart, ticks, x, y), *(_mark(x(step), text) for step, text in chart.marks)]
    parts += [_curve(line, chart, x, y) for line in chart.lines]
    legend = "".join(_legend(line, chart) for line in chart.lines)
    if chart.marks and chart.width == WIDE:
        legend += '<span class="mark">restart</span>'
    kind, title = "wide" if chart.width == WIDE else "narrow", escape(chart.title)
    return (
        f'<figure class="{kind}"><figcaption><b>{title}</b>{legend}</figcaption>'
        f'<svg viewBox="0 0 {chart.width} {HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg></figure>\n'
    )


def means(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` points: means of neighbours, at the last step of each group."""
    size = -(-len(points) // most) or 1
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def round_numbers(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from below `low` to above `high`."""
    span = high - low or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span / about))
    step = unit * next(factor for factor in (1, 2, 5, 10) if factor * unit * about >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def steps(value: float) -> str:
    """A label of the axis of steps: `12k`, `1.5M`; the first one has the unit."""
    if value == 0:
        return "0 steps"
    for suffix, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    return lambda value: begin + (value - low) / ((high - low) or 1.0) * (end - begin)


def _grid(chart: Chart, ticks: Sequence[float], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    found = []
    for tick in ticks:
        found.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{chart.width - RIGHT}"/>')
        found.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{escape(chart.show(tick))}</text>')
    below = [tick for tick in round_numbers(0, chart.last, chart.width // 100) if tick <= chart.last]
    for tick in below:
        found.append(f'<text x="{x(tick):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{steps(tick)}</text>')
    return "".join(found)


def _mark(at: float, text: str) -> str:
    line = f'd="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"'
    return f'<g class="mark"><path {line}/><path class="hover" {line}/><title>{escape(text)}</title></g>'


def _curve(line: Line, chart: Chart, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    if not line.points:
        return ""
    places = [f"{x(a):.1f} {y(b):.1f}" for a, b in line.points]
    every = math.ceil(len(line.points) / HOVERED)
    dots = "".join(
        f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="{2.5 if line.dots else 7}"'
        f"{'' if line.dots else ' class=hover'}><title>step {a:,.0f}: {escape(chart.show(b))}</title></circle>"
        for number, (a, b) in enumerate(line.points)
        if line.dots or number % every == 0
    )
    raw = f'<path class="raw" d="M{"L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in line.raw)}"/>' if line.raw else ""
    return f'<g class="t{line.tone}">{raw}<path d="M{"L".join(places)}"/>{dots}</g>'


def _legend(line: Line, chart: Chart) -> str:
    last = f" <i>{escape(chart.show(line.points[-1][1]))}</i>" if line.points else ""
    return f'<span class="t{line.tone}">{escape(line.name)}{last}</span>'
