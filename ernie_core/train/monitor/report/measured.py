"""The measured half of a training's report: speed, delays, memory, and every start."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from ernie_core.train.monitor.history import Start, Stretch, TimesEntry
from ernie_core.train.monitor.lines import percent, scaled
from ernie_core.train.monitor.report.chart import NARROW, Chart, Line, Mark
from ernie_core.train.monitor.report.markup import Value

POINTS = 150


def summary(entries: Sequence[TimesEntry], flops: float, peak: float) -> dict[str, str]:
    """Sums over all processes, without the work that was lost with killed ones."""
    done = [entry for entry in entries if isinstance(entry, Stretch)]
    busy, tokens = sum(e.seconds for e in done), sum(e.tokens for e in done)
    if not busy:
        return {}
    found = {"time of steps": duration(busy), "tokens/s": f"{tokens / busy:,.0f}"}
    if flops:
        found["model"] = f"{scaled(flops * tokens / busy)}FLOP/s"
    if flops and peak:
        found["utilisation"] = percent(flops * tokens / busy / peak)
    found["waiting for data"] = percent(sum(e.waited for e in done) / busy)
    found |= {"saving": duration(sum(e.saved for e in done)), "evaluating": duration(sum(e.paused for e in done))}
    return found | {"restarts": str(len(restarts(entries)))}


def charts(entries: Sequence[TimesEntry], last: int, marks: Sequence[Mark]) -> list[Chart]:
    """Charts of the measured times over the steps."""
    done = _merged([entry for entry in entries if isinstance(entry, Stretch)])

    def line(name: str, tone: int, value: Callable[[Stretch], float]) -> Line:
        return Line(name, [(e.step, value(e)) for e in done], tone)

    def share(part: Callable[[Stretch], float]) -> Callable[[Stretch], float]:
        return lambda e: part(e) / max(e.seconds + e.saved + e.paused, 1e-9)

    held = [
        line("waiting for data", 1, share(lambda e: e.waited)),
        line("saving", 2, share(lambda e: e.saved)),
        line("evaluating", 3, share(lambda e: e.paused)),
    ]
    held_memory = [line("process", 1, lambda e: e.resident / 2**30)]
    if any(e.gpu for e in done):
        held_memory.append(line("GPU, most", 2, lambda e: e.gpu / 2**30))
    speed = [line("", 1, lambda e: e.tokens / max(e.seconds, 1e-9))]
    return [
        Chart("Tokens a second", speed, last, lambda value: scaled(value).strip(), marks, zero=True),
        Chart("Share of time", held, last, percent, marks, zero=True, width=NARROW),
        Chart("Memory", held_memory, last, lambda value: f"{value:.3g} GiB", marks, zero=True, width=NARROW),
    ]


def restarts(entries: Sequence[TimesEntry]) -> list[Mark]:
    """Marks where the run was restarted."""
    begun = [entry for entry in entries if isinstance(entry, Start)][1:]
    return [(entry.step, f"restart {number} after step {entry.step:,}") for number, entry in enumerate(begun, 1)]


def starts(entries: Sequence[TimesEntry]) -> list[dict[str, Value]]:
    """Every process of the run; the time between the entry before it and its start is lost work and idle time."""
    found: list[dict[str, Value]] = []
    for number, entry in enumerate(entries):
        if isinstance(entry, Start):
            began = datetime.fromtimestamp(entry.at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
            lost = duration(max(0.0, entry.at - entries[number - 1].at)) if number else ""
            found.append({"began (UTC)": began, "after step": entry.step, "since what was kept": lost})
    return found


def duration(seconds: float) -> str:
    """`3 d 4 h`, `5 min 6 s`, `7.8 s`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    for (big, size), (small, part) in (
        (("d", 86400), ("h", 3600)),
        (("h", 3600), ("min", 60)),
        (("min", 60), ("s", 1)),
    ):
        if seconds >= size:
            return f"{seconds // size:.0f} {big} {seconds % size // part:.0f} {small}"
    raise AssertionError("unreachable")


def _merged(done: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours added up, so that there are no more points than the chart can show."""
    size = -(-len(done) // POINTS) or 1
    return [_sum(done[first : first + size]) for first in range(0, len(done), size)]


def _sum(part: Sequence[Stretch]) -> Stretch:
    return replace(
        part[-1],
        steps=sum(e.steps for e in part),
        tokens=sum(e.tokens for e in part),
        seconds=sum(e.seconds for e in part),
        waited=sum(e.waited for e in part),
        saved=sum(e.saved for e in part),
        paused=sum(e.paused for e in part),
        resident=max(e.resident for e in part),
        gpu=max(e.gpu for e in part),
    )
