"""From a spec file to a plan: the way that every command goes."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ernie_core.errors import NotFound, Refused
from ernie_core.progress import Progress, silent
from ernie_core.store import Store, artefact, lease, open_store
from jobs.plan import graph, inputs, plan, refusals
from jobs.plan.graph import Node
from jobs.plan.inputs import Content
from jobs.plan.plan import Plan
from jobs.runs import Run
from jobs.spec import parser, site
from jobs.spec.document import Edit
from jobs.spec.job import Job
from jobs.spec.problems import unknown


@dataclass(frozen=True)
class Prepared:
    """A job, and what there is to do for it."""

    job: Job
    inputs: Mapping[str, Content]
    nodes: tuple[Node, ...]
    store: Store
    plan: Plan
    on_cluster: bool = False

    @property
    def work(self) -> str:
        """The fingerprint of the whole job."""
        return graph.work(self.nodes)

    def provenance(self) -> dict[str, Any]:
        """What records and manifests keep of the spec."""
        edits = [str(edit) for edit in self.job.edits]
        return {
            "file": Path(self.job.file).name,
            "path": self.job.file,
            "digest": self.job.digest,
            "text": self.job.text,
            "edits": edits,
        }


def from_file(
    file: Path, edits: Iterable[Edit], cache: Path, progress: Progress = silent, *, on_cluster: bool = False
) -> Prepared:
    """Check a spec and plan it; on a cluster with the store that pods can reach."""
    return _prepare(parser.load(file, edits), cache, progress, on_cluster)


def from_run(run: Run, cache: Path, progress: Progress = silent, *, on_cluster: bool = False) -> Prepared:
    """Plan again what a run was made from, even if the file has changed since."""
    from jobs.spec import document

    edits = [document.edit(text) for text in run.spec["edits"]]
    return _prepare(parser.parse(run.spec["text"], run.spec["path"], edits), cache, progress, on_cluster)


def redo(prepared: Prepared, names: Iterable[str]) -> Prepared:
    """Remove the artefacts of some steps, so that they are made again.

    NotFound for a step that is not there; Refused, and nothing is removed, while another process trains one of them.
    """
    nodes, chosen = {node.name: node for node in prepared.nodes}, list(names)
    for name in chosen:
        if name not in nodes:
            raise NotFound(f"step {unknown(name, nodes, 'is not in this spec')}")
        for address in nodes[name].addresses if type(nodes[name].step).gang else ():
            if writer := lease.busy(prepared.store, address):
                why = "whose checkpoints would go too: stop that run first"
                raise Refused(f"`{name}` is being trained by {writer}, {why}")
    for address in (address for name in chosen for address in nodes[name].addresses):
        artefact.remove(prepared.store, address)
    again = _plan(prepared.job, prepared.nodes, prepared.store, prepared.on_cluster)
    return replace(prepared, plan=again)


def _prepare(job: Job, cache: Path, progress: Progress, on_cluster: bool) -> Prepared:
    if on_cluster:
        job = replace(job, store=site.cluster_store(job.store, job.site))
    os.environ.update(site.environment(job.site))
    store = open_store(job.store)
    content = inputs.resolve(job, cache / "digests.sqlite", progress)
    nodes = graph.build(job, content)
    return Prepared(job, content, nodes, store, _plan(job, nodes, store, on_cluster), on_cluster)


def _plan(job: Job, nodes: tuple[Node, ...], store: Store, on_cluster: bool) -> Plan:
    return plan.make(nodes, store, None if on_cluster else refusals.here(*job.site.capacity()))
