"""The parts of a page of HTML: facts, sections, tables; every text from elsewhere is escaped here."""

from collections.abc import Mapping, Sequence
from html import escape

from ernie_core.train.monitor.report.style import STYLE

Value = str | int | float | bool | None


def document(title: str, below: str, parts: Sequence[str], style: str = "") -> str:
    """A page that loads nothing else; `style` is added to the style sheet."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n<p>{escape(below)}</p>\n{''.join(parts)}</main>\n</html>\n"
    )


def section(title: str, content: str, kind: str = "scroll") -> str:
    """A heading and what is below it."""
    return f'<h2>{escape(title)}</h2>\n<div class="{kind}">\n{content}</div>\n'


def facts(values: Mapping[str, str]) -> str:
    """A few figures in large type."""
    return f'<dl class="facts">{_pairs(values)}</dl>\n'


def settings(values: Mapping[str, Value]) -> str:
    """Many settings in small type, in columns."""
    return f'<dl class="settings">{_pairs({name: _text(value) for name, value in values.items()})}</dl>\n'


def table(rows: Sequence[Mapping[str, Value]]) -> str:
    """A table of rows; the keys of the first row are the headings."""
    if not rows:
        return "<p>none yet</p>\n"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(row.get(name)))}</td>" for name in rows[0]) + "</tr>\n" for row in rows
    )
    return f"<table>\n<tr>{head}</tr>\n{body}</table>\n"


def _pairs(values: Mapping[str, str]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values.items())


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return f"{value:g}" if isinstance(value, float) else value
