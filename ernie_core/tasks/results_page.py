"""`results.html`: the figures of results.py as one page without scripts or other files, like a training's report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ernie_core.tasks import results_charts
from ernie_core.train.monitor.report.markup import Value, document, facts, section, table

_TEXT = 160
"""Most characters of a text in a table."""
_READABLE = 5
"""Most classes whose matrix needs no list of the largest confusions."""
STYLE = """
figure + table{margin-top:20px}
.text table{width:100%}
.text td,.text th{text-align:left;white-space:normal;vertical-align:top;padding:5px 16px 5px 0;overflow-wrap:anywhere}
.text td:nth-child(2){min-width:280px}
.languages td,.languages th{padding-left:4px;padding-right:8px;font-size:13px}
.cell text{fill:var(--text)}
rect.none{fill:var(--grid);fill-opacity:.45}
rect.hit,rect.bar{fill:var(--t1)}
rect.bar{fill-opacity:.75}
rect.miss{fill:var(--mark)}
svg path.ideal{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}
h2.split{font-size:20px;margin-top:48px}
.note{font-size:13.5px;margin:0 0 12px}
"""


def page(found: Mapping[str, Any], below: str) -> str:
    """The page of the content of results.json."""
    of_split = {"test": found.get("published", [])}
    parts = [
        part
        for split, figures in found["splits"].items()
        for part in _split(split, figures, found["main"], of_split.get(split, []))
    ]
    return document(f"Results: {found['task'].replace('_', ' ')}", below, parts, STYLE)


def _split(split: str, figures: Mapping[str, Any], main: str, published: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The sections of a split: figures first, then where it is wrong."""
    yield f'<h2 class="split">{split}</h2>\n'
    yield facts(_facts(figures, main))
    if not figures["labelled"]:
        yield section("Confidence", _confidence(figures["confidence"]), "charts")
        return
    if "languages" in figures:
        yield section("By language", _languages(figures, main, published), "scroll languages")
    if figures["classes"]["table"]:
        yield section("Classes", table([_percentages(row) for row in figures["classes"]["table"]]))
        yield section("Confusions", _confusions(figures["classes"]))
    yield section("Confidence", _confidence(figures["confidence"]), "charts")
    if figures["lengths"]:
        yield section("By length in tokens", table([_length(row) for row in figures["lengths"]]))
    if figures["worst"]:
        partly = any(row["right"] for row in figures["worst"])
        yield section("Most wrong", table([_wrong(row, partly) for row in figures["worst"]]), "scroll text")


def _facts(figures: Mapping[str, Any], main: str) -> dict[str, str]:
    scores = figures.get("scores", {})
    names = sorted(scores, key=lambda name: (name != main, name == "loss", name))
    found = {_title(name): f"{scores[name]:.4f}" if name == "loss" else _percent(scores[name]) for name in names}
    found["examples"] = f"{figures['examples']:,}"
    if "ece" in figures["confidence"]:
        found["calibration error"] = _percent(figures["confidence"]["ece"])
    return found


def _languages(figures: Mapping[str, Any], main: str, published: Sequence[Mapping[str, Any]]) -> str:
    """The main score of each language in percent, as the published table has it, with the published rows below."""
    names = [row["language"] for row in figures["languages"]]
    shown: list[tuple[str, Mapping[str, float], float]] = [
        ("this model", {row["language"]: row[main] for row in figures["languages"]}, figures["average"][main]),
        *((row["model"], row["scores"], row["average"]) for row in published),
    ]
    rows: list[dict[str, Value]] = [
        {
            f"{main}, %": model,
            **{name: f"{100 * scores[name]:.1f}" if name in scores else None for name in names},
            "average": f"{100 * average:.1f}",
        }
        for model, scores, average in shown
    ]
    note = '<p class="note">Below this model: published accuracy on test; each average is over all 15 languages.</p>\n'
    return table(rows) + (note if published else "")


def _confusions(classes: Mapping[str, Any]) -> str:
    """The matrix if there is one, and the largest confusions."""
    drawn = results_charts.matrix(classes["names"], classes["matrix"]) if classes["names"] else ""
    rows: list[dict[str, Value]] = [
        {"true": row["true"] or "none", "predicted": row["predicted"] or "none", "count": row["count"]}
        for row in classes["confusions"][: 10 if drawn else None]
    ]
    if drawn and len(classes["names"]) <= _READABLE:
        return drawn
    return drawn + (table(rows) if rows else "<p>there are none</p>\n")


def _confidence(found: Mapping[str, Any]) -> str:
    bins = found["bins"]
    hints = [_bin(row) for row in bins]
    most = max(row["count"] for row in bins)
    counts = results_charts.bars(
        "Examples by confidence", [row["count"] for row in bins], hints, most=_round_up(most), diagonal=False
    )
    if "ece" not in found:
        return counts
    shares = [row.get("right") for row in bins]
    return results_charts.bars("Right by confidence", shares, hints, most=1, diagonal=True) + counts


def _bin(row: Mapping[str, Any]) -> str:
    text = f"confidence {row['from']:g} to {row['to']:g}: {row['count']:,} examples"
    return f"{text}, {_percent(row['right'])} right" if "right" in row else text


def _length(row: Mapping[str, Any]) -> dict[str, Value]:
    shown: dict[str, Value] = {
        "tokens": f"{row['from']} to {row['to']}", "examples": row["count"], "right": _percent(row["right"]),
    }  # fmt: skip
    return shown | ({"loss": f"{row['loss']:.4f}"} if "loss" in row else {})


def _wrong(row: Mapping[str, Any], partly: bool) -> dict[str, Value]:
    """An example of the worst; `partly`: some of them are partly right, so the table has a column for that."""
    texts = {name: _short(row[name]) for name in ("question", "true", "predicted")}
    shown: dict[str, Value] = {"id": row["id"], **texts, "confidence": _percent(row["confidence"])}
    return {**shown, "right": _percent(row["right"])} if partly else shown


def _percentages(row: Mapping[str, Any]) -> dict[str, Value]:
    return {name: _percent(value) if isinstance(value, float) else value for name, value in row.items()}


def _short(value: Any) -> str:
    """A value as text, cut in its middle."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 41]} … {text[-38:]}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _title(name: str) -> str:
    return name.replace("_", " ").replace(" f1", " F1")


def _round_up(count: int) -> float:
    """A multiple of 4, so that the axis has whole numbers."""
    unit = 4 * 10 ** max(0, len(str(max(count, 1))) - 2)
    return float(-(-max(count, 1) // unit) * unit)
