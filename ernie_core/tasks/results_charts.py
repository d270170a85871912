"""Charts of results as SVG: a matrix of confusions, bars over confidence. The text depends on the figures alone."""

from collections.abc import Sequence
from html import escape

from ernie_core.train.monitor.report.chart import HEIGHT, NARROW, WIDE

_LETTER = 7.2
"""Width of a letter of a label; of a wide character about twice that."""
_FAINT, _STRONG = 0.06, 0.6
"""Opacity of the smallest and the largest share."""
_LEFT, _TOP, _BOTTOM = 44, 12, 34
_SHORT = 14
"""Most characters of a name beside a matrix."""


def matrix(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A matrix of counts [true][predicted] as a `<figure>`; colours are by the share of the true class."""
    shown = [_short(name) for name in names]
    left = max(_width(name) for name in shown) + 16
    size = min(64.0, (WIDE - left) / len(names))
    upright = size < max(_width(name) for name in shown) + 4
    top = (left if upright else 30) + 18
    parts = [f'<text x="{left + size * len(names) / 2:.1f}" y="12" text-anchor="middle">predicted</text>']
    for number, name in enumerate(shown):
        middle = left + size * (number + 0.5)
        turned = f' transform="rotate(-90 {middle + 4:.1f} {top - 6:.1f})"' if upright else ""
        place = f'x="{middle + (4 if upright else 0):.1f}" y="{top - 6:.1f}"'
        anchor = "start" if upright else "middle"
        parts.append(f'<text {place} text-anchor="{anchor}"{turned}>{escape(name)}</text>')
        beside = f'x="{left - 8:.1f}" y="{top + size * (number + 0.5) + 4:.1f}" text-anchor="end"'
        parts.append(f"<text {beside}>{escape(name)}</text>")
    for row, name in enumerate(names):
        total = sum(counts[row])
        for column, other in enumerate(names):
            parts.append(_cell(left + size * column, top + size * row, size, counts[row][column], total, name, other))
    height = top + size * len(names) + 4
    width = left + size * len(names) + 4
    wide = f'viewBox="0 0 {max(width, WIDE):.0f} {height:.0f}"'
    label = "confusions: a row for each true class"
    drawn = f'<svg {wide} role="img" aria-label="{label}">{"".join(parts)}</svg>'
    return f'<figure class="wide">{drawn}</figure>\n'


def bars(title: str, heights: Sequence[float | None], hints: Sequence[str], *, most: float, diagonal: bool) -> str:
    """Bars over ten equal bins of confidence as a narrow `<figure>`, up to `most` (1: shares, else counts).

    `diagonal` draws the line where share and confidence are equal.
    """
    width, count = NARROW - _LEFT - 12, len(heights)
    high = HEIGHT - _BOTTOM - _TOP
    parts = []
    for tick in range(5):
        y, value = HEIGHT - _BOTTOM - high * tick / 4, most * tick / 4
        text = f"{100 * value:g} %" if most == 1 else f"{value:,.0f}"
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_LEFT + width}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for number, (share, hint) in enumerate(zip(heights, hints, strict=True)):
        if not share:
            continue
        tall = high * share / most
        place = f'x="{_LEFT + width * number / count + 2:.1f}" y="{HEIGHT - _BOTTOM - tall:.1f}"'
        size = f'width="{width / count - 4:.1f}" height="{max(tall, 1):.1f}" rx="2"'
        parts.append(f'<rect class="bar" {place} {size}><title>{escape(hint)}</title></rect>')
    if diagonal:
        parts.append(f'<path class="ideal" d="M{_LEFT} {HEIGHT - _BOTTOM}L{_LEFT + width} {_TOP}"/>')
    for tick in range(0, count + 1, 2):
        x = _LEFT + width * tick / count
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{tick / count:g}</text>')
    box = f'viewBox="0 0 {NARROW} {HEIGHT}" role="img" aria-label="{escape(title)}"'
    caption = f"<figcaption><b>{escape(title)}</b></figcaption>"
    return f'<figure class="narrow">{caption}<svg {box}>{"".join(parts)}</svg></figure>\n'


def _cell(x: float, y: float, size: float, count: int, total: int, true: str, predicted: str) -> str:
    share = count / total if total else 0.0
    tone = "none" if not count else "hit" if true == predicted else "miss"
    opacity = f' fill-opacity="{_FAINT + (_STRONG - _FAINT) * share:.2f}"' if count else ""
    hint = f"{true or 'none'} as {predicted or 'none'}: {count:,} of {total:,} ({100 * share:.1f} %)"
    place = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{size - 2:.1f}" height="{size - 2:.1f}" rx="2"'
    text = ""
    if count and size >= 9 * len(str(count)) + 2:
        text = f'<text x="{x + size / 2:.1f}" y="{y + size / 2 + 4:.1f}" text-anchor="middle">{count}</text>'
    return f'<g class="cell"><rect class="{tone}" {place}{opacity}/>{text}<title>{escape(hint)}</title></g>'


def _short(name: str) -> str:
    name = name or "none"
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}…"


def _width(name: str) -> float:
    return sum(_LETTER if ord(char) < 0x1100 else 2 * _LETTER for char in name)
