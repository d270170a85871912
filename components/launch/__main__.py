"""`python -m components.launch --workload W --manifest M`: make a step with many pods, and tell the pipeline of it."""

import argparse
import contextlib
import functools
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from components.contract.task import Task
from components.launch import identity, sweep
from components.launch import kube as kubes
from components.launch import workload as workloads
from components.launch.backend import RUN, STEP, WORK
from components.launch.kube import Kube
from components.launch.launcher import Launcher, Pace
from components.launch.lease import StepLease
from components.launch.observation import Limits, Refusal, Unavailable
from components.launch.patience import Patience, meaning
from components.launch.stages import stages
from components.launch.workload import Workload
from components.runtime import handover, record
from ernie_core import errors
from ernie_core.store import open_store


class StopRequested(BaseException):
    """SIGTERM: raised at whatever is being done, for there may be less than a tenth of a second left."""


def main(argv: list[str] | None = None) -> int:
    """Launch, or sweep; the exit code is that of a step (ernie_core/errors.py)."""
    parser = argparse.ArgumentParser(prog="python -m components.launch", description=__doc__)
    parser.add_argument("--workload", help="what to launch: a JSON file, or the JSON itself")
    parser.add_argument("--manifest", type=Path, help="where to write what was made")
    parser.add_argument("--executor-input", default="", help="the pipeline's description of this task, as JSON")
    parser.add_argument("--sweep", action="store_true", help="remove objects that no launcher owns")
    parser.add_argument("--run", help="with --sweep: every object of this run, now")
    parser.add_argument("--namespace", default="", help="with --sweep: the namespace; default: that of this pod")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _ask)
    workload: Workload | None = None
    os.umask(0o022)  # containers of pipelines start with none: what is written would be everyone's to change
    try:
        if given.sweep:
            kube = kubes.connect(given.namespace)
            for removed in sweep.run(kube, given.run) if given.run else sweep.orphans(kube):
                print(f"removed {removed}", flush=True)
            return 0
        if not given.workload:
            parser.error("--workload or --sweep is needed")
        text = given.workload
        text = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        workload = Workload.from_json(json.loads(text))
        kube = kubes.connect(workload.namespace)
        launch(kube, workload, Limits(timeout=workload.timeout), Pace(), given.manifest, given.executor_input)
    except StopRequested:
        return errors.Stopped.exit_code
    except Refusal as error:
        return _say(errors.Denied(f"{error}"), workload)
    except errors.Error as error:
        return _say(error, workload)
    return 0


def launch(kube: Kube, workload: Workload, limits: Limits, pace: Pace, manifest: Path | None = None,
           executor_input: str = "") -> None:  # fmt: skip
    """Make the artefact of a workload and hand it over; returns when that is done. Asked to stop, it stops the pods
    too, unless it is only this launcher that goes, to come back elsewhere."""
    todo, store = stages(workload), open_store(workload.task["store"])
    if record.final(before := record.read(store, record.key(workload.task))):
        raise errors.kind(before.code)(before.text)
    report = functools.partial(_wait, workload, set[str]())
    patience = Patience(report, pace.firm, pace.outage, functools.partial(meaning, stage=todo[0], kube=kube))
    own = patience.until(functools.partial(identity.find, kube), pace.soon)
    task, work = workload.task, workloads.work(workload)
    labels = {RUN: task["run"], STEP: task["name"], WORK: work}
    lease = StepLease(kube, f"ernie-{work}", own, labels, pace.term, pace.renew)
    try:
        for stage in todo:
            Launcher(kube, store, stage, own, lease, limits, pace).run()
        if manifest:
            done = functools.partial(handover.write, Task.from_json(task), store, manifest, executor_input)
            patience.until(done, pace.soon)
    except StopRequested:
        with contextlib.suppress(errors.Error):
            if lease.held and not identity.is_moved(kube, own):
                sweep.step(kube, work)
        raise
    finally:
        # A lease that is not given back runs out by itself.
        with contextlib.suppress(Unavailable, Refusal):
            lease.release()


def _wait(workload: Workload, before: set[str], text: str) -> None:
    """Report once what is waited for, also in the record that `kfp status` reads."""
    if text not in before:
        before.add(text)
        print(text, flush=True)
        record.note(Task.from_json(workload.task), text, None)


def _ask(number: int, frame: FrameType | None) -> None:
    raise StopRequested


def _say(error: errors.Error, workload: Workload | None) -> int:
    print(f"error: {error}", file=sys.stderr, flush=True)
    if workload:  # the state of a step is read from the store: Kubeflow keeps neither texts nor exit codes
        record.note(Task.from_json(workload.task), str(error), error.exit_code)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
