"""A planned step as a task for a pod of a cluster: its task, its image, its inputs and its settings."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from components.contract import fingerprints
from components.contract.task import Task, TaskInput
from components.launch import workload as workloads
from components.launch.workload import Workload
from ernie_core.catalogue import mirror
from ernie_core.runtime import paddle_environment
from ernie_core.wording import listed
from jobs.plan.graph import Node
from jobs.plan.inputs import Content
from jobs.plan.sources import parameters, points, sources
from jobs.spec import document
from jobs.spec.cluster import Cluster, as_mappings
from jobs.spec.job import Job
from jobs.spec.problems import Problem

LONG = 16 * 2**10
"""Bytes of a list of files, above which it goes through the store."""
LEADER = 128 * 2**20
"""Bytes of the process of a pod that starts the point of a sweep and looks after it."""
SCRATCH = "/scratch"
"""Where a pod has room, however its image was made; gone with the pod."""
COMMAND = ("python", "-m", "components")


@dataclass(frozen=True)
class Context:
    """What all steps of a run share."""

    job: Job
    cluster: Cluster
    inputs: Mapping[str, Content]
    store: str
    run: str


def listings(nodes: list[Node], where: Context) -> dict[str, bytes]:
    """What must be in the store before the steps start: key -> long list of files, or of points of a sweep."""
    found: dict[str, bytes] = {}
    for node in nodes:
        for source in (source for group in sources(node, where.inputs).values() for source in group):
            data = _listing(source)
            found |= {_key(data): data} if len(data) > LONG else {}
        data = _points(node)
        found |= {_key(data): data} if len(data) > LONG else {}
    return dict(sorted(found.items()))


def problems(nodes: list[Node], where: Context) -> Iterator[Problem]:
    """Why the steps cannot run there, all reasons at once."""
    doc = document.apply(document.parse(where.job.text, where.job.file), where.job.edits)
    cluster, site = where.cluster, where.job.site
    if not where.store.startswith("s3://") and not cluster.holds(where.store):
        yield doc.problem(("store",), f"`{where.store}` is on no volume of the cluster, use s3://bucket/prefix, or set "
                          "`cluster.store` in the site file")  # fmt: skip
    place = _mirror(where)
    if place and not place.startswith(("http", "s3://")) and not cluster.holds(place):
        for name in sorted(node.name for node in nodes if _downloads(node)):
            text = f"`{name}` downloads, but the mirror `{place}` is on no volume of the cluster: set `cluster.mirror`"
            yield site.problem("mirror", text)
    read = {link.name for node in nodes for links in node.links.values() for link in links if not link.address}
    for name in sorted(read):
        content = where.inputs[name]
        for file in content.files:
            if not file.url.startswith("s3://") and not cluster.holds(file.url):
                text = f"`{file.url}` is on no volume of the cluster, put it on one, or on s3://"
                yield doc.problem(("inputs", name, content.kind), text)
                break
    for node in nodes:
        if node.halving:
            text = f"`halving` of `{node.name}` compares trainings of one machine: leave it out, or run `--on local`"
            yield Problem(where.job.file, 0, f"steps.{node.name}", text)
        if node.points and (node.nodes > 1 or node.gpus > 1):
            text = (
                f"`{node.name}` is a sweep with {node.nodes} nodes and {node.gpus} GPUs each: on a cluster a point is "
                "one pod, with one GPU at most; leave `nodes` out, or make the points steps of their own"
            )
            yield Problem(where.job.file, 0, f"steps.{node.name}", text)
    for image in sorted({name for node in nodes for name in _images(node)} - cluster.images.keys()):
        users = listed(f"`{node.name}`" for node in nodes if image in _images(node))
        yield site.problem(f"cluster.images.{image}", f"is needed by {users}, add `{image}: sha256:...`")


def is_launched(node: Node) -> bool:
    """Whether it is made by several pods, or one with GPUs, under a launcher."""
    shared = node.is_split and (node.shards or 1) > 1
    return node.nodes > 1 or node.gpus > 0 or shared or bool(node.points)


def image(node: Node) -> str:
    """The name of the image in which it runs."""
    return type(node.step).image + ("-gpu" if node.gpus else "")


def reference(name: str, cluster: Cluster) -> str:
    """What Kubernetes calls an image."""
    value = cluster.images[name]
    return f"{cluster.registry}/{name}@{value}" if value.startswith("sha256:") else value


def task(node: Node, where: Context) -> Task:
    """The task of its process."""
    name, found, data = image(node), points(node), _points(node)
    listed = len(data) > LONG
    return Task(
        component=node.component, name=node.name, parameters=parameters(node),
        fingerprint=node.fingerprint, address=node.address, store=where.store,
        inputs={port: tuple(map(_short, group)) for port, group in sources(node, where.inputs).items()},
        job=where.job.name, run=where.run, spec=_spec(where.job),
        image={"name": name, "reference": reference(name, where.cluster)},
        scratch=f"{SCRATCH}/step", cache=f"{SCRATCH}/cache", progress=f"{SCRATCH}/progress.json",
        outcome=f"{SCRATCH}/outcome.json", cpus=cpus(node), memory=node.memory,
        shards=node.shards or 1, ranks=node.ranks, require={gate.score: gate.text for gate in node.gates},
        continues=node.continues, points=() if listed else found, points_listing=_key(data) if listed else "",
        best=str(node.best or ""), halving=node.halving, work=_work(node),
    )  # fmt: skip


def _work(node: Node) -> str:
    """By this the image of a pod recognises a task from another version, before it makes something else."""
    return fingerprints.digest(fingerprints.work(node.component, type(node.step), None if node.points else node.step))


def workload(node: Node, where: Context) -> Workload:
    """What its launcher starts."""
    cluster, gang = where.cluster, type(node.step).gang and not node.points
    more = cluster.gpu if node.gpus else None
    return Workload(
        kind="gang" if gang else "shards",
        name=workloads.name(where.job.name, node.name, node.fingerprint, where.store),
        image=reference(image(node), cluster), command=(*COMMAND, node.component), task=task(node, where).to_json(),
        count=node.nodes if gang else len(node.points) or node.shards or 1,
        gpus=node.gpus, cpu=node.cpu, memory=node.memory + (LEADER if node.points else 0),
        env=environment(where, cpus(node), node), secrets=tuple(cluster.secrets),
        volumes=tuple({"claim": v.claim, "path": v.path, "sub_path": v.sub_path} for v in cluster.volumes),
        node_selector={**cluster.node_selector, **(more.node_selector if more else {})},
        tolerations=as_mappings((*cluster.tolerations, *(more.tolerations if more else ()))),
        service_account=cluster.service_account, queue=cluster.queue, labels=labels(node, where),
        timeout=node.timeout or 0, grace=cluster.grace or 0,
        parallelism=(node.shards or 1) if node.points else 0,
    )  # fmt: skip


def environment(where: Context, cpus: int = 1, node: Node | None = None) -> dict[str, str]:
    """The variables of a pod, of that of a step with its `node`; credentials come from secrets, or from the service
    account."""
    fixed = {"HOME": SCRATCH, "TMPDIR": SCRATCH, "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    store = (where.cluster.s3 or where.job.site.s3).environment()
    outside = _outside(where) if node and type(node.step).downloads else {}
    return dict(sorted({**fixed, **paddle_environment(cpus), **store, **outside}.items()))


def _downloads(node: Node) -> bool:
    """Whether the step, or a point of it, takes something by its published name."""
    return type(node.step).downloads and any(
        getattr(step, "name", None) for step in (node.step, *(p.step for p in node.points))
    )


def _mirror(where: Context) -> str:
    return (where.cluster.mirror or where.job.site.mirror or "").rstrip("/")


def _outside(where: Context) -> dict[str, str]:
    """How a step that downloads reaches what is outside: no part of its task, so of no fingerprint."""
    found = {mirror.VARIABLE: _mirror(where)} if _mirror(where) else {}
    return {**found, **(where.cluster.proxy.environment() if where.cluster.proxy else {})}


def cpus(node: Node) -> int:
    """Cores of each of its processes, one for each GPU of a pod."""
    return max(1, node.cpu // max(1, node.gpus))


def labels(node: Node, where: Context) -> dict[str, str]:
    """By which pods are found: KFP's own name neither job nor step."""
    return {"ernie.io/fingerprint": node.fingerprint, "ernie.io/job": where.job.name, "ernie.io/run": where.run,
            "ernie.io/step": node.name}  # fmt: skip


def argument(value: object) -> str:
    """JSON for a command line that Kubernetes, Argo and KFP each expand in their own way: without what any of them
    would take for a variable. A line for each value, so that a change of it is one line."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    # Neither `$` nor `{{` stands in JSON but inside of strings, where every character may be written by its number.
    return text.replace("$", "\\u0024").replace("{{", "{\\u007b").replace("}}", "}\\u007d")


def _images(node: Node) -> tuple[str, ...]:
    return (image(node), "launch") if is_launched(node) else (image(node),)


def _spec(job: Job) -> dict[str, object]:
    name = Path(job.file).name  # the folder is of the machine that submits
    return {"file": name, "path": name, "digest": job.digest, "text": job.text, "edits": [str(e) for e in job.edits]}


def _short(source: TaskInput) -> TaskInput:
    data = _listing(source)
    return replace(source, files=(), listing=_key(data)) if len(data) > LONG else source


def _points(node: Node) -> bytes:
    return json.dumps(points(node), ensure_ascii=False, sort_keys=True).encode()


def _listing(source: TaskInput) -> bytes:
    return json.dumps(source.files, ensure_ascii=False, sort_keys=True).encode()


def _key(data: bytes) -> str:
    return f"listings/{hashlib.sha256(data).hexdigest()}.json"
