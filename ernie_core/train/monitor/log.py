"""What a training says: PaddleNLP's log lines for people, a curve without times for files, figures for views.

Every `logging_freq` steps one line has PaddleNLP's exact text, so that whatever reads such logs goes on working, and a
second line says what that does not: tokens, operations, waiting, saving, memory.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ernie_core.pretrain.recipe import Recipe
from ernie_core.progress import Progress, say
from ernie_core.train.monitor import figures, lines
from ernie_core.train.monitor.history import entry, restarts
from ernie_core.train.monitor.lines import first_loss, line, three
from ernie_core.train.monitor.pace import Pace

__all__ = ["Log", "View", "first_loss", "line", "say", "three"]

View = Callable[[int, Mapping[str, float]], None]
"""Shows the figures of a step, under their tags, somewhere else: in event files, to Prometheus."""
_UNSCALED: Mapping[str, float] = {}


@dataclass
class Log:
    """Means of the losses since the last line, how fast it goes, and what held it up."""

    recipe: Recipe
    progress: Progress
    flops: float = 0.0
    """Operations a token costs (ernie_core/pretrain/flops.py); 0 says nothing about them."""
    peak: float = 0.0
    """Operations a second that all devices together can do; 0 if that is not known."""
    views: list[View] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    """The times of the steps before this process, and of its own as they come (ernie_core/train/monitor/history.py)."""
    aloud: bool = True
    """Whether to print: in a data-parallel training only the first process does."""
    clock: Callable[[], float] = time.monotonic
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    lasting: dict[str, float] = field(default_factory=dict)
    """Figures that are shown with every step until they change: the last checkpoint, the number of restarts."""
    unshown: set[str] = field(default_factory=set)
    """Views that could not show the last step, which was said."""
    reached: int = 0
    leave_seconds: float = 0.0
    """What a stop takes, by the steps and saves until now."""

    def __post_init__(self) -> None:
        self.recent, self.stretch, self.whole = (Pace(self.clock()) for _ in range(3))

    def begin(self, history: list[str], views: Sequence[View] = ()) -> None:
        """The first step comes now: what took time before does not count."""
        self.history, self.views = history, list(views)
        if history:
            self.lasting["run/restarts"] = restarts(history)
        self.recent, self.stretch, self.whole = (Pace(self.clock()) for _ in range(3))

    def step(
        self,
        step: int,
        losses: list[float],
        rate: float,
        *,
        tokens: float | None = None,
        scaler: Mapping[str, float] = _UNSCALED,
    ) -> None:
        """Take note of a step, and print every `logging_freq` steps.

        `tokens`: positions that passed the net, if not as many as there can be. `scaler`: what its state is, with AMP.
        """
        self.sums = [a + b for a, b in zip(self.sums, losses, strict=True)]
        self.reached = step
        full = self.recipe.global_batch_size * self.recipe.max_seq_len
        self._add(steps=1, tokens=full if tokens is None else tokens)
        more = {"leave_seconds": round(self.leave_seconds, 1)} if self.leave_seconds else {}
        self.progress(step, self.recipe.max_steps, "steps", loss=losses[0], **more)
        if step % self.recipe.logging_freq == 0:
            self._report(step, rate, scaler)
            self.sums, self.recent = [0.0, 0.0, 0.0], Pace(self.clock())
        if step % self.recipe.window == 0:
            self.history, self.stretch = self.times(), Pace(self.clock())

    def busy(self, doing: str) -> None:
        """Show what keeps the training from the next step, for as long as something does."""
        self.progress(self.reached, self.recipe.max_steps, "steps", doing=doing, leave_seconds=self.leave_seconds)

    def waited(self, seconds: float) -> None:
        """Time within a step in which there was no data to go on with."""
        self._add(waited=seconds)

    def saved(self, seconds: float) -> None:
        """Time in which the training stood still for a save."""
        self._add(saved=seconds)

    def paused(self, seconds: float) -> None:
        """Time in which it stood still for anything else."""
        self._add(paused=seconds)

    def committed(self, step: int) -> None:
        """The checkpoint of a step is in the store."""
        self.lasting |= {"checkpoint/step": step, "checkpoint/timestamp": time.time()}

    def scored(
        self, part: str, step: int, batches: int, scores: Mapping[str, float], seconds: float, *, shown: bool = True
    ) -> None:
        """Print the scores of an evaluation and leave its seconds out of the speed; `shown`: add them to the curves."""
        self._add(paused=seconds)
        means = [scores["loss"], scores["lm_loss"], scores.get("sop_loss", 0.0)]
        speed = batches * self.recipe.micro_batch_size / max(1e-9, seconds)
        text = three(means, self.recipe.binary_head)
        self._say(f"{part} step {step}, batch: {batches}, {text}, ips: {speed:.2f} seqs/s")
        if shown:
            self._show(step, {f"{part}/{name}": value for name, value in scores.items()})

    def times(self) -> list[str]:
        """The history until now, with the stretch that is still open."""
        if not self.stretch.steps:
            return list(self.history)
        return [*self.history, entry(self.reached, self.stretch, self.clock())]

    def _add(self, **amounts: float) -> None:
        for pace in (self.recent, self.stretch, self.whole):
            for name, amount in amounts.items():
                setattr(pace, name, getattr(pace, name) + amount)

    def _report(self, step: int, rate: float, scaler: Mapping[str, float]) -> None:
        recent, now = self.recent, self.clock()
        means = [total / recent.steps for total in self.sums]
        said = figures.of_step(step, means, rate, scaler, self.recipe) | figures.of_pace(recent, now, self.recipe)
        said |= figures.of_machine(recent, now, self.flops, self.peak)
        self._say(lines.of_step(step, means, said, self.recipe.binary_head))
        self._say(lines.of_machine(step, said))
        totals = {"total/wait_seconds": self.whole.waited, "total/save_seconds": self.whole.saved}
        self._show(step, said | totals | self.lasting)

    def _say(self, text: str) -> None:
        if self.aloud:
            say(text)

    def _show(self, step: int, said: Mapping[str, float]) -> None:
        """A view that has no room on its disk is no error: a training of weeks is worth more, and it catches up."""
        for view in self.views:
            try:
                view(step, said)
                self.unshown.discard(str(view))
            except OSError as error:
                if str(view) not in self.unshown:
                    say(f"step {step}: {view} cannot show this, it is tried again with every line: {error}")
                self.unshown.add(str(view))
