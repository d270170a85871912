"""Send a run to a cluster, through Kubeflow Pipelines; its record is in the store before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ernie_core.errors import Error, NotFound, Unreachable
from jobs import runs
from jobs.cluster import pipelines
from jobs.plan.prepare import Prepared
from jobs.runs import Run, StepRecord
from jobs.spec import endpoints


def submit(prepared: Prepared, options: Mapping[str, str]) -> Run:
    """Send what is to be done. Its record is in the store before, so that it is found whatever happens next."""
    from jobs.cluster import compile

    url, _ = endpoints.find(prepared.job.site, options)
    settings, id = prepared.job.site.cluster, runs.new_id()
    package = compile.package(prepared.job, prepared.plan, prepared.inputs, id)
    assert settings  # compile refuses without
    if not url:
        names = " or ".join(f"${name}" for name in endpoints.VARIABLES)
        raise NotFound(
            f"no endpoint of Kubeflow Pipelines: name it with {names}, or `cluster.endpoint` in the site file"
        )
    server = pipelines.connect(url, settings.namespace, options)
    for key, data in package.listings.items():
        prepared.store.write(key, data)
    place = {"endpoint": url, "namespace": settings.namespace, "name": package.name, "id": ""}
    steps = {step.node.name: _begin(step) for step in prepared.plan.steps}
    run = runs.start(prepared.job.name, prepared.work, prepared.store, prepared.provenance(), steps, id, place)
    runs.save(prepared.store, run)
    try:
        sent = server.send(package, settings.service_account)
    except Error as error:
        if not isinstance(error, Unreachable):  # of that one it is unknown whether it has arrived
            runs.end(prepared.store, run, "failed")
        raise
    return runs.save(prepared.store, replace(run, cluster={**place, "id": sent.id}))


def _begin(step: Any) -> StepRecord:
    """A planned step, before anything has begun."""
    done = step.state == "done"
    scores = dict(step.manifest.info.get("scores", {})) if step.manifest else {}
    return StepRecord(state="done" if done else "waiting", address=step.node.address, already=done, scores=scores)
