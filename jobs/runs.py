"""Records of runs in the store: `runs/<job>/<run>.json`, and the logs of their steps beside them."""

import fcntl
import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from components.runtime.provenance import utc
from components.runtime.reports import write
from ernie_core.errors import NotFound
from ernie_core.store import Store, open_store
from ernie_core.wording import listed

ENDED = ("done", "failed", "refused", "stopped")


@dataclass(frozen=True)
class StepRecord:
    """How far a step is; `state` is waiting, preparing, running, done, failed, refused, stopped or skipped."""

    state: str = "waiting"
    address: str = ""
    seconds: float = 0.0
    already: bool = False
    error: str = ""
    code: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    """What it waits for, or its progress, where no process of this machine reports it."""


@dataclass(frozen=True)
class Run:
    """One execution of a job."""

    id: str
    job: str
    work: str
    """Fingerprint of the whole job."""
    store: str
    state: str
    started: str
    beat: float
    """Unix time of the last heartbeat."""
    host: str
    pid: int
    user: str
    spec: Mapping[str, Any]
    steps: Mapping[str, StepRecord]
    ended: str = ""
    cluster: Mapping[str, str] = field(default_factory=dict)
    """For a run on a cluster: `endpoint`, `namespace`, its `name` there, and the `id` that it gets there."""

    @property
    def key(self) -> str:
        """Its record in the store."""
        return f"runs/{self.job}/{self.id}.json"

    def log(self, step: str) -> str:
        """The log of a step in the store."""
        return f"runs/{self.job}/{self.id}/logs/{step}.log"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def start(job: str, work: str, store: Store, spec: Mapping[str, Any], steps: Mapping[str, StepRecord], id: str = "",
          cluster: Mapping[str, str] | None = None) -> Run:  # fmt: skip
    """A new run, of this process if it is not one on a cluster."""
    name = id or new_id()
    return Run(
        name,
        job,
        work,
        store.url,
        "running",
        utc(time.time()),
        time.time(),
        socket.gethostname(),
        os.getpid(),
        _user(),
        spec,
        steps,
        cluster=cluster or {},
    )


def new_id() -> str:
    """Sorts by time."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + secrets.token_hex(2)


def save(store: Store, run: Run) -> Run:
    """Write the record, with a heartbeat."""
    run = replace(run, beat=time.time())
    store.write(run.key, json.dumps(run.to_json(), ensure_ascii=False, indent=1).encode())
    return run


def end(store: Store, run: Run, state: str) -> Run:
    """Write the last record."""
    return save(store, ended(run, state))


def ended(run: Run, state: str) -> Run:
    """The last record of a run that ends now."""
    return replace(run, state=state, ended=utc(time.time()))


def read(store: Store, job: str, id: str) -> Run:
    """NotFound if there is no such run."""
    value = json.loads(store.read(f"runs/{job}/{id}.json"))
    steps = {name: StepRecord(**row) for name, row in value.pop("steps").items()}
    return Run(**value, steps=steps)


def list_runs(store: Store, job: str | None = None) -> Iterator[Run]:
    """The newest first."""
    jobs = [job] if job else store.children("runs")
    names = [
        (name.removesuffix(".json"), j) for j in jobs for name in store.children(f"runs/{j}") if name.endswith(".json")
    ]
    return (read(store, j, name) for name, j in sorted(names, reverse=True))


def hold(cache: Path, id: str) -> IO[str]:
    """Keep open while the run is in progress: the kernel releases it when this process dies, however suddenly."""
    (cache / "locks").mkdir(parents=True, exist_ok=True)
    handle = open(cache / "locks" / f"run-{id}", "w")  # noqa: SIM115 - held for the life of the process
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def alive(run: Run, cache: Path) -> bool:
    """Whether its runner is still there; of a runner on another machine, whether it was a minute ago. A run on a
    cluster needs none: it is in progress until its record says otherwise, which every observer updates."""
    if run.state in ENDED:
        return False
    if run.cluster:
        return True
    if run.host != socket.gethostname():
        return time.time() - run.beat < 60
    return held(cache, run.id)


def held(cache: Path, id: str) -> bool:
    """Whether a runner of this machine holds the run."""
    try:
        with open(cache / "locks" / f"run-{id}") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def remember(cache: Path, run: Run) -> None:
    """Note the run on this machine, so that `kfp status` finds it without `--store`."""
    (cache / "runs").mkdir(parents=True, exist_ok=True)
    write(cache / "runs" / f"{run.id}.json", json.dumps({"store": run.store, "job": run.job}).encode())


def recall(cache: Path, id: str | None = None) -> tuple[Store, Run]:
    """A run of this machine by its id, or the newest. NotFound with the remedy."""
    names = sorted((p.stem for p in (cache / "runs").glob("*.json")), reverse=True)
    name = id or (names[0] if names else None)
    if name is None or name not in names:
        what = f"no run `{id}` was started on this machine" if id else "no run was started on this machine"
        raise NotFound(f"{what}, name its store with --store or its spec; known: {listed(names, 5) or 'none'}")
    known = json.loads((cache / "runs" / f"{name}.json").read_text())
    store = open_store(known["store"])
    return store, read(store, known["job"], name)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
