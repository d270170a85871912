"""What a person sees of a run: one live table on a terminal, `key=value` lines otherwise. On stderr."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from components.contract.values import spell_duration, spell_figure, spell_size
from components.runtime.reports import QUIET

if TYPE_CHECKING:
    from rich.table import Table

_MARKS = {"done": "[green]done", "running": "[cyan]running", "failed": "[red]failed", "refused": "[red]refused",
          "stopped": "[yellow]stopped", "skipped": "[dim]skipped", "preparing": "[cyan]preparing"}  # fmt: skip


@dataclass
class Row:
    """A step as it is shown."""

    name: str
    state: str = "waiting"
    seconds: float = 0.0
    note: str = ""
    progress: Mapping[str, object] = field(default_factory=dict)


class Screen(Protocol):
    """Receives every change, and between changes several updates a second."""

    def show(self, rows: Mapping[str, Row]) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


def choose() -> Screen:
    """The one that fits stderr."""
    return Live() if sys.stderr.isatty() else Lines()


class Lines:
    """One line for a change of state, and one every ten seconds of a step that has something new to say."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._said: dict[str, float] = {}
        self._told: dict[str, str] = {}

    def show(self, rows: Mapping[str, Row]) -> None:
        for row in rows.values():
            if self._states.get(row.name, "waiting") != row.state:
                self._state(row)
            elif time.monotonic() - self._said.get(row.name, -1e9) < 10:
                continue
            elif row.state == "running" and row.progress:
                told = " ".join(f"{k}={_quoted(v)}" for k, v in facts(row.progress).items())
                if told != self._told.get(row.name):  # it may wait, or be done but not over
                    self._said[row.name], self._told[row.name] = time.monotonic(), told
                    self.say(f"step={row.name} {told}")
            elif row.note and row.note != self._notes.get(row.name):
                self._state(row)

    def _state(self, row: Row) -> None:
        self._states[row.name], self._notes[row.name], self._said[row.name] = row.state, row.note, time.monotonic()
        note = f" note={json.dumps(row.note, ensure_ascii=False)}" if row.note else ""
        self.say(f"step={row.name} state={row.state} seconds={row.seconds:.1f}{note}")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


class Live:
    """One table that is redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(stderr=True)
        self._live = RichLive(console=self._console, refresh_per_second=5, transient=False)
        self._live.start()

    def show(self, rows: Mapping[str, Row]) -> None:
        self._live.update(_table(rows))

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def close(self) -> None:
        self._live.stop()


def facts(progress: Mapping[str, object]) -> dict[str, str]:
    """What to show of a progress report: share, rate, time left, and the step's own figures."""
    done, total, seconds = (_number(progress.get(k)) for k in ("done", "total", "seconds"))
    unit = str(progress.get("unit") or "")
    spell = spell_size if unit in ("bytes", "B") else lambda n: f"{n:.0f}"
    shown = {}
    if doing := progress.get("doing"):
        shown["doing"] = str(doing)
    if unit == "points":  # of a sweep, which says itself how long the others may take
        done = None
    if done is not None:
        shown["done"] = f"{spell(done)}/{spell(total)}" if total else spell(done)
        rate = done / seconds if seconds else 0.0
        if rate > 0:
            shown["rate"] = (
                f"{spell_size(rate)}/s"
                if unit in ("bytes", "B")
                else f"{rate:.3g} {unit}/s".replace(" /", "/").replace(" ", "-")
            )
        if total and rate > 0:
            shown["eta"] = spell_duration(max(0.0, total - done) / rate)
    for key, value in progress.items():
        if key not in ("done", "total", "unit", "seconds", "time", "doing", *QUIET):
            shown[key] = spell_figure(value)
    return {k: v if k == "doing" else v.replace(" ", "") for k, v in shown.items()}


def _quoted(value: str) -> str:
    """A value as a word; one of several words, or with a quote within, as JSON writes it."""
    return json.dumps(value, ensure_ascii=False) if " " in value or '"' in value else value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _table(rows: Mapping[str, Row]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head, style in (("step", "bold"), ("state", ""), ("time", ""), ("", "dim")):
        table.add_column(head, style=style, no_wrap=head != "", overflow="ellipsis")
    for row in rows.values():
        told = "  ".join(f"{k} {v}" for k, v in facts(row.progress).items()) if row.state == "running" else ""
        shown = told or row.note
        clock = spell_duration(row.seconds) if row.seconds else ""
        table.add_row(row.name, _MARKS.get(row.state, row.state), clock, shown)
    return table
