"""The log of a training: PaddleNLP's log lines for people, a curve without times for files, figures for views.

Every `logging_freq` steps one line has PaddleNLP's exact text, so that parsers of such logs keep working, and a second
line has further figures: tokens, operations, waiting, saving, memory.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ernie_core.progress import Progress, say
from ernie_core.train.monitor import figures, lines
from ernie_core.train.monitor.history import entry, restarts
from ernie_core.train.monitor.pace import Pace
from ernie_core.train.objective import Course, Evaluation

__all__ = ["Log", "View", "say"]

View = Callable[[int, Mapping[str, float]], None]
"""Shows the figures of a step, by tag, elsewhere: in event files, to Prometheus."""
_UNSCALED: Mapping[str, float] = {}


@dataclass
class Log:
    """The log: means of the losses since the last line, speed, and delays."""

    course: Course
    progress: Progress
    peak: float = 0.0
    """Peak floating-point operations per second of all devices together; 0: unknown."""
    views: list[View] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    """Entries of measured times, of earlier processes and this one (ernie_core/train/monitor/history.py)."""
    aloud: bool = True
    """Whether to print; only the first process of a data-parallel training does."""
    clock: Callable[[], float] = time.monotonic
    sums: list[float] = field(default_factory=list)
    lasting: dict[str, float] = field(default_factory=dict)
    """Figures shown with every step until they change: the last checkpoint, the number of restarts."""
    unshown: set[str] = field(default_factory=set)
    """Views that could not show the last step, which was logged."""
    reached: int = 0
    leave_seconds: float = 0.0
    """Estimated seconds of a stop, from the steps and saves so far."""

    def __post_init__(self) -> None:
        self.recent, self.stretch, self.whole = (Pace(self.clock()) for _ in range(3))
        self.sums = [0.0] * len(self.course.names)

    def begin(self, history: list[str], views: Sequence[View] = ()) -> None:
        """Start measuring times; call it right before the first step."""
        self.history, self.views = history, list(views)
        if history:
            self.lasting["run/restarts"] = restarts(history)
        self.recent, self.stretch, self.whole = (Pace(self.clock()) for _ in range(3))

    def step(
        self,
        step: int,
        losses: Sequence[float],
        rate: float,
        *,
        tokens: float | None = None,
        scaler: Mapping[str, float] = _UNSCALED,
    ) -> None:
        """Record a step, and print every `logging_freq` steps.

        `tokens`: positions that passed through the net; default: `course.tokens`. `scaler`: state of the loss scaler.
        """
        self.sums = [a + b for a, b in zip(self.sums, losses, strict=True)]
        self.reached = step
        self._add(steps=1, tokens=self.course.tokens if tokens is None else tokens)
        more = {"leave_seconds": round(self.leave_seconds, 1)} if self.leave_seconds else {}
        self.progress(step, self.course.steps, "steps", loss=losses[0], **more)
        if step % self.course.settings.logging_freq == 0:
            self._report(step, rate, scaler)
            self.sums, self.recent = [0.0] * len(losses), Pace(self.clock())
        if step % self.course.window == 0:
            self.history, self.stretch = self.times(), Pace(self.clock())

    def busy(self, doing: str) -> None:
        """Report what the training waits for before its next step."""
        self.progress(self.reached, self.course.steps, "steps", doing=doing, leave_seconds=self.leave_seconds)

    def waited(self, seconds: float) -> None:
        """Add seconds of waiting for data within a step."""
        self._add(waited=seconds)

    def saved(self, seconds: float) -> None:
        """Add seconds of waiting for a save."""
        self._add(saved=seconds)

    def paused(self, seconds: float) -> None:
        """Add seconds of waiting for anything else."""
        self._add(paused=seconds)

    def committed(self, step: int) -> None:
        """Record that the checkpoint of a step is committed."""
        self.lasting |= {"checkpoint/step": step, "checkpoint/timestamp": time.time()}

    def scored(self, found: Evaluation, step: int, seconds: float) -> None:
        """Print and show the figures of an evaluation; its seconds do not count in the speed."""
        self._add(paused=seconds)
        speed, text = found.samples / max(1e-9, seconds), self.course.text(found.figures)
        self._say(f"{found.part} step {step}, batch: {found.batches}, {text}, ips: {speed:.2f} seqs/s")
        self._show(step, {f"{found.part}/{name}": value for name, value in found.figures.items()})

    def times(self) -> list[str]:
        """The history so far, with the unfinished stretch."""
        if not self.stretch.steps:
            return list(self.history)
        return [*self.history, entry(self.reached, self.stretch, self.clock())]

    def _add(self, **amounts: float) -> None:
        for pace in (self.recent, self.stretch, self.whole):
            for name, amount in amounts.items():
                setattr(pace, name, getattr(pace, name) + amount)

    def _report(self, step: int, rate: float, scaler: Mapping[str, float]) -> None:
        recent, now = self.recent, self.clock()
        course = self.course
        means = {name: total / recent.steps for name, total in zip(course.names, self.sums, strict=True)}
        shown = figures.of_step(step, means, rate, scaler) | figures.of_pace(recent, now, course.samples)
        shown |= figures.of_machine(recent, now, course.flops, self.peak)
        self._say(lines.of_step(step, course.text(means), shown))
        self._say(lines.of_machine(step, shown))
        totals = {"total/wait_seconds": self.whole.waited, "total/save_seconds": self.whole.saved}
        self._show(step, shown | totals | self.lasting)

    def _say(self, text: str) -> None:
        if self.aloud:
            say(text)

    def _show(self, step: int, shown: Mapping[str, float]) -> None:
        """Update the views. A view that cannot write is no error for the training: it catches up later."""
        for view in self.views:
            try:
                view(step, shown)
                self.unshown.discard(str(view))
            except OSError as error:
                if str(view) not in self.unshown:
                    say(f"step {step}: {view} could not be updated, retrying with every line: {error}")
                self.unshown.add(str(view))
