"""Run a plan as processes on this machine: independent steps in parallel, within its cores and memory."""

import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

from components.contract import gates
from components.runtime import scratch
from ernie_core import streams
from ernie_core.errors import BadInput, Error, Refused, Unreachable
from ernie_core.store import Store, artefact
from jobs import report
from jobs.local import capacity, process, sweeping
from jobs.local.building import Building
from jobs.local.keeping import Keeper
from jobs.local.process import StepProcess
from jobs.local.within import within
from jobs.plan import foresight, refusals
from jobs.plan.graph import Node
from jobs.plan.inputs import Content
from jobs.plan.plan import Plan
from jobs.runs import Run, StepRecord
from jobs.screen import Row, Screen
from jobs.spec.site import Site

POLL = 0.1
TELL = 10.0
"""Seconds between two messages on why a step that was asked to stop still runs."""
OUTAGE = 600.0
"""Seconds for which the store may not answer whether a step that succeeded has committed."""
OVER = ("failed", "refused", "stopped", "skipped")


def run(plan: Plan, record: Run, store: Store, inputs: Mapping[str, Content], cache: Path, site: Site,
        screen: Screen) -> Run:  # fmt: skip
    """Do what the plan says. The record that comes back says how it ended; the store holds it too."""
    cores, memory = site.capacity()
    refusals.check(plan.steps, cores, memory)
    sweeping.clean(store, cache, screen.say)
    with streams.forgiving():
        return _Runner(plan, record, store, inputs, cache, cores, memory, screen).run()


class _Runner:
    def __init__(self, plan: Plan, record: Run, store: Store, inputs: Mapping[str, Content], cache: Path,
                 cores: int, memory: int, screen: Screen) -> None:  # fmt: skip
        self.plan, self.record, self.store, self.inputs, self.cache = plan, record, store, inputs, cache
        self.cores, self.memory, self.screen = cores, memory, screen
        self.steps = {s.node.name: s for s in plan.steps}
        self.rows = {name: Row(name) for name in self.steps}
        self.running: dict[str, StepProcess] = {}
        self.building = Building(screen.say)
        self.signals, self.heard = 0, False
        self.failures: list[str] = []
        self.keeper = Keeper(store, screen)
        self.asking, self.told = dict[str, float](), dict[str, float]()
        """Per step: when the store first failed to answer whether it committed; when its stop was last reported."""

    def run(self) -> Run:
        """Until everything that can be done is done."""
        before = {s: signal.signal(s, self._asked) for s in (signal.SIGINT, signal.SIGTERM)}
        for name, step in self.steps.items():
            if step.state in ("done", "refused"):
                scores = dict(step.manifest.info.get("scores", {})) if step.manifest else {}
                error = step.reason if step.state == "refused" else ""
                code = Refused.exit_code if error else 0
                self._set(
                    name, step.state, already=True, address=step.node.address, scores=scores, error=error, code=code
                )
                self.failures += [f"step `{name}` refused: {error}"] if error else []
        try:
            while self._turn():
                time.sleep(POLL)
        except BaseException:
            self._leave()
            self.keeper.end(self.record, "failed")
            raise
        finally:
            self.screen.close()
            for s, handler in before.items():
                signal.signal(s, handler)
        for text in self.failures:
            self.screen.say(text)
        for name in scratch.clear(self.cache / "scratch" / self.record.id):
            self.screen.say(f"processes of `{name}` are still saving, although their parent process has ended")
        return self.keeper.end(self.record, self._verdict())

    def _leave(self) -> None:
        """The runner itself failed: what still runs saves, as after Ctrl-C, and gets as long as it may need."""
        for left in self.running.values():
            left.stop()
        while any(left.process.poll() is None and left.waited < left.patience for left in self.running.values()):
            time.sleep(POLL)
        for left in self.running.values():
            left.kill()
            left.close()

    def _turn(self) -> bool:
        if self.signals and not self.heard:
            self.heard = True
            self.screen.say("stopping: every step saves and exits, however long that takes (again to kill)")
        for name in list(self.running):
            self._watch(self.running[name])
        if not self.signals:
            for name in self.steps:
                self._consider(name)
        for name, row in self.rows.items():
            if step := self.running.get(name):
                row.seconds, row.progress = step.seconds, step.progress()
        self.screen.show(self.rows)
        self.keeper.keep(self.record, self.running.values())
        waits = any(r.state in ("waiting", "preparing") for r in self.record.steps.values())
        return bool(self.running) or (waits and not self.signals)

    def _consider(self, name: str) -> None:
        """Start a waiting step if everything it waits for is there; skip it if that cannot come any more."""
        state, node = self.record.steps[name].state, self.steps[name].node
        if state not in ("waiting", "preparing"):
            return
        before = [self.record.steps[other] for other in node.after]
        if any(r.state in OVER for r in before):
            reason = next(other for other in node.after if self.record.steps[other].state in OVER)
            self._set(name, "skipped", error=f"`{reason}` did not finish")
        elif all(r.state == "done" for r in before) and (found := self._room(node)) and self._prepared(node):
            self._start(node, found)

    def _start(self, node: Node, found: capacity.Allocation) -> None:
        try:
            step = process.start(node, self.record, self.store, self.inputs, self.cache, found)
        except Error as error:
            self._failed(node, f"could not be started: {error}", 1, None)
        else:
            self.running[node.name] = step
            self._set(node.name, "running", address=node.address)

    def _room(self, node: Node) -> capacity.Allocation | None:
        return capacity.find(node, [s.task for s in self.running.values()], self.cores, self.memory)

    def _prepared(self, node: Node) -> bool:
        """Whether the environment of the step's image is there; if not, see that it is being built."""
        image = type(node.step).image
        try:
            if self.building.ready(image):
                return True
        except Error as error:
            self._failed(node, str(error), 1, None)
            return False
        if self.record.steps[node.name].state != "preparing":
            self._set(node.name, "preparing", error="")
            self.rows[node.name].note = f"building the environment of image `{image}`"
        return False

    def _watch(self, step: StepProcess) -> None:
        code = step.process.poll()
        if code is None:
            return self._hurry(step)
        try:
            committed = within(lambda: artefact.read(self.store, step.node.address)) is not None
        except Unreachable as error:
            # it has ended, so there is time to retry; a committed artefact must not count as failed
            since = self.asking.setdefault(step.node.name, step.seconds)
            if self.signals < 2 and step.seconds - since < OUTAGE:
                note = f"ended; asking the store for up to {OUTAGE:.0f} s whether it committed: {error}"
                self.rows[step.node.name].note = note
                return
            self._over(step, error)
        except Error as error:
            self._over(step, error)
        else:
            self._over(step)
            self._finish(step, code, committed)

    def _hurry(self, step: StepProcess) -> None:
        """Ask a step to stop that runs, or end it, if that is wanted."""
        if step.node.timeout and step.seconds > step.node.timeout:
            step.late = True
        if self.signals or step.late:
            step.stop()
            self._tell(step)
        if self.signals > 1 or (step.late and not self.signals and step.waited > step.patience):
            step.kill()

    def _over(self, step: StepProcess, error: Error | None = None) -> None:
        """Close a step that has ended; with an error, its result is unknown."""
        step.close()
        del self.running[step.node.name]
        self.keeper.log(step)
        if error is not None:
            self._failed(step.node, str(error), 1, step)

    def _tell(self, step: StepProcess) -> None:
        """Report what a step that was asked to stop is doing, for as long as that takes."""
        name, now = step.node.name, time.monotonic()
        if now - self.told.setdefault(name, now) < TELL:
            return
        self.told[name] = now
        doing, end = step.doing(), "asked again" if self.signals else f"after {step.patience:.0f} s"
        text = f"waiting for `{name}`, asked to stop {step.waited:.0f} s ago: {doing}"
        self.screen.say(f"{text}; {end} it is killed: {step.lost(self.store)}")
        self._set(name, "running", note=f"stopping: {doing}")

    def _finish(self, step: StepProcess, code: int, committed: bool) -> None:
        node, outcome = step.node, step.outcome()
        if code == 0 and committed:
            scores = outcome.get("scores", {})
            if failed := gates.failures(node.gates, scores, type(node.step).unmeasured):
                self._failed(node, "gate: " + "; ".join(failed), Refused.exit_code, step, scores=scores)
            else:
                self._set(node.name, "done", seconds=step.seconds, scores=scores, address=node.address)
                self._foresee()
        elif self.signals:
            text = f"killed before it had saved: {step.lost(self.store)}" if step.killed else "asked to stop"
            if step.killed:
                self.failures.append(f"step `{node.name}` {text}")
            self._set(node.name, "stopped", seconds=step.seconds, error=text, note="")
        elif step.late:
            text = f", and was killed {step.waited:.0f} s after that: {step.lost(self.store)}" if step.killed else ""
            self._failed(node, f"took longer than its `timeout:` of {node.timeout}s{text}", 1, step)
        else:
            self._failed(node, str(outcome.get("error") or process.explain(code)), code, step)

    def _foresee(self) -> None:
        """What a step has made may show that a later one cannot do its work: reported now, not when its turn comes."""
        nodes = {name: step.node for name, step in self.steps.items()}
        scores = {name: step.scores for name, step in self.record.steps.items() if step.state == "done"}
        for name, step in self.record.steps.items():
            if step.state in ("waiting", "preparing") and (why := foresight.misfit(nodes[name], nodes, scores)):
                self._failed(nodes[name], why, BadInput.exit_code, None)

    def _failed(
        self, node: Node, error: str, code: int, step: StepProcess | None, scores: Mapping[str, float] | None = None
    ) -> None:
        state = "refused" if code == Refused.exit_code else "failed"
        self._set(node.name, state, error=error, code=code, seconds=step.seconds if step else 0.0, scores=scores or {})
        lines = process.last_lines(step.log) if step and state == "failed" else []
        self.failures.append("\n".join([f"step `{node.name}` {state}: {error}", *(f"  | {line}" for line in lines)]))

    def _set(self, name: str, state: str, **changes: object) -> None:
        steps = {**self.record.steps, name: replace(self.record.steps[name], state=state, **changes)}  # type: ignore[arg-type]
        self.record = replace(self.record, steps=steps)
        row = self.rows[name]
        row.state, row.seconds = state, steps[name].seconds or row.seconds
        row.note = _note(steps[name])

    def _verdict(self) -> str:
        states = {r.state for r in self.record.steps.values()}
        if self.signals and states != {"done"}:
            return "stopped"
        return next((s for s in ("failed", "refused", "stopped") if s in states), "done")

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1  # nothing is printed here: the signal may have come during a print


def _note(step: StepRecord) -> str:
    note = report.first_line(step.error or step.note)
    return note or ("made before" if step.already else report.scores_text(step.scores, step.address, 4))
