"""What a launcher starts: everything but attempt and owner, known when a pipeline is compiled."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

NAME = 46
"""Most characters of a workload's name: with attempt and worker number appended it is still a host name."""


@dataclass(frozen=True)
class Workload:
    """A step that many pods make. Holds no secret: credentials come from Secrets that are named here."""

    kind: Literal["gang", "shards"]
    name: str
    """Deterministic; `name()` makes one."""
    image: str
    command: tuple[str, ...]
    """Without `--task` and `--shard`."""
    task: Mapping[str, Any]
    """Task.to_json()."""
    count: int
    """Nodes of a gang, or shards."""
    namespace: str = ""
    """Empty is the launcher's own."""
    gpus: int = 0
    """GPUs of a pod; a gang has a process for each."""
    cpu: int = 1
    memory: int = 0
    """Bytes of a pod; 0 asks for none and has no limit."""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """Secrets whose keys become environment variables."""
    volumes: tuple[Mapping[str, Any], ...] = ()
    """`{"claim": name, "path": "/store", "sub_path": ""}`."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    service_account: str = ""
    queue: str = ""
    """LocalQueue of Kueue."""
    labels: Mapping[str, str] = field(default_factory=dict)
    parallelism: int = 0
    """Shards at once; 0 is all."""
    timeout: int = 0
    """Seconds for the whole step, all attempts together; 0 is none."""
    grace: int = 0
    """Most seconds that a pod may take to save when it is told to terminate; 0: as many as it needs."""

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{NAME - 2}}}[a-z0-9])?", self.name):
            raise ValueError(
                f"`{self.name}` cannot name a workload: up to {NAME} lower-case letters, digits and `-`, a letter first"
            )
        if self.kind not in ("gang", "shards") or self.count < 1:
            raise ValueError(f"a workload is a gang or shards with a count of at least 1, not {self.count} {self.kind}")

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"format": 1, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Workload":
        """The reverse. ValueError for another format."""
        if value.get("format") != 1:
            raise ValueError(
                f"workload of format {value.get('format')}, this version reads 1: use the image of its version"
            )
        lists = {key: tuple(value[key]) for key in ("command", "secrets", "volumes", "tolerations") if key in value}
        return cls(**{**{key: item for key, item in value.items() if key != "format"}, **lists})


def name(job: str, step: str, fingerprint: str, store: str) -> str:
    """The name of a workload, equal for equal work: readable first, unique by its end. The same job with another store
    is other work, and may run beside it in the same namespace."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{job}-{step}".lower()).strip("-")
    slug = slug if slug[:1].isalpha() else f"s-{slug}".rstrip("-")
    unique = _hash(f"{job}/{step}/{fingerprint}\n{store}")[:8]
    return f"{slug[: NAME - 9].rstrip('-')}-{unique}"


def work(workload: Workload) -> str:
    """An identifier of the artefact, the same for every run: two launchers must not make the same one at once."""
    return _hash(f"{workload.task['store']}\n{workload.task['address']}")[:16]


def digest(workload: Workload) -> str:
    """Equal for workloads whose pods do the same in the same way, whichever run they are of."""
    apart = {"task", "labels", "timeout", "queue", "grace"}
    same = {key: value for key, value in workload.to_json().items() if key not in apart}
    task = workload.task
    return _hash(json.dumps([same, task["store"], task["address"]], sort_keys=True, ensure_ascii=False))[:16]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
