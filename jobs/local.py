"""Run a plan as processes on this machine: independent steps side by side, within its cores and memory."""

import shutil
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

from components import gates
from ernie_core.errors import Error, Refused, Unreachable
from ernie_core.store import Store, artefact
from jobs import environments, process, report, room, runs
from jobs.graph import Node
from jobs.inputs import Content
from jobs.plan import Plan
from jobs.process import StepProcess
from jobs.runs import Run, StepRecord
from jobs.screen import Row, Screen
from jobs.site import Site

POLL = 0.1
BEAT = 10.0
ABANDONED = 7 * 86400.0
"""Seconds after which an uncommitted folder that nobody touched is taken for abandoned."""
OVER = ("failed", "refused", "stopped", "skipped")


def run(
    plan: Plan, record: Run, store: Store, inputs: Mapping[str, Content], cache: Path, site: Site, screen: Screen
) -> Run:
    """Do what the plan says. The record that comes back says how it ended; the store holds it too."""
    cores, memory = site.capacity()
    for step in plan.steps:
        if step.state != "done":
            room.check(step.node, cores, memory)
    _clean(store, cache, screen)
    return _Runner(plan, record, store, inputs, cache, cores, memory, screen).run()


def _clean(store: Store, cache: Path, screen: Screen) -> None:
    """Remove what killed runs left on this machine, and what killed writers left in the store long ago."""
    for place in (cache / "scratch").glob("*"):
        if not runs.held(cache, place.name):
            shutil.rmtree(place, ignore_errors=True)
    for left in artefact.sweep(store, older_than=ABANDONED):
        screen.say(f"removed {left}, left by a writer that was killed")


class _Runner:
    def __init__(self, plan: Plan, record: Run, store: Store, inputs: Mapping[str, Content], cache: Path,
                 cores: int, memory: int, screen: Screen) -> None:  # fmt: skip
        self.plan, self.record, self.store, self.inputs, self.cache = plan, record, store, inputs, cache
        self.cores, self.memory, self.screen = cores, memory, screen
        self.steps = {s.node.name: s for s in plan.steps}
        self.rows = {name: Row(name) for name in self.steps}
        self.running: dict[str, StepProcess] = {}
        self.preparing: dict[str, threading.Thread] = {}
        self.unprepared: dict[str, Error] = {}
        self.signals = 0
        self.failures: list[str] = []
        self.dirty, self.saved, self.copied, self.retry = True, 0.0, time.monotonic(), 0.0

    def run(self) -> Run:
        """Until everything that can be done is done."""
        before = {s: signal.signal(s, self._asked) for s in (signal.SIGINT, signal.SIGTERM)}
        for name, step in self.steps.items():
            if step.state in ("done", "refused"):
                scores = dict(step.manifest.info.get("scores", {})) if step.manifest else {}
                error = step.reason if step.state == "refused" else ""
                self._set(name, step.state, already=True, address=step.node.address, scores=scores, error=error)
                self.failures += [f"step `{name}` refused: {error}"] if error else []
        try:
            while self._turn():
                time.sleep(POLL)
        finally:
            self._leave()
            self.screen.close()
            for s, handler in before.items():
                signal.signal(s, handler)
        for text in self.failures:
            self.screen.say(text)
        shutil.rmtree(self.cache / "scratch" / self.record.id, ignore_errors=True)
        return runs.end(self.store, self.record, self._verdict())

    def _leave(self) -> None:
        """Something of ours broke: what still runs saves, as after Ctrl-C."""
        end = time.monotonic() + process.KILL_AFTER
        for left in self.running.values():
            left.stop()
        while time.monotonic() < end and any(left.process.poll() is None for left in self.running.values()):
            time.sleep(POLL)
        for left in self.running.values():
            left.kill()

    def _turn(self) -> bool:
        for name in list(self.running):
            self._watch(self.running[name])
        if not self.signals:
            for name in self.steps:
                self._consider(name)
        for name, row in self.rows.items():
            if step := self.running.get(name):
                row.seconds, row.progress = step.seconds, step.progress()
        self.screen.show(self.rows)
        self._keep()
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
            self.running[name] = process.start(node, self.record, self.store, self.inputs, self.cache, found)
            self._set(name, "running", address=node.address)

    def _room(self, node: Node) -> room.Room | None:
        return room.find(node, [s.task for s in self.running.values()], self.cores, self.memory)

    def _prepared(self, node: Node) -> bool:
        """Whether the environment of the step's image is there; if not, see that it is being built."""
        image = type(node.step).image
        if image in self.unprepared:
            self._failed(node, str(self.unprepared[image]), 1, None)
            return False
        if image not in self.preparing and environments.python(image):
            return True
        if image not in self.preparing:
            self.preparing[image] = threading.Thread(target=self._build, args=(image,), daemon=True)
            self.preparing[image].start()
        if self.record.steps[node.name].state != "preparing":
            self._set(node.name, "preparing", error="")
            self.rows[node.name].note = f"building the environment of image `{image}`"
        if self.preparing[image].is_alive():
            return False
        return image not in self.unprepared

    def _build(self, image: str) -> None:
        try:
            environments.build(image, say=self.screen.say)
        except Error as error:
            self.unprepared[image] = error

    def _watch(self, step: StepProcess) -> None:
        if self.signals or step.late:
            step.kill() if self.signals > 1 else step.stop()
        elif step.node.timeout and step.seconds > step.node.timeout:
            step.late = True
        code = step.process.poll()
        if code is None:
            return
        if step.process.stdin:
            step.process.stdin.close()
        del self.running[step.node.name]
        try:
            self._keep_log(step)
            committed = artefact.read(self.store, step.node.address) is not None
        except Error as error:
            self._failed(step.node, str(error), 1, step)
        else:
            self._finish(step, code, committed)

    def _finish(self, step: StepProcess, code: int, committed: bool) -> None:
        node, outcome = step.node, step.outcome()
        if code == 0 and committed:
            scores = outcome.get("scores", {})
            if failed := gates.failures(node.gates, scores):
                self._failed(node, "gate: " + "; ".join(failed), Refused.exit_code, step, scores=scores)
            else:
                self._set(node.name, "done", seconds=step.seconds, scores=scores, address=node.address)
        elif self.signals:
            self._set(node.name, "stopped", seconds=step.seconds, error="asked to stop")
        elif step.late:
            self._failed(node, f"took longer than its `timeout:` of {node.timeout}s", 1, step)
        else:
            self._failed(node, str(outcome.get("error") or process.explain(code)), code, step)

    def _failed(
        self, node: Node, error: str, code: int, step: StepProcess | None, scores: Mapping[str, float] | None = None
    ) -> None:
        state = "refused" if code == Refused.exit_code else "failed"
        self._set(node.name, state, error=error, code=code, seconds=step.seconds if step else 0.0, scores=scores or {})
        self.rows[node.name].note = error.splitlines()[0] if error else ""
        lines = process.last_lines(step.log) if step and state == "failed" else []
        self.failures.append("\n".join([f"step `{node.name}` {state}: {error}", *(f"  | {line}" for line in lines)]))

    def _set(self, name: str, state: str, **changes: object) -> None:
        steps = {**self.record.steps, name: replace(self.record.steps[name], state=state, **changes)}  # type: ignore[arg-type]
        self.record, self.dirty = replace(self.record, steps=steps), True
        row = self.rows[name]
        row.state, row.seconds = state, steps[name].seconds or row.seconds
        row.note = _note(steps[name])

    def _keep(self) -> None:
        """The record after every change, and a sign of life in between; logs of an object store now and then.

        A store that does not answer for a while stops no step: those that need it say so themselves.
        """
        now = time.monotonic()
        if now < self.retry:
            return
        try:
            if self.dirty or now - self.saved > BEAT:
                self.record, self.dirty, self.saved = runs.save(self.store, self.record), False, now
            if now - self.copied > BEAT:
                self.copied = now
                for step in self.running.values():
                    self._keep_log(step)
        except Unreachable as error:
            self.retry = time.monotonic() + BEAT
            self.screen.say(f"the record of the run could not be written, trying again: {error}")

    def _keep_log(self, step: StepProcess) -> None:
        key = self.record.log(step.node.name)
        if self.store.path(key) is None and step.log.is_file():
            self.store.write(key, step.log.read_bytes())

    def _verdict(self) -> str:
        states = {r.state for r in self.record.steps.values()}
        if self.signals and states != {"done"}:
            return "stopped"
        return next((s for s in ("failed", "refused", "stopped") if s in states), "done")

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals == 1:
            self.screen.say("stopping: every step saves and leaves (again to kill)")


def _note(step: StepRecord) -> str:
    if step.already:
        return step.error or "made before"
    if step.error:
        return step.error.splitlines()[0]
    return report.scores_text(step.scores, 4)
